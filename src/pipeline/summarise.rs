//! A selection and a model in numbers and words that a planner can read.

use gbdt::Table;
use std::collections::BTreeMap;

use crate::{
    audience::Selection,
    catalog::Names,
    export,
    model::{
        Model, ModelError,
        explanation::{Test, surrogate},
    },
    segment::{Factor, Quality, Rule, RulePart, RuleTest, Summary},
};

use super::{BuildError, build_segment::Prepared};

/// Strongest factors that are told.
const FACTORS_MAX: usize = 5;

/// The summary of a finished selection; files and timings are filled in by the caller.
pub(super) fn summarise(
    prepared: &Prepared<'_>,
    selection: &Selection,
    quality: Quality,
) -> Result<Summary, BuildError> {
    let Prepared { snapshot, model, ask, .. } = prepared;
    let words: BTreeMap<&str, &Names> =
        snapshot.manifest().columns.iter().map(|column| (column.name.as_str(), &column.words)).collect();
    let (rules, rules_fidelity) = rules(selection, &words, ask.seed)?;
    Ok(Summary {
        as_of: snapshot.as_of(),
        model_id: model.id.clone(),
        model_reused: model.reused,
        suppression: None,
        waterfall: selection.waterfall,
        quality,
        rules,
        rules_fidelity,
        factors: factors(model, selection, &words),
        breakdown: selection.breakdown.clone(),
        guarded_ids: export::guarded(&selection.picked) + export::guarded(&selection.control),
        files: Vec::new(),
        stages_ms: Vec::new(),
    })
}

fn factors(model: &Model, selection: &Selection, words: &BTreeMap<&str, &Names>) -> Vec<Factor> {
    // What is the same for everybody in the segment explains nobody's rank.
    let direction = |name: &str| {
        let contrast = selection.explained.contrasts.iter().find(|contrast| contrast.feature == name)?;
        contrast.varies.then(|| contrast.direction())
    };
    let told = model.report.features.iter().filter_map(|weight| {
        let feature = (*words.get(weight.name.as_str())?).clone();
        Some(Factor { feature, direction: direction(&weight.name)?, share: weight.gain_share })
    });
    told.take(FACTORS_MAX).collect()
}

/// Rules of a shallow tree over people inside and outside, and how well they agree with the segment.
fn rules(selection: &Selection, words: &BTreeMap<&str, &Names>, seed: u64) -> Result<(Vec<Rule>, f64), BuildError> {
    let people = &selection.explained.people;
    // Codes have no order that words could name; the breakdown shows gender and region.
    let told: Vec<usize> =
        (0..people.names.len()).filter(|&index| !selection.explained.contrasts[index].is_code).collect();
    let names: Vec<String> = told.iter().map(|&index| people.names[index].clone()).collect();
    let columns = told.iter().map(|&index| people.columns[index].clone()).collect();
    let table = Table::new(names.clone(), columns).map_err(ModelError::from)?;
    let surrogate = surrogate(&table, &selection.explained.in_segment, seed);
    let part = |(feature, test): &(usize, Test)| {
        let feature = words.get(names[*feature].as_str()).map(|names| (*names).clone());
        feature.map(|feature| RulePart { feature, test: rule_test(*test) })
    };
    let rules = surrogate.rules.iter().map(|rule| Rule {
        parts: rule.tests.iter().filter_map(part).collect(),
        share_of_segment: rule.share_of_segment,
        precision: rule.precision,
    });
    Ok((rules.collect(), surrogate.fidelity))
}

fn rule_test(test: Test) -> RuleTest {
    match test {
        Test::AtMost(value) => RuleTest::AtMost(value),
        Test::Above(value) => RuleTest::Above(value),
    }
}
