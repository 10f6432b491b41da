//! A state as a commit: what lasts, kept in a ref of a remote.

use git2::{ErrorCode, ObjectType};

use super::program::{Git, UPLOAD_PACK, in_repository};
use super::repository::{commit_id, oid};
use super::{GitError, RemoteUrl, Repository};
use crate::ids::{CommitId, RefName, RelPath};
use crate::process::Output;
use crate::stack::Committer;
use crate::state::{Bounds, Files, check};

/// How deep the folders of a state's tree may lie.
const DEEPEST: usize = 4;

/// How many folders a state's tree may have, however often it names the same one.
const MOST_FOLDERS: usize = 400;

/// The mode of a file and of a program in a tree; everything else is a link, a folder or a submodule.
const FILES: [i32; 3] = [0o100_644, 0o100_664, 0o100_755];

impl Repository {
    /// The files of a state commit; nothing where the commit is not here.
    ///
    /// # Errors
    /// [`GitError::State`] where its tree holds something else than files with plain names, or is too large:
    /// nothing of it is read then.
    pub(crate) fn state_files(&self, commit: CommitId) -> Result<Option<Files>, GitError> {
        let failed = self.library("reading a state");
        let commit_object = match self.inner.find_commit(oid(commit.object())) {
            Err(err) if err.code() == ErrorCode::NotFound => return Ok(None),
            found => found.map_err(&failed)?,
        };
        let refused = |why: String| GitError::State { commit, why };
        let mut found = Vec::new();
        let mut bounds = Bounds::default();
        let mut folders = vec![(String::new(), commit_object.tree_id(), 0)];
        let odb = self.inner.odb().map_err(&failed)?;
        let mut seen = 0;
        while let Some((above, tree, depth)) = folders.pop() {
            seen += 1;
            if depth > DEEPEST || seen + folders.len() > MOST_FOLDERS {
                return Err(refused("its folders are too many or too deep".to_owned()));
            }
            let tree = match self.inner.find_tree(tree) {
                // Objects that no ref names go one by one.
                Err(err) if err.code() == ErrorCode::NotFound => return Ok(None),
                tree => tree.map_err(&failed)?,
            };
            for entry in &tree {
                let shown = String::from_utf8_lossy(entry.name_bytes()).escape_debug().to_string();
                let name = std::str::from_utf8(entry.name_bytes()).ok().filter(|name| !name.contains('/'));
                let name = name.filter(|name| !name.eq_ignore_ascii_case(".git"));
                let path = name.and_then(|name| format!("{above}{name}").parse::<RelPath>().ok());
                let path = path.ok_or_else(|| refused(format!("`{shown}` in it is no file name")))?;
                if entry.kind() == Some(ObjectType::Tree) {
                    folders.push((format!("{path}/"), entry.id(), depth + 1));
                    continue;
                }
                if !FILES.contains(&entry.filemode_raw()) {
                    return Err(refused(format!("`{shown}` in it is a link or a submodule")));
                }
                let size = match odb.read_header(entry.id()) {
                    Err(err) if err.code() == ErrorCode::NotFound => return Ok(None),
                    header => header.map_err(&failed)?.0,
                };
                bounds.take(&path, size as u64).map_err(|err| refused(err.to_string()))?;
                found.push((path, entry.id()));
            }
        }
        let read = |(path, id): (RelPath, git2::Oid)| {
            let blob = self.inner.find_blob(id).map_err(&failed)?;
            Ok((path, blob.content().to_vec()))
        };
        found.into_iter().map(read).collect::<Result<Files, _>>().map(Some)
    }

    /// Writes a state as a commit on top of `parent`. `at` is its time, in seconds since 1970.
    ///
    /// # Errors
    /// [`GitError::State`] where it is too large; where it cannot be written.
    pub(crate) fn commit_state(
        &self,
        files: &Files,
        parent: Option<CommitId>,
        at: i64,
    ) -> Result<CommitId, GitError> {
        let failed = self.library("writing a state");
        if let Err(err) = check(files) {
            let why = err.to_string();
            return Err(GitError::StateTooLarge { why });
        }
        let tree = self.state_tree(files).map_err(&failed)?;
        let parent = parent.map(|parent| format!("parent {parent}\n")).unwrap_or_default();
        let who = Committer::default();
        let text = format!(
            "tree {tree}\n{parent}author {who} {at} +0000\ncommitter {who} {at} +0000\n\nRemember what was done\n"
        );
        let odb = self.inner.odb().map_err(&failed)?;
        odb.write(ObjectType::Commit, text.as_bytes()).map(commit_id).map_err(failed)
    }

    fn state_tree(&self, files: &Files) -> Result<git2::Oid, git2::Error> {
        let mut index = git2::Index::new()?;
        for (path, bytes) in files {
            let entry = git2::IndexEntry {
                ctime: git2::IndexTime::new(0, 0),
                mtime: git2::IndexTime::new(0, 0),
                dev: 0,
                ino: 0,
                mode: 0o100_644,
                uid: 0,
                gid: 0,
                file_size: 0,
                id: self.inner.blob(bytes)?,
                flags: 0,
                flags_extended: 0,
                path: path.as_str().as_bytes().to_vec(),
            };
            index.add(&entry)?;
        }
        index.write_tree_to(&self.inner)
    }
}

impl Git {
    /// Fetches what refs of a remote name, and names it nowhere: no ref of `into` changes.
    ///
    /// # Errors
    /// [`GitError::Unreachable`].
    pub(crate) fn fetch_unnamed(
        &self,
        into: &Repository,
        url: &RemoteUrl,
        names: &[RefName],
    ) -> Result<(), GitError> {
        in_repository(self.transport_to(url), into)
            .args(["-c", "core.hooksPath=/dev/null", "fetch", "--quiet", "--no-tags", "--no-prune"])
            .args(["--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no"])
            .args([UPLOAD_PACK, "--", url.as_str()])
            .args(names.iter().map(RefName::as_str))
            .run()
            .and_then(Output::success)
            .map(drop)
            .map_err(|source| GitError::Unreachable { url: url.to_string(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::LARGEST_FILE;

    fn repository() -> (tempfile::TempDir, Repository) {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::make_bare(&dir.path().join("r")).unwrap();
        (dir, repository)
    }

    fn files(all: &[(&str, &str)]) -> Files {
        all.iter().map(|(path, text)| (path.parse().unwrap(), text.as_bytes().to_vec())).collect()
    }

    /// A commit whose tree is written as it is, whatever git would say to it.
    fn odd(repository: &Repository, entries: &[(&str, &[u8], git2::Oid)]) -> CommitId {
        let odb = repository.inner.odb().unwrap();
        let mut raw = Vec::new();
        for (mode, name, id) in entries {
            raw.extend_from_slice(mode.as_bytes());
            raw.push(b' ');
            raw.extend_from_slice(name);
            raw.push(0);
            raw.extend_from_slice(id.as_bytes());
        }
        let tree = odb.write(ObjectType::Tree, &raw).unwrap();
        let text = format!("tree {tree}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx\n");
        commit_id(odb.write(ObjectType::Commit, text.as_bytes()).unwrap())
    }

    #[test]
    fn a_tree_with_anything_but_plain_files_is_refused() {
        let (_dir, repository) = repository();
        let blob = repository.inner.blob(b"x").unwrap();
        for (mode, name) in [
            ("120000", &b"data"[..]),
            ("160000", b"data"),
            ("100644", b".."),
            ("100644", b"a/../../b"),
            ("100644", b"/etc/passwd"),
            ("100644", b"a\nb"),
            ("100644", b"\xff"),
            ("100644", b"a\\b"),
            ("100644", b".GIT"),
        ] {
            let commit = odd(&repository, &[(mode, name, blob)]);
            let error = repository.state_files(commit).unwrap_err();
            assert!(matches!(error, GitError::State { .. }), "{mode} {name:?}: {error}");
            assert!(!error.to_string().contains('\n') && error.hint().is_some());
        }
    }

    #[test]
    fn a_tree_without_end_is_refused_before_it_is_read() {
        let (_dir, repository) = repository();
        let blob = repository.inner.blob(b"x").unwrap();
        let names: Vec<String> = (0..100).map(|n| format!("f{n:03}")).collect();
        let many: Vec<_> = names.iter().map(|name| ("100644", name.as_bytes(), blob)).collect();
        assert!(matches!(repository.state_files(odd(&repository, &many)), Err(GitError::State { .. })));

        let odb = repository.inner.odb().unwrap();
        let mut tree = odb.write(ObjectType::Tree, b"").unwrap();
        for _ in 0..10 {
            tree = odb.write(ObjectType::Tree, &[&b"40000 d\0"[..], tree.as_bytes()].concat()).unwrap();
        }
        let deep = odd(&repository, &[("40000", b"d", tree)]);
        assert!(matches!(repository.state_files(deep), Err(GitError::State { .. })));

        let mut tree = odb.write(ObjectType::Tree, b"").unwrap();
        for _ in 0..3 {
            let same: Vec<u8> = (0..50_u8)
                .flat_map(|n| [format!("40000 d{n:02}\0").as_bytes(), tree.as_bytes()].concat())
                .collect();
            tree = odb.write(ObjectType::Tree, &same).unwrap();
        }
        let broad = odd(&repository, &[("40000", b"d", tree)]);
        assert!(matches!(repository.state_files(broad), Err(GitError::State { .. })));

        let large = repository.inner.blob(&vec![b' '; 100 << 20]).unwrap();
        let error = repository.state_files(odd(&repository, &[("100644", b"data", large)])).unwrap_err();
        assert!(error.to_string().contains(&LARGEST_FILE.to_string()), "{error}");
    }

    #[test]
    fn a_commit_that_is_not_here_or_not_whole_is_nothing() {
        let (_dir, repository) = repository();
        let gone: CommitId = "1".repeat(40).parse().unwrap();
        assert_eq!(repository.state_files(gone).unwrap(), None);
        let hollow = odd(&repository, &[("100644", b"data", oid(gone.object()))]);
        assert_eq!(repository.state_files(hollow).unwrap(), None);
    }

    #[test]
    fn a_state_survives_being_a_commit() {
        let (_dir, repository) = repository();
        let one = files(&[("data/releases.jsonl", "{}\n"), ("flow-client/state.json", "{}"), ("x", "")]);
        let first = repository.commit_state(&one, None, 1_767_225_600).unwrap();
        assert_eq!(repository.state_files(first).unwrap(), Some(one.clone()));
        assert_eq!(repository.commit_state(&one, None, 1_767_225_600).unwrap(), first);

        let second = repository.commit_state(&Files::new(), Some(first), 1_767_225_601).unwrap();
        let commit = repository.inner.find_commit(oid(second.object())).unwrap();
        assert_eq!(commit.parent_id(0).map(commit_id).unwrap(), first);
        assert_eq!(commit.author().name().ok(), Some("github-actions[bot]"));
        assert_eq!(repository.state_files(second).unwrap(), Some(Files::new()));
    }

    #[test]
    fn a_state_that_is_too_large_is_not_written() {
        let (_dir, repository) = repository();
        let many: Files = (0..100).map(|n| (format!("f{n}").parse().unwrap(), Vec::new())).collect();
        let error = repository.commit_state(&many, None, 0).unwrap_err();
        assert!(matches!(error, GitError::StateTooLarge { .. }) && error.hint().is_some(), "{error}");
    }
}
