//! The stack as a picture that runs along its table: a column of nodes, the release on top, and lines from
//! what waits to what it waits for.
//!
//! Each row draws its own part, so that a row may be as high as its words need. Everything is drawn by the
//! style sheet: a thin part of a picture is an empty element with a class.

use std::collections::HashMap;

use maud::{Markup, html as markup};

use crate::ids::CommitId;
use crate::stack::{Carry, Patch, Verdict};

/// So many lines lie beside each other before two share a lane.
const LANES: usize = 5;
/// So many changes of verdict a strip can show; a longer one would be noise.
const MOST_RUNS: usize = 600;

/// What every row has to know of the whole. Row 0 is the release's.
pub(super) struct Picture {
    rows: usize,
    /// The row of the last patch that the candidate holds.
    held: usize,
    lanes: usize,
    /// For each lane and row, whether a line goes on below it.
    below: Vec<Vec<bool>>,
    /// The rows where a line ends at a node, with its lane.
    ends: HashMap<usize, End>,
}

#[derive(Clone, Copy)]
struct End {
    lane: usize,
    is_blocker: bool,
}

impl Picture {
    pub(super) fn of(carry: &Carry) -> Self {
        let rows = carry.patches.len() + 1;
        let places: HashMap<CommitId, usize> =
            carry.patches.iter().map(|patch| patch.commit).zip(1..).collect();
        let mut last_waiter: HashMap<usize, usize> = HashMap::new();
        let mut blocker_of: Vec<(usize, usize)> = Vec::new();
        for (row, patch) in (1..).zip(&carry.patches) {
            if let Some(blocker) = patch.blocked_by.and_then(|by| places.get(&by)).filter(|at| **at < row) {
                last_waiter.insert(*blocker, row);
                blocker_of.push((row, *blocker));
            }
        }
        let mut blockers: Vec<usize> = last_waiter.keys().copied().collect();
        blockers.sort_unstable();
        let lanes = blockers.len().min(LANES);
        let mut below = vec![vec![false; rows]; lanes];
        let mut ends = HashMap::new();
        let mut lane_of = HashMap::new();
        for (at, blocker) in blockers.iter().enumerate() {
            let lane = at % LANES;
            lane_of.insert(*blocker, lane);
            ends.insert(*blocker, End { lane, is_blocker: true });
            below[lane][*blocker..last_waiter[blocker]].fill(true);
        }
        for (row, blocker) in blocker_of {
            ends.entry(row).or_insert(End { lane: lane_of[&blocker], is_blocker: false });
        }
        Self { rows, held: held_until(carry), lanes, below, ends }
    }

    /// How many lanes the lines need.
    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }

    /// The release's part.
    pub(super) fn release(&self) -> Markup {
        markup! {
            @if self.rows > 1 { i class=(format!("rail lower{}", self.kind(0))) {} }
            i.node.onto {}
        }
    }

    /// The part of the patch in `row`, counted from 1.
    pub(super) fn part(&self, row: usize, patch: &Patch) -> Markup {
        let (above, under) = (self.kind(row - 1), self.kind(row));
        let shape = if patch.merge && patch.verdict.is_carried() { " merge" } else { "" };
        markup! {
            @if row + 1 < self.rows && above == under {
                i class=(format!("rail{above}")) {}
            } @else {
                i class=(format!("rail upper{above}")) {}
                @if row + 1 < self.rows { i class=(format!("rail lower{under}")) {} }
            }
            (self.lines(row))
            i class=(format!("node {}{shape}", patch.verdict.name())) {}
        }
    }

    fn lines(&self, row: usize) -> Markup {
        let end = self.ends.get(&row);
        markup! {
            @for lane in 0..self.lanes {
                @let (above, below) = (self.below[lane][row - 1], self.below[lane][row]);
                @let ending = end.filter(|end| end.lane == lane);
                @let class = match (above, below, ending.map(|end| end.is_blocker)) {
                    (true, true, None) => "line",
                    (true, false, None) => "line upper",
                    (false, true, None) => "line lower",
                    (false, false, None) => "",
                    (true, true, Some(_)) => "line",
                    (true, false, Some(true)) => "line upper",
                    (_, _, Some(_)) => "",
                };
                @if !class.is_empty() { i class=(class) style=(place(self.lanes, lane)) {} }
                @if let Some(end) = ending {
                    i class=(if end.is_blocker { "turn down" } else { "turn up" }) style=(place(self.lanes, lane)) {}
                }
            }
        }
    }

    /// Whether the candidate goes on below a row.
    fn kind(&self, row: usize) -> &'static str {
        if row < self.held { "" } else { " gap" }
    }
}

/// The whole stack in one thin strip, the release on the left; nothing where it would be noise.
pub(super) fn strip(carry: &Carry) -> Markup {
    let mut runs: Vec<(&'static str, usize)> = Vec::new();
    for patch in &carry.patches {
        let name = colour(patch.verdict);
        match runs.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => runs.push((name, 1)),
        }
    }
    markup! {
        @if (2..=MOST_RUNS).contains(&runs.len()) {
            div.strip aria-hidden="true" {
                @for (name, count) in &runs { i class=(name) style=(format!("flex-grow:{count}")) {} }
            }
        }
    }
}

const fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clean | Verdict::Merged | Verdict::Resolved => "clean",
        other => other.name(),
    }
}

/// The first lane is the one beside the nodes.
fn place(lanes: usize, lane: usize) -> String {
    format!("--l:{}", lanes - 1 - lane)
}

/// How far the candidate reaches: the row of its last patch.
fn held_until(carry: &Carry) -> usize {
    if carry.candidate.complete {
        return carry.patches.len();
    }
    let last = carry.patches.iter().rposition(|patch| patch.new_commit == Some(carry.candidate.commit));
    last.map_or(0, |at| at + 1)
}
