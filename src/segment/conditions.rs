//! Checked conditions: who holds [`Conditions`] need not check them again against the catalog that made them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Display, Formatter},
};

use serde::{Deserialize, Serialize};

use super::EarlierSegment;
use crate::catalog::{AttributeId, ExcludeConverted, GenderId, ProductId, RegionCode};

/// What a planner asks for. Its [`Display`] is the text form that `/segment` reads back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// Campaign name, at most 80 characters; it labels the result and changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub product: ProductId,
    /// Empty means everyone.
    pub genders: BTreeSet<GenderId>,
    /// `None` means every age, unknown included.
    pub age: Option<AgeRange>,
    /// Empty means everywhere, unknown included.
    pub regions: BTreeSet<RegionCode>,
    /// By attribute the ids of the chosen choices, at least one; what is not there is not asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<AttributeId, BTreeSet<String>>,
    pub size: Size,
    pub exclude_converted: ExcludeConverted,
    /// Earlier segments whose people are left out.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub exclude_segments: BTreeSet<EarlierSegment>,
    /// Share of the picked who are kept out of delivery, in whole per cent, 0 to [`crate::catalog::CONTROL_PERCENT_MAX`].
    #[serde(default)]
    pub control_percent: u8,
}

/// The shares that the form offers.
pub const CONTROL_CHOICES: [u8; 3] = [0, 5, 10];

/// Whole years, both ends included; people of unknown age are outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgeRange {
    pub from: u8,
    pub to: u8,
}

/// How many people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// At most this many.
    People(u64),
    /// This share of the eligible people, in whole per cent, 1 to 100.
    Percent(u8),
}

impl Size {
    /// How many of `eligible` people are wanted; a percentage rounds up.
    pub fn of(self, eligible: u64) -> u64 {
        match self {
            Self::People(people) => people.min(eligible),
            Self::Percent(percent) => (eligible * u64::from(percent)).div_ceil(100),
        }
    }
}

impl Display for AgeRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

impl Display for Size {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::People(people) => write!(f, "{people}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Conditions {
    /// Without any condition on who people are.
    pub fn of_everyone(product: ProductId, size: Size, exclude_converted: ExcludeConverted) -> Self {
        Self {
            name: None,
            product,
            genders: BTreeSet::new(),
            age: None,
            regions: BTreeSet::new(),
            attributes: BTreeMap::new(),
            size,
            exclude_converted,
            exclude_segments: BTreeSet::new(),
            control_percent: 0,
        }
    }

    /// What is asked for, without the name that only labels it: equal texts ask for the same people.
    pub fn asked(&self) -> String {
        Self { name: None, ..self.clone() }.to_string()
    }
}

impl Display for Conditions {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "product={}", self.product)?;
        write_list(f, "gender", self.genders.iter())?;
        if let Some(age) = self.age {
            write!(f, " age={age}")?;
        }
        write_list(f, "region", self.regions.iter())?;
        for (attribute, choices) in &self.attributes {
            write_list(f, attribute.as_str(), choices.iter())?;
        }
        write!(f, " size={} converted={}", self.size, self.exclude_converted)?;
        write_list(f, "without", self.exclude_segments.iter())?;
        write!(f, " control={}%", self.control_percent)?;
        if let Some(name) = &self.name {
            write!(f, " name=\"{}\"", name.replace('"', "'"))?;
        }
        Ok(())
    }
}

fn write_list<T: Display>(f: &mut Formatter<'_>, key: &str, values: impl Iterator<Item = T>) -> fmt::Result {
    let values: Vec<String> = values.map(|value| value.to_string()).collect();
    if values.is_empty() { Ok(()) } else { write!(f, " {key}={}", values.join(",")) }
}
