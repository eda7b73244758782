//! A part of a snapshot becomes a Parquet file: fixed row groups, one compression, so the same rows are the same bytes.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use polars::{polars_utils::compression::ZstdLevel, prelude::*};
use sha2::{Digest, Sha256};

use super::{FeaturesError, Part, snapshot::folder};

/// Rows a row group; readers skip groups by their statistics.
const ROW_GROUP_ROWS: usize = 32 * 1024;
const ZSTD_LEVEL: i32 = 3;

/// Rows, and the order in which they are written.
pub(super) struct Ordered {
    pub(super) rows: DataFrame,
    pub(super) order: IdxCa,
}

impl Ordered {
    /// Rows that are in order already.
    pub(super) fn as_it_is(rows: DataFrame) -> Self {
        let count = IdxSize::try_from(rows.height()).expect("a snapshot's files have fewer than 2^32 rows");
        Self { rows, order: IdxCa::from_vec(PlSmallStr::EMPTY, (0..count).collect()) }
    }
}

/// Writes `rows` as the snapshot's file `name` below `scratch`; gives its entry in the manifest and the file. Blocks.
pub(super) fn write_file(
    rows: &Ordered,
    (as_of, name): (NaiveDate, &str),
    scratch: &Path,
) -> Result<(Part, PathBuf), FeaturesError> {
    let path = scratch.join(format!("{name}.parquet"));
    write_parquet(rows, File::create(&path).map_err(FeaturesError::scratch(&path))?)?;
    let (sha256, bytes) = hash(&path).map_err(FeaturesError::scratch(&path))?;
    // The name holds the content, so that a rebuild never touches what a reader of the present manifest reads.
    let key = format!("{}/{name}-{}.parquet", folder(as_of), &sha256[..16]);
    Ok((Part { key, rows: rows.rows.height() as u64, bytes, sha256 }, path))
}

fn write_parquet(Ordered { rows, order }: &Ordered, file: File) -> PolarsResult<()> {
    let compression = ParquetCompression::Zstd(Some(ZstdLevel::try_new(ZSTD_LEVEL)?));
    let writer = ParquetWriter::new(file).with_compression(compression).with_statistics(StatisticsOptions::default());
    let mut writer = writer.batched(rows.schema())?;
    for from in (0..rows.height()).step_by(ROW_GROUP_ROWS) {
        let from_row = i64::try_from(from).expect("a part has at most a million rows");
        // Put into order a group at a time: a whole part is in memory once, not twice.
        let mut group = rows.take(&order.slice(from_row, ROW_GROUP_ROWS))?;
        group.rechunk_mut();
        writer.write_batch(&group)?;
    }
    writer.finish().map(|_| ())
}

fn hash(path: &Path) -> std::io::Result<(String, u64)> {
    let (mut file, mut digest, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hex::encode(digest.finalize()), bytes)),
            read => {
                digest.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}
