//! The second door: Slack calls over a WebSocket that we open, into the same handlers. For networks that take no calls from outside.

use std::time::Duration;

use futures::{SinkExt, StreamExt, stream::SplitSink};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message as Frame};
use tokio_util::sync::CancellationToken;

use crate::slack::{
    app::SlackApp,
    client::{CallPriority, Method, SlackCallError},
    deadline::Deadline,
    inbound::dispatch::dispatch,
    payload::Inbound,
};

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Slack pings every few seconds; a line that is silent for this long is dead.
const SILENCE: Duration = Duration::from_secs(90);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What comes over the line.
#[expect(clippy::struct_field_names, reason = "Slack's names")]
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    envelope_id: String,
    payload: Value,
}

/// Why a line ended.
#[derive(Debug, thiserror::Error)]
enum LineEnd {
    #[error("no address: {0}")]
    NoAddress(#[from] SlackCallError),
    #[error("no connection")]
    NoConnection,
    #[error("the line went dead")]
    Dead,
    /// Slack replaces connections now and then.
    #[error("Slack asked for a new line")]
    Refresh,
}

/// Keeps a line open until `shutdown`; does nothing sensible without an app token.
pub async fn socket_mode(app: SlackApp, shutdown: CancellationToken) {
    let mut wait = FIRST_WAIT;
    loop {
        let opened = tokio::time::Instant::now();
        let end = tokio::select! {
            () = shutdown.cancelled() => return,
            end = line(&app) => end,
        };
        if opened.elapsed() > SILENCE || matches!(end, LineEnd::Refresh) {
            wait = FIRST_WAIT;
        }
        tracing::info!(%end, wait_ms = wait.as_millis(), "Socket Mode reconnects");
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn line(app: &SlackApp) -> LineEnd {
    let socket = match connect(app).await {
        Ok(socket) => socket,
        Err(end) => return end,
    };
    let (sink, mut frames) = socket.split();
    let (replies, queued) = mpsc::channel(64);
    let writer = tokio::spawn(write(sink, queued));
    let end = loop {
        let Ok(frame) = tokio::time::timeout(SILENCE, frames.next()).await else { break LineEnd::Dead };
        let sent = match frame {
            Some(Ok(Frame::Text(text))) => match receive(app, text.as_str(), &replies) {
                Received::Refresh => break LineEnd::Refresh,
                Received::Going => true,
            },
            Some(Ok(Frame::Ping(bytes))) => replies.send(Frame::Pong(bytes)).await.is_ok(),
            Some(Ok(Frame::Close(_)) | Err(_)) | None => break LineEnd::Dead,
            Some(Ok(_)) => true,
        };
        if !sent {
            break LineEnd::Dead;
        }
    };
    // Answers that are still being made find the line closed; Slack delivers them again on the next one.
    drop(replies);
    writer.abort();
    end
}

async fn connect(app: &SlackApp) -> Result<Socket, LineEnd> {
    let answer = app.client().call(Method::AppsConnectionsOpen, &json!({}), CallPriority::Unhurried).await?;
    let url = answer["url"].as_str().ok_or(LineEnd::NoConnection)?;
    match tokio::time::timeout(CONNECT_WAIT, connect_async(url)).await {
        Ok(Ok((socket, _))) => Ok(socket),
        // The error may quote the address, which holds a ticket.
        Ok(Err(_)) | Err(_) => Err(LineEnd::NoConnection),
    }
}

async fn write(mut sink: SplitSink<Socket, Frame>, mut queued: mpsc::Receiver<Frame>) {
    while let Some(frame) = queued.recv().await {
        if sink.send(frame).await.is_err() {
            return;
        }
    }
}

enum Received {
    Going,
    Refresh,
}

/// Each envelope is answered on its own, so that a slow one does not hold up the rest.
fn receive(app: &SlackApp, text: &str, replies: &mpsc::Sender<Frame>) -> Received {
    let envelope: Envelope = serde_json::from_str(text).unwrap_or_default();
    if envelope.kind == "disconnect" {
        return Received::Refresh;
    }
    if !envelope.envelope_id.is_empty() {
        let (app, behind, replies) = (app.clone(), app.clone(), replies.clone());
        let deadline = Deadline::of_click();
        behind.behind(async move {
            let answer = answer(&app, envelope, deadline).await;
            // A closed line: Slack delivers the envelope again.
            let _ = replies.send(Frame::text(answer.to_string())).await;
        });
    }
    Received::Going
}

async fn answer(app: &SlackApp, envelope: Envelope, deadline: Deadline) -> Value {
    let mut answer = json!({ "envelope_id": envelope.envelope_id });
    match Inbound::from_socket(&envelope.kind, envelope.payload) {
        Ok(inbound) => {
            if let Some(body) = dispatch(app, inbound, deadline).await.into_body() {
                answer["payload"] = body;
            }
        }
        Err(error) => tracing::warn!(%error, kind = envelope.kind, "ignored"),
    }
    answer
}
