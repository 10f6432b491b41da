//! `patch-moi run`: events through every stage.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};

use super::context::context;
use super::options::StateOption;
use super::{App, say};
use crate::failure::{Failure, Kind, Result};
use crate::git::Git;
use crate::harness::Conflict;
use crate::ids::{RepoName, TagName};
use crate::pipeline::asked::{Asked, Effect, What};
use crate::pipeline::remembering::Wanted;
use crate::pipeline::{run as pipeline, sample};
use crate::store::DataDir;
use crate::workspace::Workspace;

const EXAMPLES: &str = "\
Examples:
  patch-moi run                                   what the scheduled workflow does
  patch-moi run --dry-run                         what it would do now
  patch-moi run --source github-openai-codex-releases --tag rust-v0.131.0
  patch-moi run release --repo OWNER/NAME --branch main

Writes:
  DATA_DIR                                 events, dispatches, attempts, the ledger of releases
  .codex/workspace/actions/flow-client/    the state of the flows
  .codex/workspace/actions/artifacts/TAG/  the candidate, its patches, the report
  refs/patch-moi/*                         in the fork's repository, never a branch or a tag

Exit codes:
  0  nothing new, or everything was carried       3  a patch needs a person
  1  a source, a check or a tool failed           4  a gate is closed, or a rebase is in progress
  2  a file or a name is wrong, or a named tag selects no flow";

const RELEASE: &str = "\
Examples:
  patch-moi run release --repo OWNER/NAME --branch main --dry-run
  patch-moi run release --repo OWNER/NAME --tag v1.2.0
  patch-moi run release --repo OWNER/NAME --branch main --upstream-url file:///path/to/upstream

Writes and exits as `patch-moi run` does; a named tag that selects no flow is 2.";

const CODEX: &str = "\
Examples:
  patch-moi run codex-release --tag rust-v0.131.0 --dry-run
  CODEX_WORKSPACE_MODE=actions DATA_DIR=./data patch-moi run codex-release --tag rust-v0.131.0

Writes and exits as `patch-moi run` does; a named tag that selects no flow is 2.";

const EVENT: &str = r#"Examples:
  patch-moi run event --file event.json

The least that the file holds:
  {"id": "patch:upstream.release:OWNER/NAME:v1.2.0", "type": "upstream.release",
   "payload": {"repo": "OWNER/NAME", "tag": "v1.2.0"}}

Writes and exits as `patch-moi run` does; an event that selects no flow is 2."#;

const HARNESS: &str = "\
Examples:
  patch-moi run harness            exits 3: one patch needs a person, and two wait for it
  patch-moi run harness --clean    exits 0: everything is carried and checked

Writes only to the folder that it prints, which stays: look around in it, then remove it.";

/// Carry the patch stack to the releases that are due
///
/// Without a command behind it, every source of feed-sources.json is looked at, and the release that
/// is due is carried through every stage: the flows select the step, the step carries the stack, the
/// checks run, and the artifact, the records and the report are written. A release that is settled
/// is left alone; with nothing new, nothing is written.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES, disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The tag to carry to, whatever the ledger says of it
    #[arg(long, value_name = "TAG")]
    tag: Option<TagName>,
    /// Look at this source of feed-sources.json only
    #[arg(long, value_name = "ID")]
    source: Option<String>,
    #[command(flatten)]
    how: How,
}

/// How any run is done.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Options of every run")]
struct How {
    /// Compute everything, print selection, verdicts and plan, and write nothing
    #[arg(long, global = true)]
    dry_run: bool,
    /// The file with the sources; else FEED_SOURCES_PATH, else feed-sources.json in the workspace root
    #[arg(long, global = true, value_name = "FILE")]
    feed_sources: Option<PathBuf>,
    #[command(flatten)]
    state: StateOption,
    /// Choose from this flow only, and from each that is named so; else PATCH_MOI_FLOWS names them, else all count
    #[arg(long, global = true, value_name = "NAME", value_delimiter = ',')]
    flow: Vec<String>,
    /// Run installed flows also where they are not as .codex/pack-lock.json pins them; else the variable
    /// PATCH_MOI_ALLOW_MODIFIED=1 says so
    #[arg(long, global = true)]
    allow_modified: bool,
    /// Record the event, and carry nothing
    #[arg(long, global = true, conflicts_with = "dry_run")]
    record_only: bool,
    /// The older patch.moi asked for it; here a laptop and a runner do the same
    #[arg(long, global = true, hide = true)]
    allow_local: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Release(Release),
    CodexRelease(CodexRelease),
    Event(Event),
    Harness(Harness),
}

/// Carry the stack to one release of an upstream repository
///
/// The installed flows say what is done. With --branch and no flow for the repository, the built-in
/// flow carries that branch of the fork, so that a first try needs no file at all.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = RELEASE)]
struct Release {
    /// The upstream repository
    #[arg(long, value_name = "OWNER/NAME")]
    repo: RepoName,
    /// The release's tag; without it, the newest release
    #[arg(long, value_name = "TAG")]
    tag: Option<TagName>,
    /// The fork's branch that holds the patches
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// The fork's repository on this machine; without it, the workspace root
    #[arg(long, value_name = "DIR")]
    fork: Option<PathBuf>,
    /// Where upstream is fetched from; without it, what the flow says, else the checkout's remote
    /// `upstream`, else the source's repository, else OWNER/NAME on github.com
    #[arg(long, value_name = "URL")]
    upstream_url: Option<String>,
}

/// Carry the stack to a release of openai/codex
///
/// The flow that is installed under .codex/flows and pinned in .codex/pack-lock.json names the fork,
/// the branch and what is checked.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = CODEX)]
struct CodexRelease {
    /// The release's tag, such as rust-v0.131.0; without it, the newest release
    #[arg(long, value_name = "TAG")]
    tag: Option<TagName>,
    /// The upstream repository
    #[arg(long, value_name = "OWNER/NAME", default_value = "openai/codex")]
    repo: RepoName,
}

/// Carry an event that stands in a file
///
/// The event is one JSON object. It is carried like one that a feed or a tag brought.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EVENT)]
struct Event {
    /// The file, relative to the current folder
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// Try all of it on a made-up fork
///
/// Makes an upstream with two releases, a fork with twelve patches, a feed and a flow, and runs every
/// stage on them. It needs git and nothing else: no network, no configuration, no fork.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = HARNESS)]
struct Harness {
    /// Leave the conflict out: everything is carried
    #[arg(long)]
    clean: bool,
    /// Make it in this folder, which is empty or not there yet, instead of a temporary one
    #[arg(long, value_name = "DIR")]
    keep_in: Option<PathBuf>,
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    say::fails_when_known(app)?;
    if args.command.is_some() && (args.tag.is_some() || args.source.is_some()) {
        return Err(Failure::usage("`--tag` and `--source` before a command of `run` say nothing to it")
            .hint("write `--tag` behind the command: `patch-moi run release --repo OWNER/NAME --tag TAG`"));
    }
    let what = match &args.command {
        None => What::Schedule { tag: args.tag.clone(), source: args.source.clone() },
        Some(Command::Release(asked)) => What::Release {
            repo: asked.repo.clone(),
            tag: asked.tag.clone(),
            branch: asked.branch.clone(),
            fork: asked.fork.as_ref().map(|fork| app.environment.resolve(fork)),
            upstream_url: asked.upstream_url.as_deref().map(|url| app.environment.resolve_url(url)),
        },
        Some(Command::CodexRelease(asked)) => What::Release {
            repo: asked.repo.clone(),
            tag: asked.tag.clone(),
            branch: None,
            fork: None,
            upstream_url: None,
        },
        Some(Command::Event(asked)) => What::Event { file: app.environment.resolve(&asked.file) },
        Some(Command::Harness(asked)) => return harness(app, asked, &args.how),
    };
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    let state = args.how.state.wanted(&app.environment);
    go(app, what, &args.how, state, args.how.feed_sources.as_deref(), &workspace, &data)
}

/// The sample keeps to itself: neither the variables that name a person's own files nor their
/// workspace are looked at.
fn harness(app: &App, asked: &Harness, how: &How) -> Result<Kind> {
    let git = Git::find(app.environment.variables())?;
    let root = match &asked.keep_in {
        Some(dir) => empty(app.environment.resolve(dir))?,
        None => fresh(app.environment.temporary())?,
    };
    let conflict = if asked.clean { Conflict::Without } else { Conflict::With };
    sample::make(&git, &root, conflict)?;
    app.ui.note(&format!("the sample stays in {}", root.display()));
    let workspace = Workspace::find(&root, Some(&root))?;
    let data = match &app.options.data_dir {
        Some(_) => app.options.data(&app.environment, &workspace),
        None => DataDir::open(&workspace.data_dir(None)),
    };
    let sources = root.join("feed-sources.json");
    app.ui.out(SAMPLE_BEFORE);
    let kind = go(
        app,
        What::Schedule { tag: None, source: None },
        how,
        Wanted::Disk,
        Some(&sources),
        &workspace,
        &data,
    )?;
    app.ui.out(if asked.clean { SAMPLE_CLEAN } else { SAMPLE_CONFLICT });
    Ok(kind)
}

/// What a newcomer reads first.
const SAMPLE_BEFORE: &str = "\
Two made-up projects: sample/upstream has released v1.1.0, and sample/fork carries twelve patches of
its own on v1.0.0. Here is what becomes of each of them on v1.1.0.

";

/// What a newcomer reads last, where a person is needed.
const SAMPLE_CONFLICT: &str = "
carried     goes on, as it was or merged with what upstream did to the same file
upstreamed  upstream has it by now, so it is left out
conflict    upstream changed the same lines: a person decides, and the exit code is 3
blocked     builds on a patch in conflict, and is no question until that one is settled

The report above is a page for your browser; candidate.json, the patches and a git bundle lie beside it.
The line behind `next` is how a person goes on: it stops at that patch as git would, in a work tree.
Nothing outside that folder was touched. `patch-moi run harness --clean` shows the other ending.
";

/// What a newcomer reads last, where everything is carried.
const SAMPLE_CLEAN: &str = "
Every patch stands on v1.1.0 or is upstream's by now, and the sample's check passed on the result: this
is a candidate, and the exit code is 0. Its branch is in the bundle beside the report. Nothing outside
that folder was touched.
";

fn go(
    app: &App,
    what: What,
    how: &How,
    state: Wanted,
    sources: Option<&Path>,
    workspace: &Workspace,
    data: &DataDir,
) -> Result<Kind> {
    let effect = if how.dry_run { Effect::Plan } else { Effect::Apply };
    let (record_only, flows, command) = (how.record_only, how.flow.clone(), super::typed(app));
    let allow_modified = how.allow_modified;
    let asked = Asked { what, effect, record_only, flows, allow_modified, state, command };
    let (report, kind) = context(app, workspace, data, sources, |context| pipeline::run(context, &asked))?;
    Ok(say::report(app, report, kind, workspace.root()))
}

/// A folder that nobody else has.
fn fresh(temporary: &Path) -> Result<PathBuf> {
    let made = tempfile::Builder::new().prefix("patch-moi-harness-").tempdir_in(temporary);
    let made = made.map_err(|error| {
        let what = format!("no folder for the sample could be made in {}", temporary.display());
        let hint = "name an empty folder with `--keep-in DIR`";
        Failure::new(Kind::Failed, error).context(what).hint(hint)
    })?;
    Ok(made.keep())
}

/// The folder, where nothing in it could be overwritten.
fn empty(dir: PathBuf) -> Result<PathBuf> {
    let is_free = match std::fs::read_dir(&dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_free {
        return Ok(dir);
    }
    let text = format!("{} is no empty folder, and the sample would not be by itself there", dir.display());
    Err(Failure::usage(text).hint("name a folder that does not exist yet"))
}
