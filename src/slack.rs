//! The conversation in Slack.
