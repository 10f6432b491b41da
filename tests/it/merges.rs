//! Generated merges, many in one repository, with `git merge-tree` as the oracle: one process answers all.
//!
//! `PATCH_MOI_CASES` says how many batches there are (2 without it); `PATCH_MOI_SEED` which ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tempfile::TempDir;

use crate::changes::{self, Files};
use crate::kinds::{Said, fits, said};
use crate::pick::by_us;
use crate::support::raw::Objects;
use crate::support::{Dice, Repo, executable, patch_moi};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn seed_of(batch: u64) -> u64 {
    number("PATCH_MOI_SEED", 0) * 1_000_003 + batch
}

/// Draws values, the same ones on every machine.
fn runner(batch: u64) -> TestRunner {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&seed_of(batch).to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// A parent, a new parent, a commit.
type Merge = [String; 3];

/// How many merges were of which class.
#[derive(Debug, Default)]
struct Tally {
    clean: usize,
    conflict: usize,
    /// Merges that were handed to git, clean or not.
    asked: usize,
    /// Merges of which git has no word: it ends in the middle of them.
    failed: usize,
    kinds: BTreeMap<String, usize>,
}

impl Tally {
    /// Clean merges that were made without git.
    const fn fast(&self) -> usize {
        self.clean + self.conflict - self.asked
    }

    /// Clean merges that git made.
    const fn clean_by_git(&self) -> usize {
        self.asked - self.conflict
    }

    /// Asks for these merges; `attributes` holds the new parents that have attributes.
    fn count(
        &mut self,
        repo: &Repo,
        merges: &[Merge],
        attributes: &BTreeSet<String>,
        about: impl Fn(&Merge) -> String,
    ) {
        let (answers, asked) = picked(repo, merges);
        let (failed, answered): (Vec<_>, Vec<_>) =
            answers.iter().zip(merges).partition(|(answer, _)| answer.get("error").is_some());
        for (answer, merge) in &failed {
            assert!(git_fails(repo, merge), "{answer}\n{}", about(merge));
        }
        self.failed += failed.len();
        self.asked += asked - failed.len();
        let merges: Vec<Merge> = answered.iter().map(|(_, merge)| (*merge).clone()).collect();
        for ((answer, merge), git) in answered.into_iter().zip(by_git(repo, &merges, attributes)) {
            let [base, onto, commit] = merge;
            let about = || format!("{commit} (parent {base}) on {onto}:\n{}", about(merge));
            assert_eq!(by_us(answer), git.outcome(), "{}", about());
            for conflict in answer["conflicts"].as_array().unwrap() {
                assert!(fits(conflict, &git), "{conflict}\n{git:?}\n{}", about());
                *self.kinds.entry(conflict["kind"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            *(if git.clean { &mut self.clean } else { &mut self.conflict }) += 1;
        }
    }
}

/// Our answers, and how often git's merge was asked for them: the git on PATH is one that counts.
fn picked(repo: &Repo, merges: &[Merge]) -> (Vec<serde_json::Value>, usize) {
    let dir = TempDir::new().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let git: PathBuf =
        std::env::split_paths(&path).map(|dir| dir.join("git")).find(|git| git.is_file()).unwrap();
    let log = dir.path().join("log");
    let counts = format!("case \"$*\" in *merge-tree*) echo >> '{}';; esac", log.display());
    executable(&dir.path().join("git"), format!("#!/bin/sh\n{counts}\nexec '{}' \"$@\"\n", git.display()));
    let paths = std::iter::once(dir.path().to_owned()).chain(std::env::split_paths(&path));
    let lines: String = merges.iter().map(|[_, onto, commit]| format!("{commit} {onto}\n")).collect();
    let run = patch_moi(repo.path())
        .args(["stack", "pick", "--repo", repo.path().to_str().unwrap()])
        .env("PATH", std::env::join_paths(paths).unwrap())
        .stdin(lines)
        .run();
    let answers = run.json_lines();
    assert_eq!(answers.len(), merges.len());
    (answers, std::fs::read(&log).unwrap_or_default().len())
}

/// Whether git cannot make this merge: some renames of what becomes another kind of thing break an assertion
/// of its own (2.47).
fn git_fails(repo: &Repo, [base, onto, commit]: &Merge) -> bool {
    let attributes = format!("--attr-source={onto}^{{tree}}");
    let run = std::process::Command::new("git")
        .current_dir(repo.path())
        .args([&attributes, "merge-tree", "--write-tree", &format!("--merge-base={base}"), onto, commit])
        .output()
        .unwrap();
    !matches!(run.status.code(), Some(0 | 1))
}

/// What git makes of each, with the attributes of the new parent where that is one of those that have some.
fn by_git(repo: &Repo, merges: &[Merge], attributes: &BTreeSet<String>) -> Vec<Said> {
    let mut by_onto: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, [_, onto, _]) in merges.iter().enumerate() {
        let source = if attributes.contains(onto) { format!("{onto}^{{tree}}") } else { String::new() };
        by_onto.entry(source).or_default().push(at);
    }
    let mut all = vec![None; merges.len()];
    for (source, places) in by_onto {
        let asked: Vec<&Merge> = places.iter().map(|at| &merges[*at]).collect();
        for (at, said) in places.iter().zip(said(repo, &source, &asked)) {
            all[*at] = Some(said);
        }
    }
    all.into_iter().map(Option::unwrap).collect()
}

/// A text as numbered lines, two changed texts, and whether each ends with a line feed.
type Texts = ([Vec<u8>; 3], [bool; 3]);

/// Lines of which some are rare and most are not; and up to four edits on each side.
fn arb_texts() -> impl Strategy<Value = Texts> {
    let text = (1..60_u8, 1..80_usize).prop_flat_map(|(most, length)| {
        prop::collection::vec(prop_oneof![0..most, 0..most.min(3)], 0..length)
    });
    let edit =
        (any::<prop::sample::Index>(), 0..5_usize, prop::collection::vec(0..60_u8, 0..5), any::<bool>());
    let edits = || prop::collection::vec(edit.clone(), 1..5);
    let line_feeds = prop::array::uniform3(prop::bool::weighted(0.8));
    (text, edits(), edits(), line_feeds).prop_map(|(base, ours, theirs, line_feeds)| {
        let changed = |edits: Vec<(prop::sample::Index, usize, Vec<u8>, bool)>| {
            let mut lines = base.clone();
            for (at, gone, new, again) in edits {
                let start = at.index(lines.len() + 1);
                let end = (start + gone).min(lines.len());
                // What is inserted is often there already.
                let new = if again { lines[start..end].repeat(2) } else { new };
                lines.splice(start..end, new);
            }
            lines
        };
        ([base.clone(), changed(ours), changed(theirs)], line_feeds)
    })
}

fn content(lines: &[u8], line_feed: bool) -> String {
    let text: Vec<String> = lines.iter().map(|line| format!("line {line}")).collect();
    text.join("\n") + if line_feed { "\n" } else { "" }
}

#[test]
fn generated_texts_merge_as_with_git() {
    let mut tally = Tally::default();
    for batch in 0..number("PATCH_MOI_CASES", 2) {
        let mut runner = runner(batch);
        let files: Vec<Texts> =
            (0..150).map(|_| arb_texts().new_tree(&mut runner).unwrap().current()).collect();
        let mut stream = String::new();
        let mut commit = |branch: &str, from: &str, side: usize, files: &[(usize, &Texts)]| {
            write!(stream, "commit refs/heads/{branch}\ncommitter A <a@example.org> 1767225600 +0000\n")
                .unwrap();
            write!(stream, "data 1\nx\n{from}").unwrap();
            for (number, (texts, line_feeds)) in files {
                let text = content(&texts[side], line_feeds[side]);
                write!(stream, "M 100644 inline f{number}\ndata {}\n{text}\n", text.len()).unwrap();
            }
        };
        let all: Vec<(usize, &Texts)> = files.iter().enumerate().collect();
        commit("base", "", 0, &all);
        commit("onto", "from refs/heads/base\n", 1, &all);
        // A commit for each file, so that a conflict in one hides nothing of another.
        for one in &all {
            commit(&format!("p{}", one.0), "from refs/heads/base\n", 2, std::slice::from_ref(one));
        }
        let repo = Repo::new();
        assert_eq!(repo.git_with(&["fast-import", "--quiet"], stream.as_bytes()).0, 0);
        let ids: Vec<String> = all.iter().map(|(number, _)| repo.id(&format!("p{number}"))).collect();
        let (base, onto) = (repo.id("base"), repo.id("onto"));
        let merges: Vec<Merge> = ids.into_iter().map(|id| [base.clone(), onto.clone(), id]).collect();
        tally.count(&repo, &merges, &BTreeSet::new(), |[.., commit]| {
            format!("{:?}", files[merges.iter().position(|merge| merge[2] == *commit).unwrap()])
        });
    }
    report("texts", &tally);
    assert!(tally.fast() > 0 && tally.clean_by_git() > 0 && tally.conflict > 0, "{tally:?}");
}

/// Says how many merges were of which class.
fn report(of: &str, tally: &Tally) {
    let (fast, by_git) = (tally.fast(), tally.clean_by_git());
    let text = format!("{of}: {fast} without git, {by_git} clean by git, {tally:?}\n");
    // Not println!: that is shown of a failed test only.
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).unwrap();
}

/// Commits of one history, all of them on one base or on each other.
struct History {
    files: BTreeMap<String, Files>,
    merges: Vec<Merge>,
}

/// A base; commits of upstream on it, each on the one before; and commits of a fork likewise, which now and
/// then does what upstream did.
fn history(objects: &mut Objects, dice: &mut Dice) -> History {
    let folder = if dice.one_in(12) { "040000" } else { "40000" };
    let mut history = History { files: BTreeMap::new(), merges: Vec::new() };
    let first = changes::base(dice);
    let mut commit = |files: &Files, parent: Option<&str>, history: &mut History| {
        let tree = changes::tree(objects, files, folder);
        let parent = parent.map(|id| hex::decode(id).unwrap().try_into().unwrap());
        let id = hex::encode(objects.commit(tree, parent));
        history.files.insert(id.clone(), files.clone());
        id
    };
    let base = commit(&first, None, &mut history);
    let mut done: Vec<u64> = Vec::new();
    let mut line = |dice: &mut Dice, history: &mut History, most: usize| {
        let (mut files, mut commits) = (first.clone(), vec![base.clone()]);
        for _ in 0..1 + dice.below(most) {
            for _ in 0..1 + dice.below(3) {
                let seed = if dice.one_in(6) && !done.is_empty() { dice.one_of(&done) } else { dice.roll() };
                changes::change(&mut files, seed);
                done.push(seed);
            }
            commits.push(commit(&files, commits.last().map(String::as_str), history));
        }
        commits
    };
    let upstream = line(dice, &mut history, 4);
    let fork = line(dice, &mut history, 5);
    for pair in fork.windows(2) {
        let [parent, commit] = [&pair[0], &pair[1]];
        // Also on itself and on what it was made on, and back where the history began.
        for onto in upstream.iter().chain([parent, commit, &fork[0]]) {
            history.merges.push([parent.clone(), onto.clone(), commit.clone()]);
        }
    }
    history
}

fn shown(files: &Files) -> String {
    let mut text = String::new();
    for (path, (mode, content)) in files {
        let content = String::from_utf8_lossy(&content[..content.len().min(200)]).into_owned();
        writeln!(text, "    {mode} {:?} {content:?}", String::from_utf8_lossy(path)).unwrap();
    }
    text
}

#[test]
fn generated_changes_of_trees_merge_as_with_git() {
    let mut tally = Tally::default();
    for batch in 0..number("PATCH_MOI_CASES", 2) {
        let mut dice = Dice::new(seed_of(batch));
        let mut objects = Objects::default();
        let histories: Vec<History> = (0..10).map(|_| history(&mut objects, &mut dice)).collect();
        let repo = Repo::new();
        objects.store(&repo);
        let files: BTreeMap<&String, &Files> = histories.iter().flat_map(|history| &history.files).collect();
        let merges: Vec<Merge> = histories.iter().flat_map(|history| history.merges.clone()).collect();
        let has_attributes = |files: &Files| files.keys().any(|path| path.ends_with(b".gitattributes"));
        let attributes = files.iter().filter(|(_, files)| has_attributes(files));
        let attributes: BTreeSet<String> = attributes.map(|(id, _)| (*id).clone()).collect();
        tally.count(&repo, &merges, &attributes, |merge| {
            merge.each_ref().map(|id| format!("  {id}\n{}", shown(files[id]))).concat()
        });
    }
    report("trees", &tally);
    assert!(tally.fast() > 0 && tally.clean_by_git() > 0 && tally.conflict > 0, "{tally:?}");
    assert!(tally.kinds.len() > 5, "{tally:?}");
}
