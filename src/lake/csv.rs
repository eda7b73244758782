//! Reads CSV so that every line of a file is a row that counts, or the file is refused with line and remedy.
//!
//! ```text
//! file ──> (gzip) ──> checked: UTF-8, then scanner ──> csv crate ──> reader: rows with their lines
//! ```
//! The scanner looks at every byte before the csv crate does: quotation marks by RFC 4180, as many fields in every row as
//! in the header, and no field that swallowed whole rows. It also counts the rows by itself; the reader compares.
//! So it makes no difference to what is refused which columns somebody wants.
//!
//! - A quotation mark opens a field only as its first character; inside such a field it is written twice. Anywhere else
//!   in a field without quotation marks it is text.
//! - A cell is missing when it holds nothing, `""`, only spaces, or one of the words that [`Options::null`] lists.
//! - Lines end with LF, CRLF or CR. A blank line holds no data and is no row; where a file has one column, it could be a
//!   missing value, and is refused before the last row.
//!
//! Knows nothing of this project, so that it can be fuzzed alone.

mod cells;
mod checked;
mod encoding;
mod error;
mod reader;
mod scanner;
mod swallowed;
#[cfg(test)]
mod tests;

pub use cells::{AmountFault, decimal, flag, integer, minor_units};
pub use error::{CsvError, Fault, shown, written};
pub use reader::{Reader, Row};

/// How a file is written, where that is not the usual way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// An ASCII character between fields. `None` is a comma, and a header that seems to be separated otherwise is refused.
    pub separator: Option<u8>,
    /// Further words for a missing value, such as `?` or `NULL`; spaces around them do not matter.
    pub null: Vec<String>,
}
