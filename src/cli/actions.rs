//! `patch-moi actions`: what a workflow does around a run of Codex.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};

use super::App;
use crate::failure::{Failure, Kind, Result};
use crate::pipeline::asserting::{self, Asserted};
use crate::pipeline::codex_auth;
use crate::record::Status;

const PREPARE: &str = "\
Examples:
  CODEX_AUTH_JSON_B64=${{ secrets.CODEX_AUTH_JSON_B64 }} patch-moi actions prepare-auth
  patch-moi actions prepare-auth --json

The login is what the first of these variables holds: CODEX_AUTH_JSON_B64 (an auth.json in base64),
CODEX_AUTH_JSON (its text), OPENAI_API_KEY. The file can be read by its owner alone from its first
moment on. Where none is set, nothing is written and the command exits 0 all the same.
--json prints {\"codexHome\", \"authPath\", \"source\", \"wrote\"}.

Exit codes:
  0  written, or nothing to write
  1  a variable holds no JSON object, or the file cannot be written";

const CLEANUP: &str = "\
Examples:
  patch-moi actions cleanup        as the last step of a job, with `if: always()`

Removes login, sessions, logs, caches and databases of a Codex below .codex. What packs installed, and
everything below .codex/flows, .codex/hooks, .codex/skills and .codex/plugins, stays as it is.
--json prints {\"codexHome\", \"removed\"}.

Exit codes:
  0  done                          1  something could not be removed; everything else is gone";

const ASSERT: &str = "\
Examples:
  patch-moi actions assert-run --flow openai-codex-bindings --step regenerate
  patch-moi actions assert-run --flow demo --step hello --status completed,skipped --artifact-text v1.2

Looks at the newest run of the step in this workspace's state.json. --json prints {\"run\"}.

Exit codes:
  0  it is so                      1  it is not, or no run is recorded
  2  a wrong option";

/// Do what a workflow needs around a run of Codex
#[derive(Debug, ClapArgs)]
#[command(disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    PrepareAuth(PrepareAuth),
    Cleanup(Cleanup),
    AssertRun(AssertRun),
}

/// Write Codex's login to .codex/auth.json
#[derive(Debug, ClapArgs)]
#[command(after_long_help = PREPARE)]
struct PrepareAuth {}

/// Remove Codex's login and everything that its sessions left below .codex
#[derive(Debug, ClapArgs)]
#[command(after_long_help = CLEANUP)]
struct Cleanup {}

/// Fail unless the newest run of a step came to what it should
#[derive(Debug, ClapArgs)]
#[command(after_long_help = ASSERT)]
struct AssertRun {
    /// The flow
    #[arg(long, value_name = "NAME")]
    flow: String,
    /// Its step
    #[arg(long, value_name = "NAME")]
    step: String,
    /// The statuses that will do
    #[arg(
        long = "status",
        value_name = "STATUS",
        value_delimiter = ',',
        default_value = "completed,changed",
        value_parser = status()
    )]
    statuses: Vec<Status>,
    /// A text that has to stand in the run's record
    #[arg(long, value_name = "TEXT")]
    artifact_text: Option<String>,
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    match &args.command {
        Command::PrepareAuth(PrepareAuth {}) => prepare_auth(app),
        Command::Cleanup(Cleanup {}) => cleanup(app),
        Command::AssertRun(args) => assert_run(app, args),
    }
}

fn prepare_auth(app: &App) -> Result<Kind> {
    let workspace = app.options.workspace(&app.environment)?;
    let prepared = codex_auth::prepare(&workspace, app.environment.variables())?;
    prepared.warnings.iter().for_each(|warning| app.ui.warn(warning));
    app.ui.show(&prepared, || prepared.text());
    Ok(Kind::Done)
}

fn cleanup(app: &App) -> Result<Kind> {
    let cleaned = codex_auth::clean(&app.options.workspace(&app.environment)?)?;
    cleaned.warnings.iter().for_each(|warning| app.ui.warn(warning));
    app.ui.show(&cleaned, || cleaned.text());
    Ok(Kind::Done)
}

fn assert_run(app: &App, args: &AssertRun) -> Result<Kind> {
    if args.flow.trim().is_empty() || args.step.trim().is_empty() {
        return Err(Failure::usage("--flow and --step have to name something"));
    }
    let asserted = Asserted {
        flow: args.flow.clone(),
        step: args.step.clone(),
        statuses: args.statuses.clone(),
        text: args.artifact_text.clone(),
    };
    let run = asserting::assert_run(&app.options.workspace(&app.environment)?, &asserted)?;
    if app.ui.is_json() {
        app.ui.json(&json!({ "run": run }));
    } else {
        let text = |key: &str| run.get(key).and_then(Value::as_str).unwrap_or_default();
        app.ui.out(&format!("{}/{} {} {}", args.flow, args.step, text("effectiveStatus"), text("id")));
    }
    Ok(Kind::Done)
}

/// One of the six statuses of a run.
fn status() -> impl TypedValueParser<Value = Status> {
    let names = Status::ALL.map(Status::name);
    PossibleValuesParser::new(names).try_map(|name| Status::from_name(&name).ok_or("no status"))
}
