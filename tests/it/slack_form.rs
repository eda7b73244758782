//! A submitted form → queued, or the error beside the field.

use segment_bot::queue::{self, DeliverTo, JobKind, Outcome, RequestState};
use serde_json::{Value, json};

use crate::support::{
    requests,
    sample::sample,
    stage::{Stage, catalog, said},
};

/// Slack's message for a form with these inputs, opened in `origin`.
fn submission(view_id: &str, origin: &Value, values: &Value) -> Value {
    json!({
        "type": "view_submission", "team": { "id": "T1" }, "user": { "id": "U1" },
        "view": {
            "id": view_id, "callback_id": "segment_form", "private_metadata": origin.to_string(),
            "state": { "values": values },
        },
    })
}

fn chosen(block: &str, value: &str) -> Value {
    json!({ block: { "type": "static_select", "selected_option": { "value": value } } })
}

fn values(changes: &[(&str, Value)]) -> Value {
    let mut values = json!({
        "name": { "name": { "value": "Spring" } },
        "product": chosen("product", "coffee"),
        "gender": { "gender": { "selected_options": [{ "value": "f" }] } },
        "age_from": chosen("age_from", "25"),
        "age_to": chosen("age_to", "39"),
        "areas": { "areas": { "selected_options": [{ "value": "shikoku" }] } },
        "size": chosen("size", "10000"),
        "size_exact": { "size_exact": { "value": null } },
        "converted": chosen("converted", "usual"),
        "deliver": chosen("deliver", "thread"),
    });
    for (block, value) in changes {
        values[*block] = value.clone();
    }
    values
}

fn exact(size: &str) -> (&'static str, Value) {
    ("size_exact", json!({ "size_exact": { "value": size } }))
}

async fn queued(stage: &Stage) -> Vec<queue::Request> {
    queue::requests_of(&stage.pool, "T1", "U1", 10).await.unwrap()
}

#[tokio::test]
async fn a_valid_form_is_queued_and_confirmed_in_words() {
    let stage = Stage::new().await;
    let answer = stage.interacts(&submission("V1", &json!({ "c": "C1" }), &values(&[]))).await;
    assert_eq!(answer["response_action"], "update");
    insta::assert_snapshot!(answer["view"]["blocks"][0]["text"]["text"].as_str().unwrap(), @r"
    *#1 Spring (Coffee subscription)*
    The 10,000 people most likely to respond to Coffee subscription, among Women aged 25–39 in Shikoku. Left out: everyone who opted out.
    The result will arrive in a thread in <#C1>.
    Next in line.
    ");
    let request = &queued(&stage).await[0];
    insta::assert_snapshot!(request.conditions.to_string(), @r#"product=coffee gender=f age=25-39 region=36,37,38,39 size=10000 converted=never control=0% name="Spring""#);
    assert_eq!((request.channel.as_str(), request.deliver_to), ("C1", DeliverTo::Thread));
}

#[tokio::test]
async fn the_same_form_submitted_twice_is_one_request() {
    let stage = Stage::new().await;
    for _ in 0..2 {
        let answer = stage.interacts(&submission("V1", &json!({ "c": "C1" }), &values(&[]))).await;
        assert_eq!(answer["response_action"], "update");
    }
    assert_eq!(queued(&stage).await.len(), 1);
}

#[tokio::test]
async fn mistakes_are_shown_beside_their_inputs() {
    let stage = Stage::new().await;
    let wrong = values(&[exact("3"), ("age_to", chosen("age_to", "20"))]);
    let answer = stage.interacts(&submission("V1", &json!({ "c": "C1" }), &wrong)).await;
    assert_eq!(answer["response_action"], "errors");
    insta::assert_snapshot!(answer["errors"]["size_exact"].as_str().unwrap(), @"“3” is not a size I can use. Give 100 to 1,000,000 people, or a share such as 5%.");
    insta::assert_snapshot!(answer["errors"]["age_to"].as_str().unwrap(), @"The age goes from low to high, and 25 is above 20.");
    assert!(queued(&stage).await.is_empty());
}

#[tokio::test]
async fn an_exact_number_wins_over_a_preset() {
    let stage = Stage::new().await;
    stage.interacts(&submission("V1", &json!({ "c": "C1" }), &values(&[exact("５，４３２")]))).await;
    assert_eq!(queued(&stage).await[0].conditions.size.to_string(), "5432");
}

#[tokio::test]
async fn a_public_channel_is_joined() {
    let stage = Stage::new().await;
    let info = json!({ "ok": true, "channel": { "is_member": false, "is_private": false } });
    stage.slack.answer("conversations.info", info);
    stage.interacts(&submission("V1", &json!({ "c": "C1" }), &values(&[]))).await;
    assert_eq!(stage.slack.calls("conversations.join")[0]["channel"], "C1");
    assert_eq!(queued(&stage).await.len(), 1);
}

#[tokio::test]
async fn a_channel_that_takes_no_files_is_told_at_once_and_a_direct_message_is_offered() {
    let stage = Stage::new().await;
    let cases = [
        json!({ "ok": true, "channel": { "is_member": false, "is_private": true } }),
        json!({ "ok": true, "channel": { "is_member": true, "is_ext_shared": true } }),
        json!({ "ok": true, "channel": { "is_archived": true } }),
        json!({ "ok": false, "error": "channel_not_found" }),
    ];
    for info in cases {
        stage.slack.answer("conversations.info", info);
        let answer = stage.interacts(&submission("V1", &json!({ "c": "C1" }), &values(&[]))).await;
        assert!(answer["errors"]["deliver"].as_str().unwrap().contains("direct message"));
    }
    assert!(queued(&stage).await.is_empty());
    let dm = values(&[("deliver", chosen("deliver", "dm"))]);
    stage.interacts(&submission("V1", &json!({ "c": "C1" }), &dm)).await;
    assert_eq!(queued(&stage).await[0].deliver_to, DeliverTo::Dm);
}

#[tokio::test]
async fn a_stand_in_that_knows_less_than_slack_does_not_get_in_the_way() {
    let stage = Stage::new().await;
    stage.slack.answer("conversations.info", json!({ "ok": true, "channel": { "id": "C1" } }));
    stage.interacts(&submission("V1", &json!({ "c": "C1" }), &values(&[]))).await;
    stage.slack.answer("conversations.info", json!({ "ok": true, "channel": { "is_member": false } }));
    stage.slack.answer("conversations.join", json!({ "ok": false, "error": "unknown_method" }));
    stage.interacts(&submission("V2", &json!({ "c": "C1" }), &values(&[]))).await;
    assert_eq!(queued(&stage).await.len(), 2);
}

#[tokio::test]
async fn a_form_opened_in_a_thread_delivers_into_it() {
    let stage = Stage::new().await;
    stage
        .interacts(&json!({
            "type": "message_action", "callback_id": "build_segment_here", "team": { "id": "T1" }, "user": { "id": "U1" },
            "channel": { "id": "C1" }, "message": { "ts": "5.0", "thread_ts": "4.0" }, "trigger_id": "t.1",
        }))
        .await;
    let opened = &stage.slack.calls("views.open")[0]["view"];
    let origin: Value = serde_json::from_str(opened["private_metadata"].as_str().unwrap()).unwrap();
    stage.interacts(&submission("V1", &origin, &values(&[]))).await;
    assert_eq!(queued(&stage).await[0].thread_ts.as_deref(), Some("4.0"));
}

#[tokio::test]
async fn a_product_is_asked_for_only_where_the_catalog_allows_it() {
    let mut catalog = catalog();
    catalog.products.iter_mut().for_each(|product| product.allowed_channels = vec!["C9".to_owned()]);
    let stage = Stage::with(catalog).await;
    let answer = stage.interacts(&submission("V1", &json!({ "c": "C1" }), &values(&[]))).await;
    assert!(answer["errors"]["product"].is_string());
    stage.interacts(&submission("V2", &json!({ "c": "C9" }), &values(&[]))).await;
    assert_eq!(queued(&stage).await.len(), 1);
}

#[tokio::test]
async fn a_database_that_is_away_is_an_error_in_the_form_and_claims_nothing() {
    let stage = Stage::new().await;
    stage.pool.close().await;
    let answer = stage.interacts(&submission("V1", &json!({ "c": "C1" }), &values(&[]))).await;
    insta::assert_snapshot!(answer["errors"]["name"].as_str().unwrap(), @"I can't reach my records right now, so I could not do that. Nothing of yours is lost. Please try again in a minute.");
}

#[tokio::test]
async fn more_than_a_hundred_products_are_searched() {
    let mut catalog = catalog();
    let first = catalog.products[0].clone();
    catalog.products.extend(std::iter::repeat_n(first, 150));
    let stage = Stage::with(catalog).await;
    stage.types("").await;
    let blocks = stage.slack.calls("views.open")[0]["view"]["blocks"].clone();
    assert_eq!(blocks[1]["element"]["type"], "external_select");
    let typed = json!({ "type": "block_suggestion", "action_id": "product", "value": "cof", "user": { "id": "U1" } });
    let options = stage.interacts(&typed).await;
    assert_eq!(options["options"][0]["value"], "coffee");
}

/// What Slack sends when something in an open form changes.
fn change(view_id: &str, hash: &str, values: &Value) -> Value {
    json!({
        "type": "block_actions", "team": { "id": "T1" }, "user": { "id": "U1" }, "actions": [{ "action_id": "age_from" }],
        "view": {
            "id": view_id, "hash": hash, "callback_id": "segment_form", "private_metadata": json!({ "c": "C1" }).to_string(),
            "state": { "values": values },
        },
    })
}

fn estimate(view: &Value) -> String {
    let blocks = view["blocks"].as_array().unwrap();
    let block = blocks.iter().find(|block| block["block_id"] == "estimate").unwrap();
    block["text"]["text"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_form_says_how_many_people_there_are() {
    let stage = Stage::counting(&*sample().await).await;
    stage.slack.answer("views.open", json!({ "ok": true, "view": { "id": "V1", "hash": "1.a" } }));
    stage.types("").await;
    insta::assert_snapshot!(estimate(&stage.slack.calls("views.open")[0]["view"]), @"Choose a product, and I say how many people there are.");

    // One product of the sample cannot be learned yet, so the form is shown once more.
    stage.slack.wait_for("views.update", 0).await;
    let coffee = values(&[("areas", Value::Null), ("age_from", Value::Null), ("age_to", Value::Null)]);
    stage.interacts(&change("V1", "1.a", &coffee)).await;
    let first = stage.slack.wait_for("views.update", 1).await;
    assert_eq!((first["view_id"].as_str(), first["hash"].as_str()), (Some("V1"), Some("1.a")));
    insta::assert_snapshot!(estimate(&first["view"]), @r"
    *10,596 people could be picked*: 11,046 meet your conditions − 450 opted out − 0 converted before. The 10,000 most likely would be picked.
    535 conversions to learn from; 50 are needed.
    Data up to 2026-11-22.
    ");
    // What was filled in is still there, also for a client that would forget it.
    let product = &first["view"]["blocks"][1];
    assert_eq!((product["block_id"].as_str(), product["dispatch_action"].as_bool()), (Some("product"), Some(true)));
    assert_eq!(product["element"]["initial_option"]["value"], "coffee");

    let narrow = values(&[("age_from", chosen("age_from", "83")), ("age_to", chosen("age_to", "84"))]);
    stage.interacts(&change("V1", "2.b", &narrow)).await;
    insta::assert_snapshot!(estimate(&stage.slack.wait_for("views.update", 2).await["view"]), @"
    *1 person could be picked*: 1 meet your conditions − 0 opted out − 0 converted before. All of them would be picked.
    17 people of unknown age meet the other conditions and are left out.
    A segment has at least 100 people, so this is too few. Without the age there would be 299.
    535 conversions to learn from; 50 are needed.
    Data up to 2026-11-22.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_opens_filled_in_is_counted_at_once() {
    let stage = Stage::counting(&*sample().await).await;
    stage.slack.answer("views.open", json!({ "ok": true, "view": { "id": "V7", "hash": "7.a" } }));
    stage.types("product=skincare gender=f converted=90d size=5%").await;
    assert_eq!(estimate(&stage.slack.calls("views.open")[0]["view"]), "Counting people …");
    let update = stage.slack.wait_for("views.update", 0).await;
    assert_eq!(update["view_id"], "V7");
    insta::assert_snapshot!(estimate(&update["view"]), @r"
    *9,678 people could be picked*: 11,046 meet your conditions − 450 opted out − 918 converted before. The 484 most likely would be picked.
    554 conversions to learn from; 50 are needed.
    Data up to 2026-11-22.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn products_that_cannot_be_learned_yet_come_last_once_that_is_known() {
    let sample = sample().await;
    let mut catalog = sample.catalog.clone();
    catalog.products[0].min_conversions = 10_000;
    let stage = Stage::counting_with(&sample, catalog).await;
    stage.slack.answer("views.open", json!({ "ok": true, "view": { "id": "V1", "hash": "1.a" } }));
    let products = |view: &Value| {
        let options = view["blocks"][1]["element"]["options"].as_array().unwrap().iter();
        options.map(|option| option["text"]["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    stage.types("").await;
    let opened = stage.slack.calls("views.open")[0]["view"].clone();
    assert_eq!(
        products(&opened),
        ["Skincare", "Supplements", "Coffee subscription", "Kimono rental"],
        "nothing is known yet"
    );
    let update = stage.slack.wait_for("views.update", 0).await;
    assert_eq!((update["view_id"].as_str(), update["hash"].as_str()), (Some("V1"), Some("1.a")));
    let known = [
        "Supplements",
        "Coffee subscription",
        "Skincare (not ready: 554 of 10,000 conversions)",
        "Kimono rental (not ready: 0 of 50 conversions)",
    ];
    assert_eq!(products(&update["view"]), known);
    assert_eq!(estimate(&update["view"]), estimate(&opened));

    stage.types("").await;
    assert_eq!(products(&stage.slack.calls("views.open")[1]["view"]), known);
    stage.app.finish().await;
    assert_eq!(stage.slack.calls("views.update").len(), 1, "nothing has changed since");
}

#[tokio::test]
async fn a_form_says_when_people_cannot_be_counted() {
    let stage = Stage::new().await;
    stage.interacts(&change("V1", "1.a", &values(&[]))).await;
    let update = stage.slack.wait_for("views.update", 0).await;
    insta::assert_snapshot!(estimate(&update["view"]), @"I can't count people right now. You can build the segment all the same.");
}

#[tokio::test]
async fn earlier_segments_of_ones_own_are_offered_and_left_out() {
    let stage = Stage::new().await;
    stage.types("product=coffee size=1000 name=\"Spring\" --go").await;
    stage.types("product=coffee size=2000 name=\"Summer\" --go").await;
    stage.types_in("C1", "U2", "product=coffee size=3000 --go").await;
    requests::performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(requests::summary())).await;
    let finished = &queued(&stage).await[1];

    let typed = json!({
        "type": "block_suggestion", "action_id": "without", "value": "spr", "user": { "id": "U1" }, "team": { "id": "T1" },
    });
    let options = stage.interacts(&typed).await;
    assert_eq!(options["options"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&options["options"][0]["value"], &options["options"][0]["text"]["text"]),
        (&json!("1"), &json!("#1 Spring (Coffee subscription)"))
    );

    let without = |numbers: &[&str]| {
        let chosen: Vec<Value> = numbers.iter().map(|number| json!({ "value": number })).collect();
        values(&[("without", json!({ "without": { "type": "multi_external_select", "selected_options": chosen } }))])
    };
    let answer = stage.interacts(&submission("V1", &json!({ "c": "C1" }), &without(&["1"]))).await;
    assert!(answer["view"]["blocks"][0]["text"]["text"].as_str().unwrap().contains("People in #1 are left out, too."));
    let left_out = &queued(&stage).await[0].conditions.exclude_segments;
    assert_eq!(left_out.first().unwrap().folder.to_string(), finished.id.to_string());

    // One that is not finished, one of somebody else, and one that never was.
    for number in ["2", "3", "77"] {
        let answer = stage.interacts(&submission("V2", &json!({ "c": "C1" }), &without(&[number]))).await;
        assert!(answer["errors"]["without"].as_str().unwrap().contains("no earlier segment"), "{answer}");
    }
    let reply = stage.types("product=coffee size=1000 without=77 --go").await;
    assert!(said(&reply).contains("“77” is no earlier segment I know."), "{}", said(&reply));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_form_says_how_long_it_usually_takes() {
    let stage = Stage::counting(&*sample().await).await;
    for (product, seconds) in [("skincare", 20.0), ("coffee", 40.0), ("coffee", 50.0), ("coffee", 90.0)] {
        stage.types(&format!("product={product} size=10{seconds} --go")).await;
        requests::performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(requests::summary())).await;
        let sql = "update job set started_at = finished_at - make_interval(secs => $1)
                   where kind = 'segment' and finished_at = (select max(finished_at) from job where kind = 'segment')";
        sqlx::query(sql).bind(seconds).execute(&stage.pool).await.unwrap();
    }
    for (number, (product, wanted)) in [("coffee", "50 s"), ("skincare", "20 s"), ("kimono", "45 s")].iter().enumerate()
    {
        stage.interacts(&change("V1", "1.a", &values(&[("product", chosen("product", product))]))).await;
        let view = stage.slack.wait_for("views.update", number).await["view"].clone();
        assert!(
            estimate(&view).contains(&format!("Usually built in about {wanted}.")),
            "{product}: {}",
            estimate(&view)
        );
    }
}

/// A stage on which the form above was asked for and built, on the sample's data.
async fn with_a_finished_segment() -> Stage {
    let stage = Stage::counting(&*sample().await).await;
    let first = stage.interacts(&submission("V1", &json!({ "c": "C1" }), &values(&[]))).await;
    assert_eq!(first["view"]["callback_id"], "segment_confirmation");
    requests::performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(requests::summary())).await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_exists_is_offered_and_used() {
    let stage = with_a_finished_segment().await;
    let renamed = values(&[("name", json!({ "name": { "value": "Again" } }))]);
    let offer = stage.interacts(&submission("V2", &json!({ "c": "C1" }), &renamed)).await;
    insta::assert_snapshot!(offer["view"]["blocks"][0]["text"]["text"].as_str().unwrap(), @"*#1 Spring (Coffee subscription)* has the same people, chosen from the same data. You can have its files at once; building it again would only take time.");
    assert_eq!(queued(&stage).await.len(), 1, "nothing is stored before the person has chosen");

    let button = &offer["view"]["blocks"][1]["elements"][0];
    let press = json!({
        "type": "block_actions", "team": { "id": "T1" }, "user": { "id": "U1" },
        "view": { "id": "V2", "callback_id": offer["view"]["callback_id"] },
        "actions": [{ "action_id": button["action_id"], "value": button["value"] }],
    });
    stage.interacts(&press).await;
    stage.interacts(&press).await;
    let shown = stage.slack.wait_for("views.update", 1).await;
    assert_eq!((&shown["view_id"], &shown["view"]["callback_id"]), (&json!("V2"), &json!("segment_confirmation")));
    let requests = queued(&stage).await;
    assert_eq!(requests.len(), 2, "pressed twice is pressed once");
    assert_eq!((requests[0].state, requests[0].folder()), (RequestState::Delivering, requests[1].id.to_string()));
    assert_eq!(requests[0].conditions.name.as_deref(), Some("Again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_exists_can_be_built_anyway() {
    let stage = with_a_finished_segment().await;
    let text = "product=coffee gender=f age=25-39 region=shikoku size=10000 converted=never control=0% --go";
    let offer = stage.types(text).await;
    let button = &offer["blocks"][1]["elements"][1];
    assert_eq!(button["text"]["text"], "Build it anyway");
    stage.presses("U1", button["action_id"].as_str().unwrap(), button["value"].as_str().unwrap()).await;
    stage.slack.wait_for("chat.postEphemeral", 0).await;
    let newest = &queued(&stage).await[0];
    assert_eq!((newest.number, newest.state, newest.built_by), (2, RequestState::Queued, None));
}
