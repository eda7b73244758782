//! The same segment exists already: use it, or build it anyway. Nothing is stored before the person has chosen.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Method, Pace, SlackApp, Who,
    away::in_time,
    blocks::{self, Frame, Message},
    estimates,
    form::{Filled, Origin, Seed},
    ids::{ACTION_BUILD_ANYWAY, ACTION_USE_SAME, CALLBACK_CONFIRMATION, CALLBACK_OFFER},
    inbound::Action,
    limits, messages,
    submit::{self, Accepted, IfSame},
    words,
};
use crate::{
    queue::{self, DeliverTo, NewRequest, Request},
    texts::Say,
};

/// Looking for the same must not cost the click its answer.
const LOOK_WAIT: Duration = Duration::from_millis(400);

/// What was asked, until the person has chosen; travels in the view or the buttons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    #[serde(rename = "s")]
    seed: Seed,
    /// The click that asked: both buttons together make one request.
    #[serde(rename = "k")]
    source_key: String,
}

impl Pending {
    fn new(filled: &Filled, source_key: &str) -> Self {
        let origin = Origin { dm: filled.deliver_to == DeliverTo::Dm, ..filled.origin.clone() };
        Self { seed: Seed { origin, draft: filled.draft.clone() }, source_key: source_key.to_owned() }
    }

    fn filled(&self) -> Filled {
        let Seed { origin, draft } = self.seed.clone();
        Filled { deliver_to: origin.usual_delivery(), origin, draft }
    }

    /// As the value of a button; `None` when it does not fit.
    fn to_value(&self) -> Option<String> {
        serde_json::to_string(self).ok().filter(|value| value.chars().count() <= limits::BUTTON_VALUE)
    }
}

/// A segment that exists, for a request that would only repeat it.
pub(super) struct Offer {
    of: Request,
    /// A [`Pending`], as buttons and views carry it.
    pending: String,
}

impl Offer {
    /// `None` when buttons cannot carry what was asked: then there is nothing to ask.
    pub(super) fn new(filled: &Filled, source_key: &str, of: &Request) -> Option<Self> {
        Some(Self { of: of.clone(), pending: Pending::new(filled, source_key).to_value()? })
    }
}

/// The finished segment that this request would only repeat, if that is found quickly.
pub(super) async fn same(app: &SlackApp, new: &NewRequest) -> Option<Request> {
    let look = async {
        let newest = estimates::newest_day(app).await?;
        in_time(queue::finished_same(app.pool(), &new.team, &new.conditions, newest)).await.ok().flatten()
    };
    tokio::time::timeout(LOOK_WAIT, look).await.ok().flatten()
}

/// The question, as the next view of the form.
pub(super) fn view(app: &SlackApp, say: Say<'_>, offer: &Offer) -> Value {
    let frame = Frame {
        callback_id: CALLBACK_OFFER,
        title: say.text("offer-title"),
        submit: None,
        close: say.text("form-close"),
        private_metadata: offer.pending.clone(),
    };
    blocks::modal(&frame, message(app, say, offer).blocks)
}

/// The question, as a reply to typed text.
pub(super) fn message(app: &SlackApp, say: Say<'_>, offer: &Offer) -> Message {
    let text = say.with("offer-text", &[("title", words::title(app.catalog(), say, &offer.of).into())]);
    let used = say.with("button-use-same", &[("number", offer.of.number.to_string().into())]);
    let buttons = vec![
        blocks::primary(blocks::button(ACTION_USE_SAME, &used, &offer.pending)),
        blocks::button(ACTION_BUILD_ANYWAY, &say.text("button-build-anyway"), &offer.pending),
    ];
    Message::new(&text, vec![blocks::section(&text), blocks::actions(buttons)])
}

/// Does what was chosen. In a view the confirmation takes the question's place; the words are for the person alone elsewhere.
pub(super) async fn chosen(app: &SlackApp, who: &Who, action: &Action, view_id: &str) -> Option<String> {
    let say = app.say(who.locale);
    let pending: Pending = serde_json::from_str(&action.value).ok()?;
    let if_same = if action.action_id == ACTION_USE_SAME { IfSame::Use } else { IfSame::Build };
    let accepted = submit::accept(app, who, (&pending.filled(), &pending.source_key), if_same).await;
    let confirmation = match accepted {
        Ok(Accepted::Stored(submitted)) => {
            let place = submit::place(app, &submitted.request).await;
            messages::confirmation(app.catalog(), say, &submitted.request, place)
        }
        Ok(Accepted::Offered(_)) => return None,
        Err(refusal) => return Some(submit::refused(app, who, &refusal)),
    };
    if view_id.is_empty() {
        return Some(confirmation.into_message().text);
    }
    let body = json!({ "view_id": view_id, "view": confirmation.into_view(CALLBACK_CONFIRMATION) });
    // The request is stored; whoever closed the view sees it in the thread.
    let _ = app.client().call(Method::ViewsUpdate, &body, Pace::Hurried).await;
    None
}
