//! How much memory a build may take, and what follows from it: how many events are sorted at once, how many folders are
//! aggregated side by side, how many people are sorted without going through temporary files.
//!
//! No byte of a snapshot follows from it: parts hold the same people whatever is allowed.

use std::num::NonZeroUsize;

use super::FeaturesError;

/// What is taken by the program itself, its threads, and what files are read ahead.
const AROUND: u64 = 256 << 20;
/// An event while it is sorted, with those that are read meanwhile.
const EVENT: u64 = 512;
/// A person while people are sorted.
const PERSON_SORTED: u64 = 256;
/// A person in a part under way besides the values: their profile, and their place in the part's order.
const PERSON: u64 = 128;
/// Folders that are aggregated at the same time, at most; fewer on fewer cores.
const FOLDERS_MAX: usize = 4;
/// More events than this at once are no faster.
const EVENTS_MAX: u64 = 2_000_000;

/// The bound on a build's memory, `SEGMENT_MEMORY_BYTES`, and what is held at once because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    bytes: u64,
    /// Folders of events that are aggregated side by side.
    pub folders_together: NonZeroUsize,
    /// Events of each that are sorted at once.
    pub events_together: NonZeroUsize,
    /// People who are sorted at once; more go through temporary files.
    pub people_together: NonZeroUsize,
}

impl Memory {
    /// 4 GiB.
    pub const DEFAULT_BYTES: u64 = 4 << 30;
    /// 512 MiB, whatever the catalog; many people with many columns need more.
    pub const LEAST_BYTES: u64 = 512 << 20;

    /// What a bound of so many bytes allows.
    pub fn new(bytes: u64) -> Result<Self, FeaturesError> {
        let allowed = Self::allowed(bytes, rayon::current_num_threads());
        allowed.refuse_less_than(Self::LEAST_BYTES)?;
        Ok(allowed)
    }

    fn allowed(bytes: u64, threads: usize) -> Self {
        let free = bytes.saturating_sub(AROUND);
        let folders = FOLDERS_MAX.min(threads);
        // The other half is for the people, who are there already.
        let events = (free / 2 / EVENT / folders.max(1) as u64).min(EVENTS_MAX);
        Self {
            bytes,
            folders_together: at_least_one(folders),
            events_together: at_least_one(rows(events)),
            people_together: at_least_one(rows(free / PERSON_SORTED)),
        }
    }

    /// Refuses a part of so many people whose values take so many bytes each, if it would not fit.
    pub(super) fn refuse_if_full(&self, people: u64, values: u64) -> Result<(), FeaturesError> {
        self.refuse_less_than(AROUND + people * (values + PERSON))
    }

    fn refuse_less_than(&self, needed: u64) -> Result<(), FeaturesError> {
        if self.bytes < needed { Err(FeaturesError::TooLittleMemory { bytes: self.bytes, needed }) } else { Ok(()) }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::allowed(Self::DEFAULT_BYTES, rayon::current_num_threads())
    }
}

fn rows(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn at_least_one(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_memory_holds_more_at_once_up_to_what_helps() {
        let of = |bytes: u64, threads: usize| {
            let Memory { folders_together, events_together, people_together, .. } = Memory::allowed(bytes, threads);
            [folders_together, events_together, people_together].map(NonZeroUsize::get)
        };
        assert_eq!(of(Memory::LEAST_BYTES, 2), [2, 131_072, 1_048_576]);
        assert_eq!(of(Memory::DEFAULT_BYTES, 2), [2, 1_966_080, 15_728_640]);
        assert_eq!(of(Memory::DEFAULT_BYTES, 16), [4, 983_040, 15_728_640]);
        assert_eq!(of(1 << 40, 2)[1], 2_000_000);
        assert_eq!(of(0, 1), [1, 1, 1]);
    }

    #[test]
    fn too_little_memory_says_how_much_is_needed() {
        insta::assert_snapshot!(Memory::new(1 << 20).unwrap_err(), @"SEGMENT_MEMORY_BYTES is 1048576, but at least 536870912 are needed");
        let bound = Memory::new(1 << 30).unwrap();
        bound.refuse_if_full(1_000_000, 56 * 8).unwrap();
        insta::assert_snapshot!(bound.refuse_if_full(1_000_000, 200 * 8).unwrap_err(), @"SEGMENT_MEMORY_BYTES is 1073741824, but at least 1996435456 are needed");
    }
}
