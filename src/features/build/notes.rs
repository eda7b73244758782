//! What a batch says about its input: what was left out, and what probably is not as the catalog means it.

use std::collections::BTreeMap;

use crate::features::TableRows;

impl TableRows {
    /// What is worth knowing about the table, one sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let Self { table, rows, rejected, outside, amounts, misfits, .. } = self;
        let list = |counts: &BTreeMap<String, u64>| {
            let counts: Vec<String> =
                counts.iter().map(|(why, count)| format!("{}: {count}", why.replace('_', " "))).collect();
            counts.join(", ")
        };
        let mut sentences = Vec::new();
        if !rejected.is_empty() {
            sentences.push(format!("{table}: of {rows} rows these could not be used: {}", list(rejected)));
        }
        if !outside.is_empty() {
            sentences.push(format!("{table}: of {rows} rows these do not count here: {}", list(outside)));
        }
        if !amounts.is_empty() {
            sentences.push(format!(
                "{table}: amounts that could not be used, so that their events have none: {}",
                list(amounts)
            ));
        }
        sentences.extend(misfits.iter().map(|misfit| format!("{table}: {misfit}")));
        sentences
    }
}
