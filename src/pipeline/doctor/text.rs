//! What doctor says to a person.

use anstyle::{AnsiColor, Style};

use super::Report;
use super::checks::Level;
use crate::report::{Look, printable};

/// All of it: a line for what is well, three for what is not.
pub(super) fn text(report: &Report, look: &Look) -> String {
    let mut text = format!("{}\n\n", printable(&report.workspace));
    for check in &report.checks {
        let (sign, style) = sign(check.level, look.ascii);
        let lines = format!("  {style}{sign}{style:#} {:<17} {}\n", check.name, printable(&check.found));
        text += &lines;
        if check.level != Level::Ok {
            text += &format!("      why   {}\n", check.why);
            if let Some(mend) = &check.mend {
                text += &format!("      next  {}\n", printable(mend));
            }
        }
    }
    let count = |level: Level| report.checks.iter().filter(|check| check.level == level).count();
    let counts = [
        (count(Level::Ok), "well"),
        (count(Level::Wrong), "wrong"),
        (count(Level::Warning), "to look at"),
        (count(Level::Unknown), "not known"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    text + &format!("\n{}\n", counts.collect::<Vec<_>>().join(", "))
}

fn sign(level: Level, ascii: bool) -> (&'static str, Style) {
    let (sign, plain, colour) = match level {
        Level::Ok => ("✓", "+", AnsiColor::Green),
        Level::Warning => ("!", "!", AnsiColor::Yellow),
        Level::Wrong => ("✗", "x", AnsiColor::Red),
        Level::Unknown => ("?", "?", AnsiColor::Cyan),
    };
    (if ascii { plain } else { sign }, colour.on_default())
}
