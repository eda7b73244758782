//! What a Parquet file's page headers say, looked at before a decoder trusts them: a count of values that is negative makes it
//! ask for more memory than there is, which ends the process.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    ops::Range,
    path::Path,
};

use polars::io::parquet::metadata::FileMetadata;
use polars_parquet::parquet::metadata::ColumnChunkMetadata;
use polars_parquet_format::{DataPageHeaderV2, PageHeader, PageType, thrift::protocol::TCompactInputProtocol};

/// Bytes that are held of a file: about a page's header.
const HELD: usize = 4096;

/// Whether the pages of the named columns lie where the `footer` says, have as many values, and have the bytes that were
/// written, as far as there are checksums. Columns that are not there are none of its business. Blocks.
pub fn are_sound(path: &Path, footer: &FileMetadata, columns: &[&str]) -> io::Result<bool> {
    let mut file = BufReader::with_capacity(HELD, File::open(path)?);
    for group in &footer.row_groups {
        for column in columns {
            for chunk in group.columns_under_root_iter(column).into_iter().flatten() {
                if !is_sound(&mut file, chunk)? {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

fn is_sound(file: &mut BufReader<File>, chunk: &ColumnChunkMetadata) -> io::Result<bool> {
    let Range { start, end } = chunk.byte_range();
    file.seek(SeekFrom::Start(start))?;
    let (mut at, mut left) = (start, chunk.num_values());
    while left > 0 {
        let room = usize::try_from(end - at).unwrap_or(usize::MAX);
        let Ok(header) = PageHeader::read_from_in_protocol(&mut TCompactInputProtocol::new(&mut *file, room)) else {
            return Ok(false);
        };
        let body = file.stream_position()?;
        let (Some(values), Ok(bytes)) = (values(&header), u64::try_from(header.compressed_page_size)) else {
            return Ok(false);
        };
        at = body + bytes;
        left -= values;
        if at > end || left < 0 || header.uncompressed_page_size < 0 || !has_its_bytes(file, &header, bytes)? {
            return Ok(false);
        }
    }
    Ok(left == 0)
}

/// Values that a page adds to its column; `None` where the header is none.
fn values(header: &PageHeader) -> Option<i64> {
    let values = match header.type_ {
        PageType::DATA_PAGE => header.data_page_header.as_ref()?.num_values,
        PageType::DATA_PAGE_V2 => {
            let page = header.data_page_header_v2.as_ref().filter(|page| levels_fit(page, header))?;
            page.num_values
        }
        PageType::DICTIONARY_PAGE => {
            let different = header.dictionary_page_header.as_ref()?.num_values;
            return (different >= 0).then_some(0);
        }
        PageType::INDEX_PAGE => 0,
        _ => return None,
    };
    (values >= 0).then(|| i64::from(values))
}

fn levels_fit(page: &DataPageHeaderV2, header: &PageHeader) -> bool {
    let (first, second) = (page.repetition_levels_byte_length, page.definition_levels_byte_length);
    let sizes = [first, second, page.num_rows, page.num_nulls];
    sizes.into_iter().all(|size| size >= 0)
        && i64::from(first) + i64::from(second) <= i64::from(header.compressed_page_size)
}

/// Passes over a page's bytes, and looks whether they are those of its checksum, where it has one.
fn has_its_bytes(file: &mut BufReader<File>, header: &PageHeader, bytes: u64) -> io::Result<bool> {
    let Some(checksum) = header.crc else {
        file.seek_relative(i64::try_from(bytes).map_err(io::Error::other)?)?;
        return Ok(true);
    };
    let mut page = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    match file.read_exact(&mut page) {
        Ok(()) => Ok(crc32fast::hash(&page) == checksum.cast_unsigned()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
