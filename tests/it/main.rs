//! Integration tests, one binary.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod manifest;
mod migrations;
mod postgres;
mod queue;
mod slack_client;
mod slack_command;
mod slack_form;
mod slack_http;
mod slack_socket;
mod slack_thread;
mod support;
mod worker;

#[test]
fn the_sample_catalog_is_valid() {
    segment_bot::catalog::Catalog::parse(include_str!("../../src/demo/catalog.toml")).unwrap();
}
