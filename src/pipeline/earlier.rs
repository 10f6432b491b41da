//! What a person settled before, taken along where the same stack is carried to the same release again.

use super::preparing::Prepared;
use super::session::Session;
use crate::candidate::{Claim, Outcome, claim::LARGEST_CLAIM};
use crate::ids::RepoName;
use crate::stack::Answers;
use crate::workspace::read_bounded;

/// Takes the answers of the workspace's own artifact of the release, where that is a complete candidate of
/// the same tip: to throw them away would ask the person all of it once more. Says what was taken.
pub(super) fn take_along(session: &Session<'_>, prepared: &mut Prepared) -> Option<String> {
    if prepared.answers != Answers::default() {
        return None;
    }
    let slug = prepared.release.tag.slug();
    let folder = session.context.workspace.artifacts_dir().join(slug.as_str());
    let text = read_bounded(&folder.join("candidate.json"), LARGEST_CLAIM).ok()?;
    let claim = Claim::parse(&text).ok()?;
    let lies_here = |repo: &RepoName| repo.as_str().eq_ignore_ascii_case(prepared.release.repo.as_str());
    let same = lies_here(&claim.repo)
        && (&claim.tag, claim.onto, claim.tip)
            == (&prepared.release.tag, prepared.release.commit, prepared.tip);
    let has = |tree| prepared.fork.repository.has_tree(tree);
    let whole = claim.status != Outcome::Incomplete && claim.settlements.iter().all(|one| has(one.tree));
    if !same || !whole || claim.settlements.is_empty() {
        return None;
    }
    prepared.answers = claim.settlements.iter().collect();
    let count = claim.settlements.len();
    let patches = if count == 1 { "1 patch was".to_owned() } else { format!("{count} patches were") };
    Some(format!(
        "{patches} settled for {} before, and that is taken along; to settle it anew, remove {} first",
        prepared.release.tag,
        folder.display()
    ))
}
