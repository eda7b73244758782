//! Deliveries that were dealt with: Slack sends an event again when it heard no answer, and once is enough.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

/// Remembers this many; Slack's last repetition comes five minutes later.
const REMEMBERED: usize = 4096;

/// Keys in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    keys: Mutex<(HashSet<String>, VecDeque<String>)>,
}

impl Seen {
    /// Whether `key` is new; it is not new a second time.
    pub(crate) fn is_new(&self, key: &str) -> bool {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, order) = &mut *keys;
        if !known.insert(key.to_owned()) {
            return false;
        }
        order.push_back(key.to_owned());
        if order.len() > REMEMBERED {
            order.pop_front().map(|oldest| known.remove(&oldest));
        }
        true
    }

    /// The work for `key` failed: a repetition is welcome.
    pub(crate) fn forget(&self, key: &str) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, order) = &mut *keys;
        if known.remove(key) {
            order.retain(|other| other != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_new_once_until_it_is_forgotten() {
        let seen = Seen::default();
        assert!(seen.is_new("Ev1"));
        assert!(!seen.is_new("Ev1"));
        seen.forget("Ev1");
        assert!(seen.is_new("Ev1"));
    }

    #[test]
    fn memory_is_bounded() {
        let seen = Seen::default();
        for n in 0..=REMEMBERED {
            seen.is_new(&n.to_string());
        }
        assert!(seen.is_new("0"), "the oldest made room");
        assert!(!seen.is_new(&REMEMBERED.to_string()));
    }
}
