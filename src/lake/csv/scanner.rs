//! Goes over the bytes before they are parsed: quotation marks, fields of each row, lines; and counts the rows by itself.

use std::collections::VecDeque;

use super::{
    Fault,
    error::shown,
    swallowed::{Layout, refuse_swallowed},
};

/// Bytes of a row, at most: what is longer is no row, and would fill memory.
const ROW_MAX: usize = 8 << 20;

/// What a header may be separated by instead.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A fault and its line.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) line: u64,
    pub(super) fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing of the field has come.
    FieldStart,
    /// Only spaces of the field have come.
    Spaces,
    Unquoted,
    /// Begun with spaces and a quotation mark; `closed` when the last byte but spaces is one, too.
    SpacedQuote {
        closed: bool,
    },
    Quoted,
    /// A quotation mark in a quoted field: it ends the field, or the next byte is another.
    Quote,
}

/// What a byte did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Within,
    /// It ended the row.
    Ended,
    /// It belongs to no row.
    Between,
}

/// Reads along.
#[derive(Debug)]
pub(super) struct Scanner {
    layout: Layout,
    /// The separator, where somebody chose it who knows the file.
    chosen: Option<u8>,
    state: State,
    /// Of the next byte, from 1.
    line: u64,
    after_cr: bool,
    /// Of the present row, from 0.
    field: usize,
    row_line: u64,
    /// Where the present quoted field began.
    opened: u64,
    /// Whether the present row has a line break in a field.
    broken: bool,
    /// Whether the byte before was a backslash, in a quoted field.
    backslash: bool,
    blank: Option<u64>,
    /// What came of the present row in earlier pieces.
    begun: Vec<u8>,
    /// The first lines of rows that nobody has taken yet.
    pub(super) starts: VecDeque<u64>,
}

impl Scanner {
    pub(super) fn new(separator: Option<u8>) -> Self {
        Self {
            layout: Layout { separator: separator.unwrap_or(b','), fields: 0 },
            chosen: separator,
            state: State::FieldStart,
            line: 1,
            after_cr: false,
            field: 0,
            row_line: 1,
            opened: 1,
            broken: false,
            backslash: false,
            blank: None,
            begun: Vec::new(),
            starts: VecDeque::new(),
        }
    }

    /// Where the next byte is.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next piece of the text.
    pub(super) fn feed(&mut self, text: &[u8]) -> Result<(), Found> {
        let mut start = 0;
        for (at, &byte) in text.iter().enumerate() {
            match self.step(byte)? {
                Step::Within => continue,
                Step::Ended => self.end_row(&text[start..at])?,
                Step::Between => {}
            }
            start = at + 1;
        }
        self.begun.extend_from_slice(&text[start..]);
        if self.begun.len() > ROW_MAX { Err(self.too_long()) } else { Ok(()) }
    }

    /// Nothing follows.
    pub(super) fn end(&mut self) -> Result<(), Found> {
        match self.state {
            State::Quoted => Err(Found { line: self.opened, fault: Fault::Unclosed { field: self.field + 1 } }),
            State::FieldStart if self.field == 0 => Ok(()),
            _ => {
                self.end_field()?;
                self.end_row(&[])
            }
        }
    }

    fn step(&mut self, byte: u8) -> Result<Step, Found> {
        if byte == b'\n' && std::mem::take(&mut self.after_cr) {
            // The line was counted at its CR.
            let inside = self.state == State::Quoted;
            return Ok(if inside { Step::Within } else { Step::Between });
        }
        self.after_cr = byte == b'\r';
        let breaks = matches!(byte, b'\n' | b'\r');
        let before = self.line;
        self.line += u64::from(breaks);
        match byte {
            0 => return Err(Found { line: before, fault: Fault::Nul }),
            _ if self.state == State::Quoted => {
                self.broken |= breaks;
                if byte == b'"' {
                    self.state = State::Quote;
                } else {
                    self.backslash = byte == b'\\';
                }
            }
            b'"' => self.quotation_mark(),
            _ if breaks => return self.line_end(before),
            _ if byte == self.layout.separator => self.separator()?,
            _ if self.state == State::Quote => return Err(self.after_quote(before, byte)),
            b' ' | b'\t' if self.state == State::FieldStart => self.begin_field(State::Spaces),
            b' ' | b'\t' => {}
            _ => match self.state {
                State::FieldStart => self.begin_field(State::Unquoted),
                State::Spaces => self.state = State::Unquoted,
                State::SpacedQuote { .. } => self.state = State::SpacedQuote { closed: false },
                State::Unquoted | State::Quoted | State::Quote => {}
            },
        }
        Ok(Step::Within)
    }

    fn begin_field(&mut self, state: State) {
        if self.field == 0 {
            self.row_line = self.line;
        }
        self.state = state;
    }

    fn quotation_mark(&mut self) {
        match self.state {
            State::FieldStart => {
                self.opened = self.line;
                self.backslash = false;
                self.begin_field(State::Quoted);
            }
            State::Quote => {
                self.backslash = false;
                self.state = State::Quoted;
            }
            State::Spaces => self.state = State::SpacedQuote { closed: false },
            State::SpacedQuote { .. } => self.state = State::SpacedQuote { closed: true },
            State::Unquoted | State::Quoted => {}
        }
    }

    fn separator(&mut self) -> Result<(), Found> {
        if self.state == State::FieldStart {
            self.begin_field(State::FieldStart);
        }
        self.end_field()?;
        self.field += 1;
        Ok(())
    }

    fn end_field(&mut self) -> Result<(), Found> {
        let spaced = self.state == State::SpacedQuote { closed: true };
        self.state = State::FieldStart;
        if spaced { Err(self.in_row(Fault::Spaced { field: self.field + 1 })) } else { Ok(()) }
    }

    fn line_end(&mut self, line: u64) -> Result<Step, Found> {
        if self.state == State::FieldStart && self.field == 0 {
            self.blank.get_or_insert(line);
            return Ok(Step::Between);
        }
        self.end_field()?;
        Ok(Step::Ended)
    }

    /// `last` is what came of the row in this piece.
    fn end_row(&mut self, last: &[u8]) -> Result<(), Found> {
        let mut begun = std::mem::take(&mut self.begun);
        let row = if begun.is_empty() {
            last
        } else {
            begun.extend_from_slice(last);
            &begun
        };
        let found = self.field + 1;
        self.field = 0;
        if row.len() > ROW_MAX {
            return Err(self.too_long());
        }
        let is_header = self.layout.fields == 0;
        if is_header {
            self.check_header(row)?;
            self.layout.fields = found;
        }
        if found != self.layout.fields {
            return Err(self.in_row(Fault::Fields { found, expected: self.layout.fields }));
        }
        if let Some(line) = self.blank.take().filter(|_| self.layout.fields == 1) {
            return Err(Found { line, fault: Fault::Blank });
        }
        if std::mem::take(&mut self.broken) {
            refuse_swallowed(row, self.row_line, self.layout, is_header)?;
        }
        self.starts.push_back(self.row_line);
        // Kept for the next row that lies in two pieces.
        begun.clear();
        self.begun = begun;
        Ok(())
    }

    /// Refuses a header that is separated by something else.
    fn check_header(&self, row: &[u8]) -> Result<(), Found> {
        let text = String::from_utf8_lossy(row);
        if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep=")) && text.len() <= 5 {
            return Err(self.in_row(Fault::ExcelHint(shown(&text))));
        }
        let expected = self.layout.separator;
        let own = outside_quotes(row, expected);
        if self.chosen.is_some() && (own > 0 || expected == b',') {
            return Ok(());
        }
        let most = SEPARATORS.into_iter().max_by_key(|&other| (outside_quotes(row, other), other == expected));
        match most {
            Some(found) if found != expected && outside_quotes(row, found) > own => {
                let header = shown(&text);
                Err(self.in_row(Fault::Separator { found, expected, header }))
            }
            _ => Ok(()),
        }
    }

    fn after_quote(&self, line: u64, byte: u8) -> Found {
        let (field, opened) = (self.field + 1, self.opened);
        if self.backslash {
            return Found { line, fault: Fault::Backslash { field, opened } };
        }
        // Of a longer character only the first byte is known here.
        let after = if byte.is_ascii() { char::from(byte) } else { '…' };
        Found { line, fault: Fault::AfterQuote { field, opened, after } }
    }

    fn too_long(&self) -> Found {
        let line = if self.state == State::Quoted { self.opened } else { self.row_line };
        Found { line, fault: Fault::TooLong { max: ROW_MAX } }
    }

    fn in_row(&self, fault: Fault) -> Found {
        Found { line: self.row_line, fault }
    }
}

/// How often `byte` stands outside quotation marks.
fn outside_quotes(row: &[u8], byte: u8) -> usize {
    let (mut count, mut quoted) = (0, false);
    for &found in row {
        quoted ^= found == b'"';
        count += usize::from(!quoted && found == byte);
    }
    count
}
