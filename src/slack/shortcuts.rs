//! Shortcuts: the global one delivers by direct message, the one of a message into its thread.

use super::{
    SHORTCUT_GLOBAL, SHORTCUT_MESSAGE, SlackApp,
    dispatch::Reply,
    form::{self, Origin, Seed},
    inbound::Interaction,
};

/// Opens the form. Slack shows a shortcut's failure itself, so nothing is said here.
pub(super) async fn answer(app: &SlackApp, interaction: &Interaction) -> Reply {
    let origin = match interaction.callback_id.as_str() {
        SHORTCUT_GLOBAL => Origin::default(),
        SHORTCUT_MESSAGE => {
            Origin { channel: interaction.channel(), thread_ts: interaction.thread_ts(), ..Origin::default() }
        }
        _ => return Reply::empty(),
    };
    let who = app.who(interaction.team(), &interaction.user.id).await;
    let seed = Seed { origin, ..Seed::default() };
    // The client has logged a failure.
    let _ = form::open(app, &who, &seed, &interaction.trigger_id).await;
    Reply::empty()
}
