//! A pack that lies in a repository: fetched without its history, and read as it was committed.
//!
//! Nothing is checked out, so neither filters nor line ends, hooks, submodules or the configuration of anybody
//! have a say in what the files hold.

use std::path::Path;
use std::time::Duration;

use git2::{ObjectType, Tree};
use tempfile::TempDir;

use super::program::{Git, UPLOAD_PACK, in_repository};
use super::repository::{commit_id, oid};
use super::{GitError, RemoteUrl, Repository};
use crate::ids::CommitId;
use crate::pack::{Listing, Node, PackFile};
use crate::process::{Output, ProcessError, Status};

/// How long fetching a pack may take.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// The largest pack that is fetched, in bytes as git packs them.
const MAX_PACKED: u64 = 512 << 20;
/// The most bytes of the files that are read.
const MAX_BYTES: usize = 256 << 20;
/// The most files and folders.
const MAX_ENTRIES: usize = 20_000;
/// The deepest folder that is looked into.
const MAX_DEPTH: usize = 64;
/// Where the fetched commit is kept.
const FETCHED: &str = "refs/patch-moi/pack";

/// A pack's repository, fetched to a folder that is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct FetchedPack {
    repository: Repository,
    commit: CommitId,
    _dir: TempDir,
}

impl FetchedPack {
    /// The commit that was fetched.
    pub(crate) const fn commit(&self) -> CommitId {
        self.commit
    }

    /// See [`Repository::committed`].
    ///
    /// # Errors
    /// As there.
    pub(crate) fn listing(&self, folders: &[String]) -> Result<Listing, GitError> {
        self.repository.committed(self.commit, folders)
    }
}

impl Git {
    /// Fetches one commit of a repository: that of `reference` (a commit, tag or branch that the caller has
    /// checked), else that of its HEAD.
    ///
    /// # Errors
    /// [`GitError::Unreachable`], also where it is too large or takes too long; [`GitError::NoCommit`] where the
    /// ref leads to none.
    pub(crate) fn fetch_pack(
        &self,
        url: &RemoteUrl,
        reference: Option<&str>,
        temporary: &Path,
    ) -> Result<FetchedPack, GitError> {
        let failed = |source| GitError::Temporary { dir: temporary.to_owned(), source };
        let dir = tempfile::Builder::new().prefix("patch-moi-pack-").tempdir_in(temporary).map_err(failed)?;
        let into = Repository::make_bare(dir.path())?;
        let spec = format!("+{}:{FETCHED}", reference.unwrap_or("HEAD"));
        let patient = self.with_patience(PATIENCE);
        let fetched = in_repository(patient.transport_to(url), &into)
            // One pack and no loose objects, so that the limit of one file is the limit of all.
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "fetch.unpackLimit=1",
                "-c",
                "fetch.fsckObjects=true",
            ])
            .args(["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head"])
            .args(["--no-auto-maintenance", "--recurse-submodules=no", "--no-filter", UPLOAD_PACK, "--"])
            .arg(url.as_str())
            .arg(spec)
            .file_limit(MAX_PACKED)
            .run()
            .and_then(Output::success);
        fetched
            .map_err(|source| GitError::Unreachable { url: url.to_string(), source: too_large(source) })?;
        let repository = Repository::open(dir.path())?;
        let commit = repository.commit(FETCHED)?;
        Ok(FetchedPack { repository, commit, _dir: dir })
    }
}

/// What git says of a child that the limit ended is no help.
fn too_large(error: ProcessError) -> ProcessError {
    match error {
        ProcessError::Failed { program, status, said }
            if said.contains("signal 25") || said.contains("File size limit") =>
        {
            let said = format!("it is larger than {MAX_PACKED} bytes ({said})");
            ProcessError::Failed { program, status, said }
        }
        ProcessError::Failed { program, status: Status::Signalled(25), said } => {
            let said = format!("it is larger than {MAX_PACKED} bytes ({said})");
            ProcessError::Failed { program, status: Status::Signalled(25), said }
        }
        other => other,
    }
}

impl Repository {
    /// The commit that is checked out.
    pub(crate) fn head(&self) -> Option<CommitId> {
        let head = self.inner.head().ok()?.peel_to_commit().ok()?;
        Some(commit_id(head.id()))
    }

    /// What `folders` of a commit hold; an empty one is the whole.
    ///
    /// # Errors
    /// Where the commit or its trees cannot be read.
    pub(crate) fn committed(&self, commit: CommitId, folders: &[String]) -> Result<Listing, GitError> {
        let failed = self.library("reading the files of a pack");
        let tree = self.inner.find_commit(oid(commit.object())).and_then(|commit| commit.tree());
        let tree = tree.map_err(&failed)?;
        let mut reader =
            Reader { repository: &self.inner, listing: Listing::default(), entries: 0, bytes: 0 };
        for folder in folders {
            reader.read_folder(&tree, folder).map_err(&failed)?;
        }
        Ok(reader.listing)
    }
}

struct Reader<'a> {
    repository: &'a git2::Repository,
    listing: Listing,
    entries: usize,
    bytes: usize,
}

impl Reader<'_> {
    fn read_folder(&mut self, root: &Tree<'_>, folder: &str) -> Result<(), git2::Error> {
        let mut at = root.clone();
        let mut path = String::new();
        for part in folder.split('/').filter(|part| !part.is_empty()) {
            path = if path.is_empty() { part.to_owned() } else { format!("{path}/{part}") };
            let Some(entry) = at.get_name_bytes(part.as_bytes()).map(|entry| entry.to_owned()) else {
                return Ok(());
            };
            if entry.kind() != Some(ObjectType::Tree) {
                let node = self.node(&entry)?;
                self.listing.insert(path, node);
                return Ok(());
            }
            at = self.repository.find_tree(entry.id())?;
        }
        self.read(&at, &path, 0)
    }

    fn read(&mut self, tree: &Tree<'_>, above: &str, depth: usize) -> Result<(), git2::Error> {
        for entry in tree {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(git2::Error::from_str(&format!(
                    "it has more than {MAX_ENTRIES} files and folders"
                )));
            }
            let join =
                |name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else {
                let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
                self.listing.insert(join(&name), Node::Other("is a name that is not UTF-8".to_owned()));
                continue;
            };
            let path = join(name);
            // A tree can hold what no checkout would make.
            if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
                self.listing.insert(path, Node::Other("leaves its folder".to_owned()));
            } else if name == ".git" {
                self.listing.insert(path, Node::Git);
            } else if entry.kind() == Some(ObjectType::Tree) {
                if depth >= MAX_DEPTH {
                    self.listing.insert(path, Node::Other(format!("lies {MAX_DEPTH} folders deep")));
                } else {
                    let below = self.repository.find_tree(entry.id())?;
                    self.read(&below, &path, depth + 1)?;
                }
            } else {
                let node = self.node(&entry.to_owned())?;
                self.listing.insert(path, node);
            }
        }
        Ok(())
    }

    fn node(&mut self, entry: &git2::TreeEntry<'_>) -> Result<Node, git2::Error> {
        Ok(match entry.filemode() & 0o170_000 {
            0o100_000 => {
                let (size, _) = self.repository.odb()?.read_header(entry.id())?;
                self.bytes = self.bytes.saturating_add(size);
                if self.bytes > MAX_BYTES {
                    return Err(git2::Error::from_str(&format!(
                        "its files have more than {MAX_BYTES} bytes"
                    )));
                }
                let blob = self.repository.find_blob(entry.id())?;
                let executable = entry.filemode() & 0o111 != 0;
                Node::File(PackFile { bytes: blob.content().to_vec(), executable })
            }
            0o120_000 => Node::Link,
            0o160_000 => Node::Other("is a submodule".to_owned()),
            _ => Node::Other("is no regular file".to_owned()),
        })
    }
}
