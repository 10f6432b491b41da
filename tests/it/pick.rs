//! `patch-moi stack pick`: one three-way application a line, with `git merge-tree` as the oracle.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::{Output, Repo, patch_moi};

pub(crate) fn pick(repo: &Repo, lines: &[(&str, &str)]) -> Output {
    let input: String = lines.iter().map(|(commit, onto)| format!("{commit} {onto}\n")).collect();
    patch_moi(repo.path()).args(["stack", "pick", "--repo", repo.path().to_str().unwrap()]).stdin(input).run()
}

/// What git makes of it: the tree, or the conflicted paths as bytes.
pub(crate) fn by_git(repo: &Repo, commit: &str, onto: &str) -> Result<String, BTreeSet<Vec<u8>>> {
    let base = format!("--merge-base={commit}^");
    let args = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", &base, onto, commit];
    let (code, out) = repo.git_with(&args, b"");
    let mut parts = out.split(|&byte| byte == 0).filter(|part| !part.is_empty()).map(<[u8]>::to_vec);
    let tree = String::from_utf8(parts.next().unwrap()).unwrap();
    if code == 0 { Ok(tree) } else { Err(parts.collect()) }
}

/// What an answer says, in the same words.
pub(crate) fn by_us(answer: &Value) -> Result<String, BTreeSet<Vec<u8>>> {
    match answer["tree"].as_str() {
        Some(tree) => Ok(tree.to_owned()),
        None => Err(answer["conflicts"].as_array().unwrap().iter().map(path_bytes).collect()),
    }
}

pub(crate) fn path_bytes(conflict: &Value) -> Vec<u8> {
    match conflict["path_base64"].as_str() {
        Some(base64) => STANDARD.decode(base64).unwrap(),
        None => conflict["path"].as_str().unwrap().as_bytes().to_vec(),
    }
}

/// A base, and a commit on it for every way to change things. Each is a branch of its own.
fn every_kind_of_change() -> (Repo, Vec<String>) {
    let lines = |middle: &str| format!("a\nb\nc\nd\n{middle}\nw\nx\ny\nz\n");
    let repo = Repo::new();
    let plain = lines("m");
    repo.commit(
        "Begin",
        &[("file", &plain), ("dir/one", &plain.repeat(2)), ("dir/two", &plain.repeat(3)), ("gone", "x\n")],
    );
    let base = repo.id("HEAD");
    let from_base = |name: &str| {
        repo.git(&["switch", "--quiet", "--detach", &base]);
        name.to_owned()
    };
    let mut all = Vec::new();
    let mut keep = |id: String| all.push(id);

    keep(repo.commit(&from_base("middle"), &[("file", &lines("M"))]));
    keep(repo.commit(&from_base("the same middle, otherwise"), &[("file", &lines("mm"))]));
    keep(repo.commit(&from_base("first line"), &[("file", &plain.replace("a\n", "A\n"))]));
    keep(repo.delete(&from_base("delete the file"), &["file"]));
    keep(repo.commit(&from_base("add"), &[("new", "1\n")]));
    keep(repo.commit(&from_base("add otherwise"), &[("new", "2\n")]));
    keep(repo.commit(&from_base("add below a name"), &[("new/deep", "3\n")]));
    from_base("rename the file");
    repo.git(&["mv", "file", "renamed"]);
    keep(repo.commit_all("rename the file"));
    from_base("rename the file otherwise");
    repo.git(&["mv", "file", "renamed-too"]);
    keep(repo.commit_all("rename the file otherwise"));
    from_base("rename the folder");
    repo.git(&["mv", "dir", "folder"]);
    keep(repo.commit_all("rename the folder"));
    keep(repo.commit(&from_base("add to the folder"), &[("dir/three", "3\n")]));
    keep(repo.commit(
        &from_base("edit in the folder"),
        &[("dir/one", &plain.repeat(2).replacen("b\n", "B\n", 1))],
    ));
    from_base("make it executable");
    repo.git(&["update-index", "--chmod=+x", "file"]);
    repo.git(&["commit", "--quiet", "-m", "make it executable"]);
    keep(repo.id("HEAD"));
    repo.git(&["reset", "--quiet", "--hard"]);
    keep(repo.commit(&from_base("binary"), &[("gone", "\0binary one\n")]));
    keep(repo.commit(&from_base("binary otherwise"), &[("gone", "\0binary two\n")]));
    (repo, all)
}

#[test]
fn every_kind_of_change_on_every_other_has_gits_outcome() {
    let (repo, changes) = every_kind_of_change();
    let pairs: Vec<(&str, &str)> =
        changes.iter().flat_map(|a| changes.iter().map(move |b| (a.as_str(), b.as_str()))).collect();

    let run = pick(&repo, &pairs).exits(0);

    let answers = run.json_lines();
    assert_eq!(answers.len(), pairs.len());
    for (answer, (commit, onto)) in answers.iter().zip(pairs) {
        assert_eq!((&answer["commit"], &answer["onto"]), (&Value::from(commit), &Value::from(onto)));
        let subject = |id: &str| repo.git(&["log", "-1", "--format=%s", id]);
        assert_eq!(
            by_us(answer),
            by_git(&repo, commit, onto),
            "git merge-tree --write-tree --merge-base={commit}^ {onto} {commit}\n{} on {}",
            subject(commit),
            subject(onto)
        );
    }
}

#[test]
fn a_conflict_has_a_kind() {
    let (repo, _) = every_kind_of_change();
    let base = repo.git(&["rev-list", "--max-parents=0", "main"]);
    let on_base = |files: &[(&str, &str)]| {
        repo.git(&["switch", "--quiet", "--detach", &base]);
        repo.commit("change", files)
    };
    let (a, b) = (on_base(&[("file", "1\n")]), on_base(&[("file", "2\n")]));
    let (c, d) = (on_base(&[("fresh", "1\n")]), on_base(&[("fresh", "2\n")]));
    repo.git(&["switch", "--quiet", "--detach", &base]);
    let e = repo.delete("delete", &["file"]);

    let answers = pick(&repo, &[(&a, &b), (&c, &d), (&a, &e), (&e, &a)]).exits(0).json_lines();

    let kinds: Vec<_> =
        answers.iter().map(|answer| answer["conflicts"][0]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["content", "add-add", "modify-delete", "modify-delete"]);
}

#[test]
fn what_cannot_be_picked_is_answered_in_its_place_and_ends_in_1() {
    let repo = Repo::new();
    let first = repo.commit("Begin", &[("a", "1\n")]);
    repo.branch("topic").commit("Topic", &[("b", "1\n")]);
    let second = repo.switch("main").commit("Go on", &[("c", "1\n")]);
    let merge = repo.merge("topic");
    let unknown = "1234567890123456789012345678901234567890";
    let tree = repo.tree("main");

    let run = pick(
        &repo,
        &[
            (&second, &merge),
            (&merge, &first),
            (unknown, &first),
            (&second, unknown),
            ("main", &first),
            (&tree, &first),
        ],
    )
    .exits(1);

    let answers = run.json_lines();
    assert_eq!(answers.len(), 6, "{run}");
    assert_eq!(answers[0]["tree"], repo.tree("main"));
    for answer in &answers[1..] {
        assert!(answer["error"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
        assert!(answer.get("tree").is_none(), "{answer}");
    }
    assert_eq!(answers[4]["commit"], "main", "a malformed id is repeated as it came");
}

#[test]
fn a_root_commit_stands_on_the_empty_tree() {
    let repo = Repo::new();
    let onto = repo.commit("Begin", &[("a", "1\n")]);
    repo.git(&["switch", "--quiet", "--orphan", "other"]);
    let root = repo.commit("Begin elsewhere", &[("b", "1\n")]);

    let answers = pick(&repo, &[(&root, &onto)]).exits(0).json_lines();

    repo.switch("main").commit("Both", &[("b", "1\n")]);
    assert_eq!(answers[0]["tree"], repo.tree("main"));
}

#[test]
fn a_path_that_is_not_utf8_keeps_its_bytes() {
    let repo = Repo::new();
    let stream = br#"commit refs/heads/main
committer A <a@example.org> 1 +0000
data 1
0
M 100644 inline "caf\351"
data 2
0

commit refs/heads/one
committer A <a@example.org> 2 +0000
data 1
1
from refs/heads/main
M 100644 inline "caf\351"
data 2
1

commit refs/heads/two
committer A <a@example.org> 2 +0000
data 1
2
from refs/heads/main
M 100644 inline "caf\351"
data 2
2

"#;
    assert_eq!(repo.git_with(&["fast-import", "--quiet"], stream).0, 0);
    let (one, two) = (repo.id("one"), repo.id("two"));

    let answers = pick(&repo, &[(&one, &two)]).exits(0).json_lines();

    let conflict = &answers[0]["conflicts"][0];
    assert_eq!(conflict["path"], "caf\u{fffd}");
    assert_eq!(path_bytes(conflict), b"caf\xe9");
    assert_eq!(by_us(&answers[0]), by_git(&repo, &one, &two));
}

#[test]
fn nothing_asked_is_nothing_answered() {
    let repo = Repo::new();
    repo.commit("Begin", &[("a", "1\n")]);
    assert_eq!(pick(&repo, &[]).exits(0).stdout, "");
}

#[test]
fn what_is_no_line_of_two_ids_is_answered_in_its_place() {
    let repo = Repo::new();
    let first = repo.commit("Begin", &[("a", "1\n")]);
    let second = repo.commit("Go on", &[("a", "2\n")]);
    repo.tag("v1");
    let tag = repo.git(&["rev-parse", "v1"]);
    let blob = repo.git(&["rev-parse", "HEAD:a"]);
    let malformed: [Vec<u8>; 12] = [
        second.clone().into(),
        format!("{second} {first} {first}").into(),
        format!("{} {first}", &second[..12]).into(),
        format!("{second} {}", &first[..39]).into(),
        format!("{second}0 {first}").into(),
        format!("{second},{first}").into(),
        format!("{tag} {first}").into(),
        format!("{second} {blob}").into(),
        format!("--help {first}").into(),
        [b"\xff\xfe ", first.as_bytes()].concat(),
        format!("{second}\u{1b}[31m {first}").into(),
        [second.as_bytes(), b" ", &[b'x'; 9000]].concat(),
    ];
    let mut lines: Vec<Vec<u8>> = malformed.to_vec();
    lines.push(format!("  {second}\t {first} \r").into());
    let input = lines.join(&b'\n');

    let run = patch_moi(repo.path()).args(["stack", "pick"]).stdin(input).run().exits(1);

    let answers = run.json_lines();
    assert_eq!(answers.len(), lines.len(), "{run}");
    for answer in &answers[..malformed.len()] {
        assert!(answer["error"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
        assert!(answer["commit"].is_string() && answer["onto"].is_string(), "{answer}");
        assert!(answer.get("tree").is_none() && answer.get("conflicts").is_none(), "{answer}");
    }
    assert_eq!(answers.last().unwrap()["tree"], repo.tree("HEAD"), "spaces around the ids do not matter");
    assert!(!run.stdout.contains('\u{1b}'));
}

#[test]
fn a_line_of_nothing_is_no_question_and_the_last_line_needs_no_end() {
    let repo = Repo::new();
    let first = repo.commit("Begin", &[("a", "1\n")]);
    let second = repo.commit("Go on", &[("a", "2\n")]);
    let input = format!("\n\n{second} {first}\n  \n{second} {first}");

    let run = patch_moi(repo.path()).args(["stack", "pick"]).stdin(input).run().exits(0);

    assert_eq!(run.json_lines().len(), 2);
}

#[test]
fn ten_thousand_lines_are_answered_in_their_order() {
    let repo = Repo::new();
    let base = repo.commit("Begin", &[("a", "1\n"), ("b", "1\n")]);
    let all: Vec<String> = (0..4)
        .map(|number| {
            repo.git(&["switch", "--quiet", "--detach", &base]);
            repo.commit("Go on", &[("b", &format!("{number}\n"))])
        })
        .collect();
    repo.git(&["switch", "--quiet", "--detach", &base]);
    let onto = repo.commit("Other", &[("a", "2\n")]);
    let pairs: Vec<(&str, &str)> = (0..10_000).map(|at| (&all[at % all.len()][..], &onto[..])).collect();

    let answers = pick(&repo, &pairs).exits(0).json_lines();

    let trees: Vec<String> = all.iter().map(|commit| by_git(&repo, commit, &onto).unwrap()).collect();
    assert_eq!(answers.len(), pairs.len());
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(
            (&answer["commit"], &answer["tree"]),
            (&pairs[at].0.into(), &trees[at % trees.len()][..].into())
        );
    }
}

#[test]
fn where_there_is_no_repository_nothing_is_answered() {
    let dir = tempfile::TempDir::new().unwrap();
    let run = patch_moi(dir.path()).args(["stack", "pick"]).stdin("a b\n").run().exits(2);
    assert_eq!(run.stdout, "");
}
