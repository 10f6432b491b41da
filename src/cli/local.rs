//! `patch-moi local`: what CI would do, seen on a laptop.

use std::collections::BTreeMap;

use clap::{Args as ClapArgs, ValueEnum};

use super::App;
use crate::actions::imitation::Trigger;
use crate::failure::{Failure, Kind, Result};
use crate::ids::TagName;
use crate::pipeline::local::{self, Asked, World};
use crate::report::{local_text, unseen_text};

const EXAMPLES: &str = "\
Examples:
  patch-moi local                                 what the next scheduled run would do
  patch-moi local --tag v1.2.0                    what \"Run workflow\" with this tag would do
  patch-moi local --with repo=OWNER/NAME --with branch=main
  patch-moi local --json | jq .annotations

The run gets a fresh checkout of HEAD, whose `origin` is yours, and an environment that holds what a
runner gives and PATH, HOME and locale of this machine: no token, no INPUT_*, nothing of your shell.
What is not committed is named first. It pushes nothing and opens nothing.

Writes:
  .codex/workspace/actions/local/TAG/   what would be uploaded as the artifact
  everything else goes to a temporary folder, which is removed

Exit codes:
  those of `patch-moi run`; 1 where GitHub's runner could not read what the step left";

/// Make the run that CI would make, in an imitation of GitHub's runner
///
/// Shows what GitHub would show: the log, the summary with its size, the annotations that GitHub would
/// record, and the outputs. All of them are read by the runner's own rules and limits.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The tag, as a person would type it into the workflow's form
    #[arg(long, value_name = "TAG")]
    tag: Option<TagName>,
    /// What starts the workflow; without it a schedule, or with --tag a person
    #[arg(long, value_name = "EVENT", value_enum)]
    event: Option<Event>,
    /// An input of the action, as the workflow's `with:` gives it; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    with: Vec<String>,
    /// The commit to check out instead of HEAD, such as origin/main
    #[arg(long, value_name = "REV")]
    commit: Option<String>,
    /// How many commits deep the checkout is, 0 for all; without it 1 where origin has the commit, else 0
    #[arg(long, value_name = "N")]
    fetch_depth: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Event {
    Schedule,
    WorkflowDispatch,
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    let asked = asked(args)?;
    let workspace = app.options.workspace(&app.environment)?;
    let program = app.environment.program().map_err(|error| {
        Failure::new(Kind::Failed, error).context("the system does not say where this program lies")
    })?;
    let world = World {
        program: &program,
        variables: app.environment.variables(),
        temporary: app.environment.temporary(),
        root: workspace.root(),
        now: app.environment.now(),
        ui: &app.ui,
    };
    let prepared = local::prepare(&world, &asked)?;
    let unseen = unseen_text(&prepared.unseen);
    if !unseen.is_empty() {
        app.ui.out(&format!("{unseen}\n"));
    }
    let (commit, branch) = (prepared.commit.short(), &prepared.branch);
    app.ui.note(&format!("the step, as {} starts it at {commit} on {branch}:", asked.trigger.name()));
    let (report, kind) = local::run(&world, prepared)?;
    app.ui.show(&report, || local_text(&report));
    Ok(kind)
}

fn asked(args: &Args) -> Result<Asked> {
    let mut inputs = BTreeMap::new();
    for given in &args.with {
        let (name, value) = given.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`--with {}` gives no value", given.escape_debug()))
                .hint("write it as NAME=VALUE, such as `--with branch=main`")
        })?;
        inputs.insert(name.to_owned(), value.to_owned());
    }
    if let Some(tag) = &args.tag {
        inputs.insert("tag".to_owned(), tag.to_string());
    }
    let trigger = match args.event {
        Some(Event::Schedule) if args.tag.is_some() => {
            return Err(Failure::usage("a schedule names no tag")
                .hint("leave `--event schedule` out: a person's run takes the tag"));
        }
        Some(Event::Schedule) => Trigger::Schedule,
        None if args.tag.is_none() => Trigger::Schedule,
        Some(Event::WorkflowDispatch) | None => Trigger::Dispatch,
    };
    Ok(Asked { trigger, inputs, commit: args.commit.clone(), depth: args.fetch_depth })
}
