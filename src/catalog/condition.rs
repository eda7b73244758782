//! What a request may ask about besides the catalog's own attributes, and what products say about it beforehand.

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::{AttributeId, Catalog};

/// The inputs of a request, in the form's order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Name,
    Product,
    Gender,
    Age,
    Region,
    Size,
    Converted,
    Without,
    Control,
    /// One of the catalog's.
    Attribute(AttributeId),
}

impl Field {
    /// Every field but the catalog's attributes.
    pub const ALL: [Self; 9] = [
        Self::Name,
        Self::Product,
        Self::Gender,
        Self::Age,
        Self::Region,
        Self::Size,
        Self::Converted,
        Self::Without,
        Self::Control,
    ];

    /// The key that people type.
    pub fn key(&self) -> &str {
        match self {
            Self::Name => "name",
            Self::Product => "product",
            Self::Gender => "gender",
            Self::Age => "age",
            Self::Region => "region",
            Self::Size => "size",
            Self::Converted => "converted",
            Self::Without => "without",
            Self::Control => "control",
            Self::Attribute(id) => id.as_str(),
        }
    }

    /// Every field of a request by this catalog.
    pub(crate) fn known(catalog: &Catalog) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain(catalog.conditions().map(|attribute| Self::Attribute(attribute.id.clone())))
    }

    /// The field whose key was typed, in small letters.
    pub(crate) fn of_key(catalog: &Catalog, key: &str) -> Option<Self> {
        Self::known(catalog).find(|field| field.key() == key)
    }
}

/// The largest share that a control group may have.
pub const CONTROL_PERCENT_MAX: u8 = 50;

/// Which people who already converted are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExcludeConverted {
    /// Nobody.
    Never,
    /// Those who converted in the last so many days up to the snapshot's day.
    Days(u16),
    /// All who ever did.
    Ever,
}

impl ExcludeConverted {
    /// What the form offers.
    pub const CHOICES: [Self; 5] = [Self::Never, Self::Days(30), Self::Days(90), Self::Days(180), Self::Ever];
}

/// Text that is neither `never`, `ever` nor days such as `90d`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not never, ever or a number of days such as 90d")]
pub struct NoExclusion(String);

impl FromStr for ExcludeConverted {
    type Err = NoExclusion;

    fn from_str(text: &str) -> Result<Self, NoExclusion> {
        match text {
            "never" => Ok(Self::Never),
            "ever" => Ok(Self::Ever),
            days => days
                .strip_suffix('d')
                .unwrap_or(days)
                .parse()
                .ok()
                .filter(|days| (1..=3660).contains(days))
                .map(Self::Days)
                .ok_or_else(|| NoExclusion(text.to_owned())),
        }
    }
}

impl Display for ExcludeConverted {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Days(days) => write!(f, "{days}d"),
            Self::Ever => f.write_str("ever"),
        }
    }
}
