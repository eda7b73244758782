//! A file with outcomes: what a model is trained on, watched by or judged by.

use std::path::Path;

use gbdt::{Gbdt, Kind, Table};
use linfa::DatasetBase;
use ndarray::Array1;
use polars::prelude::{DataFrame, DataType, IntoLazy, JoinArgs, JoinType, MaintainOrderJoin, SortOptions, col};
use rayon::prelude::*;

use super::{
    TableFileError,
    coding::{Coded, Coding, Wish, choose},
    columns::Cells,
    label::{self, Labels},
    source::{DataFile, Piece, Source},
};
use crate::digest::stable_hash;

/// What the columns of a file are for. All others are features.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    /// Whether it happened: 0 or 1, false or true, or two numbers of which the larger means yes.
    pub label: String,
    /// What each row weighs; without it, all weigh the same.
    pub weight: Option<String>,
    /// Rows with the same value stay together when rows are divided.
    pub group: Option<String>,
    /// When rows are from: later ones judge what was learned from earlier ones.
    pub time: Option<String>,
    pub ignore: Vec<String>,
    /// Features that are categories, whatever their values.
    pub categorical: Vec<String>,
    /// Features that are numbers, whatever their values.
    pub numeric: Vec<String>,
}

/// By what rows are divided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    None,
    /// For each row a number that its group alone has.
    Groups(Vec<u64>),
    /// For each row the place of its time among all times; missing ones come first.
    Times(Vec<u32>),
}

/// A table with an outcome for each row.
#[derive(Debug)]
pub struct LabelledTable {
    pub table: Table,
    pub labels: Vec<bool>,
    /// One for each row, or none when all weigh the same.
    pub weights: Vec<f32>,
    pub order: Order,
    /// The label's values for no and for yes.
    pub label_values: (f64, f64),
    /// What the person may want to know about the columns.
    pub notes: Vec<String>,
}

impl LabelledTable {
    /// Reads a file to train on. Text becomes categories, whose codes are their places among the sorted texts; booleans
    /// become 0 and 1; what is missing becomes NaN.
    pub fn read(file: &DataFile, roles: &Roles) -> Result<Self, TableFileError> {
        let source = Source::open(file)?;
        let names = roles.features(&source)?;
        let piece = source.whole(&roles.read(&names))?;
        let choose = |name: &&str| choose(&piece, name, roles.wish(name));
        let coded: Vec<Coded> = names.par_iter().map(choose).collect::<Result<_, _>>()?;
        Self::assemble(&piece, roles, &names, coded)
    }

    /// Reads another file with the columns, kinds and categories of a table that was read before.
    pub fn read_like(file: &DataFile, roles: &Roles, like: &Table) -> Result<Self, TableFileError> {
        let source = Source::open(file)?;
        let known = like.names().iter().zip(like.kinds());
        let features: Vec<(&str, Coding, Kind)> =
            known.map(|(name, kind)| (name.as_str(), Coding::of_kind(kind), kind.clone())).collect();
        Self::read_known(&source, roles, &features)
    }

    /// Reads a file with the outcomes in `label` to judge a model by: for [`Gbdt::ranked`].
    pub fn read_for(file: &DataFile, label: &str, model: &Gbdt) -> Result<Self, TableFileError> {
        let source = Source::open(file)?;
        let roles = Roles { label: label.to_owned(), ..Roles::default() };
        let called: Vec<String> = model
            .feature_names()
            .iter()
            .map(|name| source.called(name, model).unwrap_or_else(|| name.clone()))
            .collect();
        // Scoring needs no kinds: the codes are the model's already.
        let known = called.iter().zip(Coding::of_model(model));
        let features: Vec<(&str, Coding, Kind)> =
            known.map(|(name, coding)| (name.as_str(), coding, Kind::Numeric)).collect();
        let mut read = Self::read_known(&source, &roles, &features)?;
        read.table = Table::new(model.feature_names().to_vec(), read.table.into_columns())?;
        Ok(read)
    }

    fn read_known(source: &Source, roles: &Roles, features: &[(&str, Coding, Kind)]) -> Result<Self, TableFileError> {
        let lacking = features.iter().filter(|(name, ..)| !source.has(name));
        let columns: Vec<String> = lacking.map(|(name, ..)| (*name).to_owned()).collect();
        if !columns.is_empty() {
            return Err(TableFileError::Lacks { path: source.path.clone(), columns, advice: "add them" });
        }
        source.require(&roles.label)?;
        roles.weight.iter().try_for_each(|weight| source.require(weight))?;
        let names: Vec<&str> = features.iter().map(|(name, ..)| *name).collect();
        let piece = source.whole(&roles.read(&names))?;
        let encode = |(name, coding, kind): &(&str, Coding, Kind)| {
            let (values, unknown) = coding.encode(&piece, name)?;
            Ok(Coded { values, kind: kind.clone(), note: unknown_categories(&source.path, name, unknown) })
        };
        let coded: Vec<Coded> = features.par_iter().map(encode).collect::<Result<_, TableFileError>>()?;
        Self::assemble(&piece, roles, &names, coded)
    }

    fn assemble(piece: &Piece, roles: &Roles, names: &[&str], coded: Vec<Coded>) -> Result<Self, TableFileError> {
        if piece.rows == 0 {
            return Err(TableFileError::NoRows { path: piece.path.clone() });
        }
        let Labels { happened: labels, values: label_values } = label::read(&Cells::read(piece, &roles.label)?)?;
        let weights = match &roles.weight {
            None => Vec::new(),
            Some(weight) => weights(&Cells::read(piece, weight)?)?,
        };
        let (mut columns, mut kinds, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for Coded { values, kind, note } in coded {
            columns.push(values);
            kinds.push(kind);
            notes.extend(note);
        }
        let mut table = Table::new(names.iter().map(|name| (*name).to_owned()).collect(), columns)?;
        for (name, kind) in names.iter().zip(kinds) {
            if let Kind::Categorical { names } = kind {
                table = table.with_categories(name, names)?;
            }
        }
        let order = match (&roles.group, &roles.time) {
            (Some(group), _) => Order::Groups(groups(&Cells::read(piece, group)?)?),
            (_, Some(time)) => Order::Times(times(&Cells::read(piece, time)?)?),
            _ => Order::None,
        };
        Ok(Self { table, labels, weights, order, label_values, notes })
    }

    /// Rows where it happened.
    pub fn positives(&self) -> usize {
        self.labels.iter().filter(|&&label| label).count()
    }

    /// As linfa wants it.
    pub fn into_dataset(self) -> DatasetBase<Table, Array1<bool>> {
        let dataset = DatasetBase::new(self.table, Array1::from_vec(self.labels));
        if self.weights.is_empty() { dataset } else { dataset.with_weights(Array1::from_vec(self.weights)) }
    }
}

/// What to say when values of a column are no category that is known.
pub(super) fn unknown_categories(path: &Path, name: &str, unknown: usize) -> Option<String> {
    (unknown > 0).then(|| {
        format!(
            "column `{name}` of {}: {unknown} values are rare or unknown categories and count as missing",
            path.display()
        )
    })
}

/// Who belongs together; who has no group is alone.
fn groups(cells: &Cells<'_>) -> Result<Vec<u64>, TableFileError> {
    let texts = cells.column.cast(&DataType::String).map_err(cells.polars())?;
    let texts = texts.str().map_err(cells.polars())?;
    let group = |(row, text): (u64, Option<&str>)| match text {
        Some(text) => stable_hash(0, text.as_bytes()),
        None => stable_hash(1, &row.to_le_bytes()),
    };
    Ok((0..).zip(texts.iter()).map(group).collect())
}

/// The place of each row's time: numbers, dates and times by their value, text such as 2026-11-22 by its characters.
fn times(cells: &Cells<'_>) -> Result<Vec<u32>, TableFileError> {
    let sorted = cells.column.unique().and_then(|unique| unique.sort(SortOptions::default()));
    let sorted = sorted.map_err(cells.polars())?;
    let places = DataFrame::new(sorted.len(), vec![sorted.with_name("time".into())])
        .and_then(|frame| frame.with_row_index("place".into(), None))
        .map_err(cells.polars())?;
    let rows = cells.column.clone().with_name("time".into());
    let rows = DataFrame::new(rows.len(), vec![rows]).map_err(cells.polars())?;
    let joined = rows
        .lazy()
        .join(
            places.lazy(),
            [col("time")],
            [col("time")],
            JoinArgs { maintain_order: MaintainOrderJoin::Left, nulls_equal: true, ..JoinArgs::new(JoinType::Left) },
        )
        .collect()
        .map_err(cells.polars())?;
    let place = joined.column("place").and_then(|place| place.cast(&DataType::UInt32)).map_err(cells.polars())?;
    Ok(place.u32().map_err(cells.polars())?.iter().map(Option::unwrap_or_default).collect())
}

fn weights(cells: &Cells<'_>) -> Result<Vec<f32>, TableFileError> {
    let weights = cells.numbers()?;
    let wrong = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0));
    match wrong {
        None => Ok(weights),
        Some(place) => Err(TableFileError::Weight {
            path: cells.piece.path.clone(),
            column: cells.name(),
            row: cells.row(place),
            value: weights[place],
        }),
    }
}

impl Roles {
    /// Every column that has a name here, with the option that names it.
    fn named(&self) -> Vec<(&str, &'static str)> {
        let mut named = vec![(self.label.as_str(), "--label")];
        let others = [(&self.weight, "--weight"), (&self.group, "--group"), (&self.time, "--time")];
        named.extend(others.into_iter().filter_map(|(column, option)| Some((column.as_deref()?, option))));
        let lists = [(&self.ignore, "--ignore"), (&self.categorical, "--categorical"), (&self.numeric, "--numeric")];
        for (columns, option) in lists {
            named.extend(columns.iter().map(|column| (column.as_str(), option)));
        }
        named
    }

    /// The columns to learn from, in the file's order, once every name is known to be right.
    fn features<'a>(&self, source: &'a Source) -> Result<Vec<&'a str>, TableFileError> {
        let named = self.named();
        for (place, &(column, option)) in named.iter().enumerate() {
            source.require(column)?;
            if let Some((_, other)) =
                named[..place].iter().find(|(earlier, other)| *earlier == column && *other != option)
            {
                return Err(TableFileError::TwoRoles { column: column.to_owned(), one: other, other: option });
            }
        }
        let no_feature = |column: &str| {
            column == self.label
                || [&self.weight, &self.group, &self.time].into_iter().any(|own| own.as_deref() == Some(column))
                || self.ignore.iter().any(|ignored| ignored == column)
        };
        let features: Vec<&str> =
            source.columns.iter().map(String::as_str).filter(|column| !no_feature(column)).collect();
        if features.is_empty() {
            return Err(TableFileError::NothingLeft { path: source.path.clone() });
        }
        Ok(features)
    }

    /// The columns to read.
    fn read<'a>(&'a self, features: &[&'a str]) -> Vec<&'a str> {
        let mut columns = features.to_vec();
        let others = [&self.weight, &self.group, &self.time].into_iter().filter_map(|own| own.as_deref());
        let others = std::iter::once(self.label.as_str()).chain(others);
        for column in others {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    fn wish(&self, column: &str) -> Wish {
        let names = |columns: &[String]| columns.iter().any(|named| named == column);
        match (names(&self.categorical), names(&self.numeric)) {
            (true, _) => Wish::Categorical,
            (_, true) => Wish::Numeric,
            _ => Wish::None,
        }
    }
}
