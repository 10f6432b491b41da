//! Stories about changes, kills in between, and what comes after.

use super::*;
use crate::pack::{LOCK, PackFile};

struct Here(tempfile::TempDir);

impl Here {
    fn new() -> Self {
        let here = Self(tempfile::tempdir().unwrap());
        for (path, text) in [
            (".codex/flows/a/f", "old"),
            (".codex/flows/b/f", "old"),
            ("plugins/gone/f", "old"),
            (LOCK, "old"),
        ] {
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
        [".codex/flows/a/f", ".codex/flows/b/f", "plugins/new/f", "plugins/gone/f", LOCK]
            .map(|path| self.read(path))
    }

    /// Everything as far as `steps`, and then the process is gone.
    fn killed_after(&self, steps: usize, files: &Files) {
        let (install, _) = Install::open(self.0.path()).unwrap();
        let all = install.stage(&changes(files)).unwrap();
        let journal = Journal::of(all);
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
        change(".codex/flows/a", New::Folder(files), Some(".codex/pack-backups/1/a")),
        change(".codex/flows/b", New::Folder(files), None),
        change("plugins/new", New::Folder(files), None),
        change("plugins/gone", New::Nothing, Some(".codex/pack-backups/1/gone")),
        change(LOCK, New::File("new"), None),
    ]
}

#[test]
fn what_cannot_be_written_leaves_everything_as_it_was() {
    let (here, files) = (Here::new(), files());
    let mut all = changes(&files);
    all.push(Change { place: ".codex/pack-lock.json/below".to_owned(), new: New::File("x"), backup: None });
    assert!(Install::open(here.0.path()).unwrap().0.apply(&all).is_err());
    assert_eq!(here.all(), OLD);
    assert!(!Install::is_pending(here.0.path()));
    assert!(!here.at(".codex/pack-backups/1/a").exists());
}

#[test]
fn everything_is_changed_and_the_old_is_kept_where_that_was_asked_for() {
    let (here, files) = (Here::new(), files());
    Install::open(here.0.path()).unwrap().0.apply(&changes(&files)).unwrap();
    assert_eq!(here.all(), NEW);
    assert_eq!(
        (here.read(".codex/pack-backups/1/a/f"), here.read(".codex/pack-backups/1/gone/f")),
        ("old".into(), "old".into())
    );
    assert!(!here.at(".codex/pack-backups/1/b").exists() && !Install::is_pending(here.0.path()));
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
        assert_eq!(here.read(".codex/pack-backups/1/a/f"), "old");
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
        fs::rename(here.at(LOCK), here.at("kept")).unwrap();
        fs::write(here.at(LOCK), "theirs").unwrap();
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
fn what_a_person_wrote_into_the_old_after_a_kill_is_not_lost() {
    for edited in [".codex/flows/b/f", LOCK] {
        let (here, files) = (Here::new(), files());
        here.killed_after(1, &files);
        // In place, as an editor or the old system writes: the number stays.
        fs::write(here.at(edited), "mine").unwrap();
        assert_eq!(Install::open(here.0.path()).unwrap().1, Recovered::TakenBack);
        assert_eq!(here.read(edited), "mine");
        assert_eq!(here.read(".codex/flows/a/f"), "old");
    }
}

#[test]
fn what_somebody_removed_after_a_kill_does_not_stop_the_next_command() {
    let (here, files) = (Here::new(), files());
    here.killed_after(3, &files);
    fs::remove_dir_all(here.at("plugins/new")).unwrap();
    assert_eq!(Install::open(here.0.path()).unwrap().1, Recovered::TakenBack);
    assert_eq!(here.all(), OLD);
    assert!(!Install::is_pending(here.0.path()));
}

#[test]
fn what_is_changed_while_the_new_is_written_is_not_replaced() {
    let (here, files) = (Here::new(), files());
    let (install, _) = Install::open(here.0.path()).unwrap();
    let steps = install.stage(&changes(&files)).unwrap();
    fs::write(here.at(".codex/flows/b/f"), "mine").unwrap();
    assert!(install.forward(&steps).is_err());
    assert_eq!(here.read(".codex/flows/b/f"), "mine");
}

#[test]
fn backups_that_cannot_be_kept_stop_everything_before_it_begins() {
    let elsewhere = tempfile::tempdir().unwrap();
    for is_link in [true, false] {
        let (here, files) = (Here::new(), files());
        let backups = here.at(".codex/pack-backups");
        if is_link {
            std::os::unix::fs::symlink(elsewhere.path(), backups).unwrap();
        } else {
            fs::write(backups, "a file").unwrap();
        }
        let error = Install::open(here.0.path()).unwrap().0.apply(&changes(&files)).unwrap_err();
        assert!(error.to_string().contains("pack-backups"), "{error}");
        assert_eq!(here.all(), OLD);
        assert!(!Install::is_pending(here.0.path()));
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_transaction_that_leads_elsewhere_is_refused_and_harms_nothing() {
    let elsewhere = tempfile::tempdir().unwrap();
    let precious = elsewhere.path().join("precious");
    fs::write(&precious, "x").unwrap();
    for link in [".codex", FOLDER, ".codex/.pack-transaction/new", ".codex/.pack-transaction/.lock"] {
        let place = tempfile::tempdir().unwrap();
        let link = place.path().join(link);
        fs::create_dir_all(folder_of(&link)).unwrap();
        let target = if link.ends_with(".lock") { &precious } else { elsewhere.path() };
        std::os::unix::fs::symlink(target, &link).unwrap();
        let error = Install::open(place.path()).unwrap_err();
        assert!(matches!(&error, StoreError::Corrupt { path, .. } if *path == link), "{error}");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "x");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_journal_that_leads_elsewhere_is_refused() {
    for place in ["../x", ".git/hooks/pre-commit", "src", ".codex/flows", "plugins/../src", "plugins/a/b"] {
        let here = Here::new();
        write(&here.at(FOLDER).join("new/0"), b"theirs", 0o777).unwrap();
        let text = format!(r#"{{"version":1,"steps":[{{"place":"{place}","new":1,"old":null}}]}}"#);
        fs::write(here.at(FOLDER).join(JOURNAL), text).unwrap();
        assert!(matches!(Install::open(here.0.path()), Err(StoreError::Corrupt { .. })), "{place}");
    }
}

#[test]
fn a_journal_moves_nothing_that_its_own_transaction_did_not_stage() {
    let here = Here::new();
    write(&here.at(FOLDER).join("new/0"), b"theirs", 0o777).unwrap();
    let text = r#"{"version":1,"steps":[{"place":"plugins/x","new":1,"old":null}]}"#;
    fs::write(here.at(FOLDER).join(JOURNAL), text).unwrap();
    assert_eq!(Install::open(here.0.path()).unwrap().1, Recovered::TakenBack);
    assert!(!here.at("plugins/x").exists());
}
