//! What a Parquet footer says, compared with the file: decoders trust it, and read beyond the file, or ask for more memory than
//! there is, where it is wrong.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use polars::{
    io::{SerReader, parquet::metadata::FileMetadata},
    prelude::ParquetReader,
};
use polars_parquet_format::thrift::{
    self,
    protocol::{TCompactInputProtocol, TInputProtocol, TType},
};

/// The footer's length and `PAR1`.
const TAIL: u32 = 8;
/// Structures within each other; a footer needs fewer than ten, its columns hardly more.
const DEPTH_MAX: u8 = 64;

/// What a field holds. Readers take a field's kind from its number, whatever the file says there, so the file must say the same.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Plain(TType),
    Struct(&'static [(i16, Self)]),
    List(&'static Self),
    /// The columns, each behind the one that it is part of.
    Schema,
    /// How many of the columns behind one are parts of it.
    Children,
}

const INT16: Kind = Kind::Plain(TType::I16);
const INT32: Kind = Kind::Plain(TType::I32);
const INT64: Kind = Kind::Plain(TType::I64);
const TRUTH: Kind = Kind::Plain(TType::Bool);
const BYTES: Kind = Kind::Plain(TType::String);
const ANY: Kind = Kind::Struct(&[]);

// Of parquet.thrift, the numbers that readers know. <https://github.com/apache/parquet-format>
const FOOTER: Kind = Kind::Struct(&[
    (1, INT32),
    (2, Kind::Schema),
    (3, INT64),
    (4, Kind::List(&ROW_GROUP)),
    (5, Kind::List(&KEY_VALUE)),
    (6, BYTES),
    (7, Kind::List(&COLUMN_ORDER)),
]);
const KEY_VALUE: Kind = Kind::Struct(&[(1, BYTES), (2, BYTES)]);
const COLUMN_ORDER: Kind = Kind::Struct(&[(1, ANY), (2, ANY)]);
const ROW_GROUP: Kind = Kind::Struct(&[
    (1, Kind::List(&COLUMN_CHUNK)),
    (2, INT64),
    (3, INT64),
    (4, Kind::List(&Kind::Struct(&[(1, INT32), (2, TRUTH), (3, TRUTH)]))),
    (5, INT64),
    (6, INT64),
    (7, INT16),
]);
const COLUMN_CHUNK: Kind =
    Kind::Struct(&[(1, BYTES), (2, INT64), (3, Kind::Struct(COLUMN)), (4, INT64), (5, INT32), (6, INT64), (7, INT32)]);
const COLUMN: &[(i16, Kind)] = &[
    (1, INT32),
    (2, Kind::List(&INT32)),
    (3, Kind::List(&BYTES)),
    (4, INT32),
    (5, INT64),
    (6, INT64),
    (7, INT64),
    (8, Kind::List(&KEY_VALUE)),
    (9, INT64),
    (10, INT64),
    (11, INT64),
    (12, Kind::Struct(STATISTICS)),
    (14, INT64),
    (15, INT32),
];
const STATISTICS: &[(i16, Kind)] =
    &[(1, BYTES), (2, BYTES), (3, INT64), (4, INT64), (5, BYTES), (6, BYTES), (7, TRUTH), (8, TRUTH)];
const SCHEMA_ELEMENT: Kind = Kind::Struct(&[
    (1, INT32),
    (2, INT32),
    (3, INT32),
    (4, BYTES),
    (5, Kind::Children),
    (6, INT32),
    (7, INT32),
    (8, INT32),
    (9, INT32),
    (10, Kind::Struct(LOGICAL)),
]);
const LOGICAL: &[(i16, Kind)] = &[
    (1, ANY),
    (2, ANY),
    (3, ANY),
    (4, ANY),
    (5, Kind::Struct(&[(1, INT32), (2, INT32)])),
    (6, ANY),
    (7, Kind::Struct(TIME)),
    (8, Kind::Struct(TIME)),
    (10, Kind::Struct(&[(1, Kind::Plain(TType::I08)), (2, TRUTH)])),
    (11, ANY),
    (12, ANY),
    (13, ANY),
    (14, ANY),
    (15, ANY),
];
const TIME: &[(i16, Kind)] = &[(1, TRUTH), (2, Kind::Struct(&[(1, ANY), (2, ANY), (3, ANY)]))];

/// A reader of a file whose footer may be trusted, and has been read; `None` where it may not, or the file is no Parquet.
/// Blocks.
pub fn open(path: &Path) -> io::Result<Option<ParquetReader<File>>> {
    if !is_whole(path)? {
        return Ok(None);
    }
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut reader = ParquetReader::new(file);
    let fits = match reader.get_metadata() {
        Ok(footer) => fits(footer, bytes),
        Err(error) => {
            // The library's words are for those who mend this program.
            tracing::debug!(path = %path.display(), %error, "no footer");
            false
        }
    };
    Ok(fits.then_some(reader))
}

/// Whether the lists of the file's footer have as many elements as they say, its fields are of the kinds that their numbers
/// say, and its columns lie in few others: whoever reads it makes room for them first, and goes down into them. `false` as
/// well for what is no Parquet. Blocks.
fn is_whole(path: &Path) -> io::Result<bool> {
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
    let protocol = TCompactInputProtocol::new(footer.as_slice(), footer.len().saturating_mul(9));
    Ok(Walk { protocol, children: 0 }.value(FOOTER, DEPTH_MAX).is_ok())
}

/// A way through a footer.
struct Walk<'a> {
    protocol: TCompactInputProtocol<&'a [u8]>,
    /// Parts of the column that was passed last.
    children: u32,
}

impl Walk<'_> {
    /// Passes over a value of this kind with all that is in it; texts need not be UTF-8.
    fn value(&mut self, kind: Kind, depth: u8) -> thrift::Result<()> {
        let Some(depth) = depth.checked_sub(1) else { return Err("too deep".into()) };
        match kind {
            Kind::Plain(TType::Bool) => self.protocol.read_bool().map(drop),
            Kind::Plain(TType::I08) => self.protocol.read_i8().map(drop),
            Kind::Plain(TType::I16) => self.protocol.read_i16().map(drop),
            Kind::Plain(TType::I32) => self.protocol.read_i32().map(drop),
            Kind::Plain(TType::I64) => self.protocol.read_i64().map(drop),
            Kind::Plain(TType::Double) => self.protocol.read_double().map(drop),
            Kind::Plain(TType::String) => self.protocol.read_bytes().map(drop),
            Kind::Plain(TType::Struct) => self.structure(&[], depth),
            // Of elements that no reader knows.
            Kind::Plain(TType::List) => {
                let list = self.protocol.read_list_begin()?;
                (0..list.size).try_for_each(|_| self.value(Kind::Plain(list.element_type), depth))
            }
            Kind::Plain(_) => Err("nothing that a footer holds".into()),
            Kind::Struct(fields) => self.structure(fields, depth),
            Kind::List(element) => {
                let count = self.elements(*element)?;
                (0..count).try_for_each(|_| self.value(*element, depth))
            }
            Kind::Schema => self.schema(depth),
            Kind::Children => {
                self.children = self.protocol.read_i32()?.try_into()?;
                Ok(())
            }
        }
    }

    fn structure(&mut self, fields: &[(i16, Kind)], depth: u8) -> thrift::Result<()> {
        self.protocol.read_struct_begin()?;
        loop {
            let field = self.protocol.read_field_begin()?;
            if field.field_type == TType::Stop {
                return self.protocol.read_struct_end();
            }
            let known = fields.iter().find(|(id, _)| field.id == Some(*id)).map(|(_, kind)| *kind);
            let kind = known.unwrap_or(Kind::Plain(field.field_type));
            if kind.as_written() != field.field_type {
                return Err("a field of another kind".into());
            }
            self.value(kind, depth)?;
        }
    }

    /// Begins a list of such elements, and says how many there are.
    fn elements(&mut self, element: Kind) -> thrift::Result<u32> {
        let list = self.protocol.read_list_begin()?;
        // Some writers give an empty list no kind.
        let fits = list.size == 0 || list.element_type == element.as_written();
        if fits { Ok(list.size) } else { Err("elements of another kind".into()) }
    }

    fn schema(&mut self, depth: u8) -> thrift::Result<()> {
        let columns = self.elements(SCHEMA_ELEMENT)?;
        // Of each column around the present one: parts that are still to come.
        let mut around: Vec<u32> = Vec::new();
        for _ in 0..columns {
            while around.last() == Some(&0) {
                around.pop();
            }
            if let Some(left) = around.last_mut() {
                *left -= 1;
            }
            self.children = 0;
            self.value(SCHEMA_ELEMENT, depth)?;
            if self.children > columns || around.len() > DEPTH_MAX.into() {
                return Err("no schema".into());
            }
            around.push(self.children);
        }
        Ok(())
    }
}

impl Kind {
    /// How the file says that it is of this kind.
    fn as_written(self) -> TType {
        match self {
            Self::Plain(kind) => kind,
            Self::Children => TType::I32,
            Self::Struct(_) => TType::Struct,
            Self::List(_) | Self::Schema => TType::List,
        }
    }
}

/// Whether every column chunk lies within a file of so many bytes, and the row groups have as many rows as the footer says.
fn fits(footer: &FileMetadata, bytes: u64) -> bool {
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
        // The same said to be bytes, which readers of field 4 do not ask about.
        assert!(!is_whole(file(&[0x48, 0x05, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00]).path()).unwrap());
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
