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

use crate::contracts::columns;

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
    /// What the footer says of the row group.
    pub(super) bounds: Arc<Bounds>,
}

/// Between which values the columns lie that conditions ask about; `None` where the file does not say.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    pub(super) age: Option<(i32, i32)>,
    pub(super) gender: Option<(String, String)>,
    pub(super) region: Option<(String, String)>,
}

impl Bounds {
    fn of(footer: &FileMetadata, at: usize) -> Self {
        let group = &footer.row_groups[at];
        let statistics = |name: &str| {
            let mut columns = group.columns_under_root_iter(name)?;
            columns.next()?.statistics(&footer.footer_buf)?.ok()
        };
        let text = |name: &str| {
            let statistics = statistics(name)?;
            let bounds = statistics.as_binary()?;
            let text = |bytes: &Option<Vec<u8>>| String::from_utf8(bytes.clone()?).ok();
            Some((text(&bounds.min_value)?, text(&bounds.max_value)?))
        };
        let age = || {
            let statistics = statistics(columns::AGE)?;
            let bounds = statistics.as_int32()?;
            Some((bounds.min_value?, bounds.max_value?))
        };
        Self { age: age(), gender: text(columns::GENDER), region: text(columns::REGION) }
    }
}

/// The pieces of all files, in order; reads footers only.
pub(super) fn open(paths: &[PathBuf]) -> Result<Vec<Piece>, AudienceError> {
    let mut pieces = Vec::new();
    for path in paths {
        let mut reader = reader(path)?;
        let failed = AudienceError::undecodable(path);
        let footer = reader.get_metadata().map_err(failed)?.clone();
        let bare = FileMetadata { row_groups: Vec::new(), ..FileMetadata::clone(&footer) };
        for (at, group) in footer.row_groups.iter().enumerate() {
            let (height, row_groups) = (group.num_rows(), vec![group.clone()]);
            let bounds = Arc::new(Bounds::of(&footer, at));
            let footer =
                Arc::new(FileMetadata { num_rows: height, max_row_group_height: height, row_groups, ..bare.clone() });
            pieces.extend((0..height).step_by(ROWS_MAX).map(|first| Piece {
                path: path.clone(),
                footer: footer.clone(),
                first,
                rows: ROWS_MAX.min(height - first),
                bounds: bounds.clone(),
            }));
        }
    }
    Ok(pieces)
}

impl Piece {
    /// Whether the file has this column.
    pub(super) fn has(&self, column: &str) -> Result<bool, AudienceError> {
        let mut reader = reader(&self.path)?;
        reader.set_metadata(self.footer.clone());
        let schema = reader.schema().map_err(AudienceError::undecodable(&self.path))?;
        Ok(schema.get(column).is_some())
    }

    /// The named columns of these rows.
    pub(super) fn read(&self, columns: &BTreeSet<String>) -> Result<DataFrame, AudienceError> {
        let failed = AudienceError::undecodable(&self.path);
        let mut reader = reader(&self.path)?;
        reader.set_metadata(self.footer.clone());
        let schema = reader.schema().map_err(&failed)?;
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

    #[test]
    fn footers_say_between_which_values_a_row_group_lies() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.parquet");
        let mut frame = df![
            "age" => [Some(20_i32), None, Some(34), None, None, None],
            "gender" => ["f", "m", "f", "f", "f", "f"],
            "region" => [Some("01"), Some("13"), None, Some("27"), Some("27"), Some("27")],
        ]
        .unwrap();
        ParquetWriter::new(File::create(&path).unwrap()).with_row_group_size(Some(3)).finish(&mut frame).unwrap();
        let bounds: Vec<String> = open(&[path]).unwrap().iter().map(|piece| format!("{:?}", piece.bounds)).collect();
        insta::assert_snapshot!(bounds.join("\n"), @r#"
        Bounds { age: Some((20, 34)), gender: Some(("f", "m")), region: Some(("01", "13")) }
        Bounds { age: None, gender: Some(("f", "f")), region: Some(("27", "27")) }
        "#);
    }
}
