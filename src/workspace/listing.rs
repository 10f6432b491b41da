//! Reading a pack's folders, and what is installed, as they lie on disk.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::error::WorkspaceError;
use super::read::read_bytes;
use crate::flow::shown;
use crate::pack::{Listing, Node, PackFile, Place, is_one_name};

/// The most files and folders that are looked at in one pack, or in one installed folder.
const MAX_ENTRIES: usize = 20_000;
/// The most bytes of one pack or one installed folder.
const MAX_BYTES: u64 = 256 << 20;
/// The deepest folder that is looked into.
const MAX_DEPTH: usize = 64;

/// What lies in `folders` below `root`; an empty one is `root` itself. Links are not followed, and what lies in a
/// `.git` is not read.
///
/// # Errors
/// Where there is more than anyone installs, or a folder cannot be read.
pub(crate) fn listing(root: &Path, folders: &[String]) -> Result<Listing, WorkspaceError> {
    let mut reader = Reader { root, listing: Listing::default(), entries: 0, bytes: 0 };
    for folder in folders {
        match standing(root, folder)? {
            Standing::Folder => reader.read(&root.join(folder))?,
            Standing::Odd(path, what) => reader.listing.insert(path, what),
            Standing::Nothing => {}
        }
    }
    Ok(reader.listing)
}

/// What stands at `path` below the workspace `root`, where an item is installed.
///
/// # Errors
/// As [`listing`].
pub(crate) fn place(root: &Path, path: &str) -> Result<Place, WorkspaceError> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    match standing(root, above)? {
        Standing::Nothing => return Ok(Place::Missing),
        Standing::Odd(at, Node::Link) => {
            return Ok(Place::Blocked(format!(
                "{} is a symbolic link, and what is written there would land elsewhere",
                shown(&at)
            )));
        }
        Standing::Odd(at, _) => return Ok(Place::Blocked(format!("{} is no folder", shown(&at)))),
        Standing::Folder => {}
    }
    let at = root.join(path);
    let Some(kind) = kind_of(&at)? else {
        return Ok(match twin(&root.join(above), name)? {
            Some(twin) => Place::Blocked(format!(
                "{} is there, which differs only in case or in how a letter is composed",
                shown(&twin)
            )),
            None => Place::Missing,
        });
    };
    if kind.is_symlink() {
        return Ok(Place::Other("a symbolic link"));
    }
    if !kind.is_dir() {
        return Ok(Place::Other(if kind.is_file() { "a file" } else { "no regular file" }));
    }
    Ok(Place::Folder(listing(&at, &[String::new()])?.folder("")))
}

/// Another name in `folder` that is the same to some file systems.
fn twin(folder: &Path, name: &str) -> Result<Option<String>, WorkspaceError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(WorkspaceError::io(folder, error)),
    };
    let names = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.take(MAX_ENTRIES).find(|other| other != name && is_one_name(other, name)))
}

enum Standing {
    Folder,
    Nothing,
    /// A part of the path is no folder.
    Odd(String, Node),
}

/// What stands at `path`, and whether all above it are folders and no links.
fn standing(root: &Path, path: &str) -> Result<Standing, WorkspaceError> {
    let mut at = PathBuf::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        at.push(part);
        let Some(kind) = kind_of(&root.join(&at))? else { return Ok(Standing::Nothing) };
        let shown = at.to_string_lossy().into_owned();
        if kind.is_symlink() {
            return Ok(Standing::Odd(shown, Node::Link));
        }
        if !kind.is_dir() {
            return Ok(Standing::Odd(shown, Node::Other("is no folder".to_owned())));
        }
    }
    Ok(Standing::Folder)
}

fn kind_of(path: &Path) -> Result<Option<std::fs::FileType>, WorkspaceError> {
    match path.symlink_metadata() {
        Ok(found) => Ok(Some(found.file_type())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(WorkspaceError::io(path, error)),
    }
}

struct Reader<'a> {
    root: &'a Path,
    listing: Listing,
    entries: usize,
    bytes: u64,
}

impl Reader<'_> {
    fn read(&mut self, folder: &Path) -> Result<(), WorkspaceError> {
        let walk =
            WalkDir::new(folder).follow_links(false).min_depth(1).max_depth(MAX_DEPTH).sort_by_file_name();
        let mut walk = walk.into_iter();
        while let Some(entry) = walk.next() {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(WorkspaceError::TooMany { path: self.root.into(), max: MAX_ENTRIES });
            }
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(folder).to_owned();
                WorkspaceError::io(path, error.into())
            })?;
            let below = entry.path().strip_prefix(self.root).unwrap_or(entry.path());
            let parts = below.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>();
            let kind = entry.file_type();
            let Some(parts) = parts else {
                let name = below.to_string_lossy().into_owned();
                self.listing.insert(name, Node::Other("is a name that is not UTF-8".to_owned()));
                if kind.is_dir() {
                    walk.skip_current_dir();
                }
                continue;
            };
            let path = parts.join("/");
            if entry.file_name() == ".git" {
                self.listing.insert(path, Node::Git);
                if kind.is_dir() {
                    walk.skip_current_dir();
                }
            } else if kind.is_dir() && entry.depth() == MAX_DEPTH {
                self.listing.insert(path, Node::Other(format!("lies {MAX_DEPTH} folders deep")));
            } else if !kind.is_dir() {
                let node = self.node(entry.path(), kind)?;
                self.listing.insert(path, node);
            }
        }
        Ok(())
    }

    fn node(&mut self, path: &Path, kind: std::fs::FileType) -> Result<Node, WorkspaceError> {
        if kind.is_symlink() {
            return Ok(Node::Link);
        }
        if !kind.is_file() {
            let what = if kind.is_fifo() {
                "is a pipe"
            } else if kind.is_socket() {
                "is a socket"
            } else {
                "is a device"
            };
            return Ok(Node::Other(what.to_owned()));
        }
        let metadata = path.symlink_metadata().map_err(|error| WorkspaceError::io(path, error))?;
        let bytes = read_bytes(path, MAX_BYTES - self.bytes).map_err(|error| match error {
            WorkspaceError::TooLarge { .. } => {
                WorkspaceError::TooLarge { path: self.root.to_owned(), max: MAX_BYTES }
            }
            other => other,
        })?;
        self.bytes += bytes.len() as u64;
        Ok(Node::File(PackFile { bytes, executable: metadata.permissions().mode() & 0o111 != 0 }))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the stories need files of their own")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn what_is_no_regular_file_is_told_and_not_followed() {
        let pack = folder(&[("flows/a/flow.toml", "x"), ("flows/a/.git/HEAD", "y"), ("outside/z", "z")]);
        symlink("../../outside", pack.path().join("flows/a/out")).unwrap();
        symlink("flows", pack.path().join("skills")).unwrap();
        std::os::unix::net::UnixListener::bind(pack.path().join("flows/a/socket")).unwrap();

        let found = listing(pack.path(), &["flows".into(), "skills".into(), "plugins".into()]).unwrap();

        assert_eq!(found.get("flows/a/.git"), Some(&Node::Git));
        assert_eq!(found.get("flows/a/out"), Some(&Node::Link));
        assert_eq!(found.get("skills"), Some(&Node::Link));
        assert!(matches!(found.get("flows/a/socket"), Some(Node::Other(what)) if what == "is a socket"));
        assert!(found.get("flows/a/flow.toml").is_some() && found.get("flows/a/.git/HEAD").is_none());
    }

    #[test]
    fn a_place_behind_a_link_is_blocked_and_a_name_in_another_case_is_taken() {
        let here = folder(&[("real/x", ""), ("plugins/Other/x", ""), ("plugins/file", "")]);
        symlink("real", here.path().join(".agents")).unwrap();
        symlink("x", here.path().join("plugins/link")).unwrap();
        let at = |path: &str| place(here.path(), path).unwrap();
        assert!(
            matches!(at(".agents/skills/s"), Place::Blocked(why) if why.contains(".agents is a symbolic link"))
        );
        assert!(matches!(at("plugins/other"), Place::Blocked(why) if why.contains("Other")));
        assert!(matches!(at("plugins/file/x"), Place::Blocked(why) if why.contains("no folder")));
        assert_eq!(at("plugins/file"), Place::Other("a file"));
        assert_eq!(at("plugins/link"), Place::Other("a symbolic link"));
        assert_eq!(at("plugins/new"), Place::Missing);
        assert_eq!(at(".codex/flows/new"), Place::Missing);
        assert!(matches!(at("plugins/Other"), Place::Folder(files) if files.files.len() == 1));
    }
}
