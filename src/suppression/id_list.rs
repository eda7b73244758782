//! A list of people as somebody sends it: read from a CSV file, and each id found among the known ones however it is spelled.

mod file;
mod known;

use std::{
    collections::BTreeSet,
    fmt::{self, Display},
};

use rustc_hash::FxHashMap;

pub use self::file::IdListError;
use crate::lake::tables::spelling;

/// Ids that a message quotes.
const QUOTED: usize = 3;
/// Digits that a spreadsheet keeps of a number.
const SPREADSHEET_DIGITS: usize = 15;

/// A list whose ids are not compared with anybody's yet.
#[derive(Debug, Clone)]
pub struct IdList {
    /// As messages name it.
    file: String,
    ids: Vec<Listed>,
    /// The first of `ids` may be the column's name.
    first_may_be_name: bool,
}

/// An id of a list.
#[derive(Debug, Clone)]
struct Listed {
    line: u64,
    /// As it stands in the file.
    text: String,
    /// What it may be without a change of spelling, the likeliest first.
    forms: Vec<String>,
}

/// Ids of a list that were compared with the known ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// What to leave out: known people's ids as `users` has them, and the others as the list has them; sorted, each once.
    pub ids: Vec<String>,
    /// Different ids in the list.
    pub listed: u64,
    /// Of these, ids of known people.
    pub known: u64,
    /// Lines whose id is of nobody, or of more than one person.
    pub doubtful: Vec<Doubtful>,
    /// Known people whose id the list spells otherwise.
    pub respelled: u64,
    /// The first line, if it was taken for the column's name.
    pub name: Option<String>,
}

/// A line whose id is not surely one person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubtful {
    pub line: u64,
    pub text: String,
    pub why: Doubt,
}

/// Why a line is doubtful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    Nobody,
    /// A number that lost digits.
    Rounded,
    /// Two people's ids differ from it in spelling only.
    Several(String, String),
}

impl Display for Doubtful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text, why } = self;
        write!(f, "line {line} `{}`", text.escape_debug())?;
        match why {
            Doubt::Nobody => Ok(()),
            Doubt::Rounded => write!(f, " looks like a number that a spreadsheet rounded"),
            Doubt::Several(one, other) => write!(f, " may be `{one}` or `{other}`"),
        }
    }
}

/// The first few lines of some, quoted; those that say most first.
pub fn quoted(doubtful: &[Doubtful]) -> String {
    let mut told: Vec<&Doubtful> = doubtful.iter().collect();
    told.sort_by_key(|one| (one.why == Doubt::Nobody, one.line));
    told.iter().take(QUOTED).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Compares a list with the known ids, one after the other; memory follows the list.
pub struct Matcher {
    list: IdList,
    /// By form: the id's place, and how likely the form is (0 is the likeliest).
    forms: FxHashMap<String, Vec<(usize, usize)>>,
    by_key: FxHashMap<String, Vec<usize>>,
    found: Vec<Found>,
}

/// What was found for an id so far.
#[derive(Debug, Clone, Default)]
struct Found {
    exact: Option<(usize, String)>,
    alike: BTreeSet<String>,
}

impl Matcher {
    /// Begins with a list.
    pub fn new(list: IdList) -> Self {
        let mut forms: FxHashMap<String, Vec<(usize, usize)>> = FxHashMap::default();
        let mut by_key: FxHashMap<String, Vec<usize>> = FxHashMap::default();
        for (at, listed) in list.ids.iter().enumerate() {
            for (likely, form) in listed.forms.iter().enumerate() {
                forms.entry(form.clone()).or_default().push((at, likely));
            }
            by_key.entry(spelling::key(&listed.text)).or_default().push(at);
        }
        let found = vec![Found::default(); list.ids.len()];
        Self { list, forms, by_key, found }
    }

    /// Looks for a known id in the list.
    pub fn known(&mut self, id: &str) {
        for (at, likely) in self.forms.get(id).into_iter().flatten() {
            let exact = &mut self.found[*at].exact;
            if exact.as_ref().is_none_or(|(before, _)| likely < before) {
                *exact = Some((*likely, id.to_owned()));
            }
        }
        // Most ids are plain numbers, and then their own key.
        let is_key = !id.starts_with('0') && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let places = if is_key { self.by_key.get(id) } else { self.by_key.get(&spelling::key(id)) };
        for at in places.into_iter().flatten() {
            self.found[*at].alike.insert(id.to_owned());
        }
    }

    /// Everything there is to know once all known ids were looked for.
    pub fn finish(self) -> Matched {
        let mut ids = BTreeSet::new();
        let (mut others, mut known, mut respelled) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut doubtful, mut name) = (Vec::new(), None);
        let several = self.list.ids.len() > 1;
        for (at, (listed, found)) in self.list.ids.into_iter().zip(self.found).enumerate() {
            let mut alike = found.alike.into_iter();
            let (line, text) = (listed.line, listed.text);
            match (found.exact, alike.next(), alike.next()) {
                (Some((_, id)), ..) | (None, Some(id), None) => {
                    if id != text {
                        respelled.insert(id.clone());
                    }
                    known.insert(id);
                }
                (None, Some(one), Some(other)) => {
                    ids.extend([one.clone(), other.clone()].into_iter().chain(alike));
                    others.insert(text.clone());
                    doubtful.push(Doubtful { line, text, why: Doubt::Several(one, other) });
                }
                (None, None, _) if at == 0 && self.list.first_may_be_name && several && is_word(&text) => {
                    name = Some(text);
                }
                (None, None, _) => {
                    ids.extend(listed.forms.last().cloned());
                    others.insert(text.clone());
                    let why = if is_rounded(&text) { Doubt::Rounded } else { Doubt::Nobody };
                    doubtful.push(Doubtful { line, text, why });
                }
            }
        }
        let counts = (others.len() + known.len(), known.len(), respelled.len());
        ids.extend(known);
        let [listed, known, respelled] = [counts.0, counts.1, counts.2].map(|count| count as u64);
        Matched { ids: ids.into_iter().collect(), listed, known, doubtful, respelled, name }
    }
}

impl Matched {
    /// Whether a line is surely not what was meant.
    pub fn has_broken(&self) -> bool {
        self.doubtful.iter().any(|one| one.why != Doubt::Nobody)
    }

    /// Different ids that are of nobody.
    pub fn unknown(&self) -> u64 {
        self.listed - self.known
    }

    /// Their share.
    #[expect(clippy::cast_precision_loss, reason = "a share of ids, compared with a rounded limit")]
    pub fn unknown_share(&self) -> f64 {
        if self.listed == 0 { 0.0 } else { self.unknown() as f64 / self.listed as f64 }
    }
}

impl Listed {
    /// `ours` is a list that this program wrote, in which an apostrophe in front is never part of the id.
    fn new((line, text): (u64, &str), ours: bool) -> Self {
        let text = text.trim();
        let plain = spelling::plain(text);
        let mut forms = Vec::new();
        let stripped = text.strip_prefix('\'');
        if let Some(stripped) = stripped.filter(|_| ours) {
            forms.push(stripped.to_owned());
        } else {
            forms.push(text.to_owned());
            forms.extend(stripped.map(str::to_owned));
            forms.push(plain.strip_prefix('\'').unwrap_or(&plain).to_owned());
        }
        forms.dedup();
        Self { line, text: text.to_owned(), forms }
    }
}

fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_numeric())
}

/// `1.23457E+11`, or a number of more digits than a spreadsheet keeps that ends in zeros.
fn is_rounded(text: &str) -> bool {
    let key = spelling::key(text);
    let digits = key.bytes().all(|byte| byte.is_ascii_digit());
    let cut = digits && key.len() > SPREADSHEET_DIGITS && key[SPREADSHEET_DIGITS..].bytes().all(|byte| byte == b'0');
    cut || spelling::is_rounded(text)
}

#[cfg(test)]
mod tests;
