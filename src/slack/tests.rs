//! Everything that goes to Slack keeps Slack's limits, however long the names of a catalog are.

use chrono::{TimeZone, Utc};
use proptest::prelude::*;
use serde_json::Value;

use crate::{
    catalog::{Attribute, AttributeId, AttributeValues, Band, Catalog, Choice, Locale, Names, ProductId},
    queue::{DeliverTo, Eta, QueuePosition, Request, RequestState},
    segment::{Cell, Direction, Draft, Factor, Failure, Rule, RulePart, RuleTest, Summary},
    slack::{
        ids, limits,
        request::{
            draft::{Origin, RequestDraft},
            form,
        },
        thread::result,
        wording::{blocks, messages},
    },
    texts::Texts,
};

fn sample() -> Catalog {
    Catalog::parse(include_str!("../demo/catalog.toml")).unwrap()
}

/// An attribute that may be asked for, with as many choices as the catalog allows.
fn attribute(id: &str, names: &Names) -> Attribute {
    let choice = |n: usize| Choice { id: format!("{n:0>60}"), names: names.clone() };
    let band = |n: usize| Band { choice: choice(n), from: None, below: None };
    Attribute {
        id: AttributeId::new(id),
        column: id.to_owned(),
        names: names.clone(),
        values: AttributeValues::Numbers((0..100).map(band).collect()),
        is_feature: true,
        is_condition: true,
    }
}

/// A catalog in which every name is `name`, with `products` products.
fn catalog(name: &str, products: usize) -> Catalog {
    let names = Names::new(name, name);
    let mut catalog = sample();
    catalog.owner = name.to_owned();
    catalog.attributes = ["a", "b", "c"].map(|id| attribute(id, &names)).to_vec();
    catalog.genders.iter_mut().for_each(|gender| gender.names = names.clone());
    catalog.areas.iter_mut().for_each(|area| area.names = names.clone());
    catalog.regions.iter_mut().for_each(|region| region.names = names.clone());
    let first = crate::catalog::Product { names, ..catalog.products[0].clone() };
    let id = |n| if n == 0 { first.id.clone() } else { ProductId::new(format!("{}-{n}", first.id)) };
    catalog.products = (0..products).map(|n| crate::catalog::Product { id: id(n), ..first.clone() }).collect();
    catalog
}

fn request(state: RequestState, failure: Option<Failure>) -> Request {
    let at = Utc.with_ymd_and_hms(2026, 11, 23, 3, 0, 0).unwrap();
    let draft =
        Draft::from_text(&sample(), "product=skincare gender=f age=25-39 region=kanto,01,02,46,47 size=5000").unwrap();
    Request {
        built_by: None,
        built_by_number: None,
        id: uuid::Uuid::nil(),
        number: 128,
        team: "T1".to_owned(),
        user: "U1".to_owned(),
        locale: Locale::En,
        channel: "C1".to_owned(),
        thread_ts: None,
        deliver_to: DeliverTo::Thread,
        conditions: draft.check(&sample()).unwrap(),
        root: None,
        state,
        stage: Some("scoring".to_owned()),
        stage_done: 4_200_000,
        stage_of: 10_000_000,
        failure,
        reference: "0a1b2c3d".to_owned(),
        summary: None,
        created_at: at,
        started_at: Some(at),
        finished_at: Some(at + chrono::TimeDelta::seconds(38)),
        anyway: false,
        version: 1,
        shown: 0,
    }
}

fn summary(name: &str) -> Summary {
    let names = Names::new(name, name);
    let cell = |n: u64| Cell {
        label: names.clone(),
        segment: (n > 5).then_some(n * 20),
        eligible: (n > 2).then_some(n * 300),
    };
    let mut summary: Summary = serde_json::from_value(serde_json::json!({
        "as_of": "2026-11-22", "model_id": "m1", "model_reused": true,
        "waterfall": {"people": 1_000_000, "matching": 200_000, "opted_out": 9_000, "converted": 4_000, "eligible": 187_000, "delivered": 5000},
        "quality": {"grade": "strong", "auc": 0.81, "auc_low": 0.80, "auc_high": 0.82, "positives": 12_345, "base_rate": 0.07,
            "expected": 1260.4, "expected_low": 1190, "expected_high": 1331, "replay": {"day": "2026-10-25", "picked": 10000, "came": 1204, "random": 371.2, "lift": [3.05, 3.43]}, "expected_random": 370.0, "lift": 3.4},
        "rules": [], "rules_fidelity": 0.83, "factors": [], "breakdown": {"age": [], "gender": [], "region": []},
        "files": [], "stages_ms": [["assembling", 4_100], ["scoring", 33_000]],
    }))
    .unwrap();
    let part = |test| RulePart { feature: names.clone(), test };
    let rule = Rule {
        parts: vec![part(RuleTest::AtMost(30.0)), part(RuleTest::Above(2.5))],
        share_of_segment: 0.42,
        precision: 0.6,
    };
    summary.rules = vec![rule; 3];
    summary.factors = vec![Factor { feature: names.clone(), direction: Direction::Higher, share: 0.31 }; 5];
    summary.breakdown.region = (0..47).map(cell).collect();
    summary.breakdown.age = (0..14).map(cell).collect();
    summary
}

/// What is longer than Slack allows, found by walking through everything.
fn too_long(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Value::Object(object) = value {
        found.extend(broken(value).into_iter().map(|what| format!("{what}: {value}")));
        found.extend(object.values().flat_map(too_long));
    }
    if let Value::Array(items) = value {
        found.extend(items.iter().flat_map(too_long));
    }
    found
}

fn broken(value: &Value) -> Vec<&'static str> {
    let chars = |text: &Value| text.as_str().map_or(0, |text| text.chars().count());
    let text = |name: &str| chars(&value[name]["text"]);
    let count = |name: &str| value[name].as_array().map_or(0, Vec::len);
    let kind = value["type"].as_str().unwrap_or_default();
    let rules = [
        (value["text"].as_str() == Some(""), "an empty text"),
        (kind == "section" && text("text") > limits::SECTION_TEXT, "a section"),
        (kind == "header" && text("text") > limits::HEADER_TEXT, "a header"),
        (kind == "button" && text("text") > limits::BUTTON_TEXT, "a button"),
        (kind == "button" && chars(&value["value"]) > limits::BUTTON_VALUE, "a button's value"),
        (kind == "actions" && count("elements") > limits::ACTIONS_ELEMENTS, "a row of buttons"),
        (kind == "input" && (text("label") > limits::INPUT_LABEL || text("hint") > limits::INPUT_HINT), "an input"),
        (text("placeholder") > limits::PLACEHOLDER, "a placeholder"),
        (value["value"].is_string() && kind.is_empty() && text("text") > limits::OPTION_TEXT, "an option"),
        (kind.is_empty() && chars(&value["value"]) > limits::OPTION_VALUE, "an option's value"),
        (matches!(kind, "checkboxes" | "radio_buttons") && count("options") > limits::CHOICES, "choices"),
        (kind.ends_with("static_select") && count("options") > limits::OPTIONS, "options"),
        (kind.ends_with("static_select") && count("option_groups") > limits::OPTION_GROUPS, "groups"),
        (text("label") > limits::OPTION_GROUP_LABEL && kind.is_empty(), "a group's label"),
        (kind == "modal" && text("title").max(text("submit")).max(text("close")) > limits::VIEW_TITLE, "a title"),
        (kind == "modal" && count("blocks") > limits::VIEW_BLOCKS, "a view"),
        (chars(&value["private_metadata"]) > limits::PRIVATE_METADATA, "private metadata"),
        (value["title"].is_object() && kind.is_empty() && text("title") > limits::CONFIRM_TITLE, "a dialog's title"),
        (kind.is_empty() && text("confirm").max(text("deny")) > limits::CONFIRM_BUTTON, "a dialog's button"),
    ];
    rules.into_iter().filter(|(is_broken, _)| *is_broken).map(|(_, what)| what).collect()
}

/// Every view and message, for one catalog and one language.
fn everything(name: &str, products: usize, locale: Locale) -> Vec<Value> {
    let (catalog, texts) = (catalog(name, products), Texts::load().unwrap());
    let say = texts.say(locale);
    let draft = Draft { name: Some(name.to_owned()), regions: vec!["13".to_owned()], ..Draft::default() };
    let origin = Origin { channel: "C1".to_owned(), ..Origin::default() };
    let asked = RequestDraft { origin, draft };
    let place = Some(QueuePosition { position: 3, eta: Some(Eta { soonest: 20, likely: 61, latest: 200 }) });
    let named = |mut request: Request| {
        request.conditions.name = Some(name.chars().take(80).collect());
        request
    };
    let states = [
        RequestState::Queued,
        RequestState::Running,
        RequestState::Delivering,
        RequestState::Done,
        RequestState::Cancelled,
    ];
    let mut requests: Vec<Request> = states.into_iter().map(|state| named(request(state, None))).collect();
    requests.extend(failures().into_iter().map(|failure| named(request(RequestState::Failed, Some(failure)))));
    let roots = requests.iter().map(|request| messages::root(&catalog, say, request, place));
    let mut messages: Vec<blocks::Message> = roots.collect();
    messages.extend([
        messages::help(&catalog, say),
        messages::products(&catalog, say),
        messages::list(&catalog, say, &requests),
        messages::offer_form(say, "mention-answer", &asked.to_value()),
        messages::confirmation(&catalog, say, &requests[0], place).into_message(),
        result::message(&catalog, say, &requests[3], &summary(name)),
    ]);
    assert!(messages.iter().all(|message| message.text.chars().count() <= limits::MESSAGE_TEXT));
    assert!(messages.iter().all(|message| message.blocks.len() <= limits::MESSAGE_BLOCKS));
    let mut all: Vec<Value> = messages.into_iter().map(|message| Value::Array(message.blocks)).collect();
    let few = catalog.products.iter().step_by(2).map(|product| (product.id.clone(), 0)).collect();
    all.push(form::view(&catalog, say, &asked, &say.text("estimate-choose"), &few));
    all.push(messages::confirmation(&catalog, say, &requests[0], place).into_view(ids::CALLBACK_CONFIRMATION));
    all
}

fn failures() -> Vec<Failure> {
    let refused = |reason: &str| Failure::SlackRefused { reason: reason.to_owned() };
    vec![
        Failure::EmptyAudience { matching: 1200, opted_out: 200, converted: 1000, listed: 0 },
        Failure::EmptyAudience { matching: 1200, opted_out: 200, converted: 900, listed: 100 },
        Failure::EarlierSegmentGone { segment: "#128".to_owned() },
        Failure::TooSmall { people: 12, smallest: 100 },
        Failure::TooFewConversions { found: 64, needed: 100 },
        Failure::NoBetterThanChance { day: None, picked: 0, came: 0, random: 0 },
        Failure::NoSnapshot {
            as_of: None,
            newest: Utc.with_ymd_and_hms(2026, 11, 21, 0, 0, 0).unwrap().date_naive().into(),
        },
        Failure::NoSnapshot { as_of: None, newest: None },
        Failure::DataUnreadable,
        Failure::CatalogChanged,
        Failure::StorageUnreachable,
        Failure::WorkerLost,
        Failure::TookTooLong,
        refused("not_in_channel"),
        refused("is_archived"),
        refused("file_uploads_disabled"),
        refused("file_upload_size_restricted"),
        refused("storage_limit_reached"),
        refused("slack_connect_file_upload_sharing_blocked"),
        refused("restricted_action_read_only_channel"),
        refused("missing_scope"),
        refused("something_new"),
        Failure::SlackUnreachable,
        Failure::DeliveryUnconfirmed,
        Failure::Internal,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn everything_keeps_slacks_limits(name in "[&<>a-z0-9「」語🎉 ]{0,400}", products in 1_usize..220, ja: bool) {
        let locale = if ja { Locale::Ja } else { Locale::En };
        for shown in everything(&name, products, locale) {
            prop_assert_eq!(too_long(&shown), Vec::<String>::new());
        }
    }
}

#[test]
fn no_text_lacks_a_value() {
    for shown in Locale::ALL.into_iter().flat_map(|locale| everything("Name", 4, locale)) {
        let text = shown.to_string();
        assert!(!text.contains("{$") && !text.contains("{ $"), "{text}");
    }
}

#[test]
fn names_cannot_mention_people_or_break_out_of_the_text() {
    let shown = everything("<!channel> & <@U9>", 1, Locale::En);
    let mrkdwn: Vec<String> = shown.iter().flat_map(mrkdwn).collect();
    assert!(mrkdwn.iter().all(|text| !text.contains("<!channel>") && !text.contains("<@U9>")));
    assert!(mrkdwn.iter().any(|text| text.contains("&lt;!channel&gt; &amp; &lt;@U9&gt;")));
}

fn mrkdwn(value: &Value) -> Vec<String> {
    let own = (value["type"] == "mrkdwn").then(|| value["text"].as_str().unwrap_or_default().to_owned());
    let below: Vec<String> = match value {
        Value::Object(object) => object.values().flat_map(mrkdwn).collect(),
        Value::Array(items) => items.iter().flat_map(mrkdwn).collect(),
        _ => Vec::new(),
    };
    own.into_iter().chain(below).collect()
}

mod wording;
