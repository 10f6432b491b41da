//! The fork's remote: which one it is, what it has, and that it is not upstream's.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::super::context::Context;
use super::super::plumbing::tree_of;
use super::super::preparing::Prepared;
use crate::candidate::Refusal;
use crate::candidate::publication::{named, repository_on, same_repository};
use crate::failure::{Failure, Result};
use crate::git::{Credential, Git, Listing, RemoteUrl};
use crate::ids::{CommitId, ObjectId, RefName, RepoName, Secret};
use crate::stack::{self, Objects, StackError};

/// Workflows of GitHub's own, in a tree.
const WORKFLOWS: &[u8] = b".github/workflows";

/// So many branches of the fork are looked at for a workflow file.
const MOST_BRANCHES: usize = 200;

/// GitHub, as the runner's environment names it.
pub(in crate::pipeline) struct Server {
    /// Where repositories are.
    pub(in crate::pipeline) web: Url,
    /// Where the API is.
    pub(in crate::pipeline) api: Url,
    /// The token, where there is one.
    pub(in crate::pipeline) token: Option<Secret>,
}

impl Server {
    /// What the environment says.
    ///
    /// # Errors
    /// Where an address is none.
    pub(in crate::pipeline) fn of(context: &Context<'_>) -> Result<Self> {
        let address = |name: &str, usual: &str| {
            let text = context.variable(name).unwrap_or_else(|| usual.to_owned());
            text.parse::<Url>().map_err(|err| Failure::usage(format!("{name} is no address: {err}")))
        };
        Ok(Self {
            web: address("GITHUB_SERVER_URL", "https://github.com")?,
            api: address("GITHUB_API_URL", "https://api.github.com")?,
            token: context.token(),
        })
    }

    /// The token, for git.
    pub(in crate::pipeline) fn credential(&self) -> Option<Credential> {
        self.token.clone().map(|token| Credential::new(token, &self.web))
    }

    /// `OWNER/NAME` of a repository that lies there.
    pub(in crate::pipeline) fn repository(&self, url: &RemoteUrl) -> Option<RepoName> {
        repository_on(self.web.as_str(), url.as_str())
    }
}

/// Where a candidate goes.
pub(in crate::pipeline) struct Target {
    /// The fork's remote.
    pub(in crate::pipeline) url: RemoteUrl,
}

impl Target {
    /// The fork's remote; none where the checkout has none.
    ///
    /// # Errors
    /// [`Refusal::Upstream`].
    pub(in crate::pipeline) fn of(prepared: &Prepared) -> std::result::Result<Option<Self>, Refusal> {
        let Some(url) = prepared.fork.home() else { return Ok(None) };
        if is_upstream(&url, &prepared.url, &prepared.release.repo) {
            return Err(Refusal::Upstream { target: url.to_string() });
        }
        Ok(Some(Self { url }))
    }

    /// What it has now.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(in crate::pipeline) fn listing(&self, git: &Git, prepared: &Prepared) -> Result<Listing> {
        Ok(git.list(&self.url, Some(&prepared.fork.repository))?)
    }
}

/// Whether `url` is the repository that `upstream` is, by its place or by its name.
pub(in crate::pipeline) fn is_upstream(url: &RemoteUrl, upstream: &RemoteUrl, repo: &RepoName) -> bool {
    let by_name = named(url.as_str()).is_some_and(|name| name == repo.as_str().to_lowercase());
    by_name || same_repository(&resolved(url), &resolved(upstream))
}

/// A path of this machine without links; anything else as it is.
fn resolved(url: &RemoteUrl) -> String {
    let text = url.as_str();
    let path = text.strip_prefix("file://").unwrap_or(text);
    match std::fs::canonicalize(path) {
        Ok(real) if path.starts_with('/') => real.display().to_string(),
        _ => text.to_owned(),
    }
}

/// The refs that are patch-moi's own.
pub(in crate::pipeline) fn own_refs(listing: &Listing) -> BTreeMap<RefName, ObjectId> {
    let branches = listing.branches.iter().filter(|(name, _)| name.starts_with("patch-moi/"));
    let branches = branches
        .filter_map(|(name, commit)| Some((RefName::join("refs/heads", name).ok()?, commit.object())));
    branches.chain(listing.ours.iter().map(|(name, id)| (name.clone(), *id))).collect()
}

/// The workflow files of `candidate` whose content is on no branch of the fork, as far as the branches'
/// commits are here. GitHub's own token may not push them.
///
/// # Errors
/// Where an object cannot be read.
pub(super) fn workflow_files(
    prepared: &Prepared,
    candidate: CommitId,
    listing: &Listing,
) -> Result<Vec<String>> {
    let wanted = workflows(prepared, candidate)?;
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut known = BTreeSet::new();
    let heads =
        listing.branches.values().chain([&prepared.tip]).filter(|head| prepared.bench.commit(**head).is_ok());
    for head in heads.take(MOST_BRANCHES) {
        known.extend(workflows(prepared, *head)?);
    }
    Ok(wanted.difference(&known).map(|(name, _)| format!(".github/workflows/{name}")).collect())
}

fn workflows(prepared: &Prepared, commit: CommitId) -> Result<BTreeSet<(String, ObjectId)>> {
    let bench = &prepared.bench;
    let tree = tree_of(bench, commit)?;
    let Some((mode, id)) = stack::find(bench, tree, WORKFLOWS).map_err(StackError::from)? else {
        return Ok(BTreeSet::new());
    };
    if !mode.is_tree() {
        return Ok(BTreeSet::new());
    }
    let entries = bench.tree(crate::ids::TreeId::new(id)).map_err(StackError::from)?;
    Ok(entries
        .into_iter()
        .map(|entry| (String::from_utf8_lossy(&entry.name).into_owned(), entry.id))
        .collect())
}
