//! `patch-moi stack`: the engine for other tools.

use std::io::{BufRead, Read};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;

use super::{App, interruption};
use crate::failure::{Failure, Kind, Result};
use crate::git::{Git, Repository, Workbench};
use crate::ids::RefName;
use crate::pipeline::plumbing::{self, Picker, Rebase, Rebased};
use crate::report::{carry_text, printable};
use crate::stack::Committer;
use crate::ui::Ui;

const REBASE: &str = "\
Examples:
  patch-moi stack rebase --branch main --onto v1.2.0
  patch-moi stack rebase --branch main --onto v1.2.0 --json --write-ref refs/heads/carried

Writes:
  the new commits into the repository's object database, and the ref of --write-ref where the whole
  stack was carried; never the work tree, never the branch

Exit codes:
  0  the whole stack was carried        2  an unknown revision, or histories that never meet
  1  something failed                   3  a patch needs a person";

const PICK: &str = r#"Examples:
  echo "COMMIT NEW-PARENT" | patch-moi stack pick --repo ../fork

Each line on standard input is answered by one JSON object on standard output, in the same order:
  {"commit": "…", "onto": "…", "tree": "…" or null, "conflicts": [{"path": "…", "kind": "…"}]}
  {"commit": "…", "onto": "…", "error": "…"}

Writes nothing.

Exit codes:
  0  every line was answered            1  one of the answers is an error
  2  the repository cannot be used"#;

/// The longest line on standard input, in bytes. Two ids have 81.
const LONGEST_LINE: u64 = 4096;
/// How many lines are read before they can be answered.
const READ_AHEAD: usize = 64;
/// How soon an interruption is noticed while there is nothing to do.
const TICK: Duration = Duration::from_millis(100);

/// The engine on a repository, without events or records
///
/// For other tools and for looking at one stack by hand.
#[derive(Debug, ClapArgs)]
#[command(disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Rebase(RebaseArgs),
    Pick(PickArgs),
}

/// Carry the stack of a branch to a commit
///
/// The stack is what the branch has, and neither the release nor a base has that it stands on, merges
/// included. A patch that conflicts is left out and named, and every later patch is tried without it.
///
/// Bases are that of --base and those that earlier candidates have left in the repository, where the
/// branch holds them (refs/patch-moi/base/). Where a commit of the branch is a candidate that landed as
/// one commit, the patches of that candidate are carried (refs/patch-moi/candidate/ and stack/).
#[derive(Debug, ClapArgs)]
#[command(after_long_help = REBASE)]
struct RebaseArgs {
    /// The repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// The maintained branch, or any other revision
    #[arg(long, value_name = "REV")]
    branch: String,
    /// The release commit, or any other revision
    #[arg(long, value_name = "REV")]
    onto: String,
    /// The upstream commit that the stack stands on, where neither the release nor a recorded base says it
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Write a complete candidate to this ref, if nobody else has moved it meanwhile
    #[arg(long, value_name = "REF")]
    write_ref: Option<RefName>,
    /// Make a complete candidate one commit
    #[arg(long)]
    squash: bool,
    /// Carry one line without merges; what was done in a merge goes on as an ordinary patch
    #[arg(long)]
    flatten: bool,
    /// Who commits the carried patches; without it, a name that is the same on every machine
    #[arg(long, value_name = "NAME <ADDRESS>")]
    committer: Option<String>,
}

/// Apply single commits to other parents, one a line
///
/// Each commit is applied by a three-way merge of its parent, the new parent and itself, with the
/// outcome of git's own merge.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = PICK)]
struct PickArgs {
    /// The repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    match &args.command {
        Command::Rebase(args) => rebase(app, args),
        Command::Pick(args) => pick(app, args),
    }
}

fn rebase(app: &App, args: &RebaseArgs) -> Result<Kind> {
    let git = Git::find(app.environment.variables())?;
    let committer = args.committer.as_deref().map(str::parse::<Committer>).transpose()?.unwrap_or_default();
    let asked = Rebase {
        repo: app.environment.resolve(&args.repo),
        branch: args.branch.clone(),
        onto: args.onto.clone(),
        base: args.base.clone(),
        write_ref: args.write_ref.clone(),
        squash: args.squash,
        flatten: args.flatten,
        committer,
    };
    let rebased = {
        let progress = app.ui.progress("carrying", None);
        let mut show = |done: usize, of: usize| {
            progress.of(of as u64);
            progress.at(done as u64);
        };
        plumbing::rebase(&git, app.environment.temporary(), &asked, &mut show).map_err(|failure| {
            failure.context(format!("the stack of `{}` was not carried to `{}`", args.branch, args.onto))
        })?
    };
    if app.ui.is_json() {
        app.ui.json(&rebased);
    } else {
        app.ui.out(&text(&rebased, args, &app.ui));
    }
    Ok(if rebased.carry.candidate.complete { Kind::Done } else { Kind::NeedsPerson })
}

fn text(rebased: &Rebased, args: &RebaseArgs, ui: &Ui) -> String {
    let carry = &rebased.carry;
    let mut text = carry_text(carry, &args.onto, &ui.look());
    let name = if carry.candidate.complete { "candidate" } else { "so far" };
    text.push_str(&format!("{name:<10}{}\n", carry.candidate.commit));
    if let Some(partial) = carry.partial {
        text.push_str(&format!("{:<10}{partial}\n", "partial"));
    }
    match (&rebased.written, &args.write_ref) {
        (Some(name), _) => text.push_str(&format!("{:<10}{}\n", "written", printable(name.as_str()))),
        (None, Some(name)) => {
            let name = printable(name.as_str());
            text.push_str(&format!("{name} was not written: the stack is not complete\n"));
        }
        (None, None) => {}
    }
    text
}

fn pick(app: &App, args: &PickArgs) -> Result<Kind> {
    let git = Git::find(app.environment.variables())?;
    let repository = Repository::open(&app.environment.resolve(&args.repo))?;
    let bench = Workbench::new(&git, &repository, app.environment.temporary())?;
    let picker = Picker::new(&bench);
    let lines = read_ahead();
    let mut kind = Kind::Done;
    loop {
        let line = match lines.recv_timeout(TICK) {
            Ok(line) => line.map_err(unreadable)?,
            Err(RecvTimeoutError::Timeout) if interruption::is_asked() => return Err(interruption::failure()),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(kind),
        };
        let is_error = match line {
            Line::Whole(line) if line.trim().is_empty() => false,
            Line::Whole(line) => {
                let answer = picker.answer(&line);
                app.ui.json_line(&answer);
                answer.is_error()
            }
            Line::TooLong(begins) => {
                let error = format!("the line is longer than {LONGEST_LINE} bytes");
                app.ui.json_line(&json!({"commit": begins, "onto": "", "error": error}));
                true
            }
        };
        if is_error {
            kind = Kind::Failed;
        }
    }
}

/// The lines of standard input, read by a thread of their own: whoever waits for the next one can
/// still be asked to end.
fn read_ahead() -> Receiver<std::io::Result<Line>> {
    let (sender, lines) = sync_channel(READ_AHEAD);
    thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        while let Some(line) = next_line(&mut input).transpose() {
            let is_over = line.is_err();
            if sender.send(line).is_err() || is_over {
                break;
            }
        }
    });
    lines
}

fn unreadable(error: std::io::Error) -> Failure {
    Failure::new(Kind::Failed, error).context("standard input cannot be read")
}

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Whole(String),
    /// Its first characters; the rest was passed over.
    TooLong(String),
}

/// The next line, lossily decoded; none at the end.
fn next_line(input: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    if input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&bytes);
    if bytes.ends_with(b"\n") || (bytes.len() as u64) < LONGEST_LINE {
        return Ok(Some(Line::Whole(text.into_owned())));
    }
    input.skip_until(b'\n')?;
    Ok(Some(Line::TooLong(text.chars().take(80).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_is_neither_kept_nor_takes_the_next_one_with_it() {
        let long = "x".repeat(100_000);
        let mut input = std::io::Cursor::new(format!("{long}\na b\nlast"));

        assert_eq!(next_line(&mut input).unwrap(), Some(Line::TooLong("x".repeat(80))));
        assert_eq!(next_line(&mut input).unwrap(), Some(Line::Whole("a b\n".to_owned())));
        assert_eq!(next_line(&mut input).unwrap(), Some(Line::Whole("last".to_owned())));
        assert_eq!(next_line(&mut input).unwrap(), None);
    }
}
