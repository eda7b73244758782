//! local-slack, a stand-in for Slack with a web page (npm `local-slack-linux-x64`, MIT), as a process of ours.
//!
//! What it offers, seen by trying version 0.1.8:
//! - a YAML or JSON file names workspace, users, channels and apps; in mode `events` everything goes to one `requestUrl`, signed;
//! - `/api/<method>` is the Web API; `/_control/command` types a slash command, `/_control/messages/<channel>` lists messages
//!   and `/_control/interact` clicks a button; each answers after the app did;
//! - the page's WebSocket `/ui` takes `{"t":"view_submit","user","values":{block:{action:{type,…}}}}` for the open modal and
//!   sends `view` (with the stack of modals), `view_errors`, `message` and `message_update`;
//! - files are served with the bot's token; `/archives/<channel>/p<ts without dot>?thread_ts=<ts>` opens a thread;
//! - messages live in memory only; it listens on every interface, and `--port 0` takes a free port and prints it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use super::http::{self, HttpError};

/// The workspace of the demo. Not secrets: they open nothing but the stand-in.
pub const TEAM: &str = "T0AOZORA";
pub const BOT_TOKEN: &str = "xoxb-demo";
pub const SIGNING_SECRET: &str = "demo-signing-secret";
/// The planner who asks, and the operator.
pub const PLANNER: &str = "U0HANAKO";
pub const OPERATOR: &str = "U0KENTA";
/// Where the tour asks.
pub const CHANNEL: &str = "C0CAMPAIGN";
const BOT: &str = "U0SEGMENT";

const START_WAIT: Duration = Duration::from_secs(20);

/// Why the stand-in cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocalSlackError {
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot start {}: {source}", path.display())]
    Start { path: PathBuf, source: std::io::Error },
    #[error("local-slack ended, or said nothing for 20 seconds, before it was ready")]
    NotReady,
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// A running stand-in; ends when dropped.
#[derive(Debug)]
pub struct LocalSlack {
    child: Child,
    base: String,
    // Kept open, because the process would otherwise fail on its next line.
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl LocalSlack {
    /// Starts `binary` with a workspace whose one app listens at `events_url`; files and settings go into `folder`.
    /// `port` 0, or one that is taken, becomes a free one.
    pub async fn start(binary: &Path, folder: &Path, events_url: &str, port: u16) -> Result<Self, LocalSlackError> {
        let settings = folder.join("local-slack.json");
        let text = workspace(events_url).to_string();
        std::fs::write(&settings, text).map_err(|source| LocalSlackError::Write { path: settings.clone(), source })?;
        let mut child = Command::new(binary)
            .args(["--base-host", "127.0.0.1", "--port", &free(port).await.to_string(), "--config"])
            .arg(&settings)
            // A proxy in the environment must not carry what it sends to this machine.
            .env_clear()
            // The demo decides when it ends, not the terminal's Ctrl-C.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| LocalSlackError::Start { path: binary.to_owned(), source })?;
        let stdout = child.stdout.take().ok_or(LocalSlackError::NotReady)?;
        let mut lines = BufReader::new(stdout).lines();
        let base = timeout(START_WAIT, address(&mut lines)).await.ok().flatten().ok_or(LocalSlackError::NotReady)?;
        Ok(Self { child, base, _stdout: lines })
    }

    /// The page's address, without a slash at the end.
    pub fn page(&self) -> &str {
        &self.base
    }

    /// What `SLACK_API_URL` must be.
    pub fn api_url(&self) -> String {
        format!("{}/api", self.base)
    }

    /// The WebSocket that the page itself uses.
    pub fn ui_url(&self) -> String {
        format!("{}/ui", self.base.replacen("http", "ws", 1))
    }

    /// Opens a thread on the page.
    pub fn thread_url(&self, channel: &str, ts: &str) -> String {
        format!("{}/archives/{channel}/p{}?thread_ts={ts}", self.base, ts.replace('.', ""))
    }

    /// Types a slash command as the planner would; returns after the app has answered.
    pub async fn command(&self, command: &str, text: &str) -> Result<(), LocalSlackError> {
        let typed = json!({ "channel": CHANNEL, "user": PLANNER, "command": command, "text": text });
        Ok(http::post_json(&format!("{}/_control/command", self.base), &typed).await?)
    }

    /// Every message of a channel, oldest first, replies in threads among them.
    pub async fn messages(&self, channel: &str) -> Result<Vec<Value>, LocalSlackError> {
        let mut answer = http::get_json(&format!("{}/_control/messages/{channel}", self.base)).await?;
        match answer["messages"].take() {
            Value::Array(messages) => Ok(messages),
            _ => Ok(Vec::new()),
        }
    }

    /// The bytes of a file, as `url_private` of a message names it.
    pub async fn download(&self, url: &str) -> Result<Bytes, LocalSlackError> {
        Ok(http::get(url, BOT_TOKEN).await?)
    }

    /// Ends the process and waits until it is gone.
    pub async fn stop(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "local-slack did not end");
        }
    }
}

/// `port`, or 0 when somebody else has it.
async fn free(port: u16) -> u16 {
    if TcpListener::bind(("0.0.0.0", port)).await.is_ok() { port } else { 0 }
}

/// Reads until the line that names the page.
async fn address(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    let mut page = None;
    while let Some(line) = lines.next_line().await.ok()? {
        if let Some((_, url)) = line.split_once("Web UI:") {
            page = Some(url.trim().trim_end_matches('/').to_owned());
        }
        // The last line of what it prints.
        if line.contains("mode (requestUrl") {
            return page;
        }
    }
    None
}

fn workspace(events_url: &str) -> Value {
    json!({
        "workspace": { "name": "あおぞら広告", "domain": "aozora", "teamId": TEAM },
        "apps": [{
            "appId": "A0SEGMENT", "botUserId": BOT, "botName": "Segment", "botToken": BOT_TOKEN,
            "signingSecret": SIGNING_SECRET, "mode": "events", "requestUrl": events_url,
        }],
        "users": [
            { "id": PLANNER, "name": "hanako", "real_name": "佐藤 花子", "email": "hanako@example.jp", "tz": "Asia/Tokyo" },
            { "id": OPERATOR, "name": "kenta", "real_name": "田中 健太", "email": "kenta@example.jp", "tz": "Asia/Tokyo" },
        ],
        "channels": [
            { "id": CHANNEL, "name": "campaign-planning", "topic": "施策の相談", "members": [BOT, PLANNER, OPERATOR] },
            { "id": "C0ASKDATA", "name": "ask-data", "topic": "データについて", "members": [PLANNER, OPERATOR] },
        ],
    })
}
