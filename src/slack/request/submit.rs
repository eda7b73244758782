//! A request is accepted: checked, deliverable, stored — and only then confirmed.

use serde_json::{Map, Value, json};

use crate::{
    queue::{self, DeliverTo, NewRequest, QueueError, Submitted},
    segment::{Conditions, Draft},
    slack::{
        app::{SlackApp, Who},
        client::{CallPriority, Method},
        deadline::Deadline,
        ids::{ACTION_USE_SAME, BLOCK_DELIVER, BLOCK_NAME, BLOCK_PRODUCT, CALLBACK_CONFIRMATION, CALLBACK_FORM},
        limits,
        payload::{Action, Interaction},
        reply::Reply,
        request::{
            channel_access,
            draft::{Origin, Submission},
            earlier, estimates, form,
            offer::{self, Offer},
            place,
            refusal::Refusal,
        },
        wording::{messages, problems},
    },
};

/// A request that was accepted, or that would only repeat one.
pub(crate) enum Accepted {
    Stored(Box<Submitted>),
    /// Nothing is stored: the segment exists, on the same data.
    Offered(Box<Offer>),
}

/// What to do when the same segment exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfSame {
    Ask,
    Use,
    Build,
}

/// Answers a submitted form: errors beside the inputs, or what will be built.
pub(crate) async fn answer(app: &SlackApp, interaction: &Interaction, deadline: Deadline) -> Reply {
    let view = &interaction.view;
    if view.callback_id != CALLBACK_FORM {
        return Reply::empty();
    }
    let who = app.who(interaction.team(), &interaction.user.id, deadline).await;
    let submission = Submission { asked: form::read(app.catalog(), view), source_key: view.id.clone() };
    match accept(app, &who, &submission, IfSame::Ask).await {
        Ok(Accepted::Offered(offer)) => {
            let view = offer::view(app, app.say(who.locale), &offer);
            Reply::json(json!({ "response_action": "update", "view": view }))
        }
        Ok(Accepted::Stored(submitted)) => {
            let place = place::place(app, &submitted.request, who.deadline).await;
            let shown = messages::confirmation(app.catalog(), app.say(who.locale), &submitted.request, place);
            Reply::json(json!({ "response_action": "update", "view": shown.into_view(CALLBACK_CONFIRMATION) }))
        }
        Err(refusal) => errors(app, &who, &submission.asked.draft, &refusal),
    }
}

/// Checks, makes sure that the result can be delivered, stores.
pub(crate) async fn accept(
    app: &SlackApp,
    who: &Who,
    submission: &Submission,
    if_same: IfSame,
) -> Result<Accepted, Refusal> {
    let Submission { asked, source_key } = submission;
    let earlier = earlier::known(app, who, &asked.draft.numbers()).await.map_err(Refusal::Unavailable)?;
    let conditions = asked.draft.check_knowing(app.catalog(), &earlier).map_err(Refusal::Problems)?;
    if !allowed_here(app, &conditions, &asked.origin) {
        return Err(Refusal::ProductNotHere);
    }
    if let Some(product) = app.catalog().product(&conditions.product)
        && let Some(found) = estimates::too_few(app, who.deadline, product).await
    {
        return Err(Refusal::TooFew { found, needed: product.min_conversions.into() });
    }
    if asked.deliver_to() == DeliverTo::Thread {
        channel_access::check(app, who.deadline, &asked.origin.channel).await.map_err(Refusal::Channel)?;
    }
    let new = NewRequest {
        source_key: source_key.clone(),
        team: who.team.clone(),
        user: who.user.clone(),
        locale: who.locale,
        channel: asked.origin.channel.clone(),
        thread_ts: asked.origin.thread_ts.clone().filter(|_| asked.deliver_to() == DeliverTo::Thread),
        deliver_to: asked.deliver_to(),
        priority: app.catalog().product(&conditions.product).map_or(0, |product| product.priority),
        conditions,
    };
    let same = match if_same {
        IfSame::Build => None,
        IfSame::Ask | IfSame::Use => offer::same(app, who.deadline, &new).await,
    };
    let offer = same.as_ref().filter(|_| if_same == IfSame::Ask).and_then(|of| Offer::new(submission, of));
    match (offer, same) {
        (Some(offer), _) => Ok(Accepted::Offered(Box::new(offer))),
        (None, Some(of)) if if_same == IfSame::Use => {
            store(app, who.deadline, Box::pin(queue::submit_sharing(app.pool(), &new, &of))).await
        }
        (None, _) => store(app, who.deadline, Box::pin(queue::submit(app.pool(), &new))).await,
    }
}

/// Does what was chosen. In a view the confirmation takes the question's place; the words are for the person alone elsewhere.
pub(crate) async fn after_offer(app: &SlackApp, who: &Who, action: &Action, view_id: &str) -> Option<String> {
    let say = app.say(who.locale);
    let submission: Submission = serde_json::from_str(&action.value).ok()?;
    let if_same = if action.action_id == ACTION_USE_SAME { IfSame::Use } else { IfSame::Build };
    let accepted = accept(app, who, &submission, if_same).await;
    let confirmation = match accepted {
        Ok(Accepted::Stored(submitted)) => {
            let place = place::place(app, &submitted.request, who.deadline).await;
            messages::confirmation(app.catalog(), say, &submitted.request, place)
        }
        Ok(Accepted::Offered(_)) => return None,
        Err(refusal) => return Some(refusal.words(app, who)),
    };
    if view_id.is_empty() {
        return Some(confirmation.into_message().text);
    }
    let body = json!({ "view_id": view_id, "view": confirmation.into_view(CALLBACK_CONFIRMATION) });
    // The request is stored; whoever closed the view sees it in the thread.
    let _ = app.client().call(Method::ViewsUpdate, &body, CallPriority::Hurried).await;
    None
}

async fn store(
    app: &SlackApp,
    deadline: Deadline,
    submitting: impl Future<Output = Result<Submitted, QueueError>>,
) -> Result<Accepted, Refusal> {
    let submitted = deadline.database(submitting).await.map_err(Refusal::Unavailable)?;
    let request = &submitted.request;
    tracing::info!(number = request.number, reference = request.reference, fresh = submitted.fresh, "accepted");
    app.inner.changed.notify_one();
    Ok(Accepted::Stored(Box::new(submitted)))
}

fn allowed_here(app: &SlackApp, conditions: &Conditions, origin: &Origin) -> bool {
    let allowed = app.catalog().product(&conditions.product).map(|product| &product.allowed_channels);
    allowed.is_none_or(|channels| channels.is_empty() || channels.contains(&origin.channel))
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
        Refusal::ProductNotHere | Refusal::TooFew { .. } => note(BLOCK_PRODUCT, &refusal.words(app, who)),
        Refusal::Channel(_) => note(BLOCK_DELIVER, &refusal.words(app, who)),
        Refusal::Unavailable(_) => note(BLOCK_NAME, &refusal.words(app, who)),
    }
    Reply::json(json!({ "response_action": "errors", "errors": errors }))
}
