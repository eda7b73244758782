//! Slack: the token, its scopes against what is called, the clock, and the operators' channel.

use super::{Finding, clock};
use crate::{app, clock as our_clock, config::Config};

const TOKENS: &str =
    "copy SLACK_BOT_TOKEN (OAuth & Permissions) and SLACK_SIGNING_SECRET (Basic Information) from the app's pages";

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let looked = match app::look_at_slack(config).await {
        Ok(looked) => looked,
        Err(error) => {
            let mut findings = vec![Finding::failed("slack", &error, TOKENS)];
            findings.extend(operators(config).await);
            return findings;
        }
    };
    let mut findings = vec![if looked.lacking.is_empty() {
        Finding::well("slack", format!("connected as {}", looked.identity))
    } else {
        Finding::wrong(
            "slack",
            format!("the token of {} lacks scopes: {}", looked.identity, looked.lacking.join(", ")),
            "add them at OAuth & Permissions (manifest.yml names all), and install the app to the workspace again",
        )
    }];
    findings.extend(looked.now.and_then(|now| clock("Slack", (now - our_clock::now()).num_seconds())));
    findings.extend(operators(config).await);
    findings
}

/// Nothing without Slack, whose own line says so.
async fn operators(config: &Config) -> Option<Finding> {
    config.require_slack().ok()?;
    Some(match app::operators_channel(config).await {
        Ok(Some(name)) => Finding::well("operators", format!("failures that need you are told in {name}")),
        Ok(None) => Finding::well(
            "operators",
            "failures that need you are in the log alone, for SLACK_OPERATORS_CHANNEL is not set",
        ),
        Err(error) => Finding::failed(
            "operators",
            &error,
            "SLACK_OPERATORS_CHANNEL must be the id of a channel that the bot was invited to",
        ),
    })
}
