//! The form: one modal, opened before any work in the database, filled in from a draft.

mod read;
mod view;

use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use read::read;
pub(crate) use view::form as view;

use crate::{
    catalog::{Catalog, Product},
    segment::Conversions,
    slack::{
        app::{SlackApp, Who, counts},
        client::{CallPriority, Method, SlackCallError},
        deadline::Deadline,
        ids::{BLOCK_PRODUCT, BLOCK_WITHOUT},
        limits,
        payload::{Interaction, View},
        reply::Reply,
        request::{draft::RequestDraft, earlier, estimates},
        wording::blocks::{self, Choice},
    },
    texts::Say,
};

/// A trigger lives no longer.
const OPEN_WAIT: Duration = Duration::from_secs(3);

/// Opens the form; the very first thing after a click, because a trigger lives three seconds. What takes longer, such as
/// counting people, is done once it is open, and shown if it changes anything.
pub(crate) async fn open(
    app: &SlackApp,
    who: &Who,
    asked: &RequestDraft,
    trigger_id: &str,
) -> Result<(), SlackCallError> {
    let say = app.say(who.locale);
    let counts = asked.draft.product.is_some();
    let waiting = say.text(if counts { "estimate-counting" } else { "estimate-choose" });
    let shown = view(app.catalog(), say, asked, &waiting, &app.conversions());
    let body = json!({ "trigger_id": trigger_id, "view": shown });
    let opening = app.client().call(Method::ViewsOpen, &body, CallPriority::Hurried);
    let opened = who.deadline.within(OPEN_WAIT, opening).await.unwrap_or(Err(SlackCallError::Ambiguous))?;
    let (id, hash) = (text_of(&opened["view"]["id"]), text_of(&opened["view"]["hash"]));
    let (app, behind, who, asked) = (app.clone(), app.clone(), who.clone(), asked.clone());
    behind.behind(async move {
        if !counts {
            app.newest_day().await;
            let now = view(app.catalog(), app.say(who.locale), &asked, &waiting, &app.conversions());
            if now == shown {
                return;
            }
        }
        count(&app, &who, &asked, (&id, &hash)).await;
    });
    Ok(())
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Counts people again after a change, for what the form holds now.
pub(crate) async fn changed(app: &SlackApp, who: &Who, view: &View) {
    let draft = read(app.catalog(), view);
    count(app, who, &draft, (&view.id, &view.hash)).await;
}

/// Shows how many people there are. Inputs keep their ids, so Slack keeps what was typed into them meanwhile; by its `hash` a
/// count that was overtaken by a later one is refused.
async fn count(app: &SlackApp, who: &Who, asked: &RequestDraft, (id, hash): (&str, &str)) {
    if id.is_empty() {
        return;
    }
    let say = app.say(who.locale);
    let estimate = estimates::words(app, say, &asked.draft).await;
    let counted = view(app.catalog(), say, asked, &estimate, &app.conversions());
    let mut body = json!({ "view_id": id, "view": counted });
    if !hash.is_empty() {
        body["hash"] = hash.into();
    }
    // Overtaken, or closed meanwhile; the client has logged anything else.
    let _ = app.client().call(Method::ViewsUpdate, &body, CallPriority::Hurried).await;
}

/// What typed text could mean, for the inputs that ask us: a product, or earlier segments.
pub(crate) async fn suggest(app: &SlackApp, interaction: &Interaction, deadline: Deadline) -> Reply {
    let who = app.who(interaction.team(), &interaction.user.id, deadline).await;
    let found = match interaction.action_id.as_str() {
        BLOCK_PRODUCT => matching(app.catalog(), &interaction.value, app.say(who.locale), &app.conversions()),
        BLOCK_WITHOUT => earlier::offered(app, &who, &interaction.value).await,
        _ => Vec::new(),
    };
    Reply::json(json!({ "options": blocks::options(&found, limits::OPTIONS) }))
}

/// Slack shows nothing at all for more than a hundred, so the best hundred it is: beginnings first, and products that
/// cannot be learned yet last.
fn matching(catalog: &Catalog, typed: &str, say: Say<'_>, conversions: &Conversions) -> Vec<Choice> {
    let typed = typed.trim().to_lowercase();
    let rank = |product: &Product| {
        let names = [product.id.as_str(), &product.names.ja, &product.names.en];
        let words = names.into_iter().chain(product.search.iter().map(String::as_str)).map(str::to_lowercase);
        words.filter_map(|word| word.find(&typed)).min()
    };
    let mut found: Vec<(usize, &Product)> =
        catalog.products.iter().filter_map(|product| rank(product).map(|at| (at, product))).collect();
    found.sort_by_key(|(at, product)| (counts::too_few(product, conversions).is_some(), *at));
    let best = found.into_iter().take(limits::OPTIONS);
    best.map(|(_, product)| view::product_choice(product, say, conversions)).collect()
}

#[cfg(test)]
mod tests;
