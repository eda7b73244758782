//! Rows of a section for a range of people, in order.

use std::{cmp::Ordering, fs::File, os::unix::fs::FileExt};

use super::{Columns, Stored, index::Section, person::Person, varint::Input};
use crate::features::FeaturesError;

/// A person's events of one day in one cell, added up.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) cell: u32,
    pub(crate) events: u64,
    /// By measured column.
    pub(crate) measured: Vec<Measured>,
    /// By listed column; different values, in no order that means anything.
    pub(crate) listed: Vec<Vec<u64>>,
}

/// The values of a column.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    /// Values that are there; without any the rest means nothing.
    pub(crate) values: u64,
    pub(crate) sum: i64,
    pub(crate) min: i64,
    pub(crate) max: i64,
}

/// Calls `each` with the position in `people` (ascending) and the entry, for every entry of those people in `section`.
pub(crate) fn read<P: Person>(
    (stored, section, file): (&Stored, &Section, &File),
    columns: &Columns,
    people: &[P::Ref<'_>],
    mut each: impl FnMut(usize, &Entry),
) -> Result<(), FeaturesError> {
    let (Some(&first), Some(&last)) = (people.first(), people.last()) else { return Ok(()) };
    let blocks_before =
        |person| section.blocks.partition_point(|block| P::after(&block.base).compare(person) == Ordering::Less);
    let from = blocks_before(first).saturating_sub(1);
    let to = blocks_before(last).max(from + 1);
    let bytes = bytes(stored, section, file, from..to)?;
    let mut input = Input::new(&bytes, 0);
    let mut person = P::after(&section.blocks[from].base);
    let mut entry = Entry {
        measured: vec![Measured::default(); columns.measured.len()],
        listed: vec![Vec::new(); columns.listed.len()],
        ..Entry::default()
    };
    let mut row = 0;
    while input.position() < bytes.len() {
        person.read(&mut input);
        while row < people.len() && person.compare(people[row]) == Ordering::Greater {
            row += 1;
        }
        if row == people.len() {
            break;
        }
        let wanted = person.compare(people[row]) == Ordering::Equal;
        for _ in 0..input.next() {
            entry.read(&mut input);
            if wanted {
                each(row, &entry);
            }
        }
    }
    Ok(())
}

impl Entry {
    fn read(&mut self, input: &mut Input) {
        self.cell = u32::try_from(input.next()).unwrap_or_default();
        self.events = input.next();
        for measured in &mut self.measured {
            measured.values = input.next();
            if measured.values > 0 {
                measured.sum = input.signed();
                (measured.min, measured.max) = (measured.sum, measured.sum);
            }
            if measured.values > 1 {
                (measured.min, measured.max) = (input.signed(), input.signed());
            }
        }
        for values in &mut self.listed {
            values.clear();
            for _ in 0..input.next() {
                values.push(input.next());
            }
        }
    }
}

/// The bytes of some blocks, each compared with its checksum.
fn bytes(
    stored: &Stored,
    section: &Section,
    file: &File,
    blocks: std::ops::Range<usize>,
) -> Result<Vec<u8>, FeaturesError> {
    let starts = section.blocks[blocks.clone()].iter().map(|block| block.from);
    let end = section.blocks.get(blocks.end).map_or(section.end, |block| block.from);
    let ends: Vec<u64> = starts.clone().skip(1).chain([end]).collect();
    let from = section.blocks[blocks.start].from;
    let length = |from: u64, to: u64| usize::try_from(to - from).expect("a section's bytes fit memory");
    let mut bytes = vec![0; length(from, end)];
    file.read_exact_at(&mut bytes, from).map_err(|error| stored.damaged(&error))?;
    for ((start, end), block) in starts.zip(ends).zip(&section.blocks[blocks]) {
        if crc32fast::hash(&bytes[length(from, start)..length(from, end)]) != block.crc {
            return Err(stored.damaged(&"its bytes are not what was written"));
        }
    }
    Ok(bytes)
}
