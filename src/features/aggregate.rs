//! The events of one table become the columns of some people, on polars' streaming engine.
//!
//! Memory follows the people of the part and, for distinct values and active days, the pairs of person and value or
//! day; never the number of events.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::{
    FeaturesError,
    plan::{Staged, TablePlan},
    selection::DAY,
};
use crate::lake::tables;

/// The index of a person in the part.
const ROW: &str = "row";
/// The partial result that every part has: how many events each person has.
const EVENTS: &str = "events";

/// What one table gives one part.
pub(super) struct Aggregated {
    /// The plan's values, one row a person, in the order of the people.
    pub(super) values: DataFrame,
    /// Events that belong to these people.
    pub(super) events: u64,
}

/// The values of `plan` for the people whose ids are `ids` (sorted, without null), from the usable `events`.
pub(super) async fn aggregate(plan: &TablePlan, ids: &Series, events: LazyFrame) -> Result<Aggregated, FeaturesError> {
    let people = DataFrame::new_infer_height(vec![ids.clone().into_column()])?.with_row_index(ROW.into(), None)?;
    let events = of_people(plan, events, &people);
    let mut partials = vec![tables::collect(by_person(plan, events.clone())).await?];
    if !plan.by_day.first.is_empty() {
        partials.push(tables::collect(staged(&plan.by_day, col(DAY), events.clone())).await?);
    }
    for (of, stages) in &plan.by_value {
        let events = events.clone().filter(col(of).is_not_null());
        partials.push(tables::collect(staged(stages, col(of).alias("value"), events)).await?);
    }
    let counted = partials[0].column(EVENTS)?.u32()?.iter().flatten().map(u64::from).sum();
    let mut rows = people.select([ROW])?.lazy();
    for partial in partials {
        rows = rows.join(partial.lazy(), [col(ROW)], [col(ROW)], keeping_order());
    }
    let values = tables::collect(rows.sort([ROW], SortMultipleOptions::default()).select(plan.values.clone())).await?;
    Ok(Aggregated { values, events: counted })
}

/// Events with the row of their person, days as numbers, and codes for kinds and categories.
fn of_people(plan: &TablePlan, events: LazyFrame, people: &DataFrame) -> LazyFrame {
    let mut columns = vec![col(ROW), col("day").to_physical().alias(DAY), plan.vocabulary.kind_codes()];
    if plan.vocabulary.has_categories() {
        columns.push(plan.vocabulary.category_codes());
    }
    columns.extend(plan.measured.iter().map(col));
    events
        .join(people.clone().lazy(), [col("user_id")], [col("user_id")], JoinArgs::new(JoinType::Inner))
        .select(columns)
}

fn by_person(plan: &TablePlan, events: LazyFrame) -> LazyFrame {
    let mut partials = named(&plan.by_person);
    partials.push(len().cast(DataType::UInt32).alias(EVENTS));
    events.group_by([col(ROW)]).agg(partials)
}

fn staged(stages: &Staged, by: Expr, events: LazyFrame) -> LazyFrame {
    events.group_by([col(ROW), by]).agg(named(&stages.first)).group_by([col(ROW)]).agg(named(&stages.second))
}

fn named(partials: &BTreeMap<String, Expr>) -> Vec<Expr> {
    partials.iter().map(|(name, partial)| partial.clone().alias(&**name)).collect()
}

fn keeping_order() -> JoinArgs {
    JoinArgs { maintain_order: MaintainOrderJoin::Left, ..JoinArgs::new(JoinType::Left) }
}
