//! The `users` table: one row a person.

use std::num::NonZeroUsize;

use chrono::{Datelike, NaiveDate};
use polars::prelude::*;

use super::{
    IdType, Misfit, blocking, codes,
    columns::{Need, Wanted, Zones},
    files, for_each_batch, misfit, scan,
};
use crate::{
    catalog::{AgeColumn, AttributeValues, Catalog},
    contracts::columns,
    lake::{LakeError, Object, Store},
};

/// Ages outside are taken for a mistake of the data and become null.
pub(super) const AGE_MAX: i64 = 130;
/// Ids that are in memory at a time while all pass by.
const IDS_TOGETHER: NonZeroUsize = NonZeroUsize::new(100_000).expect("not 0");

/// The `users` table with canonical columns; ids may still repeat.
pub struct Users {
    /// `user_id, age, gender, region, opted_out` and the attributes of those who were there on the day.
    pub(super) frame: LazyFrame,
    /// Of these, who had registered by the end of the day; `None` where the data does not say.
    pub(super) there: Option<LazyFrame>,
    /// The table before codes became the catalog's ids.
    raw: LazyFrame,
    pub id: IdType,
    /// As the files say.
    pub(super) rows: u64,
    pub(super) files: Vec<String>,
    /// What the frame reads is there as long as this is.
    _unpacked: scan::Unpacked,
}

/// The files that `users` consists of on `as_of`, sorted by key. Fetches nothing.
pub async fn user_files(lake: &Store, catalog: &Catalog, as_of: NaiveDate) -> Result<Vec<Object>, LakeError> {
    let objects = files::find(lake, "users", &catalog.users.path, None).await?;
    files::of_dump("users", objects, catalog.users.dumps, as_of)
}

impl Users {
    /// Finds, fetches and checks the table. A birth date becomes the age on `as_of`.
    pub async fn open(lake: &Store, catalog: &Catalog, as_of: NaiveDate) -> Result<Self, LakeError> {
        let inputs = user_files(lake, catalog, as_of).await?;
        let files = inputs.iter().map(|input| input.key.clone()).collect();
        let local = files::fetch(lake, inputs).await?;
        let (style, id_column) = (catalog.users.csv.clone(), catalog.users.id.clone());
        let of_id = {
            let catalog = catalog.clone();
            move |id| wanted(&catalog, id)
        };
        let (scan::Scanned { frame, rows, unpacked }, id) = blocking(move || -> Result<_, LakeError> {
            let sources = scan::open("users", local, &style)?;
            // Ids are text where one file has them as text; numbers are then written out.
            let is_text = |source: &scan::Source| {
                source.dtype(&id_column).is_some_and(|dtype| {
                    matches!(dtype, DataType::String | DataType::Categorical(..) | DataType::Enum(..))
                })
            };
            let id = if sources.iter().any(is_text) { IdType::Text } else { IdType::Integer };
            Ok((scan::frame(&sources, &of_id(id))?, id))
        })
        .await?;
        let there = catalog.users.registered.as_ref().map(|_| {
            let there = col(columns::REGISTERED).is_null().or(col(columns::REGISTERED).lt_eq(lit(as_of)));
            frame.clone().filter(there).select(canonical(catalog, as_of))
        });
        Ok(Self {
            there,
            frame: frame.clone().select(canonical(catalog, as_of)),
            raw: frame,
            id,
            rows,
            files,
            _unpacked: unpacked,
        })
    }

    /// Gives every id to `each`, as often as it is there. Blocks.
    pub fn for_each_id(&self, mut each: impl FnMut(&str)) -> Result<(), LakeError> {
        for_each_batch(self.frame.clone().select([col(columns::USER_ID)]), IDS_TOGETHER, |ids| {
            let ids = ids.column(columns::USER_ID)?.cast(&DataType::String)?;
            ids.str()?.iter().flatten().for_each(&mut each);
            Ok::<_, LakeError>(())
        })
    }

    /// Codes, ages and flags that match nothing, on the day the table was opened for. Blocks.
    pub fn misfits(&self, catalog: &Catalog, as_of: NaiveDate) -> Result<Vec<Misfit>, LakeError> {
        misfit::of_people(&self.raw, catalog, years(catalog, as_of))
    }
}

fn wanted(catalog: &Catalog, id: IdType) -> Vec<Wanted> {
    let table = &catalog.users;
    let zones = Zones { stated: None, day: catalog.time_zone };
    let mut wanted = vec![Wanted::new(columns::USER_ID, &table.id, Need::Id(id))];
    match &table.age {
        Some(AgeColumn::Years(column)) => wanted.push(Wanted::new(columns::AGE, column, Need::Integer)),
        Some(AgeColumn::BirthDate(column)) => wanted.push(Wanted::new(columns::BIRTH, column, Need::Day(zones))),
        None => {}
    }
    let mut add = |name, column: &Option<String>, need| {
        wanted.extend(column.as_ref().map(|column| Wanted::new(name, column, need)));
    };
    add(columns::GENDER, &table.gender, Need::Code);
    add(columns::REGION, &table.region, Need::Code);
    add(columns::OPTED_OUT, &table.opted_out, Need::Flag);
    add(columns::REGISTERED, &table.registered, Need::Day(zones));
    wanted.extend(catalog.attributes.iter().map(|attribute| {
        let need = match attribute.values {
            AttributeValues::Codes(_) => Need::Code,
            AttributeValues::Numbers(_) => Need::Number,
        };
        Wanted::new(attribute.id.as_str(), &attribute.column, need)
    }));
    wanted
}

/// Codes become the catalog's ids; what the catalog does not list becomes null.
fn canonical(catalog: &Catalog, as_of: NaiveDate) -> Vec<Expr> {
    let absent = |dtype: DataType| lit(NULL).cast(dtype);
    let table = &catalog.users;
    let age = years(catalog, as_of).map_or_else(|| absent(DataType::Int16), plausible_age);
    let gender = if table.gender.is_some() { codes::genders(catalog).known() } else { absent(DataType::String) };
    let region = if table.region.is_some() { codes::regions(catalog).known() } else { absent(DataType::String) };
    // Who does not say that they may be written to may not be.
    let opted_out = if table.opted_out.is_some() { col(columns::OPTED_OUT).fill_null(lit(true)) } else { lit(false) };
    let attributes = catalog.attributes.iter().map(|attribute| match &attribute.values {
        AttributeValues::Codes(codes) => codes::attribute(&attribute.id, codes).known(),
        AttributeValues::Numbers(_) => col(attribute.id.as_str()),
    });
    [
        col(columns::USER_ID),
        age.alias(columns::AGE),
        gender.alias(columns::GENDER),
        region.alias(columns::REGION),
        opted_out.alias(columns::OPTED_OUT),
    ]
    .into_iter()
    .chain(attributes)
    .collect()
}

/// Each person's age on `as_of`, whether or not anybody can be that old; `None` when the data has none.
fn years(catalog: &Catalog, as_of: NaiveDate) -> Option<Expr> {
    Some(match catalog.users.age.as_ref()? {
        AgeColumn::Years(_) => col(columns::AGE),
        AgeColumn::BirthDate(_) => years_since(as_of),
    })
}

fn plausible_age(years: Expr) -> Expr {
    let plausible = years.clone().gt_eq(lit(0)).and(years.clone().lt_eq(lit(AGE_MAX)));
    when(plausible).then(years).otherwise(lit(NULL)).cast(DataType::Int16)
}

/// Whole years from the day of birth to `as_of`.
fn years_since(as_of: NaiveDate) -> Expr {
    let birth = || col(columns::BIRTH).dt();
    let (month, day) = (lit(as_of.month().cast_signed()), lit(as_of.day().cast_signed()));
    let month_of_birth = || birth().month().cast(DataType::Int32);
    let birthday_is_ahead = month_of_birth()
        .gt(month.clone())
        .or(month_of_birth().eq(month).and(birth().day().cast(DataType::Int32).gt(day)));
    lit(as_of.year()) - birth().year().cast(DataType::Int32) - birthday_is_ahead.cast(DataType::Int32)
}
