//! The lines of one tree, with lists of the right lengths; not yet checked to be a tree.

use super::super::fields::Fields;
use super::super::{LightGbmTextError, Section, decision};

use super::super::super::math::real;
use super::super::super::tree::Child;

/// Words of 32 bits that together have a bit for each `u32`.
const CATEGORY_WORDS_MAX: usize = 1 << 27;

/// A tree as it stands in the text.
pub(super) struct ReadTree {
    /// Its place, from 0.
    pub(super) index: usize,
    pub(super) splits: Vec<ReadSplit>,
    /// Finite; one more than splits.
    pub(super) leaf_values: Vec<f64>,
    /// One for each leaf.
    pub(super) leaf_rows: Vec<u64>,
}

pub(super) struct ReadSplit {
    pub(super) feature: usize,
    pub(super) test: ReadTest,
    pub(super) left: Child,
    pub(super) right: Child,
    pub(super) gain: f64,
}

/// What goes left.
pub(super) enum ReadTest {
    /// Numbers up to this one, which may be infinite.
    Number { at_most: f64, missing: Missing },
    /// Categories with these codes, rising.
    Codes(Vec<u32>),
}

/// Where missing values go.
pub(super) enum Missing {
    Left,
    Right,
    /// 0 goes there too: `LightGBM` takes it as missing, which is not known here.
    WithZero,
}

impl ReadTree {
    pub(super) fn new(fields: &Fields) -> Result<Self, LightGbmTextError> {
        let Section::Tree(index) = fields.place else { unreachable!("these are the fields of a tree") };
        if !matches!(fields.optional("is_linear"), None | Some("0")) {
            return Err(LightGbmTextError::Linear { tree: index });
        }
        let leaves: usize = fields.number("num_leaves")?;
        let count = leaves.checked_sub(1).ok_or_else(|| fields.wrong("num_leaves", "0"))?;
        let leaf_values = fields.numbers("leaf_value", leaves)?;
        fields.finite(&leaf_values, "leaf_value")?;
        let leaf_rows = fields.numbers_or_zeros("leaf_count", leaves)?;
        let splits = if count == 0 { Vec::new() } else { read_splits(fields, count)? };
        Ok(Self { index, splits, leaf_values, leaf_rows })
    }
}

fn read_splits(fields: &Fields, count: usize) -> Result<Vec<ReadSplit>, LightGbmTextError> {
    let tested: Vec<usize> = fields.numbers("split_feature", count)?;
    let thresholds = fields.numbers("threshold", count)?;
    let decisions = fields.numbers_or_zeros("decision_type", count)?;
    let gains: Vec<f64> = fields.numbers_or_zeros("split_gain", count)?;
    fields.finite(&gains, "split_gain")?;
    let left: Vec<i64> = fields.numbers("left_child", count)?;
    let right: Vec<i64> = fields.numbers("right_child", count)?;
    let mut sets = category_sets(fields)?;
    let mut splits = Vec::with_capacity(count);
    for index in 0..count {
        let test = match decisions[index] {
            decision if decision & decision::CATEGORICAL > 0 => codes(fields, &mut sets, thresholds[index])?,
            decision => number(fields, decision, thresholds[index])?,
        };
        let (left, right) = (child(fields, "left_child", left[index])?, child(fields, "right_child", right[index])?);
        splits.push(ReadSplit { feature: tested[index], test, left, right, gain: gains[index] });
    }
    Ok(splits)
}

fn number(fields: &Fields, decision: u8, at_most: f64) -> Result<ReadTest, LightGbmTextError> {
    if at_most.is_nan() {
        return Err(fields.wrong("threshold", "NaN"));
    }
    let left = match decision >> decision::MISSING_SHIFT {
        decision::MISSING_NONE => 0.0 <= at_most,
        decision::MISSING_ZERO => return Ok(ReadTest::Number { at_most, missing: Missing::WithZero }),
        decision::MISSING_NAN => decision & decision::MISSING_LEFT > 0,
        _ => return Err(fields.wrong("decision_type", &decision.to_string())),
    };
    Ok(ReadTest::Number { at_most, missing: if left { Missing::Left } else { Missing::Right } })
}

/// Takes the set with the number that stands where thresholds do. Each set belongs to one split.
fn codes(fields: &Fields, sets: &mut [Option<Vec<u32>>], number: f64) -> Result<ReadTest, LightGbmTextError> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "compared with the number")]
    let index = number as usize;
    let set = sets.get_mut(index).filter(|_| real(index).total_cmp(&number).is_eq());
    let codes = set.and_then(Option::take);
    codes.map(ReadTest::Codes).ok_or_else(|| fields.wrong("threshold", &number.to_string()))
}

/// The codes of the bits that are set, for each set of categories.
fn category_sets(fields: &Fields) -> Result<Vec<Option<Vec<u32>>>, LightGbmTextError> {
    let count: usize = fields.number("num_cat")?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let expected = count.checked_add(1).ok_or_else(|| fields.wrong("num_cat", &count.to_string()))?;
    let boundaries: Vec<usize> = fields.numbers("cat_boundaries", expected)?;
    let words: Vec<u32> = fields.list("cat_threshold")?;
    if words.len() > CATEGORY_WORDS_MAX {
        return Err(fields.wrong("cat_threshold", &format!("{} numbers", words.len())));
    }
    let set = |pair: &[usize]| {
        let words = words.get(pair[0]..pair[1]).ok_or_else(|| fields.wrong("cat_boundaries", &pair[1].to_string()))?;
        let codes = words.iter().zip(0_u32..).flat_map(|(word, index)| {
            (0..32_u32).filter(move |bit| word >> bit & 1 == 1).map(move |bit| 32 * index + bit)
        });
        Ok(Some(codes.collect()))
    };
    boundaries.windows(2).map(set).collect()
}

fn child(fields: &Fields, field: &'static str, number: i64) -> Result<Child, LightGbmTextError> {
    let child = match usize::try_from(number) {
        Ok(split) => Some(Child::Split(split)),
        // -1 is leaf 0.
        Err(_) => usize::try_from(!number).ok().map(Child::Leaf),
    };
    child.ok_or_else(|| fields.wrong(field, &number.to_string()))
}
