//! A [`History`] as git-fast-import(1) reads it.
//!
//! One stream makes one whole repository in one child process. It carries no option that depends on the
//! machine, so the ids are the same wherever it is read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::history::{Commit, History, Person, Ref, Tree};

/// The input of one `git fast-import` into an empty repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stream(String);

impl Stream {
    /// The bytes for the child's stdin.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Renders a history. Commits keep the table's order; refs are set at the end, so that no ref
    /// depends on the order in which lines of development were written down.
    pub(super) fn of(history: &History) -> Self {
        let trees = history.trees();
        let marks: BTreeMap<&str, usize> = history.commits.iter().map(|c| c.label).zip(1..).collect();

        let mut out = "feature done\nfeature date-format=rfc2822\n".to_owned();
        for commit in &history.commits {
            render_commit(&mut out, commit, history, &marks, &trees);
        }
        for name in &history.refs {
            render_ref(&mut out, name, &marks);
        }
        out.push_str("done\n");
        Self(out)
    }
}

fn render_commit(
    out: &mut String,
    commit: &Commit,
    history: &History,
    marks: &BTreeMap<&str, usize>,
    trees: &BTreeMap<&str, Tree>,
) {
    line(out, format_args!("commit refs/heads/main\nmark :{}", marks[commit.label]));
    person(out, "author", commit.by, commit.at);
    person(out, "committer", commit.by, commit.at);
    data(out, &format!("{}\n", commit.message));

    let parents = history.parents(commit);
    for (verb, parent) in std::iter::once("from").chain(std::iter::repeat("merge")).zip(&parents) {
        line(out, format_args!("{verb} :{}", marks[parent]));
    }
    let before = parents.first().map(|parent| &trees[parent]);
    for (path, content) in &trees[commit.label] {
        if before.and_then(|tree| tree.get(path)) != Some(content) {
            line(out, format_args!("M 100644 inline {path}"));
            data(out, content);
        }
    }
    out.push('\n');
}

fn render_ref(out: &mut String, name: &Ref, marks: &BTreeMap<&str, usize>) {
    match *name {
        Ref::Branch(name, label) => {
            line(out, format_args!("reset refs/heads/{name}\nfrom :{}\n", marks[label]));
        }
        Ref::Tag(name, label, by, at, message) => {
            line(out, format_args!("tag {name}\nfrom :{}", marks[label]));
            person(out, "tagger", by, at);
            data(out, &format!("{message}\n"));
        }
    }
}

fn person(out: &mut String, role: &str, who: Person, at: &str) {
    line(out, format_args!("{role} {who} {at}"));
}

fn data(out: &mut String, text: &str) {
    line(out, format_args!("data {}\n{text}", text.len()));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}
