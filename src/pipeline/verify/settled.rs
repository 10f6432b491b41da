//! What a person settled: taken as it is, and said. Everything else follows from the carry.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::ground::{self, Made};
use super::{Denied, Folder, bundle};
use crate::candidate::bundle::Head;
use crate::candidate::{Claim, Refs, Refusal};
use crate::failure::Failure;
use crate::git::GitError;
use crate::ids::{CommitId, ObjectId, RefName};
use crate::pipeline::preparing::Prepared;
use crate::pipeline::session::Session;
use crate::stack::{self, Answers, Carry, Objects, RawCommit, Settlement, StackError, Verdict};

/// A bundle that is larger is not taken in, in bytes.
const LARGEST_TAKEN: u64 = 256 << 20;

/// So many conflicts are looked up in the commits of a published ref.
const MOST_SETTLED: usize = 500;

/// So many paths are named in a sentence.
const NAMED: usize = 20;

/// The answers of an artifact. What they hold comes to the workbench, and nowhere else, from the artifact's
/// bundle, where the fork does not have it.
///
/// # Errors
/// [`Refusal::BundleLacks`]; a bundle that is not this release's, too large or broken.
pub(super) fn answers(claim: &Claim, folder: &Folder, prepared: &Prepared) -> Result<Answers, Denied> {
    let bench = &prepared.bench;
    let lacks = || claim.settlements.iter().find(|one| !bench.repository().has_tree(one.tree));
    if lacks().is_some()
        && let Some(path) = &folder.bundle
    {
        take_in(claim, path, prepared)?;
    }
    if let Some(lacks) = lacks() {
        return Err(Refusal::BundleLacks { object: lacks.tree.object() }.into());
    }
    Ok(claim.settlements.iter().collect())
}

/// Takes what is in the artifact's bundle to the workbench, and nowhere else.
///
/// # Errors
/// A bundle that is not this release's, too large or broken.
pub(super) fn take_in(claim: &Claim, path: &Path, prepared: &Prepared) -> Result<(), Denied> {
    let head = Head::parse(&bundle::beginning(path)?)?;
    let names = Refs::of(&claim.tag.slug())?;
    head.is_for(&[names.candidate, names.stack, names.incomplete, names.partial], claim.onto)?;
    let broken = |err: GitError| Refusal::BundleBroken { why: bundle::said(err.into()) };
    Ok(prepared.bench.take_in(pack(path)?).map_err(broken)?)
}

/// What stands behind the head of a bundle.
fn pack(path: &Path) -> Result<Vec<u8>, Refusal> {
    let file = || "candidate.bundle".to_owned();
    let unreadable = |err: std::io::Error| Refusal::Unreadable { file: file(), why: err.to_string() };
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(unreadable)?;
    opened.take(LARGEST_TAKEN + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_TAKEN {
        return Err(Refusal::TooLarge { file: file(), max: LARGEST_TAKEN });
    }
    let end = bytes.windows(2).position(|two| two == b"\n\n");
    let end = end.ok_or(Refusal::BundleHeader { why: "its head does not end" })?;
    Ok(bytes.split_off(end + 2))
}

/// Every settlement of the artifact answers what the carry asks, and the carry has no other.
///
/// # Errors
/// [`Refusal::Settlement`].
pub(super) fn used(claim: &Claim, carry: &Carry) -> Result<(), Refusal> {
    let unused = claim.settlements.iter().find(|one| !carry.settlements.contains(one));
    match unused {
        Some(one) => Err(Refusal::Settlement { commit: one.commit, on_tree: one.on_tree }),
        None => Ok(()),
    }
}

/// What of a carry is a person's word, in a sentence; nothing where all of it follows.
///
/// # Errors
/// Missing objects.
pub(super) fn sentence(prepared: &Prepared, carry: &Carry) -> Result<Option<String>, Denied> {
    if carry.settlements.is_empty() {
        return Ok(None);
    }
    let (mut paths, mut by) = (0, Vec::new());
    for one in &carry.settlements {
        let subject = carry.patches.iter().find(|patch| patch.commit == one.commit);
        let subject = subject.map(|patch| patch.subject.clone()).unwrap_or_default();
        let hand = stack::by_hand(&prepared.bench, one)?;
        paths += hand.len();
        by.push(match one.tree == one.on_tree {
            true => format!("{} “{subject}” was left out", one.commit.short()),
            false => format!("{} of {} “{subject}”", listed(&hand), one.commit.short()),
        });
    }
    let counted = if paths == 1 { "1 path".to_owned() } else { format!("{paths} paths") };
    Ok(Some(format!(
        "A person settled {counted}, which is taken as it is, and all else follows: {}.",
        by.join("; ")
    )))
}

fn listed(paths: &[String]) -> String {
    let shown = paths.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match paths.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// Goes on with a carry that stops at conflicts, with what the commits below `top` made of them, until it is
/// complete or they say nothing more.
///
/// # Errors
/// Missing objects, a git that fails.
pub(super) fn follow(
    session: &Session<'_>,
    prepared: &mut Prepared,
    top: CommitId,
    mut made: Made,
) -> Result<Made, Denied> {
    let below = prepared.bench.reachable(&[top], &[made.carry.onto]).map_err(StackError::from)?;
    let mut chain = Vec::new();
    for id in below {
        chain.push(raw(prepared, id)?);
    }
    for _ in 0..MOST_SETTLED {
        let Some(one) = next(prepared, &chain, &made.carry)? else { break };
        prepared.answers.insert(one.commit, one.on_tree, one.tree);
        made = ground::carry(session, prepared, made.gathered)?;
    }
    Ok(made)
}

/// What the chain has made of the first conflict.
fn next(prepared: &Prepared, chain: &[RawCommit], carry: &Carry) -> Result<Option<Settlement>, Denied> {
    let first = carry.patches.iter().find(|patch| patch.verdict == Verdict::Conflict);
    let Some((patch, question, there)) = first.and_then(|one| Some((one, one.question?, one.tried_on?)))
    else {
        return Ok(None);
    };
    // What was given may not have been what was asked.
    if prepared.answers.get(patch.commit, question.on).is_some() {
        return Ok(None);
    }
    let own = raw(prepared, patch.commit)?;
    let joined = raw(prepared, there)?.parents;
    let stands = |one: &&RawCommit| one.parents.contains(&there) || (patch.merge && one.parents == joined);
    let tree = match chain.iter().filter(stands).find(|one| one.is_the_patch_of(&own)) {
        Some(found) => found.tree,
        None if question.may_be_left_out => question.on,
        None => return Ok(None),
    };
    Ok(Some(Settlement { commit: patch.commit, on_tree: question.on, tree, paths: Vec::new() }))
}

fn raw(prepared: &Prepared, id: CommitId) -> Result<RawCommit, Denied> {
    let bytes = prepared.bench.commit(id).map_err(StackError::from)?;
    Ok(RawCommit::parse(id, &bytes)?)
}

/// The commit at which the patches of a published candidate end one by one, with its history: `commit`
/// itself, and where the flow squashes what stands beside it. Nothing where it cannot be had.
pub(super) fn top(
    session: &Session<'_>,
    prepared: &Prepared,
    name: Option<&RefName>,
    commit: CommitId,
) -> Option<CommitId> {
    let stack = Refs::of(&prepared.release.tag.slug()).ok()?.stack;
    let name = if prepared.config.squash { Some(&stack) } else { name };
    let bench = prepared.bench.repository();
    if let (Some(name), Some(url)) = (name, prepared.fork.home()) {
        let listing = session.listing(&url, Some(&prepared.fork.repository)).ok()?;
        let remote = listing.branches.get(name.branch()).map(|commit| commit.object());
        let listed: Option<ObjectId> = remote.or_else(|| listing.ours.get(name).copied());
        if let Some(listed) = listed.map(CommitId::new) {
            if !bench.has_commit(listed) {
                session
                    .git
                    .fetch_unnamed(bench, &url, std::slice::from_ref(name))
                    .map_err(Failure::from)
                    .ok()?;
            }
            return Some(listed);
        }
    }
    match prepared.config.squash {
        true => prepared.fork.repository.at(&stack),
        false => Some(commit),
    }
}
