//! One digest for a folder's contents, the same as codex-flows writes into pack-lock.json.

use sha2::{Digest as _, Sha256};

use super::collation::Collation;
use crate::flow::{Flow, Origin, shadows};
use crate::ids::Digest;

/// The content hash of a folder, from each regular file's path below it (with `/`)
/// and the digest of its bytes, in any order.
///
/// Modes, empty folders and symbolic links do not count, and files below a `.git` should not be
/// among `files`.
pub(crate) fn content_hash<'a>(files: impl IntoIterator<Item = (&'a str, &'a Digest)>) -> Digest {
    let mut files: Vec<_> = files.into_iter().collect();
    let collation = Collation::new();
    files.sort_by(|(a, _), (b, _)| collation.compare_paths(a, b));
    let mut hasher = Sha256::new();
    for (path, digest) in files {
        hasher.update(path.as_bytes());
        hasher.update([0]);
        hasher.update(digest.hex().as_bytes());
        hasher.update([0]);
    }
    Digest::finish(hasher)
}

/// One digest for all flows that may run: their names and contents, and nothing of where they lie.
///
/// It changes when a carry with the same inputs might come out differently, and is the same on
/// every machine.
pub(crate) fn flows_digest(flows: &[Flow]) -> Digest {
    let shadows = shadows(flows);
    let may_run = |(at, flow): &(usize, &Flow)| {
        let is_on = flow.manifest.is_ok() && !flow.switched_off.flow;
        is_on && flow.standing.may_run() && shadows[*at].is_none()
    };
    let mut parts: Vec<String> =
        flows.iter().enumerate().filter(may_run).map(|(_, flow)| part(flow)).collect();
    parts.sort();
    Digest::of(parts.concat().as_bytes())
}

/// No name holds a NUL, so two different sets of flows never have the same parts.
fn part(flow: &Flow) -> String {
    let origin = match flow.origin {
        Origin::Installed | Origin::Source => "file",
        Origin::BuiltIn => "built-in",
    };
    let digest = flow.digest.as_ref().map_or_else(|| "unread".to_owned(), Digest::hex);
    let off: String = flow.switched_off.steps.iter().map(|step| format!("off\0{step}\0")).collect();
    format!("{}\0{origin}\0{digest}\0{off}", flow.name())
}
