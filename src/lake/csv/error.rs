//! Why a CSV file is refused: which file, which line, and what to do.

/// A CSV file that cannot be read with certainty.
#[derive(Debug, thiserror::Error)]
#[error("{file}{}: {fault}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct CsvError {
    /// As the caller calls it: a path or a key.
    pub file: String,
    /// From 1, the header included; `None` where the whole file is meant.
    pub line: Option<u64>,
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{}", io_words(.0))]
    Io(std::io::Error),
    #[error("the file is empty; its first line must name the columns")]
    Empty,
    #[error("this is {what}, not CSV; {remedy}")]
    Foreign { what: &'static str, remedy: &'static str },
    #[error("the name ends in .gz, but the file is not compressed with gzip; name it .csv, or compress it")]
    NotPacked,
    #[error("the compressed file breaks off, or other bytes follow its end; copy or write it again")]
    Torn,
    #[error("the compressed file is damaged, or other bytes follow its end; copy or write it again")]
    Damaged,
    #[error("the text is {0}, not UTF-8; save the file as `CSV UTF-8`")]
    Wide(&'static str),
    #[error(
        "the text is not UTF-8{}; save the file as `CSV UTF-8`",
        seems.map(|seems| format!(" (it seems to be {seems})")).unwrap_or_default()
    )]
    NotUtf8 { seems: Option<&'static str> },
    #[error("there is a NUL byte, so the file is damaged or no text; write it again, as UTF-8")]
    Nul,
    #[error(
        "field {field} is closed by a quotation mark (opened in line {opened}), but `{}` follows it. {TWICE}",
        after.escape_debug()
    )]
    AfterQuote { field: usize, opened: u64, after: char },
    #[error("a backslash stands before a quotation mark in field {field} (opened in line {opened}). {TWICE}")]
    Backslash { field: usize, opened: u64 },
    #[error("the quotation mark that opens field {field} is never closed; close it, or remove it. {TWICE}")]
    Unclosed { field: usize },
    #[error(
        "the quotation mark that opens field {field} is closed in line {until} only, and the lines between look like rows \
         of their own; close it in its own row, or remove both. {TWICE}"
    )]
    Swallowed { field: usize, until: u64 },
    #[error("field {field} has spaces around its quotation marks; remove the spaces")]
    Spaced { field: usize },
    #[error(
        "the row has {}, but the header has {expected}; {}", fields(*found),
        if found > expected {
            "a field that holds the separator must be in quotation marks"
        } else {
            "the row breaks off or lacks separators: write it again"
        }
    )]
    Fields { found: usize, expected: usize },
    #[error("a row is longer than {max} bytes; is a quotation mark open?")]
    TooLong { max: usize },
    #[error(
        "the fields seem to be separated by {}, not by {}; the header is `{header}`. Separate them by commas, or name the \
         separator: on the command line with --separator '{}', in the catalog with the table's \
         `csv = {{ separator = \"{}\" }}`",
        named(*found), named(*expected), written(*found), written(*found)
    )]
    Separator { found: u8, expected: u8, header: String },
    #[error(
        "the line `{0}` is a hint for Excel, not a header; remove it and name the separator with --separator or in the catalog"
    )]
    ExcelHint(String),
    #[error(
        "the line is blank; in a file with one column that may be a missing value: write \"\" there, or remove the line"
    )]
    Blank,
    #[error("the header stands here once more: are these several files in one? Keep them apart, or remove the line")]
    HeaderAgain,
    #[error("the rows cannot be told apart with certainty; write the file again, every field in quotation marks")]
    Doubtful,
    #[error("there is no column `{column}`; the columns are {}", columns.join(", "))]
    NoColumn { column: String, columns: Vec<String> },
    #[error("two columns have the name `{column}`; rename one")]
    Twice { column: String },
    #[error("column `{column}` has `{text}`, but must be {expected}")]
    Cell { column: String, text: String, expected: String },
}

/// Why a file cannot be read, without the system's number.
fn io_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        std::io::ErrorKind::PermissionDenied => {
            "permission denied; who runs segment-bot needs the right to read it".to_owned()
        }
        _ => format!("cannot be read: {}", error.to_string().split(" (os error").next().unwrap_or_default()),
    }
}

/// The remedy for most trouble with quotation marks.
const TWICE: &str = "A quotation mark inside a field in quotation marks is written twice (\"\")";

/// Characters of a file's text that a message quotes at most.
const SHOWN_MAX: usize = 80;

/// Text of a file as a message quotes it: on one line, and not too long.
pub fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().take(SHOWN_MAX).map(plain).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// A separator as people call it.
fn named(separator: u8) -> String {
    match separator {
        b',' => "commas".to_owned(),
        b';' => "semicolons".to_owned(),
        b'\t' => "tabs".to_owned(),
        other => format!("`{}`", char::from(other).escape_debug()),
    }
}

/// A separator as the options and the catalog write it.
pub fn written(separator: u8) -> String {
    if separator == b'\t' { "tab".to_owned() } else { char::from(separator).to_string() }
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field".to_owned() } else { format!("{count} fields") }
}
