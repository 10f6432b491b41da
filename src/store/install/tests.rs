//! Stories about changes, kills in between, and what comes after.

use super::*;
use crate::pack::PackFile;

struct Here(tempfile::TempDir);

impl Here {
    fn new() -> Self {
        let here = Self(tempfile::tempdir().unwrap());
        for (path, text) in [("a/f", "old"), ("b/f", "old"), ("gone/f", "old"), ("lock", "old")] {
            fs::create_dir_all(folder_of(&here.at(path))).unwrap();
            fs::write(here.at(path), text).unwrap();
        }
        here
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_default()
    }

    fn all(&self) -> [String; 5] {
        ["a/f", "b/f", "new/f", "gone/f", "lock"].map(|path| self.read(path))
    }

    /// Everything as far as `steps`, and then the process is gone.
    fn killed_after(&self, steps: usize, files: &Files) {
        let (install, _) = Install::open(self.0.path()).unwrap();
        let all = install.stage(&changes(files)).unwrap();
        let journal = Journal { version: 1, steps: all };
        replace(&install.folder.join(JOURNAL), &serde_json::to_vec(&journal).unwrap()).unwrap();
        install.forward(&journal.steps[..steps]).unwrap();
    }
}

const OLD: [&str; 5] = ["old", "old", "", "old", "old"];
const NEW: [&str; 5] = ["new", "new", "new", "", "new"];

fn files() -> Files {
    let file = PackFile { bytes: b"new".to_vec(), executable: false };
    Files { files: [("f".to_owned(), file)].into(), ..Files::default() }
}

fn changes(files: &Files) -> Vec<Change<'_>> {
    let change = |place: &str, new, backup: Option<&str>| Change {
        place: place.to_owned(),
        new,
        backup: backup.map(str::to_owned),
    };
    vec![
        change("a", New::Folder(files), Some("backup/a")),
        change("b", New::Folder(files), None),
        change("new", New::Folder(files), None),
        change("gone", New::Nothing, Some("backup/gone")),
        change("lock", New::File("new"), None),
    ]
}

#[test]
fn what_cannot_be_written_leaves_everything_as_it_was() {
    let (here, files) = (Here::new(), files());
    let mut all = changes(&files);
    all.push(Change { place: "lock/below".to_owned(), new: New::File("x"), backup: None });
    assert!(Install::open(here.0.path()).unwrap().0.apply(&all).is_err());
    assert_eq!(here.all(), OLD);
    assert!(!Install::is_pending(here.0.path()));
    assert!(!here.at("backup").exists());
}

#[test]
fn everything_is_changed_and_the_old_is_kept_where_that_was_asked_for() {
    let (here, files) = (Here::new(), files());
    Install::open(here.0.path()).unwrap().0.apply(&changes(&files)).unwrap();
    assert_eq!(here.all(), NEW);
    assert_eq!((here.read("backup/a/f"), here.read("backup/gone/f")), ("old".into(), "old".into()));
    assert!(!here.at("backup/b").exists() && !Install::is_pending(here.0.path()));
}

#[test]
fn whoever_comes_after_a_kill_finishes_what_was_begun() {
    for steps in 0..=5 {
        let (here, files) = (Here::new(), files());
        here.killed_after(steps, &files);
        assert!(Install::is_pending(here.0.path()));
        assert!(here.all().iter().zip(OLD.iter().zip(NEW)).all(|(is, (old, new))| is == old || is == new));
        let (install, recovered) = Install::open(here.0.path()).unwrap();
        assert_eq!(recovered, Recovered::Finished);
        assert_eq!(here.all(), NEW, "after {steps} steps");
        assert_eq!(here.read("backup/a/f"), "old");
        drop(install);
        assert!(!Install::is_pending(here.0.path()));
    }
}

#[test]
fn where_somebody_changed_something_since_the_rest_is_taken_back() {
    for steps in 0..5 {
        let (here, files) = (Here::new(), files());
        here.killed_after(steps, &files);
        // Kept, so that the new file cannot have its number.
        fs::rename(here.at("lock"), here.at("kept")).unwrap();
        fs::write(here.at("lock"), "theirs").unwrap();
        let (_, recovered) = Install::open(here.0.path()).unwrap();
        assert_eq!(recovered, Recovered::TakenBack);
        assert_eq!(here.all(), ["old", "old", "", "old", "theirs"], "after {steps} steps");
    }
}

#[test]
fn what_was_being_written_before_the_journal_is_swept() {
    let (here, files) = (Here::new(), files());
    let (install, _) = Install::open(here.0.path()).unwrap();
    install.stage(&changes(&files)).unwrap();
    // As a kill leaves it: nothing is dropped.
    std::mem::forget(install);
    fs::remove_file(here.at(".codex/.pack-transaction/.lock")).unwrap();
    assert_eq!(Install::open(here.0.path()).unwrap().1, Recovered::Nothing);
    assert_eq!(here.all(), OLD);
    assert!(!Install::is_pending(here.0.path()));
}

#[test]
fn a_journal_that_leads_elsewhere_is_refused() {
    let here = Here::new();
    fs::create_dir_all(here.at(FOLDER)).unwrap();
    let text = r#"{"version":1,"steps":[{"place":"../x","new":null,"old":1,"backup":null}]}"#;
    fs::write(here.at(FOLDER).join(JOURNAL), text).unwrap();
    assert!(matches!(Install::open(here.0.path()), Err(StoreError::Corrupt { .. })));
}
