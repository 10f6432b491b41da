//! The table in the room's header, checked with git itself.

#![expect(clippy::disallowed_methods, reason = "the sample is proved with the git program and real folders")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::files::file_url;
use super::history::Change;
use super::*;

/// The sample, made for real.
struct Made {
    root: TempDir,
}

impl Made {
    fn new(conflict: Conflict) -> Self {
        let root = TempDir::new().unwrap();
        for step in sample(conflict).steps(root.path()) {
            match step {
                Step::Repository { dir, stream } => {
                    let name = dir.to_str().unwrap();
                    git(root.path(), &["init", "--quiet", "--bare", "--initial-branch=main", name], b"");
                    git(&dir, &["fast-import", "--quiet"], stream.as_bytes());
                }
                Step::File { path, content } => {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, content).unwrap();
                }
            }
        }
        Self { root }
    }

    fn upstream(&self, args: &[&str]) -> String {
        git(&self.root.path().join("upstream.git"), args, b"").1
    }

    fn fork(&self, args: &[&str]) -> String {
        git(&self.root.path().join("fork.git"), args, b"").1
    }
}

/// Exit code and trimmed stdout; panics on anything but 0 and 1.
fn git(dir: &Path, args: &[&str], stdin: &[u8]) -> (i32, String) {
    let mut child = Command::new("git")
        .current_dir(dir)
        .args(args)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    let code = output.status.code().unwrap();
    assert!(code <= 1, "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    (code, String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

/// Carries the stack with nothing but `git merge-tree`, and says what became of each subject.
fn verdicts(made: &Made) -> Vec<(String, &'static str)> {
    let upstream = made.root.path().join("upstream.git");
    made.fork(&["fetch", "--quiet", "--no-tags", upstream.to_str().unwrap(), "+refs/tags/*:refs/up/*"]);
    let rev = |name: &str| made.fork(&["rev-parse", "--verify", name]);
    let onto = rev("refs/up/v1.1.0^{commit}");
    let mut carried = BTreeMap::from([(rev("refs/up/v1.0.0^{commit}"), onto.clone())]);
    // Without a gap, and past it: what later patches stand on.
    let mut open: Vec<String> = Vec::new();

    let stack = made.fork(&[
        "rev-list",
        "--topo-order",
        "--reverse",
        "main",
        "--not",
        "refs/up/v1.0.0",
        "refs/up/v1.1.0",
    ]);
    let mut said = Vec::new();
    for commit in stack.lines() {
        let parents: Vec<String> =
            lines_of(made, &["rev-parse", &format!("{commit}^@")]).into_iter().collect();
        let subject = made.fork(&["log", "-1", "--format=%s", commit]);
        let new: Vec<&String> = parents.iter().map(|parent| &carried[parent]).collect();
        let touched = lines_of(made, &["diff-tree", "-r", "--name-only", &parents[0], commit]);

        let (tree, verdict) = if let [ours, theirs] = &new[..] {
            let auto = |a: &str, b: &str| {
                git(&made.root.path().join("fork.git"), &["merge-tree", "--write-tree", a, b], b"")
            };
            let (old, fresh) = (auto(&parents[0], &parents[1]), auto(ours, theirs));
            assert_eq!((old.0, &old.1), (0, &rev(&format!("{commit}^{{tree}}"))), "the merge is git's own");
            assert_eq!(fresh.0, 0, "and stays it");
            (Some(fresh.1), "clean")
        } else {
            carry(made, commit, &parents[0], new[0], &touched, &open)
        };
        if tree.is_none() {
            open.extend(touched);
        }
        let next = match &tree {
            Some(tree) => commit_tree(made, tree, &new),
            None => new[0].clone(),
        };
        carried.insert(commit.to_owned(), next);
        said.push((subject, verdict));
    }
    said.sort_by_key(|(subject, _)| HEADER.iter().position(|(name, ..)| name == subject));
    said
}

fn carry(
    made: &Made,
    commit: &str,
    parent: &str,
    onto: &str,
    touched: &[String],
    open: &[String],
) -> (Option<String>, &'static str) {
    let rev = |name: &str| made.fork(&["rev-parse", "--verify", name]);
    let merge_base = format!("--merge-base={parent}");
    let merge = ["merge-tree", "--write-tree", "--name-only", "--no-messages", &merge_base, onto, commit];
    let (code, out) = git(&made.root.path().join("fork.git"), &merge, b"");
    let mut lines = out.lines().map(str::to_owned);
    let tree = lines.next().unwrap();
    if code == 1 {
        let inverse = format!("--merge-base={commit}");
        let undo = ["merge-tree", "--write-tree", &inverse, onto, parent];
        assert_eq!(git(&made.root.path().join("fork.git"), &undo, b"").0, 1, "not upstreamed in other words");
        let blocked = lines.any(|path| open.contains(&path));
        return (None, if blocked { "blocked" } else { "conflict" });
    }
    if tree == rev(&format!("{onto}^{{tree}}")) {
        return (Some(tree), "upstreamed");
    }
    let entry = |at: &str, path: &str| made.fork(&["ls-tree", at, "--", path]);
    let same = touched.iter().all(|path| entry(parent, path) == entry(onto, path));
    (Some(tree), if same { "clean" } else { "merged" })
}

fn lines_of(made: &Made, args: &[&str]) -> Vec<String> {
    made.fork(args).lines().map(str::to_owned).collect()
}

fn commit_tree(made: &Made, tree: &str, parents: &[&String]) -> String {
    let mut args =
        vec!["-c", "user.name=t", "-c", "user.email=t@example.org", "commit-tree", "-m", "x", tree];
    parents.iter().for_each(|parent| args.extend(["-p", parent.as_str()]));
    made.fork(&args)
}

/// The table of the room's header: subject, with the conflict, without it.
const HEADER: &[(&str, &str, &str)] = &[
    ("Colour output", "clean", "clean"),
    ("Add East Frisian tea", "merged", "merged"),
    ("Fix overflow in the parser", "upstreamed", "upstreamed"),
    ("Add a quiet mode", "clean", "clean"),
    ("Explain the quiet mode", "clean", "clean"),
    ("Merge branch 'quiet-mode'", "clean", "clean"),
    ("Rename the flag", "conflict", "clean"),
    ("Document the flag", "blocked", "clean"),
    ("Accept the old flag too, with a sigh", "blocked", "clean"),
    ("Say whose kettle this is", "merged", "merged"),
    ("Never publish by accident", "merged", "merged"),
    ("Keep a log of every pot", "clean", "clean"),
];

#[test]
fn with_the_conflict_git_says_what_the_header_says() {
    let expected: Vec<_> = HEADER.iter().map(|(subject, with, _)| ((*subject).to_owned(), *with)).collect();
    assert_eq!(verdicts(&Made::new(Conflict::With)), expected);
}

#[test]
fn without_the_conflict_git_says_what_the_header_says() {
    let expected: Vec<_> =
        HEADER.iter().map(|(subject, _, without)| ((*subject).to_owned(), *without)).collect();
    assert_eq!(verdicts(&Made::new(Conflict::Without)), expected);
}

#[test]
fn every_edit_of_the_tables_finds_its_place_exactly_once() {
    for conflict in [Conflict::With, Conflict::Without] {
        let upstream = upstream_history(conflict);
        for history in [&upstream, &fork_history(&upstream)] {
            let trees = history.trees();
            for commit in &history.commits {
                // Edits of one commit never overlap, so each is looked for in what the others left.
                let mut tree =
                    history.parents(commit).first().map(|label| trees[label].clone()).unwrap_or_default();
                for change in commit.changes {
                    match *change {
                        Change::Edit(path, old, new) => {
                            let content = tree.get_mut(path).unwrap();
                            assert_eq!(
                                content.matches(old).count(),
                                1,
                                "{}: {old:?} in {path}",
                                commit.label
                            );
                            *content = content.replacen(old, new, 1);
                        }
                        Change::Write(path, content) => {
                            tree.insert(path, content.to_owned());
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_ids_are_the_same_on_every_machine() {
    let made = Made::new(Conflict::With);
    let ids = [
        made.upstream(&["rev-parse", "v1.0.0^{commit}"]),
        made.upstream(&["rev-parse", "v1.1.0^{commit}"]),
        made.fork(&["rev-parse", "main"]),
    ];
    assert_eq!(
        ids,
        [
            "340428b435428d194fc129640d326edc3ae1003b",
            "adec9d997964e637b99df3c3e7d2851f00e0a929",
            "8e15532b1c3a34900f56c0ef1ef8819cfa8bc36a",
        ]
    );
}

#[test]
fn the_fork_has_a_tag_of_the_same_name_and_none_of_upstreams_new_objects() {
    let made = Made::new(Conflict::With);
    let release = made.upstream(&["rev-parse", "v1.1.0^{commit}"]);

    assert_eq!(
        made.fork(&["rev-parse", "v1.0.0^{commit}"]),
        made.upstream(&["rev-parse", "v1.0.0^{commit}"])
    );
    assert_ne!(made.fork(&["rev-parse", "v1.1.0^{commit}"]), release);
    let check = git(
        &made.root.path().join("fork.git"),
        &["cat-file", "--batch-check"],
        format!("{release}\n").as_bytes(),
    );
    assert_eq!(check.1, format!("{release} missing"));
}

#[test]
fn a_release_is_cut_on_a_branch_that_main_never_sees() {
    let made = Made::new(Conflict::With);
    for tag in ["v1.0.0", "v1.1.0"] {
        assert_eq!(
            made.upstream(&["for-each-ref", "--format=%(refname)", "--contains", tag, "refs/heads/main"]),
            ""
        );
    }
    assert_eq!(made.upstream(&["rev-list", "--count", "main"]), "12");
}

#[test]
fn the_sample_without_the_conflict_differs_in_upstream_only() {
    let (with, without) = (sample(Conflict::With), sample(Conflict::Without));
    assert_eq!(with.fork, without.fork);
    assert_ne!(with.upstream, without.upstream);
}

#[test]
fn what_was_made_is_sound_and_its_check_passes() {
    for conflict in [Conflict::With, Conflict::Without] {
        let made = Made::new(conflict);
        assert_eq!(made.upstream(&["fsck", "--strict"]), "");
        assert_eq!(made.fork(&["fsck", "--strict"]), "");
        let urls = made.upstream(&["ls-remote", "--tags", &file_url(&made.root.path().join("upstream.git"))]);
        assert!(urls.contains("refs/tags/v1.1.0^{}"), "{urls}");

        let out = made.root.path().join("out");
        fs::create_dir(&out).unwrap();
        made.fork(&["--work-tree", out.to_str().unwrap(), "checkout", "--quiet", "main", "--", "."]);
        let flow = fs::read_to_string(made.root.path().join("flows/sample/flow.toml")).unwrap();
        let flow: toml::Table = flow.parse().unwrap();
        let command: Vec<&str> = flow["checks"][0]["command"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        assert_eq!((command[0], git(&out, &command[1..], b"").0), ("git", 0));
    }
}

#[test]
fn the_files_say_where_everything_is_whatever_the_folder_is_called() {
    let root = Path::new(if cfg!(windows) { r"C:\it's \here" } else { "/it's \"here\" 100% ü" });
    let step = |name: &str| {
        let all = sample(Conflict::With);
        let found = all.steps(root).into_iter().find_map(|step| match step {
            Step::File { path, content } if path == root.join(name) => Some(content),
            _ => None,
        });
        found.unwrap()
    };

    let flow: toml::Table = step("flows/sample/flow.toml").parse().unwrap();
    assert_eq!(flow["config"]["repo"].as_str(), root.join("fork.git").to_str());
    let sources: serde_json::Value = serde_json::from_str(&step("feed-sources.json")).unwrap();
    assert_eq!(sources["sources"][0]["url"], file_url(&root.join("releases.atom")));
    if cfg!(unix) {
        assert_eq!(file_url(root), "file:///it%27s%20%22here%22%20100%25%20%C3%BC");
    }
    let feed = feed_rs::parser::parse(step("releases.atom").as_bytes()).unwrap();
    assert_eq!(feed.entries[0].id, "tag:github.com,2008:Repository/1/v1.1.0");
    assert_ne!(feed.entries[0].title.as_ref().unwrap().content, "v1.1.0");
}
