//! What a `pack` command changes in a workspace, all of it or nothing.
//!
//! Everything new is written to a folder of its own first. Then a journal says what takes whose place, and each
//! takes it in one step; the lock comes last. A process that is killed before the journal stands has changed
//! nothing; one that is killed later leaves the old or the new of each, and the next one goes on where it was.

mod journal;

#[cfg(test)]
mod tests;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use self::journal::{Journal, Step, inode, look, no_link};
use super::artifact::{cannot_exchange, exchange, remove, sync_tree};
use super::error::{Operation, StoreError};
use super::file::{
    children, create_folder, folder_of, own_folder, permissions, read_whole, replace, sync_folder,
};
use super::lock::{Lock, NAME};
use crate::pack::{BACKUPS, Files};

/// Where a transaction lies, relative to the workspace.
const FOLDER: &str = ".codex/.pack-transaction";
const JOURNAL: &str = "journal.json";
/// Where what is new lies, in the order of the changes.
const STAGED: &str = "new";
/// The largest journal, in bytes.
const MAX_JOURNAL: u64 = 64 << 20;

/// One change of a workspace.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// Where, relative to the workspace.
    pub(crate) place: String,
    /// What stands there afterwards.
    pub(crate) new: New<'a>,
    /// Where the old goes, relative to the workspace; without it the old is gone.
    pub(crate) backup: Option<String>,
}

/// What stands somewhere after a change.
#[derive(Debug)]
pub(crate) enum New<'a> {
    /// A folder.
    Folder(&'a Files),
    /// A file.
    File(&'a str),
    /// Nothing.
    Nothing,
}

/// What became of a transaction that somebody was killed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recovered {
    /// There was none.
    Nothing,
    /// It was finished.
    Finished,
    /// Something had been changed since, and it was taken back.
    TakenBack,
}

/// The right to change what is installed, which one process has at a time.
#[derive(Debug)]
pub(crate) struct Install {
    root: PathBuf,
    folder: PathBuf,
    /// Dropped by hand, before the folder goes.
    lock: Option<Lock>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Todo,
    /// The old is away, and the new not in place.
    Between,
    Done,
    /// Somebody else has been here.
    Foreign,
}

impl Install {
    /// Whether somebody was killed in the middle of a change, or is at it.
    pub(crate) fn is_pending(root: &Path) -> bool {
        root.join(FOLDER).symlink_metadata().is_ok()
    }

    /// Waits for its turn, and finishes or takes back what somebody left who was killed.
    ///
    /// # Errors
    /// Where the folder cannot be made or locked, or the recovery fails.
    pub(crate) fn open(root: &Path) -> Result<(Self, Recovered), StoreError> {
        let folder = root.join(FOLDER);
        // What comes with a checkout can hold a link in any of these places.
        for own in [NAME, JOURNAL, STAGED] {
            no_link(root, &format!("{FOLDER}/{own}/"))?;
        }
        let lock = Lock::claim(folder.join(NAME), "installing packs")?;
        let install = Self { root: root.to_owned(), folder, lock: Some(lock) };
        own_folder(&install.folder)?;
        let recovered = install.recover()?;
        Ok((install, recovered))
    }

    /// Makes all changes, in their order. What has to come last, such as the lock, stands last in the list.
    ///
    /// # Errors
    /// Where something cannot be written. Everything is as it was then.
    pub(crate) fn apply(self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        let steps = self.stage(changes).or_else(|error| self.clear().and(Err(error)))?;
        let journal = Journal::of(steps);
        let path = self.folder.join(JOURNAL);
        let text = serde_json::to_vec_pretty(&journal)
            .map_err(|source| StoreError::Encode { path: path.clone(), source })?;
        replace(&path, &text)?;
        if let Err(error) = self.forward(&journal.steps) {
            self.back(&journal.steps)?;
            self.clear()?;
            return Err(error);
        }
        self.keep_old(&journal.steps)?;
        self.clear()
    }

    /// Writes everything new beside, to disk.
    fn stage(&self, changes: &[Change<'_>]) -> Result<Vec<Step>, StoreError> {
        // Before anything is written: what somebody changes while that goes on is not taken for what was there.
        let looked = |change: &Change<'_>| {
            let place = self.root.join(&change.place);
            Ok((inode(&place)?, look(&place)?))
        };
        let olds = changes.iter().map(looked).collect::<Result<Vec<_>, StoreError>>()?;
        let mut steps = Vec::new();
        for (number, (change, (old, was))) in changes.iter().zip(olds).enumerate() {
            let (staged, place) = (self.staged(number), self.root.join(&change.place));
            create_folder(folder_of(&staged))?;
            if let Some(backup) = &change.backup {
                no_link(&self.root, backup)?;
                create_folder(&self.root.join(BACKUPS))?;
            }
            match &change.new {
                New::Folder(files) => {
                    fs::create_dir(&staged).map_err(StoreError::io(Operation::Create, &staged))?;
                    for (path, file) in &files.files {
                        let mode = if file.executable { 0o777 } else { 0o666 };
                        write(&staged.join(path), &file.bytes, mode)?;
                    }
                    sync_tree(&staged)?;
                }
                New::File(text) => {
                    write(&staged, text.as_bytes(), 0o666)?;
                    if place.is_file() {
                        fs::set_permissions(&staged, permissions(&place))
                            .map_err(StoreError::io(Operation::Write, &staged))?;
                    }
                }
                New::Nothing => {}
            }
            let (place, backup) = (change.place.clone(), change.backup.clone());
            steps.push(Step { place, new: inode(&staged)?, old, was, backup });
        }
        Ok(steps)
    }

    fn recover(&self) -> Result<Recovered, StoreError> {
        let path = self.folder.join(JOURNAL);
        let Some(bytes) = read_whole(&path, MAX_JOURNAL)? else {
            self.clear()?;
            return Ok(Recovered::Nothing);
        };
        let journal = Journal::parse(&bytes, &path, &self.root)?;
        let mut is_foreign = false;
        for (number, step) in journal.steps.iter().enumerate() {
            is_foreign |= self.progress(number, step)? == Progress::Foreign;
        }
        if is_foreign {
            self.back(&journal.steps)?;
        } else {
            self.forward(&journal.steps)?;
            self.keep_old(&journal.steps)?;
        }
        self.clear()?;
        Ok(if is_foreign { Recovered::TakenBack } else { Recovered::Finished })
    }

    fn progress(&self, number: usize, step: &Step) -> Result<Progress, StoreError> {
        let place = self.root.join(&step.place);
        let now = inode(&place)?;
        if now == step.new {
            return Ok(Progress::Done);
        }
        let is_staged = step.new.is_none() || inode(&self.staged(number))? == step.new;
        let is_old = now == step.old && look(&place)? == step.was;
        let is_away = now.is_none() && inode(&self.away(number))? == step.old;
        Ok(match (is_staged, is_old, is_away) {
            (true, true, _) => Progress::Todo,
            (true, false, true) => Progress::Between,
            _ => Progress::Foreign,
        })
    }

    /// Makes every step that is not made yet.
    fn forward(&self, steps: &[Step]) -> Result<(), StoreError> {
        for (number, step) in steps.iter().enumerate() {
            let (place, staged) = (self.root.join(&step.place), self.staged(number));
            let progress = self.progress(number, step)?;
            match progress {
                Progress::Done => continue,
                Progress::Foreign => {
                    let reason = "somebody else changed it in the meantime".to_owned();
                    return Err(StoreError::Corrupt { path: place, reason });
                }
                Progress::Todo | Progress::Between => {}
            }
            create_folder(folder_of(&place))?;
            match (step.new, step.old) {
                (Some(_), Some(_)) if progress == Progress::Todo => self.change_places(number, &place)?,
                (Some(_), _) => rename(&staged, &place)?,
                (None, _) => rename(&place, &self.away(number))?,
            }
            sync_folder(folder_of(&place))?;
        }
        sync_folder(&self.folder)
    }

    /// Puts the new in the old one's place in one step, where the file system can; the old one is then where the
    /// new one was.
    fn change_places(&self, number: usize, place: &Path) -> Result<(), StoreError> {
        let staged = self.staged(number);
        match exchange(&staged, place) {
            Err(error) if cannot_exchange(&error) => {
                rename(place, &self.away(number))?;
                rename(&staged, place)
            }
            done => done.map_err(StoreError::io(Operation::Rename, place)),
        }
    }

    /// Takes every step back that is made, so that each could be made again.
    fn back(&self, steps: &[Step]) -> Result<(), StoreError> {
        for (number, step) in steps.iter().enumerate().rev() {
            let (place, staged) = (self.root.join(&step.place), self.staged(number));
            let is_done = match self.progress(number, step)? {
                Progress::Todo | Progress::Foreign => continue,
                Progress::Done => true,
                Progress::Between => false,
            };
            match self.old(number, step)? {
                Some(old) if old == staged => {
                    exchange(&staged, &place).map_err(StoreError::io(Operation::Rename, &place))?;
                }
                old => {
                    if is_done && step.new.is_some() {
                        rename(&place, &staged)?;
                    }
                    old.map_or(Ok(()), |old| rename(&old, &place))?;
                }
            }
            sync_folder(folder_of(&place))?;
        }
        Ok(())
    }

    /// Moves the old to the backups, where it is to be kept.
    fn keep_old(&self, steps: &[Step]) -> Result<(), StoreError> {
        for (number, step) in steps.iter().enumerate() {
            let (Some(backup), Some(old)) = (&step.backup, self.old(number, step)?) else { continue };
            let backup = self.root.join(backup);
            create_folder(folder_of(&backup))?;
            rename(&old, &backup)?;
            sync_folder(folder_of(&backup))?;
        }
        Ok(())
    }

    /// Where the old of a made step is.
    fn old(&self, number: usize, step: &Step) -> Result<Option<PathBuf>, StoreError> {
        let Some(old) = step.old else { return Ok(None) };
        for place in [self.staged(number), self.away(number)] {
            if inode(&place)? == Some(old) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Removes the transaction, the journal first: without it nothing is begun.
    fn clear(&self) -> Result<(), StoreError> {
        remove(&self.folder.join(JOURNAL))?;
        sync_folder(&self.folder)?;
        for (name, path) in children(&self.folder)? {
            if name != NAME && name != ".gitignore" {
                remove(&path)?;
            }
        }
        Ok(())
    }

    fn staged(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{STAGED}/{number}"))
    }

    fn away(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{STAGED}/{number}.old"))
    }
}

impl Drop for Install {
    fn drop(&mut self) {
        // With a journal in it the folder stays, for the next one; so does what cannot be removed now.
        if self.folder.join(JOURNAL).symlink_metadata().is_err() {
            let _ = fs::remove_file(self.folder.join(".gitignore"));
            drop(self.lock.take());
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StoreError> {
    fs::create_dir_all(folder_of(path)).map_err(StoreError::io(Operation::Create, path))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(StoreError::io(Operation::Create, path))?;
    file.write_all(bytes).map_err(StoreError::io(Operation::Write, path))?;
    file.sync_all().map_err(StoreError::io(Operation::Sync, path))
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(StoreError::io(Operation::Rename, to))
}
