//! `patch-moi stack`: the engine for other tools.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::environment::Environment;
use crate::failure::{Failure, Kind, Result};
use crate::git::{Git, Repository, Workbench};
use crate::ids::RefName;
use crate::pipeline::plumbing::{self, Picker, Rebase};
use crate::stack::Committer;

/// The engine on a repository, without events or records
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Carry the stack of a branch to a commit, in memory
    Rebase(RebaseArgs),
    /// Apply single commits: lines of `<commit> <new parent>` in, one JSON object a line out
    Pick(PickArgs),
}

#[derive(Debug, ClapArgs)]
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
    /// The upstream commit that the stack stands on, where it shall not be found out
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Write a complete candidate to this ref, if nobody else has moved it meanwhile
    #[arg(long, value_name = "REF")]
    write_ref: Option<RefName>,
    /// Make a complete candidate one commit
    #[arg(long)]
    squash: bool,
    /// Who commits the carried patches
    #[arg(long, value_name = "NAME <ADDRESS>")]
    committer: Option<String>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, ClapArgs)]
struct PickArgs {
    /// The repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
}

pub(super) fn run(environment: &Environment, args: &Args) -> Result<Kind> {
    match &args.command {
        Command::Rebase(args) => rebase(environment, args),
        Command::Pick(args) => pick(environment, args),
    }
}

fn rebase(environment: &Environment, args: &RebaseArgs) -> Result<Kind> {
    let git = Git::find(environment.variables())?;
    let committer = args.committer.as_deref().map(str::parse::<Committer>).transpose()?.unwrap_or_default();
    let asked = Rebase {
        repo: environment.resolve(&args.repo),
        branch: args.branch.clone(),
        onto: args.onto.clone(),
        base: args.base.clone(),
        write_ref: args.write_ref.clone(),
        squash: args.squash,
        committer,
    };
    let rebased = plumbing::rebase(&git, environment.temporary(), &asked, &mut |_, _| {})?;
    let mut out = anstream::stdout().lock();
    let _ = serde_json::to_writer_pretty(&mut out, &rebased);
    let _ = out.write_all(b"\n");
    Ok(if rebased.carry.candidate.complete { Kind::Done } else { Kind::NeedsPerson })
}

fn pick(environment: &Environment, args: &PickArgs) -> Result<Kind> {
    let git = Git::find(environment.variables())?;
    let repository = Repository::open(&environment.resolve(&args.repo))?;
    let bench = Workbench::new(&git, &repository, environment.temporary())?;
    let picker = Picker::new(&bench);
    let mut kind = Kind::Done;
    let mut out = anstream::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|err| Failure::usage(format!("standard input cannot be read: {err}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = picker.answer(&line);
        if answer.is_error() {
            kind = Kind::Failed;
        }
        let text = serde_json::to_string(&answer).map_err(|err| Failure::new(Kind::Failed, err))?;
        if writeln!(out, "{text}").is_err() {
            return Ok(kind);
        }
    }
    Ok(kind)
}
