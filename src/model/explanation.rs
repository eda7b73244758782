//! Says in a few rules who is in a segment: a shallow tree that imitates the choice, made from linfa's decision trees.
//!
//! linfa finds each test on the rows of one node; growing, routing and judging leaves are done here, because its deeper
//! trees skip cuts between values that the node's rows share with others, break ties by chance, and route by another
//! comparison than they train by. Nothing here depends on threads or on the order of a hash map.

mod stump;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use self::stump::{Sample, Stump};
use gbdt::Table;

/// Tests in a row, at most.
const DEPTH_MAX: usize = 3;

/// Rules, at most.
const RULES_MAX: usize = 3;

/// Who is in a segment, in rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Surrogate {
    /// At most three, the largest share of the segment first; none when no test tells the segment from the rest.
    pub rules: Vec<SurrogateRule>,
    /// Share of rows for which the rules and the segment agree, balanced over both sides; 0.5 is chance.
    pub fidelity: f64,
}

/// Rows that pass all tests are, more often than others, in the segment.
#[derive(Debug, Clone, PartialEq)]
pub struct SurrogateRule {
    /// Feature (index of the table's column) and test, at most one of each kind for each feature.
    pub tests: Vec<(usize, Test)>,
    /// Share of the segment that passes.
    pub share_of_segment: f64,
    /// Share of those that pass who are in the segment.
    pub precision: f64,
}

/// What a test asks of a value. A missing value counts as the median of its column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Test {
    AtMost(f64),
    Above(f64),
}

/// The tree, with the rows of the whole table counted at its leaves.
enum Node {
    /// Rows that end here are said to be in the segment.
    Inside(Counts),
    Outside,
    Split {
        stump: Stump,
        at_most: Box<Node>,
        above: Box<Node>,
    },
}

/// Rows on both sides of the segment's border.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    inside: usize,
    outside: usize,
}

/// A path to a leaf that is inside.
struct Path {
    tests: Vec<(usize, Test)>,
    counts: Counts,
}

/// Imitates `in_segment`, which has one value for each row, by rules over the table's columns. Tests are searched on a
/// seeded sample, shares and fidelity counted on all rows. Panics when rows and values differ in number.
pub fn surrogate(table: &Table, in_segment: &[bool], seed: u64) -> Surrogate {
    assert_eq!(table.rows(), in_segment.len(), "one value for each row");
    let all = Counts::of(in_segment.iter().copied());
    if all.inside == 0 || all.outside == 0 {
        return Surrogate { rules: Vec::new(), fidelity: 0.5 };
    }
    let sample = Sample::draw(table, in_segment, &mut ChaCha8Rng::seed_from_u64(seed));
    let rows: Vec<usize> = (0..table.rows()).collect();
    let tree = Grower { sample: &sample, in_segment, all }.grow(sample.rows(), &rows, 0);
    let mut paths = Vec::new();
    collect_paths(&tree, &mut Vec::new(), &mut paths);
    // A stable sort: equal shares stay in the order of the tree.
    paths.sort_by_key(|path| std::cmp::Reverse(path.counts.inside));
    paths.truncate(RULES_MAX);
    let fidelity = balanced_agreement(&paths, all);
    Surrogate { rules: paths.into_iter().map(|path| path.into_rule(all)).collect(), fidelity }
}

struct Grower<'a> {
    sample: &'a Sample<'a>,
    in_segment: &'a [bool],
    all: Counts,
}

impl Grower<'_> {
    /// The tree below a node that holds `sampled` rows of the sample and `rows` of the table.
    fn grow(&self, sampled: &[usize], rows: &[usize], depth: usize) -> Node {
        let stump = if depth < DEPTH_MAX { self.sample.best(sampled) } else { None };
        let Some(stump) = stump else { return self.leaf(rows) };
        let part = |rows: &[usize]| -> (Vec<usize>, Vec<usize>) {
            rows.iter().partition(|&&row| self.sample.is_at_most(row, &stump))
        };
        let (sampled_at_most, sampled_above) = part(sampled);
        let (rows_at_most, rows_above) = part(rows);
        let at_most = self.grow(&sampled_at_most, &rows_at_most, depth + 1);
        let above = self.grow(&sampled_above, &rows_above, depth + 1);
        match (at_most, above) {
            (Node::Inside(one), Node::Inside(other)) => Node::Inside(one.plus(other)),
            (Node::Outside, Node::Outside) => Node::Outside,
            (at_most, above) => Node::Split { stump, at_most: Box::new(at_most), above: Box::new(above) },
        }
    }

    /// Inside when the rows hold a larger share of the segment than of the rest.
    fn leaf(&self, rows: &[usize]) -> Node {
        let counts = Counts::of(rows.iter().map(|&row| self.in_segment[row]));
        let inside = counts.inside as u128 * self.all.outside as u128;
        let outside = counts.outside as u128 * self.all.inside as u128;
        if inside > outside { Node::Inside(counts) } else { Node::Outside }
    }
}

fn collect_paths(node: &Node, tests: &mut Vec<(usize, Test)>, paths: &mut Vec<Path>) {
    match node {
        Node::Outside => {}
        Node::Inside(counts) => paths.push(Path { tests: merged(tests), counts: *counts }),
        Node::Split { stump, at_most, above } => {
            let value = f64::from(stump.value);
            for (test, child) in [(Test::AtMost(value), at_most), (Test::Above(value), above)] {
                tests.push((stump.feature, test));
                collect_paths(child, tests, paths);
                tests.pop();
            }
        }
    }
}

/// Keeps the narrower of two tests of the same kind on the same feature, in the place of the first.
fn merged(tests: &[(usize, Test)]) -> Vec<(usize, Test)> {
    let mut merged: Vec<(usize, Test)> = Vec::new();
    for &(feature, test) in tests {
        let narrower = merged.iter_mut().find_map(|(own_feature, own)| {
            let both = if *own_feature == feature { own.and(test) } else { None };
            both.map(|both| *own = both)
        });
        if narrower.is_none() {
            merged.push((feature, test));
        }
    }
    merged
}

impl Test {
    /// One test that asks for both; `None` when they are of different kinds.
    fn and(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::AtMost(one), Self::AtMost(other)) => Some(Self::AtMost(one.min(other))),
            (Self::Above(one), Self::Above(other)) => Some(Self::Above(one.max(other))),
            _ => None,
        }
    }
}

impl Counts {
    fn of(rows: impl Iterator<Item = bool>) -> Self {
        rows.fold(Self::default(), |counts, inside| {
            counts.plus(Self { inside: usize::from(inside), outside: usize::from(!inside) })
        })
    }

    fn plus(self, other: Self) -> Self {
        Self { inside: self.inside + other.inside, outside: self.outside + other.outside }
    }
}

impl Path {
    fn into_rule(self, all: Counts) -> SurrogateRule {
        let Counts { inside, outside } = self.counts;
        SurrogateRule {
            tests: self.tests,
            share_of_segment: share(inside, all.inside),
            precision: share(inside, inside + outside),
        }
    }
}

/// The mean of the shares of the segment that the paths hold and of the rest that they leave out.
fn balanced_agreement(paths: &[Path], all: Counts) -> f64 {
    let held = paths.iter().fold(Counts::default(), |sum, path| sum.plus(path.counts));
    f64::midpoint(share(held.inside, all.inside), 1.0 - share(held.outside, all.outside))
}

#[expect(clippy::cast_precision_loss, reason = "row counts are below 2^53")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number of 0..=99 that looks random.
    fn dice(row: u32, column: u32) -> f32 {
        let hash = (row + 1).wrapping_mul(0x9e37_79b9).wrapping_add(column.wrapping_mul(0x85eb_ca6b));
        f32::from(u8::try_from((hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d) >> 16 & 0xff).unwrap() % 100)
    }

    fn table(rows: u32, columns: u32) -> Table {
        let names = (0..columns).map(|column| format!("column {column}")).collect();
        Table::new(names, (0..columns).map(|column| (0..rows).map(|row| dice(row, column)).collect()).collect())
            .unwrap()
    }

    #[test]
    fn a_planted_rule_is_found_and_its_tests_are_merged() {
        let table = table(20_000, 6);
        let (visits, age) = (&table.columns()[2], &table.columns()[4]);
        let in_segment: Vec<bool> =
            visits.iter().zip(age).map(|(visits, age)| *visits > 79.0 && *age <= 29.0).collect();
        let found = surrogate(&table, &in_segment, 7);
        assert_eq!(found.rules.len(), 1);
        let mut tests = found.rules[0].tests.clone();
        tests.sort_by_key(|test| test.0);
        assert_eq!(tests, [(2, Test::Above(79.0)), (4, Test::AtMost(29.0))]);
        assert!(found.rules[0].share_of_segment >= 1.0 && found.rules[0].precision >= 1.0 && found.fidelity >= 1.0);
    }

    #[test]
    fn narrower_tests_win() {
        let tests = [(1, Test::Above(3.0)), (0, Test::AtMost(9.0)), (1, Test::Above(5.0)), (1, Test::AtMost(8.0))];
        assert_eq!(merged(&tests), [(1, Test::Above(5.0)), (0, Test::AtMost(9.0)), (1, Test::AtMost(8.0))]);
    }

    #[test]
    fn the_same_rules_come_every_time() {
        let table = table(3_000, 10);
        let in_segment: Vec<bool> = (0..3_000)
            .map(|row| table.columns()[0][row] + table.columns()[1][row] + dice(0, 50) / 9.0 > 150.0)
            .collect();
        let first = surrogate(&table, &in_segment, 1);
        assert!(first.fidelity > 0.75 && !first.rules.is_empty() && first.rules.len() <= 3, "{first:?}");
        assert!(first.rules.windows(2).all(|pair| pair[0].share_of_segment >= pair[1].share_of_segment));
        for _ in 0..20 {
            assert_eq!(surrogate(&table, &in_segment, 1), first);
        }
    }

    #[test]
    fn without_a_border_or_a_signal_there_are_no_rules() {
        let none = Surrogate { rules: vec![], fidelity: 0.5 };
        let table = table(2_000, 3);
        assert_eq!(surrogate(&table, &[true; 2_000], 0), none);
        assert_eq!(surrogate(&table, &[false; 2_000], 0), none);
        let constant = Table::new(vec!["same".to_owned()], vec![vec![f32::NAN; 100]]).unwrap();
        let half: Vec<bool> = (0..100).map(|row| row % 2 == 0).collect();
        assert_eq!(surrogate(&constant, &half, 0), none);
    }

    #[test]
    fn missing_and_infinite_values_are_no_obstacle() {
        let values =
            (0..900_u16).map(|row| [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][usize::from(row % 3)]).collect();
        let table = Table::new(vec!["odd".to_owned()], vec![values]).unwrap();
        let in_segment: Vec<bool> = (0..900).map(|row| row % 3 == 1).collect();
        let found = surrogate(&table, &in_segment, 0);
        // The median of both infinities is the lower one.
        assert_eq!(found.rules[0].tests, [(0, Test::Above(f64::NEG_INFINITY))]);
    }
}
