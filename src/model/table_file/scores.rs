//! The file of scores: a row number or an id, the probability and the log-odds of each row.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use polars::{
    io::{csv::write::BatchedWriter as CsvBatches, parquet::write::BatchedWriter as ParquetBatches},
    prelude::{
        Column, CsvWriter, DataFrame, DataType, Field, NamedFrom, ParquetWriter, PolarsResult, Schema, SerWriter,
        Series,
    },
};

use super::{Batch, TableFileError, source::ending};
use gbdt::sigmoid;

/// The row's number, which counts from 1.
pub(super) const ROW: &str = "row";
pub(super) const PROBABILITY: &str = "probability";
pub(super) const LOG_ODDS: &str = "log_odds";

/// A file of scores that grows batch by batch.
pub struct ScoresFile {
    path: PathBuf,
    writer: Writer,
}

enum Writer {
    Csv(Box<CsvBatches<File>>),
    Parquet(Box<ParquetBatches<File>>),
}

impl ScoresFile {
    /// Scores for `path`, in the format that its name ends with, into `file`, which may have another name for now.
    pub(super) fn new(path: &Path, file: File, id: Field) -> Result<Self, TableFileError> {
        let number = |name: &str| Field::new(name.into(), DataType::Float64);
        let schema = Schema::from_iter([id, number(PROBABILITY), number(LOG_ODDS)]);
        let failed = TableFileError::write(path);
        let writer = match ending(path).as_str() {
            "csv" => Writer::Csv(Box::new(CsvWriter::new(file).batched(&schema).map_err(failed)?)),
            "parquet" => Writer::Parquet(Box::new(ParquetWriter::new(file).batched(&schema).map_err(failed)?)),
            _ => return Err(TableFileError::ScoresFormat { path: path.to_owned() }),
        };
        Ok(Self { path: path.to_owned(), writer })
    }

    /// Adds the batch's rows; there is a score for each.
    pub fn write(&mut self, batch: &Batch, log_odds: &[f64]) -> Result<(), TableFileError> {
        self.append(&batch.id, log_odds).map_err(TableFileError::write(&self.path))
    }

    fn append(&mut self, id: &Column, log_odds: &[f64]) -> PolarsResult<()> {
        let probabilities: Vec<f64> = log_odds.iter().map(|&score| sigmoid(score)).collect();
        let column = |name: &str, values: &[f64]| Column::from(Series::new(name.into(), values));
        let columns = vec![id.clone(), column(PROBABILITY, &probabilities), column(LOG_ODDS, log_odds)];
        let mut frame = DataFrame::new(log_odds.len(), columns)?;
        // Both writers want columns whose parts begin at the same rows.
        frame.align_chunks();
        match &mut self.writer {
            Writer::Csv(writer) => writer.write_batch(&frame),
            Writer::Parquet(writer) => writer.write_batch(&frame),
        }
    }

    /// Writes what comes after the last row.
    pub fn finish(self) -> Result<(), TableFileError> {
        let ended = match self.writer {
            Writer::Csv(mut writer) => writer.finish(),
            Writer::Parquet(writer) => writer.finish().map(|_| ()),
        };
        ended.map_err(TableFileError::write(&self.path))
    }
}
