//! Which of the flows that were found may run: the lock governs `.codex/flows`.

use std::path::PathBuf;

use super::lock::Lock;
use crate::flow::{Flow, Manifest, ManifestError, Origin, Standing, SwitchedOff, shown};
use crate::ids::Digest;

/// A folder with a flow.toml, as it lies on disk.
#[derive(Debug, Clone)]
pub(crate) struct FoundFlow {
    /// Whether it is installed or the repository's own.
    pub(crate) origin: Origin,
    /// The folder's name.
    pub(crate) folder: String,
    /// The folder.
    pub(crate) root: PathBuf,
    /// The flow.toml in it.
    pub(crate) manifest_file: PathBuf,
    /// The text of flow.toml, or why it could not be read.
    pub(crate) manifest: Result<String, ManifestError>,
    /// What else lies in the folder, or why that could not be read whole.
    pub(crate) contents: Result<Contents, String>,
}

/// The files of a flow's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Each regular file's path below the folder, with `/`, and the digest of its bytes.
    pub(crate) files: Vec<(String, Digest)>,
    /// The symbolic links below it; a content hash does not cover them.
    pub(crate) links: Vec<String>,
}

/// Reads each manifest and says what the lock makes of it. Every flow that was found comes back, in
/// the same order, whether or not it may run.
pub(crate) fn active(found: Vec<FoundFlow>, lock: Option<&Lock>) -> Vec<Flow> {
    found.into_iter().map(|flow| judge(flow, lock)).collect()
}

fn judge(found: FoundFlow, lock: Option<&Lock>) -> Flow {
    let FoundFlow { origin, folder, root, manifest_file, manifest, contents } = found;
    let digest = contents.as_ref().ok().map(Contents::hash);
    let text_digest = manifest.as_ref().ok().map(|text| Digest::of(text.as_bytes()));
    let manifest = manifest.and_then(|text| Manifest::parse(&text, &manifest_file));
    let mut notes = notes(&contents);

    let standing = match origin {
        Origin::Source => Standing::SourceOwned,
        Origin::BuiltIn => Standing::BuiltIn,
        Origin::Installed => {
            let name = manifest.as_ref().map_or(folder.as_str(), |manifest| manifest.name.as_str());
            installed(&folder, name, &contents, digest.as_ref(), lock)
        }
    };
    // A source flow too large to hash is still known by its manifest.
    let digest = match origin {
        Origin::Source => digest.or(text_digest),
        Origin::Installed | Origin::BuiltIn => digest,
    };
    if let (Origin::Source, Err(why)) = (origin, &contents) {
        notes.push(format!("only its flow.toml counts as its contents: {why}"));
    }
    Flow { folder, manifest, origin, root, digest, standing, switched_off: SwitchedOff::default(), notes }
}

fn installed(
    folder: &str,
    name: &str,
    contents: &Result<Contents, String>,
    actual: Option<&Digest>,
    lock: Option<&Lock>,
) -> Standing {
    let Some(lock) = lock else { return Standing::NoLock };
    let Some(item) = lock.flow(folder, name) else { return Standing::NotInLock };
    match (contents, actual) {
        (_, Some(actual)) if *actual == item.content_hash => Standing::Pinned,
        (_, Some(actual)) => {
            Standing::Differs { expected: item.content_hash.clone(), actual: actual.clone() }
        }
        (Err(why), None) => Standing::Unread { why: why.clone() },
        (Ok(_), None) => Standing::Unread { why: "it was not hashed".to_owned() },
    }
}

fn notes(contents: &Result<Contents, String>) -> Vec<String> {
    let links = contents.as_ref().map(|contents| contents.links.as_slice()).unwrap_or_default();
    links.iter().map(|link| format!("the content hash does not cover the link {}", shown(link))).collect()
}
