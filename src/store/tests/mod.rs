//! The promises of the store, kept with real files, threads and killed processes.

mod artifacts;
mod dirt;
mod journals;
mod kills;
mod states;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// A record of the tests' own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    n: u64,
    text: String,
}

impl Note {
    fn new(n: u64) -> Self {
        Self { n, text: format!("note {n}") }
    }
}

fn a_place() -> TempDir {
    tempfile::tempdir().unwrap()
}
