//! `[warm]`: which models are trained before anybody asks.

use std::ops::Range;

use chrono::NaiveTime;
use serde::Deserialize;
use toml::Spanned;

/// Which models idle workers train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warm {
    /// Products that somebody asked for in so many days; 0 trains nothing beforehand.
    pub asked_days: u16,
    /// Of these, so many at most, the most asked for first.
    pub products_max: u16,
    /// No training begins between this time of day, in the catalog's time zone, and midnight.
    pub until: Option<NaiveTime>,
}

impl Warm {
    /// Whether training may begin at this time of day.
    pub fn is_time(&self, now: NaiveTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawWarm {
    asked_days: u16,
    products_max: u16,
    until: Option<Spanned<String>>,
}

impl Default for RawWarm {
    fn default() -> Self {
        Self { asked_days: 30, products_max: 50, until: None }
    }
}

impl RawWarm {
    /// Or where the file is wrong, and how.
    pub(super) fn checked(self) -> Result<Warm, (Range<usize>, String)> {
        let Self { asked_days, products_max, until } = self;
        let time = |text: Spanned<String>| {
            NaiveTime::parse_from_str(text.get_ref(), "%H:%M").map_err(|_| {
                let wrong = format!("`until` in `[warm]` is a time of day such as \"08:00\", not `{}`", text.get_ref());
                (text.span(), wrong)
            })
        };
        Ok(Warm { asked_days, products_max, until: until.map(time).transpose()? })
    }
}
