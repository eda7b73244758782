//! What Slack hears at once, within the three seconds of a click.

use serde_json::{Value, json};

use crate::slack::wording::blocks::Message;

/// What Slack hears at once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    body: Option<Value>,
}

impl Reply {
    /// Only that it arrived.
    pub(crate) fn empty() -> Self {
        Self { body: None }
    }

    /// An object that Slack understands.
    pub(crate) fn json(body: Value) -> Self {
        Self { body: Some(body) }
    }

    /// A message that only the person sees.
    pub(crate) fn ephemeral(message: &Message) -> Self {
        Self::json(json!({ "response_type": "ephemeral", "text": message.text, "blocks": message.blocks }))
    }

    /// [`Self::ephemeral`] with one paragraph.
    pub(crate) fn words(text: &str) -> Self {
        Self::ephemeral(&Message::paragraph(text))
    }

    pub(crate) fn into_body(self) -> Option<Value> {
        self.body
    }
}
