//! Reads a list of ids: one column or several, with a header or without, and the files that this program delivers.

use std::{fs::File, io::Read, path::Path};

use super::{IdList, Listed};
use crate::{
    contracts::columns,
    lake::csv::{CsvError, Options, Reader},
};

/// How a column of ids is called in the files that this program writes.
/// The header of a delivered file.
const DELIVERED: [&str; 4] = ["rank", columns::USER_ID, "score", "decile"];

/// Why a list of ids cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IdListError {
    #[error(transparent)]
    Csv(#[from] CsvError),
    #[error(
        "{file}: no column is called {}; it has {found}. Name the column of people's ids with --column",
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
    )]
    NoColumn { file: String, names: Vec<String>, found: String },
    #[error("{file} names nobody; `suppression clear` takes the list out of force")]
    Nobody { file: String },
    #[error("{file}, line {line}: the id is empty; write it or remove the line")]
    EmptyId { file: String, line: u64 },
    #[error("{file}, line {line}: the id holds a line break; remove it")]
    LineBreak { file: String, line: u64 },
}

impl IdList {
    /// Reads the ids in `column`, or else in the column that is called `users_id` as in `users` or as in delivered files; a
    /// file of one column needs no header.
    pub fn read(path: &Path, options: &Options, column: Option<&str>, users_id: &str) -> Result<Self, IdListError> {
        let file = path.display().to_string();
        let reader = Reader::open(path, &file, options)?;
        let header = reader.header().to_vec();
        let names: Vec<String> = match column {
            Some(column) => vec![column.to_owned()],
            None if users_id == columns::USER_ID => vec![columns::USER_ID.to_owned()],
            None => vec![users_id.to_owned(), columns::USER_ID.to_owned()],
        };
        let ours = header == DELIVERED;
        let called = |name: &String| header.iter().position(|found| same_name(found, name));
        match names.iter().find_map(called) {
            Some(at) => Self::rows(reader, (file, at), (ours, 0)),
            None if header.len() == 1 && column.is_none() => Self::without_header((path, options), file, reader),
            None => {
                let found = header.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                Err(IdListError::NoColumn { file, names, found })
            }
        }
    }

    /// One column whose first line may be an id.
    fn without_header((path, options): (&Path, &Options), file: String, reader: Reader) -> Result<Self, IdListError> {
        let mut list = if file.to_ascii_lowercase().ends_with(".gz") {
            let first = reader.header()[0].clone();
            let mut list = Self::rows(reader, (file, 0), (false, 0))?;
            list.ids.insert(0, Listed::new((1, &first), false));
            list
        } else {
            // A header in front, so that the first id may come again.
            drop(reader);
            let failed = |error| {
                let fault = crate::lake::csv::Fault::Io(error);
                IdListError::Csv(CsvError { file: file.clone(), line: None, fault })
            };
            let mut text = Vec::new();
            File::open(path).and_then(|mut opened| opened.read_to_end(&mut text)).map_err(failed)?;
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
            let whole = [columns::USER_ID.as_bytes(), b"\n", text].concat();
            let reader = Reader::new(Box::new(std::io::Cursor::new(whole)), &file, options)?;
            Self::rows(reader, (file, 0), (false, 1))?
        };
        list.first_may_be_name = true;
        Ok(list)
    }

    /// `added` lines stand in front of the file's own.
    fn rows(mut reader: Reader, (file, at): (String, usize), (ours, added): (bool, u64)) -> Result<Self, IdListError> {
        let mut ids = Vec::new();
        while let Some(row) = reader.next_row()? {
            let line = row.line() - added;
            let Some(text) = row.get(at) else { return Err(IdListError::EmptyId { file, line }) };
            if text.trim().contains(['\n', '\r']) {
                return Err(IdListError::LineBreak { file, line });
            }
            ids.push(Listed::new((line, text), ours));
        }
        if ids.is_empty() {
            Err(IdListError::Nobody { file })
        } else {
            Ok(Self { file, ids, first_may_be_name: false })
        }
    }

    /// As messages name it.
    pub fn file(&self) -> &str {
        &self.file
    }
}

fn same_name(found: &str, name: &str) -> bool {
    found.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(name.trim())
}
