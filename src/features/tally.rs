//! What is counted for each person while their events pass by, the newest day first.
//!
//! A tally is one kind of counting over one selection of events. Windows that share it are nested, so each event goes
//! into the smallest window that holds its day, and a window's value is made of its own and all smaller ones: the work
//! for an event does not grow with the number of windows. Every tally is a column of one number a person, and since a
//! section's people come in order, all of them are passed through in order too.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::{
    partials::{Cell, Entry},
    selection::Selection,
};

/// Numbers in a line of a cache.
const CACHE_LINE: usize = 8;
/// A day that is none.
pub(super) const NEVER: i64 = i64::MIN;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Count {
    Events,
    /// Of a measured column, by its position.
    Sum(usize),
    Values(usize),
    Min(usize),
    Max(usize),
    /// The day of the newest event; [`NEVER`] without one.
    LastDay,
    FirstDay,
    /// Different days.
    Days,
    /// Different days from Monday to Friday.
    Weekdays,
    Categories,
    /// Different values of a listed column, by its position.
    Different(usize),
}

impl Count {
    fn nothing(self) -> i64 {
        match self {
            Self::Events
            | Self::Sum(_)
            | Self::Values(_)
            | Self::Days
            | Self::Weekdays
            | Self::Categories
            | Self::Different(_) => 0,
            Self::Min(_) => i64::MAX,
            Self::Max(_) => i64::MIN,
            Self::LastDay | Self::FirstDay => NEVER,
        }
    }

    /// The value of a window from `inner`, that of the next smaller one, and `own`, that of the days only it has.
    fn joined(self, inner: i64, own: i64) -> i64 {
        match self {
            Self::Min(_) => inner.min(own),
            Self::Max(_) | Self::LastDay => inner.max(own),
            // The days of the larger window are earlier.
            Self::FirstDay => {
                if own == NEVER {
                    inner
                } else {
                    own
                }
            }
            _ => inner.wrapping_add(own),
        }
    }
}

/// One kind of counting over one selection, in the windows that some column needs.
#[derive(Debug)]
struct Tally {
    count: Count,
    selection: Selection,
    /// Days; `u32::MAX` for all of history.
    windows: BTreeSet<u32>,
    /// Its first slot, once all tallies are known.
    first: usize,
}

/// Every tally of one events table.
#[derive(Debug, Default)]
pub(super) struct Tallies(Vec<Tally>);

/// One window of one tally.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ref {
    tally: usize,
    window: u32,
}

impl Tallies {
    /// Has this counted; the same is counted once.
    pub(super) fn add(&mut self, count: Count, selection: &Selection, window_days: Option<u16>) -> Ref {
        let window = window_days.map_or(u32::MAX, u32::from);
        let known = self.0.iter().position(|tally| tally.count == count && tally.selection == *selection);
        let tally = known.unwrap_or_else(|| {
            self.0.push(Tally { count, selection: selection.clone(), windows: BTreeSet::new(), first: 0 });
            self.0.len() - 1
        });
        self.0[tally].windows.insert(window);
        Ref { tally, window }
    }

    /// Which tallies an event of `cell` goes into.
    pub(super) fn of(&self, cell: &Cell) -> Vec<usize> {
        (0..self.0.len()).filter(|tally| self.0[*tally].selection.contains(cell)).collect()
    }

    /// What to do with an event of `age` days (0 = the snapshot's day) that goes into `tallies`.
    pub(super) fn steps(&self, tallies: &[usize], age: u32) -> Steps {
        let step = |&index: &usize| {
            let tally = &self.0[index];
            let bucket = tally.windows.iter().position(|window| age < *window)?;
            let (slot, marked) = (tally.first + bucket, tally.first + tally.windows.len());
            Some(Step { count: tally.count, slot, tally: index, marked })
        };
        let (events, others): (Vec<Step>, Vec<Step>) =
            tallies.iter().filter_map(step).partition(|step| step.count == Count::Events);
        Steps { events: events.into_iter().map(|step| step.slot).collect(), others }
    }

    /// Gives every tally its place; to be called once all are added.
    pub(super) fn lay_out(&mut self) {
        let mut next = 0;
        for tally in &mut self.0 {
            tally.first = next;
            next += tally.slots();
        }
    }
}

impl Tally {
    /// One a window, and one for what was counted already: the last day, or the first categories as bits.
    fn slots(&self) -> usize {
        self.windows.len() + usize::from(matches!(self.count, Count::Days | Count::Weekdays | Count::Categories))
    }
}

/// What an event of a certain age and class goes into.
#[derive(Debug)]
pub(super) struct Steps {
    /// Slots to which its events are added: most of what is to be done, and nothing to decide.
    events: Vec<usize>,
    others: Vec<Step>,
}

/// One tally that an event of a certain age goes into.
#[derive(Debug, Clone, Copy)]
struct Step {
    count: Count,
    slot: usize,
    tally: usize,
    /// Where it is said what was counted already.
    marked: usize,
}

/// Whether a day (since 1970-01-01, a Thursday) is from Monday to Friday.
fn is_weekday(day: i64) -> bool {
    (day + 3).rem_euclid(7) < 5
}

/// The numbers of some people.
pub(super) struct Counted<'t> {
    tallies: &'t Tallies,
    people: usize,
    /// From one slot to the next.
    stride: usize,
    /// `slot * stride + person`.
    numbers: Vec<i64>,
    /// Values that were counted: person, tally, value.
    seen: FxHashSet<(u32, u32, u64)>,
}

impl<'t> Counted<'t> {
    pub(super) fn new(tallies: &'t Tallies, people: usize) -> Self {
        // A person's slots would otherwise lie a power of two apart, which is the same few lines of a cache.
        let stride = people + CACHE_LINE;
        let mut numbers = Vec::with_capacity(tallies.0.iter().map(Tally::slots).sum::<usize>() * stride);
        for tally in &tallies.0 {
            numbers.resize(numbers.len() + tally.windows.len() * stride, tally.count.nothing());
            let marks = if matches!(tally.count, Count::Days | Count::Weekdays) { NEVER } else { 0 };
            numbers.resize(numbers.len() + (tally.slots() - tally.windows.len()) * stride, marks);
        }
        Self { tallies, people, stride, numbers, seen: FxHashSet::default() }
    }

    /// Counts an entry of `day` (days since 1970-01-01) for a person. Days must not ascend.
    #[inline]
    pub(super) fn count(&mut self, steps: &Steps, person: usize, (day, category): (i64, u64), entry: &Entry) {
        for slot in &steps.events {
            let number = &mut self.numbers[slot * self.stride + person];
            *number = number.wrapping_add(entry.events.cast_signed());
        }
        for step in &steps.others {
            self.count_one(step, person, (day, category), entry);
        }
    }

    #[inline]
    fn count_one(&mut self, step: &Step, person: usize, (day, category): (i64, u64), entry: &Entry) {
        let at = step.slot * self.stride + person;
        match step.count {
            Count::Events => self.numbers[at] = self.numbers[at].wrapping_add(entry.events.cast_signed()),
            Count::Sum(column) => {
                let measured = entry.measured[column];
                if measured.values > 0 {
                    self.numbers[at] = self.numbers[at].wrapping_add(measured.sum);
                }
            }
            Count::Values(column) => self.numbers[at] += entry.measured[column].values.cast_signed(),
            Count::Min(column) => {
                let measured = entry.measured[column];
                if measured.values > 0 {
                    self.numbers[at] = self.numbers[at].min(measured.min);
                }
            }
            Count::Max(column) => {
                let measured = entry.measured[column];
                if measured.values > 0 {
                    self.numbers[at] = self.numbers[at].max(measured.max);
                }
            }
            Count::LastDay => self.numbers[at] = self.numbers[at].max(day),
            Count::FirstDay => self.numbers[at] = day,
            Count::Weekdays if !is_weekday(day) => {}
            Count::Days | Count::Weekdays => {
                let marked = &mut self.numbers[step.marked * self.stride + person];
                if *marked != day {
                    *marked = day;
                    self.numbers[at] += 1;
                }
            }
            Count::Categories => {
                if let Some(bit) =
                    category.checked_sub(1).and_then(|number| 1_i64.checked_shl(u32::try_from(number).ok()?))
                {
                    let marked = &mut self.numbers[step.marked * self.stride + person];
                    let new = i64::from(*marked & bit == 0);
                    *marked |= bit;
                    self.numbers[at] += new;
                } else if category > 0 {
                    self.see(at, (person, step.tally, category));
                }
            }
            Count::Different(column) => {
                entry.listed[column].iter().for_each(|value| self.see(at, (person, step.tally, *value)));
            }
        }
    }

    fn see(&mut self, at: usize, (person, tally, value): (usize, usize, u64)) {
        #[expect(clippy::cast_possible_truncation, reason = "a stripe's people and a plan's tallies are few")]
        let new = self.seen.insert((person as u32, tally as u32, value));
        self.numbers[at] += i64::from(new);
    }

    /// The numbers of everybody in one window.
    pub(super) fn window(&self, Ref { tally: index, window }: Ref) -> Vec<i64> {
        let tally = &self.tallies.0[index];
        let slot = |bucket: usize| {
            let from = (tally.first + bucket) * self.stride;
            &self.numbers[from..from + self.people]
        };
        let mut numbers = slot(0).to_vec();
        for (bucket, _) in tally.windows.iter().enumerate().skip(1).filter(|(_, larger)| **larger <= window) {
            let own = slot(bucket);
            numbers.iter_mut().zip(own).for_each(|(inner, own)| *inner = tally.count.joined(*inner, *own));
        }
        numbers
    }
}
