//! Who answers what: the one place behind both doors.

use crate::slack::{
    app::SlackApp,
    deadline::Deadline,
    inbound::{buttons, command, events, outsider, shortcuts},
    payload::{Inbound, Interaction, InteractionKind},
    reply::Reply,
    request::{form, submit},
};

/// Answers what arrived, whichever door it came through, before the deadline.
pub(crate) async fn dispatch(app: &SlackApp, inbound: Inbound, deadline: Deadline) -> Reply {
    if let Some(refusal) = outsider::refusal(app, &inbound, deadline).await {
        return refusal;
    }
    match inbound {
        Inbound::Command(command) => command::answer(app, &command, deadline).await,
        Inbound::Interaction(interaction) => interact(app, *interaction, deadline).await,
        Inbound::Event(envelope) => events::answer(app, *envelope),
        Inbound::SslCheck | Inbound::Unknown => Reply::empty(),
    }
}

async fn interact(app: &SlackApp, interaction: Interaction, deadline: Deadline) -> Reply {
    match interaction.kind {
        InteractionKind::BlockActions => buttons::answer(app, &interaction, deadline).await,
        InteractionKind::ViewSubmission => submit::answer(app, &interaction, deadline).await,
        InteractionKind::BlockSuggestion => form::suggest(app, &interaction, deadline).await,
        InteractionKind::Shortcut | InteractionKind::MessageAction => {
            shortcuts::answer(app, &interaction, deadline).await
        }
        InteractionKind::ViewClosed | InteractionKind::Unknown => Reply::empty(),
    }
}
