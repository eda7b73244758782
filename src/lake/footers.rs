//! What a Parquet footer says, compared with the file: decoders trust it, and read beyond the file, or ask for more memory than
//! there is, where it is wrong.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use polars::io::parquet::metadata::FileMetadata;
use polars_parquet_format::thrift::{
    self,
    protocol::{TCompactInputProtocol, TInputProtocol, TType},
};

/// The footer's length and `PAR1`.
const TAIL: u32 = 8;
/// Structures within each other; a footer needs fewer than ten, its columns hardly more.
const DEPTH_MAX: u8 = 64;
/// Fields of a footer, and of a column of its schema.
const SCHEMA: i16 = 2;
const CHILDREN: i16 = 5;

/// Whether the lists of the file's footer have as many elements as they say, and its columns lie in few others: whoever reads
/// it makes room for them first, and goes down into them. `false` as well for what is no Parquet. Blocks.
pub fn is_whole(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut tail = [0; TAIL as usize];
    let size = file.metadata()?.len();
    if size < u64::from(TAIL) {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-i64::from(TAIL)))?;
    file.read_exact(&mut tail)?;
    let [a, b, c, d, mark @ ..] = tail;
    let length = u32::from_le_bytes([a, b, c, d]);
    if mark != *b"PAR1" || u64::from(length) > size - u64::from(TAIL) {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-i64::from(TAIL) - i64::from(length)))?;
    let mut footer = Vec::new();
    file.take(length.into()).read_to_end(&mut footer)?;
    // Texts take their length of the bytes that may be held, an element of a list eight.
    let mut protocol = TCompactInputProtocol::new(footer.as_slice(), footer.len().saturating_mul(9));
    Ok(fields(&mut protocol).is_ok())
}

fn fields(protocol: &mut impl TInputProtocol) -> thrift::Result<()> {
    protocol.read_struct_begin()?;
    loop {
        let field = protocol.read_field_begin()?;
        match (field.field_type, field.id) {
            (TType::Stop, _) => return protocol.read_struct_end(),
            (TType::List, Some(SCHEMA)) => schema(protocol)?,
            (kind, _) => walk(protocol, kind, DEPTH_MAX)?,
        }
    }
}

/// Columns, each behind the one that it is part of.
fn schema(protocol: &mut impl TInputProtocol) -> thrift::Result<()> {
    let columns = protocol.read_list_begin()?.size;
    // Of each column around the present one: parts that are still to come.
    let mut around: Vec<u32> = Vec::new();
    for _ in 0..columns {
        while around.last() == Some(&0) {
            around.pop();
        }
        if let Some(left) = around.last_mut() {
            *left -= 1;
        }
        let children = children(protocol)?;
        if children > columns || around.len() > DEPTH_MAX.into() {
            return Err("no schema".into());
        }
        around.push(children);
    }
    Ok(())
}

/// Passes over a column, and says how many parts it has.
fn children(protocol: &mut impl TInputProtocol) -> thrift::Result<u32> {
    let mut children = 0;
    protocol.read_struct_begin()?;
    loop {
        let field = protocol.read_field_begin()?;
        match (field.field_type, field.id) {
            (TType::Stop, _) => {
                protocol.read_struct_end()?;
                return Ok(children);
            }
            (TType::I32, Some(CHILDREN)) => children = protocol.read_i32()?.try_into()?,
            (kind, _) => walk(protocol, kind, DEPTH_MAX)?,
        }
    }
}

/// Passes over a value with all that is in it; texts need not be UTF-8.
fn walk(protocol: &mut impl TInputProtocol, kind: TType, depth: u8) -> thrift::Result<()> {
    let Some(depth) = depth.checked_sub(1) else { return Err("too deep".into()) };
    let elements = |protocol: &mut _, kind, count| {
        // Within a list a truth value is a byte; elsewhere it is part of its field's head.
        let kind = if kind == TType::Bool { TType::I08 } else { kind };
        (0..count).try_for_each(|_| walk(protocol, kind, depth))
    };
    match kind {
        TType::Bool => protocol.read_bool().map(drop),
        TType::I08 => protocol.read_i8().map(drop),
        TType::I16 => protocol.read_i16().map(drop),
        TType::I32 => protocol.read_i32().map(drop),
        TType::I64 => protocol.read_i64().map(drop),
        TType::Double => protocol.read_double().map(drop),
        TType::String => protocol.read_bytes().map(drop),
        TType::List => {
            let list = protocol.read_list_begin()?;
            elements(protocol, list.element_type, list.size)
        }
        TType::Set => {
            let set = protocol.read_set_begin()?;
            elements(protocol, set.element_type, set.size)
        }
        TType::Struct => {
            protocol.read_struct_begin()?;
            loop {
                match protocol.read_field_begin()?.field_type {
                    TType::Stop => return protocol.read_struct_end(),
                    kind => walk(protocol, kind, depth)?,
                }
            }
        }
        _ => Err("no value of a footer".into()),
    }
}

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

#[cfg(test)]
mod tests {
    use polars::prelude::*;

    use super::*;

    fn file(footer: &[u8]) -> tempfile::NamedTempFile {
        let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [b"PAR1", footer, &length, b"PAR1"].concat()).unwrap();
        file
    }

    #[test]
    fn a_footer_that_was_written_is_whole() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut rows = df!["n" => [i64::MAX, -1], "word" => ["\u{7f}", "東京"], "yes" => [true, false]].unwrap();
        ParquetWriter::new(file.as_file()).finish(&mut rows).unwrap();
        assert!(is_whole(file.path()).unwrap());
    }

    #[test]
    fn a_list_with_more_elements_than_bytes_is_not() {
        // Field 4, the row groups: a list of 2³² − 1 structures, of which one is there.
        let many = [0x49, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00];
        assert!(!is_whole(file(&many).path()).unwrap());
        // The same with two of them.
        assert!(is_whole(file(&[0x49, 0x2c, 0x00, 0x00, 0x00]).path()).unwrap());
    }

    #[test]
    fn structures_without_end_and_no_parquet_are_not() {
        // Field 1: a structure whose field 1 is a structure, and so on.
        assert!(!is_whole(file(&[0x1c; 10_000]).path()).unwrap());
        // Field 2, the schema: 126 columns of one part each (field 5), the part being the next one.
        let nested = [vec![0x29, 0xfc, 126], [0x55, 0x02, 0x00].repeat(126), vec![0x00]].concat();
        assert!(!is_whole(file(&nested).path()).unwrap());
        // 126 columns of one part each and its part, side by side.
        let beside = [vec![0x29, 0xfc, 126], [0x55, 0x02, 0x00, 0x00].repeat(63), vec![0x00]].concat();
        assert!(is_whole(file(&beside).path()).unwrap());
        let text = tempfile::NamedTempFile::new().unwrap();
        for bytes in [b"".as_slice(), b"PAR1", b"id,age\nu1,20\n", b"\xff\xff\xff\x7fPAR1"] {
            std::fs::write(text.path(), bytes).unwrap();
            assert!(!is_whole(text.path()).unwrap());
        }
    }
}
