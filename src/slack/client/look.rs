//! A look at the token from outside: whose it is, what it may do, and what time Slack thinks it is.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{HeaderMap, Request, header};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;

use crate::{
    config::SlackConfig,
    slack::client::{Method, SlackCallError, connector, error},
};

const PATIENCE: Duration = Duration::from_secs(10);
/// An answer of `auth.test` is a few hundred bytes.
const ANSWER_BYTES_MAX: usize = 1 << 16;
/// Scopes that no method needs: the command, and mentions.
const WITHOUT_METHOD: [&str; 2] = ["app_mentions:read", "commands"];

/// What Slack says of a bot's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackLook {
    /// The bot and its workspace.
    pub identity: String,
    /// Scopes that it needs and does not have; none where Slack does not say what it has.
    pub lacking: Vec<String>,
    /// Slack's clock.
    pub now: Option<DateTime<Utc>>,
}

/// Asks Slack about the token. Headers tell most of it, which the usual client does not show.
pub async fn look(config: &SlackConfig) -> Result<SlackLook, SlackCallError> {
    let client = Client::builder(TokioExecutor::new()).build(connector().map_err(|_| SlackCallError::Unreachable)?);
    let url = format!("{}/{}", config.api_url.trim_end_matches('/'), Method::AuthTest.name());
    let request = Request::post(url)
        .header(header::AUTHORIZATION, format!("Bearer {}", config.bot_token.expose()))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::CONTENT_LENGTH, 0)
        .body(Empty::<Bytes>::new())
        .map_err(|_| SlackCallError::Refused { code: "api_url_or_token_unusable".to_owned() })?;
    let asked = async {
        let response = client.request(request).await.map_err(|_| SlackCallError::Unreachable)?;
        let headers = response.headers().clone();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok((headers, body.map_err(|_| SlackCallError::Ambiguous)?.to_bytes()))
    };
    let (headers, body) = tokio::time::timeout(PATIENCE, asked).await.map_err(|_| SlackCallError::Unreachable)??;
    let answer: Value = serde_json::from_slice(&body).map_err(|_| SlackCallError::Ambiguous)?;
    let answer = error::checked(answer)?;
    let field = |name: &str| answer[name].as_str().unwrap_or("?").to_owned();
    Ok(SlackLook {
        identity: format!("{} in {}", field("user"), field("team")),
        lacking: text(&headers, "x-oauth-scopes").map(lacking).unwrap_or_default(),
        now: text(&headers, "date").and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc()),
    })
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The scopes that `manifest.yml` asks for and that are not in this list.
fn lacking(given: &str) -> Vec<String> {
    let given: BTreeSet<&str> = given.split(',').map(str::trim).collect();
    let needed: BTreeSet<&str> =
        Method::ALL.into_iter().flat_map(Method::scopes).copied().chain(WITHOUT_METHOD).collect();
    needed.difference(&given).map(|&scope| scope.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_that_are_not_given_are_named() {
        assert_eq!(
            lacking("commands,chat:write, users:read,im:write,files:read,files:write"),
            ["app_mentions:read", "channels:join", "channels:read", "groups:read"]
        );
    }
}
