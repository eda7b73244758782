//! What a Parquet footer says, compared with the file: decoders trust it, and read beyond the file where it is wrong.

use polars::io::parquet::metadata::FileMetadata;

/// Whether every column chunk lies within a file of so many bytes, and the row groups have as many rows as the footer says.
pub fn fits(footer: &FileMetadata, bytes: u64) -> bool {
    let within = footer.row_groups.iter().all(|group| {
        let whole = group.full_byte_range();
        let inside = |range: std::ops::Range<u64>| range.start <= range.end && range.end <= bytes;
        inside(whole) && group.byte_ranges_iter().all(inside)
    });
    let rows = footer.row_groups.iter().try_fold(0_usize, |rows, group| rows.checked_add(group.num_rows()));
    within && rows == Some(footer.num_rows)
}
