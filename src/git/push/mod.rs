//! Refs of a remote, moved all or none, each from where it is known to stand.

use std::collections::HashMap;

use super::program::{Git, in_repository};
use super::{Credential, GitError, RefMove, RemoteUrl, Repository};
use crate::ids::RefName;
use crate::process::{Output, ProcessError};
use crate::report::printable;

/// Which program takes a push on this machine or over ssh. A configuration may name another for a URL
/// (`remote.<url>.receivepack`), and that would be a line for a shell.
const RECEIVE_PACK: &str = "--receive-pack=git-receive-pack";

/// Nothing else of a remote is ever written.
const OURS: [&str; 2] = ["refs/heads/patch-moi/", "refs/patch-moi/"];

/// So many lines of what a remote says are kept, and so many characters of them.
const MOST_SAID: (usize, usize) = (8, 600);

/// What became of one ref of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// The ref.
    pub(crate) name: RefName,
    /// What became of it.
    pub(crate) outcome: PushOutcome,
}

/// What became of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PushOutcome {
    /// It stands where it should.
    Moved,
    /// It was left where it stood.
    Rejected(Rejection),
}

/// Why a ref was left where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// It does not stand where it was expected.
    Stale,
    /// The remote refused: its reason and what it printed, on one line that may be shown.
    Remote {
        /// What the remote said.
        reason: String,
    },
    /// Another ref of the same push was refused.
    Atomic,
}

impl Git {
    /// Moves refs of a remote, all or none. `from` has the objects; its configuration, and that of the
    /// user, says how to get in. No hook of this machine is run. A ref that stands where it should
    /// already counts as moved. The result has every ref once, in the order of `moves`.
    ///
    /// # Errors
    /// [`GitError::NotOurs`] for a ref of somebody else's, whoever asks; [`GitError::NotAllowed`] and
    /// [`GitError::NotPushed`] where no ref was looked at. A ref that was refused is not an error.
    pub(crate) fn push(
        &self,
        from: &Repository,
        url: &RemoteUrl,
        moves: &[RefMove],
        credential: Option<&Credential>,
    ) -> Result<Vec<Pushed>, GitError> {
        if moves.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(step) = moves.iter().find(|step| !is_ours(&step.name)) {
            return Err(GitError::NotOurs { name: step.name.clone() });
        }
        let with = credential.map(|credential| self.with_credential(Some(credential)));
        let git = with.as_ref().unwrap_or(self);
        let lease = |step: &RefMove| {
            let stands = step.from.map(|commit| commit.to_string()).unwrap_or_default();
            format!("--force-with-lease={}:{stands}", step.name)
        };
        let refspec = |step: &RefMove| {
            format!("{}:{}", step.to.map(|commit| commit.to_string()).unwrap_or_default(), step.name)
        };
        let output = in_repository(git.transport_to(url), from)
            .args(["-c", "core.hooksPath=/dev/null", "-c", "push.pushOption="])
            .args(["push", "--porcelain", "--atomic", "--no-verify", "--no-progress", "--no-follow-tags"])
            .args(["--no-signed", "--no-force-if-includes", "--recurse-submodules=no", RECEIVE_PACK])
            .args(moves.iter().map(lease))
            .args(["--", url.as_str()])
            .args(moves.iter().map(refspec))
            .run()
            .map_err(|source| GitError::NotPushed { url: url.to_string(), source })?;
        let said = said_by_remote(&output.stderr.text());
        let answers = parse(&output.stdout.text(), &said);
        if answers.is_empty() {
            return Err(not_pushed(url, output));
        }
        let answer = |step: &RefMove| {
            let outcome = answers.get(step.name.as_str()).cloned();
            let outcome = outcome.ok_or(GitError::Answer { what: "push" })?;
            Ok(Pushed { name: step.name.clone(), outcome })
        };
        moves.iter().map(answer).collect()
    }
}

/// Whether a ref of a remote may be written at all.
fn is_ours(name: &RefName) -> bool {
    OURS.iter().any(|ours| name.as_str().starts_with(ours))
}

/// git-push(1), "OUTPUT": lines of `<flag> TAB <from>:<to> TAB <summary> (<reason>)`.
fn parse(text: &str, said: &str) -> HashMap<String, PushOutcome> {
    let mut found = HashMap::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, '\t');
        let (Some(flag), Some(names), Some(summary)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let Some((_, name)) = names.split_once(':') else { continue };
        let outcome = match flag {
            " " | "+" | "-" | "*" | "=" => PushOutcome::Moved,
            _ => PushOutcome::Rejected(rejection(summary, said)),
        };
        found.insert(name.to_owned(), outcome);
    }
    found
}

/// The reason stands in the last brackets; `[rejected]` is git's own word, everything else the remote's.
fn rejection(summary: &str, said: &str) -> Rejection {
    let reason = summary.split_once(" (").map_or(summary, |(_, reason)| reason);
    let reason = reason.strip_suffix(')').unwrap_or(reason);
    if reason.starts_with("atomic ") {
        return Rejection::Atomic;
    }
    if summary.starts_with("[rejected]") && reason == "stale info" {
        return Rejection::Stale;
    }
    let reason = match said {
        "" => reason.to_owned(),
        said => format!("{reason}: {said}"),
    };
    Rejection::Remote { reason: bounded(&reason) }
}

/// What the remote printed for people, on one line.
fn said_by_remote(stderr: &str) -> String {
    let lines = stderr.lines().filter_map(|line| line.strip_prefix("remote:"));
    let lines = lines.map(str::trim).filter(|line| !line.is_empty()).take(MOST_SAID.0);
    lines.map(printable).collect::<Vec<_>>().join("; ")
}

/// At most so much as may be shown, with nothing in it that steers a terminal or a runner.
fn bounded(text: &str) -> String {
    let mut shown: String = printable(text).chars().take(MOST_SAID.1).collect();
    if shown.len() < text.len() && text.chars().nth(MOST_SAID.1).is_some() {
        shown.push('…');
    }
    shown
}

/// git's own words for a remote that knows the caller, or wants to, and lets it change nothing.
const REFUSALS: [&str; 5] = [
    "returned error: 401",
    "returned error: 403",
    "Authentication failed for",
    "could not read Username for",
    "Permission denied (",
];

fn not_pushed(url: &RemoteUrl, output: Output) -> GitError {
    let stderr = output.stderr.text().into_owned();
    if REFUSALS.iter().any(|words| stderr.contains(words)) {
        let said = said_by_remote(&stderr);
        let own = stderr.lines().find(|line| REFUSALS.iter().any(|words| line.contains(words)));
        let said = if said.is_empty() { own.unwrap_or_default().trim().to_owned() } else { said };
        return GitError::NotAllowed { url: url.to_string(), said: bounded(&said) };
    }
    let source = match output.success() {
        Err(source) => source,
        // It ended well and named no ref.
        Ok(_) => return GitError::Answer { what: "push" },
    };
    let source = match source {
        ProcessError::Failed { program, status, said } => {
            let said = said.lines().map(printable).collect::<Vec<_>>().join("\n");
            ProcessError::Failed { program, status, said }
        }
        other => other,
    };
    GitError::NotPushed { url: url.to_string(), source }
}

#[cfg(test)]
mod tests;
