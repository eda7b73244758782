//! A request is accepted: checked, deliverable, stored — and only then confirmed.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    CALLBACK_FORM, SlackApp, Who,
    away::{Away, in_time},
    dispatch::Reply,
    earlier, estimates,
    form::{self, BLOCK_DELIVER, BLOCK_NAME, BLOCK_PRODUCT, Filled, Origin},
    ids::CALLBACK_CONFIRMATION,
    inbound::Interaction,
    limits, messages,
    offer::{self, Offer},
    problems,
    reach::{self, NoWay},
};
use crate::{
    queue::{self, DeliverTo, NewRequest, Place, QueueError, Request, Submitted},
    segment::{Conditions, Draft, Problem},
};

/// The place in the queue is a courtesy.
const PLACE_WAIT: Duration = Duration::from_millis(200);

/// Why a request was not accepted. Nothing was stored then, or the same click finds it again.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Refusal {
    Problems(Vec<Problem>),
    /// The catalog keeps this product to other channels.
    ProductNotHere,
    NoWay(NoWay),
    /// Too little happened for a model to learn from.
    TooFew {
        found: u64,
        needed: u64,
    },
    /// The database did not do it.
    Unavailable(Away),
}

/// A request that was accepted, or that would only repeat one.
pub(super) enum Accepted {
    Stored(Box<Submitted>),
    /// Nothing is stored: the segment exists, on the same data.
    Offered(Box<Offer>),
}

/// What to do when the same segment exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfSame {
    Ask,
    Use,
    Build,
}

/// Answers a submitted form: errors beside the inputs, or what will be built.
pub(super) async fn answer(app: &SlackApp, interaction: &Interaction) -> Reply {
    let view = &interaction.view;
    if view.callback_id != CALLBACK_FORM {
        return Reply::empty();
    }
    let who = app.who(interaction.team(), &interaction.user.id).await;
    let filled = form::read(app.catalog(), view);
    match accept(app, &who, (&filled, &view.id), IfSame::Ask).await {
        Ok(Accepted::Offered(offer)) => {
            let view = offer::view(app, app.say(who.locale), &offer);
            Reply::json(json!({ "response_action": "update", "view": view }))
        }
        Ok(Accepted::Stored(submitted)) => {
            let place = place(app, &submitted.request).await;
            let shown = messages::confirmation(app.catalog(), app.say(who.locale), &submitted.request, place);
            Reply::json(json!({ "response_action": "update", "view": shown.into_view(CALLBACK_CONFIRMATION) }))
        }
        Err(refusal) => errors(app, &who, &filled.draft, &refusal),
    }
}

/// Checks, makes sure that the result can be delivered, stores. `source_key` is the click's own id.
pub(super) async fn accept(
    app: &SlackApp,
    who: &Who,
    (filled, source_key): (&Filled, &str),
    if_same: IfSame,
) -> Result<Accepted, Refusal> {
    let earlier = earlier::known(app, who, &filled.draft.numbers()).await.map_err(Refusal::Unavailable)?;
    let conditions = filled.draft.check_knowing(app.catalog(), &earlier).map_err(Refusal::Problems)?;
    if !allowed_here(app, &conditions, &filled.origin) {
        return Err(Refusal::ProductNotHere);
    }
    if let Some(product) = app.catalog().product(&conditions.product)
        && let Some(found) = estimates::too_few(app, product).await
    {
        return Err(Refusal::TooFew { found, needed: product.min_conversions.into() });
    }
    if filled.deliver_to == DeliverTo::Thread {
        reach::check(app, &filled.origin.channel).await.map_err(Refusal::NoWay)?;
    }
    let new = NewRequest {
        source_key: source_key.to_owned(),
        team: who.team.clone(),
        user: who.user.clone(),
        locale: who.locale,
        channel: filled.origin.channel.clone(),
        thread_ts: filled.origin.thread_ts.clone().filter(|_| filled.deliver_to == DeliverTo::Thread),
        deliver_to: filled.deliver_to,
        priority: app.catalog().product(&conditions.product).map_or(0, |product| product.priority),
        conditions,
    };
    let same = match if_same {
        IfSame::Build => None,
        IfSame::Ask | IfSame::Use => offer::same(app, &new).await,
    };
    let offer = same.as_ref().filter(|_| if_same == IfSame::Ask).and_then(|of| Offer::new(filled, source_key, of));
    match (offer, same) {
        (Some(offer), _) => Ok(Accepted::Offered(Box::new(offer))),
        (None, Some(of)) if if_same == IfSame::Use => {
            store(app, Box::pin(queue::submit_sharing(app.pool(), &new, &of))).await
        }
        (None, _) => store(app, Box::pin(queue::submit(app.pool(), &new))).await,
    }
}

async fn store(
    app: &SlackApp,
    submitting: impl Future<Output = Result<Submitted, QueueError>>,
) -> Result<Accepted, Refusal> {
    let submitted = in_time(submitting).await.map_err(Refusal::Unavailable)?;
    let request = &submitted.request;
    tracing::info!(number = request.number, reference = request.reference, fresh = submitted.fresh, "accepted");
    app.inner.changed.notify_one();
    Ok(Accepted::Stored(Box::new(submitted)))
}

/// Why a request was not accepted, in words.
pub(super) fn refused(app: &SlackApp, who: &Who, refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unavailable(away) => away.words(app, who),
        refusal => messages::refusal(app.say(who.locale), refusal),
    }
}

fn allowed_here(app: &SlackApp, conditions: &Conditions, origin: &Origin) -> bool {
    let allowed = app.catalog().product(&conditions.product).map(|product| &product.allowed_channels);
    allowed.is_none_or(|channels| channels.is_empty() || channels.contains(&origin.channel))
}

/// Where a request stands, if that is known quickly.
pub(super) async fn place(app: &SlackApp, request: &Request) -> Option<Place> {
    let asked = queue::place(app.pool(), request.id);
    tokio::time::timeout(PLACE_WAIT, asked).await.ok().and_then(Result::ok).flatten()
}

fn errors(app: &SlackApp, who: &Who, draft: &Draft, refusal: &Refusal) -> Reply {
    let say = app.say(who.locale);
    let mut errors = Map::new();
    let mut note = |block: &str, text: &str| {
        errors.entry(block).or_insert_with(|| Value::from(limits::fit(text, limits::FIELD_ERROR)));
    };
    match refusal {
        Refusal::Problems(found) => {
            for problem in found {
                note(&problems::block_of(draft, problem), &problems::words(say, problem));
            }
        }
        Refusal::ProductNotHere | Refusal::TooFew { .. } => note(BLOCK_PRODUCT, &refused(app, who, refusal)),
        Refusal::NoWay(_) => note(BLOCK_DELIVER, &refused(app, who, refusal)),
        Refusal::Unavailable(_) => note(BLOCK_NAME, &refused(app, who, refusal)),
    }
    Reply::json(json!({ "response_action": "errors", "errors": errors }))
}
