//! Whatever the bytes, reading them as CSV gives every row that is there, or an error.
#![no_main]

use std::io::Cursor;

use fuzz::csv::{Options, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = Reader::new(Box::new(Cursor::new(bytes.to_vec())), "t.csv", &Options::default()) else { return };
    let width = reader.header().len();
    let mut rows = 1;
    loop {
        match reader.next_row() {
            Ok(Some(row)) => {
                rows += 1;
                for place in 0..width {
                    row.get(place);
                }
                assert!(row.get(width).is_none());
            }
            Ok(None) => break,
            Err(error) => return assert!(!error.to_string().is_empty()),
        }
    }
    assert_eq!(Some(rows), counted(bytes));
});

/// Rows of a text by the rule of RFC 4180 alone, header included; `None` where a quotation mark stays open.
fn counted(text: &[u8]) -> Option<usize> {
    let (mut rows, mut quoted, mut at_start, mut empty) = (0, false, true, true);
    let mut bytes = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.peek() == Some(&&b'"') => drop(bytes.next()),
            b'"' if quoted => quoted = false,
            b'"' if at_start => (quoted, empty) = (true, false),
            b'\n' | b'\r' if !quoted => {
                rows += usize::from(!empty);
                (at_start, empty) = (true, true);
                continue;
            }
            _ => empty = false,
        }
        at_start = !quoted && *byte == b',';
    }
    (!quoted).then_some(rows + usize::from(!empty))
}
