//! What init says to a person.

use anstyle::{AnsiColor, Style};

use super::files::{Change, What};
use super::layout::Layout;
use super::{Asked, Report};
use crate::report::{Look, printable, shell_quote};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const COMES: Style = AnsiColor::Green.on_default();
const GOES: Style = AnsiColor::Red.on_default();
const PLACE: Style = AnsiColor::Cyan.on_default();

/// The lines that a person types next.
pub(super) fn next(asked: &Asked, layout: &Layout, changes: &[Change]) -> Vec<String> {
    let written: Vec<&str> =
        changes.iter().filter(|change| change.is_written()).map(|change| change.path).collect();
    if !asked.apply && !written.is_empty() {
        return vec![format!("{} --apply", asked.command)];
    }
    let mut next = Vec::new();
    if !written.is_empty() {
        let home = shell_quote(&layout.home);
        next.push(format!("git add {}", written.join(" ")));
        next.push("git commit -m 'Follow upstream releases with patch-moi'".to_owned());
        next.push("patch-moi run --dry-run".to_owned());
        next.push(format!("git push origin {home}"));
    }
    next.push("patch-moi doctor".to_owned());
    next
}

/// All of it.
pub(super) fn text(report: &Report, look: &Look) -> String {
    let mut text = format!(
        "workspace  {}\nlayout     {}:\n           {}\n           known because {}\nupstream   {}  {}\n           {}\naction     {}@{} # {}\n           {}\n\n",
        printable(&report.workspace),
        report.layout.kind.name(),
        report.layout.kind.meaning(),
        printable(&report.layout.because),
        report.upstream.repo,
        printable(&report.upstream.url),
        printable(&report.upstream.words),
        report.action.repo,
        report.action.commit,
        printable(&report.action.comment),
        printable(&report.action.words),
    );
    report.files.iter().for_each(|change| text += &file(change, report.applied));
    for note in &report.notes {
        text += &format!("{DIM}note{DIM:#} {}\n", printable(note));
    }
    if !report.notes.is_empty() {
        text.push('\n');
    }
    let pending = report.files.iter().any(Change::is_written);
    text += match (pending, report.applied) {
        (false, _) => "Nothing to do: everything is there.\n",
        (true, true) => "Written.\n",
        (true, false) => "Nothing is written yet.\n",
    };
    text += "\nnext\n";
    report.next.iter().for_each(|line| text += &format!("  {}\n", printable(line)));
    if pending {
        text += &settings(report);
    }
    if look.ascii { text.replace(['“', '”'], "\"") } else { text }
}

/// One file with its difference.
fn file(change: &Change, applied: bool) -> String {
    let what = match (change.what, applied) {
        (What::Create, false) => "to be created",
        (What::Create, true) => "created",
        (What::Change, false) => "to be changed",
        (What::Change, true) => "changed",
        (What::Overwrite, false) => "to be overwritten",
        (What::Overwrite, true) => "overwritten",
        (What::Kept, _) => "kept as it is; init would write",
        (What::Unchanged, _) => "as it should be",
    };
    let mut text = format!("{BOLD}{}{BOLD:#}  {what}\n", change.path);
    if change.what == What::Unchanged {
        return text;
    }
    let old = if change.what == What::Create { "/dev/null" } else { change.path };
    text += &format!("{BOLD}--- {old}{BOLD:#}\n{BOLD}+++ {}{BOLD:#}\n", change.path);
    for line in change.diff.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => COMES,
            Some(b'-') => GOES,
            Some(b'@') => PLACE,
            _ => Style::new(),
        };
        text += &format!("{style}{}{style:#}\n", printable(line));
    }
    text + "\n"
}

/// What is left to a person.
fn settings(report: &Report) -> String {
    let mut text = "\nsettings, once\n".to_owned();
    for (number, setting) in report.settings.iter().enumerate() {
        let (what, why, link) = setting.parts();
        text += &format!("  {}. {what}: {why}\n     {}\n", number + 1, printable(link));
    }
    text += "\ntokens\n";
    for gives in &report.tokens {
        text += &format!("  {}\n     {}\n", gives.token, gives.gives);
    }
    text
}
