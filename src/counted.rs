//! What happens again and again, said once a minute with a count.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const EVERY: Duration = Duration::from_mins(1);

/// Counts something that others may do thousands of times a second.
#[derive(Debug, Default)]
pub struct Counted {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    said: Option<Instant>,
    since: u64,
}

impl Counted {
    /// Nothing has happened yet.
    pub const fn new() -> Self {
        Self { state: Mutex::new(State { said: None, since: 0 }) }
    }

    /// Counts one; `say` hears the first at once, and then, at most once a minute, how many there were since.
    pub fn count(&self, say: impl FnOnce(u64)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.since += 1;
        if state.said.is_none_or(|said| said.elapsed() >= EVERY) {
            say(state.since);
            *state = State { said: Some(Instant::now()), since: 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_are_one_line() {
        let (counted, mut said) = (Counted::new(), Vec::new());
        (0..1_000).for_each(|_| counted.count(|count| said.push(count)));
        assert_eq!(said, [1]);
    }
}
