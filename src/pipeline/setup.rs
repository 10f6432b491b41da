//! `setup codex`: what a fork's checkout lacks before its stack can be carried, and what of it can
//! be done for the person.

use std::path::{Path, PathBuf};

use serde::Serialize;
use url::Url;

use crate::failure::Result;
use crate::git::{Git, GitError, RemoteUrl, Repository, shown};
use crate::ids::{RefName, RepoName};
use crate::report::{printable, shell_quote};

/// How many paths of a dirty work tree are worth naming.
const SHOWN_PATHS: usize = 3;

/// What is to be checked.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The checkout.
    pub(crate) path: PathBuf,
    /// The upstream repository, for the names of its refs.
    pub(crate) upstream: RepoName,
    /// The remote that stands for upstream.
    pub(crate) remote: String,
    /// Where upstream is fetched from.
    pub(crate) url: String,
    /// The maintained branch.
    pub(crate) branch: String,
    /// Whether the remote is added and upstream's tags are fetched.
    pub(crate) apply: bool,
}

/// What was found, and done. The keys up to `issues` are those of the older patch.moi.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checkout {
    path: String,
    /// The branch that is checked out; null where none is.
    branch: Option<String>,
    branch_matches_target: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<String>,
    upstream_remote: String,
    upstream_url: String,
    added_upstream: bool,
    clean: bool,
    ready: bool,
    /// What keeps it from being ready.
    issues: Vec<String>,
    /// What to do about each of the issues, in their order.
    advice: Vec<String>,
    /// How many of upstream's tags are there now, where they were fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_tags: Option<usize>,
}

/// Checks a checkout and, where it is asked for, adds the remote and fetches upstream's tags into
/// refs/patch-moi/upstream. Nothing else is changed.
///
/// # Errors
/// Where the checkout is no repository, a name or URL cannot be used, or upstream cannot be reached;
/// the remote has not been added then.
pub(crate) fn check(git: &Git, asked: &Asked) -> Result<Checkout> {
    let repository = Repository::open(&asked.path)?;
    RefName::join("refs/remotes", &asked.remote)?;
    RefName::join("refs/heads", &asked.branch)?;
    let url: RemoteUrl = asked.url.parse()?;
    let is_there = repository.remote(&asked.remote).is_some();
    let (mut added_upstream, mut upstream_tags) = (false, None);
    if asked.apply {
        let listing = git.list(&url, Some(&repository))?;
        let refs = git.fetch_upstream(&repository, &url, &asked.upstream, &listing, &[])?;
        upstream_tags = Some(refs.tags.len());
        if !is_there {
            repository.add_remote(&asked.remote, url.as_str())?;
            added_upstream = true;
        }
    }
    let issues = issues(&repository, asked)?;
    let branch = repository.current_branch();
    Ok(Checkout {
        path: asked.path.display().to_string(),
        branch_matches_target: branch.as_ref() == Some(&asked.branch),
        branch,
        origin: repository.remote("origin").map(|url| shown(&url)),
        upstream: repository.remote(&asked.remote).map(|url| shown(&url)),
        upstream_remote: asked.remote.clone(),
        upstream_url: shown(&asked.url),
        added_upstream,
        clean: repository.dirt(1)?.is_empty(),
        ready: issues.is_empty(),
        upstream_tags,
        advice: issues.iter().map(|issue| issue.advice.clone()).collect(),
        issues: issues.into_iter().map(|issue| issue.what).collect(),
    })
}

struct Issue {
    what: String,
    advice: String,
}

fn issues(repository: &Repository, asked: &Asked) -> Result<Vec<Issue>> {
    let git = format!("git -C {}", shell_quote(&asked.path.display().to_string()));
    let mut issues: Vec<Issue> = Vec::new();
    let mut issue = |what: String, advice: String| issues.push(Issue { what, advice });
    let (remote, branch, wanted) = (&asked.remote, &asked.branch, shown(&asked.url));
    let quoted = shell_quote(&wanted);
    match repository.remote(remote) {
        None => issue(
            format!("there is no remote `{remote}`"),
            format!("`patch-moi setup codex --apply` adds it, or: {git} remote add {remote} {quoted}"),
        ),
        Some(url) if !is_same(&url, &asked.url) => issue(
            format!("the remote `{remote}` is {}, not {wanted}", shown(&url)),
            format!("{git} remote set-url {remote} {quoted}, or name another with --upstream-remote"),
        ),
        Some(_) => {}
    }
    match repository.must_be_idle(branch) {
        Err(error @ GitError::InProgress { .. }) => {
            issue(error.to_string(), error.hint().unwrap_or_default())
        }
        idle => idle?,
    }
    if repository.branch(branch).is_none() {
        let advice =
            format!("{git} fetch origin {}, or name another with --target-branch", shell_quote(branch));
        issue(format!("there is no branch `{branch}`"), advice);
    } else if repository.current_branch().as_ref() != Some(branch) {
        let now = repository.current_branch();
        let now = now.map_or_else(|| "no branch".to_owned(), |now| format!("`{now}`"));
        issue(
            format!("{now} is checked out, not `{branch}`"),
            format!("{git} switch {}", shell_quote(branch)),
        );
    }
    let dirt = repository.dirt(SHOWN_PATHS + 1)?;
    if !dirt.is_empty() {
        let more = if dirt.len() > SHOWN_PATHS { ", …" } else { "" };
        let names = dirt.iter().take(SHOWN_PATHS).cloned().collect::<Vec<_>>().join(", ");
        issue(
            format!("the work tree has changes or untracked files: {names}{more}"),
            format!("commit, stash or remove them; {git} status lists them all"),
        );
    }
    Ok(issues)
}

impl Checkout {
    /// Whether a stack can be carried from here.
    pub(crate) const fn is_ready(&self) -> bool {
        self.ready
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let or_none = |text: &Option<String>| printable(text.as_deref().unwrap_or("none")).into_owned();
        let added = if self.added_upstream { " (added)" } else { "" };
        let target = if self.branch_matches_target { " (the maintained one)" } else { "" };
        let mut text = format!("checkout   {}\n", printable(&self.path));
        text += &format!("branch     {}{target}\n", or_none(&self.branch));
        text += &format!("origin     {}\n", or_none(&self.origin));
        text += &format!("upstream   {}{added}\n", or_none(&self.upstream));
        if let Some(tags) = self.upstream_tags {
            text += &format!("tags       {tags} of upstream's, in refs/patch-moi/upstream\n");
        }
        text += if self.clean { "work tree  clean\n" } else { "work tree  has changes\n" };
        for (what, advice) in self.issues.iter().zip(&self.advice) {
            text += &format!("\nnot ready: {}\n  next: {}\n", printable(what), printable(advice));
        }
        text += if self.ready { "\nready\n" } else { "" };
        text
    }
}

/// Whether two URLs name one repository, however they are written.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other || canonical(one) == canonical(other)
}

/// `host/path`, without scheme, user, `.git` and the case that forges do not look at; a path as it is.
fn canonical(url: &str) -> String {
    let trimmed = url.trim_end_matches('/');
    let trimmed = trimmed.strip_suffix(".git").unwrap_or(trimmed);
    if let Ok(parsed) = Url::parse(trimmed)
        && let Some(host) = parsed.host_str()
    {
        return format!("{host}{}", parsed.path()).to_lowercase();
    }
    let path = trimmed.strip_prefix("file://").unwrap_or(trimmed);
    match path.split_once(':') {
        Some((host, rest)) if !host.contains('/') && !Path::new(path).is_absolute() => {
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{host}/{}", rest.trim_start_matches('/')).to_lowercase()
        }
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_has_many_urls() {
        let canonical_url = "https://github.com/openai/codex.git";
        for url in [
            "https://github.com/openai/codex",
            "https://github.com/OpenAI/Codex/",
            "https://token@github.com/openai/codex.git",
            "git@github.com:openai/codex.git",
            "ssh://git@github.com/openai/codex",
        ] {
            assert!(is_same(url, canonical_url), "{url}");
        }
        for url in [
            "https://github.com/openai/codex-two",
            "https://example.org/openai/codex",
            "/srv/github.com/openai/codex.git",
            "../codex",
        ] {
            assert!(!is_same(url, canonical_url), "{url}");
        }
        assert!(is_same("/srv/codex.git", "file:///srv/codex"));
    }
}
