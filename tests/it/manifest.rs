//! `manifest.yml` ↔ what the code answers and calls.

use std::collections::BTreeSet;

use segment_bot::slack::{COMMAND, Method, ROUTES, SHORTCUT_GLOBAL, SHORTCUT_MESSAGE};
use serde_json::Value;

fn manifest() -> Value {
    serde_norway::from_str(include_str!("../../manifest.yml")).unwrap()
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn it_asks_for_exactly_the_scopes_that_the_code_needs() {
    let called = Method::ALL.into_iter().flat_map(Method::scopes).copied();
    // The command and the event need one each that no method does.
    let needed: BTreeSet<String> = called.chain(["commands", "app_mentions:read"]).map(str::to_owned).collect();
    assert_eq!(texts(&manifest()["oauth_config"]["scopes"]["bot"]), needed);
}

#[test]
fn its_names_are_the_ones_that_the_code_answers() {
    let manifest = manifest();
    let features = &manifest["features"];
    assert_eq!(features["slash_commands"][0]["command"], COMMAND);
    let ids: Vec<&str> =
        features["shortcuts"].as_array().unwrap().iter().filter_map(|it| it["callback_id"].as_str()).collect();
    assert_eq!(ids, [SHORTCUT_GLOBAL, SHORTCUT_MESSAGE]);
    let events = texts(&manifest["settings"]["event_subscriptions"]["bot_events"]);
    assert_eq!(events.into_iter().collect::<Vec<_>>(), ["app_home_opened", "app_mention"]);
}

#[test]
fn its_addresses_are_the_routes() {
    let manifest = manifest();
    let settings = &manifest["settings"];
    let urls = [
        &settings["event_subscriptions"]["request_url"],
        &manifest["features"]["slash_commands"][0]["url"],
        &settings["interactivity"]["request_url"],
        &settings["interactivity"]["message_menu_options_url"],
    ];
    let paths: Vec<&str> = urls.iter().map(|url| url.as_str().unwrap().split_once(".com").unwrap().1).collect();
    assert_eq!(paths, ROUTES);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "where the schema lies is the machine's business, not the app's")]
fn it_keeps_slacks_schema() {
    let Ok(facts) = std::env::var("SEGMENT_SHARED_FACTS") else {
        println!("skipped: SEGMENT_SHARED_FACTS does not name the folder with slack-manifest.schema.json");
        return;
    };
    let schema = std::fs::read_to_string(format!("{facts}/slack-manifest.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&manifest()).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}
