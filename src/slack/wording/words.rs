//! Conditions, sizes, states and times in words. No markup is added here; names from people and catalog come out escaped.

use std::collections::BTreeSet;

use crate::{
    catalog::{Attribute, Catalog, ExcludeConverted, RegionCode},
    queue::{QueuePosition, Request, RequestState},
    segment::{Conditions, Size},
    slack::wording::blocks::escape,
    texts::Say,
};

/// More regions than these are counted, not listed.
const REGIONS_LISTED: usize = 8;

/// `10,000 people` or `top 5%`.
pub(crate) fn size(say: Say<'_>, size: Size) -> String {
    match size {
        Size::People(people) => say.with("size-people", &[("people", people.into())]),
        Size::Percent(percent) => say.with("size-percent", &[("percent", percent.into())]),
    }
}

/// Which converted people are left out, as a choice.
pub(crate) fn converted(say: Say<'_>, converted: ExcludeConverted) -> String {
    match converted {
        ExcludeConverted::Never => say.text("converted-never"),
        ExcludeConverted::Days(days) => say.with("converted-days", &[("days", days.into())]),
        ExcludeConverted::Ever => say.text("converted-ever"),
    }
}

/// How large the control group is, as a choice.
pub(crate) fn control(say: Say<'_>, percent: u8) -> String {
    match percent {
        0 => say.text("control-none"),
        percent => say.with("control-percent", &[("percent", percent.into())]),
    }
}

/// A state in one or two words.
pub(crate) fn state(say: Say<'_>, state: RequestState) -> String {
    match state {
        RequestState::Queued => say.text("state-queued"),
        RequestState::Running => say.text("state-running"),
        RequestState::Delivering => say.text("state-delivering"),
        RequestState::Done => say.text("state-done"),
        RequestState::Failed => say.text("state-failed"),
        RequestState::Cancelled => say.text("state-cancelled"),
    }
}

/// The product's name; its id when it is no longer in the catalog.
pub(crate) fn product(catalog: &Catalog, say: Say<'_>, conditions: &Conditions) -> String {
    let product = catalog.product(&conditions.product);
    escape(product.map_or(conditions.product.as_str(), |product| product.names.get(say.locale)))
}

/// `#128 Spring campaign`, or the product's name where the campaign has none.
pub(crate) fn title(catalog: &Catalog, say: Say<'_>, request: &Request) -> String {
    escape(&title_unescaped(catalog, say, request))
}

/// [`title`] where nothing is markup, as in the entries of a select.
pub(crate) fn title_unescaped(catalog: &Catalog, say: Say<'_>, request: &Request) -> String {
    let product = catalog.product(&request.conditions.product);
    let product = product.map_or(request.conditions.product.as_str(), |product| product.names.get(say.locale));
    let name = request.conditions.name.clone();
    let args = [
        ("number", request.number.to_string().into()),
        ("name", name.clone().unwrap_or_default().into()),
        ("product", product.to_owned().into()),
    ];
    say.with(if name.is_some() { "title-named" } else { "title-unnamed" }, &args)
}

/// What will be built, in one sentence, who is left out, in another, and how many are kept as a control group.
pub(crate) fn sentence(catalog: &Catalog, say: Say<'_>, conditions: &Conditions) -> String {
    let left_out = match conditions.exclude_converted {
        ExcludeConverted::Never => say.text("left-out-opted-out"),
        ExcludeConverted::Days(days) => say.with("left-out-days", &[("days", days.into())]),
        ExcludeConverted::Ever => say.text("left-out-ever"),
    };
    let wanted = say.with(
        "sentence-wanted",
        &[
            ("size", size(say, conditions.size).into()),
            ("product", product(catalog, say, conditions).into()),
            ("people", people(catalog, say, conditions).into()),
        ],
    );
    let earlier: Vec<String> = conditions.exclude_segments.iter().map(ToString::to_string).collect();
    let earlier =
        (!earlier.is_empty()).then(|| say.with("sentence-without", &[("segments", say.list(&earlier).into())]));
    let control = conditions.control_percent;
    let control = (control > 0).then(|| say.with("sentence-control", &[("percent", control.into())]));
    say.sentences([wanted, left_out].into_iter().chain(earlier).chain(control))
}

fn people(catalog: &Catalog, say: Say<'_>, conditions: &Conditions) -> String {
    let name = |gender| catalog.gender(gender).map(|gender| escape(gender.names.get(say.locale)));
    let genders: Vec<String> = conditions.genders.iter().filter_map(name).collect();
    let gender = if genders.is_empty() { say.text("people-everyone") } else { say.list(&genders) };
    let age = conditions.age.map(|age| say.with("people-age", &[("from", age.from.into()), ("to", age.to.into())]));
    let regions = regions(catalog, say, &conditions.regions);
    let region = regions.map(|regions| say.with("people-region", &[("regions", regions.into())]));
    let args = [
        ("gender", gender.into()),
        ("age", age.unwrap_or_default().into()),
        ("region", region.unwrap_or_default().into()),
        ("attributes", attributes(catalog, say, conditions).into()),
    ];
    say.with("people", &args)
}

/// What is asked for of each attribute, in the catalog's order.
fn attributes(catalog: &Catalog, say: Say<'_>, conditions: &Conditions) -> String {
    let one = |attribute: &Attribute| {
        let chosen = conditions.attributes.get(&attribute.id)?;
        let names = chosen.iter().filter_map(|id| Some(escape(attribute.choice(id)?.names.get(say.locale))));
        let args = [
            ("name", escape(attribute.names.get(say.locale)).into()),
            ("choices", say.list(names.collect::<Vec<_>>()).into()),
        ];
        Some(say.with("people-attribute", &args))
    };
    catalog.attributes.iter().filter_map(one).collect()
}

/// Whole areas by their name, then single regions; `None` for everywhere.
fn regions(catalog: &Catalog, say: Say<'_>, codes: &BTreeSet<RegionCode>) -> Option<String> {
    let mut rest = codes.clone();
    let mut names = Vec::new();
    for area in &catalog.areas {
        if !area.regions.is_empty() && area.regions.iter().all(|code| codes.contains(code)) {
            names.push(escape(area.names.get(say.locale)));
            rest.retain(|code| !area.regions.contains(code));
        }
    }
    let single =
        rest.iter().map(|code| catalog.region(code).map_or(code.as_str(), |region| region.names.get(say.locale)));
    names.extend(single.map(escape));
    let more = names.len().saturating_sub(REGIONS_LISTED);
    let shown = say.list(names.iter().take(REGIONS_LISTED));
    match (names.len(), more) {
        (0, _) => None,
        (_, 0) => Some(shown),
        _ => Some(say.with("regions-and-more", &[("shown", shown.into()), ("more", more.into())])),
    }
}

/// What a request waits for.
pub(crate) fn waiting(say: Say<'_>, request: &Request, place: Option<QueuePosition>) -> String {
    let Some(number) = request.built_by_number else { return self::place(say, place) };
    let same = say.with("place-same", &[("number", number.to_string().into())]);
    // What runs already has no place.
    say.sentences([same].into_iter().chain(place.map(|_| self::place(say, place))))
}

/// Where a waiting request stands.
pub(crate) fn place(say: Say<'_>, place: Option<QueuePosition>) -> String {
    let Some(QueuePosition { position, eta }) = place else { return say.text("place-unknown") };
    let position = ("position", position.into());
    let wait = |seconds: i64| duration(say, rounded(seconds)).into();
    match eta {
        None => say.with("place-position", &[position]),
        Some(eta) if eta.latest < 5 => say.with("place-soon", &[position]),
        Some(eta) if eta.is_unsure() && eta.soonest < 5 => {
            say.with("place-eta-within", &[position, ("wait", wait(eta.latest))])
        }
        Some(eta) if eta.is_unsure() => {
            say.with("place-eta-range", &[position, ("soonest", wait(eta.soonest)), ("latest", wait(eta.latest))])
        }
        Some(eta) => say.with("place-eta", &[position, ("wait", wait(eta.likely))]),
    }
}

/// An estimate is not given to the second.
pub(crate) fn rounded(seconds: i64) -> i64 {
    match seconds {
        ..=60 => (seconds + 4) / 5 * 5,
        _ => (seconds + 59) / 60 * 60,
    }
}

/// `38 s`, `2 min 5 s`, `1 h 3 min`.
pub(crate) fn duration(say: Say<'_>, seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let args = [("hours", hours.into()), ("minutes", minutes.into()), ("seconds", rest.into())];
    match (hours, minutes, rest) {
        (0, 0, _) => say.with("duration-seconds", &args[2..]),
        (0, _, 0) => say.with("duration-minutes", &args[1..2]),
        (0, _, _) => say.with("duration-minutes-seconds", &args[1..]),
        _ => say.with("duration-hours", &args[..2]),
    }
}

/// Seconds from the first worker to the end; from the question where no worker was needed.
pub(crate) fn seconds_taken(request: &Request) -> i64 {
    let start = request.started_at.unwrap_or(request.created_at);
    request.finished_at.map_or(0, |end| (end - start).num_seconds().max(1))
}

/// A moment, shown in the reader's own time zone.
pub(crate) fn moment(at: chrono::DateTime<chrono::Utc>) -> String {
    format!("<!date^{}^{{date_short_pretty}} {{time}}|{}>", at.timestamp(), at.format("%Y-%m-%d %H:%M UTC"))
}
