//! A git history as a table that a person can read.
//!
//! A commit names its parents by label and says what it edits, not what its tree is; [`History::trees`]
//! works out the rest. Nothing here knows git's formats: that is [`super::stream`].

use std::collections::{BTreeMap, BTreeSet};

/// Who wrote a commit: `Name <address>`.
pub(super) type Person = &'static str;

/// One commit of a history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Commit {
    /// The name by which children and refs speak of it. It never reaches git.
    pub(super) label: &'static str,
    /// The labels of its parents, the branch that it was made on first.
    pub(super) parents: &'static [&'static str],
    /// Author and committer.
    pub(super) by: Person,
    /// When, as `2026-02-14 09:30:00 +0100`.
    pub(super) at: &'static str,
    /// The whole message without its last line end.
    pub(super) message: &'static str,
    /// What it does to its first parent's files. A merge first gains the files that only its other
    /// parents have.
    pub(super) changes: &'static [Change],
}

/// What a commit does to one file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    /// Adds the file, or replaces all of it: path, content.
    Write(&'static str, &'static str),
    /// Replaces the one place that reads so: path, old text, new text.
    Edit(&'static str, &'static str, &'static str),
}

/// A ref and what it points to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ref {
    /// A branch: short name, label.
    Branch(&'static str, &'static str),
    /// An annotated tag: short name, label, tagger, date, message.
    Tag(&'static str, &'static str, Person, &'static str, &'static str),
}

/// Path to content.
pub(super) type Tree = BTreeMap<&'static str, String>;

/// Commits, parents before children, and the refs that name some of them.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    pub(super) commits: Vec<Commit>,
    pub(super) refs: Vec<Ref>,
    /// Commits that never happened, each with the one that takes its place as a parent.
    undone: BTreeMap<&'static str, &'static str>,
}

impl History {
    /// The history of `commits` with `refs`.
    pub(super) fn new(commits: &[Commit], refs: &[Ref]) -> Self {
        Self { commits: commits.to_vec(), refs: refs.to_vec(), undone: BTreeMap::new() }
    }

    /// The same history in which the commit `label` never happened: its children stand on its parent.
    pub(super) fn without(mut self, label: &'static str) -> Self {
        let gone = self.commits.iter().find(|commit| commit.label == label);
        if let Some(parent) = gone.and_then(|commit| commit.parents.first()) {
            self.undone.insert(label, parent);
            self.commits.retain(|commit| commit.label != label);
        }
        self
    }

    /// The commit `label` and everything below it, without refs.
    pub(super) fn up_to(mut self, label: &'static str) -> Self {
        let mut wanted = BTreeSet::from([label]);
        for commit in self.commits.iter().rev() {
            if wanted.contains(commit.label) {
                wanted.extend(self.parents(commit));
            }
        }
        self.commits.retain(|commit| wanted.contains(commit.label));
        self.refs.clear();
        self
    }

    /// This history and then `commits` and `refs` on top of it.
    pub(super) fn and(mut self, commits: &[Commit], refs: &[Ref]) -> Self {
        self.commits.extend_from_slice(commits);
        self.refs.extend_from_slice(refs);
        self
    }

    /// The parents that a commit has in this history.
    pub(super) fn parents(&self, commit: &Commit) -> Vec<&'static str> {
        let stands_for = |label: &'static str| self.undone.get(label).copied().unwrap_or(label);
        commit.parents.iter().map(|label| stands_for(label)).collect()
    }

    /// Every commit's files, by label.
    pub(super) fn trees(&self) -> BTreeMap<&'static str, Tree> {
        let mut trees: BTreeMap<&'static str, Tree> = BTreeMap::new();
        for commit in &self.commits {
            let mut parents = self.parents(commit).into_iter().filter_map(|label| trees.get(label));
            let mut tree = parents.next().cloned().unwrap_or_default();
            for other in parents {
                for (path, content) in other {
                    tree.entry(path).or_insert_with(|| content.clone());
                }
            }
            commit.changes.iter().for_each(|change| change.apply(&mut tree));
            trees.insert(commit.label, tree);
        }
        trees
    }
}

impl Change {
    fn apply(self, tree: &mut Tree) {
        match self {
            Self::Write(path, content) => {
                tree.insert(path, content.to_owned());
            }
            Self::Edit(path, old, new) => {
                if let Some(content) = tree.get_mut(path) {
                    *content = content.replacen(old, new, 1);
                }
            }
        }
    }
}
