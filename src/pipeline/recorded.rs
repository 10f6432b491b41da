//! What the fork remembers of earlier carries: the bases that candidates stand on, and the candidates.
//!
//! It is read from the fork's own repository and its remote, and never from an artifact.

use std::collections::BTreeMap;

use super::preparing::Prepared;
use super::publish::remote::{Target, own_refs};
use super::session::Session;
use super::words::problem;
use crate::candidate::publication::{Part, of_ref};
use crate::failure::Result;
use crate::git::{RemoteUrl, Repository};
use crate::ids::{CommitId, ObjectId, RefName};
use crate::stack::{Recorded, Records};

/// Where recorded bases stand.
const BASES: &str = "refs/patch-moi/base/";

/// Where patch-moi's own refs stand in a fork: the last are those of its remote as they were last fetched.
const NAMESPACES: [&str; 5] = [
    "refs/patch-moi/base",
    "refs/patch-moi/candidate",
    "refs/patch-moi/stack",
    "refs/heads/patch-moi",
    "refs/remotes/origin/patch-moi",
];

/// What the fork remembers, with the objects on the workbench. A remote that cannot be read is a warning where
/// the fork's own repository may speak for itself.
///
/// # Errors
/// Refs that cannot be read; a remote that cannot be read, where only it counts.
pub(super) fn records(session: &Session<'_>, prepared: &Prepared) -> Result<Records> {
    let mut names: BTreeMap<RefName, Vec<CommitId>> = BTreeMap::new();
    let mut add = |name, commit| names.entry(name).or_default().push(commit);
    let target = Target::of(prepared).ok().flatten();
    if target.is_none() || !prepared.by_remote {
        for (name, commit) in known(&prepared.fork.repository)? {
            add(name, commit);
        }
    }
    if let Some(Target { url }) = target {
        match remote(session, prepared, &url) {
            Ok(theirs) => theirs.into_iter().for_each(|(name, object)| add(name, CommitId::new(object))),
            Err(failure) if !prepared.by_remote => session.context.ui.warn(&format!(
                "what the fork's remote remembers of earlier releases is not counted: {}",
                problem(&failure).message
            )),
            Err(failure) => return Err(failure),
        }
    }
    Ok(records_of(prepared.bench.repository(), &names))
}

/// What a repository remembers by itself.
///
/// # Errors
/// Refs that cannot be read.
pub(super) fn own_records(repository: &Repository) -> Result<Records> {
    let mut names: BTreeMap<RefName, Vec<CommitId>> = BTreeMap::new();
    for (name, commit) in known(repository)? {
        names.entry(name).or_default().push(commit);
    }
    Ok(records_of(repository, &names))
}

/// The refs of a repository that are patch-moi's own.
fn known(repository: &Repository) -> Result<Vec<(RefName, CommitId)>> {
    let mut all = Vec::new();
    for namespace in NAMESPACES {
        let own = namespace.replacen("refs/remotes/origin/", "refs/heads/", 1);
        for (rest, _, commit) in repository.refs_below(namespace)? {
            all.extend(RefName::join(&own, &rest).ok().map(|name| (name, commit)));
        }
    }
    Ok(all)
}

/// The same of the fork's remote. Candidates that are not here are fetched.
fn remote(
    session: &Session<'_>,
    prepared: &Prepared,
    url: &RemoteUrl,
) -> Result<BTreeMap<RefName, ObjectId>> {
    let listing = session.listing(url, Some(&prepared.fork.repository))?;
    let refs = own_refs(&listing);
    let missing = refs.iter().filter(|(name, object)| {
        candidate(name).is_some() && !prepared.bench.repository().has_commit(CommitId::new(**object))
    });
    let missing: Vec<RefName> = missing.map(|(name, _)| name.clone()).collect();
    if !missing.is_empty() {
        let _progress = session.context.ui.progress("fetching recorded candidates", None);
        session.git.fetch_unnamed(prepared.bench.repository(), url, &missing)?;
    }
    Ok(refs)
}

/// A recorded base that is not here is no ancestor of anything here.
fn records_of(repository: &Repository, names: &BTreeMap<RefName, Vec<CommitId>>) -> Records {
    let mut records = Records::default();
    for (name, commits) in names {
        for commit in commits.iter().copied().filter(|commit| repository.has_commit(*commit)) {
            if name.as_str().starts_with(BASES) && !records.bases.contains(&commit) {
                records.bases.push(commit);
            }
            if let Some(is_stack) = candidate(name) {
                records.candidates.push(Recorded { commit, is_stack });
            }
        }
    }
    records
}

/// Whether a ref names a complete candidate, and if so, whether that holds the patches of a squashed one.
fn candidate(name: &RefName) -> Option<bool> {
    match of_ref(name)?.1 {
        Part::Candidate => Some(false),
        Part::Stack => Some(true),
        Part::Incomplete | Part::Partial | Part::Base => None,
    }
}
