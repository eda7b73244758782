//! A model as `LightGBM`'s text.

use std::collections::HashSet;
use std::fmt::Write;

use super::super::binning::FeatureBins;
use super::super::covers::Covers;
use super::super::model::Gbdt;
use super::super::tree::{Child, Leaf, Split, Test, Tree};
use super::{decision, params};

/// No table holds larger codes as categories, and their bits would fill gigabytes.
const CODES_END: u32 = 1 << 24;

/// What stands first in every model; `LightGBM` ends each part of a model with an empty line.
const HEADER: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n";

impl Gbdt {
    /// The model in the text format, version 4, that `LightGBM` 4 loads (`src/io/tree.cpp` and
    /// `src/boosting/gbdt_model_text.cpp` there): with calibrated leaf values, so that its raw scores are
    /// [`Gbdt::raw_scores`], and with training rows, so that its `pred_contrib` is [`Gbdt::contributions`]. Features
    /// keep their order; characters in their names that `LightGBM` refuses become `_`. Category sets are written bit
    /// by bit up to their largest code, so that codes in the millions make a long text.
    pub fn to_lightgbm_text(&self) -> String {
        let names = clean_names(&self.feature_names);
        let trees = self.tree_texts();
        let mut text = HEADER.to_owned();
        // -1 without features.
        line(&mut text, "max_feature_idx", [names.len()].map(|count| format!("{}", count.cast_signed() - 1)));
        line(&mut text, "objective", ["binary sigmoid:1".to_owned()]);
        if !self.doubles {
            // For our own reader; LightGBM passes over what it does not know.
            line(&mut text, super::FLOATS, ["32"]);
        }
        line(&mut text, "feature_names", &names);
        line(&mut text, "feature_infos", self.bins.iter().map(feature_info));
        line(&mut text, "tree_sizes", trees.iter().map(String::len));
        text.push('\n');
        text.extend(trees);
        text.push_str("end of trees\n\nfeature_importances:\n");
        let mut counts: Vec<(usize, &String)> = self.split_counts().into_iter().zip(&names).collect();
        counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        for (count, name) in counts.into_iter().filter(|(count, _)| *count > 0) {
            line(&mut text, name, [count]);
        }
        text.push_str("\nparameters:\n");
        for (name, value) in params::written(&self.params) {
            writeln!(text, "[{name}: {value}]").expect("a string takes all text");
        }
        text.push_str("\nend of parameters\n\npandas_categorical:null\n");
        text
    }

    /// One text for each tree. What all rows get is added to the leaves of the first; a model without trees gets a tree
    /// without splits.
    fn tree_texts(&self) -> Vec<String> {
        let (slope, scale) = (self.calibration.slope, self.calibration.slope * self.leaf_unit());
        let constant = slope * self.base_score + self.calibration.offset;
        let value = |index: usize, leaf: &Leaf| {
            let value = scale * f64::from(leaf.value);
            if index == 0 { constant + value } else { value }
        };
        let texts = self.trees.iter().enumerate();
        let texts: Vec<String> =
            texts.map(|(index, tree)| self.tree_text(index, tree, |leaf| value(index, leaf))).collect();
        if texts.is_empty() { vec![stump_text(0, constant, 1)] } else { texts }
    }

    fn tree_text(&self, index: usize, tree: &Tree, value: impl Fn(&Leaf) -> f64) -> String {
        let counts = Counts::of(tree);
        if tree.splits().is_empty() {
            return stump_text(index, value(&tree.leaves()[0]), counts.leaves[0]);
        }
        let splits = tree.splits();
        let sets = CategorySets::of(splits, &self.bins);
        let means = means(tree, &counts, &value);
        let mut text = format!("Tree={index}\n");
        line(&mut text, "num_leaves", [tree.leaves().len()]);
        line(&mut text, "num_cat", [sets.boundaries.len() - 1]);
        line(&mut text, "split_feature", splits.iter().map(|split| split.feature));
        line(&mut text, "split_gain", splits.iter().map(|split| precise(split.gain)));
        line(&mut text, "threshold", &sets.thresholds);
        line(&mut text, "decision_type", splits.iter().map(decision_type));
        line(&mut text, "left_child", splits.iter().map(|split| child(split.left)));
        line(&mut text, "right_child", splits.iter().map(|split| child(split.right)));
        line(&mut text, "leaf_value", tree.leaves().iter().map(|leaf| precise(value(leaf))));
        line(&mut text, "leaf_weight", &counts.leaves);
        line(&mut text, "leaf_count", &counts.leaves);
        line(&mut text, "internal_value", means.into_iter().map(precise));
        line(&mut text, "internal_weight", &counts.splits);
        line(&mut text, "internal_count", &counts.splits);
        if sets.boundaries.len() > 1 {
            line(&mut text, "cat_boundaries", &sets.boundaries);
            line(&mut text, "cat_threshold", &sets.words);
        }
        text.push_str("is_linear=0\nshrinkage=1\n\n\n");
        text
    }
}

/// A tree without splits.
fn stump_text(index: usize, value: f64, rows: i32) -> String {
    let value = precise(value);
    format!(
        "Tree={index}\nnum_leaves=1\nnum_cat=0\nsplit_feature=\nsplit_gain=\nthreshold=\ndecision_type=\nleft_child=\n\
         right_child=\nleaf_value={value}\nleaf_weight={rows}\nleaf_count={rows}\ninternal_value=\ninternal_weight=\n\
         internal_count=\nis_linear=0\nshrinkage=1\n\n\n"
    )
}

/// Adds `field=value value …`.
fn line(text: &mut String, field: &str, values: impl IntoIterator<Item = impl std::fmt::Display>) {
    text.push_str(field);
    text.push('=');
    for (index, value) in values.into_iter().enumerate() {
        let space = if index == 0 { "" } else { " " };
        write!(text, "{space}{value}").expect("a string takes all text");
    }
    text.push('\n');
}

/// The shortest text that gives the same number again, with an exponent where it is large or small.
fn precise(number: f64) -> String {
    format!("{number:?}")
}

fn child(child: Child) -> String {
    match child {
        Child::Split(split) => split.to_string(),
        Child::Leaf(leaf) => format!("-{}", leaf + 1),
    }
}

fn decision_type(split: &Split) -> u8 {
    let kind = if matches!(split.test, Test::OneOf(_)) { decision::CATEGORICAL } else { 0 };
    let side = if split.missing_left { decision::MISSING_LEFT } else { 0 };
    kind | side | decision::MISSING_NAN << decision::MISSING_SHIFT
}

/// Numbers without bounds, since those of the training rows are not known; categories by code. `LightGBM` describes
/// features by it and scores without it.
fn feature_info(bins: &FeatureBins) -> String {
    let FeatureBins::Categorical(categories) = bins else { return "[-inf:inf]".to_owned() };
    let codes: Vec<String> = categories.codes().iter().map(u32::to_string).collect();
    if codes.is_empty() { "none".to_owned() } else { codes.join(":") }
}

/// Training rows as `LightGBM` counts them: at least 1 in a leaf, or its `pred_contrib` divides 0 by 0, and few enough
/// altogether for its `int`.
struct Counts {
    splits: Vec<i32>,
    leaves: Vec<i32>,
}

impl Counts {
    #[expect(clippy::cast_possible_truncation, reason = "the sum of all is held below 2^31")]
    fn of(tree: &Tree) -> Self {
        let covers = Covers::of(tree);
        let rows = covers.of_child(tree.root());
        let fits = f64::from(i32::MAX);
        // Half of the room is for leaves that are held at 1.
        let share = if rows <= fits { 1.0 } else { fits / 2.0 / rows };
        let leaves: Vec<i32> = covers.leaves.iter().map(|rows| ((rows * share) as i32).max(1)).collect();
        let mut counts = Self { splits: vec![0; tree.splits().len()], leaves };
        for (index, split) in tree.splits().iter().enumerate().rev() {
            counts.splits[index] = counts.of_child(split.left).saturating_add(counts.of_child(split.right));
        }
        counts
    }

    fn of_child(&self, child: Child) -> i32 {
        match child {
            Child::Split(split) => self.splits[split],
            Child::Leaf(leaf) => self.leaves[leaf],
        }
    }
}

/// For each split, the mean over its training rows of the value that they get.
fn means(tree: &Tree, counts: &Counts, value: impl Fn(&Leaf) -> f64) -> Vec<f64> {
    let mut means = vec![0.0; tree.splits().len()];
    for (index, split) in tree.splits().iter().enumerate().rev() {
        let part = |child: Child| {
            let mean = match child {
                Child::Split(split) => means[split],
                Child::Leaf(leaf) => value(&tree.leaves()[leaf]),
            };
            mean * f64::from(counts.of_child(child)) / f64::from(counts.splits[index])
        };
        means[index] = part(split.left) + part(split.right);
    }
    means
}

/// The thresholds of a tree; for categories, the number of a set of bits.
struct CategorySets {
    /// By split.
    thresholds: Vec<String>,
    /// Where each set begins in `words`, and where the last one ends.
    boundaries: Vec<usize>,
    /// A bit for each category code, 32 codes a word.
    words: Vec<u32>,
}

impl CategorySets {
    fn of(splits: &[Split], bins: &[FeatureBins]) -> Self {
        let mut sets = Self { thresholds: Vec::new(), boundaries: vec![0], words: Vec::new() };
        for split in splits {
            let threshold = match (&split.test, &bins[split.feature]) {
                (Test::AtMost(bin), FeatureBins::Numeric(cuts)) => precise(cuts.threshold(*bin)),
                (Test::OneOf(chosen), FeatureBins::Categorical(categories)) => {
                    sets.add(chosen.iter().map(|bin| categories.codes()[usize::from(*bin)]))
                }
                _ => unreachable!("trees are checked against the kinds of their features"),
            };
            sets.thresholds.push(threshold);
        }
        sets
    }

    /// Adds a set of rising codes and returns its number. A set has at least one word.
    fn add(&mut self, codes: impl Iterator<Item = u32>) -> String {
        let first = self.words.len();
        self.words.push(0);
        for code in codes.take_while(|code| *code < CODES_END) {
            let word = first + (code / 32) as usize;
            if word >= self.words.len() {
                self.words.resize(word + 1, 0);
            }
            self.words[word] |= 1 << (code % 32);
        }
        self.boundaries.push(self.words.len());
        (self.boundaries.len() - 2).to_string()
    }
}

/// Names without spaces, control characters and what JSON or this format reads otherwise; different names stay
/// different, and names without such characters stay as they are.
fn clean_names(names: &[String]) -> Vec<String> {
    let clean = |name: &String| {
        let keep = |letter: char| !(letter.is_whitespace() || letter.is_control() || ",:[]{}\"\\=".contains(letter));
        let cleaned: String = name.chars().map(|letter| if keep(letter) { letter } else { '_' }).collect();
        if cleaned.is_empty() { "_".to_owned() } else { cleaned }
    };
    let cleaned: Vec<String> = names.iter().map(clean).collect();
    let kept = names.iter().zip(&cleaned).filter(|(name, cleaned)| name == cleaned);
    let mut taken: HashSet<String> = kept.map(|(name, _)| name.clone()).collect();
    let unique = |(name, cleaned): (&String, String)| {
        if *name == cleaned || taken.insert(cleaned.clone()) {
            return cleaned;
        }
        let numbered = (2_usize..).map(|number| format!("{cleaned}_{number}"));
        let mut free = numbered.filter(|name| taken.insert(name.clone()));
        free.next().expect("numbers do not end")
    };
    names.iter().zip(cleaned).map(unique).collect()
}
