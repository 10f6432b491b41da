//! Objects that a repository lacks, brought from its remotes: many at once, and to the workbench, never to the
//! repository itself.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::program::{Git, UPLOAD_PACK, option};
use super::workbench::{make_pantry, take_over};
use super::{GitError, RemoteUrl, Repository};
use crate::ids::ObjectId;

/// A run asks remotes no more often than this. What is needed is asked for together, so that it is seldom asked for
/// more than a few times.
const MOST: usize = 256;
/// So many ids are asked for at once.
const AT_ONCE: usize = 50_000;
/// At most so many remotes are asked.
const REMOTES: usize = 8;

/// Trees come with the trees below them, and commits with their history.
const BLOBS: &str = "blob:none";
/// Commits come with their history alone.
pub(super) const TREES: &str = "tree:0";

/// Why a repository lacks objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// It was cloned with a filter.
    Partial,
    /// Its history is cut off.
    Shallow,
    /// It should lack none.
    Damage,
}

/// Where the objects come from that a repository lacks.
#[derive(Debug)]
pub(super) struct Supply {
    git: Git,
    git_dir: PathBuf,
    /// Where the objects of the repository lie.
    pub(super) objects: PathBuf,
    pub(super) path: PathBuf,
    pub(super) remotes: Vec<RemoteUrl>,
    pub(super) lack: Lack,
    pub(super) bench: PathBuf,
    asked: Cell<usize>,
    /// Remotes that did not answer in time: each of their answers would be waited for as long again.
    silent: RefCell<HashSet<String>>,
    vain: RefCell<HashSet<ObjectId>>,
}

impl Supply {
    /// What the remotes of `fork` have, for the workbench at `bench`.
    pub(super) fn of(git: &Git, fork: &Repository, bench: &Path) -> Self {
        let lack = match fork.is_partial() {
            true => Lack::Partial,
            false if fork.is_shallow() => Lack::Shallow,
            false => Lack::Damage,
        };
        let mut remotes: Vec<RemoteUrl> = Vec::new();
        for url in fork.remotes() {
            if let Ok(url) = url.parse::<RemoteUrl>()
                && remotes.iter().all(|known| known.place() != url.place())
            {
                remotes.push(url);
            }
        }
        remotes.truncate(REMOTES);
        Self {
            git: git.clone(),
            git_dir: fork.inner.path().to_owned(),
            objects: fork.objects_dir(),
            path: fork.path().to_owned(),
            remotes,
            lack,
            bench: bench.to_owned(),
            asked: Cell::default(),
            silent: RefCell::default(),
            vain: RefCell::default(),
        }
    }

    /// Tells git in `bench` that what is missing may be promised, so that it takes in what is made of it.
    pub(super) fn promise(&self, bench: &Repository) -> Result<(), GitError> {
        let (Lack::Partial, Some(url)) = (self.lack, self.remotes.first()) else { return Ok(()) };
        let failed = bench.library("naming where objects are promised");
        let mut config = bench.inner.config().map_err(&failed)?;
        let values = [("url", url.as_str()), ("promisor", "true"), ("partialCloneFilter", "blob:none")];
        for (key, value) in values {
            config.set_str(&format!("remote.promise.{key}"), value).map_err(&failed)?;
        }
        Ok(())
    }

    /// Whether what is missing was promised by somebody who can still be asked.
    pub(super) fn is_promised(&self) -> bool {
        self.lack == Lack::Partial && !self.remotes.is_empty()
    }

    /// Whether remotes are not asked any more.
    pub(super) fn is_spent(&self) -> bool {
        self.asked.get() >= MOST
    }

    /// Brings these objects; trees come with all trees below them. Whether one of them came.
    pub(super) fn bring(&self, ids: &[ObjectId]) -> bool {
        self.bring_without(BLOBS, ids)
    }

    /// The same; what comes with them is filtered so.
    pub(super) fn bring_without(&self, filter: &str, ids: &[ObjectId]) -> bool {
        let wanted: Vec<ObjectId> =
            ids.iter().filter(|id| !self.vain.borrow().contains(id)).copied().collect();
        let mut came = false;
        for some in wanted.chunks(AT_ONCE) {
            came |=
                self.remotes.iter().any(|url| self.ask(url, filter, some)) || self.bring_apart(filter, some);
        }
        came
    }

    /// No remote has all of them.
    fn bring_apart(&self, filter: &str, ids: &[ObjectId]) -> bool {
        if ids.len() == 1 || self.remotes.is_empty() {
            self.vain.borrow_mut().extend(ids);
            return false;
        }
        let halves = ids.split_at(ids.len() / 2);
        let [one, other] = [halves.0, halves.1].map(|half| {
            self.remotes.iter().any(|url| self.ask(url, filter, half)) || self.bring_apart(filter, half)
        });
        one || other
    }

    /// Whether the remote gave all of them.
    ///
    /// They come to an object directory that borrows from nobody, because git neither asks for nor takes in what it
    /// takes for there, damaged or not. The command runs in the fork, whose configuration says how to get in.
    fn ask(&self, url: &RemoteUrl, filter: &str, ids: &[ObjectId]) -> bool {
        if self.is_spent() || self.silent.borrow().contains(url.as_str()) {
            return false;
        }
        self.asked.set(self.asked.get() + 1);
        let pantry = self.bench.join("pantry");
        let list: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let place = pantry.to_string_lossy().into_owned();
        let own = [("GIT_OBJECT_DIRECTORY", &*place), ("GIT_NO_LAZY_FETCH", "1")];
        let command = self
            .git
            .transport_with(url, &own)
            .arg(option("--git-dir=", &self.git_dir))
            .arg("-c")
            .arg(option("safe.directory=", &self.git_dir))
            .cwd(&self.path)
            .args(["-c", "core.hooksPath=/dev/null", "-c", "fetch.unpackLimit=1"])
            .args(["-c", "fetch.negotiationAlgorithm=noop", "-c", "fetch.writeCommitGraph=false"])
            .args(["-c", "remote.patch-moi-supply.promisor=true"])
            .arg("-c")
            .arg(format!("remote.patch-moi-supply.partialCloneFilter={filter}"))
            .arg("-c")
            .arg(format!("remote.patch-moi-supply.url={}", url.as_str()))
            .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"])
            .args(["--recurse-submodules=no", "--refmap=", "--stdin", UPLOAD_PACK, "--", "patch-moi-supply"])
            .stdin(list);
        let fetched = make_pantry(&pantry).is_ok().then(|| command.run());
        if !matches!(&fetched, Some(Ok(output)) if !output.timed_out) {
            self.silent.borrow_mut().insert(url.as_str().to_owned());
        }
        let came = fetched.and_then(Result::ok).is_some_and(|output| output.success().is_ok());
        tracing::info!("{} missing objects asked of {url}: {came}", ids.len());
        came && take_over(&pantry, &self.bench.join("objects")).is_ok()
    }
}
