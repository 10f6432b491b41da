//! Arguments, one handler a command.

pub(crate) mod environment;
mod stack;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::{Kind, Result};
use environment::Environment;

/// Carries a fork's patch stack to every upstream release, and says what became of each patch.
#[derive(Debug, Parser)]
#[command(name = "patch-moi", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Stack(stack::Args),
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let environment = Environment::of_process();
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Stack(args) => stack::run(&environment, &args),
    };
    report(done)
}
#[expect(clippy::print_stderr, reason = "x")]
fn report(done: Result<Kind>) -> ExitCode {
    match done {
        Ok(kind) => kind.into(),
        Err(failure) => {
            eprintln!("error: {}", failure.title());
            for cause in failure.causes() { eprintln!("  {cause}"); }
            for hint in failure.advice() { eprintln!("  hint: {hint}"); }
            failure.kind.into()
        }
    }
}
