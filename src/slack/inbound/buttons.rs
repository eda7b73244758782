//! Buttons under messages. Acknowledged at once; what they do follows behind, once, however often they are pressed.

use serde_json::json;
use uuid::Uuid;

use crate::{
    queue::{self, Request},
    slack::{
        app::{SlackApp, Who},
        client::{CallPriority, Method},
        deadline::Deadline,
        ids::{
            ACTION_BUILD_ANYWAY, ACTION_CANCEL, ACTION_OPEN_FORM, ACTION_RERUN, ACTION_RETRY, ACTION_USE_SAME,
            CALLBACK_FORM,
        },
        payload::{Action, Interaction},
        reply::Reply,
        request::{
            access::{cancelled, may_touch},
            draft::RequestDraft,
            form, submit,
        },
    },
};

/// Acknowledges; buttons of links and unknown ones do nothing.
pub(crate) async fn answer(app: &SlackApp, interaction: &Interaction, deadline: Deadline) -> Reply {
    let Some(action) = interaction.actions.first() else { return Reply::empty() };
    let who = app.who(interaction.team(), &interaction.user.id, deadline).await;
    let press = Press {
        who,
        action: action.clone(),
        channel: interaction.channel(),
        trigger_id: interaction.trigger_id.clone(),
        view_id: interaction.view.id.clone(),
    };
    let (app, behind) = (app.clone(), app.clone());
    if interaction.view.callback_id == CALLBACK_FORM {
        let view = interaction.view.clone();
        behind.behind(async move { form::changed(&app, &press.who, &view).await });
        return Reply::empty();
    }
    behind.behind(async move {
        if let Some(words) = press.act(&app).await {
            press.tell(&app, &words).await;
        }
    });
    Reply::empty()
}

/// A button that was pressed.
struct Press {
    who: Who,
    action: Action,
    channel: String,
    trigger_id: String,
    /// Empty outside a modal.
    view_id: String,
}

impl Press {
    /// Does it; the words are for the person alone.
    async fn act(&self, app: &SlackApp) -> Option<String> {
        match self.action.action_id.as_str() {
            ACTION_OPEN_FORM => {
                let mut asked = RequestDraft::from_value(&self.action.value);
                if asked.origin.channel.is_empty() {
                    asked.origin.channel.clone_from(&self.channel);
                }
                self.open(app, &asked).await
            }
            ACTION_USE_SAME | ACTION_BUILD_ANYWAY => {
                submit::after_offer(app, &self.who, &self.action, &self.view_id).await
            }
            ACTION_CANCEL => self.cancel(app).await,
            ACTION_RETRY => self.retry(app).await,
            ACTION_RERUN => {
                let request = self.request(app).await?;
                match request {
                    // Whoever sees the button sees what was asked.
                    Ok(request) => self.open(app, &RequestDraft::again(&request)).await,
                    Err(words) => Some(words),
                }
            }
            _ => None,
        }
    }

    async fn open(&self, app: &SlackApp, asked: &RequestDraft) -> Option<String> {
        let opened = form::open(app, &self.who, asked, &self.trigger_id).await;
        opened.err().map(|_| app.say(self.who.locale).text("form-try-again"))
    }

    /// The button's request, if this person may stop and start it; otherwise what they are told.
    async fn own_request(&self, app: &SlackApp) -> Option<Result<Request, String>> {
        let say = app.say(self.who.locale);
        let request = self.request(app).await?;
        Some(request.and_then(|request| {
            if may_touch(app, &self.who, &request) {
                return Ok(request);
            }
            Err(say.with("action-not-yours", &[("user", request.user.into())]))
        }))
    }

    async fn cancel(&self, app: &SlackApp) -> Option<String> {
        let request = match self.own_request(app).await? {
            Ok(request) => request,
            Err(words) => return Some(words),
        };
        match self.who.deadline.database(queue::cancel(app.pool(), request.id)).await {
            Ok(outcome) => Some(cancelled(app, &self.who, &request, outcome)),
            Err(away) => Some(app.away_words(away, &self.who)),
        }
    }

    async fn retry(&self, app: &SlackApp) -> Option<String> {
        let say = app.say(self.who.locale);
        let request = match self.own_request(app).await? {
            Ok(request) => request,
            Err(words) => return Some(words),
        };
        match self.who.deadline.database(queue::retry(app.pool(), request.id)).await {
            // The root message says the rest.
            Ok(true) => {
                app.inner.changed.notify_one();
                None
            }
            Ok(false) => Some(say.text("retry-not-failed")),
            Err(away) => Some(app.away_words(away, &self.who)),
        }
    }

    /// The request that the button belongs to; `None` when its value is no id of this workspace.
    async fn request(&self, app: &SlackApp) -> Option<Result<Request, String>> {
        let id: Uuid = self.action.value.parse().ok()?;
        match self.who.deadline.database(queue::request_by_id(app.pool(), id)).await {
            Ok(request) => request.filter(|request| request.team == self.who.team).map(Ok),
            Err(away) => Some(Err(app.away_words(away, &self.who))),
        }
    }

    async fn tell(&self, app: &SlackApp, words: &str) {
        if self.channel.is_empty() {
            return;
        }
        let body = json!({ "channel": self.channel, "user": self.who.user, "text": words });
        // The client has logged a failure; the root message shows the state anyway.
        let _ = app.client().call(Method::ChatPostEphemeral, &body, CallPriority::Hurried).await;
    }
}
