//! The stack as a picture: a column of nodes, the release on top, and lines from what waits to what
//! it waits for.

use std::collections::HashMap;

use maud::{Markup, html as markup};

use crate::ids::CommitId;
use crate::stack::{Carry, Patch, Verdict};

/// The height of a row in pixels; the style sheet gives the table's rows the same.
const ROW: usize = 34;
/// The room on both sides of the column of nodes.
const MARGIN: usize = 14;
/// The distance of two lines beside each other.
const LANE: usize = 10;
/// So many lines lie beside each other before two share a lane.
const LANES: usize = 5;

/// The picture of a stack, one row higher than the stack is long: the release has the first.
pub(super) fn picture(carry: &Carry) -> Markup {
    let (column, width) = (column(carry), width(carry));
    let height = ROW * (carry.patches.len() + 1);
    let places: HashMap<CommitId, usize> = carry.patches.iter().map(|patch| patch.commit).zip(1..).collect();
    let held = held_until(carry);
    markup! {
        svg viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) role="img"
            aria-label="The stack as a column of patches; lines lead from blocked patches to what blocks them" {
            line.held x1=(column) y1=(middle(0)) x2=(column) y2=(middle(held)) {}
            @if held < carry.patches.len() {
                line.gapped x1=(column) y1=(middle(held)) x2=(column) y2=(middle(carry.patches.len())) {}
            }
            @for (place, patch) in (1..).zip(&carry.patches) {
                @if let Some(blocker) = patch.blocked_by.and_then(|by| places.get(&by)) {
                    path.waits d=(bow(column, *blocker, place, lane(carry, *blocker))) {}
                }
            }
            rect.onto x=(column - 7) y=(middle(0) - 7) width="14" height="14" rx="3" {}
            @for (place, patch) in (1..).zip(&carry.patches) {
                (node(patch, column, place))
            }
        }
    }
}

/// How wide the picture is, in pixels.
pub(super) fn width(carry: &Carry) -> usize {
    column(carry) + MARGIN
}

/// Where the column of nodes stands: right of the lanes that are in use.
fn column(carry: &Carry) -> usize {
    let lanes = carry.counts.conflict.min(LANES);
    let room = if carry.counts.blocked > 0 { 14 + LANE * lanes } else { 0 };
    MARGIN + room
}

/// How far the candidate reaches: the row of its last patch.
fn held_until(carry: &Carry) -> usize {
    if carry.candidate.complete {
        return carry.patches.len();
    }
    let last = carry.patches.iter().rposition(|patch| patch.new_commit == Some(carry.candidate.commit));
    last.map_or(0, |at| at + 1)
}

fn middle(row: usize) -> usize {
    ROW * row + ROW / 2
}

/// The lane of a blocker: its place among the patches that others wait for.
fn lane(carry: &Carry, blocker: usize) -> usize {
    let before = &carry.patches[..blocker - 1];
    before.iter().filter(|patch| patch.verdict == Verdict::Conflict).count() % LANES
}

/// A line from the row `waits` to the row `blocker` and back to the column.
fn bow(column: usize, blocker: usize, waits: usize, lane: usize) -> String {
    let x = column - 22 - LANE * lane;
    let (top, bottom, edge) = (middle(blocker), middle(waits), column - 8);
    format!(
        "M{edge} {bottom} H{} Q{x} {bottom} {x} {} V{} Q{x} {top} {} {top} H{edge}",
        x + 8,
        bottom - 8,
        top + 8,
        x + 8
    )
}

fn node(patch: &Patch, column: usize, place: usize) -> Markup {
    let (x, y) = (column, middle(place));
    let class = patch.verdict.name();
    markup! {
        @match patch.verdict {
            Verdict::Conflict => {
                circle.(class) cx=(x) cy=(y) r="8" {}
                path.cross d=(format!("M{} {} l6 6 m0 -6 l-6 6", x - 3, y - 3)) {}
            }
            Verdict::Upstreamed | Verdict::Empty | Verdict::Blocked => {
                circle.(class) cx=(x) cy=(y) r="6" {}
            }
            Verdict::Clean | Verdict::Merged | Verdict::Resolved => {
                @if patch.merge {
                    path.(class) d=(format!("M{x} {} l8 8 l-8 8 l-8 -8 z", y - 8)) {}
                } @else {
                    circle.(class) cx=(x) cy=(y) r="6" {}
                }
            }
        }
    }
}
