//! The operator's one file, `catalog.toml`, checked: where the data lies, who people are, what can be sold.
//!
//! Read once at start; whoever holds a [`Catalog`] need not check it again. Never does I/O besides reading that file.

mod attribute;
mod check;
mod condition;
mod defaults;
mod ids;
mod names;
mod raw;
mod rhythm;
mod warm;

use std::path::Path;

use chrono_tz::Tz;

pub use attribute::{Attribute, AttributeValues, Band, Choice, Code};
pub use check::CatalogError;
pub use condition::{CONTROL_PERCENT_MAX, ExcludeConverted, Field, NoExclusion};
pub use ids::{AttributeId, GenderId, ProductId, RegionCode};
pub use names::{Locale, Names};
pub use warm::Warm;

/// A company's catalog, checked against itself.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// A day in this product begins and ends in this zone.
    pub time_zone: Tz,
    /// The language for people whose Slack locale is neither Japanese nor English.
    pub fallback_locale: Locale,
    /// Whom to ask, as errors name it.
    pub owner: String,
    /// One row a person.
    pub users: UsersTable,
    /// At least one; names are unique.
    pub events: Vec<EventsTable>,
    /// The ages the form offers.
    pub age: AgeBounds,
    /// Gender codes of the data, in the order the form shows them; empty when the data has no gender.
    pub genders: Vec<Gender>,
    /// Regions grouped for the form; every region is in at most one area.
    pub areas: Vec<Area>,
    /// Regions in the order of their model code.
    pub regions: Vec<Region>,
    /// What else is known of people; ids are unique.
    pub attributes: Vec<Attribute>,
    /// At least one; ids are unique.
    pub products: Vec<Product>,
    /// Declared features; never empty (a default set stands in).
    pub features: Vec<FeatureDecl>,
    /// What nobody declares: when people come back, by product and by table.
    pub rhythm: Vec<FeatureDecl>,
    /// Bounds that no request may leave.
    pub limits: Limits,
    /// Models that are trained before anybody asks.
    pub warm: Warm,
    /// SHA-256 of the file's bytes, in lower-case hexadecimal.
    pub sha256: String,
}

/// The `users` table: a glob below the lake and the columns that matter.
#[derive(Debug, Clone)]
pub struct UsersTable {
    /// A glob below the lake's root, such as `users/*.parquet`.
    pub path: String,
    /// Text or integer; unique.
    pub id: String,
    /// Where a person's age comes from; `None` when the data has none.
    pub age: Option<AgeColumn>,
    /// Text codes, see [`Catalog::genders`].
    pub gender: Option<String>,
    /// Text or integer codes, see [`Catalog::regions`].
    pub region: Option<String>,
    /// Boolean, or integer 0/1; null counts as opted out.
    pub opted_out: Option<String>,
    /// A date or a date-time: when the person joined. Who joined after a snapshot's day is not in it. Without the column, people
    /// without any event are not learned from, because they may have joined later, and come last in every segment.
    pub registered: Option<String>,
    /// What files in folders of several days are; `None` where the catalog does not say, and then there may be none.
    pub dumps: Option<Dumps>,
    pub csv: CsvStyle,
}

/// What a table's files in folders of several days are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dumps {
    /// Each day's files are the whole table; the newest up to the snapshot's day is read.
    Newest,
    /// Each file holds a part of the table; all are read.
    All,
}

/// How a table's CSV files are written, where that is not the usual way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvStyle {
    /// The ASCII character between fields; `None` is a comma.
    pub separator: Option<u8>,
    /// Further words for a missing value, such as `?` or `NULL`.
    pub null: Vec<String>,
}

impl CsvStyle {
    /// The separator that the catalog or an option writes as `text`: one character, or `tab`.
    pub fn separator_of(text: &str) -> Option<u8> {
        match text.as_bytes() {
            b"tab" | b"\\t" => Some(b'\t'),
            [b'"' | b'\n' | b'\r'] => None,
            [one] => Some(*one),
            _ => None,
        }
    }
}

/// What the numbers of an amount column count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmountUnit {
    /// The currency's unit, such as dollars: `amount_decimals` decimals are kept.
    #[default]
    Major,
    /// Its smallest unit, such as cents.
    Minor,
}

/// A column with whole years, or with the day of birth (age is then taken at the snapshot's day).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgeColumn {
    Years(String),
    BirthDate(String),
}

/// One `events` table.
#[derive(Debug, Clone)]
pub struct EventsTable {
    /// How features and products name it.
    pub name: String,
    /// A glob below the lake's root, such as `events/day=*/*.parquet`.
    pub path: String,
    /// Same type as the users' id.
    pub user: String,
    /// A date or a date-time.
    pub time: String,
    /// The zone of date-times that do not say theirs; `None` means the catalog's.
    pub time_zone: Option<Tz>,
    /// What an event is.
    pub kind: KindColumn,
    /// Text or integer; `None` when events have no category.
    pub category: Option<String>,
    /// A number of any type; the same number means the same in every file.
    pub amount: Option<String>,
    /// How many decimals of an amount count; 0 for yen.
    pub amount_decimals: u8,
    /// What the amounts count.
    pub amount_unit: AmountUnit,
    /// Further columns that features may count or sum.
    pub extra: Vec<String>,
    pub csv: CsvStyle,
}

/// Where an event's kind comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KindColumn {
    Column(String),
    /// Every row of the table is of this kind.
    Constant(String),
}

/// The ages a request may name, in whole years, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeBounds {
    pub min: u8,
    pub max: u8,
    pub step: u8,
}

/// A gender as the data codes it.
#[derive(Debug, Clone)]
pub struct Gender {
    pub id: GenderId,
    /// The value in the data; `None` stands for null and for every value that is not listed.
    pub code: Option<String>,
    pub names: Names,
}

/// A group of regions, one checkbox in the form.
#[derive(Debug, Clone)]
pub struct Area {
    pub id: String,
    pub names: Names,
    pub regions: Vec<RegionCode>,
}

/// A region; `code` is the value in the data, `id` what people type.
#[derive(Debug, Clone)]
pub struct Region {
    pub code: RegionCode,
    pub id: String,
    pub names: Names,
}

/// Something to advertise, and what counts as its conversion.
#[derive(Debug, Clone)]
pub struct Product {
    pub id: ProductId,
    pub names: Names,
    /// Further words that find it, such as its kana.
    pub search: Vec<String>,
    pub conversion: Conversion,
    /// How long after a snapshot a conversion counts.
    pub horizon_days: u16,
    /// Fewer conversions than this cannot be learned from.
    pub min_conversions: u32,
    /// What the form offers first for people who already converted.
    pub exclude_converted: ExcludeConverted,
    /// What the form offers first as the share of the control group, in whole per cent.
    pub control_percent: u8,
    /// Requests of a higher priority start first, within everybody's fair share; 0 to 9.
    pub priority: u8,
    /// Columns that the model of this product must not see: `age`, `gender`, `region`, an attribute's id or a feature's name.
    pub forbidden_features: Vec<String>,
    /// Slack channel ids in which it may be asked for; empty means everywhere.
    pub allowed_channels: Vec<String>,
}

/// Events that count as a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// Name of the events table.
    pub table: String,
    pub kind: String,
    /// Empty means every category.
    pub categories: Vec<String>,
}

/// A declared feature; one column per window (and per category with `by`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureDecl {
    /// Stem of the column names, `[a-z0-9_]+`; of a rhythm with stops in it.
    pub name: String,
    /// Whose rhythm it is: no other product's models see it.
    pub product: Option<ProductId>,
    /// What it says, without window and category: "purchases".
    pub names: Names,
    /// Name of the events table.
    pub table: String,
    /// Empty means every kind.
    pub kinds: Vec<String>,
    /// Empty means every category.
    pub categories: Vec<String>,
    pub measure: Measure,
    /// The column to sum, count distinct…; `amount`, `category` or one of the table's `extra`.
    pub of: Option<String>,
    /// Days that end with the snapshot's day; empty means all of history.
    pub windows_days: Vec<u16>,
    /// `Some(k)`: one column for each of the `k` commonest categories.
    pub by_category_top: Option<u16>,
}

impl FeatureDecl {
    /// One for each column before fan-out; `None` is all of history.
    pub fn windows(&self) -> Vec<Option<u16>> {
        let days = self.windows_days.iter().copied().map(Some);
        if self.windows_days.is_empty() { vec![None] } else { days.collect() }
    }
}

/// What a feature measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Events; 0 for none.
    Count,
    /// Sum in integer minor units; 0 for none.
    Sum,
    /// Sum divided by the count of non-null values, once; null for none.
    Mean,
    /// Smallest; null for none.
    Min,
    /// Largest; null for none.
    Max,
    /// Different values; 0 for none.
    Distinct,
    /// Days from the last event to the snapshot's day (0 = that day); null for none.
    DaysSinceLast,
    /// Days from the first event to the snapshot's day; null for none.
    DaysSinceFirst,
    /// Days with at least one event; 0 for none.
    ActiveDays,
    /// This feature's events over all events of the table in the window; null when there are none.
    Share,
    /// Mean of the days from one day with an event to the next; null with fewer than two.
    MeanGapDays,
    /// Days since the last event over the mean gap; above 1 somebody is late. Null with fewer than two days.
    Overdue,
    /// Days with an event in the window, less those in as many days before; 0 for none.
    Trend,
    /// Days with an event from Monday to Friday over all; null for none.
    WeekdayShare,
    /// Days with this feature's events over days with any event of the table in the window; null when there are none.
    ActiveDaysShare,
    /// Days with an event a day since the first, shrunk towards few: (days + 0.3) / (days since the first + 60); null for none.
    Rate,
}

/// Bounds that no request may leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// A smaller segment is refused, because it could single people out.
    pub smallest_segment: u64,
    pub largest_segment: u64,
    /// Counts below this are hidden in breakdowns.
    pub hidden_cell: u64,
    /// A larger share of unusable event rows stops a snapshot; 0.0..=1.0.
    pub unusable_rows_share: f64,
    /// A snapshot is not built when more of the people with a gender or region code have one that the catalog does not list.
    pub unlisted_codes_share: f64,
    /// A snapshot is not built when more of a table's events are of people who are not in `users`.
    pub unknown_people_share: f64,
    /// A snapshot is not built when more people have an age that nobody has.
    pub impossible_ages_share: f64,
    /// A snapshot is not built when more people neither opted out nor did not.
    pub unknown_opt_out_share: f64,
    /// A suppression list is refused when more of its ids are of nobody.
    pub unknown_suppressed_share: f64,
    /// Larger files go into Slack compressed.
    pub gzip_over_bytes: u64,
    /// Larger files do not go into Slack: the result has a link to them, or says where they lie.
    pub link_over_bytes: u64,
    /// How long such a link works; 1 to 7.
    pub link_days: u8,
}

impl Catalog {
    /// Reads and checks `path`. Errors name the line and the fix.
    pub fn load(path: &Path) -> Result<Self, CatalogError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| CatalogError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|problem| CatalogError::Invalid { path: path.to_owned(), problem })
    }

    /// The product with this id.
    pub fn product(&self, id: &ProductId) -> Option<&Product> {
        self.products.iter().find(|product| product.id == *id)
    }

    /// The events table with this name.
    pub fn events_table(&self, name: &str) -> Option<&EventsTable> {
        self.events.iter().find(|table| table.name == name)
    }

    /// The region with this code.
    pub fn region(&self, code: &RegionCode) -> Option<&Region> {
        self.regions.iter().find(|region| region.code == *code)
    }

    /// The attribute with this id.
    pub fn attribute(&self, id: &AttributeId) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.id == *id)
    }

    /// Attributes that planners may ask for.
    pub fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|attribute| attribute.is_condition)
    }

    /// The gender with this id.
    pub fn gender(&self, id: &GenderId) -> Option<&Gender> {
        self.genders.iter().find(|gender| gender.id == *id)
    }
}
