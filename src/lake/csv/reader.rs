//! The rows of a file, one at a time, each with its line.

use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::Path,
};

use ::csv::{ReaderBuilder, StringRecord};
use flate2::read::MultiGzDecoder;

use super::{CsvError, Fault, Options, checked::Checked, error::shown, scanner::Scanner};

/// What a reader reads from.
type Bytes = Box<dyn Read + Send>;

/// An open file, its header read.
pub struct Reader {
    file: String,
    header: Vec<String>,
    null: Vec<String>,
    rows: ::csv::Reader<Checked<Bytes>>,
    row: StringRecord,
}

/// A row, as many fields as the header.
#[derive(Clone, Copy)]
pub struct Row<'r> {
    line: u64,
    reader: &'r Reader,
}

impl Reader {
    /// Opens the file at `path`, which messages call `file`; it is unpacked if that name ends in `.gz`.
    pub fn open(path: &Path, file: &str, options: &Options) -> Result<Self, CsvError> {
        let failed = |error| CsvError { file: file.to_owned(), line: None, fault: Fault::Io(error) };
        let mut opened = File::open(path).map_err(failed)?;
        if !file.to_ascii_lowercase().ends_with(".gz") {
            return Self::new(Box::new(opened), file, options);
        }
        let mut start = Vec::new();
        opened.by_ref().take(2).read_to_end(&mut start).map_err(failed)?;
        opened.rewind().map_err(failed)?;
        match start.as_slice() {
            b"\x1f\x8b" => Self::of(Box::new(MultiGzDecoder::new(BufReader::new(opened))), true, (file, options)),
            [] => Err(CsvError { file: file.to_owned(), line: None, fault: Fault::Empty }),
            _ => Err(CsvError { file: file.to_owned(), line: None, fault: Fault::NotPacked }),
        }
    }

    /// Reads text that is not compressed, which messages call `file`.
    pub fn new(text: Bytes, file: &str, options: &Options) -> Result<Self, CsvError> {
        Self::of(text, false, (file, options))
    }

    fn of(text: Bytes, packed: bool, (file, options): (&str, &Options)) -> Result<Self, CsvError> {
        let checked = Checked::new(text, packed, Scanner::new(options.separator));
        let rows = ReaderBuilder::new()
            .delimiter(options.separator.unwrap_or(b','))
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(checked);
        let null = options.null.iter().map(|word| word.trim().to_owned()).collect();
        let mut reader = Self { file: file.to_owned(), header: Vec::new(), null, rows, row: StringRecord::new() };
        if reader.advance()?.is_none() {
            return Err(CsvError { file: reader.file, line: None, fault: Fault::Empty });
        }
        reader.header = reader.row.iter().map(str::to_owned).collect();
        Ok(reader)
    }

    /// The names of the columns as they stand; they may be empty or repeat.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The place of the column `name`, which must be there once.
    pub fn place(&self, name: &str) -> Result<usize, CsvError> {
        let mut places = self.header.iter().enumerate().filter(|(_, own)| *own == name).map(|(place, _)| place);
        let column = name.to_owned();
        let fault = match (places.next(), places.next()) {
            (Some(place), None) => return Ok(place),
            (Some(_), Some(_)) => Fault::Twice { column },
            (None, _) => Fault::NoColumn { column, columns: self.header.clone() },
        };
        Err(CsvError { file: self.file.clone(), line: Some(1), fault })
    }

    /// The next row; `None` at the end of the file.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, CsvError> {
        Ok(self.advance()?.map(|line| Row { line, reader: self }))
    }

    /// The line of the next row, which is then `self.row`.
    fn advance(&mut self) -> Result<Option<u64>, CsvError> {
        let read = self.rows.read_record(&mut self.row);
        let checked = self.rows.get_mut();
        if let Some(found) = checked.found.take() {
            return Err(CsvError { file: self.file.clone(), line: Some(found.line), fault: found.fault });
        }
        let counted = checked.scanner.starts.pop_front();
        let is_header = self.row.iter().eq(&self.header);
        let is_whole = self.header.is_empty() || self.row.len() == self.header.len();
        match (read, counted) {
            (Ok(false), None) => Ok(None),
            (Ok(true), Some(line)) if is_header => {
                Err(CsvError { file: self.file.clone(), line: Some(line), fault: Fault::HeaderAgain })
            }
            (Ok(true), Some(line)) if is_whole => Ok(Some(line)),
            // The scanner and the parser do not see the same rows.
            (_, counted) => Err(CsvError { file: self.file.clone(), line: counted, fault: Fault::Doubtful }),
        }
    }
}

impl<'r> Row<'r> {
    /// Where the row begins, from 1; the header has line 1.
    pub fn line(self) -> u64 {
        self.line
    }

    /// The text of a cell, nothing taken from it; `None` where the value is missing.
    pub fn get(self, place: usize) -> Option<&'r str> {
        let text = self.reader.row.get(place)?;
        let trimmed = text.trim();
        (!trimmed.is_empty() && !self.reader.null.iter().any(|word| word == trimmed)).then_some(text)
    }

    /// The error for a cell that is not what it must be.
    pub fn refuse(self, place: usize, expected: &str) -> CsvError {
        let column = self.reader.header.get(place).cloned().unwrap_or_default();
        let text = shown(self.reader.row.get(place).unwrap_or_default());
        let fault = Fault::Cell { column, text, expected: expected.to_owned() };
        CsvError { file: self.reader.file.clone(), line: Some(self.line), fault }
    }
}
