//! patch-moi carries a fork's patch stack to every upstream release, and says what became of
//! each patch.
//!
//! The crate is a program, not a library: [`main`] is the way in. The rooms and the one direction
//! in which they may name each other are drawn in `docs/ARCHITECTURE.md`.

// base: anyone may use them
mod http;
mod ids;
mod process;

// core: pure; no clock, environment, file, socket or process
mod candidate;
mod event;
mod flow;
mod pack;
mod record;
mod release;
mod report;
mod stack;

// edge: each the only one that touches its part of the world
mod actions;
mod feed;
mod git;
mod runner;
mod store;
mod ui;
mod workspace;

// entry: edges meet here
mod cli;
mod failure;
mod harness;
mod pipeline;

/// Runs the program with the process's arguments and says how it ended.
pub fn main() -> std::process::ExitCode {
    cli::run()
}
