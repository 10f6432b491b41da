//! Upstream's and the fork's commits, brought to where they are needed.

use std::collections::BTreeMap;

use super::program::{Git, UPLOAD_PACK, in_repository};
use super::remote::{Listing, RemoteUrl};
use super::{GitError, Repository};
use crate::ids::{CommitId, ObjectId, RepoName, TagName};
use crate::process::Output;

/// All of the history: gitprotocol-pack(5) calls this infinite. Unlike `--unshallow` it is no error where the
/// other side turns out to be shallow itself.
const WHOLE: &str = "--depth=2147483647";

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
    /// [`GitError::Unreachable`]; [`GitError::ShallowRemote`] where that one lacks history itself.
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
        self.fetch(into, url, &specs, false)?;
        let mut refs = UpstreamRefs::default();
        for (name, object, commit) in into.refs_below(&space)? {
            if let Some(tag) = name.strip_prefix("tags/").and_then(|tag| tag.parse().ok()) {
                refs.tags.insert(tag, (object, commit));
            } else if let Some(branch) = name.strip_prefix("heads/") {
                refs.branches.insert(branch.to_owned(), commit);
            }
        }
        // git takes nothing from a shallow clone that would cut off our history, and calls that done.
        let default = listing.default_branch.iter().find(|name| listing.branches.contains_key(*name));
        if default.is_some_and(|name| !refs.branches.contains_key(name)) {
            return Err(GitError::ShallowRemote { url: url.to_string() });
        }
        Ok(refs)
    }

    /// Fetches one branch of a fork that lies elsewhere, with the whole of its history, to the same name
    /// in `into`.
    ///
    /// # Errors
    /// [`GitError::Unreachable`].
    pub(crate) fn fetch_branch(
        &self,
        into: &Repository,
        url: &RemoteUrl,
        branch: &str,
    ) -> Result<(), GitError> {
        self.fetch(into, url, &[format!("+refs/heads/{branch}:refs/remotes/origin/{branch}")], true)
    }

    /// Fetches the history of commits that no branch of the remote needs to have any more.
    ///
    /// # Errors
    /// [`GitError::Unreachable`], also where the remote does not have them.
    pub(crate) fn fetch_history(
        &self,
        into: &Repository,
        url: &RemoteUrl,
        commits: &[CommitId],
    ) -> Result<(), GitError> {
        self.fetch(into, url, &commits.iter().map(ToString::to_string).collect::<Vec<_>>(), true)
    }

    /// With `whole`, a shallow repository gets all of the history that it lacks.
    fn fetch(
        &self,
        into: &Repository,
        url: &RemoteUrl,
        specs: &[String],
        whole: bool,
    ) -> Result<(), GitError> {
        let depth = (whole && into.is_shallow()).then_some(WHOLE);
        // A filter would leave out what only the other remote has. But what this remote sends is made of objects that a
        // partial clone was promised by another, and only what came with some filter counts as promised too.
        let is_partial = into.is_partial() && !url.as_str().contains('=');
        let promised = ["promisor=true", "partialCloneFilter=blob:limit=1023g"]
            .map(|value| ["-c".to_owned(), format!("remote.{}.{value}", url.as_str())]);
        let promised = is_partial.then_some(promised).into_iter().flatten().flatten();
        in_repository(self.transport_to(url), into)
            .args(promised)
            // A small pack would be unpacked, and in a partial clone what it is made of fetched one by one.
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "fetch.unpackLimit=1",
                "fetch",
                "--quiet",
                "--no-tags",
                "--prune",
            ])
            .args(["--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no"])
            .arg(if is_partial { "--filter=blob:limit=1023g" } else { "--no-filter" })
            .args(depth)
            .args([UPLOAD_PACK, "--"])
            .arg(url.as_str())
            .args(specs)
            .run()
            .and_then(Output::success)
            .map(drop)
            .map_err(|source| GitError::Unreachable { url: url.to_string(), source })
    }
}
