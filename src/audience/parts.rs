//! A snapshot's Parquet files, read a bounded piece at a time and only the columns asked for.

use std::{
    collections::BTreeSet,
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use polars::{
    io::parquet::metadata::{FileMetadata, FileMetadataRef},
    prelude::{DataFrame, ParallelStrategy, ParquetReader, SerReader},
};

use super::AudienceError;

/// Rows that are read at once, also from files with larger row groups.
const ROWS_MAX: usize = 1 << 17;

/// Consecutive rows of one file.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    path: PathBuf,
    /// The file's footer with this piece's row group alone: polars would go through all that come before it.
    footer: FileMetadataRef,
    /// Row of the group with which the piece begins.
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
        let bare = FileMetadata { row_groups: Vec::new(), ..FileMetadata::clone(&footer) };
        for group in &footer.row_groups {
            let (height, row_groups) = (group.num_rows(), vec![group.clone()]);
            let footer =
                Arc::new(FileMetadata { num_rows: height, max_row_group_height: height, row_groups, ..bare.clone() });
            pieces.extend((0..height).step_by(ROWS_MAX).map(|first| Piece {
                path: path.clone(),
                footer: footer.clone(),
                first,
                rows: ROWS_MAX.min(height - first),
            }));
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

#[cfg(test)]
mod tests {
    use polars::{df, prelude::ParquetWriter};

    use super::*;

    #[test]
    fn every_row_is_in_one_piece_also_of_large_row_groups() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.parquet");
        let mut frame = df!["id" => (0..400_000_i64).collect::<Vec<_>>()].unwrap();
        let file = File::create(&path).unwrap();
        ParquetWriter::new(file).with_row_group_size(Some(200_000)).finish(&mut frame).unwrap();
        let pieces = open(&[path]).unwrap();
        assert_eq!(pieces.len(), 4);
        let columns = BTreeSet::from(["id".to_owned()]);
        let frames = pieces.iter().map(|piece| piece.read(&columns).unwrap());
        let ids: Vec<i64> = frames
            .flat_map(|frame| frame.column("id").unwrap().i64().unwrap().iter().flatten().collect::<Vec<_>>())
            .collect();
        assert_eq!(ids, (0..400_000).collect::<Vec<_>>());
    }
}
