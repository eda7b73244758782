//! How many people a form would find: asked of whoever can count them, and put into words.

use std::time::Duration;

use crate::{
    catalog::{Catalog, ExcludeConverted, Product},
    queue,
    segment::{Conditions, Draft, Estimate, Outlook, Problem},
    slack::{
        app::{SlackApp, counts},
        deadline::Deadline,
        wording::{blocks::escape, problems, words},
    },
    texts::Say,
};

/// Slack waits three seconds for the answer to a command or a form.
const COUNT_WAIT: Duration = Duration::from_secs(1);
/// The usual time is a courtesy.
const TIME_WAIT: Duration = Duration::from_millis(200);

/// A condition that may stand in the way of a larger audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relaxed {
    Region,
    Age,
    Gender,
    Attributes,
    Converted,
}

impl Relaxed {
    const ALL: [Self; 5] = [Self::Region, Self::Age, Self::Gender, Self::Attributes, Self::Converted];

    /// The same conditions without this one; `None` where it asks for nothing.
    fn without(self, conditions: &Conditions) -> Option<Conditions> {
        let mut relaxed = conditions.clone();
        match self {
            Self::Region => relaxed.regions.clear(),
            Self::Age => relaxed.age = None,
            Self::Gender => relaxed.genders.clear(),
            Self::Attributes => relaxed.attributes.clear(),
            Self::Converted => relaxed.exclude_converted = ExcludeConverted::Never,
        }
        (relaxed != *conditions).then_some(relaxed)
    }
}

/// How many conversions there are, if they are known to be too few to learn from. What was known is counted again before
/// anybody is refused for it.
pub(crate) async fn too_few(app: &SlackApp, deadline: Deadline, product: &Product) -> Option<u64> {
    let known = app.conversions();
    if known.is_empty() || counts::too_few(product, &known).is_some() {
        let _ = deadline.courtesy(COUNT_WAIT, app.newest_day()).await;
    }
    counts::too_few(product, &app.conversions())
}

/// What the form says of what is filled in so far.
pub(crate) async fn words(app: &SlackApp, say: Say<'_>, draft: &Draft) -> String {
    let Some(estimates) = &app.inner.estimates else { return say.text("estimate-away") };
    let conditions = match countable(app.catalog(), draft) {
        Ok(Some(conditions)) => conditions,
        Ok(None) => return say.text("estimate-choose"),
        Err(problem) => return escape(&problems::words(say, &problem)),
    };
    let relaxed: Vec<_> = Relaxed::ALL.into_iter().filter_map(|one| Some((one, one.without(&conditions)?))).collect();
    let asked = std::iter::once(&conditions).chain(relaxed.iter().map(|(_, relaxed)| relaxed)).cloned().collect();
    let Some(Outlook { as_of, estimates, .. }) = estimates.ask(asked).await else { return say.text("estimate-away") };
    let Some((estimate, others)) = estimates.split_first() else { return say.text("estimate-away") };
    let others = relaxed.iter().map(|(one, _)| *one).zip(others.iter().copied());
    let lines = [
        Some(audience(say, &conditions, estimate)),
        (estimate.age_unknown > 0)
            .then(|| say.with("estimate-age-unknown", &[("people", estimate.age_unknown.into())])),
        too_small(app.catalog(), say, (&conditions, estimate), others),
        Some(learning(app.catalog(), say, &conditions, estimate)),
        usual_time(app, say, &conditions).await,
        (!draft.without.is_empty()).then(|| say.text("estimate-earlier")),
        Some(say.with("estimate-as-of", &[("as_of", as_of.to_string().into())])),
    ];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// The conditions as far as they are filled in; `None` without a product. Earlier segments cannot be counted in advance.
fn countable(catalog: &Catalog, draft: &Draft) -> Result<Option<Conditions>, Problem> {
    if draft.product.is_none() {
        return Ok(None);
    }
    let size = draft.size.clone().or_else(|| Some("100%".to_owned()));
    let draft = Draft { size, without: Vec::new(), ..draft.clone() };
    draft.check(catalog).map(Some).map_err(|problems| problems.into_iter().next().expect("a refusal has a reason"))
}

/// How long such a segment usually takes, if that is known quickly.
async fn usual_time(app: &SlackApp, say: Say<'_>, conditions: &Conditions) -> Option<String> {
    let asked = queue::usual_duration(app.pool(), &conditions.product);
    let usual = tokio::time::timeout(TIME_WAIT, asked).await.ok()?.ok()??;
    let seconds = i64::try_from(usual.as_millis().div_ceil(1000)).ok()?;
    Some(say.with("estimate-time", &[("duration", words::duration(say, words::rounded(seconds)).into())]))
}

/// Matching, left out, left, asked for.
fn audience(say: Say<'_>, conditions: &Conditions, estimate: &Estimate) -> String {
    let known = [("matching", estimate.matching.into()), ("opted_out", estimate.opted_out.into())];
    let (Some(converted), Some(eligible)) = (estimate.converted, estimate.eligible()) else {
        return say.with("estimate-at-most", &known);
    };
    let [matching, opted_out] = known;
    let asked = conditions.size.of(eligible);
    let args = [
        matching,
        opted_out,
        ("converted", converted.into()),
        ("eligible", eligible.into()),
        ("asked", asked.into()),
        ("all", if asked == eligible { "yes" } else { "no" }.into()),
    ];
    say.with("estimate-audience", &args)
}

/// Which condition to give up, and what that would give, when too few people are left.
fn too_small(
    catalog: &Catalog,
    say: Say<'_>,
    (conditions, estimate): (&Conditions, &Estimate),
    others: impl Iterator<Item = (Relaxed, Estimate)>,
) -> Option<String> {
    let smallest = catalog.limits.smallest_segment;
    estimate.eligible().filter(|eligible| *eligible < smallest)?;
    let few = say.with("estimate-too-small", &[("smallest", smallest.into())]);
    let counted = others.filter_map(|(relaxed, estimate)| Some((relaxed, estimate.eligible()?)));
    // The first that would do; else the one that gives most.
    let best = counted.reduce(|best, one| if best.1 < smallest && one.1 > best.1 { one } else { best });
    let advice = best.map(|(relaxed, people)| {
        let people = [("people", people.into())];
        match relaxed {
            Relaxed::Region => say.with("estimate-without-region", &people),
            Relaxed::Age => say.with("estimate-without-age", &people),
            Relaxed::Gender => say.with("estimate-without-gender", &people),
            Relaxed::Attributes => {
                let [people] = people;
                let asked = catalog.attributes.iter().filter(|one| conditions.attributes.contains_key(&one.id));
                let names: Vec<String> = asked.map(|one| escape(one.names.get(say.locale))).collect();
                say.with("estimate-without-attributes", &[people, ("attributes", say.list(&names).into())])
            }
            Relaxed::Converted => say.with("estimate-without-converted", &people),
        }
    });
    Some(say.sentences([few].into_iter().chain(advice)))
}

fn learning(catalog: &Catalog, say: Say<'_>, conditions: &Conditions, estimate: &Estimate) -> String {
    let needed = catalog.product(&conditions.product).map_or(0, |product| u64::from(product.min_conversions));
    let args = [("found", estimate.conversions.into()), ("needed", needed.into())];
    say.with(if estimate.conversions < needed { "estimate-too-few" } else { "estimate-learning" }, &args)
}
