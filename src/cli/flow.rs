//! `patch-moi flow`: which flows are here, and what an event makes run.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::App;
use super::context::context;
use crate::failure::{Failure, Kind, Result};
use crate::ids::{RepoName, TagName};
use crate::pipeline::matching::{self, Listed, ListedFlow, MatchAsked, Which};
use crate::report::{printable, selection_text};

const EXAMPLES: &str = "\
Examples:
  patch-moi flow list
  patch-moi flow match --repo OWNER/NAME --tag v1.2.0

Writes nothing. Exits 0, or 2 where a file or a name is wrong.";

const MATCH: &str = "\
Examples:
  patch-moi flow match --repo openai/codex --tag rust-v0.131.0
  patch-moi flow match --event event.json --json

A step that is selected may wait for a gate: then the line says what opens it.
--json prints {\"id\", \"type\", \"selected\": […], \"passedOver\": […], \"notes\": […]}.
Writes nothing, starts no program and asks no server. Exits 0, or 2 where a file or a name is wrong.";

const LIST: &str = "\
Examples:
  patch-moi flow list
  patch-moi flow list --json

--json prints {\"flows\": […], \"notes\": […]}.
Writes nothing. Exits 0, or 2 where a file is wrong.";

/// Show the flows of the workspace, and what an event makes run
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES, disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Match(Match),
    List(List),
}

/// Say of every step whether an event makes it run, or why not
///
/// This is the selection alone: nothing is carried, fetched or asked.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = MATCH)]
struct Match {
    /// The file that holds the event, as `run event` reads it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["repo", "tag"], required_unless_present = "repo")]
    event: Option<PathBuf>,
    /// The upstream repository that releases
    #[arg(long, value_name = "OWNER/NAME", requires = "tag")]
    repo: Option<RepoName>,
    /// The release's tag
    #[arg(long, value_name = "TAG", requires = "repo")]
    tag: Option<TagName>,
    /// Choose from this flow only, and from each that is named so; else PATCH_MOI_FLOWS names them, else all count
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    flow: Vec<String>,
    /// Count installed flows also where they are not as .codex/pack-lock.json pins them
    #[arg(long)]
    allow_modified: bool,
}

/// List the flows with their places and steps, and what the lock says about each
#[derive(Debug, ClapArgs)]
#[command(after_long_help = LIST)]
struct List {}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    match &args.command {
        Command::Match(asked) => matched(app, asked),
        Command::List(List {}) => list(app),
    }
}

fn matched(app: &App, asked: &Match) -> Result<Kind> {
    let event = match (&asked.event, &asked.repo, &asked.tag) {
        (Some(file), ..) => Which::File(app.environment.resolve(file)),
        (None, Some(repo), Some(tag)) => Which::Release(repo.clone(), tag.clone()),
        (None, ..) => {
            return Err(Failure::usage("no event is named").hint("name one with `--event FILE`"));
        }
    };
    let asked = MatchAsked { event, flows: asked.flow.clone(), allow_modified: asked.allow_modified };
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    let matched = context(app, &workspace, &data, None, |context| matching::matching(context, &asked))?;
    if app.ui.is_json() {
        app.ui.json(&matched);
        return Ok(Kind::Done);
    }
    let head = format!("{}  {}\n", printable(&matched.kind), printable(matched.id.as_str()));
    app.ui.out(&(head + &selection_text(&matched.selection, &app.ui.look())));
    matched.notes.iter().for_each(|note| app.ui.note(note));
    Ok(Kind::Done)
}

fn list(app: &App) -> Result<Kind> {
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    let Listed { flows, notes } = context(app, &workspace, &data, None, matching::list)?;
    if app.ui.is_json() {
        app.ui.json(&Listed { flows, notes });
        return Ok(Kind::Done);
    }
    if flows.is_empty() {
        app.ui.note("no flow is installed in .codex/flows or lies in flows");
    }
    app.ui.out(flows.iter().map(lines).collect::<Vec<_>>().join("\n").trim_end());
    notes.iter().for_each(|note| app.ui.note(note));
    Ok(Kind::Done)
}

/// What a person reads of one flow.
fn lines(flow: &ListedFlow) -> String {
    let version = flow.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let mut text =
        format!("{}{version}  {}  {}\n", printable(&flow.name), printable(&flow.place), flow.standing);
    if let Some(problem) = &flow.problem {
        let _ = writeln!(text, "  does not run: {}", printable(problem));
    }
    for step in &flow.steps {
        let on = step.on.as_deref().map_or("nothing", |on| on);
        let off = if step.enabled { "" } else { ", disabled" };
        let _ = writeln!(text, "  {}  {} on {}{off}", printable(&step.name), step.runner, printable(on));
    }
    text
}
