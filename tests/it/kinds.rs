//! Kinds of conflict, with the types that git itself names as the oracle: git-merge-tree(1) calls their texts
//! stable.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::pick::{path_bytes, pick};
use crate::support::Repo;
use crate::support::raw::{Id, Objects, Paths};

/// What git says of a merge.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) clean: bool,
    tree: String,
    /// The paths in conflict, with the modes and stages that they have.
    paths: BTreeMap<Vec<u8>, BTreeSet<(String, String)>>,
    /// The types of conflict that are said of a path.
    types: BTreeMap<Vec<u8>, BTreeSet<String>>,
}

impl Said {
    /// The tree, or the paths in conflict.
    pub(crate) fn outcome(&self) -> Result<String, BTreeSet<Vec<u8>>> {
        if self.clean { Ok(self.tree.clone()) } else { Err(self.paths.keys().cloned().collect()) }
    }
}

/// What git makes of each (parent, new parent, commit), with the attributes of one tree, or with none.
pub(crate) fn said(repo: &Repo, attributes: &str, merges: &[&[String; 3]]) -> Vec<Said> {
    let asked: String =
        merges.iter().map(|[base, onto, commit]| format!("{base} -- {onto} {commit}\n")).collect();
    let source = format!("--attr-source={attributes}");
    let mut args = vec!["merge-tree", "--write-tree", "-z", "--stdin"];
    if !attributes.is_empty() {
        args.insert(0, &source);
    }
    let (code, out) = repo.git_with(&args, asked.as_bytes());
    assert_eq!(code, 0);
    let mut fields = out.split(|byte| *byte == 0);
    merges.iter().map(|_| one(&mut fields)).collect()
}

fn one<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Said {
    let text = |field: &[u8]| String::from_utf8(field.to_vec()).unwrap();
    let clean = fields.next().unwrap() == b"1";
    let tree = text(fields.next().unwrap());
    let mut said = Said { clean, tree, paths: BTreeMap::new(), types: BTreeMap::new() };
    while let Some(file) = fields.next().filter(|field| !field.is_empty()) {
        let tab = file.iter().position(|byte| *byte == b'\t').unwrap();
        let head = text(&file[..tab]);
        let stage = (head[..6].to_owned(), head[head.len() - 1..].to_owned());
        said.paths.entry(file[tab + 1..].to_vec()).or_default().insert(stage);
    }
    if clean {
        return said;
    }
    while let Some(count) = fields.next().filter(|field| !field.is_empty()) {
        let paths: Vec<_> = fields.by_ref().take(text(count).parse().unwrap()).collect();
        let kind = text(fields.next().unwrap());
        fields.next();
        for path in paths.iter().filter(|_| kind.starts_with("CONFLICT")) {
            said.types.entry(path.to_vec()).or_default().insert(kind.clone());
        }
    }
    said
}

/// Whether the kind that a conflict is said to be of is one that git names for the path; where git names
/// none, one that the path's stages allow.
pub(crate) fn fits(conflict: &Value, git: &Said) -> bool {
    let path = path_bytes(conflict);
    let types = git.types.get(&path).cloned().unwrap_or_default();
    let stages = &git.paths[&path];
    let has = |part: &str| types.iter().any(|kind| kind.contains(part));
    let numbers: BTreeSet<&str> = stages.iter().map(|(_, stage)| &stage[..]).collect();
    let is_submodule = stages.iter().any(|(mode, _)| mode == "160000");
    let is_content = types.is_empty() || has("(contents)");
    match conflict["kind"].as_str().unwrap() {
        "content" => is_content && !is_submodule,
        "add-add" => is_content && numbers.into_iter().eq(["2", "3"]),
        "modify-delete" => has("(modify/delete)") || types.is_empty(),
        "binary" => has("(binary)"),
        "rename-rename" => has("(rename/rename)"),
        "rename-delete" => has("(rename/delete)"),
        "rename-add" => has("(rename involved in collision)"),
        "directory-rename" => has("directory rename"),
        "file-directory" => has("(file/directory)"),
        "submodule" => has("(submodule") || is_submodule,
        "mode" => has("(distinct modes)"),
        _ => false,
    }
}

const FILE: &str = "100644";
const LINK: &str = "120000";
const SUBMODULE: &str = "160000";
const TEXT: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

type Node<'a> = (&'a str, &'static str, &'a str);

fn commit(objects: &mut Objects, nodes: &[Node<'_>], parent: Option<Id>) -> Id {
    let mut paths = Paths::new();
    for (path, mode, content) in nodes {
        let id =
            if *mode == SUBMODULE { [content.len() as u8; 20] } else { objects.blob(content.as_bytes()) };
        paths.insert(path.as_bytes().to_vec(), (*mode, id));
    }
    let tree = objects.tree_of(&paths, "40000");
    objects.commit(tree, parent)
}

/// Checks the conflicts of a patch, in order, and that git names `git` among them.
#[track_caller]
fn conflicts(git: &str, [base, onto, patch]: [&[Node<'_>]; 3], expected: &[(&str, &str)]) {
    let mut objects = Objects::default();
    let base = commit(&mut objects, base, None);
    let [onto, patch] = [onto, patch].map(|nodes| commit(&mut objects, nodes, Some(base)));
    let repo = Repo::new();
    objects.store(&repo);
    let [base, onto, patch] = [base, onto, patch].map(hex::encode);
    let named = |path: &str| path.replace(&onto, "ONTO").replace(&patch, "PATCH");

    let answers = pick(&repo, &[(&patch, &onto)]).exits(0).json_lines();

    let conflicts = answers[0]["conflicts"].as_array().unwrap().iter();
    let found: Vec<(String, &str)> = conflicts
        .map(|conflict| (named(conflict["path"].as_str().unwrap()), conflict["kind"].as_str().unwrap()))
        .collect();
    let git_says = &said(&repo, "", &[&[base, onto.clone(), patch.clone()]])[0];
    let types: BTreeSet<&String> = git_says.types.values().flatten().collect();
    assert!(types.iter().any(|one| one.contains(git)), "git names {types:?}: {git_says:?}");
    let expected: Vec<(String, &str)> =
        expected.iter().map(|(path, kind)| ((*path).to_owned(), *kind)).collect();
    assert_eq!(found, expected, "{git_says:?}");
    assert_eq!(crate::pick::by_us(&answers[0]), git_says.outcome());
}

#[test]
fn lines_that_both_changed_are_content() {
    let (a, b) = (TEXT.replace("five", "FIVE"), TEXT.replace("five", "5"));
    let sides = [&[("x", FILE, TEXT)][..], &[("x", FILE, &a)], &[("x", FILE, &b)]];
    conflicts("(contents)", sides, &[("x", "content")]);
}

#[test]
fn what_both_added_is_add_add() {
    let sides = [
        &[("x", FILE, "")][..],
        &[("x", FILE, ""), ("y", FILE, "1\n")],
        &[("y", FILE, "2\n"), ("x", FILE, "")],
    ];
    conflicts("(contents)", sides, &[("y", "add-add")]);
}

#[test]
fn what_one_changed_and_the_other_deleted_is_modify_delete_either_way() {
    let (was, is) = ([("x", FILE, "1\n"), ("k", FILE, "")], [("x", FILE, "other\n"), ("k", FILE, "")]);
    conflicts("(modify/delete)", [&was, &is, &was[1..]], &[("x", "modify-delete")]);
    conflicts("(modify/delete)", [&was, &was[1..], &is], &[("x", "modify-delete")]);
}

#[test]
fn two_new_names_of_one_file_are_rename_rename() {
    let sides = [&[("x", FILE, TEXT)][..], &[("y", FILE, TEXT)], &[("z", FILE, TEXT)]];
    let all = [("x", "rename-rename"), ("y", "rename-rename"), ("z", "rename-rename")];
    conflicts("(rename/rename)", sides, &all);
}

#[test]
fn a_file_renamed_here_and_deleted_there_is_rename_delete_even_where_it_was_changed_too() {
    let was = [("x", FILE, TEXT), ("k", FILE, "")];
    conflicts("(rename/delete)", [&was, &[("y", FILE, TEXT), was[1]], &was[1..]], &[("y", "rename-delete")]);
    let changed = TEXT.replace("ten", "10");
    conflicts(
        "(modify/delete)",
        [&was, &was[1..], &[("y", FILE, &changed), was[1]]],
        &[("y", "rename-delete")],
    );
}

#[test]
fn a_file_renamed_to_where_another_was_added_is_rename_add() {
    let (mine, other) = (TEXT.replace("five", "FIVE"), TEXT.replace("five", "5"));
    let was = [("x", FILE, TEXT)];
    let added = [("x", FILE, &other[..]), ("y", FILE, "quite another thing\n")];
    conflicts(
        "(rename involved in collision)",
        [&was, &[("y", FILE, &mine)], &added],
        &[("y", "rename-add")],
    );
}

#[test]
fn a_file_added_to_a_folder_that_moved_is_directory_rename() {
    let (other, third) = (TEXT.replace("one", "1"), TEXT.replace("two", "2"));
    let was = [("d/a", FILE, TEXT), ("d/b", FILE, &other[..]), ("d/c", FILE, &third[..])];
    let moved = was.map(|(path, mode, text)| ([path.replace("d/", "e/"), text.to_owned()], mode));
    let moved: Vec<Node<'_>> =
        moved.iter().map(|([path, text], mode)| (&path[..], *mode, &text[..])).collect();
    let added = [&was[..], &[("d/new", FILE, "new\n")]].concat();
    conflicts("(directory rename suggested)", [&was, &moved, &added], &[("e/new", "directory-rename")]);
    conflicts("(directory rename suggested)", [&was, &added, &moved], &[("e/new", "directory-rename")]);
}

#[test]
fn a_file_where_there_is_a_folder_is_file_directory_and_moves_aside() {
    let was = [("k", FILE, "")];
    let (file, folder) = ([was[0], ("foo", FILE, "file\n")], [was[0], ("foo/bar", FILE, "in\n")]);
    conflicts("(file/directory)", [&was, &file, &folder], &[("foo~ONTO", "file-directory")]);
    conflicts("(file/directory)", [&was, &folder, &file], &[("foo~PATCH", "file-directory")]);
}

#[test]
fn bytes_that_both_changed_are_binary_whether_there_was_a_file_or_not() {
    let side = |text: &'static str| [("x", FILE, text)];
    conflicts("(binary)", [&side("\0 1"), &side("\0 2"), &side("\0 3")], &[("x", "binary")]);
    conflicts("(binary)", [&[("k", FILE, "")], &side("\0 2"), &side("\0 3")], &[("x", "binary")]);
}

#[test]
fn a_submodule_that_both_moved_is_submodule() {
    let side = |commit: &'static str| [("x", SUBMODULE, commit)];
    conflicts("(submodule", [&side("1"), &side("22"), &side("333")], &[("x", "submodule")]);
    conflicts("(submodule", [&[("k", FILE, "")], &side("22"), &side("333")], &[("x", "submodule")]);
}

#[test]
fn a_submodule_changed_here_and_gone_there_is_modify_delete_as_git_says() {
    let was = [("x", SUBMODULE, "1"), ("k", FILE, "")];
    let is = [("x", SUBMODULE, "22"), ("k", FILE, "")];
    conflicts("(modify/delete)", [&was, &is, &was[1..]], &[("x", "modify-delete")]);
}

#[test]
fn a_link_here_and_a_file_there_are_mode() {
    let sides = [
        &[("k", FILE, "")][..],
        &[("x", LINK, "to"), ("k", FILE, "")],
        &[("x", FILE, "1\n"), ("k", FILE, "")],
    ];
    conflicts("(distinct modes)", sides, &[("x", "mode"), ("x~PATCH", "mode")]);
}

#[test]
fn a_file_that_only_one_side_made_executable_is_no_conflict_of_the_mode() {
    let (a, b) = (TEXT.replace("five", "FIVE"), TEXT.replace("five", "5"));
    let sides = [&[("x", FILE, TEXT)][..], &[("x", "100755", &a)], &[("x", FILE, &b)]];
    conflicts("(contents)", sides, &[("x", "content")]);
}
