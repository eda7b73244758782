//! Integration tests, one binary.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod tidy;

#[test]
fn the_sample_catalog_is_valid() {
    segment_bot::catalog::Catalog::parse(include_str!("../../src/demo/catalog.toml")).unwrap();
}
