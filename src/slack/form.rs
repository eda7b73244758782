//! The form: one modal, opened before any work in the database, filled in from a draft.

mod read;
mod view;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Method, Pace, SlackApp, SlackCallError, Who,
    blocks::{self, Choice},
    dispatch::Reply,
    earlier, estimates,
    inbound::{Interaction, View},
    limits,
};
use crate::{
    catalog::{Catalog, Product},
    queue::{DeliverTo, Request},
    segment::{Conditions, Conversions, Draft},
    texts::Say,
};

pub(super) use read::{Filled, read};
pub(super) use view::{
    BLOCK_AGE_FROM, BLOCK_AGE_TO, BLOCK_AREAS, BLOCK_CONTROL, BLOCK_CONVERTED, BLOCK_DELIVER, BLOCK_GENDER, BLOCK_NAME,
    BLOCK_PRODUCT, BLOCK_SIZE, BLOCK_SIZE_EXACT, BLOCK_WITHOUT, block_of_attribute, too_few,
};

/// Where the form was asked for; travels with it as private metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Origin {
    /// Empty when it was asked for outside any channel.
    #[serde(rename = "c", skip_serializing_if = "String::is_empty")]
    pub(super) channel: String,
    /// The thread it was asked for in.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub(super) thread_ts: Option<String>,
    /// Regions that were filled in beforehand; they hold where a client does not show the input for them.
    #[serde(rename = "r", skip_serializing_if = "Vec::is_empty")]
    pub(super) regions: Vec<String>,
    /// Earlier segments that were filled in beforehand; they hold as the regions do.
    #[serde(rename = "w", skip_serializing_if = "Vec::is_empty")]
    pub(super) without: Vec<String>,
    /// Whether a direct message is what the person chose last time.
    #[serde(rename = "m", skip_serializing_if = "std::ops::Not::not")]
    pub(super) dm: bool,
}

impl Origin {
    /// Somewhere the result could go besides a direct message: a channel, but no conversation between people.
    pub(super) fn has_channel(&self) -> bool {
        !self.channel.is_empty() && !self.channel.starts_with('D')
    }

    /// Where the result goes unless the person says otherwise.
    pub(super) fn usual_delivery(&self) -> DeliverTo {
        if self.has_channel() && !self.dm { DeliverTo::Thread } else { DeliverTo::Dm }
    }
}

/// What a form starts with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Seed {
    #[serde(rename = "o")]
    pub(super) origin: Origin,
    #[serde(rename = "d", skip_serializing_if = "is_blank")]
    pub(super) draft: Draft,
}

fn is_blank(draft: &Draft) -> bool {
    *draft == Draft::default()
}

impl Seed {
    /// As the value of a button; what was typed is dropped when it does not fit.
    pub(super) fn to_value(&self) -> String {
        let text = |seed: &Self| serde_json::to_string(seed).unwrap_or_default();
        Some(text(self))
            .filter(|value| value.chars().count() <= limits::BUTTON_VALUE)
            .unwrap_or_else(|| text(&Self { origin: self.origin.clone(), draft: Draft::default() }))
    }

    /// A value that is no seed opens an empty form.
    pub(super) fn from_value(value: &str) -> Self {
        serde_json::from_str(value).unwrap_or_default()
    }
}

/// A form that asks for the same again.
pub(super) fn seed_of(request: &Request) -> Seed {
    let origin = Origin {
        channel: request.channel.clone(),
        thread_ts: request.thread_ts.clone(),
        dm: request.deliver_to == DeliverTo::Dm,
        ..Origin::default()
    };
    Seed { origin, draft: draft_of(&request.conditions) }
}

fn draft_of(conditions: &Conditions) -> Draft {
    let text = |value: &dyn ToString| value.to_string();
    Draft {
        name: conditions.name.clone(),
        product: Some(text(&conditions.product)),
        genders: conditions.genders.iter().map(|gender| text(gender)).collect(),
        age_from: conditions.age.map(|age| text(&age.from)),
        age_to: conditions.age.map(|age| text(&age.to)),
        regions: conditions.regions.iter().map(|region| text(region)).collect(),
        attributes: conditions
            .attributes
            .iter()
            .map(|(id, choices)| (id.clone(), choices.iter().cloned().collect()))
            .collect(),
        size: Some(text(&conditions.size)),
        converted: Some(text(&conditions.exclude_converted)),
        without: conditions.exclude_segments.iter().map(|segment| text(segment)).collect(),
        control: Some(format!("{}%", conditions.control_percent)),
    }
}

/// The modal; `estimate` says how many people there are, `conversions` how much there is to learn about each product.
pub(super) fn view(catalog: &Catalog, say: Say<'_>, seed: &Seed, estimate: &str, conversions: &Conversions) -> Value {
    view::form(catalog, say, seed, estimate, conversions)
}

/// Opens the form; the very first thing after a click, because a trigger lives three seconds. What takes longer, such as
/// counting people, is done once it is open, and shown if it changes anything.
pub(super) async fn open(app: &SlackApp, who: &Who, seed: &Seed, trigger_id: &str) -> Result<(), SlackCallError> {
    let say = app.say(who.locale);
    let counts = seed.draft.product.is_some();
    let waiting = say.text(if counts { "estimate-counting" } else { "estimate-choose" });
    let shown = view(app.catalog(), say, seed, &waiting, &estimates::conversions(app));
    let body = json!({ "trigger_id": trigger_id, "view": shown });
    let opened = app.client().call(Method::ViewsOpen, &body, Pace::Hurried).await?;
    let (id, hash) = (text_of(&opened["view"]["id"]), text_of(&opened["view"]["hash"]));
    let (app, behind, who, seed) = (app.clone(), app.clone(), who.clone(), seed.clone());
    behind.behind(async move {
        if !counts {
            estimates::newest_day(&app).await;
            let now = view(app.catalog(), app.say(who.locale), &seed, &waiting, &estimates::conversions(&app));
            if now == shown {
                return;
            }
        }
        count(&app, &who, &seed, (&id, &hash)).await;
    });
    Ok(())
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Counts people again after a change, for what the form holds now.
pub(super) async fn changed(app: &SlackApp, who: &Who, view: &View) {
    let Filled { draft, origin, deliver_to } = read(app.catalog(), view);
    let seed = Seed { origin: Origin { dm: deliver_to == DeliverTo::Dm, ..origin }, draft };
    count(app, who, &seed, (&view.id, &view.hash)).await;
}

/// Shows how many people there are. Inputs keep their ids, so Slack keeps what was typed into them meanwhile; by its `hash` a
/// count that was overtaken by a later one is refused.
async fn count(app: &SlackApp, who: &Who, seed: &Seed, (id, hash): (&str, &str)) {
    if id.is_empty() {
        return;
    }
    let say = app.say(who.locale);
    let estimate = estimates::words(app, say, &seed.draft).await;
    let counted = view(app.catalog(), say, seed, &estimate, &estimates::conversions(app));
    let mut body = json!({ "view_id": id, "view": counted });
    if !hash.is_empty() {
        body["hash"] = hash.into();
    }
    // Overtaken, or closed meanwhile; the client has logged anything else.
    let _ = app.client().call(Method::ViewsUpdate, &body, Pace::Hurried).await;
}

/// What typed text could mean, for the inputs that ask us: a product, or earlier segments.
pub(super) async fn suggest(app: &SlackApp, interaction: &Interaction) -> Reply {
    let who = app.who(interaction.team(), &interaction.user.id).await;
    let found = match interaction.action_id.as_str() {
        BLOCK_PRODUCT => matching(app.catalog(), &interaction.value, app.say(who.locale), &estimates::conversions(app)),
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
    found.sort_by_key(|(at, product)| (too_few(product, conversions).is_some(), *at));
    let best = found.into_iter().take(limits::OPTIONS);
    best.map(|(_, product)| view::product_choice(product, say, conversions)).collect()
}

#[cfg(test)]
mod tests;
