//! Which patches need a person: generated stacks, carried by hand with `git cherry-pick` beside the engine.
//!
//! Each generated stack knows what its author wants of every file after every patch. So the test can play
//! the person: git picks the stack in order, and wherever it stops the known answer is given.
//!
//! `PATCH_MOI_CASES` says how many stacks there are (3 without it); `PATCH_MOI_SEED` which ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::stack::{POEM, carry, commit, patch, rebase, verdicts};
use crate::support::{Repo, fork_and_upstream};

/// How many lines of a file are edited; each has lines around it that nobody edits.
const SLOTS: usize = 10;

/// A file: where it is, and what stands in each line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    path: String,
    slots: Vec<String>,
}

/// Files by a number that stays theirs when they are renamed.
type Files = BTreeMap<usize, File>;

/// Numbers, the same ones on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 33) % end as u64).unwrap()
    }
}

impl File {
    fn new(number: usize, path: String, word: &str) -> Self {
        Self { path, slots: (0..SLOTS).map(|slot| format!("{word} {number}.{slot}")).collect() }
    }

    fn text(&self, number: usize) -> String {
        let line = |(slot, text): (usize, &String)| {
            format!("{text}\n  ({number}.{slot})\n  (below {number}.{slot})\n")
        };
        self.slots.iter().enumerate().map(line).collect()
    }
}

/// One change, by `who`, whose `time` makes every text new.
fn change(files: &mut Files, dice: &mut Dice, who: &str, time: usize) {
    let numbers: Vec<usize> = files.keys().copied().collect();
    let number = numbers[dice.below(numbers.len())];
    match dice.below(20) {
        0 => drop(files.remove(&number).filter(|_| numbers.len() > 3)),
        1 | 2 => files.get_mut(&number).unwrap().path = format!("{who}-moved-{number}-{time}"),
        3 | 4 => {
            let new = time + if who == "fork" { 1_000 } else { 2_000 };
            // Sometimes both sides want one name.
            let path = if dice.below(3) == 0 { "wanted".to_owned() } else { format!("{who}-new-{new}") };
            if !files.values().any(|file| file.path == path) {
                files.insert(new, File::new(new, path, who));
            }
        }
        // Few lines, so that patches build on each other and upstream is in the way.
        _ => {
            let slot = dice.below(SLOTS) * dice.below(2);
            files.get_mut(&number).unwrap().slots[slot] = format!("{who} {time} in {number}.{slot}");
        }
    }
}

/// Upstream's files and the fork's, after each commit.
struct Story {
    base: Files,
    upstream: Vec<Files>,
    fork: Vec<Files>,
}

impl Story {
    fn generated(seed: u64) -> Self {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (seed + 1).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let base: Files = (0..6).map(|n| (n, File::new(n, format!("file-{n}"), "base"))).collect();
        let mut line = |who: &str, commits: usize, most: usize| {
            let (mut files, mut all) = (base.clone(), Vec::new());
            for time in 0..commits {
                for _ in 0..=dice.below(most) {
                    change(&mut files, &mut dice, who, time);
                }
                all.push(files.clone());
            }
            all
        };
        let (upstream, fork) = (line("upstream", 5, 2), line("fork", 40, 2));
        Self { base, upstream, fork }
    }

    /// What the author wants after a patch: what the fork changed as the fork has it, all else as upstream.
    fn wanted(&self, fork: &Files) -> Files {
        let upstream = self.upstream.last().unwrap();
        let mut all = Files::new();
        for (number, theirs) in upstream {
            if fork.contains_key(number) || !self.base.contains_key(number) {
                all.insert(*number, theirs.clone());
            }
        }
        for (number, ours) in fork {
            let Some(base) = self.base.get(number) else {
                all.retain(|_, file| file.path != ours.path);
                all.insert(*number, ours.clone());
                continue;
            };
            let Some(file) = all.get_mut(number) else {
                if ours != base {
                    all.insert(*number, ours.clone());
                }
                continue;
            };
            if ours.path != base.path {
                file.path.clone_from(&ours.path);
            }
            for ((slot, ours), base) in file.slots.iter_mut().zip(&ours.slots).zip(&base.slots) {
                if ours != base {
                    slot.clone_from(ours);
                }
            }
        }
        all
    }

    /// The story as a repository: `v1`, `v2`, `fork`, and in `wanted` what the author wants after each patch.
    fn repository(&self) -> Repo {
        let mut stream = String::new();
        let mut line = |branch: &str, from: &str, commits: &[Files]| {
            for (time, files) in commits.iter().enumerate() {
                let subject = format!("{branch} {time}");
                write!(stream, "commit refs/heads/{branch}\ncommitter A <a@example.org> 1767225600 +0000\n")
                    .unwrap();
                write!(stream, "data {}\n{subject}\n", subject.len()).unwrap();
                if time == 0 && !from.is_empty() {
                    writeln!(stream, "from {from}").unwrap();
                }
                stream.push_str("deleteall\n");
                for (number, file) in files {
                    let text = file.text(*number);
                    write!(stream, "M 100644 inline {}\ndata {}\n{text}\n", file.path, text.len()).unwrap();
                }
                stream.push('\n');
            }
        };
        let wanted: Vec<Files> = self.fork.iter().map(|files| self.wanted(files)).collect();
        line("v1", "", std::slice::from_ref(&self.base));
        line("v2", "refs/heads/v1", &self.upstream);
        line("fork", "refs/heads/v1", &self.fork);
        line("wanted", "", &wanted);
        let repo = Repo::new();
        assert_eq!(repo.git_with(&["fast-import", "--quiet"], stream.as_bytes()).0, 0);
        repo
    }
}

/// What a person does: the commit of each patch on `v2`, and the patches at which git stopped.
struct ByHand {
    commits: Vec<String>,
    stops: BTreeSet<String>,
}

/// Picks the stack with git. Where it stops, the work tree becomes what is wanted after that patch.
fn by_hand(repo: &Repo) -> ByHand {
    let lines = |args: &[&str]| -> Vec<String> { repo.git(args).lines().map(str::to_owned).collect() };
    let patches = lines(&["rev-list", "--reverse", "v1..fork"]);
    let wanted = lines(&["rev-list", "--reverse", "wanted"]);
    repo.git(&["checkout", "--quiet", "--detach", "v2"]);
    let mut stops = BTreeSet::new();
    let (mut code, _) =
        repo.try_git(&["cherry-pick", "--allow-empty", "--keep-redundant-commits", "v1..fork"]);
    while code != 0 {
        let stopped = repo.id("CHERRY_PICK_HEAD");
        let place = patches.iter().position(|patch| *patch == stopped).unwrap();
        assert!(stops.insert(stopped), "git stops twice at one patch");
        repo.git(&["read-tree", "--reset", "-u", &wanted[place]]);
        repo.git(&["commit", "--quiet", "--allow-empty", "-C", "CHERRY_PICK_HEAD"]);
        if place + 1 == patches.len() {
            break;
        }
        code = repo.try_git(&["cherry-pick", "--continue"]).0;
    }
    let commits = lines(&["rev-list", "--reverse", "v2..HEAD"]);
    assert_eq!(commits.len(), patches.len());
    ByHand { commits, stops }
}

/// For each pair of trees the paths in which they differ.
fn differences(repo: &Repo, pairs: &[(String, String)]) -> Vec<BTreeSet<String>> {
    let asked: String = pairs.iter().map(|(one, other)| format!("{one} {other}\n")).collect();
    let (code, out) =
        repo.git_with(&["diff-tree", "-r", "--no-renames", "--name-only", "--stdin"], asked.as_bytes());
    assert_eq!(code, 0);
    let text = String::from_utf8(out).unwrap();
    let mut all: Vec<BTreeSet<String>> = Vec::new();
    let mut heads = pairs.iter().map(|(one, other)| format!("{one} {other}")).peekable();
    for line in text.lines() {
        match heads.next_if(|head| head == line) {
            Some(_) => all.push(BTreeSet::new()),
            None => drop(all.last_mut().unwrap().insert(line.to_owned())),
        }
    }
    assert_eq!(all.len(), pairs.len());
    all
}

fn texts<'a>(patches: &'a [Value], of: impl Fn(&'a Value) -> bool) -> BTreeSet<String> {
    patches
        .iter()
        .filter(|patch| of(patch))
        .map(|patch| patch["commit"].as_str().unwrap().to_owned())
        .collect()
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The sum over all stacks: conflicts of the person, roots, blocked, carried.
type Figures = [usize; 4];

fn check(repo: &Repo, about: &str) -> Figures {
    let hand = by_hand(repo);
    let run = rebase(repo, &["--onto", "v2"]).run();
    assert!(matches!(run.code, Some(0 | 3)), "{run}");
    let carried = run.json();
    let patches = carried["patches"].as_array().unwrap();
    let is = |names: &[&str]| texts(patches, |patch| names.contains(&patch["verdict"].as_str().unwrap()));
    let (roots, blocked) = (is(&["conflict"]), is(&["blocked"]));

    let more: Vec<_> = roots.difference(&hand.stops).collect();
    assert!(more.is_empty(), "{about}: roots that ask nothing: {more:?}\n{carried:#}");
    let first = patches.iter().find(|patch| hand.stops.contains(patch["commit"].as_str().unwrap()));
    if let Some(first) = first {
        assert!(matches!(first["verdict"].as_str(), Some("conflict" | "upstreamed")), "{about}: {first:#}");
    }

    // Each patch with its parent, and what either side made of it, as trees.
    let trees = |range: &str| -> Vec<String> {
        repo.git(&["log", "--reverse", "--format=%T", range]).lines().map(str::to_owned).collect()
    };
    let before = [vec![repo.tree("v1")], trees("v1..fork")].concat();
    let touched: Vec<_> = before.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let touched = differences(repo, &touched);
    let by_hand = trees(&format!("v2..{}", hand.commits.last().unwrap()));
    let ours = |(patch, hand): (&Value, &String)| {
        (patch["tree"].as_str().map_or_else(|| hand.clone(), str::to_owned), hand.clone())
    };
    let compared: Vec<_> = patches.iter().zip(&by_hand).map(ours).collect();
    let compared = differences(repo, &compared);
    let moved = repo.git(&["diff-tree", "-r", "-M", "--diff-filter=R", "--name-status", "v1", "v2"]);
    let moved: BTreeMap<String, String> = moved
        .lines()
        .map(|line| line.split('\t').skip(1).map(str::to_owned).collect::<Vec<_>>())
        .map(|names| (names[0].clone(), names[1].clone()))
        .collect();
    let mut open: BTreeSet<String> = BTreeSet::new();
    for ((patch, touched), differs) in patches.iter().zip(&touched).zip(&compared) {
        if roots.contains(patch["commit"].as_str().unwrap())
            || blocked.contains(patch["commit"].as_str().unwrap())
        {
            open.extend(touched.iter().cloned());
            let places = patch["conflicts"].as_array().unwrap().iter();
            open.extend(places.map(|place| place["path"].as_str().unwrap().to_owned()));
        }
        // Upstream may have the open file elsewhere.
        open.extend(
            moved
                .iter()
                .filter(|(old, _)| open.contains(*old))
                .map(|(_, new)| new.clone())
                .collect::<Vec<_>>(),
        );
        // What moves an open file leaves it open where it comes to be.
        if !touched.is_disjoint(&open) {
            open.extend(added(repo, patch));
        }
        let wrong: Vec<_> = differs.difference(&open).collect();
        assert!(wrong.is_empty(), "{about}: {wrong:?} differ after {patch:#}");
        let stopped = hand.stops.contains(patch["commit"].as_str().unwrap());
        let is_carried = patch["new_commit"].is_string();
        assert!(
            !stopped || !is_carried || !touched.is_disjoint(&open),
            "{about}: a person was needed for {patch:#}"
        );
    }
    [hand.stops.len(), roots.len(), blocked.len(), is(&["clean", "merged"]).len()]
}

fn added(repo: &Repo, patch: &Value) -> Vec<String> {
    let id = patch["commit"].as_str().unwrap();
    let args = ["diff-tree", "-r", "--no-renames", "--diff-filter=A", "--no-commit-id", "--name-only", id];
    repo.git(&args).lines().map(str::to_owned).collect()
}

#[test]
fn every_root_of_a_generated_stack_stops_a_person_too_and_what_is_carried_is_what_they_make() {
    let mut sum: Figures = [0; 4];
    for seed in 0..number("PATCH_MOI_CASES", 3) {
        let seed = number("PATCH_MOI_SEED", 0) * 1_000_003 + seed;
        let figures = check(&Story::generated(seed).repository(), &format!("seed {seed}"));
        sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
    }
    let [stops, roots, blocked, carried] = sum;
    assert!(roots > 0 && blocked > 0 && carried > 0, "nothing was tried: {sum:?}");
    assert!(roots <= stops, "{sum:?}");
    println!("a person is stopped {stops} times; {roots} roots, {blocked} blocked, {carried} carried");
}

#[test]
fn a_root_that_drags_dozens_along_is_one_question() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Rework the middle (#21)", &[("poem", &POEM.replace("three", "III"))]);
    repo.tag("v2").switch("fork");
    let mut poem = POEM.replace("three", "drei 0");
    repo.commit("Count in German", &[("poem", &poem)]);
    for n in 1..=30 {
        poem = poem.replace(&format!("drei {}", n - 1), &format!("drei {n}"));
        repo.commit(&format!("Count to {n}"), &[("poem", &poem)]);
        repo.commit(&format!("Tell of {n}"), &[("prose", &format!("once {n}\n"))]);
    }

    let carried = carry(&repo, 3);

    assert_eq!(carried["counts"]["conflict"], 1, "{:#}", carried["counts"]);
    assert_eq!((&carried["counts"]["blocked"], &carried["counts"]["clean"]), (&30.into(), &30.into()));
    let root = &patch(&carried, "Count in German")["commit"];
    for blocked in carried["patches"].as_array().unwrap().iter().filter(|patch| patch["verdict"] == "blocked")
    {
        assert_eq!(&blocked["blocked_by"], root);
    }
    assert_eq!(verdicts(&carried)[0], ("Count in German", "conflict"));
    assert_eq!(commit(&carried), repo.id("v2"), "nothing is whole before the root");
    let partial = carried["partial"].as_str().unwrap();
    assert_eq!(repo.file(partial, "prose"), "once 30");
}
