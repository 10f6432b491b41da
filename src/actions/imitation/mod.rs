//! GitHub's runner, played on this machine: what it gives a step, and how it reads what the step says.
//!
//! It is written from the runner's own rules and not from our writing half, so that each can tell when the
//! other is wrong.

mod action;
mod files;
mod folder;
mod log;
mod runner;
#[cfg(test)]
mod tests;

pub(crate) use action::{arguments, inputs};
pub(crate) use folder::Told;
pub(crate) use log::{Log, Shown};
pub(crate) use runner::{Job, Trigger};
