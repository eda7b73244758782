//! Which categories a fanned-out feature spreads over: the commonest on a snapshot's own events.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::{
    FeaturesError,
    selection::{DAY, Moment, Vocabulary},
};
use crate::{catalog::FeatureDecl, lake::tables};

/// By feature name, the commonest categories first.
pub(super) type Ranking = BTreeMap<String, Vec<String>>;

/// Ranks the categories of every fanned-out feature among `decls`, which are of one table, over its usable `events`.
/// What counts is the feature's events in its longest window; equal counts are in the order of the category's text.
pub(super) async fn rank(decls: &[&FeatureDecl], events: LazyFrame, moment: Moment) -> Result<Ranking, FeaturesError> {
    let fanned: Vec<&FeatureDecl> = decls.iter().copied().filter(|decl| decl.by_category_top.is_some()).collect();
    if fanned.is_empty() {
        return Ok(Ranking::new());
    }
    let vocabulary = Vocabulary::new(
        fanned.iter().flat_map(|decl| decl.kinds.iter().cloned()).collect::<BTreeSet<_>>(),
        fanned.iter().flat_map(|decl| decl.categories.iter().cloned()).collect::<BTreeSet<_>>(),
    );
    let counts: Vec<Expr> = fanned.iter().map(|decl| events_of(decl, &vocabulary, moment).alias(&*decl.name)).collect();
    let counts = events
        .filter(col("category").is_not_null())
        .select([
            col("category"),
            col("day").to_physical().alias(DAY),
            vocabulary.kind_codes(),
            vocabulary.category_codes(),
        ])
        .group_by([col("category")])
        .agg(counts);
    let counts = tables::collect(counts).await?;
    fanned.iter().map(|decl| Ok((decl.name.clone(), top(decl, &counts)?))).collect()
}

fn events_of(decl: &FeatureDecl, vocabulary: &Vocabulary, moment: Moment) -> Expr {
    // No window is all of history, so it is the longest.
    let longest = decl.windows_days.iter().copied().max();
    vocabulary.select(&decl.kinds, &decl.categories).within(longest).mask(moment).sum().cast(DataType::Int64)
}

fn top(decl: &FeatureDecl, counts: &DataFrame) -> PolarsResult<Vec<String>> {
    let (categories, events) = (counts.column("category")?.str()?, counts.column(&decl.name)?.i64()?);
    let mut ranked: Vec<(i64, &str)> = categories
        .iter()
        .zip(events.iter())
        .filter_map(|(category, events)| Some((events?, category?)))
        .filter(|(events, _)| *events > 0)
        .collect();
    ranked.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    ranked.truncate(decl.by_category_top.map_or(0, usize::from));
    Ok(ranked.into_iter().map(|(_, category)| category.to_owned()).collect())
}
