//! A model from `LightGBM`'s text. Whatever the text, reading gives a consistent model or says what is wrong, and takes
//! memory in proportion to the text.

mod features;
mod tree;

use linfa::ParamGuard;

use super::fields::{Fields, words};
use super::{FLOATS, LightGbmTextError, Section, pandas, params};

use super::super::calibration::Calibration;
use super::super::model::{Gbdt, TrainingFacts};
use super::super::tree::{Leaf, Tree};
use features::Features;
use tree::ReadTree;

/// More binary places than these are not stored.
const LEAF_BITS_MAX: u8 = 30;

impl Gbdt {
    /// The model that `LightGBM` 4 wrote, trained for `binary` with any `sigmoid`, or that [`Gbdt::to_lightgbm_text`]
    /// wrote. Leaf values are rounded to 2^-30, or coarser where their sum is above 2. Cuts and categories are those
    /// that trees test for. Parameters are taken where the text has them, of the facts the number of rows.
    ///
    /// ```
    /// # use gbdt::{GbdtParams, Table};
    /// # use linfa::{DatasetBase, traits::Fit};
    /// # use ndarray::Array1;
    /// # let rows: Vec<f32> = (0..500_u16).map(f32::from).collect();
    /// # let labels: Array1<bool> = rows.iter().map(|value| *value > 250.0).collect();
    /// # let table = Table::new(vec!["value".into()], vec![rows])?;
    /// # let params = linfa::ParamGuard::check(GbdtParams::default().trees_max(20))?;
    /// # let model = params.fit(&DatasetBase::new(table.clone(), labels))?;
    /// use gbdt::{Gbdt, LightGbmTextError};
    ///
    /// let read = Gbdt::from_lightgbm_text(&model.to_lightgbm_text())?;
    /// let pairs = read.raw_scores(&table).into_iter().zip(model.raw_scores(&table));
    /// assert!(pairs.into_iter().all(|(read, written)| (read - written).abs() < 1e-6));
    /// assert_eq!(Gbdt::from_lightgbm_text("PK"), Err(LightGbmTextError::NotAModel));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_lightgbm_text(text: &str) -> Result<Self, LightGbmTextError> {
        let sections = Sections::of(text.trim_start_matches('\u{feff}'))?;
        let header = Header::read(&sections.header)?;
        let trees = sections.trees.into_iter().enumerate();
        let trees = trees.map(|(index, lines)| ReadTree::new(&Fields::new(Section::Tree(index), lines.into_iter())));
        let trees: Vec<ReadTree> = trees.collect::<Result<_, _>>()?;
        let category_names = pandas::names(sections.rest.iter().copied(), header.infos, header.names.len())?;
        let features = Features::of(&header.names, category_names, &trees)?;
        let (leaf_bits, trees) = checked_trees(&trees, &features)?;
        let facts = facts(&trees);
        let Features { bins, .. } = features;
        let params = params::read(sections.rest.into_iter()).check().expect("only valid parameters are set");
        let Header { names: feature_names, calibration, doubles, .. } = header;
        Ok(Self { feature_names, bins, leaf_bits, base_score: 0.0, trees, calibration, params, facts, doubles })
    }
}

/// The lines of a text.
struct Sections<'a> {
    header: Vec<&'a str>,
    /// For each tree, the lines after `Tree=`.
    trees: Vec<Vec<&'a str>>,
    /// What follows `end of trees`.
    rest: Vec<&'a str>,
}

impl<'a> Sections<'a> {
    fn of(text: &'a str) -> Result<Self, LightGbmTextError> {
        let mut lines = text.lines().filter(|line| !line.is_empty());
        if lines.next() != Some("tree") {
            return Err(LightGbmTextError::NotAModel);
        }
        let mut sections = Self { header: Vec::new(), trees: Vec::new(), rest: Vec::new() };
        let mut ended = false;
        for line in lines.by_ref() {
            if line == "end of trees" {
                ended = true;
                break;
            } else if line.starts_with("Tree=") {
                sections.trees.push(Vec::new());
            } else {
                sections.trees.last_mut().unwrap_or(&mut sections.header).push(line);
            }
        }
        sections.rest = lines.collect();
        if ended { Ok(sections) } else { Err(LightGbmTextError::Truncated) }
    }
}

/// What is said before the trees.
struct Header<'a> {
    names: Vec<String>,
    calibration: Calibration,
    /// What is said of the features' values.
    infos: Option<&'a str>,
    /// Whether numbers are compared as 64-bit floats.
    doubles: bool,
}

impl<'a> Header<'a> {
    fn read(lines: &[&'a str]) -> Result<Self, LightGbmTextError> {
        let fields = Fields::new(Section::Header, lines.iter().copied());
        let version = fields.text("version")?;
        if version != "v4" {
            return Err(LightGbmTextError::Version(version.chars().take(20).collect()));
        }
        for field in ["num_class", "num_tree_per_iteration"] {
            let classes = fields.number(field)?;
            if classes != 1 {
                return Err(LightGbmTextError::Classes(classes));
            }
        }
        if fields.optional("average_output").is_some() {
            return Err(LightGbmTextError::Averaged);
        }
        let calibration = calibration(&fields)?;
        let infos = fields.optional("feature_infos");
        let doubles = fields.optional(FLOATS) != Some("32");
        Ok(Self { names: names(&fields)?, calibration, infos, doubles })
    }
}

/// Probabilities are the sigmoid of raw scores times a slope.
fn calibration(fields: &Fields) -> Result<Calibration, LightGbmTextError> {
    let objective = fields.text("objective")?;
    let mut parts = words(objective);
    let (name, slope) = (parts.next(), parts.next().unwrap_or("sigmoid:1"));
    match (name, slope.strip_prefix("sigmoid:"), parts.next()) {
        (Some("binary"), Some(slope), None) => {
            let calibration = slope.parse().ok().and_then(|slope| Calibration::new(slope, 0.0));
            calibration.ok_or_else(|| fields.wrong("objective", objective))
        }
        _ => Err(LightGbmTextError::Objective(objective.chars().take(60).collect())),
    }
}

fn names(fields: &Fields) -> Result<Vec<String>, LightGbmTextError> {
    let last: i64 = fields.number("max_feature_idx")?;
    let expected = last.checked_add(1).and_then(|count| usize::try_from(count).ok());
    let expected = expected.ok_or_else(|| fields.wrong("max_feature_idx", &last.to_string()))?;
    let names: Vec<String> = fields.numbers("feature_names", expected)?;
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(LightGbmTextError::DuplicateFeature(pair[0].clone())),
        None => Ok(names),
    }
}

/// The trees, and the most binary places of their leaves with which sums of leaves still fit.
fn checked_trees(trees: &[ReadTree], features: &Features) -> Result<(u8, Vec<Tree>), LightGbmTextError> {
    let largest = |tree: &ReadTree| tree.leaf_values.iter().fold(0.0, |largest, value| value.abs().max(largest));
    let largest: Vec<f64> = trees.iter().map(largest).collect();
    // As `Gbdt::sums_fit` will see it; sums of whole numbers this small are exact.
    let fits = |bits: &u8| {
        let sum: f64 = largest.iter().map(|value| (value * f64::from(*bits).exp2()).round()).sum();
        sum <= f64::from(i32::MAX)
    };
    let leaf_bits = (0..=LEAF_BITS_MAX).rev().find(fits).ok_or(LightGbmTextError::LeafValues)?;
    let checked = trees.iter().enumerate().map(|(index, tree)| {
        let splits = tree.splits.iter().map(|split| features.split(split)).collect();
        let leaves = tree.leaf_values.iter().zip(&tree.leaf_rows);
        let leaves = leaves.map(|(&value, &rows)| Leaf { value: in_units(value, leaf_bits), rows }).collect();
        let broken = |source| LightGbmTextError::Tree { tree: index, source };
        Tree::new(splits, leaves, &features.bins).map_err(broken)
    });
    let checked = checked.collect::<Result<Vec<_>, _>>()?;
    if Gbdt::sums_fit(&checked) { Ok((leaf_bits, checked)) } else { Err(LightGbmTextError::LeafValues) }
}

#[expect(clippy::cast_possible_truncation, reason = "the largest was found to fit")]
fn in_units(value: f64, leaf_bits: u8) -> i32 {
    (value * f64::from(leaf_bits).exp2()).round() as i32
}

fn facts(trees: &[Tree]) -> TrainingFacts {
    let rows = |tree: &Tree| tree.leaves().iter().fold(0, |sum: u64, leaf| sum.saturating_add(leaf.rows));
    let rows = trees.iter().map(rows).max().unwrap_or(0);
    TrainingFacts {
        rows: usize::try_from(rows).unwrap_or(usize::MAX),
        negatives_kept: 1.0,
        trees_grown: trees.len(),
        ..TrainingFacts::default()
    }
}
