//! Who answers what: the one place behind both doors.

use serde_json::{Value, json};

use super::{
    SlackApp, actions,
    blocks::Message,
    command, events, form,
    inbound::{Inbound, Interaction, InteractionKind},
    outsider, shortcuts, submit,
};

/// What Slack hears at once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    body: Option<Value>,
}

impl Reply {
    /// Only that it arrived.
    pub(super) fn empty() -> Self {
        Self { body: None }
    }

    /// An object that Slack understands.
    pub(super) fn json(body: Value) -> Self {
        Self { body: Some(body) }
    }

    /// A message that only the person sees.
    pub(super) fn ephemeral(message: &Message) -> Self {
        Self::json(json!({ "response_type": "ephemeral", "text": message.text, "blocks": message.blocks }))
    }

    /// [`Self::ephemeral`] with one paragraph.
    pub(super) fn words(text: &str) -> Self {
        Self::ephemeral(&Message::paragraph(text))
    }

    pub(super) fn into_body(self) -> Option<Value> {
        self.body
    }
}

/// Answers what arrived, whichever door it came through, well within three seconds.
pub(super) async fn dispatch(app: &SlackApp, inbound: Inbound) -> Reply {
    if let Some(refusal) = outsider::refusal(app, &inbound).await {
        return refusal;
    }
    match inbound {
        Inbound::Command(command) => command::answer(app, &command).await,
        Inbound::Interaction(interaction) => interact(app, *interaction).await,
        Inbound::Event(envelope) => events::answer(app, *envelope),
        Inbound::SslCheck | Inbound::Unknown => Reply::empty(),
    }
}

async fn interact(app: &SlackApp, interaction: Interaction) -> Reply {
    match interaction.kind {
        InteractionKind::BlockActions => actions::answer(app, &interaction).await,
        InteractionKind::ViewSubmission => submit::answer(app, &interaction).await,
        InteractionKind::BlockSuggestion => form::suggest(app, &interaction).await,
        InteractionKind::Shortcut | InteractionKind::MessageAction => shortcuts::answer(app, &interaction).await,
        InteractionKind::ViewClosed | InteractionKind::Unknown => Reply::empty(),
    }
}
