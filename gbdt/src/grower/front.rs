//! The leaves of a tree while it is grown, whole and parted, and which of them the tree splits.

use super::super::splitter::{Bounds, Candidate};
use super::super::tree::{Child, Split};
use super::{Children, Grown, Leaf};

/// All leaves there ever were, the root first.
pub(super) struct Front<'a> {
    nodes: Vec<Node<'a>>,
    splits_max: usize,
    /// Somebody who had a leaf in hand will not bring it back.
    abandoned: bool,
}

struct Node<'a> {
    /// By how much its best split lets the loss fall; negative infinity without one.
    gain: f64,
    bounds: Bounds,
    state: State<'a>,
}

enum State<'a> {
    Whole(Leaf<'a>),
    /// Somebody is parting it.
    InHand,
    Parted {
        candidate: Candidate,
        left: usize,
        right: usize,
    },
}

/// A leaf that is to be parted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    node: usize,
    /// Whether anybody will ask how its children could be split: not after the last split that there is room for.
    pub(super) judged: bool,
}

/// The split that leads to a leaf, and on which side.
#[derive(Debug, Clone, Copy)]
enum Above {
    Nothing,
    LeftOf(usize),
    RightOf(usize),
}

impl<'a> Front<'a> {
    pub(super) fn new(root: Leaf<'a>, splits_max: usize) -> Self {
        Self { nodes: vec![Node::whole(root)], splits_max, abandoned: false }
    }

    /// The next leaves to part, at most so many: those that are split next if the children of leaves that are still to be
    /// parted gain little. And whether, as far as the tree reaches, a leaf is in somebody's hand.
    pub(super) fn wanted(&self, max: usize) -> (Vec<Wanted>, bool) {
        let (mut open, mut wanted, mut in_hand) = (vec![0], Vec::new(), false);
        if self.abandoned {
            return (wanted, in_hand);
        }
        for split in 0..self.splits_max {
            let Some(leaf) = self.next(&open) else { break };
            match self.nodes[open[leaf]].state {
                State::Parted { left, right, .. } => {
                    open[leaf] = left;
                    open.push(right);
                    continue;
                }
                State::Whole(_) => wanted.push(Wanted { node: open[leaf], judged: split + 1 < self.splits_max }),
                State::InHand => in_hand = true,
            }
            open.remove(leaf);
            if wanted.len() == max {
                break;
            }
        }
        (wanted, in_hand)
    }

    /// The leaf to split next: the one with the greatest gain, the earlier among equals.
    fn next(&self, open: &[usize]) -> Option<usize> {
        let gains = open.iter().map(|&node| self.nodes[node].gain).enumerate();
        let best = gains.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.filter(|(_, gain)| *gain > f64::NEG_INFINITY).map(|(leaf, _)| leaf)
    }

    /// How many rows a whole leaf has; 0 for others.
    pub(super) fn rows(&self, wanted: Wanted) -> usize {
        if let State::Whole(leaf) = &self.nodes[wanted.node].state { leaf.rows.len() } else { 0 }
    }

    /// Panics unless the leaf was wanted since the last change.
    pub(super) fn take(&mut self, wanted: Wanted) -> Leaf<'a> {
        match std::mem::replace(&mut self.nodes[wanted.node].state, State::InHand) {
            State::Whole(leaf) => leaf,
            State::InHand | State::Parted { .. } => unreachable!("only whole leaves are wanted"),
        }
    }

    pub(super) fn put(&mut self, wanted: Wanted, (candidate, children): (Candidate, Children<'a>)) {
        let left = self.nodes.len();
        self.nodes.extend([children.left, children.right].map(Node::whole));
        self.nodes[wanted.node].state = State::Parted { candidate, left, right: left + 1 };
    }

    /// Nobody shall wait for what is in hand.
    pub(super) fn abandon(&mut self) {
        self.abandoned = true;
    }

    /// The tree, once nothing is wanted. The left child of a leaf takes its index, the right child the next free one.
    pub(super) fn grown(&self) -> Grown {
        let (mut open, mut above, mut splits) = (vec![0], vec![Above::Nothing], Vec::<Split>::new());
        while splits.len() < self.splits_max {
            let Some(leaf) = self.next(&open) else { break };
            let State::Parted { candidate, left, right } = &self.nodes[open[leaf]].state else { break };
            let split = splits.len();
            match above[leaf] {
                Above::LeftOf(parent) => splits[parent].left = Child::Split(split),
                Above::RightOf(parent) => splits[parent].right = Child::Split(split),
                Above::Nothing => {}
            }
            splits.push(Split {
                feature: candidate.feature,
                test: candidate.test.clone(),
                missing_left: candidate.missing_left,
                left: Child::Leaf(leaf),
                right: Child::Leaf(open.len()),
                gain: candidate.gain,
            });
            (open[leaf], above[leaf]) = (*left, Above::LeftOf(split));
            open.push(*right);
            above.push(Above::RightOf(split));
        }
        Grown { splits, bounds: open.into_iter().map(|node| self.nodes[node].bounds).collect() }
    }

    /// The leaves that are whole.
    pub(super) fn into_leaves(self) -> impl Iterator<Item = Leaf<'a>> {
        self.nodes.into_iter().filter_map(|node| match node.state {
            State::Whole(leaf) => Some(leaf),
            State::InHand | State::Parted { .. } => None,
        })
    }
}

impl<'a> Node<'a> {
    fn whole(leaf: Leaf<'a>) -> Self {
        let gain = leaf.best.as_ref().map_or(f64::NEG_INFINITY, |best| best.gain);
        Self { gain, bounds: leaf.bounds, state: State::Whole(leaf) }
    }
}
