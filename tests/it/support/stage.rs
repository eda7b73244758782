//! The Slack side of the app on a database of its own, with Slack played by the fault server.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use segment_bot::{
    catalog::Catalog,
    config::{Secret, SlackConfig},
    pipeline::Estimator,
    slack::{Estimates, Patience, SlackApp, SlackClient, router},
    texts::Texts,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tower::ServiceExt;

use super::{database::database, fault_server::FaultServer, sample::Sample};

pub(crate) const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// An app that answers, and what it talks to.
pub(crate) struct Stage {
    pub(crate) app: SlackApp,
    pub(crate) slack: FaultServer,
    pub(crate) pool: PgPool,
    pub(crate) router: Router,
}

/// Short waits, so that tests are quick.
pub(crate) fn patience() -> Patience {
    Patience {
        hurried: Duration::from_millis(400),
        unhurried: Duration::from_millis(800),
        tries: 3,
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_secs(2),
        look_again: Duration::from_millis(300),
    }
}

pub(crate) fn config(slack: &FaultServer) -> SlackConfig {
    SlackConfig {
        bot_token: Secret::new("xoxb-test"),
        signing_secret: Secret::new(SIGNING_SECRET),
        app_token: Some(Secret::new("xapp-test")),
        api_url: format!("{}/api", slack.origin),
        admins: vec!["UADMIN".to_owned()],
        operators_channel: Some("COPS".to_owned()),
    }
}

pub(crate) fn catalog() -> Catalog {
    Catalog::parse(include_str!("../../../src/demo/catalog.toml")).unwrap()
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(catalog()).await
    }

    pub(crate) async fn with(catalog: Catalog) -> Self {
        Self::on(catalog, database().await).await
    }

    /// One that counts people on the sample's snapshot.
    pub(crate) async fn counting(sample: &Sample) -> Self {
        Self::counting_with(sample, sample.catalog.clone()).await
    }

    /// One that counts people on the sample's snapshot, with another catalog of the same products.
    pub(crate) async fn counting_with(sample: &Sample, catalog: Catalog) -> Self {
        let estimator = Arc::new(Estimator::new(Arc::new(sample.catalog.clone()), sample.store.clone()));
        let estimates = Estimates::new(move |asked| {
            let estimator = estimator.clone();
            async move { Some(estimator.estimate(asked).await.unwrap()) }
        });
        Self::with(catalog).await.estimating(estimates)
    }

    /// The same, which asks these how many people there are.
    pub(crate) fn estimating(mut self, estimates: Estimates) -> Self {
        drop(std::mem::take(&mut self.router));
        self.app = self.app.with_estimates(estimates);
        self.router = router(self.app.clone());
        self
    }

    pub(crate) async fn on(catalog: Catalog, pool: PgPool) -> Self {
        Self::patient(catalog, pool, patience()).await
    }

    /// One that waits for Slack as long as this.
    pub(crate) async fn patient(catalog: Catalog, pool: PgPool, patience: Patience) -> Self {
        let slack = FaultServer::start().await;
        let config = config(&slack);
        let client = SlackClient::with_patience(&config, patience).unwrap();
        let texts = Arc::new(Texts::load().unwrap());
        let app = SlackApp::new(Arc::new(catalog), pool.clone(), texts, client, config);
        Self { router: router(app.clone()), app, slack, pool }
    }

    /// Types `/segment text` in channel C1.
    pub(crate) async fn types(&self, text: &str) -> Value {
        self.types_in("C1", "U1", text).await
    }

    pub(crate) async fn types_in(&self, channel: &str, user: &str, text: &str) -> Value {
        let trigger = uuid::Uuid::new_v4().to_string();
        let body = form(&[
            ("command", "/segment"),
            ("text", text),
            ("user_id", user),
            ("channel_id", channel),
            ("team_id", "T1"),
            ("trigger_id", &trigger),
        ]);
        self.posts("/slack/command", "application/x-www-form-urlencoded", body).await
    }

    /// What Slack sends when a person does something.
    pub(crate) async fn interacts(&self, payload: &Value) -> Value {
        let body = form(&[("payload", &payload.to_string())]);
        self.posts("/slack/interaction", "application/x-www-form-urlencoded", body).await
    }

    pub(crate) async fn happens(&self, event_id: &str, event: &Value) -> Value {
        let body = json!({ "type": "event_callback", "team_id": "T1", "event_id": event_id, "event": event });
        self.posts("/slack/events", "application/json", body.to_string()).await
    }

    /// A button that `user` presses.
    pub(crate) async fn presses(&self, user: &str, action_id: &str, value: &str) -> Value {
        self.interacts(&json!({
            "type": "block_actions", "team": { "id": "T1" }, "user": { "id": user }, "channel": { "id": "C1" },
            "message": { "ts": "1.0" }, "trigger_id": "t.1", "actions": [{ "action_id": action_id, "value": value }],
        }))
        .await
    }

    /// A signed request; its answer as JSON, null when it is empty.
    pub(crate) async fn posts(&self, path: &str, content_type: &str, body: String) -> Value {
        let (status, answer) = self.send(signed(path, content_type, body, now())).await;
        assert_eq!(status, StatusCode::OK);
        if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }
}

/// The text of an ephemeral reply.
pub(crate) fn said(reply: &Value) -> String {
    reply["text"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn now() -> i64 {
    segment_bot::clock::now().timestamp()
}

fn digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).unwrap()
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encode =
        |text: &str| text.bytes().flat_map(|byte| ['%', digit(byte >> 4), digit(byte & 15)]).collect::<String>();
    fields.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect::<Vec<_>>().join("&")
}

pub(crate) fn signed(path: &str, content_type: &str, body: String, timestamp: i64) -> Request<Body> {
    let signature = signature(&body, timestamp);
    Request::post(path)
        .header("content-type", content_type)
        .header("x-slack-request-timestamp", timestamp.to_string())
        .header("x-slack-signature", signature)
        .body(Body::from(body))
        .unwrap()
}

/// What Slack puts into `x-slack-signature`.
pub(crate) fn signature(body: &str, timestamp: i64) -> String {
    format!("v0={}", hex::encode(hmac(SIGNING_SECRET.as_bytes(), format!("v0:{timestamp}:{body}").as_bytes())))
}

/// HMAC-SHA256 as RFC 2104 writes it, so that the signature does not come from the library under test.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(padded, key)| *padded ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}
