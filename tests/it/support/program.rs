//! The program itself, run with an environment that holds only what a test put there.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

/// One run of the program, before it starts.
pub(crate) struct Program {
    command: assert_cmd::Command,
    args: Vec<String>,
    /// The hiding places of the program's own: home and temporary folder.
    home: TempDir,
}

/// The program with nothing but PATH, and a fresh home and temporary folder.
pub(crate) fn patch_moi(dir: &Path) -> Program {
    let home = TempDir::new().unwrap();
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_patch-moi"));
    command
        .current_dir(dir)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        // Windows programs do not start without it.
        .envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)))
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .env("NO_COLOR", "1")
        .timeout(std::time::Duration::from_secs(120));
    Program { command, args: Vec::new(), home }
}

impl Program {
    /// Adds arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        for arg in args {
            self.args.push(arg.as_ref().to_string_lossy().into_owned());
            self.command.arg(arg);
        }
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What comes in on stdin.
    pub(crate) fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.command.write_stdin(text);
        self
    }

    /// The folder that is its home and, unless set otherwise, its temporary folder.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Lets it live no longer than so many milliseconds: then it is killed, with no time to clean up.
    pub(crate) fn killed_after(mut self, milliseconds: u64) -> Self {
        self.command.timeout(std::time::Duration::from_millis(milliseconds));
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Output {
        let output = self.command.output().unwrap();
        Output {
            command: format!("patch-moi {}", self.args.join(" ")),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            home: self.home,
        }
    }
}

/// How one run ended. Its `Display` is everything that a failing test has to show.
#[must_use = "say at least how it should have ended: `.exits(0)`"]
pub(crate) struct Output {
    command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    home: TempDir,
}

impl Output {
    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "wrong exit code\n{self}");
        self
    }

    /// Checks that stderr holds every one of these.
    #[track_caller]
    pub(crate) fn says(self, phrases: &[&str]) -> Self {
        for phrase in phrases {
            assert!(self.stderr.contains(phrase), "stderr lacks {phrase:?}\n{self}");
        }
        self
    }

    /// Checks that stdout holds every one of these.
    #[track_caller]
    pub(crate) fn prints(self, phrases: &[&str]) -> Self {
        for phrase in phrases {
            assert!(self.stdout.contains(phrase), "stdout lacks {phrase:?}\n{self}");
        }
        self
    }

    /// Stdout as exactly one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|err| panic!("not one JSON document: {err}\n{self}"))
    }

    /// Stdout as one JSON document a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parse =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err} in {line}\n{self}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The folder that was the program's home and temporary folder.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Everything, for a snapshot: paths below these folders are written by the names given, and commit
    /// ids that no fixture fixes keep their place only.
    pub(crate) fn redacted(&self, folders: &[(&Path, &str)]) -> String {
        let mut text = self.to_string();
        let home = [(self.home.path(), "[HOME]")];
        for (path, name) in folders.iter().chain(&home) {
            // macOS reaches its temporary folder through a symbolic link.
            let real: PathBuf = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
            text = text.replace(&*real.to_string_lossy(), name).replace(&*path.to_string_lossy(), name);
        }
        let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap();
        time.replace_all(&text, "[TIME]").into_owned()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        writeln!(f, "$ {}", self.command)?;
        writeln!(f, "------- stdout -------\n{}", self.stdout.trim_end())?;
        writeln!(f, "------- stderr -------\n{}", self.stderr.trim_end())?;
        writeln!(f, "[exit status: {code}]")
    }
}
