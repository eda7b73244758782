//! Slack: the token, its scopes against what is called, the clock, and the operators' channel.

use std::collections::BTreeSet;

use super::{Finding, clock};
use crate::{app, catalog::Catalog, clock as our_clock, config::Config};

const TOKENS: &str =
    "copy SLACK_BOT_TOKEN (OAuth & Permissions) and SLACK_SIGNING_SECRET (Basic Information) from the app's pages";

pub(super) async fn check(config: &Config, catalog: Option<&Catalog>) -> Vec<Finding> {
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
    findings.extend(products(config, catalog).await);
    findings
}

/// The channels that the catalog names for its products.
async fn products(config: &Config, catalog: Option<&Catalog>) -> Vec<Finding> {
    let named: BTreeSet<&String> =
        catalog.iter().flat_map(|catalog| &catalog.products).flat_map(|product| &product.allowed_channels).collect();
    let mut findings = Vec::new();
    for channel in named {
        if let Err(error) = app::takes_files(config, channel).await {
            let fix = "`allowed_channels` in the catalog holds ids of channels that the bot was invited to";
            findings.push(Finding::failed("channels", &error, fix));
        }
    }
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
