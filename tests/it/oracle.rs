//! Generated histories, with git's own rebase and merge as the oracle.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use crate::pick::{by_git, by_us, pick};
use crate::stack::rebase;
use crate::support::Repo;

/// Few paths, so that changes meet; a file's name is also a folder's, and one is not UTF-8.
const PATHS: [&str; 8] = ["a", "a/x", "d/one", "d/two", "d/sub/three", "e/one", "\"caf\\351\"", "new"];

/// One change of a working tree. Numbers choose a path or a line, modulo what there is.
#[derive(Debug, Clone, Copy)]
enum Change {
    Edit(usize, usize, u8),
    Add(usize, u8),
    Delete(usize),
    Rename(usize, usize),
    RenameFolder,
    Mode(usize),
    Binary(usize, u8),
    Link(usize, u8),
    Submodule(usize, u8),
    CarriageReturns(usize),
    Empty(usize),
}

/// What stands at each path: mode, and content or a submodule's commit.
type Files = BTreeMap<String, (&'static str, Vec<u8>)>;

fn arb_change() -> impl Strategy<Value = Change> {
    let n = 0..16_usize;
    prop_oneof![
        8 => (n.clone(), n.clone(), 0..3_u8).prop_map(|(path, line, word)| Change::Edit(path, line, word)),
        3 => (n.clone(), 0..3_u8).prop_map(|(path, word)| Change::Add(path, word)),
        2 => n.clone().prop_map(Change::Delete),
        3 => (n.clone(), n.clone()).prop_map(|(from, to)| Change::Rename(from, to)),
        1 => Just(Change::RenameFolder),
        1 => n.clone().prop_map(Change::Mode),
        1 => (n.clone(), 0..3_u8).prop_map(|(path, word)| Change::Binary(path, word)),
        1 => (n.clone(), 0..3_u8).prop_map(|(path, word)| Change::Link(path, word)),
        1 => (n.clone(), 0..3_u8).prop_map(|(path, word)| Change::Submodule(path, word)),
        1 => n.clone().prop_map(Change::CarriageReturns),
        1 => n.prop_map(Change::Empty),
    ]
}

/// Commits of upstream and of the fork, both on one base.
type History = (Vec<Vec<Change>>, Vec<Vec<Change>>);

fn arb_history() -> impl Strategy<Value = History> {
    let commits = |most| prop::collection::vec(prop::collection::vec(arb_change(), 1..3), 1..most);
    (commits(4), commits(5))
}

fn body(seed: usize) -> Vec<u8> {
    (0..12).map(|line| format!("line {line} of {seed}\n")).collect::<String>().into_bytes()
}

/// Puts a node at a path. What stood below or above it goes.
fn put(files: &mut Files, path: &str, node: (&'static str, Vec<u8>)) {
    let plain = |path: &str| path.trim_matches('"').to_owned();
    let new = plain(path);
    files.retain(|old, _| {
        let old = plain(old);
        !old.starts_with(&format!("{new}/")) && !new.starts_with(&format!("{old}/"))
    });
    files.insert(path.to_owned(), node);
}

fn apply(files: &mut Files, change: Change) {
    let nth = |files: &Files, n: usize| files.keys().nth(n % files.len().max(1)).cloned();
    let free = |n: usize| PATHS[n % PATHS.len()];
    match change {
        Change::Edit(n, line, word) => {
            if let Some((_, content)) = nth(files, n).and_then(|path| files.get_mut(&path)) {
                let mut lines: Vec<String> =
                    String::from_utf8_lossy(content).lines().map(str::to_owned).collect();
                if let Some(at) = line.checked_rem(lines.len()) {
                    lines[at] = format!("edited {word}");
                    *content = (lines.join("\n") + "\n").into_bytes();
                }
            }
        }
        Change::Add(n, word) => put(files, free(n), ("100644", body(100 + usize::from(word)))),
        Change::Delete(n) => drop(nth(files, n).map(|path| files.remove(&path))),
        Change::Rename(from, to) => {
            if let Some(node) = nth(files, from).and_then(|path| files.remove(&path)) {
                put(files, free(to), node);
            }
        }
        Change::RenameFolder => {
            let old: Vec<String> = files.keys().filter(|path| path.starts_with("d/")).cloned().collect();
            for path in old {
                let node = files.remove(&path).unwrap();
                put(files, &path.replacen("d/", "folder/", 1), node);
            }
        }
        Change::Mode(n) => {
            if let Some((mode, _)) = nth(files, n).and_then(|path| files.get_mut(&path)) {
                *mode = if *mode == "100644" { "100755" } else { *mode };
            }
        }
        Change::Binary(n, word) => put(files, free(n), ("100644", vec![0, 159, word, 0])),
        Change::Link(n, word) => put(files, free(n), ("120000", format!("to/{word}").into_bytes())),
        Change::Submodule(n, word) => put(files, free(n), ("160000", vec![word])),
        Change::CarriageReturns(n) => {
            if let Some((_, content)) = nth(files, n).and_then(|path| files.get_mut(&path)) {
                *content = String::from_utf8_lossy(content).replace('\n', "\r\n").into_bytes();
            }
        }
        Change::Empty(n) => put(files, free(n), ("100644", Vec::new())),
    }
}

/// A branch's commits for `git fast-import`, on `start`, from `files` on.
fn branch(stream: &mut Vec<u8>, name: &str, start: &str, mut files: Files, commits: &[Vec<Change>]) {
    for (number, changes) in commits.iter().enumerate() {
        changes.iter().for_each(|change| apply(&mut files, *change));
        let from = if number == 0 { start } else { "" };
        commit(stream, name, &format!("{name} {number}"), from, &files);
    }
}

fn commit(stream: &mut Vec<u8>, branch: &str, subject: &str, from: &str, files: &Files) {
    let mut head = String::new();
    write!(head, "commit refs/heads/{branch}\ncommitter A <a@example.org> 1767225600 +0000\n").unwrap();
    write!(head, "data {}\n{subject}\n{from}deleteall\n", subject.len()).unwrap();
    stream.extend_from_slice(head.as_bytes());
    for (path, (mode, content)) in files {
        let line = match *mode {
            "160000" => format!("M 160000 {:040x} {path}\n", 1 + u32::from(content[0])).into_bytes(),
            _ => [format!("M {mode} inline {path}\ndata {}\n", content.len()).as_bytes(), content, b"\n"]
                .concat(),
        };
        stream.extend_from_slice(&line);
    }
    stream.push(b'\n');
}

/// The repository of a history, and the stream that makes it again.
fn repository(history: &History) -> (Repo, String) {
    let mut stream = Vec::new();
    write_history(&mut stream, "", history);
    imported(&stream)
}

fn imported(stream: &[u8]) -> (Repo, String) {
    let repo = Repo::new();
    assert_eq!(repo.git_with(&["fast-import", "--quiet"], stream).0, 0);
    (repo, String::from_utf8_lossy(stream).into_owned())
}

fn write_history(stream: &mut Vec<u8>, suffix: &str, (upstream, fork): &History) {
    let first = ["a", "d/one", "d/two", "d/sub/three", "\"caf\\351\""];
    let files: Files =
        first.iter().enumerate().map(|(n, path)| ((*path).to_owned(), ("100644", body(n)))).collect();
    let (base, from) = (format!("base{suffix}"), format!("from refs/heads/base{suffix}\n"));
    commit(stream, &base, &base, "", &files);
    branch(stream, &format!("upstream{suffix}"), &from, files.clone(), upstream);
    branch(stream, &format!("fork{suffix}"), &from, files, fork);
}

/// `cases` generated cases, the same ones on every machine, so that a failure can be looked at again.
fn check(cases: u32, property: impl Fn(&Repo) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let run = |history| {
        let (repo, stream) = repository(&history);
        property(&repo)
            .map_err(|err| TestCaseError::fail(format!("{err}\ngit fast-import <<END\n{stream}END")))
    };
    runner.run(&arb_history(), run).unwrap_or_else(|err| panic!("{err}"));
}

#[test]
fn a_generated_stack_ends_at_the_tree_at_which_git_rebase_ends() {
    check(24, |repo| {
        let run = rebase(repo, &["--onto", "upstream"]).run();
        prop_assert!(matches!(run.code, Some(0 | 3)), "{run}");
        let carried = run.json();
        let patches = carried["patches"].as_array().unwrap();
        let listed: Vec<&str> = patches.iter().map(|patch| patch["commit"].as_str().unwrap()).collect();
        prop_assert_eq!(listed.join("\n"), repo.git(&["rev-list", "--reverse", "base..fork"]));
        let count = |name: &str| carried["counts"][name].as_u64().unwrap();
        let verdicts = ["clean", "merged", "resolved", "upstreamed", "empty", "conflict", "blocked"];
        prop_assert_eq!(verdicts.iter().map(|name| count(name)).sum::<u64>(), count("patches"));
        prop_assert_eq!(patches.len() as u64, count("patches"));

        let rebase = ["rebase", "--quiet", "--reapply-cherry-picks", "--empty=drop", "upstream"];
        repo.git(&["checkout", "--quiet", "-B", "by-git", "fork"]);
        let (code, _) = repo.try_git(&rebase);
        let complete = carried["candidate"]["complete"] == Value::Bool(true);
        if code == 0 {
            prop_assert!(complete, "git rebase goes through: {carried:#}");
            prop_assert_eq!(
                carried["candidate"]["tree"].as_str().unwrap(),
                repo.tree("by-git"),
                "{:#}",
                carried
            );
        } else {
            prop_assert!(!complete || count("upstreamed") > 0, "git rebase stops: {carried:#}");
        }
        Ok(())
    });
}

#[test]
fn a_generated_patch_on_a_generated_commit_has_gits_outcome() {
    check(24, |repo| {
        let commits = |range: &str| repo.git(&["rev-list", range]);
        let (fork, upstream) = (commits("base..fork"), commits("base..upstream"));
        let pairs: Vec<(&str, &str)> =
            fork.lines().flat_map(|patch| upstream.lines().map(move |onto| (patch, onto))).collect();
        let answers = pick(repo, &pairs).exits(0).json_lines();
        prop_assert_eq!(answers.len(), pairs.len());
        for (answer, (patch, onto)) in answers.iter().zip(pairs) {
            prop_assert_eq!(by_us(answer), by_git(repo, patch, onto), "{} on {}", patch, onto);
        }
        Ok(())
    });
}
