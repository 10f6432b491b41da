//! The process's surroundings, read once: variables, directories, the clock.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment and the clock")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// What the process finds around it. Everything else gets this as data.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    cwd: PathBuf,
    temporary: PathBuf,
}

impl Environment {
    /// The surroundings of this process. Variables that are not UTF-8 are passed over.
    pub(crate) fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            temporary: std::env::temp_dir(),
        }
    }

    /// All variables.
    pub(crate) const fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// A variable that is set and not blank, trimmed.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// The directory in which the program was started.
    pub(crate) fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// `path` as the user means it: relative to where the program was started.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.cwd.join(path)
    }

    /// Where what does not last may lie.
    pub(crate) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
