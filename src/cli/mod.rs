//! Arguments, one handler a command.
//!
//! | file | what it knows |
//! |---|---|
//! | `environment` | what surrounds the process |
//! | `options` | what every command takes |
//! | `interruption` | signals |
//! | `trace` | `-v` |
//! | `say` | how a run and a failure are said, to a person, a program and GitHub's runner |
//! | `run`, `again`, `local`, `publish`, `verify`, `resume`, `flow`, `stack`, `records`, `pack`, `init`, `doctor`, `setup`, `actions`, `schema` | the commands |
//! | `reference` | docs/cli.md, from the definitions themselves |

mod actions;
mod again;
mod context;
mod doctor;
pub(crate) mod environment;
mod flow;
mod init;
mod interruption;
mod local;
mod options;
mod pack;
mod publish;
mod records;
mod reference;
mod resume;
mod run;
mod say;
mod schema;
mod setup;
mod stack;
mod trace;
mod verify;

use std::process::ExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::failure::{Kind, Result};
use crate::store::DataDir;
use crate::ui::Ui;
use environment::Environment;
use interruption::{End, listen_during};
use options::Options;

const EXAMPLES: &str = "\
Getting started:
  patch-moi run harness        see the whole of it on a made-up fork: no network, no configuration
  cd YOUR-FORK                 then on your own fork, where main carries the patches:
  patch-moi run release --repo OWNER/NAME --branch main --dry-run
  patch-moi run release --repo OWNER/NAME --branch main

Files:
  the workspace root   --workspace-root, else at or above the current folder the nearest one with
                       .codex/workspace.toml, with .codex or flows, the git checkout; else this one
  DATA_DIR             --data-dir, else the variable DATA_DIR, both relative to the workspace root;
                       else data in it where that exists, else .codex/workspace/actions/data

Exit codes:
  0  done, or nothing to do         3  a patch needs a person
  1  something failed               4  blocked: a closed gate, a rebase in progress, a permission
  2  a wrong command, configuration or name; nothing was begun

Where several things happened, 1 counts before 2 before 3 before 4 before 0.";

/// Carries a fork's patch stack to every upstream release, and says what became of each patch
///
/// It looks at what upstream has released, re-applies the fork's own commits on the release, and
/// leaves a candidate with a report: what was carried, what upstream has by now, and which patches
/// need a person. The maintained branch itself is never touched.
#[derive(Debug, Parser)]
#[command(name = "patch-moi", bin_name = "patch-moi", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Doctor(doctor::Args),
    Run(run::Args),
    Local(local::Args),
    Retry(again::RetryArgs),
    Replay(again::ReplayArgs),
    Resume(resume::Args),
    Publish(publish::Args),
    Verify(verify::Args),
    Flow(flow::Args),
    Status(records::StatusArgs),
    Events(records::EventsArgs),
    Dispatches(records::DispatchesArgs),
    Attempts(records::AttemptsArgs),
    Sync(again::SyncArgs),
    Stack(stack::Args),
    Pack(pack::Args),
    Setup(setup::Args),
    Actions(actions::Args),
    Schema(schema::Args),
    /// Print the reference of the command line as Markdown
    #[command(hide = true)]
    Reference,
}

/// What every handler is given.
#[derive(Clone)]
struct App {
    environment: Environment,
    options: Options,
    ui: Arc<Ui>,
}

impl App {
    /// DATA_DIR.
    fn data(&self) -> Result<DataDir> {
        let workspace = self.options.workspace(&self.environment)?;
        Ok(self.options.data(&self.environment, &workspace))
    }
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let environment = Environment::of_process();
    let Cli { options, command } = match Cli::try_parse_from(environment.args()) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let ui = Arc::new(Ui::new(options.streams(&environment)));
    trace::start(&ui, options.verbose);
    let app = App { environment, options, ui };
    let worker = app.clone();
    let is_run = matches!(command, Some(Command::Run(_) | Command::Retry(_) | Command::Replay(_)));
    let is_publish = matches!(command, Some(Command::Publish(_)));
    let (failure, was_asked) = match listen_during(move || handle(&worker, command)) {
        End::Done(Ok(kind)) | End::Asked(Ok(kind)) => return finish(&app, kind),
        End::Done(Err(failure)) => (failure, false),
        End::Asked(Err(_)) | End::Left => (interruption::failure(), true),
    };
    let told = match (is_run, is_publish) {
        (true, _) => say::failed_run(&app, &failure),
        (_, true) => say::failed_publication(&app, &failure),
        _ => false,
    };
    let kind = say::failure(&app, &failure);
    finish(&app, if told && !was_asked { say::ends_later(&app, kind) } else { kind })
}

fn handle(app: &App, command: Option<Command>) -> Result<Kind> {
    match command {
        None => app.ui.out(&Cli::command().render_long_help().ansi().to_string()),
        Some(Command::Reference) => app.ui.out(&reference::markdown(Cli::command())),
        Some(Command::Schema(args)) => schema::print(app, &args),
        Some(Command::Run(args)) => return run::run(app, &args),
        Some(Command::Retry(args)) => return again::retry(app, &args),
        Some(Command::Replay(args)) => return again::replay(app, &args),
        Some(Command::Local(args)) => return local::run(app, &args),
        Some(Command::Resume(args)) => return resume::run(app, &args),
        Some(Command::Publish(args)) => return publish::run(app, &args),
        Some(Command::Stack(args)) => return stack::run(app, &args),
        Some(Command::Flow(args)) => return flow::run(app, &args),
        Some(Command::Events(args)) => return records::events(app, &args),
        Some(Command::Dispatches(args)) => return records::dispatches(app, &args),
        Some(Command::Attempts(args)) => return records::attempts(app, &args),
        Some(Command::Sync(args)) => return again::sync(app, &args),
        Some(Command::Status(args)) => return records::status(app, &args),
        Some(Command::Doctor(args)) => return doctor::run(app, &args),
        Some(Command::Pack(args)) => return pack::run(app, &args),
        Some(Command::Init(args)) => return init::run(app, &args),
        Some(Command::Actions(args)) => return actions::run(app, &args),
        Some(Command::Setup(args)) => return setup::run(app, &args),
        Some(Command::Verify(args)) => return verify::run(app, &args),
    }
    Ok(Kind::Done)
}

/// Help that was asked for is no mistake; clap itself writes it, in the terminal's colours.
fn usage(error: &clap::Error) -> ExitCode {
    // A reader who went away (`patch-moi --help | head`) has read enough.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Kind::Done.into(),
        _ => Kind::Usage.into(),
    }
}

/// The command as it was typed, for a report.
fn typed(app: &App) -> String {
    let typed = app.environment.args().iter().skip(1).map(|arg| without_secrets(&arg.to_string_lossy()));
    typed.collect::<Vec<_>>().join(" ")
}

/// An argument without the user and the password of the address that it is, or that stands behind its `=`.
fn without_secrets(arg: &str) -> String {
    let is_option = |option: &str| option.starts_with('-') && !option.contains("://");
    match arg.split_once('=').filter(|(option, _)| is_option(option)) {
        Some((option, value)) => format!("{option}={}", crate::git::shown(value)),
        None => crate::git::shown(arg),
    }
}

/// Nothing is said after this: what could not be written is a failure of its own.
fn finish(app: &App, kind: Kind) -> ExitCode {
    match app.ui.finish() {
        Ok(()) => kind.into(),
        Err(error) => {
            let title = "not everything could be written to standard output or standard error";
            app.ui.error(title, &[error.to_string()], &["make room, or write it somewhere else".to_owned()]);
            let _ = app.ui.finish();
            kind.worse(Kind::Failed).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_in_no_report() {
        for (typed, shown) in [
            ("https://ada:secret@example.org/a/b", "https://example.org/a/b"),
            ("--upstream-url=https://secret@example.org/a", "--upstream-url=https://example.org/a"),
            ("--with=state=x", "--with=state=x"),
            ("v1@2", "v1@2"),
        ] {
            assert_eq!(without_secrets(typed), shown);
        }
    }

    #[test]
    fn the_definitions_agree_with_each_other() {
        Cli::command().debug_assert();
    }
}
