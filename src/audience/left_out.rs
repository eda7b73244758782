//! People who are left out by name: the suppression list, and members of earlier segments.

use rustc_hash::FxHashSet;

use super::ids::Ids;

/// Ids of people to leave out, as their lists have them; the order means nothing and an id may come twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The operator's list of people who are never contacted.
    pub suppressed: Vec<String>,
    /// Members of earlier segments.
    pub earlier: Vec<String>,
}

impl LeftOut {
    /// Whether nobody is left out by name.
    pub(super) fn is_empty(&self) -> bool {
        self.suppressed.is_empty() && self.earlier.is_empty()
    }
}

/// [`LeftOut`] for quick look-ups, by the type that a snapshot's ids have. Asked, and never gone through.
pub(super) struct Lists {
    pub(super) suppressed: List,
    pub(super) earlier: List,
}

impl Lists {
    pub(super) fn of(left_out: &LeftOut) -> Self {
        Self { suppressed: List::of(&left_out.suppressed), earlier: List::of(&left_out.earlier) }
    }
}

/// One list; whole numbers are kept apart, because a snapshot has either numbers or texts.
pub(super) struct List {
    numbers: FxHashSet<i64>,
    texts: FxHashSet<Box<str>>,
}

impl List {
    fn of(ids: &[String]) -> Self {
        Self {
            numbers: ids.iter().filter_map(|id| id.parse().ok()).collect(),
            texts: ids.iter().map(|id| id.as_str().into()).collect(),
        }
    }

    /// Whether the person in this row is on the list.
    pub(super) fn has(&self, ids: &Ids, row: usize) -> bool {
        match ids {
            Ids::Int(ids) => self.numbers.contains(&ids[row]),
            Ids::Text(ids) => self.texts.contains(ids[row].as_str()),
        }
    }
}
