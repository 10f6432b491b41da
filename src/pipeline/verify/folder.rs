//! The folder that a run left, looked over before anything in it is read.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::candidate::claim::{Claim, LARGEST_CLAIM};
use crate::candidate::{Refusal, quoted};
use crate::ids::RelPath;
use crate::workspace::{WorkspaceError, read_bounded};

/// What a run puts into the folder itself.
const FILES: [&str; 6] =
    ["candidate.json", "candidate.bundle", "record.json", "range-diff.txt", "report.html", "report.md"];

/// The folders that it makes there.
const FOLDERS: [&str; 3] = ["patches", "conflicts", "checks"];

/// More files and folders no run leaves.
const MOST_ENTRIES: usize = 200_000;

/// More folders are not looked at where one holds several artifacts.
const MOST_ARTIFACTS: usize = 100;

/// A bundle that is larger is not read.
const LARGEST_BUNDLE: u64 = 4 << 30;

/// A record.json that is larger is not read.
pub(in crate::pipeline) const LARGEST_RECORD: u64 = 16 << 20;

/// One artifact's folder.
#[derive(Debug, Clone)]
pub(in crate::pipeline) struct Folder {
    /// Its bundle, where there is one.
    pub(in crate::pipeline) bundle: Option<PathBuf>,
    /// Its candidate.json, where there is one.
    candidate: Option<PathBuf>,
    /// Its record.json, where there is one.
    pub(in crate::pipeline) record: Option<PathBuf>,
}

/// The artifacts in `dir`: itself, or each folder in it. Nothing in them is looked at yet.
///
/// # Errors
/// Where there is no such folder.
pub(in crate::pipeline) fn artifacts(dir: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let unreadable = |err: std::io::Error| Refusal::Unreadable { file: shown(dir), why: err.to_string() };
    if is_artifact(dir) {
        return Ok(vec![dir.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in dir.read_dir().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.file_type().map_err(unreadable)?.is_dir() {
            found.push(entry.path());
        }
        if found.len() > MOST_ARTIFACTS {
            return Err(Refusal::TooManyFiles { max: MOST_ARTIFACTS });
        }
    }
    found.sort();
    Ok(found)
}

fn is_artifact(dir: &Path) -> bool {
    ["candidate.json", "record.json"].iter().any(|name| dir.join(name).symlink_metadata().is_ok())
}

impl Folder {
    /// Looks over a folder: nothing but files and folders, and only those that a run makes.
    ///
    /// # Errors
    /// The first thing that does not belong there.
    pub(in crate::pipeline) fn open(path: &Path) -> Result<Self, Refusal> {
        let mut seen = 0;
        for entry in
            WalkDir::new(path).follow_links(false).follow_root_links(false).min_depth(1).sort_by_file_name()
        {
            let entry = entry
                .map_err(|err| Refusal::Unreadable { file: shown(path), why: quoted(&err.to_string()) })?;
            seen += 1;
            if seen > MOST_ENTRIES {
                return Err(Refusal::TooManyFiles { max: MOST_ENTRIES });
            }
            let relative = entry.path().strip_prefix(path).unwrap_or(entry.path());
            check(relative, entry.file_type())?;
        }
        let own = |name: &str| Some(path.join(name)).filter(|file| file.symlink_metadata().is_ok());
        let folder = Self {
            bundle: own("candidate.bundle"),
            candidate: own("candidate.json"),
            record: own("record.json"),
        };
        if folder.candidate.is_none() && folder.record.is_none() {
            return Err(Refusal::NoArtifact { folder: shown(path) });
        }
        let too_large = |bundle: &PathBuf| bundle.metadata().is_ok_and(|file| file.len() > LARGEST_BUNDLE);
        if folder.bundle.as_ref().is_some_and(too_large) {
            return Err(Refusal::TooLarge { file: "candidate.bundle".to_owned(), max: LARGEST_BUNDLE });
        }
        Ok(folder)
    }

    /// What candidate.json says, where there is one.
    ///
    /// # Errors
    /// Where it cannot be read or is not what a run writes.
    pub(in crate::pipeline) fn claim(&self) -> Result<Option<Claim>, Refusal> {
        let Some(file) = &self.candidate else { return Ok(None) };
        read(file, "candidate.json", LARGEST_CLAIM).and_then(|text| Claim::parse(&text)).map(Some)
    }

    /// The text of record.json, where there is one.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(in crate::pipeline) fn record(&self) -> Result<Option<String>, Refusal> {
        self.record.as_ref().map(|file| read(file, "record.json", LARGEST_RECORD)).transpose()
    }
}

fn read(file: &Path, name: &str, max: u64) -> Result<String, Refusal> {
    read_bounded(file, max).map_err(|err| match err {
        WorkspaceError::TooLarge { max, .. } => Refusal::TooLarge { file: name.to_owned(), max },
        err => Refusal::Unreadable { file: name.to_owned(), why: err.to_string() },
    })
}

/// One entry of the folder, by its path in it.
fn check(relative: &Path, kind: std::fs::FileType) -> Result<(), Refusal> {
    let shown = || quoted(&relative.to_string_lossy());
    let unexpected = || Refusal::Unexpected { path: shown() };
    let path: RelPath = relative.to_str().and_then(|path| path.parse().ok()).ok_or_else(unexpected)?;
    if kind.is_symlink() {
        return Err(Refusal::NotAFile { path: shown(), kind: "a symbolic link" });
    }
    if !kind.is_file() && !kind.is_dir() {
        return Err(Refusal::NotAFile { path: shown(), kind: "a pipe, a socket or a device" });
    }
    let (first, below) =
        path.as_str().split_once('/').map_or((path.as_str(), None), |(one, rest)| (one, Some(rest)));
    let fits = match below {
        None if kind.is_file() => FILES.contains(&first),
        None => FOLDERS.contains(&first),
        Some(below) => match first {
            "patches" => {
                kind.is_file() && (below == "series" || below.ends_with(".patch")) && !below.contains('/')
            }
            "checks" => kind.is_file() && below.ends_with(".log") && !below.contains('/'),
            "conflicts" => below.contains('/') || kind.is_dir(),
            _ => false,
        },
    };
    fits.then_some(()).ok_or_else(unexpected)
}

/// A path for a message.
fn shown(path: &Path) -> String {
    crate::report::printable(&path.display().to_string()).into_owned()
}
