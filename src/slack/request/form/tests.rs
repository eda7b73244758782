//! A form keeps what was asked for, from the draft to the screen and back.

use serde_json::{Map, Value};

use super::*;
use crate::{
    catalog::Locale,
    queue::DeliverTo,
    segment::Draft,
    slack::{
        ids::{self, block_of_attribute},
        payload::{View, ViewState},
        request::draft::Origin,
        wording::{messages, problems, words},
    },
    texts::Texts,
};

fn catalog() -> Catalog {
    Catalog::parse(include_str!("../../../demo/catalog.toml")).unwrap()
}

/// What Slack sends when a person submits the form untouched, on a client that shows every input but those in `unseen`.
fn submitted(form: &Value, unseen: &[&str]) -> View {
    let inputs = form["blocks"].as_array().unwrap().iter().filter(|block| block["type"] == "input");
    let values: Map<String, Value> = inputs
        .map(|block| (block["block_id"].as_str().unwrap().to_owned(), &block["element"]))
        .filter(|(id, _)| !unseen.contains(&id.as_str()))
        .map(|(id, element)| {
            let state = json!({
                "type": element["type"], "value": element["initial_value"], "selected_option": element["initial_option"],
                "selected_options": element["initial_options"],
            });
            (id.clone(), json!({ id: state }))
        })
        .collect();
    let metadata = form["private_metadata"].as_str().unwrap().to_owned();
    View { state: ViewState { values }, private_metadata: metadata, ..View::default() }
}

fn there_and_back(text: &str, unseen: &[&str]) -> String {
    there_and_back_by(&catalog(), text, unseen)
}

fn there_and_back_by(catalog: &Catalog, text: &str, unseen: &[&str]) -> String {
    let texts = Texts::load().unwrap();
    let origin = Origin { channel: "C1".to_owned(), ..Origin::default() };
    let asked = RequestDraft { draft: Draft::from_text(catalog, text).unwrap(), origin };
    let form = view::form(catalog, texts.say(Locale::Ja), &asked, "…", &Conversions::new());
    let filled = read(catalog, &submitted(&form, unseen));
    assert_eq!(filled.deliver_to(), DeliverTo::Thread);
    filled.draft.check(catalog).map_or_else(|problems| format!("{problems:?}"), |conditions| conditions.to_string())
}

#[test]
fn a_form_submitted_untouched_asks_for_what_was_typed() {
    for text in [
        "product=skincare gender=f,m age=27-41 region=13,27 size=5432 converted=45d control=7% name=\"春\"",
        "product=coffee gender=unknown age=25-39 region=01 size=5% converted=never control=0%",
        "product=kimono size=10000 converted=ever without=cli-1,cli-2 control=10%",
    ] {
        assert_eq!(there_and_back(text, &[]), text);
        let unseen = [ids::BLOCK_REGIONS, BLOCK_WITHOUT];
        assert_eq!(there_and_back(text, &unseen), text, "where not every input can be shown");
    }
}

const RANKS: &str = r#"
[[attributes]]
id = "rank"
ja = "会員ランク"
en = "membership rank"
condition = true
choices = [{ id = "gold", code = "G", ja = "金", en = "Gold" }, { id = "silver", code = "S", ja = "銀", en = "Silver" }]
"#;

#[test]
fn attributes_are_inputs_whose_mistakes_are_shown_at_them() {
    let catalog = Catalog::parse(&format!("{}{RANKS}", include_str!("../../../demo/catalog.toml"))).unwrap();
    let there_and_back = |text| there_and_back_by(&catalog, text, &[]);
    insta::assert_snapshot!(there_and_back("product=coffee rank=銀,g size=5%"), @"product=coffee rank=gold,silver size=5% converted=never control=0%");
    insta::assert_snapshot!(there_and_back("product=coffee size=5%"), @"product=coffee size=5% converted=never control=0%");
    let conditions = Draft::from_text(&catalog, "product=coffee gender=f region=tokyo rank=gold,silver size=5%");
    let conditions = conditions.unwrap().check(&catalog).unwrap();
    let texts = Texts::load().unwrap();
    let sentence = |locale| words::sentence(&catalog, texts.say(locale), &conditions);
    insta::assert_snapshot!(sentence(Locale::En), @"The top 5% most likely to respond to Coffee subscription, among Women in Tokyo, membership rank: Gold, Silver. Left out: everyone who opted out.");
    insta::assert_snapshot!(sentence(Locale::Ja), @"会員ランクが金、銀の、東京都の女性のうち、「コーヒー定期便」に反応する見込みが最も高い上位5%を選びます。広告を希望しない人は除外します。");
    insta::assert_snapshot!(messages::help(&catalog, texts.say(Locale::En)).text.lines().last().unwrap(), @"You can also ask for `rank=` (membership rank), such as `rank=gold`.");
    insta::assert_snapshot!(messages::help(&catalog, texts.say(Locale::Ja)).text.lines().last().unwrap(), @"`rank=` (会員ランク)でも条件を付けられます（例：`rank=gold`）。");
    let draft = Draft::from_text(&catalog, "product=coffee rank=bronze size=5%").unwrap();
    let problem = draft.check(&catalog).unwrap_err().remove(0);
    assert_eq!(problems::block_of(&draft, &problem), block_of_attribute(&catalog.attributes[0].id));
}

#[test]
fn single_regions_narrow_the_area_that_is_ticked() {
    let catalog = catalog();
    let values = json!({
        "areas": { "areas": { "selected_options": [{ "value": "kanto" }, { "value": "shikoku" }] } },
        "regions": { "regions": { "selected_options": [{ "value": "13" }, { "value": "01" }] } },
    });
    let view = View { state: serde_json::from_value(json!({ "values": values })).unwrap(), ..View::default() };
    assert_eq!(read(&catalog, &view).draft.regions, ["36", "37", "38", "39", "13", "01"]);
}

#[test]
fn an_exact_number_wins_and_may_be_full_width() {
    let values = json!({
        "size": { "size": { "selected_option": { "value": "5%" } } },
        "size_exact": { "size_exact": { "value": " ５，０００ " } },
    });
    let view = View { state: serde_json::from_value(json!({ "values": values })).unwrap(), ..View::default() };
    assert_eq!(read(&catalog(), &view).draft.size.as_deref(), Some("5,000"));
}

#[test]
fn outside_a_channel_there_is_only_the_direct_message() {
    let texts = Texts::load().unwrap();
    for channel in ["", "D123"] {
        let asked = RequestDraft {
            origin: Origin { channel: channel.to_owned(), ..Origin::default() },
            ..RequestDraft::default()
        };
        let form = view::form(&catalog(), texts.say(Locale::En), &asked, "…", &Conversions::new());
        let mut blocks = form["blocks"].as_array().unwrap().iter();
        let deliver = blocks.find(|block| block["block_id"] == "deliver").unwrap();
        assert_eq!(deliver["element"]["options"].as_array().unwrap().len(), 1, "{channel}");
        assert_eq!(read(&catalog(), &submitted(&form, &[])).deliver_to(), DeliverTo::Dm);
    }
}

#[test]
fn a_draft_fits_a_button_even_when_what_was_typed_does_not() {
    let draft = Draft { regions: vec!["somewhere".to_owned(); 1000], ..Draft::default() };
    let origin = Origin { channel: "C1".to_owned(), ..Origin::default() };
    let value = RequestDraft { draft, origin: origin.clone() }.to_value();
    assert_eq!(RequestDraft::from_value(&value), RequestDraft { origin, draft: Draft::default() });
    assert_eq!(RequestDraft::from_value("no draft"), RequestDraft::default());
}

#[test]
fn suggestions_find_names_in_both_languages_and_never_exceed_what_slack_shows() {
    let (mut catalog, texts) = (catalog(), Texts::load().unwrap());
    let found = |catalog: &Catalog, typed: &str| -> Vec<String> {
        let choices = matching(catalog, typed, texts.say(Locale::Ja), &Conversions::new());
        choices.into_iter().map(|choice| choice.value).collect()
    };
    assert_eq!(found(&catalog, "COFF"), ["coffee"]);
    let product = catalog.products[0].clone();
    catalog.products.extend(std::iter::repeat_n(product, 300));
    assert_eq!(found(&catalog, "").len(), 100);
}

#[test]
fn products_without_enough_conversions_come_last_and_say_so() {
    let (mut catalog, texts) = (catalog(), Texts::load().unwrap());
    let say = texts.say(Locale::En);
    catalog.products[0].names.en = "Long ".repeat(30);
    let few = [(catalog.products[0].id.clone(), 32), (catalog.products[1].id.clone(), 50)].into();
    let shown = |choices: Vec<Choice>| choices.into_iter().map(|choice| choice.text).collect::<Vec<_>>();
    let found = shown(matching(&catalog, "", say, &few));
    let last = found.last().unwrap();
    assert!(last.ends_with("… (not ready: 32 of 50 conversions)"), "{last}");
    assert_eq!(last.chars().count(), limits::OPTION_TEXT);
    assert_eq!(found.iter().filter(|text| text.contains("not ready")).count(), 1);

    let form = view(&catalog, say, &RequestDraft::default(), "…", &few);
    let options = form["blocks"][1]["element"]["options"].as_array().unwrap().iter();
    assert_eq!(options.map(|option| option["text"]["text"].as_str().unwrap()).collect::<Vec<_>>(), found);
}
