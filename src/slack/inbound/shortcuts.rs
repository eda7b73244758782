//! Shortcuts: the global one delivers by direct message, the one of a message into its thread.

use crate::slack::{
    app::SlackApp,
    deadline::Deadline,
    ids::{SHORTCUT_GLOBAL, SHORTCUT_MESSAGE},
    payload::Interaction,
    reply::Reply,
    request::{
        draft::{Origin, RequestDraft},
        form,
    },
};

/// Opens the form. Slack shows a shortcut's failure itself, so nothing is said here.
pub(crate) async fn answer(app: &SlackApp, interaction: &Interaction, deadline: Deadline) -> Reply {
    let origin = match interaction.callback_id.as_str() {
        SHORTCUT_GLOBAL => Origin::default(),
        SHORTCUT_MESSAGE => {
            Origin { channel: interaction.channel(), thread_ts: interaction.thread_ts(), ..Origin::default() }
        }
        _ => return Reply::empty(),
    };
    let who = app.who(interaction.team(), &interaction.user.id, deadline).await;
    let asked = RequestDraft { origin, ..RequestDraft::default() };
    // The client has logged a failure.
    let _ = form::open(app, &who, &asked, &interaction.trigger_id).await;
    Reply::empty()
}
