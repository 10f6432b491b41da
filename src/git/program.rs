//! The git program: which one, and with what environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Credential, GitError, RemoteUrl, Repository};
use crate::process::{Command, Env};

/// The oldest git whose `merge-tree` merges trees.
const NEEDED: (&str, [u32; 2]) = ("2.45", [2, 45]);

/// How long a command without network may take.
const LOCAL: Duration = Duration::from_secs(30 * 60);

/// How long a command with network may take.
const NETWORK: Duration = Duration::from_secs(60 * 60);

/// What transport needs beyond [`Env::minimal`]: the ways to a person's own credentials.
const CREDENTIALS: [&str; 4] = ["SSH_AUTH_SOCK", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL"];

/// Which program serves a repository on this machine or over ssh. A configuration may name another for
/// a URL (`remote.<url>.uploadpack`), and that would be a line for a shell.
pub(super) const UPLOAD_PACK: &str = "--upload-pack=git-upload-pack";

/// The git program.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    parent: BTreeMap<String, String>,
    program: PathBuf,
    credential: Option<Credential>,
    patience: Duration,
    version: String,
}

impl Git {
    /// The git on the PATH of `parent`, the process's own environment.
    ///
    /// # Errors
    /// Where there is none, or one older than 2.45.
    pub(crate) fn find(parent: &BTreeMap<String, String>) -> Result<Self, GitError> {
        let mut git = Self {
            parent: parent.clone(),
            program: program(parent),
            credential: None,
            patience: NETWORK,
            version: String::new(),
        };
        let said = git.isolated(None).arg("--version");
        let said = said.run().and_then(crate::process::Output::success);
        let said = said.map_err(|source| GitError::Program { what: "--version", source })?;
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        let found = said.strip_prefix("git version ").unwrap_or(&said);
        if is_enough(found) {
            found.clone_into(&mut git.version);
            Ok(git)
        } else {
            Err(GitError::TooOld { found: found.to_owned(), needed: NEEDED.0 })
        }
    }

    /// A git that sees no configuration but its repository's own and answers in English. With
    /// `home`, it has that as its home.
    pub(super) fn isolated(&self, home: Option<&Path>) -> Command {
        let mut env = self.quiet(Env::minimal(&self.parent));
        for (name, value) in [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")] {
            env.set(name, value);
        }
        env.set("GIT_CONFIG_NOSYSTEM", "1");
        env.set("GIT_ATTR_NOSYSTEM", "1");
        // Else `git/attributes` below it, or below `~/.config`, would have a say in merges and checkouts.
        env.set("XDG_CONFIG_HOME", "/dev/null");
        env.set("GIT_NO_LAZY_FETCH", "1");
        if let Some(home) = home {
            env.set("HOME", &home.to_string_lossy());
        }
        // A commit-graph is a copy of the history that nothing checks against it.
        Command::new(&self.program).env(env).timeout(Some(LOCAL)).args(["-c", "core.commitGraph=false"])
    }

    /// Its version, as it says it.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The same git, which waits for a remote no longer than `patience`.
    #[must_use]
    pub(crate) fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// The same git, which shows `credential` to its host, and to no other.
    #[must_use]
    pub(crate) fn with_credential(&self, credential: Option<&Credential>) -> Self {
        Self { credential: credential.cloned(), ..self.clone() }
    }

    /// A git with the user's configuration, for transport to and from `url`.
    pub(super) fn transport_to(&self, url: &RemoteUrl) -> Command {
        self.transport_with(url, &[])
    }

    /// The same, with these variables.
    pub(super) fn transport_with(&self, url: &RemoteUrl, more: &[(&str, &str)]) -> Command {
        let mut env = self.quiet(Env::minimal(&self.parent));
        for (name, value) in more {
            env.set(name, value);
        }
        for name in CREDENTIALS {
            if let Some(value) = self.parent.get(name) {
                env.set(name, value);
            }
        }
        env.set("GIT_ALLOW_PROTOCOL", "file:https:http:ssh");
        for (name, value) in self.credential.iter().flat_map(|credential| credential.variables(url)) {
            env.set(&name, &value);
        }
        let command = Command::new(&self.program).env(env).timeout(Some(self.patience));
        // A line for a shell, which a repository that borrows objects may name.
        command.args(["-c", "core.alternateRefsCommand=true"])
    }

    /// A git as the person would start it, with their configuration, for their own work tree; without
    /// the repository's hooks, and without a question that nobody would see.
    pub(super) fn personal(&self) -> Command {
        let mut env = Env::minimal(&self.parent);
        for name in CREDENTIALS {
            if let Some(value) = self.parent.get(name) {
                env.set(name, value);
            }
        }
        for (name, value) in [
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_EDITOR", "true"),
            ("GIT_PAGER", "cat"),
        ] {
            env.set(name, value);
        }
        let command = Command::new(&self.program).env(env).timeout(Some(LOCAL));
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"])
    }

    fn quiet(&self, mut env: Env) -> Env {
        for (name, value) in [
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_LFS_SKIP_SMUDGE", "1"),
            ("GIT_PAGER", "cat"),
        ] {
            env.set(name, value);
        }
        env
    }
}

/// git on the PATH, by its whole path: a child that must first be looked for on another PATH than
/// ours is made by copying this whole process, and a carry starts hundreds.
fn program(parent: &BTreeMap<String, String>) -> PathBuf {
    let path = parent.get("PATH").map(String::as_str).unwrap_or_default();
    let is_program = |file: &PathBuf| {
        file.is_absolute()
            && file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let found = std::env::split_paths(path).map(|dir| dir.join("git")).find(is_program);
    found.unwrap_or_else(|| PathBuf::from("git"))
}

/// `--option=path`, whatever bytes the path has.
pub(super) fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// A git command in a repository whoever owns its directory: the user named it.
pub(super) fn in_repository(command: Command, repository: &Repository) -> Command {
    let dir = repository.inner.path();
    command
        .arg(option("--git-dir=", dir))
        .arg("-c")
        .arg(option("safe.directory=", dir))
        .cwd(repository.path())
}

fn is_enough(version: &str) -> bool {
    let mut parts = version.split(['.', ' ', '-']).map(|part| part.parse().unwrap_or(0));
    let found = [parts.next().unwrap_or(0), parts.next().unwrap_or(0)];
    found >= NEEDED.1
}

#[cfg(test)]
mod tests {
    use super::is_enough;

    #[test]
    fn a_git_that_cannot_merge_trees_is_too_old() {
        for (version, enough) in [
            ("2.39.5", false),
            ("2.44.0.rc1", false),
            ("2.45.0", true),
            ("2.50.1 (Apple Git-155)", true),
            ("3.0", true),
        ] {
            assert_eq!(is_enough(version), enough, "{version}");
        }
    }
}
