//! The methods of Slack's Web API that we use, and what must be known about each.

use serde_json::Value;

use crate::slack::client::budget::Rate;

/// A method of the Web API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    AppsConnectionsOpen,
    AuthTest,
    ChatPostEphemeral,
    ChatPostMessage,
    ChatUpdate,
    ConversationsInfo,
    ConversationsJoin,
    ConversationsOpen,
    FilesCompleteUploadExternal,
    FilesGetUploadUrlExternal,
    FilesInfo,
    UsersInfo,
    ViewsOpen,
    ViewsPublish,
    ViewsUpdate,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 15] = [
        Self::AppsConnectionsOpen,
        Self::AuthTest,
        Self::ChatPostEphemeral,
        Self::ChatPostMessage,
        Self::ChatUpdate,
        Self::ConversationsInfo,
        Self::ConversationsJoin,
        Self::ConversationsOpen,
        Self::FilesCompleteUploadExternal,
        Self::FilesGetUploadUrlExternal,
        Self::FilesInfo,
        Self::UsersInfo,
        Self::ViewsOpen,
        Self::ViewsPublish,
        Self::ViewsUpdate,
    ];

    /// As it stands in the URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::AppsConnectionsOpen => "apps.connections.open",
            Self::AuthTest => "auth.test",
            Self::ChatPostEphemeral => "chat.postEphemeral",
            Self::ChatPostMessage => "chat.postMessage",
            Self::ChatUpdate => "chat.update",
            Self::ConversationsInfo => "conversations.info",
            Self::ConversationsJoin => "conversations.join",
            Self::ConversationsOpen => "conversations.open",
            Self::FilesCompleteUploadExternal => "files.completeUploadExternal",
            Self::FilesGetUploadUrlExternal => "files.getUploadURLExternal",
            Self::FilesInfo => "files.info",
            Self::UsersInfo => "users.info",
            Self::ViewsOpen => "views.open",
            Self::ViewsPublish => "views.publish",
            Self::ViewsUpdate => "views.update",
        }
    }

    /// The bot scopes that it needs.
    pub fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::AppsConnectionsOpen | Self::AuthTest | Self::ViewsOpen | Self::ViewsPublish | Self::ViewsUpdate => {
                &[]
            }
            Self::ChatPostEphemeral | Self::ChatPostMessage | Self::ChatUpdate => &["chat:write"],
            // Both kinds of channel: whether the bot is in a private one must be known, too.
            Self::ConversationsInfo => &["channels:read", "groups:read"],
            Self::ConversationsJoin => &["channels:join"],
            Self::ConversationsOpen => &["im:write"],
            Self::FilesCompleteUploadExternal | Self::FilesGetUploadUrlExternal => &["files:write"],
            Self::FilesInfo => &["files:read"],
            Self::UsersInfo => &["users:read"],
        }
    }

    /// Whether doing it twice shows a person nothing that doing it once does not.
    pub(super) fn may_repeat(self) -> bool {
        !matches!(self, Self::ChatPostEphemeral | Self::ChatPostMessage | Self::FilesCompleteUploadExternal)
    }

    /// These take no JSON.
    pub(super) fn is_get(self) -> bool {
        matches!(self, Self::ConversationsInfo | Self::FilesGetUploadUrlExternal | Self::FilesInfo | Self::UsersInfo)
    }

    /// Within Slack's tier, four fifths of it evenly and one fifth at once: no minute has more. Posts are counted by channel.
    pub(super) fn rate(self) -> Rate {
        let tier = match self {
            Self::ChatPostMessage => return Rate { per_minute: 60.0, at_once: 3.0 },
            // Tier 1 allows one a minute, but lines that break must come back.
            Self::AppsConnectionsOpen => 10.0,
            // Ten of the fifty are left to last edits, which go ahead.
            Self::ChatUpdate => return Rate { per_minute: 35.0, at_once: 5.0 },
            Self::ConversationsInfo | Self::ConversationsJoin | Self::ConversationsOpen => 50.0,
            Self::AuthTest
            | Self::ChatPostEphemeral
            | Self::FilesCompleteUploadExternal
            | Self::FilesGetUploadUrlExternal
            | Self::FilesInfo
            | Self::UsersInfo
            | Self::ViewsOpen
            | Self::ViewsPublish
            | Self::ViewsUpdate => 100.0,
        };
        Rate { per_minute: tier * 0.8, at_once: tier * 0.2 }
    }

    /// Called even when the installation is dead, because its answer tells.
    pub(super) fn asks_whether_alive(self) -> bool {
        self == Self::AuthTest
    }

    pub(super) fn needs_app_token(self) -> bool {
        self == Self::AppsConnectionsOpen
    }
}

/// The fields of `body`, an object, as query parameters.
pub(super) fn params(body: &Value) -> Vec<(&str, String)> {
    let fields = body.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}
