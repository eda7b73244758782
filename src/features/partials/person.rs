//! Whom a row belongs to, as bytes: ids in ascending order, each written as what is new since the one before.

use std::cmp::Ordering;

use super::{
    index::Id,
    varint::{Input, put},
};

/// How the ids of one type are written, read and compared.
pub(crate) trait Person: Send {
    /// An id where it lies.
    type Ref<'a>: Ord + Copy + Send + Sync;
    /// Less than or equal to every id: what the first one is written against.
    fn least<'a>() -> Self::Ref<'a>;

    /// Writes `id`, which is not less than `before`.
    fn put(id: Self::Ref<'_>, before: Self::Ref<'_>, out: &mut Vec<u8>);
    /// The owned form.
    fn owned(id: Self::Ref<'_>) -> Id;
    /// Begins behind `base`.
    fn after(base: &Id) -> Self;
    /// Goes on to the id that comes next in `input`.
    fn read(&mut self, input: &mut Input);
    /// How the present id compares with `other`.
    fn compare(&self, other: Self::Ref<'_>) -> Ordering;
}

/// Ids of type Int64: the difference.
pub(crate) struct Integer(i64);

impl Person for Integer {
    type Ref<'a> = i64;

    fn least<'a>() -> Self::Ref<'a> {
        i64::MIN
    }

    fn put(id: i64, before: i64, out: &mut Vec<u8>) {
        put(id.wrapping_sub(before).cast_unsigned(), out);
    }

    fn owned(id: i64) -> Id {
        Id::Integer(id)
    }

    fn after(base: &Id) -> Self {
        match base {
            Id::Integer(id) => Self(*id),
            Id::Text(_) => Self(Self::least()),
        }
    }

    fn read(&mut self, input: &mut Input) {
        self.0 = self.0.wrapping_add(input.next().cast_signed());
    }

    fn compare(&self, other: i64) -> Ordering {
        self.0.cmp(&other)
    }
}

/// Text ids: how many bytes are as before, then the others. Ordered by their UTF-8 bytes, as polars sorts text.
pub(crate) struct Text(Vec<u8>);

impl Person for Text {
    type Ref<'a> = &'a str;

    fn least<'a>() -> &'a str {
        ""
    }

    fn put(id: &str, before: &str, out: &mut Vec<u8>) {
        let shared = id.bytes().zip(before.bytes()).take_while(|(a, b)| a == b).count();
        let rest = &id.as_bytes()[shared..];
        put(shared as u64, out);
        put(rest.len() as u64, out);
        out.extend_from_slice(rest);
    }

    fn owned(id: &str) -> Id {
        Id::Text(id.to_owned())
    }

    fn after(base: &Id) -> Self {
        match base {
            Id::Text(id) => Self(id.clone().into_bytes()),
            Id::Integer(_) => Self(Vec::new()),
        }
    }

    fn read(&mut self, input: &mut Input) {
        self.0.truncate(input.length());
        let rest = input.length();
        self.0.extend_from_slice(input.bytes(rest));
    }

    fn compare(&self, other: &str) -> Ordering {
        self.0.as_slice().cmp(other.as_bytes())
    }
}
