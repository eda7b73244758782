//! Socket Mode is a second door into the same handlers.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use segment_bot::slack::socket_mode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::{accept_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;

use crate::support::stage::Stage;

#[tokio::test]
async fn envelopes_are_answered_and_a_lost_line_is_opened_again() {
    let stage = Stage::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/link?ticket=1", listener.local_addr().unwrap());
    stage.slack.answer("apps.connections.open", json!({ "ok": true, "url": url }));
    let stop = CancellationToken::new();
    let running = tokio::spawn(socket_mode(stage.app.clone(), stop.clone()));

    for envelope_id in ["e1", "e2"] {
        let (stream, _) = listener.accept().await.unwrap();
        let mut line = accept_async(stream).await.unwrap();
        let command = json!({
            "envelope_id": envelope_id, "type": "slash_commands", "accepts_response_payload": true,
            "payload": { "command": "/segment", "text": "help", "user_id": "U1", "channel_id": "C1", "trigger_id": "t" },
        });
        line.send(Message::text(json!({ "type": "hello" }).to_string())).await.unwrap();
        line.send(Message::text(command.to_string())).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(3), line.next()).await.unwrap().unwrap().unwrap();
        let answer: Value = serde_json::from_str(answer.to_text().unwrap()).unwrap();
        assert_eq!(answer["envelope_id"], envelope_id);
        assert!(answer["payload"]["text"].as_str().unwrap().contains("/segment list"));
    }
    stop.cancel();
    running.await.unwrap();
}
