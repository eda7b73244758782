//! A snapshot's Parquet files, read a bounded piece at a time and only the columns asked for.

use std::{
    collections::BTreeSet,
    fs::File,
    path::{Path, PathBuf},
};

use polars::{
    io::parquet::metadata::FileMetadataRef,
    prelude::{DataFrame, ParallelStrategy, ParquetReader, SerReader},
};

use super::AudienceError;

/// Rows that are read at once, also from files with larger row groups.
const ROWS_MAX: usize = 1 << 17;

/// Consecutive rows of one file.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    path: PathBuf,
    /// Read once for all pieces of a file.
    footer: FileMetadataRef,
    first: usize,
    pub(super) rows: usize,
}

/// The pieces of all files, in order; reads footers only.
pub(super) fn open(paths: &[PathBuf]) -> Result<Vec<Piece>, AudienceError> {
    let mut pieces = Vec::new();
    for path in paths {
        let mut reader = reader(path)?;
        let failed = |source| AudienceError::Parquet { path: path.clone(), source };
        let footer = reader.get_metadata().map_err(failed)?.clone();
        let mut first = 0;
        for group in &footer.row_groups {
            let end = first + group.num_rows();
            while first < end {
                let rows = ROWS_MAX.min(end - first);
                pieces.push(Piece { path: path.clone(), footer: footer.clone(), first, rows });
                first += rows;
            }
        }
    }
    Ok(pieces)
}

impl Piece {
    /// The named columns of these rows.
    pub(super) fn read(&self, columns: &BTreeSet<String>) -> Result<DataFrame, AudienceError> {
        let failed = |source| AudienceError::Parquet { path: self.path.clone(), source };
        let mut reader = reader(&self.path)?;
        reader.set_metadata(self.footer.clone());
        let schema = reader.schema().map_err(failed)?;
        if let Some(column) = columns.iter().find(|column| schema.get(column.as_str()).is_none()) {
            return Err(AudienceError::MissingColumn { path: self.path.clone(), column: column.clone() });
        }
        reader
            .with_columns(Some(columns.iter().cloned().collect()))
            .with_slice(Some((self.first, self.rows)))
            // Pieces are read side by side; polars need not spread each.
            .read_parallel(ParallelStrategy::None)
            .finish()
            .map_err(failed)
    }
}

fn reader(path: &Path) -> Result<ParquetReader<File>, AudienceError> {
    let file = File::open(path).map_err(|source| AudienceError::Unreadable { path: path.to_owned(), source })?;
    Ok(ParquetReader::new(file))
}
