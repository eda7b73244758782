//! Integration tests, one binary.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod audience;
mod build_segment;
mod catalog_cli;
mod catalog_doc;
mod database_trouble;
mod delivery_model;
mod doctor;
mod end_to_end;
mod features;
mod features_cli;
mod hand_back;
mod jobs;
mod lake;
mod manifest;
mod migrations;
mod model_cli;
mod model_quality;
mod operators;
mod pooler;
mod postgres;
mod queue;
mod queue_cli;
mod queue_share;
mod sample_lake;
mod segment_cli;
mod slack_client;
mod slack_command;
mod slack_dead;
mod slack_deadline;
mod slack_form;
mod slack_http;
mod slack_incidents;
mod slack_outsiders;
mod slack_results;
mod slack_socket;
mod slack_thread;
mod support;
mod tidy;

#[test]
fn the_sample_catalog_is_valid() {
    segment_bot::catalog::Catalog::parse(include_str!("../../src/demo/catalog.toml")).unwrap();
}
