//! What Slack sends us, as our own tolerant structs: unknown fields are ignored, unknown kinds are a variant, `team: null` is fine.
//!
//! slack-morphism's types drop what a modal holds and refuse organisation-wide installations, so they are not used for what arrives.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Anything that came through a door.
#[derive(Debug, Clone)]
pub(crate) enum Inbound {
    Command(Box<Command>),
    Interaction(Box<Interaction>),
    Event(Box<EventEnvelope>),
    /// Slack looks whether we are there.
    SslCheck,
    /// Nothing that we know; answered with 200 all the same.
    Unknown,
}

/// A slash command.
#[expect(clippy::struct_field_names, reason = "Slack's names")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Command {
    pub(crate) command: String,
    pub(crate) text: String,
    pub(crate) user_id: String,
    pub(crate) channel_id: String,
    pub(crate) team_id: Option<String>,
    pub(crate) enterprise_id: Option<String>,
    pub(crate) trigger_id: String,
}

/// A person did something in a message, a modal or a menu.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Interaction {
    #[serde(rename = "type")]
    pub(crate) kind: InteractionKind,
    #[serde(deserialize_with = "or_default")]
    pub(crate) team: Named,
    #[serde(deserialize_with = "or_default")]
    pub(crate) enterprise: Named,
    pub(crate) user: User,
    #[serde(deserialize_with = "or_default")]
    pub(crate) channel: Named,
    #[serde(deserialize_with = "or_default")]
    pub(crate) message: InMessage,
    #[serde(deserialize_with = "or_default")]
    pub(crate) container: Container,
    #[serde(deserialize_with = "or_default")]
    pub(crate) view: View,
    #[serde(deserialize_with = "or_default")]
    pub(crate) actions: Vec<Action>,
    pub(crate) trigger_id: String,
    /// Of shortcuts.
    pub(crate) callback_id: String,
    /// Of block suggestions: the input that asks, and what was typed so far.
    pub(crate) action_id: String,
    pub(crate) value: String,
}

/// The kinds of interaction that we answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InteractionKind {
    BlockActions,
    ViewSubmission,
    ViewClosed,
    Shortcut,
    MessageAction,
    BlockSuggestion,
    #[default]
    #[serde(other)]
    Unknown,
}

/// Something with an id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Named {
    #[serde(deserialize_with = "or_default")]
    pub(crate) id: String,
}

/// Who did it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) team_id: Option<String>,
}

/// The message that it was done to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct InMessage {
    pub(crate) ts: String,
    pub(crate) thread_ts: Option<String>,
}

/// Where a button stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Container {
    pub(crate) channel_id: Option<String>,
    pub(crate) message_ts: Option<String>,
    pub(crate) thread_ts: Option<String>,
    pub(crate) is_ephemeral: bool,
}

/// A modal and what was typed into it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct View {
    pub(crate) id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) hash: String,
    pub(crate) callback_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) private_metadata: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) state: ViewState,
    pub(crate) app_installed_team_id: Option<String>,
}

/// Values by block id, then by action id.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct ViewState {
    #[serde(deserialize_with = "or_default")]
    pub(crate) values: Map<String, Value>,
}

/// A button that was pressed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Action {
    pub(crate) action_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) value: String,
}

/// The wrapping of the Events API.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EventEnvelope {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Of `url_verification`.
    pub(crate) challenge: Option<String>,
    pub(crate) event_id: String,
    pub(crate) team_id: Option<String>,
    pub(crate) enterprise_id: Option<String>,
    /// For whom the app sees it: where it is installed.
    #[serde(deserialize_with = "or_default")]
    pub(crate) authorizations: Vec<Authorization>,
    /// Another organisation is in the channel too.
    #[serde(deserialize_with = "or_default")]
    pub(crate) is_ext_shared_channel: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) event: Event,
}

/// An installation that an event is delivered for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Authorization {
    pub(crate) team_id: Option<String>,
}

/// Something that happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) user: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) channel: String,
    pub(crate) ts: String,
    pub(crate) thread_ts: Option<String>,
    /// Of `app_home_opened`: which tab.
    pub(crate) tab: Option<String>,
    pub(crate) bot_id: Option<String>,
    /// The workspace of who did it, under one of these names.
    pub(crate) team: Option<String>,
    pub(crate) user_team: Option<String>,
    pub(crate) source_team: Option<String>,
}

/// `null` is the same as absent.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

impl Command {
    /// The workspace; an organisation's id where there is none.
    pub(crate) fn team(&self) -> String {
        first_of([self.team_id.as_deref(), self.enterprise_id.as_deref()])
    }
}

impl Interaction {
    /// The workspace, wherever Slack put it this time.
    pub(crate) fn team(&self) -> String {
        first_of([
            Some(&*self.team.id),
            self.user.team_id.as_deref(),
            self.view.app_installed_team_id.as_deref(),
            Some(&*self.enterprise.id),
        ])
    }

    /// The channel of the message; empty in a modal or a global shortcut.
    pub(crate) fn channel(&self) -> String {
        first_of([Some(&*self.channel.id), self.container.channel_id.as_deref()])
    }

    /// The thread that the message is in; a message outside a thread starts one.
    pub(crate) fn thread_ts(&self) -> Option<String> {
        let found = first_of([
            self.message.thread_ts.as_deref(),
            self.container.thread_ts.as_deref(),
            Some(&*self.message.ts),
            self.container.message_ts.as_deref(),
        ]);
        Some(found).filter(|ts| !ts.is_empty())
    }
}

fn first_of<const N: usize>(candidates: [Option<&str>; N]) -> String {
    candidates.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or_default().to_owned()
}

/// A payload that is signed but cannot be read; its text is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payload from Slack that is neither a command, an interaction nor an event")]
pub(crate) struct Unreadable;

impl Inbound {
    /// Tells apart what arrives at the one address: JSON is an event, a form is an interaction, a command or a probe.
    pub(crate) fn from_http(content_type: &str, body: &[u8]) -> Result<Self, Unreadable> {
        if content_type.starts_with("application/json") {
            return Ok(Self::Event(serde_json::from_slice(body).map_err(|_| Unreadable)?));
        }
        let fields = form(body);
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if field("ssl_check").is_some() {
            return Ok(Self::SslCheck);
        }
        if let Some(payload) = field("payload") {
            return Ok(Self::Interaction(serde_json::from_str(payload).map_err(|_| Unreadable)?));
        }
        if field("command").is_some() {
            let fields: Map<String, Value> = fields.into_iter().map(|(key, value)| (key, value.into())).collect();
            return Ok(Self::Command(serde_json::from_value(fields.into()).map_err(|_| Unreadable)?));
        }
        Ok(Self::Unknown)
    }

    /// The same from a Socket Mode envelope's type and payload.
    pub(crate) fn from_socket(kind: &str, payload: Value) -> Result<Self, Unreadable> {
        match kind {
            "slash_commands" => serde_json::from_value(payload).map(Self::Command),
            "interactive" => serde_json::from_value(payload).map(Self::Interaction),
            "events_api" => serde_json::from_value(payload).map(Self::Event),
            _ => Ok(Self::Unknown),
        }
        .map_err(|_| Unreadable)
    }
}

/// An URL-encoded form.
fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn http(content_type: &str, body: &str) -> Inbound {
        Inbound::from_http(content_type, body.as_bytes()).unwrap()
    }

    #[test]
    fn a_form_with_a_command_is_a_command() {
        let body = "token=x&team_id=T1&channel_id=C1&user_id=U1&command=%2Fsegment&text=size%3D5%25+name%3D%E6%98%A5&trigger_id=1.2";
        let Inbound::Command(command) = http("application/x-www-form-urlencoded", body) else { panic!("a command") };
        assert_eq!((command.text.as_str(), command.team().as_str()), ("size=5% name=春", "T1"));
    }

    #[test]
    fn an_organisation_wide_installation_has_no_team() {
        let payload = json!({ "type": "view_submission", "team": null, "enterprise": { "id": "E1" },
            "user": { "id": "W1", "team_id": "T9" }, "channel": null, "view": { "id": "V1", "hash": null, "state": null } });
        let body =
            format!("payload={}", payload.to_string().replace('%', "%25").replace('&', "%26").replace('+', "%2B"));
        let Inbound::Interaction(interaction) = http("application/x-www-form-urlencoded", &body) else {
            panic!("an interaction")
        };
        assert_eq!(interaction.team(), "T9");
        assert_eq!(interaction.kind, InteractionKind::ViewSubmission);
    }

    #[test]
    fn what_is_unknown_is_not_an_error() {
        let Inbound::Interaction(interaction) = http("", "payload={\"type\":\"workflow_step_edit\"}") else {
            panic!("an interaction")
        };
        assert_eq!(interaction.kind, InteractionKind::Unknown);
        assert!(matches!(http("", "ssl_check=1&token=x"), Inbound::SslCheck));
        assert!(matches!(http("text/plain", "hello"), Inbound::Unknown));
        assert!(Inbound::from_http("application/json", b"{").is_err());
        assert!(matches!(Inbound::from_socket("hello", json!({})), Ok(Inbound::Unknown)));
    }

    #[test]
    fn a_thread_is_found_wherever_slack_puts_it() {
        let read = |value: Value| serde_json::from_value::<Interaction>(value).unwrap().thread_ts();
        assert_eq!(read(json!({ "message": { "ts": "2.0", "thread_ts": "1.0" } })).as_deref(), Some("1.0"));
        assert_eq!(read(json!({ "message": { "ts": "2.0" } })).as_deref(), Some("2.0"));
        assert_eq!(read(json!({ "container": { "message_ts": "3.0" } })).as_deref(), Some("3.0"));
        assert_eq!(read(json!({})), None);
    }
}
