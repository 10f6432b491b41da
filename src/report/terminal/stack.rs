//! The stack as rows, a patch each.

use crate::report::terminal::style::{BAD, DIM, fit, glyphs, paint, quotes, sign, width, wrap};
use crate::report::terminal::{Look, line};
use crate::report::words::{counted, label, patches, place, reason, shown};
use crate::stack::{Carry, Patch, Verdict};

/// Above this many patches only those are listed that need somebody.
const LONG_STACK: usize = 60;
/// So many rows at most, whatever happened.
const MOST_ROWS: usize = 200;
/// So many paths of one conflict.
const MOST_PATHS: usize = 12;
/// Below this many columns paths and reasons go into lines of their own.
const NARROW: usize = 80;
/// The columns before the subject: margin, sign, number and verdict.
const BEFORE_SUBJECT: usize = 2 + 2 + 5 + 12;

/// One row, its words ready.
struct Row<'a> {
    number: usize,
    patch: &'a Patch,
    subject: String,
    place: String,
    reason: String,
}

/// The patches of a carry, oldest first, in columns that fit the width. What does not fit beside a
/// patch goes into a line below it.
pub(super) fn rows(text: &mut String, carry: &Carry, tag: &str, look: &Look) {
    let whole = look.verbose || carry.patches.len() <= LONG_STACK;
    let listed = (1..).zip(&carry.patches).filter(|(_, patch)| whole || patch.verdict.is_open());
    let mut rows: Vec<Row<'_>> = listed.map(|(number, patch)| row(carry, number, patch, tag, look)).collect();
    let cut_off = rows.len().saturating_sub(if look.verbose { usize::MAX } else { MOST_ROWS });
    rows.truncate(rows.len() - cut_off);

    let room = look.width.saturating_sub(BEFORE_SUBJECT);
    let is_narrow = look.width < NARROW;
    let subject = columns(rows.iter().map(|row| &row.subject), if is_narrow { room } else { room / 2 });
    let place = if is_narrow { 0 } else { columns(rows.iter().map(|row| &row.place), look.width / 4) };
    for row in &rows {
        row_lines(text, row, subject, place, look);
    }
    let unlisted = carry.patches.len() - rows.len();
    if unlisted > 0 {
        let settled = if cut_off > 0 { "more" } else { "that need nobody" };
        line(text, &paint(DIM, &format!("  {} {} {settled}", glyphs(look).cut, patches(unlisted))));
    }
}

/// `8 carried · 1 upstreamed · 1 needs you · 2 wait for it`
pub(super) fn counts_line(carry: &Carry, look: &Look) -> String {
    let counted: Vec<String> = counted(&carry.counts)
        .into_iter()
        .map(|(verdict, words)| if verdict == Verdict::Conflict { paint(BAD, &words) } else { words })
        .collect();
    if counted.is_empty() { "no patches".to_owned() } else { counted.join(glyphs(look).between) }
}

fn row<'a>(carry: &Carry, number: usize, patch: &'a Patch, tag: &str, look: &Look) -> Row<'a> {
    let asks = patch.verdict == Verdict::Conflict;
    let place = match patch.conflicts.as_slice() {
        [conflict] if asks => place(conflict),
        [_, _, ..] if asks => format!("{} paths", patch.conflicts.len()),
        _ => String::new(),
    };
    let why = reason(carry, patch, tag);
    // Whoever has to settle a patch needs the commit, and nobody else does.
    let commit = patch.verdict.is_open().then(|| patch.commit.short());
    let words: Vec<String> = commit.into_iter().chain(why).collect();
    let reason = quotes(&words.join(", "), look);
    Row { number, patch, subject: shown(&patch.subject), place, reason }
}

/// The width of a column: as wide as its widest word, and at most `most`.
fn columns<'a>(words: impl Iterator<Item = &'a String>, most: usize) -> usize {
    words.map(|word| width(word)).max().unwrap_or(0).min(most.max(12))
}

fn row_lines(text: &mut String, row: &Row<'_>, subject: usize, place_width: usize, look: &Look) {
    let (sign, style) = sign(row.patch.verdict, look);
    let label = paint(style, &format!("{:<10}", label(row.patch.verdict)));
    let mut columns = fit(&row.subject, subject, look);
    if place_width > 0 {
        columns = format!("{columns}  {}", fit(&row.place, place_width, look));
    }
    let used = BEFORE_SUBJECT + width(&columns) + 2;
    let beside = !row.reason.is_empty() && used + width(&row.reason) <= look.width;
    if beside {
        columns = format!("{columns}  {}", row.reason);
    }
    line(text, &format!("  {} {:04} {label}  {}", paint(style, sign), row.number, columns.trim_end()));

    let margin = " ".repeat(BEFORE_SUBJECT);
    let room = look.width.saturating_sub(BEFORE_SUBJECT).max(40);
    if !beside && !row.reason.is_empty() {
        wrap(&row.reason, room).iter().for_each(|part| line(text, &format!("{margin}{part}")));
    }
    if row.patch.verdict == Verdict::Conflict {
        let place_was_cut = width(&row.place) > place_width;
        if row.patch.conflicts.len() > 1 || place_was_cut {
            paths(text, row.patch, &margin, look);
        }
    }
    for note in &row.patch.notes {
        wrap(&shown(note), room).iter().for_each(|part| line(text, &format!("{margin}{}", paint(DIM, part))));
    }
}

/// Every path of a conflict in a line of its own, and whole: a person opens it.
fn paths(text: &mut String, patch: &Patch, margin: &str, look: &Look) {
    for conflict in patch.conflicts.iter().take(MOST_PATHS) {
        line(text, &format!("{margin}- {}", place(conflict)));
    }
    if patch.conflicts.len() > MOST_PATHS {
        let more = patch.conflicts.len() - MOST_PATHS;
        line(text, &format!("{margin}{} {more} more", glyphs(look).cut));
    }
}
