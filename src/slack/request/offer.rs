//! The same segment exists already: use it, or build it anyway. Nothing is stored before the person has chosen.

use std::time::Duration;

use serde_json::Value;

use crate::{
    queue::{self, NewRequest, Request},
    slack::{
        app::SlackApp,
        deadline::Deadline,
        ids::{ACTION_BUILD_ANYWAY, ACTION_USE_SAME, CALLBACK_OFFER},
        request::draft::Submission,
        wording::{
            blocks::{self, Frame, Message},
            words,
        },
    },
    texts::Say,
};

/// Looking for the same must not cost the click its answer.
const LOOK_WAIT: Duration = Duration::from_millis(400);

/// A segment that exists, for a request that would only repeat it.
pub(crate) struct Offer {
    of: Request,
    /// A [`Submission`], as buttons and views carry it until the person has chosen.
    pending: String,
}

impl Offer {
    /// `None` when buttons cannot carry what was asked: then there is nothing to ask.
    pub(crate) fn new(submission: &Submission, of: &Request) -> Option<Self> {
        Some(Self { of: of.clone(), pending: submission.to_value()? })
    }
}

/// The finished segment that this request would only repeat, if that is found quickly.
pub(crate) async fn same(app: &SlackApp, deadline: Deadline, new: &NewRequest) -> Option<Request> {
    let look = async {
        let newest = app.newest_day().await?;
        deadline.database(queue::finished_same(app.pool(), &new.team, &new.conditions, newest)).await.ok().flatten()
    };
    deadline.courtesy(LOOK_WAIT, look).await.ok().flatten()
}

/// The question, as the next view of the form.
pub(crate) fn view(app: &SlackApp, say: Say<'_>, offer: &Offer) -> Value {
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
pub(crate) fn message(app: &SlackApp, say: Say<'_>, offer: &Offer) -> Message {
    let text = say.with("offer-text", &[("title", words::title(app.catalog(), say, &offer.of).into())]);
    let used = say.with("button-use-same", &[("number", offer.of.number.to_string().into())]);
    let buttons = vec![
        blocks::primary(blocks::button(ACTION_USE_SAME, &used, &offer.pending)),
        blocks::button(ACTION_BUILD_ANYWAY, &say.text("button-build-anyway"), &offer.pending),
    ];
    Message::new(&text, vec![blocks::section(&text), blocks::actions(buttons)])
}
