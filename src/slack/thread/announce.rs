//! Keeps the one root message of each request in step with its row: posted once, then only edited, not too often, the last state always.

use std::{collections::HashMap, time::Duration};

use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    queue::{self, DeliverTo, Listener, MessageRef, Request, RequestState, RootClaim},
    slack::{
        app::SlackApp,
        client::{CallPriority, Method, SlackCallError},
        deadline::Deadline,
        request::place,
        wording::{
            blocks::{self, Message},
            messages,
        },
    },
};

/// How often root messages may change.
#[derive(Debug, Clone, Copy)]
pub struct AnnounceSettings {
    /// Between two edits of one message; the last edit does not wait.
    pub min_interval: Duration,
    /// Looks at the queue at least this often.
    pub poll: Duration,
}

impl Default for AnnounceSettings {
    fn default() -> Self {
        Self { min_interval: Duration::from_secs(10), poll: Duration::from_secs(1) }
    }
}

/// Requests that are looked at in one pass.
const PASS: i64 = 500;
/// After doubt whether a message was posted: a duplicate is the lesser harm than none, but not at once.
const DOUBT: Duration = Duration::from_secs(30);
/// Last edits take so much time of the others ahead: ten edits.
const LAST_AHEAD: Duration = Duration::from_secs(17);
const AWAY: Duration = Duration::from_secs(2);
/// How long another process may take to post and to note it.
const THEIR_TURN: Duration = Duration::from_millis(200);
const THEIR_TURNS: usize = 10;

/// Runs until `shutdown`.
pub async fn announce(app: SlackApp, settings: AnnounceSettings, shutdown: CancellationToken) {
    let mut wakes = Listener::start(app.pool());
    let mut announcer = Announcer { app, settings, edited: HashMap::new(), held: HashMap::new(), paused: None };
    loop {
        let app = announcer.app.clone();
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = wakes.next(settings.poll) => {}
            () = app.inner.changed.notified() => {}
        }
        announcer.pass().await;
    }
}

struct Announcer {
    app: SlackApp,
    settings: AnnounceSettings,
    /// Last edit by request.
    edited: HashMap<Uuid, Instant>,
    /// Requests that wait for a while after a failed call.
    held: HashMap<Uuid, Instant>,
    /// Slack does not answer.
    paused: Option<Instant>,
}

impl Announcer {
    async fn pass(&mut self) {
        let now = Instant::now();
        self.forget_old(now);
        let behind = match queue::unshown(self.app.pool(), PASS).await {
            Ok(behind) => behind,
            Err(error) => {
                tracing::warn!(%error, "cannot see which messages are behind");
                return;
            }
        };
        for request in behind {
            if self.paused.is_some() {
                return;
            }
            if !self.held.contains_key(&request.id) {
                self.bring_up_to_date(&request).await;
            }
        }
    }

    fn forget_old(&mut self, now: Instant) {
        let interval = self.settings.min_interval;
        self.edited.retain(|_, at| now.duration_since(*at) < interval);
        self.held.retain(|_, until| *until > now);
        self.paused = self.paused.filter(|until| *until > now);
    }

    async fn bring_up_to_date(&mut self, request: &Request) {
        let Some(root) = &request.root else {
            // Waiting here would keep the other channels waiting.
            let wait = self.app.client().wait_for(Method::ChatPostMessage, &request.channel, CallPriority::Unhurried);
            if !wait.is_zero() {
                return;
            }
            let posted = ensure_root(&self.app, request, CallPriority::InPassing).await;
            self.edited.insert(request.id, Instant::now());
            return self.settle(request, posted.map(drop)).await;
        };
        let last = is_final(request.state);
        let wait = self.app.client().wait_for(Method::ChatUpdate, &root.channel, CallPriority::Unhurried);
        // The last edits go ahead of the others, as far as Slack allows.
        let ahead = if last { LAST_AHEAD } else { Duration::ZERO };
        if wait > ahead || (self.edited.contains_key(&request.id) && !last) {
            return;
        }
        let message = root_message(&self.app, request).await;
        let body = json!({ "channel": root.channel, "ts": root.ts, "text": message.text, "blocks": message.blocks });
        let result = self.app.client().call(Method::ChatUpdate, &body, CallPriority::Hurried).await.map(drop);
        self.edited.insert(request.id, Instant::now());
        self.settle(request, result).await;
    }

    async fn settle(&mut self, request: &Request, result: Result<(), SlackCallError>) {
        let now = Instant::now();
        match result {
            // Refused: deleted, or the bot was removed; nothing that a repetition would mend.
            Ok(()) | Err(SlackCallError::Refused { .. } | SlackCallError::LocalFile(_)) => self.shown(request).await,
            Err(SlackCallError::RateLimited { retry_after }) => drop(self.held.insert(request.id, now + retry_after)),
            Err(SlackCallError::Ambiguous) => drop(self.held.insert(request.id, now + DOUBT)),
            Err(SlackCallError::Unreachable | SlackCallError::Dead { .. }) => {
                self.edited.remove(&request.id);
                self.paused = Some(now + AWAY);
            }
        }
    }

    async fn shown(&self, request: &Request) {
        if let Err(error) = queue::mark_shown(self.app.pool(), request.id, request.version).await {
            tracing::warn!(%error, reference = request.reference, "cannot note what a message shows");
        }
    }
}

fn is_final(state: RequestState) -> bool {
    match state {
        RequestState::Done | RequestState::Failed | RequestState::Cancelled => true,
        RequestState::Queued | RequestState::Running | RequestState::Delivering => false,
    }
}

async fn root_message(app: &SlackApp, request: &Request) -> Message {
    let place = match request.state {
        // Nobody waits, but it is worth no more time than a click has.
        RequestState::Queued => place::place(app, request, Deadline::of_click()).await,
        _ => None,
    };
    messages::root(app.catalog(), app.say(request.locale), request, place)
}

/// The root message; posted now if it is not there yet, once, whoever asks, in this process or another.
pub(crate) async fn ensure_root(
    app: &SlackApp,
    request: &Request,
    priority: CallPriority,
) -> Result<MessageRef, SlackCallError> {
    let _one_at_a_time = app.inner.root.lock().await;
    // Without the row nobody knows whether it was posted.
    let unknown = |_| SlackCallError::Unreachable;
    for _ in 0..THEIR_TURNS {
        let fresh = queue::request_by_id(app.pool(), request.id).await.map_err(unknown)?;
        let request = fresh.unwrap_or_else(|| request.clone());
        if let Some(root) = request.root {
            return Ok(root);
        }
        match queue::claim_root(app.pool(), request.id).await.map_err(unknown)? {
            // Another process posts it and will have noted it in a moment.
            RootClaim::Theirs => tokio::time::sleep(THEIR_TURN).await,
            claim => return claimed(app, &request, claim, priority).await,
        }
    }
    Err(SlackCallError::Unreachable)
}

async fn claimed(
    app: &SlackApp,
    request: &Request,
    claim: RootClaim,
    priority: CallPriority,
) -> Result<MessageRef, SlackCallError> {
    let posted = NewRoot { app, request, claim, priority }.post().await;
    match &posted {
        Ok(root) => {
            if let Err(error) = queue::set_root(app.pool(), request.id, root).await {
                tracing::error!(%error, reference = request.reference, "a root message is posted and not stored");
            }
        }
        // It may stand there: whoever comes next says that theirs is the one.
        Err(SlackCallError::Ambiguous) => {
            if let Err(error) = queue::doubt_root(app.pool(), request.id).await {
                tracing::warn!(%error, reference = request.reference, "a claim runs out by itself");
            }
        }
        Err(_) => {
            if let Err(error) = queue::release_root(app.pool(), request.id).await {
                tracing::warn!(%error, reference = request.reference, "a claim runs out by itself");
            }
        }
    }
    posted
}

/// A root message on its way.
struct NewRoot<'a> {
    app: &'a SlackApp,
    request: &'a Request,
    claim: RootClaim,
    priority: CallPriority,
}

impl NewRoot<'_> {
    /// In the channel; by direct message when that was asked for, or when the channel refuses by now.
    async fn post(&self) -> Result<MessageRef, SlackCallError> {
        let Request { channel, thread_ts, reference, .. } = self.request;
        if self.request.deliver_to == DeliverTo::Dm {
            return self.post_by_dm().await;
        }
        match self.post_to(channel, thread_ts.as_deref()).await {
            Err(SlackCallError::Refused { code }) => {
                tracing::warn!(code, reference, "the channel refuses; going to a direct message");
                self.post_by_dm().await
            }
            result => result,
        }
    }

    async fn post_by_dm(&self) -> Result<MessageRef, SlackCallError> {
        let body = json!({ "users": self.request.user });
        let answer = self.app.client().call(Method::ConversationsOpen, &body, self.priority).await?;
        let channel = answer["channel"]["id"].as_str().ok_or(SlackCallError::Unreachable)?;
        self.post_to(channel, None).await
    }

    async fn post_to(&self, channel: &str, thread_ts: Option<&str>) -> Result<MessageRef, SlackCallError> {
        let mut message = root_message(self.app, self.request).await;
        if self.claim == RootClaim::OursInDoubt {
            message.blocks.push(blocks::context(&self.app.say(self.request.locale).text("root-again")));
        }
        let mut body = json!({ "channel": channel, "text": message.text, "blocks": message.blocks });
        if let Some(thread_ts) = thread_ts {
            body["thread_ts"] = thread_ts.into();
        }
        let answer = self.app.client().call(Method::ChatPostMessage, &body, self.priority).await?;
        let ts = answer["ts"].as_str().ok_or(SlackCallError::Ambiguous)?;
        Ok(MessageRef { channel: answer["channel"].as_str().unwrap_or(channel).to_owned(), ts: ts.to_owned() })
    }
}

/// Where replies go: the thread that was asked in, else the one below the root message.
pub(crate) fn thread_of<'a>(request: &'a Request, root: &'a MessageRef) -> &'a str {
    match &request.thread_ts {
        Some(thread_ts) if request.deliver_to == DeliverTo::Thread && root.channel == request.channel => thread_ts,
        _ => &root.ts,
    }
}
