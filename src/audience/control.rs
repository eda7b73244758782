//! People kept out of delivery, so that a campaign's effect can be measured.
//!
//! The ranked people are taken in ten equal stretches, and of each the same share is kept out, so that both groups have
//! the same scores. Who it is depends on the request and the person's id alone.

use super::ranking::Candidate;
use crate::digest::stable_hash;

const STRETCHES: usize = 10;

/// How many of `people` are kept out; half a person or more counts as one.
pub(super) fn of(people: usize, percent: u8) -> usize {
    (people * usize::from(percent) + 50) / 100
}

/// Whether each of the ranked people is kept out.
pub(super) fn draw(ranked: &[Candidate], percent: u8, request: &str) -> Vec<bool> {
    let seed = stable_hash(0, request.as_bytes());
    let lot = |at: usize| (stable_hash(seed, ranked[at].user_id.to_string().as_bytes()), at);
    let mut kept_out = vec![false; ranked.len()];
    for stretch in 0..STRETCHES {
        let [from, to] = [stretch, stretch + 1].map(|end| end * ranked.len() / STRETCHES);
        // Rounded from the beginning, so that the stretches add up to the whole.
        let count = of(to, percent) - of(from, percent);
        let mut lots: Vec<(u64, usize)> = (from..to).map(lot).collect();
        lots.sort_unstable();
        lots.iter().take(count).for_each(|(_, at)| kept_out[*at] = true);
    }
    kept_out
}

#[cfg(test)]
mod tests {
    use super::{super::UserId, *};

    fn ranked(people: i64) -> Vec<Candidate> {
        let one = |id| Candidate { user_id: UserId::Int(id), raw: 0.0, probability: 0.5, groups: [0; 3], drawn: None };
        (0..people).map(one).collect()
    }

    #[test]
    fn every_stretch_of_the_ranking_gives_its_share() {
        for (people, percent) in [(1000, 10), (997, 5), (12, 50), (3, 10), (0, 10), (100, 0)] {
            let drawn = draw(&ranked(people), percent, "a");
            let count = |drawn: &[bool]| drawn.iter().filter(|kept_out| **kept_out).count();
            assert_eq!(count(&drawn), of(drawn.len(), percent), "{people} people, {percent} %");
        }
        let drawn = draw(&ranked(1000), 10, "a");
        assert!(drawn.chunks(100).all(|stretch| stretch.iter().filter(|kept_out| **kept_out).count() == 10));
    }

    #[test]
    fn another_request_draws_others_and_the_same_draws_the_same() {
        let people = ranked(1000);
        assert_eq!(draw(&people, 10, "a"), draw(&people, 10, "a"));
        assert_ne!(draw(&people, 10, "a"), draw(&people, 10, "b"));
    }
}
