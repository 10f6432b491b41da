//! `patch-moi resume`: go on where a patch needs a person.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::context::context;
use super::options::{ForkOptions, StateOption};
use super::{App, say};
use crate::failure::{Kind, Result};
use crate::ids::RepoName;
use crate::pipeline::resume::{self as pipeline, Act, ResumeAsked};
use crate::report::{ResumeReport, resume_text};
use crate::workspace::Workspace;

const EXAMPLES: &str = "\
Examples:
  patch-moi resume v1.2.0               make a work tree in which git stops at the first conflict
  cd ../my-fork-v1.2.0                  settle it as in any cherry-pick, then
  git add FILE && patch-moi resume --continue
  patch-moi resume ./downloaded-artifact
  patch-moi resume v1.2.0 --repo OWNER/NAME --branch main
  patch-moi resume v1.2.0 --push        hand the finished candidate to the fork

Everything is carried again, with what was settled so far; nothing in the artifact is believed. When
the last conflict is settled, the outcome is a candidate like any other: checked, with its artifact.

Writes:
  a work tree beside the fork's checkout, removed at the end unless it holds files of yours
  .codex/workspace/actions/resume/TAG.json   what was settled so far
  at the end everything that `patch-moi run` writes
  with --push refs/heads/patch-moi/candidate/TAG at the fork's remote, never another branch

Exit codes:
  0  it is a candidate, or there is nothing to resume      3  a patch waits for you
  1  something failed; what was settled is kept            4  in the way: a rebase, a refused push
  2  no such release, or nothing is being settled";

/// Go on where a patch needs a person
///
/// Makes a work tree of its own, at the commits that were carried so far, in which git has stopped at
/// the first patch in conflict: index, markers and your own configuration are as `git cherry-pick`
/// leaves them. Settle it there, `git add`, and `--continue`: the next patch in conflict takes its
/// place, or the candidate is made. Patches that need nobody are never asked about.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The release's tag, or the folder of an artifact; not needed while one release is being settled
    #[arg(value_name = "TAG|DIR")]
    release: Option<String>,
    #[command(flatten)]
    act: ActArgs,
    /// Make the work tree here; without it, beside the fork's checkout
    #[arg(long, value_name = "DIR")]
    worktree: Option<PathBuf>,
    /// Push the candidate to the fork's remote when there is one, as branch patch-moi/candidate/TAG
    #[arg(long, conflicts_with_all = ["abort", "status"])]
    push: bool,
    #[command(flatten)]
    state: StateOption,
    /// The source of feed-sources.json whose release it is
    #[arg(long, value_name = "ID")]
    source: Option<String>,
    /// The upstream repository
    #[arg(long, value_name = "OWNER/NAME", conflicts_with = "source")]
    repo: Option<RepoName>,
    /// The fork's branch that holds the patches
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    #[command(flatten)]
    fork: ForkOptions,
}

/// What to do with what was begun.
#[derive(Debug, ClapArgs)]
#[group(multiple = false)]
struct ActArgs {
    /// Take what is staged or committed in the work tree as the answer, and go on
    #[arg(long = "continue")]
    go_on: bool,
    /// Leave the patch out, and go on
    #[arg(long)]
    skip: bool,
    /// Give all of it up: the work tree goes, with what you did in it
    #[arg(long)]
    abort: bool,
    /// Say where it stands, and do nothing
    #[arg(long)]
    status: bool,
}

impl ActArgs {
    const fn act(&self) -> Act {
        match self {
            Self { go_on: true, .. } => Act::Continue,
            Self { skip: true, .. } => Act::Skip,
            Self { abort: true, .. } => Act::Abort,
            Self { status: true, .. } => Act::Status,
            _ => Act::Begin,
        }
    }
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    let environment = &app.environment;
    let workspace = match (&app.options.workspace_root, pipeline::workspace_of(environment.cwd())) {
        (None, Some(root)) => Workspace::find(environment.cwd(), Some(&root))?,
        _ => app.options.workspace(environment)?,
    };
    let data = app.options.data(environment, &workspace);
    let asked = ResumeAsked {
        release: args.release.clone(),
        act: args.act.act(),
        worktree: args.worktree.as_ref().map(|path| environment.resolve(path)),
        source: args.source.clone(),
        repo: args.repo.clone(),
        branch: args.branch.clone(),
        fork: args.fork.repository(environment),
        upstream_url: args.fork.upstream_url(environment),
        push: args.push,
        state: args.state.wanted(environment),
        command: super::typed(app),
    };
    let (report, kind) = context(app, &workspace, &data, args.fork.feed_sources(), |context| {
        pipeline::resume(context, &asked)
    })?;
    Ok(said(app, report, kind, &workspace))
}

fn said(app: &App, mut report: ResumeReport, kind: Kind, workspace: &Workspace) -> Kind {
    if app.ui.is_json() {
        app.ui.json(&report);
        return kind;
    }
    let run = report.run.take();
    app.ui.out(&resume_text(&report));
    let Some(run) = run else { return kind };
    app.ui.out("");
    say::report(app, *run, kind, workspace.root())
}
