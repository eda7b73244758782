//! Which events a column counts, as a mask over small numbers.
//!
//! Event rows have `day` (days since 1970-01-01) and the codes of a [`Vocabulary`]. Windows end with the snapshot's day:
//! `w` days are `(as_of - w, as_of]`.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use chrono::NaiveDate;
use polars::prelude::*;

pub(super) const DAY: &str = "day";
pub(super) const KIND: &str = "kind_code";
pub(super) const CATEGORY: &str = "category_code";
/// The code of what no selection names.
const OTHER: i32 = -1;

/// The snapshot's day, in days since 1970-01-01.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub(super) i32);

impl Moment {
    pub(super) fn of(day: NaiveDate) -> Self {
        Self(day.to_epoch_days())
    }
}

/// Kinds and categories that matter, as small numbers: comparing those is what makes many masks cheap.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    kinds: Vec<String>,
    categories: Vec<String>,
}

impl Vocabulary {
    pub(super) fn new(kinds: BTreeSet<String>, categories: BTreeSet<String>) -> Self {
        Self { kinds: kinds.into_iter().collect(), categories: categories.into_iter().collect() }
    }

    /// The codes of a text column `kind`.
    pub(super) fn kind_codes(&self) -> Expr {
        coded("kind", &self.kinds).alias(KIND)
    }

    /// The codes of a text column `category`.
    pub(super) fn category_codes(&self) -> Expr {
        coded("category", &self.categories).alias(CATEGORY)
    }

    /// Whether any selection names a category.
    pub(super) fn has_categories(&self) -> bool {
        !self.categories.is_empty()
    }

    /// Events of these kinds and categories; no kinds mean every kind, no categories every category.
    pub(super) fn select(&self, kinds: &[String], categories: &[String]) -> Selection {
        Selection {
            kinds: codes(&self.kinds, kinds),
            categories: codes(&self.categories, categories),
            only: None,
            window_days: None,
        }
    }
}

fn codes(all: &[String], named: &[String]) -> Vec<i32> {
    let code = |name| all.binary_search(name).ok().and_then(|index| i32::try_from(index).ok());
    let mut codes: Vec<i32> = named.iter().map(|name| code(name).expect("the vocabulary has every name")).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn coded(column: &str, names: &[String]) -> Expr {
    let codes: HashMap<String, i32> = names.iter().cloned().zip(0..).collect();
    let codes = Arc::new(codes);
    col(column).map(
        move |text| {
            let code = |text: Option<&str>| text.and_then(|text| codes.get(text)).copied().unwrap_or(OTHER);
            let codes: Int32Chunked = text.str()?.iter().map(|text| Some(code(text))).collect();
            Ok(codes.into_series().with_name(text.name().clone()).into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::Int32)),
    )
}

/// Which of a person's events count.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    kinds: Vec<i32>,
    categories: Vec<i32>,
    /// A further category that must match, of a fanned-out feature.
    only: Option<i32>,
    pub(super) window_days: Option<u16>,
}

impl Selection {
    pub(super) fn and_category(mut self, vocabulary: &Vocabulary, category: &String) -> Self {
        self.only = codes(&vocabulary.categories, std::slice::from_ref(category)).pop();
        self
    }

    pub(super) fn within(mut self, window_days: Option<u16>) -> Self {
        self.window_days = window_days;
        self
    }

    pub(super) fn any_time(&self) -> Self {
        self.clone().within(None)
    }

    /// Everything in the same window.
    pub(super) fn everything(&self) -> Self {
        Self { kinds: Vec::new(), categories: Vec::new(), only: None, window_days: self.window_days }
    }

    /// Says in short which events these are; the same for the same events.
    pub(super) fn name(&self) -> String {
        format!("{:?}{:?}{:?}{:?}", self.kinds, self.categories, self.only, self.window_days)
    }

    pub(super) fn mask(&self, moment: Moment) -> Expr {
        let is_one_of =
            |column: &'static str, codes: &[i32]| codes.iter().map(|&code| col(column).eq(lit(code))).reduce(Expr::or);
        let window = self.window_days.map(|days| col(DAY).gt(lit(first_day_before(moment, days))));
        [
            is_one_of(KIND, &self.kinds),
            is_one_of(CATEGORY, &self.categories),
            self.only.map(|code| col(CATEGORY).eq(lit(code))),
            window,
        ]
        .into_iter()
        .flatten()
        .reduce(Expr::and)
        .unwrap_or_else(|| col(DAY).is_not_null())
    }
}

/// The day before the first day of a window.
pub(super) fn first_day_before(moment: Moment, window_days: u16) -> i32 {
    moment.0 - i32::from(window_days)
}
