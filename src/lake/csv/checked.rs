//! The bytes of a file, each looked at before it is handed on: UTF-8, and what the scanner refuses.

use std::io::{self, Read};

use super::{
    Fault,
    encoding::{refuse_foreign, seems},
    scanner::{Found, Scanner},
};

const PIECE: usize = 1 << 16;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Text that is read on only while nothing is wrong with it.
pub(super) struct Checked<R> {
    inner: R,
    /// Whether `inner` unpacks a compressed file.
    packed: bool,
    pub(super) scanner: Scanner,
    /// `piece[given..ready]` is to be handed on; what follows is the beginning of a character.
    piece: Vec<u8>,
    given: usize,
    ready: usize,
    begun: bool,
    ended: bool,
    /// Why reading failed; the parser above only hears that it did.
    pub(super) found: Option<Found>,
}

impl<R: Read> Checked<R> {
    pub(super) fn new(inner: R, packed: bool, scanner: Scanner) -> Self {
        let piece = Vec::with_capacity(PIECE);
        Self { inner, packed, scanner, piece, given: 0, ready: 0, begun: false, ended: false, found: None }
    }

    fn next_piece(&mut self) -> Result<(), Found> {
        self.piece.drain(..self.ready);
        (self.given, self.ready) = (0, 0);
        let room = PIECE.saturating_sub(self.piece.len());
        let read = self.inner.by_ref().take(room as u64).read_to_end(&mut self.piece);
        // What was read before it failed is checked first.
        let failed = read.as_ref().err().map(|error| self.fault_of(error));
        self.ended = read.is_ok_and(|read| read < room);
        if !std::mem::replace(&mut self.begun, true) {
            refuse_foreign(&self.piece).map_err(|fault| Found { line: 1, fault })?;
            self.given = if self.piece.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        }
        let (valid, wrong) = match std::str::from_utf8(&self.piece) {
            Ok(_) => (self.piece.len(), None),
            Err(error) => (error.valid_up_to(), error.error_len().map(Some).or(self.ended.then_some(None))),
        };
        self.ready = valid;
        self.scanner.feed(&self.piece[self.given..valid])?;
        if let Some(fault) = failed {
            return Err(Found { line: self.scanner.line(), fault });
        }
        if let Some(inside) = wrong {
            let line = self.piece[..valid].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            // A character that only breaks off with the file says nothing of another encoding.
            let seems = inside.and_then(|_| seems(&self.piece[line..]));
            return Err(Found { line: self.scanner.line(), fault: Fault::NotUtf8 { seems } });
        }
        if self.ended { self.scanner.end() } else { Ok(()) }
    }

    fn fault_of(&self, error: &io::Error) -> Fault {
        match error.kind() {
            io::ErrorKind::UnexpectedEof if self.packed => Fault::Torn,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.packed => Fault::Damaged,
            // The system's own errors can be told again; others only as text.
            kind => Fault::Io(error.raw_os_error().map_or_else(|| kind.into(), io::Error::from_raw_os_error)),
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready && !self.ended {
            if self.found.is_none() {
                self.found = self.next_piece().err();
            }
            if self.found.is_some() {
                return Err(io::Error::other("refused"));
            }
        }
        let length = out.len().min(self.ready - self.given);
        out[..length].copy_from_slice(&self.piece[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}
