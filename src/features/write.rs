//! A part of a snapshot becomes a Parquet file: fixed row groups, one compression, so the same rows are the same bytes.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use polars::{polars_utils::compression::ZstdLevel, prelude::*};
use polars_parquet::write::{
    CompressedPage, ParquetType, Version, WriteOptions, array_to_columns, compress, get_dtype_encoding,
};
use rayon::prelude::*;
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

/// As polars' own writer does it, byte for byte, but with several row groups under way at once: that one compresses on one
/// thread, which takes most of the time.
fn write_parquet(Ordered { rows, order }: &Ordered, file: File) -> PolarsResult<()> {
    let compression = ParquetCompression::Zstd(Some(ZstdLevel::try_new(ZSTD_LEVEL)?));
    let writer = ParquetWriter::new(file).with_compression(compression).with_statistics(StatisticsOptions::default());
    let mut writer = writer.batched(rows.schema())?;
    let types = writer.parquet_schema().fields().to_vec();
    let options = WriteOptions {
        statistics: StatisticsOptions::default(),
        version: Version::V1,
        compression: compression.into(),
        data_page_size: None,
    };
    let groups: Vec<usize> = (0..rows.height()).step_by(ROW_GROUP_ROWS).collect();
    for groups in groups.chunks(rayon::current_num_threads()) {
        let encoded = groups.par_iter().map(|from| {
            let from = i64::try_from(*from).expect("a part has at most a million rows");
            let rows_of = order.slice(from, ROW_GROUP_ROWS);
            let columns = rows.columns().iter().zip(&types);
            let columns = columns.map(|(column, of)| encode(&column.take(&rows_of)?, of, options));
            Ok((rows_of.len() as u64, columns.collect::<PolarsResult<Vec<_>>>()?))
        });
        for group in encoded.collect::<Vec<PolarsResult<_>>>() {
            let (count, columns) = group?;
            writer.write_row_group(count, &columns)?;
        }
    }
    writer.finish().map(drop)
}

/// The compressed pages of one column of a row group.
fn encode(column: &Column, of: &ParquetType, options: WriteOptions) -> PolarsResult<Vec<CompressedPage>> {
    let array = column.as_materialized_series().rechunk().to_arrow(0, CompatLevel::newest());
    let encoding = get_dtype_encoding(array.dtype());
    let pages = array_to_columns(&array, of.clone(), options, &encoding)?.into_iter().flatten();
    pages.map(|page| Ok(compress(page?, Vec::new(), options.compression)?)).collect()
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
