//! `patch-moi retry`, `replay`, `sync`: what is recorded, once more.

use clap::Args as ClapArgs;
use serde_json::{Map, Value};

use super::context::context;
use super::options::{ForkOptions, StateOption};
use super::{App, say};
use crate::failure::{Failure, Kind, Result};
use crate::pipeline::again::recorded;
use crate::pipeline::asked::{Again, Asked, Effect, What};
use crate::pipeline::records::attempt_line;
use crate::pipeline::{run as pipeline, syncing};

const RETRY: &str = "\
Examples:
  patch-moi events                                     the ids
  patch-moi retry patch:upstream.release:OWNER/NAME:v1.2.0
  CODEX_FLOWS_MODE=code-mode patch-moi retry patch:upstream.release:OWNER/NAME:v1.2.0

--json prints the report of `patch-moi run --json` with \"event\", \"record\" (its newest dispatch) and
\"attempt\" beside it. Writes and exits as `patch-moi run` does; an event that is not recorded is 2.";

const REPLAY: &str = "\
Examples:
  patch-moi replay patch:upstream.release:OWNER/NAME:v1.2.0
  patch-moi replay patch:upstream.release:OWNER/NAME:v1.2.0 --dry-run

A step sees CODEX_FLOW_REPLAY=1. --json prints the report of `patch-moi run --json` with \"event\",
\"record\" (its newest dispatch) and \"attempt\" beside it. Writes and exits as `patch-moi run` does; an
event that is not recorded is 2.";

const SYNC: &str = "\
Examples:
  patch-moi attempts --status started                  the ids
  patch-moi sync patch:upstream.release:OWNER/NAME:v1.2.0:dispatch:2026-11-22T06:21:13.428Z

--json prints {\"attempt\": {…}, \"stored\": true}; `stored` says whether that was news.

Writes:
  DATA_DIR/maintenance-attempts.jsonl      a line, where something has changed

Exit codes:
  0  the attempt is under way or came to a good end    3  it needs a person
  1  it failed, or a run of it is not in state.json    4  it is blocked
  2  no attempt has this id";

/// Run the steps of an event again that failed, are blocked or never ran
///
/// Under the same run ids: what a step came to takes the place of what it came to before. Steps that are
/// done are left alone; where all of them are, that is said, and the exit code is 0. A candidate that is
/// not on this machine is carried again, and is the same.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = RETRY)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    which: Which,
}

/// Run all steps of an event again, under new run ids
///
/// What they came to before stays recorded beside it. The same stack on the same release gives the same
/// candidate.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = REPLAY)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, ClapArgs)]
struct Which {
    /// The event, as `patch-moi events` lists it
    #[arg(value_name = "EVENT_ID")]
    event: String,
    /// Run installed flows also where they are not as .codex/pack-lock.json pins them; else the variable
    /// PATCH_MOI_ALLOW_MODIFIED=1 says so
    #[arg(long)]
    allow_modified: bool,
    /// Say which steps would run, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Choose from this flow only, and from each that is named so; else PATCH_MOI_FLOWS names them, else all count
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    flow: Vec<String>,
    /// The fork's branch that holds the patches, where no flow is for the event
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    #[command(flatten)]
    fork: ForkOptions,
    #[command(flatten)]
    state: StateOption,
}

/// Bring an attempt up to date with what state.json says of its runs
///
/// The attempt that is printed is the one that is stored.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = SYNC)]
pub(super) struct SyncArgs {
    /// The attempt, as `patch-moi attempts` lists it
    #[arg(value_name = "ATTEMPT_ID")]
    attempt: String,
}

pub(super) fn retry(app: &App, args: &RetryArgs) -> Result<Kind> {
    again(app, &args.which, Again::Retry)
}

pub(super) fn replay(app: &App, args: &ReplayArgs) -> Result<Kind> {
    again(app, &args.which, Again::Replay)
}

fn again(app: &App, which: &Which, how: Again) -> Result<Kind> {
    say::fails_when_known(app)?;
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    let asked = Asked {
        what: What::Again {
            event: which.event.clone(),
            how,
            branch: which.branch.clone(),
            fork: which.fork.repository(&app.environment),
            upstream_url: which.fork.upstream_url(&app.environment),
        },
        effect: if which.dry_run { Effect::Plan } else { Effect::Apply },
        record_only: false,
        flows: which.flow.clone(),
        allow_modified: which.allow_modified,
        state: which.state.wanted(&app.environment),
        command: super::typed(app),
    };
    let sources = which.fork.feed_sources();
    let (report, kind) = context(app, &workspace, &data, sources, |context| pipeline::run(context, &asked))?;
    let beside = recorded(&data, &which.event)?;
    let beside = serde_json::to_value(beside).map_err(|error| Failure::new(Kind::Failed, error))?;
    let beside = match beside {
        Value::Object(beside) => beside,
        _ => Map::new(),
    };
    Ok(say::report_with(app, report, kind, workspace.root(), &beside))
}

pub(super) fn sync(app: &App, args: &SyncArgs) -> Result<Kind> {
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    let (synced, kind) =
        context(app, &workspace, &data, None, |context| syncing::sync(context, &args.attempt))?;
    if app.ui.is_json() {
        app.ui.json(&synced);
        return Ok(kind);
    }
    app.ui.out(&attempt_line(&synced.attempt));
    if !synced.stored {
        app.ui.note("its runs say nothing new");
    }
    Ok(kind)
}
