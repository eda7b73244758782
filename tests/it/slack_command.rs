//! Typed text → what the person sees, and what is queued.

use segment_bot::{
    queue::{self, RequestState},
    slack::ACTION_OPEN_FORM,
};
use serde_json::{Value, json};

use crate::support::{
    fault_server::Fault,
    sample::sample,
    stage::{Stage, said},
};

async fn queued(stage: &Stage) -> Vec<queue::Request> {
    queue::requests_of(&stage.pool, "T1", "U1", 10).await.unwrap()
}

fn input<'a>(view: &'a Value, block_id: &str) -> &'a Value {
    let blocks = view["view"]["blocks"].as_array().unwrap();
    &blocks.iter().find(|block| block["block_id"] == block_id).unwrap()["element"]
}

#[tokio::test]
async fn the_command_alone_opens_the_form_and_touches_no_database() {
    let stage = Stage::new().await;
    stage.pool.close().await;
    assert_eq!(stage.types("").await, Value::Null);
    assert_eq!(stage.slack.calls("views.open")[0]["view"]["callback_id"], "segment_form");
}

#[tokio::test]
async fn typed_conditions_fill_the_form() {
    let stage = Stage::new().await;
    stage.types("product=skincare gender=f age=25-39 region=tokyo,osaka size=5000").await;
    let view = &stage.slack.calls("views.open")[0];
    assert_eq!(input(view, "product")["initial_option"]["value"], "skincare");
    assert_eq!(input(view, "gender")["initial_options"][0]["value"], "f");
    assert_eq!(input(view, "age_from")["initial_option"]["value"], "25");
    assert_eq!(input(view, "age_to")["initial_option"]["value"], "39");
    assert_eq!(input(view, "regions")["initial_options"].as_array().unwrap().len(), 2);
    assert_eq!(input(view, "size_exact")["initial_value"], "5000");
}

#[tokio::test]
async fn a_form_that_does_not_open_is_offered_as_a_button_with_what_was_typed() {
    let stage = Stage::new().await;
    stage.slack.fail("views.open", [Fault::Code("expired_trigger_id")]);
    let reply = stage.types("product=coffee size=5%").await;
    assert_eq!(reply["response_type"], "ephemeral");
    let button = &reply["blocks"][1]["elements"][0];
    assert_eq!(button["action_id"], ACTION_OPEN_FORM);
    stage.presses("U1", ACTION_OPEN_FORM, button["value"].as_str().unwrap()).await;
    let view = stage.slack.wait_for("views.open", 1).await;
    assert_eq!(input(&view, "product")["initial_option"]["value"], "coffee");
    assert_eq!(input(&view, "size")["initial_option"]["value"], "5%");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_with_too_little_to_learn_from_is_refused_before_anything_is_queued() {
    let sample = sample().await;
    let stage = Stage::counting(&sample).await;
    let reply = stage.types("product=kimono size=500 --go").await;
    assert!(said(&reply).contains("no conversion") && said(&reply).contains("50 are needed"), "{}", said(&reply));
    assert!(queued(&stage).await.is_empty());
    stage.types("product=skincare size=500 --go").await;
    assert_eq!(queued(&stage).await.len(), 1);
}

#[tokio::test]
async fn a_typo_is_explained_and_starts_nothing() {
    let stage = Stage::new().await;
    insta::assert_snapshot!(said(&stage.types("produkt=tea").await), @r"
    I could not use all of that, so nothing was started.
    • “produkt” is not a word I know. I know `name`, `product`, `gender`, `age`, `region`, `size`, `converted`, `without`, `control`. Did you mean `product`?
    `/segment help` shows how it is written; `/segment` alone opens the form.
    ");
    insta::assert_snapshot!(said(&stage.types("product=coffe size=3").await), @r"
    I could not use all of that, so nothing was started.
    • “coffe” is not a product I know. Accepted: `skincare`, `supplement`, `coffee`, `kimono`. Did you mean `coffee`?
    • “3” is not a size I can use. Give 100 to 1,000,000 people, or a share such as 5%.
    `/segment help` shows how it is written; `/segment` alone opens the form.
    ");
    insta::assert_snapshot!(said(&stage.types("halp").await), @"I don't know “halp”. Did you mean `help`?");
    assert!(stage.slack.calls("views.open").is_empty() && queued(&stage).await.is_empty());
}

#[tokio::test]
async fn japanese_speakers_are_answered_in_japanese() {
    let stage = Stage::new().await;
    stage.slack.answer("users.info", json!({ "ok": true, "user": { "locale": "ja-JP" } }));
    insta::assert_snapshot!(said(&stage.types("product=coffe size=3").await), @r"
    入力に使えないものがあるため、何も開始していません。
    • 「coffe」は商品として使えません。使えるのは `skincare`、`supplement`、`coffee`、`kimono` です。`coffee` のことでしょうか？
    • 「3」は人数として使えません。100 人から 1,000,000 人まで、または 5% のような割合で指定してください。
    書き方は `/segment help` で確認できます。`/segment` だけでフォームが開きます。
    ");
    stage.types("help").await;
    assert_eq!(stage.slack.calls("users.info").len(), 1, "the language is remembered");
}

#[tokio::test]
async fn go_queues_at_once() {
    let stage = Stage::new().await;
    let reply = stage.types("product=coffee gender=f size=5000 converted=90d --go").await;
    insta::assert_snapshot!(said(&reply), @r"
    *#1 Coffee subscription*
    The 5,000 people most likely to respond to Coffee subscription, among Women. Left out: people who converted in the last 90 days, and everyone who opted out.
    The result will arrive in a thread in <#C1>.
    Next in line.
    ");
    let queued = queued(&stage).await;
    assert_eq!(queued[0].conditions.to_string(), "product=coffee gender=f size=5000 converted=90d control=0%");
    assert!(stage.slack.calls("views.open").is_empty());
}

#[tokio::test]
async fn go_without_a_size_or_in_a_private_channel_queues_nothing() {
    let stage = Stage::new().await;
    insta::assert_snapshot!(said(&stage.types("product=coffee --go").await), @r"
    I could not use all of that, so nothing was started.
    • Please choose the size.
    `/segment help` shows how it is written; `/segment` alone opens the form.
    ");
    stage.slack.answer("conversations.info", json!({ "ok": false, "error": "channel_not_found" }));
    let reply = stage.types("product=coffee size=5% --go").await;
    insta::assert_snapshot!(said(&reply), @"I am not in this channel, so I can't put files here. Invite me with /invite, or choose the direct message.");
    assert_eq!(reply["blocks"][1]["elements"][0]["action_id"], ACTION_OPEN_FORM);
    assert!(queued(&stage).await.is_empty());
}

#[tokio::test]
async fn requests_are_listed_shown_and_cancelled_by_their_number() {
    let stage = Stage::new().await;
    insta::assert_snapshot!(said(&stage.types("list").await), @"You have not asked for a segment yet. `/segment` opens the form.");
    stage.types("product=coffee size=5% --go").await;
    let number = queued(&stage).await[0].number;
    let listed = said(&stage.types("list").await);
    assert!(listed.contains(&format!("#{number} Coffee subscription — waiting")), "{listed}");
    assert!(said(&stage.types(&format!("show #{number}")).await).contains("Next in line"));
    assert_eq!(said(&stage.types(&format!("cancel {number}")).await), format!("Request #{number} is cancelled."));
    assert_eq!(queued(&stage).await[0].state, RequestState::Cancelled);
    let again = said(&stage.types(&format!("cancel {number}")).await);
    assert_eq!(again, format!("Request #{number} can no longer be cancelled: it is cancelled."));
    stage.types(&format!("rerun {number}")).await;
    assert_eq!(input(&stage.slack.calls("views.open")[0], "product")["initial_option"]["value"], "coffee");
}

#[tokio::test]
async fn nobody_but_the_requester_and_admins_touches_a_request() {
    let stage = Stage::new().await;
    stage.types("product=coffee size=5% --go").await;
    let number = queued(&stage).await[0].number;
    let text = format!("cancel {number}");
    assert!(said(&stage.types_in("C1", "U2", &text).await).starts_with("There is no request"));
    assert!(said(&stage.types_in("C1", "UADMIN", &text).await).contains("is cancelled"));
}

#[tokio::test]
async fn a_database_that_is_away_is_said_in_plain_words() {
    let stage = Stage::new().await;
    stage.pool.close().await;
    for text in ["list", "show 1", "product=coffee size=5% --go"] {
        assert!(said(&stage.types(text).await).starts_with("I can't reach my records"), "{text}");
    }
}
