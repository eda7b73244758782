//! `segment-bot doctor`, run as an operator runs it.

use std::process::Output;

use segment_bot::queue;
use serde_json::json;

use crate::support::{
    command::{finished, segment_bot},
    database::database_url,
    fault_server::FaultServer,
    sample::sample,
};

async fn doctor(variables: Vec<(&'static str, String)>) -> Output {
    let mut command = segment_bot();
    command.envs(variables).arg("doctor");
    tokio::task::spawn_blocking(move || finished(command)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dependency_has_a_line_that_says_what_to_do() {
    let (sample, url, slack) = (sample().await, database_url().await, FaultServer::start().await);
    let folder = sample.folder.path();
    let complete = || {
        vec![
            ("SEGMENT_CATALOG", folder.join("catalog.toml").display().to_string()),
            ("SEGMENT_LAKE", format!("file://{}", folder.display())),
            ("SEGMENT_MEMORY_BYTES", "536870912".to_owned()),
            ("SEGMENT_CACHE_DIR", folder.join("cache").display().to_string()),
            ("DATABASE_URL", url.expose().to_owned()),
            ("SLACK_API_URL", format!("{}/api", slack.origin)),
            ("SLACK_BOT_TOKEN", "xoxb-test".to_owned()),
            ("SLACK_SIGNING_SECRET", "secret".to_owned()),
        ]
    };
    let said = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();

    let fresh = doctor(complete()).await;
    assert!(!fresh.status.success());
    for words in [
        "ok     catalog",
        "ok     lake",
        "newest snapshot 2026-11-22",
        "WRONG  database",
        "→ run `segment-bot migrate`",
    ] {
        assert!(said(&fresh).contains(words), "{words}: {}", said(&fresh));
    }

    queue::migrate(&queue::connect(&url).await.unwrap()).await.unwrap();
    slack.answer("auth.test", json!({ "ok": true, "user": "segment", "team": "Example" }));
    let well = doctor(complete()).await;
    assert!(well.status.success(), "{}", said(&well));
    for words in ["ok     slack     connected as segment in Example", "SLACK_OPERATORS_CHANNEL is not set"] {
        assert!(said(&well).contains(words), "{words}: {}", said(&well));
    }

    let with_operators = || [complete(), vec![("SLACK_OPERATORS_CHANNEL", "C9".to_owned())]].concat();
    for (channel, words) in [
        (json!({ "is_member": true, "name": "ops" }), "ok     operators failures that need you are told in #ops"),
        (json!({ "is_member": false, "name": "ops" }), "WRONG  operators the bot is not in C9"),
        (json!({ "is_archived": true, "is_member": true }), "WRONG  operators C9 is archived"),
    ] {
        slack.answer("conversations.info", json!({ "ok": true, "channel": channel }));
        let looked = doctor(with_operators()).await;
        assert!(said(&looked).contains(words), "{words}: {}", said(&looked));
        assert_eq!(looked.status.success(), words.starts_with("ok"));
    }
    slack.answer("conversations.info", json!({ "ok": false, "error": "channel_not_found" }));
    let unknown = said(&doctor(with_operators()).await);
    assert!(unknown.contains("WRONG  operators Slack does not show C9: refused: channel_not_found"), "{unknown}");
    assert!(unknown.contains("→ SLACK_OPERATORS_CHANNEL must be the id of a channel"), "{unknown}");
}
