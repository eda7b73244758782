//! Rows that a quoted field swallowed: a stray quotation mark opened it, another in a later row closed it, and by the rules of
//! CSV that is one row. Told from notes of several lines by the lines themselves: each would be a complete row.

use super::{Fault, scanner::Found};

/// How rows are divided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) separator: u8,
    /// Of the header; 0 before it is known.
    pub(super) fields: usize,
}

/// A quoted field with line breaks.
struct Broken {
    field: usize,
    /// Where its quotation marks are.
    open: usize,
    close: usize,
}

/// Refuses a row with line breaks in fields whose lines are rows by themselves.
pub(super) fn refuse_swallowed(row: &[u8], row_line: u64, layout: Layout, is_header: bool) -> Result<(), Found> {
    for broken in broken_fields(row, layout.separator) {
        if looks_swallowed(row, &broken, layout, is_header) {
            let (line, until) = (row_line + breaks(&row[..broken.open]), row_line + breaks(&row[..broken.close]));
            return Err(Found { line, fault: Fault::Swallowed { field: broken.field + 1, until } });
        }
    }
    Ok(())
}

/// The row is well formed.
fn broken_fields(row: &[u8], separator: u8) -> Vec<Broken> {
    let (mut fields, mut field, mut at) = (Vec::new(), 0, 0);
    while at < row.len() {
        let end = if row[at] == b'"' { closing(row, at) } else { None };
        if let Some(close) = end.filter(|close| row[at..*close].iter().any(|byte| matches!(byte, b'\n' | b'\r'))) {
            fields.push(Broken { field, open: at, close });
        }
        let from = end.unwrap_or(at);
        at = row[from..].iter().position(|byte| *byte == separator).map_or(row.len(), |length| from + length + 1);
        field += 1;
    }
    fields
}

/// The quotation mark that closes the field that the one at `open` opens.
fn closing(text: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    while at < text.len() {
        match (text[at], text.get(at + 1)) {
            (b'"', Some(b'"')) => at += 2,
            (b'"', _) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

fn looks_swallowed(row: &[u8], broken: &Broken, layout: Layout, is_header: bool) -> bool {
    if layout.fields == 1 {
        return true;
    }
    let begin = row[..broken.open].iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
    let rest = &row[broken.close..];
    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(row.len(), |at| broken.close + at);
    let (stray, lines) = (broken.open - begin, &row[begin..end]);
    let mut lines = lines.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    let Some(first) = lines.next().and_then(|line| as_row(line, Some(stray), layout)) else { return false };
    let mut last = None;
    for line in lines {
        last = as_row(line, None, layout);
        if last.is_none() {
            return false;
        }
    }
    last.is_some_and(|last| is_header || alike(&first, &last, broken.field))
}

/// The fields of a line that is a complete row; a quotation mark at `stray` is text.
fn as_row(line: &[u8], stray: Option<usize>, layout: Layout) -> Option<Vec<&[u8]>> {
    let (mut fields, mut at) = (Vec::new(), 0);
    loop {
        let from = if line.get(at) == Some(&b'"') && stray != Some(at) { closing(line, at)? + 1 } else { at };
        let length = line[from..].iter().position(|byte| *byte == layout.separator);
        // Behind the closing quotation mark comes a separator or the end.
        if from > at && length.unwrap_or(line.len() - from) > 0 {
            return None;
        }
        let end = length.map_or(line.len(), |length| from + length);
        fields.push(&line[at..end]);
        if length.is_none() {
            break;
        }
        at = end + 1;
    }
    (fields.len() == layout.fields).then_some(fields)
}

/// Whether two lines have the same sort of values at their ends, apart from the field with the quotation marks.
fn alike(one: &[&[u8]], other: &[&[u8]], broken: usize) -> bool {
    let narrow = one.len() == 2;
    let ends = [0, one.len() - 1].into_iter().filter(|place| *place != broken);
    ends.into_iter().all(|place| {
        let (one, other) = (one[place], other[place]);
        // Of two columns only one speaks, so it has to say more.
        if narrow {
            shape(one) == shape(other)
        } else {
            sort(one).zip(sort(other)).is_none_or(|(one, other)| one == other)
        }
    })
}

/// Whether a value is made of digits; `None` for an empty one.
fn sort(value: &[u8]) -> Option<bool> {
    let numeric = |byte: &u8| byte.is_ascii_digit() || b"\"+-.:/ TZ".contains(byte);
    (!value.is_empty()).then(|| value.iter().all(numeric) && value.iter().any(u8::is_ascii_digit))
}

/// A value with each run of digits or letters as one.
fn shape(value: &[u8]) -> Vec<u8> {
    let mut shape: Vec<u8> = value
        .iter()
        .map(|byte| match byte {
            b'0'..=b'9' => b'9',
            byte if byte.is_ascii_alphabetic() || !byte.is_ascii() => b'a',
            other => *other,
        })
        .collect();
    shape.dedup();
    shape
}

/// Line breaks in `text`; CRLF is one.
fn breaks(text: &[u8]) -> u64 {
    let mut count = 0;
    for (at, byte) in text.iter().enumerate() {
        let counted = *byte == b'\r' || (*byte == b'\n' && (at == 0 || text[at - 1] != b'\r'));
        count += u64::from(counted);
    }
    count
}
