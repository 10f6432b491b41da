//! Files: writing them, finding them, and proving that nobody touched them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use walkdir::{DirEntry, WalkDir};

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Writes a program. Another one puts it in its place: a child that another test starts in this moment would hold a
/// file that this process writes, and a file that is held so cannot be executed.
pub(crate) fn executable(path: &Path, text: impl AsRef<[u8]>) {
    let beside = path.with_extension("written");
    write(&beside, text);
    let put = Command::new("install").args(["-m", "755"]).args([&beside, path]).status().unwrap();
    assert!(put.success());
    fs::remove_file(beside).unwrap();
}

/// Every file below `root` with this name, in order.
pub(crate) fn find_files(root: &Path, name: &str) -> Vec<PathBuf> {
    let all = WalkDir::new(root).sort_by_file_name().into_iter().map(Result::unwrap);
    all.filter(|entry| entry.file_name() == name && entry.file_type().is_file())
        .map(DirEntry::into_path)
        .collect()
}

/// Every file and folder below some roots: what it holds and when it was last written. Loose objects and
/// packs do not count, since an object that no ref names changes nothing.
#[derive(PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, (SystemTime, Vec<u8>)>);

impl Snapshot {
    /// What is there now.
    pub(crate) fn of(roots: &[&Path]) -> Self {
        let mut all = BTreeMap::new();
        for root in roots.iter().filter(|root| root.exists()) {
            let counts = |entry: &DirEntry| !entry.path().ends_with(".git/objects");
            for entry in WalkDir::new(root).into_iter().filter_entry(counts).map(Result::unwrap) {
                // The time of `.git` itself moves whenever git takes a lock in it.
                if entry.file_type().is_dir()
                    && entry.path().components().any(|part| part.as_os_str() == ".git")
                {
                    continue;
                }
                let content =
                    if entry.file_type().is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
                let modified = entry.metadata().unwrap().modified().unwrap();
                all.insert(entry.into_path(), (modified, content));
            }
        }
        Self(all)
    }

    /// Panics with the names of what changed since `before`.
    pub(crate) fn assert_same_as(&self, before: &Self) {
        let paths = self.0.keys().chain(before.0.keys()).collect::<std::collections::BTreeSet<_>>();
        let changed: Vec<_> =
            paths.into_iter().filter(|path| self.0.get(*path) != before.0.get(*path)).collect();
        assert!(changed.is_empty(), "written, though nothing should be: {changed:#?}");
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[test]
fn a_snapshot_notices_a_file_that_was_written_again_with_the_same_bytes() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("a/b");
    write(&file, "same");
    let before = Snapshot::of(&[dir.path()]);
    Snapshot::of(&[dir.path()]).assert_same_as(&before);

    fs::File::options().write(true).open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();

    assert!(Snapshot::of(&[dir.path()]) != before);
}
