//! Which rows of a table grow trees, which decide when to stop, and which judge.

use super::labelled::Order;
use crate::digest::stable_hash;

/// Rows by what they do; each rises.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Division {
    pub learn: Vec<u32>,
    pub watch: Vec<u32>,
    /// In no part of the training, until the model learns again from all.
    pub hold: Vec<u32>,
}

/// The shares of the rows that do not grow trees.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// Of the rows that are not held out.
    pub watch: f64,
    pub hold: f64,
}

impl Division {
    /// By chance, whole groups by chance, or the last in time: what is held out comes after what is watched, and both after what
    /// is learned from; rows of one time are never parted.
    pub fn of(rows: usize, order: &Order, shares: Shares, seed: u64) -> Self {
        let drawn = |key: u64| {
            let unit = |purpose: u64| unit(stable_hash(seed ^ purpose, &key.to_le_bytes()));
            if unit(HOLD) < shares.hold {
                Part::Hold
            } else if unit(WATCH) < shares.watch {
                Part::Watch
            } else {
                Part::Learn
            }
        };
        let part: Vec<Part> = match order {
            Order::None => (0..rows as u64).map(drawn).collect(),
            Order::Groups(groups) => groups.iter().copied().map(drawn).collect(),
            Order::Times(times) => by_time(times, shares),
        };
        let mut division = Self::default();
        for (row, part) in (0..).zip(part) {
            match part {
                Part::Learn => division.learn.push(row),
                Part::Watch => division.watch.push(row),
                Part::Hold => division.hold.push(row),
            }
        }
        division
    }
}

const HOLD: u64 = 0x686f_6c64;
const WATCH: u64 = 0x7761_7463;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Learn,
    Watch,
    Hold,
}

/// A number from 0 to below 1 of a hash.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

fn by_time(times: &[u32], shares: Shares) -> Vec<Part> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let hold_from = last(&sorted, shares.hold);
    let before: Vec<u32> = sorted.into_iter().filter(|time| hold_from.is_none_or(|from| *time < from)).collect();
    let watch_from = last(&before, shares.watch);
    let part = |time: &u32| {
        let from = |from: Option<u32>| from.is_some_and(|from| *time >= from);
        match (from(hold_from), from(watch_from)) {
            (true, _) => Part::Hold,
            (_, true) => Part::Watch,
            _ => Part::Learn,
        }
    };
    times.iter().map(part).collect()
}

/// The time from which on the last share of the rows comes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a count"
)]
fn last(sorted: &[u32], share: f64) -> Option<u32> {
    let count = (sorted.len() as f64 * share).round() as usize;
    sorted.get(sorted.len().saturating_sub(count)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: Shares = Shares { watch: 0.2, hold: 0.1 };

    #[test]
    fn groups_stay_whole_and_shares_are_about_kept() {
        let groups: Vec<u64> = (0..10_000).map(|row| row / 7).collect();
        let division = Division::of(groups.len(), &Order::Groups(groups.clone()), SHARES, 1);
        let of = |rows: &[u32]| rows.iter().map(|row| groups[*row as usize]).collect::<std::collections::BTreeSet<_>>();
        let [learn, watch, hold] = [&division.learn, &division.watch, &division.hold].map(|rows| of(rows));
        assert!(learn.is_disjoint(&watch) && learn.is_disjoint(&hold) && watch.is_disjoint(&hold));
        assert!((800..1_200).contains(&division.hold.len()) && (1_500..2_100).contains(&division.watch.len()));
    }

    #[test]
    fn what_judges_comes_after_what_is_watched_and_that_after_what_is_learned_from() {
        let times: Vec<u32> = (0..1_000).map(|row| (row * 7 % 1_000) / 3).collect();
        let division = Division::of(times.len(), &Order::Times(times.clone()), SHARES, 1);
        let span = |rows: &[u32]| {
            let of = || rows.iter().map(|row| times[*row as usize]);
            (of().min().unwrap(), of().max().unwrap())
        };
        assert!(span(&division.learn).1 < span(&division.watch).0 && span(&division.watch).1 < span(&division.hold).0);
        assert!((95..110).contains(&division.hold.len()) && (175..190).contains(&division.watch.len()));
    }
}
