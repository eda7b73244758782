//! The one wrapper around every call to Slack: time-outs, Retry-After, and retries by what a repetition would do.
//!
//! Never prints a payload, a token or slack-morphism's error texts, which quote whole responses.

mod budget;
mod error;
mod installation;
mod look;
mod method;
mod upload;

use std::{sync::Arc, time::Duration};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;
use slack_morphism::{
    SlackApiToken, SlackClient as MorphismClient,
    prelude::{SlackApiTokenValue, SlackClientHyperConnector, SlackHyperClient},
};
use tokio::time::Instant;

pub use error::SlackCallError;
pub use installation::Installed;
pub use look::{SlackLook, look};
pub use method::Method;
pub use upload::Upload;

use self::budget::{Budget, Key};

use crate::config::{Secret, SlackConfig};

/// How long calls wait and how often they try.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// One call while a person waits for an answer within Slack's three seconds.
    pub hurried: Duration,
    /// One try of a call that nobody waits for.
    pub unhurried: Duration,
    /// Tries of a call that nobody waits for.
    pub tries: u32,
    /// Wait before the second try; doubles each time.
    pub first_wait: Duration,
    /// A longer Retry-After is handed to the caller instead of waited for.
    pub longest_wait: Duration,
    /// Between two looks whether a dead installation works again.
    pub look_again: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            hurried: Duration::from_secs(2),
            unhurried: Duration::from_secs(10),
            tries: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            look_again: Duration::from_mins(1),
        }
    }
}

/// Whether somebody waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallPriority {
    /// One try within two seconds: a person waits for the acknowledgement.
    Hurried,
    /// Retries; for work behind the acknowledgement.
    Unhurried,
    /// One try, handed back at once when Slack's limits do not allow it; for loops that come by again.
    InPassing,
}

/// Calls Slack's Web API with the bot's token. Cheap to clone.
#[derive(Clone)]
pub struct SlackClient {
    inner: Arc<Inner>,
}

struct Inner {
    morphism: Arc<SlackHyperClient>,
    bot: SlackApiToken,
    app: Option<SlackApiToken>,
    uploads: upload::Uploads,
    patience: Patience,
    installation: installation::Installation,
    budget: Budget,
}

impl std::fmt::Debug for SlackClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SlackClient").finish_non_exhaustive()
    }
}

impl SlackClient {
    /// A client over TLS or plain HTTP, whichever `config.api_url` says. Fails when the system has no root certificates.
    pub fn new(config: &SlackConfig) -> std::io::Result<Self> {
        Self::with_patience(config, Patience::default())
    }

    /// [`Self::new`] with other time-outs.
    pub fn with_patience(config: &SlackConfig, patience: Patience) -> std::io::Result<Self> {
        let connector = connector()?;
        let api_url = config.api_url.trim_end_matches('/');
        let morphism = SlackClientHyperConnector::from(connector.clone()).with_slack_api_url(api_url);
        Ok(Self {
            inner: Arc::new(Inner {
                morphism: Arc::new(MorphismClient::new(morphism)),
                bot: token(&config.bot_token),
                app: config.app_token.as_ref().map(token),
                uploads: upload::Uploads::new(connector),
                patience,
                installation: installation::Installation::new(),
                budget: Budget::default(),
            }),
        })
    }

    /// slack-morphism's client, for the layer that checks signatures.
    pub(super) fn morphism(&self) -> Arc<SlackHyperClient> {
        Arc::clone(&self.inner.morphism)
    }

    /// Calls `method`; the answer is Slack's whole object, `ok: true` checked.
    pub async fn call(&self, method: Method, body: &Value, pace: CallPriority) -> Result<Value, SlackCallError> {
        if let Some(code) = self.dead_code().filter(|_| !method.asks_whether_alive()) {
            return Err(SlackCallError::Dead { code });
        }
        let result = match pace {
            CallPriority::Hurried => self.at_once(method, body, pace, self.inner.patience.hurried).await,
            CallPriority::Unhurried => self.patiently(method, body).await,
            CallPriority::InPassing => self.at_once(method, body, pace, self.inner.patience.unhurried).await,
        };
        self.note(method, result.as_ref().err());
        result.map_err(|error| error.for_caller(method))
    }

    /// How long a call would have to wait for Slack's limits; posts are counted by channel.
    pub(super) fn wait_for(&self, method: Method, channel: &str, pace: CallPriority) -> Duration {
        self.inner.budget.wait(&Key::new(method, Some(channel)), pace, Instant::now())
    }

    async fn at_once(
        &self,
        method: Method,
        body: &Value,
        pace: CallPriority,
        limit: Duration,
    ) -> Result<Value, SlackCallError> {
        let key = Key::of(method, body);
        let taken = self.inner.budget.take(&key, pace, Instant::now());
        taken.map_err(|retry_after| SlackCallError::RateLimited { retry_after })?;
        self.once(method, body, &key, limit).await
    }

    async fn patiently(&self, method: Method, body: &Value) -> Result<Value, SlackCallError> {
        let patience = &self.inner.patience;
        let key = Key::of(method, body);
        let mut wait = patience.first_wait;
        for _ in 1..patience.tries {
            self.turn(&key).await?;
            let error = match self.once(method, body, &key, patience.unhurried).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = match &error {
                // The bucket is closed for as long as Slack wants.
                SlackCallError::RateLimited { retry_after } if *retry_after <= patience.longest_wait => Duration::ZERO,
                SlackCallError::Unreachable => wait,
                SlackCallError::Ambiguous if method.may_repeat() => wait,
                _ => return Err(error),
            };
            tracing::debug!(method = method.name(), %error, pause_ms = pause.as_millis(), "Slack did not do it; trying again");
            tokio::time::sleep(pause).await;
            wait *= 2;
        }
        self.turn(&key).await?;
        self.once(method, body, &key, patience.unhurried).await
    }

    /// Waits for a token, or fails when that takes longer than anybody should be kept.
    async fn turn(&self, key: &Key) -> Result<(), SlackCallError> {
        let give_up = Instant::now() + self.inner.patience.longest_wait;
        while let Err(wait) = self.inner.budget.take(key, CallPriority::Unhurried, Instant::now()) {
            if Instant::now() + wait > give_up {
                return Err(SlackCallError::RateLimited { retry_after: wait });
            }
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    async fn once(&self, method: Method, body: &Value, key: &Key, limit: Duration) -> Result<Value, SlackCallError> {
        let result = match tokio::time::timeout(limit, self.send(method, body)).await {
            Ok(Ok(answer)) => error::checked(answer),
            Ok(Err(error)) => Err(error::classify(&error)),
            Err(_) => Err(SlackCallError::Ambiguous),
        };
        if let Err(SlackCallError::RateLimited { retry_after }) = &result {
            self.inner.budget.close(key, *retry_after, Instant::now());
        }
        result
    }

    async fn send(&self, method: Method, body: &Value) -> Result<Value, slack_morphism::errors::SlackClientError> {
        let token = if method.needs_app_token() { self.inner.app.as_ref() } else { None };
        let session = self.inner.morphism.open_session(token.unwrap_or(&self.inner.bot));
        let api = &session.http_session_api;
        if !method.is_get() {
            return api.http_post(method.name(), body, None).await;
        }
        let params = method::params(body);
        let params: Vec<(&str, Option<&String>)> = params.iter().map(|(name, value)| (*name, Some(value))).collect();
        api.http_get(method.name(), &params, None).await
    }

    /// The app's token says nothing about the bot's.
    fn note(&self, method: Method, error: Option<&SlackCallError>) {
        match error {
            None if method.asks_whether_alive() => self.inner.installation.works(),
            None => {}
            Some(SlackCallError::Dead { code }) if !method.needs_app_token() => {
                self.inner.installation.died(method, code);
            }
            Some(error) => tracing::warn!(method = method.name(), %error, "a call to Slack failed"),
        }
    }
}

fn token(secret: &Secret) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue(secret.expose().to_owned()))
}

/// Plain HTTP is allowed because stand-ins for Slack use it, HTTP/1 because proxies do.
fn connector() -> std::io::Result<HttpsConnector<HttpConnector>> {
    let builder =
        HttpsConnectorBuilder::new().with_provider_and_native_roots(rustls::crypto::ring::default_provider())?;
    Ok(builder.https_or_http().enable_all_versions().build())
}
