//! Upstream's and the fork's commits, brought to where they are needed.

use std::collections::BTreeMap;

use super::program::{Git, UPLOAD_PACK, in_repository};
use super::remote::{Listing, RemoteUrl};
use super::{GitError, Repository};
use crate::ids::{CommitId, ObjectId, RepoName, TagName};
use crate::process::Output;

/// Upstream's refs as they lie in a repository, in a namespace of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UpstreamRefs {
    /// Tags that lead to commits: the object that the tag names, and the commit.
    pub(crate) tags: BTreeMap<TagName, (ObjectId, CommitId)>,
    /// Branches.
    pub(crate) branches: BTreeMap<String, CommitId>,
}

impl UpstreamRefs {
    /// Every commit that the refs name, once each and sorted.
    pub(crate) fn commits(&self) -> Vec<CommitId> {
        let tags = self.tags.values().map(|(_, commit)| *commit);
        let mut all: Vec<CommitId> = tags.chain(self.branches.values().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Where upstream's refs lie: never in `refs/tags` or `refs/remotes`, where the fork has its own.
fn namespace(upstream: &RepoName) -> String {
    format!("refs/patch-moi/upstream/{}/{}", upstream.owner(), upstream.name())
}

impl Git {
    /// Fetches all tags of upstream, its default branch and `branches` into the namespace of
    /// `upstream` in `into`.
    ///
    /// # Errors
    /// [`GitError::Unreachable`].
    pub(crate) fn fetch_upstream(
        &self,
        into: &Repository,
        url: &RemoteUrl,
        upstream: &RepoName,
        listing: &Listing,
        branches: &[String],
    ) -> Result<UpstreamRefs, GitError> {
        let space = namespace(upstream);
        let mut specs = vec![format!("+refs/tags/*:{space}/tags/*")];
        let wanted = listing.default_branch.iter().chain(branches);
        for branch in wanted.filter(|branch| listing.branches.contains_key(*branch)) {
            specs.push(format!("+refs/heads/{branch}:{space}/heads/{branch}"));
        }
        specs.sort();
        specs.dedup();
        self.fetch(into, url, &specs)?;
        let mut refs = UpstreamRefs::default();
        for (name, object, commit) in into.refs_below(&space)? {
            if let Some(tag) = name.strip_prefix("tags/").and_then(|tag| tag.parse().ok()) {
                refs.tags.insert(tag, (object, commit));
            } else if let Some(branch) = name.strip_prefix("heads/") {
                refs.branches.insert(branch.to_owned(), commit);
            }
        }
        Ok(refs)
    }

    /// Fetches one branch of a fork that lies elsewhere, to the same name in `into`.
    ///
    /// # Errors
    /// [`GitError::Unreachable`].
    pub(crate) fn fetch_branch(
        &self,
        into: &Repository,
        url: &RemoteUrl,
        branch: &str,
    ) -> Result<(), GitError> {
        self.fetch(into, url, &[format!("+refs/heads/{branch}:refs/remotes/origin/{branch}")])
    }

    fn fetch(&self, into: &Repository, url: &RemoteUrl, specs: &[String]) -> Result<(), GitError> {
        in_repository(self.transport_to(url), into)
            .args(["-c", "core.hooksPath=/dev/null", "fetch", "--quiet", "--no-tags", "--prune"])
            .args(["--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no"])
            .args([UPLOAD_PACK, "--"])
            .arg(url.as_str())
            .args(specs)
            .run()
            .and_then(Output::success)
            .map(drop)
            .map_err(|source| GitError::Unreachable { url: url.to_string(), source })
    }
}
