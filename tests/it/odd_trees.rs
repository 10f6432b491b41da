//! Trees as git no longer writes them, and attributes in odd places: git reads them, and so must whoever
//! answers in its stead.

use crate::kinds::said;
use crate::pick::{by_us, pick};
use crate::support::Repo;
use crate::support::raw::{Id, Objects};

const FILE: &str = "100644";
const OLD: &str = "100664";
const FOLDER: &str = "40000";

/// What git makes of it with the attributes that the new parent has: the tree, or its exit code.
fn by_git(repo: &Repo, [base, onto, commit]: [&str; 3]) -> Result<String, i32> {
    let (attributes, base) = (format!("--attr-source={onto}^{{tree}}"), format!("--merge-base={base}"));
    let (code, out) = repo.try_git(&[&attributes, "merge-tree", "--write-tree", &base, onto, commit]);
    let tree = out.lines().next().unwrap().to_owned();
    if code == 0 { Ok(tree) } else { Err(code) }
}

/// Commits of three trees: the sides picked on each other, on the base and on themselves, as with git.
#[track_caller]
fn agree(objects: &mut Objects, [base, onto, commit]: [Id; 3]) {
    let base = objects.commit(base, None);
    let [onto, commit] = [onto, commit].map(|tree| objects.commit(tree, Some(base)));
    let repo = Repo::new();
    objects.store(&repo);
    let [base, onto, commit] = [base, onto, commit].map(hex::encode);
    for (patch, there) in [(&commit, &onto), (&onto, &commit), (&commit, &base), (&commit, &commit)] {
        let answers = pick(&repo, &[(patch, there)]).exits(0).json_lines();
        let git = by_git(&repo, [&base, there, patch]);
        assert_eq!(by_us(&answers[0]).map_err(|_| 1), git, "{patch} on {there} (base {base})");
    }
}

fn lines(first: &str, last: &str) -> Vec<u8> {
    format!("{first}\nb\nc\nd\ne\n{last}\n").into_bytes()
}

#[test]
fn an_old_mode_beside_the_patch_is_written_as_today() {
    for folder in [FOLDER, "040000"] {
        for old in [OLD, "100640", "100775", "100600", "100755", FILE, "0100644"] {
            let mut objects = Objects::default();
            let [a, b, other] = [b"a", b"b", b"c"].map(|content| objects.blob(content));
            let mut tree = |x: Id, y: Id| {
                let inner = objects.tree(&[(old, b"old", other), (FILE, b"x", x), (FILE, b"y", y)]);
                objects.tree(&[(folder, b"d", inner), (old, b"old", other), (FILE, b"x", x), (FILE, b"y", y)])
            };
            let trees = [tree(a, a), tree(b, a), tree(a, b)];
            agree(&mut objects, trees);
        }
    }
}

#[test]
fn an_old_mode_at_the_top_is_written_as_today_where_nothing_else_is_to_be_merged() {
    let mut objects = Objects::default();
    let [a, b] = [b"a", b"b"].map(|content| objects.blob(content));
    let mut tree = |x: Id| objects.tree(&[(OLD, b"old", a), (FILE, b"x", x)]);
    let (before, after) = (tree(a), tree(b));
    agree(&mut objects, [before, after, after]);
    agree(&mut objects, [before, before, after]);
}

#[test]
fn attributes_hold_whatever_the_mode_of_their_file() {
    for (mode, rule) in [
        (FILE, "x merge=union\n"),
        (OLD, "x merge=union\n"),
        ("120000", "x merge=union"),
        (OLD, "x -merge\n"),
    ] {
        let mut objects = Objects::default();
        let rules = objects.blob(rule.as_bytes());
        let [was, is, new] = [("a", "f"), ("A", "f"), ("a", "F")].map(|(a, f)| objects.blob(&lines(a, f)));
        let mut tree = |x: Id| objects.tree(&[(mode, b".gitattributes", rules), (FILE, b"x", x)]);
        let trees = [was, is, new].map(&mut tree);
        agree(&mut objects, trees);
    }
}

#[test]
fn a_form_feed_is_part_of_an_attributes_pattern() {
    let mut objects = Objects::default();
    let rules = objects.blob(b"x\x0cy -merge\n");
    let [was, is, new] = [("a", "f"), ("A", "f"), ("a", "F")].map(|(a, f)| objects.blob(&lines(a, f)));
    let mut tree = |x: Id| objects.tree(&[(FILE, b".gitattributes", rules), (FILE, b"x\x0cy", x)]);
    let trees = [was, is, new].map(&mut tree);
    agree(&mut objects, trees);
}

#[test]
fn a_tree_out_of_order_is_gits() {
    let mut objects = Objects::default();
    let [a, b] = [b"a", b"b"].map(|content| objects.blob(content));
    let mut tree = |x: Id, y: Id| objects.tree(&[(FILE, b"z", a), (FILE, b"x", x), (FILE, b"y", y)]);
    let trees = [tree(a, a), tree(b, a), tree(a, b)];
    agree(&mut objects, trees);
}

#[test]
fn a_tree_with_one_name_twice_is_gits() {
    let mut objects = Objects::default();
    let [a, b] = [b"a", b"b"].map(|content| objects.blob(content));
    let folder = objects.tree(&[(FILE, b"in", a)]);
    for second in [(FILE, &b"n"[..], b), (FOLDER, &b"n"[..], folder)] {
        let tree = |objects: &mut Objects, has: bool, x: Id, y: Id| {
            let (twice, once) = ([(FILE, &b"n"[..], a), (FILE, b"n-m", a), second], [(FILE, &b"n"[..], b)]);
            let rest = [(FILE, &b"x"[..], x), (FILE, &b"y"[..], y)];
            objects.tree(&[if has { &twice[..] } else { &once }, &rest].concat())
        };
        for has in [[true; 3], [true, false, false], [false, true, false], [true, false, true]] {
            let (base, onto) = (tree(&mut objects, has[0], a, a), tree(&mut objects, has[1], b, a));
            let trees = [base, onto, tree(&mut objects, has[2], a, b)];
            agree(&mut objects, trees);
        }
    }
}

#[test]
fn a_folder_without_entries_stays_or_goes_as_with_git() {
    let mut objects = Objects::default();
    let [a, b] = [b"a", b"b"].map(|content| objects.blob(content));
    let empty = objects.tree(&[]);
    let full = objects.tree(&[(FILE, b"in", a)]);
    let fuller = objects.tree(&[(FILE, b"in", a), (FILE, b"more", a)]);
    let all = [None, Some(empty), Some(full), Some(fuller)];
    let mut cases = Vec::new();
    for [base, onto, commit] in (0..64).map(|number| [all[number % 4], all[number / 4 % 4], all[number / 16]])
    {
        let mut tree = |folder: Option<Id>, x: Id, y: Id| {
            let files = [(FILE, &b"x"[..], x), (FILE, &b"y"[..], y)];
            let folder = folder.map(|id| (FOLDER, &b"d"[..], id));
            objects.tree(&folder.into_iter().chain(files).collect::<Vec<_>>())
        };
        let trees = [tree(base, a, a), tree(onto, b, a), tree(commit, a, b)];
        let base = objects.commit(trees[0], None);
        let [onto, commit] = [trees[1], trees[2]].map(|tree| objects.commit(tree, Some(base)));
        for there in [onto, base, commit] {
            cases.push([base, there, commit].map(hex::encode));
        }
    }
    let repo = Repo::new();
    objects.store(&repo);
    let pairs: Vec<(&str, &str)> = cases.iter().map(|[_, onto, commit]| (&commit[..], &onto[..])).collect();

    let answers = pick(&repo, &pairs).exits(0).json_lines();

    let git = said(&repo, "", &cases.iter().collect::<Vec<_>>());
    for ((answer, git), case) in answers.iter().zip(git).zip(&cases) {
        assert_eq!(by_us(answer), git.outcome(), "{case:?}");
    }
}
