//! The process's surroundings, read once: arguments, variables, directories, terminals, the clock.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment and the clock")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// What the process finds around it. Everything else gets this as data.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    args: Vec<OsString>,
    variables: BTreeMap<String, String>,
    cwd: PathBuf,
    temporary: PathBuf,
    out_is_terminal: bool,
    err_is_terminal: bool,
    columns: Option<usize>,
}

impl Environment {
    /// The surroundings of this process. Variables that are not UTF-8 are passed over.
    pub(crate) fn of_process() -> Self {
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self {
            args: std::env::args_os().collect(),
            variables: std::env::vars_os().filter_map(text).collect(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            temporary: std::env::temp_dir(),
            out_is_terminal: std::io::stdout().is_terminal(),
            err_is_terminal: std::io::stderr().is_terminal(),
            columns: columns(),
        }
    }

    /// The program's name and its arguments.
    pub(crate) fn args(&self) -> &[OsString] {
        &self.args
    }

    /// This program's own file.
    ///
    /// # Errors
    /// Where the system does not say.
    pub(crate) fn program(&self) -> std::io::Result<PathBuf> {
        std::env::current_exe()
    }

    /// All variables.
    pub(crate) const fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// A variable that is set and not blank, trimmed.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    }

    /// The directory in which the program was started.
    pub(crate) fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// `path` as the user means it: relative to where the program was started.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.cwd.join(path)
    }

    /// A URL as it is, or the path of a folder as the user means it: git would start a relative one
    /// somewhere else.
    pub(crate) fn resolve_url(&self, url: &str) -> String {
        let path = self.resolve(Path::new(url));
        let path = path.to_str().filter(|_| !url.is_empty() && !url.contains(':') && path.is_dir());
        path.unwrap_or(url).to_owned()
    }

    /// Where what does not last may lie.
    pub(crate) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Whether standard output is a terminal.
    pub(crate) const fn out_is_terminal(&self) -> bool {
        self.out_is_terminal
    }

    /// Whether standard error is a terminal.
    pub(crate) const fn err_is_terminal(&self) -> bool {
        self.err_is_terminal
    }

    /// How wide the terminal is: what COLUMNS says, else what the terminal says.
    pub(crate) fn columns(&self) -> Option<usize> {
        self.get("COLUMNS").and_then(|text| text.parse().ok()).or(self.columns)
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    let size = size.or_else(|_| rustix::termios::tcgetwinsize(std::io::stderr())).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
