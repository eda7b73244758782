//! `catalog.toml` as it is written; [`super::check`] turns it into a [`super::Catalog`].

use serde::Deserialize;
use toml::Spanned;

use super::{AmountUnit, Dumps, Limits, Locale, Measure, warm::RawWarm};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCatalog {
    pub(super) version: Spanned<u32>,
    pub(super) time_zone: Spanned<String>,
    pub(super) fallback_locale: Locale,
    pub(super) owner: String,
    pub(super) users: RawUsers,
    pub(super) events: Vec<RawEvents>,
    pub(super) age: Spanned<RawAge>,
    #[serde(default)]
    pub(super) genders: Vec<RawGender>,
    #[serde(default)]
    pub(super) areas: Vec<RawArea>,
    #[serde(default)]
    pub(super) regions: Vec<RawRegion>,
    #[serde(default)]
    pub(super) attributes: Vec<RawAttribute>,
    #[serde(default)]
    pub(super) products: Vec<RawProduct>,
    #[serde(default)]
    pub(super) features: Vec<RawFeature>,
    pub(super) limits: Option<Spanned<RawLimits>>,
    #[serde(default)]
    pub(super) warm: RawWarm,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUsers {
    pub(super) path: Spanned<String>,
    pub(super) id: String,
    pub(super) age: Option<String>,
    pub(super) birth_date: Option<Spanned<String>>,
    pub(super) gender: Option<String>,
    pub(super) region: Option<String>,
    pub(super) opted_out: Option<String>,
    /// A date or a date-time, in the catalog's zone where it says none.
    pub(super) registered: Option<String>,
    pub(super) dumps: Option<Dumps>,
    #[serde(default)]
    pub(super) csv: RawCsv,
}

/// How a table's CSV files are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCsv {
    /// One character, or `tab`; without it a comma.
    pub(super) separator: Option<Spanned<String>>,
    /// Further words for a missing value.
    pub(super) null: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvents {
    pub(super) name: Spanned<String>,
    pub(super) path: Spanned<String>,
    pub(super) user: String,
    pub(super) time: String,
    pub(super) time_zone: Option<Spanned<String>>,
    pub(super) kind: Option<String>,
    pub(super) kind_is: Option<String>,
    pub(super) category: Option<String>,
    pub(super) amount: Option<String>,
    #[serde(default)]
    pub(super) amount_decimals: u8,
    #[serde(default)]
    pub(super) amount_unit: AmountUnit,
    #[serde(default)]
    pub(super) extra: Vec<String>,
    #[serde(default)]
    pub(super) csv: RawCsv,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAge {
    pub(super) min: u8,
    pub(super) max: u8,
    #[serde(default = "five")]
    pub(super) step: u8,
}

fn five() -> u8 {
    5
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGender {
    pub(super) id: Spanned<String>,
    pub(super) code: Option<String>,
    pub(super) ja: String,
    pub(super) en: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawArea {
    pub(super) id: Spanned<String>,
    pub(super) ja: String,
    pub(super) en: String,
    pub(super) regions: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRegion {
    pub(super) code: Spanned<String>,
    pub(super) id: Spanned<String>,
    pub(super) ja: String,
    pub(super) en: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAttribute {
    pub(super) id: Spanned<String>,
    pub(super) column: Option<String>,
    pub(super) ja: String,
    pub(super) en: String,
    #[serde(default = "no_choices")]
    pub(super) choices: Spanned<Vec<RawChoice>>,
    #[serde(default)]
    pub(super) condition: bool,
    #[serde(default = "yes")]
    pub(super) feature: bool,
}

fn no_choices() -> Spanned<Vec<RawChoice>> {
    Spanned::new(0..0, Vec::new())
}

fn yes() -> bool {
    true
}

/// A code, or numbers from one to below another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChoice {
    pub(super) id: Spanned<String>,
    pub(super) code: Option<String>,
    pub(super) from: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) ja: String,
    pub(super) en: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProduct {
    pub(super) id: Spanned<String>,
    pub(super) ja: String,
    pub(super) en: String,
    #[serde(default)]
    pub(super) search: Vec<String>,
    pub(super) table: Option<Spanned<String>>,
    pub(super) kind: String,
    #[serde(default)]
    pub(super) categories: Vec<String>,
    pub(super) horizon_days: Spanned<u16>,
    pub(super) min_conversions: Option<u32>,
    pub(super) exclude_converted: Option<Spanned<String>>,
    pub(super) control_percent: Option<Spanned<u8>>,
    pub(super) priority: Option<Spanned<u8>>,
    #[serde(default)]
    pub(super) forbidden_features: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) allowed_channels: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFeature {
    pub(super) name: Spanned<String>,
    pub(super) ja: Option<String>,
    pub(super) en: Option<String>,
    pub(super) table: Option<Spanned<String>>,
    #[serde(default, rename = "where")]
    pub(super) filter: RawFilter,
    pub(super) measure: Spanned<Measure>,
    pub(super) of: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) windows_days: Vec<Spanned<u16>>,
    pub(super) by: Option<Spanned<String>>,
    pub(super) top: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFilter {
    pub(super) kind: Vec<String>,
    pub(super) category: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    pub(super) smallest_segment: u64,
    pub(super) largest_segment: u64,
    pub(super) hidden_cell: u64,
    pub(super) unusable_rows_share: f64,
    /// Of people who have a gender's or region's code; 0.5 unless said. More is a mistake of spelling.
    pub(super) unlisted_codes_share: f64,
    /// Of a table's events up to the snapshot's day; 0.5 unless said.
    pub(super) unknown_people_share: f64,
    /// Of all people; 0.5 unless said.
    pub(super) impossible_ages_share: f64,
    /// Of all people; 0.5 unless said. Who has neither counts as opted out.
    pub(super) unknown_opt_out_share: f64,
    /// Of a suppression list's ids; 0.5 unless said.
    pub(super) unknown_suppressed_share: f64,
    pub(super) gzip_over_bytes: u64,
    pub(super) link_over_bytes: u64,
    pub(super) link_days: u8,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            smallest_segment: 100,
            largest_segment: 1_000_000,
            hidden_cell: 10,
            unusable_rows_share: 0.05,
            unlisted_codes_share: 0.5,
            unknown_people_share: 0.5,
            impossible_ages_share: 0.5,
            unknown_opt_out_share: 0.5,
            unknown_suppressed_share: 0.5,
            gzip_over_bytes: 5_000_000,
            // Slack's own limit for a file.
            link_over_bytes: 1_000_000_000,
            link_days: 7,
        }
    }
}

impl From<RawLimits> for Limits {
    fn from(raw: RawLimits) -> Self {
        Self {
            smallest_segment: raw.smallest_segment.max(1),
            largest_segment: raw.largest_segment,
            hidden_cell: raw.hidden_cell,
            unusable_rows_share: raw.unusable_rows_share,
            unlisted_codes_share: raw.unlisted_codes_share,
            unknown_people_share: raw.unknown_people_share,
            impossible_ages_share: raw.impossible_ages_share,
            unknown_opt_out_share: raw.unknown_opt_out_share,
            unknown_suppressed_share: raw.unknown_suppressed_share,
            gzip_over_bytes: raw.gzip_over_bytes,
            link_over_bytes: raw.link_over_bytes,
            link_days: raw.link_days,
        }
    }
}
