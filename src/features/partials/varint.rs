//! Numbers in as few bytes as they need: LEB128, seven bits a byte, least first; signed ones by zigzag, as in protocol
//! buffers.

/// Writes a number.
pub(super) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// Writes a signed number.
pub(super) fn put_signed(number: i64, out: &mut Vec<u8>) {
    put(((number << 1) ^ (number >> 63)).cast_unsigned(), out);
}

/// Bytes that are read from the front. Whoever holds one has compared their checksum, so they end where they should;
/// behind their end every number is 0.
pub(crate) struct Input<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Input<'b> {
    pub(super) fn new(bytes: &'b [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Where the next number begins.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        match self.bytes.get(self.at) {
            // Most numbers are small.
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                byte.into()
            }
            _ => self.next_long(),
        }
    }

    fn next_long(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            number |= u64::from(byte & 0x7f) << (shift & 63);
            if byte < 0x80 {
                break;
            }
            shift += 7;
        }
        number
    }

    pub(super) fn signed(&mut self) -> i64 {
        let number = self.next();
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }

    pub(super) fn length(&mut self) -> usize {
        usize::try_from(self.next()).unwrap_or(usize::MAX)
    }

    pub(super) fn bytes(&mut self, count: usize) -> &'b [u8] {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let taken = &rest[..count.min(rest.len())];
        self.at += taken.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(numbers: Vec<u64>, signed: Vec<i64>) {
            let mut out = Vec::new();
            for number in &numbers {
                put(*number, &mut out);
            }
            for number in &signed {
                put_signed(*number, &mut out);
            }
            let mut input = Input::new(&out, 0);
            prop_assert_eq!(numbers.iter().map(|_| input.next()).collect::<Vec<_>>(), numbers);
            prop_assert_eq!(signed.iter().map(|_| input.signed()).collect::<Vec<_>>(), signed);
            prop_assert_eq!(input.position(), out.len());
            prop_assert_eq!(input.next(), 0);
        }
    }
}
