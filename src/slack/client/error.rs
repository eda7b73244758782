//! What can come of a call to Slack, decided once.

use std::time::Duration;

use hyper_util::client::legacy::Error as HyperError;
use serde_json::Value;
use slack_morphism::errors::SlackClientError;

use crate::{segment::Failure, slack::client::Method};

/// Why a call to Slack came to nothing, or may have. Holds Slack's error code at most, never a payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlackCallError {
    #[error("rate limited for {} s", retry_after.as_secs())]
    RateLimited { retry_after: Duration },
    /// Slack understood and said no.
    #[error("refused: {code}")]
    Refused { code: String },
    /// It was not done: no connection, or (for what may be repeated) no answer however often we tried.
    #[error("unreachable")]
    Unreachable,
    /// It may have been done: the answer was lost, late, or not understood.
    #[error("no clear answer")]
    Ambiguous,
    /// The token is revoked, or the app is gone from the workspace.
    #[error("the installation is dead: {code}")]
    Dead { code: String },
    /// The file to upload cannot be read here.
    #[error("the file cannot be read: {0}")]
    LocalFile(std::io::ErrorKind),
}

impl SlackCallError {
    /// Slack's code, when it refused.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code } => Some(code),
            _ => None,
        }
    }

    /// What a delivery that ended so is stored as.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Refused { code } => Failure::SlackRefused { reason: code },
            Self::RateLimited { .. } | Self::Unreachable | Self::Ambiguous | Self::Dead { .. } => {
                Failure::SlackUnreachable
            }
            Self::LocalFile(_) => Failure::StorageUnreachable,
        }
    }

    /// For what may be repeated, doubt is the same as not done.
    pub(super) fn for_caller(self, method: Method) -> Self {
        if self == Self::Ambiguous && method.may_repeat() { Self::Unreachable } else { self }
    }
}

/// Slack's answer, if it says `ok: true`.
pub(super) fn checked(answer: Value) -> Result<Value, SlackCallError> {
    match answer.get("ok").and_then(Value::as_bool) {
        Some(true) => Ok(answer),
        Some(false) => Err(by_code(answer.get("error").and_then(Value::as_str).unwrap_or("no_error_code"))),
        // A page of a proxy, for example.
        None => Err(SlackCallError::Ambiguous),
    }
}

pub(super) fn classify(error: &SlackClientError) -> SlackCallError {
    match error {
        SlackClientError::ApiError(error) => by_code(&error.code),
        SlackClientError::RateLimitError(error) => {
            SlackCallError::RateLimited { retry_after: error.retry_after.unwrap_or(DEFAULT_RETRY_AFTER) }
        }
        SlackClientError::HttpError(error) if error.status_code.is_client_error() => {
            SlackCallError::Refused { code: format!("http_{}", error.status_code.as_u16()) }
        }
        SlackClientError::HttpProtocolError(error) if error.cause.as_deref().is_some_and(never_sent) => {
            SlackCallError::Unreachable
        }
        _ => SlackCallError::Ambiguous,
    }
}

/// Slack always sends the header; a proxy might not.
pub(super) const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

fn never_sent(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    cause.downcast_ref::<HyperError>().is_some_and(HyperError::is_connect)
}

fn by_code(code: &str) -> SlackCallError {
    match code {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
            SlackCallError::RateLimited { retry_after: DEFAULT_RETRY_AFTER }
        }
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" | "team_added_to_org" => {
            SlackCallError::Ambiguous
        }
        "token_revoked" | "account_inactive" | "invalid_auth" | "not_authed" | "token_expired" => {
            SlackCallError::Dead { code: code.to_owned() }
        }
        _ => SlackCallError::Refused { code: code.to_owned() },
    }
}
