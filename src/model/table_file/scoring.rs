//! A file to score, a bounded number of rows at a time, with the columns that the model's trees test.

use std::{fs::File, path::Path};

use polars::prelude::{Column, DataType, Field, IntoColumn, NamedFrom, Series};
use rayon::prelude::*;

use super::{
    TableFileError,
    coding::Coding,
    labelled::unknown_categories,
    scores::{LOG_ODDS, PROBABILITY, ROW, ScoresFile},
    source::{DataFile, Piece, Source},
};
use gbdt::{Gbdt, Table, TableError};

/// What becomes of columns that the model has and the file has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// An error that names them all.
    Refused,
    /// Their values count as missing.
    Missing,
}

/// A file that a model can score.
#[derive(Debug)]
pub struct ScoringFile {
    source: Source,
    /// One for each feature of the model, in its order; `None` where no column is read.
    codings: Vec<Option<Coding>>,
    names: Vec<String>,
    /// What the file calls each feature.
    called: Vec<String>,
    id: Option<String>,
    absent: Vec<String>,
    pieces: Vec<Piece>,
}

/// Consecutive rows.
#[derive(Debug)]
pub struct Batch {
    /// One for each feature of the model, in its order; `None` where no tree tests it or the file has no column.
    columns: Vec<Option<Vec<f32>>>,
    rows: usize,
    /// What tells the rows apart in the file of scores.
    pub(super) id: Column,
    /// How many values of each feature are no category that the model knows.
    unknown: Vec<usize>,
}

impl ScoringFile {
    /// Opens a file whose rows are told apart by the column `id` or, without one, by their number.
    pub fn open(file: &DataFile, model: &Gbdt, id: Option<&str>, absent: Absent) -> Result<Self, TableFileError> {
        let source = Source::open(file)?;
        if let Some(id) = id {
            source.require(id)?;
            if [PROBABILITY, LOG_ODDS].contains(&id) {
                return Err(TableFileError::IdName(id.to_owned()));
            }
        }
        let names = model.feature_names().to_vec();
        let found: Vec<Option<String>> = names.iter().map(|name| source.called(name, model)).collect();
        let lacking: Vec<String> =
            names.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(name, _)| name.clone()).collect();
        refuse(&file.path, &lacking, names.len(), absent)?;
        let codings = Coding::of_model(model).into_iter().zip(model.split_counts()).zip(&found);
        let codings: Vec<Option<Coding>> =
            codings.map(|((coding, splits), found)| (splits > 0 && found.is_some()).then_some(coding)).collect();
        let called: Vec<String> =
            found.into_iter().zip(&names).map(|(found, name)| found.unwrap_or_else(|| name.clone())).collect();
        let read = called.iter().zip(&codings).filter(|(_, coding)| coding.is_some());
        let mut columns: Vec<&str> = read.map(|(name, _)| name.as_str()).collect();
        if let Some(id) = id.filter(|id| !columns.contains(id)) {
            columns.push(id);
        }
        // Where neither a feature nor an id is read, one column must still tell how many rows there are.
        if columns.is_empty() {
            columns.push(&source.columns[0]);
        }
        let pieces = source.pieces(&columns)?;
        Ok(Self { id: id.map(str::to_owned), absent: lacking, codings, names, called, pieces, source })
    }

    /// Rows of the file.
    pub fn rows(&self) -> usize {
        self.pieces.iter().map(|piece| piece.rows).sum()
    }

    /// The model's columns that the file lacks.
    pub fn absent(&self) -> &[String] {
        &self.absent
    }

    /// All rows in order, at least one batch. Each is read when it is asked for.
    pub fn batches(&self) -> impl Iterator<Item = Result<Batch, TableFileError>> + '_ {
        self.pieces.iter().map(|piece| self.read(piece))
    }

    fn read(&self, piece: &Piece) -> Result<Batch, TableFileError> {
        let encode = |(coding, name): (&Option<Coding>, &String)| match coding {
            None => Ok((None, 0)),
            Some(coding) => coding.encode(piece, name).map(|(values, unknown)| (Some(values), unknown)),
        };
        let coded: Vec<(Option<Vec<f32>>, usize)> =
            self.codings.par_iter().zip(&self.called).map(encode).collect::<Result<_, TableFileError>>()?;
        let (columns, unknown) = coded.into_iter().unzip();
        let id = match &self.id {
            Some(id) => piece.column(id)?,
            None => row_numbers(piece.first_row, piece.rows),
        };
        Ok(Batch { columns, rows: piece.rows, id, unknown })
    }

    /// A file for these rows' scores at `path`, in the format that its name ends with, written into `file`, which may have
    /// another name for now.
    pub fn scores(&self, path: &Path, file: File) -> Result<ScoresFile, TableFileError> {
        let id = match &self.id {
            Some(id) => Field::new(id.into(), self.pieces[0].dtype(id)?),
            None => Field::new(ROW.into(), DataType::UInt64),
        };
        ScoresFile::new(path, file, id)
    }

    /// What to say about values that the model does not know, from the batches' sums.
    pub fn notes(&self, unknown: &[usize]) -> Vec<String> {
        let note = |(name, &unknown): (&String, &usize)| unknown_categories(&self.source.path, name, unknown);
        self.names.iter().zip(unknown).filter_map(note).collect()
    }
}

impl Batch {
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What [`gbdt::Scorer::log_odds`] takes.
    pub fn columns(&self) -> Vec<Option<&[f32]>> {
        self.columns.iter().map(Option::as_deref).collect()
    }

    /// The columns that were read, as a table.
    pub fn table(&self, model: &Gbdt) -> Result<Table, TableError> {
        let read = model.feature_names().iter().zip(&self.columns);
        let (names, columns) = read.filter_map(|(name, column)| Some((name.clone(), column.clone()?))).unzip();
        Table::new(names, columns)
    }

    /// Adds to `unknown`, which has a place for each feature, the values that are no known category.
    pub fn add_unknown(&self, unknown: &mut [usize]) {
        unknown.iter_mut().zip(&self.unknown).for_each(|(sum, more)| *sum += more);
    }
}

fn refuse(path: &Path, lacking: &[String], of: usize, absent: Absent) -> Result<(), TableFileError> {
    let (path, columns) = (path.to_owned(), lacking.to_vec());
    if lacking.is_empty() {
        Ok(())
    } else if lacking.len() == of {
        Err(TableFileError::LacksAll { path, columns })
    } else if absent == Absent::Refused {
        let advice = "add them, or let them count as missing with --allow-missing-columns";
        Err(TableFileError::Lacks { path, columns, advice })
    } else {
        Ok(())
    }
}

fn row_numbers(first_row: usize, rows: usize) -> Column {
    let numbers: Vec<u64> = (first_row..first_row + rows).map(|row| row as u64 + 1).collect();
    Series::new(ROW.into(), numbers).into_column()
}
