//! Stored partial aggregates become the columns of some people.
//!
//! People are taken a stripe at a time, and for each stripe the sections of all days pass by, the newest first. Both are
//! sorted by id, so they are merged; memory follows the stripes under way and never the events.

use std::{collections::BTreeMap, fs::File};

use polars::prelude::*;
use rayon::prelude::*;

use super::{
    FeaturesError,
    partials::{self, Integer, Person, Section, Stored, Text},
    plan::TablePlan,
    tally::{Counted, Steps, Tallies},
};

/// People a stripe: their counts should stay in a core's cache.
const STRIPE_PEOPLE: usize = 4_096;

/// What one table gives some people.
pub(super) struct Combined {
    /// The plan's columns, one row a person, in the order of the people.
    pub(super) values: DataFrame,
    /// Events that belong to these people.
    pub(super) events: u64,
    /// Who has any.
    pub(super) active: Vec<bool>,
}

/// A day's section and what to do with its entries.
struct Day<'d> {
    stored: &'d Stored,
    section: &'d Section,
    /// By the entry's cell.
    classes: &'d Classes,
    /// By class.
    steps: Vec<Steps>,
}

/// Cells that go into the same tallies.
struct Classes {
    /// By cell.
    class: Vec<u32>,
    /// By cell: the category's number from 1, 0 for none.
    category: Vec<u64>,
}

/// The columns of `plan` for the people whose ids are `ids` (sorted, without null). Blocks; uses every core.
pub(super) fn combine(plan: &TablePlan, stored: &[Stored], ids: &Series) -> Result<Combined, FeaturesError> {
    let (classes, tallies) = classes(&plan.tallies, stored);
    let mut days = days(plan, stored, (&classes, &tallies));
    days.sort_by_key(|day| std::cmp::Reverse(day.section.day));
    if *ids.dtype() == DataType::Int64 {
        let ids: Vec<i64> = ids.i64()?.into_no_null_iter().collect();
        stripes::<Integer>(plan, &days, &ids)
    } else {
        let ids: Vec<&str> = ids.str()?.iter().flatten().collect();
        stripes::<Text>(plan, &days, &ids)
    }
}

fn stripes<P: Person>(plan: &TablePlan, days: &[Day], ids: &[P::Ref<'_>]) -> Result<Combined, FeaturesError> {
    let combined: Vec<Combined> =
        ids.par_chunks(STRIPE_PEOPLE).map(|people| stripe::<P>(plan, days, people)).collect::<Result<_, _>>()?;
    let events = combined.iter().map(|stripe| stripe.events).sum();
    let active = combined.iter().flat_map(|stripe| stripe.active.iter().copied()).collect();
    let mut stripes = combined.into_iter().map(|stripe| stripe.values);
    let mut values = stripes.next().map_or_else(|| Ok(stripe::<P>(plan, &[], &[])?.values), Ok::<_, FeaturesError>)?;
    stripes.try_for_each(|stripe| values.vstack_mut_owned(stripe).map(drop))?;
    values.rechunk_mut();
    Ok(Combined { values, events, active })
}

fn stripe<P: Person>(plan: &TablePlan, days: &[Day], people: &[P::Ref<'_>]) -> Result<Combined, FeaturesError> {
    let mut counted = Counted::new(&plan.tallies, people.len());
    let (mut events, mut active) = (0, vec![false; people.len()]);
    let mut opened: Option<(&Stored, File)> = None;
    for day in days {
        let file = match opened.take() {
            Some((stored, file)) if std::ptr::eq(stored, day.stored) => file,
            _ => File::open(&day.stored.path).map_err(FeaturesError::scratch(&day.stored.path))?,
        };
        let at = i64::from(day.section.day);
        partials::read::<P>((day.stored, day.section, &file), &plan.columns, people, |person, entry| {
            events += entry.events;
            active[person] = true;
            let cell = entry.cell as usize;
            let steps = &day.steps[day.classes.class[cell] as usize];
            counted.count(steps, person, (at, day.classes.category[cell]), entry);
        })?;
        opened = Some((day.stored, file));
    }
    let columns = plan.values.iter().map(|(name, value)| value.column(name, &counted, plan.as_of));
    Ok(Combined { values: DataFrame::new(people.len(), columns.collect())?, events, active })
}

/// The classes of every file's cells, and the tallies of every class.
fn classes(tallies: &Tallies, stored: &[Stored]) -> (Vec<Classes>, Vec<Vec<usize>>) {
    let mut numbers: BTreeMap<Vec<usize>, u32> = BTreeMap::new();
    let mut categories: BTreeMap<&str, u64> = BTreeMap::new();
    let mut of_all = Vec::new();
    for stored in stored {
        let (mut class, mut category) = (Vec::new(), Vec::new());
        for cell in &stored.index.cells {
            let next = u32::try_from(numbers.len()).expect("fewer classes than cells");
            class.push(*numbers.entry(tallies.of(cell)).or_insert(next));
            let next = categories.len() as u64 + 1;
            category.push(cell.category.as_deref().map_or(0, |name| *categories.entry(name).or_insert(next)));
        }
        of_all.push(Classes { class, category });
    }
    let mut by_number: Vec<(u32, Vec<usize>)> =
        numbers.into_iter().map(|(tallies, number)| (number, tallies)).collect();
    by_number.sort_unstable();
    (of_all, by_number.into_iter().map(|(_, tallies)| tallies).collect())
}

fn days<'d>(
    plan: &TablePlan,
    stored: &'d [Stored],
    (classes, tallies): (&'d [Classes], &[Vec<usize>]),
) -> Vec<Day<'d>> {
    let sections = stored
        .iter()
        .zip(classes)
        .flat_map(|(stored, classes)| stored.index.sections.iter().map(move |section| (stored, section, classes)));
    let days = sections.filter_map(|(stored, section, classes)| {
        let age = u32::try_from(plan.as_of - section.day).ok()?;
        let steps = tallies.iter().map(|tallies| plan.tallies.steps(tallies, age)).collect();
        Some(Day { stored, section, classes, steps })
    });
    days.collect()
}
