//! Generated merges, many in one repository, with `git merge-tree` as the oracle: one process answers all.
//!
//! `PATCH_MOI_CASES` says how many batches there are (2 without it); `PATCH_MOI_SEED` which ones.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::oracle::{arb_history, histories};
use crate::pick::{by_us, pick};
use crate::support::Repo;

/// A tree, or the paths in conflict.
type Outcome = Result<String, BTreeSet<Vec<u8>>>;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Draws values, the same ones on every machine.
fn runner(batch: u64) -> TestRunner {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&(number("PATCH_MOI_SEED", 0) * 1_000_003 + batch).to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// What git makes of each (parent, new parent, commit).
fn by_git(repo: &Repo, merges: &[[&str; 3]]) -> Vec<Outcome> {
    let asked: String =
        merges.iter().map(|[base, onto, commit]| format!("{base} -- {onto} {commit}\n")).collect();
    let args = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", "--stdin"];
    let (code, out) = repo.git_with(&args, asked.as_bytes());
    assert_eq!(code, 0);
    let mut fields = out.split(|byte| *byte == 0);
    let mut answer = || {
        let clean = fields.next().unwrap() == b"1";
        let tree = String::from_utf8(fields.next().unwrap().to_vec()).unwrap();
        let paths = fields.by_ref().take_while(|field| !field.is_empty()).map(<[u8]>::to_vec).collect();
        if clean { Ok(tree) } else { Err(paths) }
    };
    merges.iter().map(|_| answer()).collect()
}

#[track_caller]
fn all_agree(repo: &Repo, merges: &[[&str; 3]], about: impl Fn(usize) -> String) {
    let pairs: Vec<(&str, &str)> = merges.iter().map(|[_, onto, commit]| (*commit, *onto)).collect();
    let answers = pick(repo, &pairs).exits(0).json_lines();
    assert_eq!(answers.len(), merges.len());
    for (at, (answer, git)) in answers.iter().zip(by_git(repo, merges)).enumerate() {
        assert_eq!(by_us(answer), git, "{:?}: {}", merges[at], about(at));
    }
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
        let merges: Vec<[&str; 3]> = ids.iter().map(|id| [&base[..], &onto[..], &id[..]]).collect();
        all_agree(&repo, &merges, |at| format!("{:?}", files[at]));
    }
}

#[test]
fn generated_changes_of_trees_merge_as_with_git() {
    for batch in 0..number("PATCH_MOI_CASES", 2) {
        let mut runner = runner(batch);
        let drawn: Vec<_> = (0..25).map(|_| arb_history().new_tree(&mut runner).unwrap().current()).collect();
        let (repo, stream) = histories(&drawn);
        let log = |range: &str| repo.git(&["log", "--format=%H %P", range]);
        let sides: Vec<[String; 2]> = (0..drawn.len())
            .map(|number| ["fork", "upstream"].map(|side| log(&format!("base-{number}..{side}-{number}"))))
            .collect();
        let merges: Vec<[&str; 3]> = sides
            .iter()
            .flat_map(|[fork, upstream]| {
                fork.lines().flat_map(move |patch| {
                    let (commit, parent) = patch.split_once(' ').unwrap();
                    upstream.lines().map(move |onto| [parent, onto.split(' ').next().unwrap(), commit])
                })
            })
            .collect();
        all_agree(&repo, &merges, |_| format!("git fast-import <<END\n{stream}END"));
    }
}
