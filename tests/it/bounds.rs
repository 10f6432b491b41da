//! How large it may be: a stack of 10,000 patches, a tree of 400,000 files, a file of 200 MB, a path of 4,000 bytes.
//!
//! What costs more than it should does not end before the program's time is over.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::stack::rebase;
use crate::support::{Repo, UPSTREAM, Workspace, find_files, patch_moi};

/// What `git fast-import` is told.
struct Import(Vec<u8>);

impl Import {
    fn new() -> Self {
        Self(Vec::new())
    }

    /// A commit on the tip of a branch, which begins with it or where it says.
    fn commit(&mut self, branch: &str, subject: &str, from: Option<&str>) {
        let who = "Ada Pekoe <ada@example.org> 1767225600 +0000";
        let mut text = format!("commit refs/heads/{branch}\ncommitter {who}\n");
        let _ = write!(text, "data {}\n{subject}\n", subject.len());
        if let Some(from) = from {
            let _ = writeln!(text, "from {from}");
        }
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A file of the commit.
    fn file(&mut self, path: &str, content: &[u8]) {
        self.0.extend_from_slice(format!("M 100644 inline {path}\ndata {}\n", content.len()).as_bytes());
        self.0.extend_from_slice(content);
        self.0.push(b'\n');
    }

    /// A file of the commit that is what `:1` is.
    fn same(&mut self, path: &str) {
        self.0.extend_from_slice(format!("M 100644 :1 {path}\n").as_bytes());
    }

    fn into(self, repo: &Repo) {
        // Large files as they are: to compress them would take longer than the test.
        let fast = ["-c", "core.compression=0", "-c", "core.bigFileThreshold=1m"];
        repo.git_with(&[&fast[..], &["fast-import", "--quiet", "--force"]].concat(), &self.0);
    }
}

/// A text in whose first and last line two changes do not meet.
fn text(first: &str, last: &str) -> String {
    format!("{first}\n\n\n\n\n\n\n\n{last}\n")
}

fn count(carry: &Value, verdict: &str) -> u64 {
    carry["counts"][verdict].as_u64().unwrap()
}

fn conflict_paths(patch: &Value) -> Vec<&str> {
    patch["conflicts"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect()
}

#[test]
fn a_stack_of_ten_thousand_patches_is_carried() {
    const PATCHES: usize = 10_000;
    const FILES: usize = 400;
    let repo = Repo::new();
    let path = |patch: usize| format!("d{}/f{}", patch % FILES / 20, patch % FILES % 20);
    let mut import = Import::new();
    import.commit("main", "Begin", None);
    (0..FILES).for_each(|file| import.file(&path(file), text("first", "last").as_bytes()));
    for patch in 0..PATCHES {
        import.commit("fork", &format!("Patch {patch}"), (patch == 0).then_some("refs/heads/main"));
        import.file(&path(patch), text("first", &format!("patch {patch}")).as_bytes());
    }
    import.commit("main", "Change every second file", None);
    (0..FILES).step_by(2).for_each(|file| import.file(&path(file), text("upstream", "last").as_bytes()));
    import.into(&repo);

    let carried = rebase(&repo, &["--onto", "main", "--write-ref", "refs/heads/carried"]).run().exits(0);

    let carry = carried.json();
    assert_eq!(carry["patches"].as_array().unwrap().len(), PATCHES);
    assert_eq!((count(&carry, "clean"), count(&carry, "merged")), (5_000, 5_000));
    assert_eq!(repo.git(&["rev-list", "--count", "main..carried"]), PATCHES.to_string());
    let merged = repo.git(&["merge-tree", "--write-tree", "main", "fork"]);
    assert_eq!(repo.tree("carried"), merged);
}

#[test]
fn a_tree_of_four_hundred_thousand_files_is_carried_and_its_conflict_found() {
    let repo = Repo::new();
    let mut import = Import::new();
    import.0.extend_from_slice(b"blob\nmark :1\ndata 5\nsame\n\n");
    import.commit("main", "Begin", None);
    for folder in 0..4_000 {
        (0..100).for_each(|file| import.same(&format!("a{}/b{}/f{file}", folder / 100, folder % 100)));
    }
    import.file("poem", text("first", "last").as_bytes());
    import.commit("fork", "Change the end", Some("refs/heads/main"));
    import.file("poem", text("first", "fork").as_bytes());
    import.commit("fork", "Change a file among many", None);
    import.file("a7/b7/f7", b"fork\n");
    import.commit("fork", "Add one", None);
    import.file("a7/b7/new", b"fork\n");
    import.commit("main", "Change the beginning", None);
    import.file("poem", text("upstream", "last").as_bytes());
    import.commit("main", "Change the same file (#7)", None);
    import.file("a7/b7/f7", b"upstream\n");
    import.into(&repo);

    let carry = rebase(&repo, &["--onto", "main"]).run().exits(3).json();

    let verdicts: Vec<_> = carry["patches"].as_array().unwrap().iter().map(|one| &one["verdict"]).collect();
    assert_eq!(verdicts, ["merged", "conflict", "clean"]);
    assert_eq!(conflict_paths(&carry["patches"][1]), ["a7/b7/f7"]);
    assert_eq!(carry["patches"][1]["culprit"]["pull_request"], 7, "{:#}", carry["patches"][1]);
    let candidate = carry["candidate"]["commit"].as_str().unwrap();
    assert_eq!(repo.git(&["diff", "--name-only", "main", candidate]), "poem");
}

#[test]
fn a_file_of_twenty_megabytes_is_merged_by_git_and_handed_on() {
    merged_by_git(320);
}

#[test]
#[ignore = "takes half a minute of CPU and 2 GB"]
fn a_file_of_two_hundred_megabytes_is_merged_by_git_and_handed_on() {
    merged_by_git(3_200);
}

/// Carries a change in the middle of a file of so many lines of 64 KiB, whose beginning upstream changes.
fn merged_by_git(length: usize) {
    const LINE: usize = 64 * 1024;
    let lines: Vec<String> = (0..length).map(|line| format!("{line:064}").repeat(LINE / 64)).collect();
    let with = |changes: &[(usize, &str)]| {
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        changes.iter().for_each(|(at, new)| lines[*at] = new);
        lines.join("\n").into_bytes()
    };
    let repo = Repo::new();
    let mut import = Import::new();
    import.commit("main", "Begin", None);
    import.file("large", &with(&[]));
    import.file("small", text("first", "last").as_bytes());
    import.commit("fork", "Change its middle", Some("refs/heads/main"));
    import.file("large", &with(&[(length / 2, "patched")]));
    import.commit("fork", "Change the small one", None);
    import.file("small", text("first", "fork").as_bytes());
    import.commit("main", "Change its beginning", None);
    import.file("large", &with(&[(10, "upstream")]));
    import.file("news", b"changed\n");
    import.into(&repo);

    let carry = rebase(&repo, &["--onto", "main", "--write-ref", "refs/heads/carried"]).run().exits(0).json();

    assert_eq!((count(&carry, "clean"), count(&carry, "merged")), (1, 1));
    let both = with(&[(10, "upstream"), (length / 2, "patched")]);
    let (_, content) = repo.git_with(&["cat-file", "blob", "carried:large"], b"");
    assert!(content == both, "it is not what git makes of it");
}

/// A path of 4,000 bytes in forty folders.
fn long_path() -> String {
    let path = format!("{}{}", format!("{}/", "d".repeat(99)).repeat(39), "f".repeat(100));
    assert_eq!(path.len(), 4_000);
    path
}

/// A workspace whose fork changes a file so deep down that a person's editor hardly opens it, and so does v2.
fn deep() -> Workspace {
    let workspace = Workspace::on_v1();
    let (upstream, fork, path) = (&workspace.upstream, &workspace.fork, long_path());
    let change = |repo: &Repo, subject: &str, content: &str| {
        let mut import = Import::new();
        import.commit("main", subject, Some("refs/heads/main^0"));
        import.file(&path, content.as_bytes());
        import.into(repo);
        repo.git(&["reset", "--quiet", "--hard"]);
    };
    change(upstream, "Dig", &text("first", "last"));
    upstream.tag("v1");
    fork.git(&["fetch", "--quiet", "--force", "--tags", "upstream"]);
    fork.git(&["pull", "--quiet", "--ff-only", "upstream", "main"]);
    change(fork, "Dig deeper", &text("first", "fork"));
    fork.commit("Colour output", &[("colour.txt", "red\n")]);
    change(fork, "Dig on", &text("fork", "fork"));
    change(upstream, "Rework the ground (#21)", &text("first", "upstream"));
    upstream.tag("v2");
    workspace
}

#[test]
fn a_path_of_four_thousand_bytes_is_carried() {
    let workspace = deep();
    let (fork, path) = (&workspace.fork, long_path());
    let mut import = Import::new();
    import.commit("next", "Rework the ground above", Some("refs/heads/main~3^0"));
    import.file(&path, text("upstream", "last").as_bytes());
    import.into(fork);
    fork.git(&["branch", "fork", "main~1"]);

    let carry = rebase(fork, &["--onto", "next", "--write-ref", "refs/heads/carried"]).run().exits(0).json();

    assert_eq!((count(&carry, "clean"), count(&carry, "merged")), (1, 1));
    assert_eq!(fork.file("carried", &path), text("upstream", "fork").trim_end());
}

#[test]
fn a_conflict_in_a_path_of_four_thousand_bytes_is_shown_and_settled() {
    let workspace = deep().with_flow("");
    let path = long_path();

    let run = workspace.run_tag("v2").run().exits(3);

    let shortest = format!("{}…{}", &path[..99], &path[path.len() - 100..]);
    assert!(run.stdout.contains(&shortest), "{run}");
    assert!(!run.stdout.contains(&path), "a person needs no four thousand letters\n{run}");
    let artifact = workspace.artifact("v2");
    let candidate = workspace.candidate("v2");
    assert_eq!(conflict_paths(&candidate["patches"][0]), [&*path]);
    assert_eq!(candidate["patches"][0]["culprit"]["pull_request"], 21);
    shown_in(&artifact, &path);
    settled(&workspace, &path);
}

/// The artifact has the conflicted file, under a name that can be opened.
fn shown_in(artifact: &Path, path: &str) {
    let about = find_files(&artifact.join("conflicts"), "conflict.json").remove(0);
    let conflict: Value = serde_json::from_slice(&fs::read(&about).unwrap()).unwrap();
    assert_eq!(conflict_paths(&conflict), [path]);
    let file = conflict["conflicts"][0]["file"].as_str().unwrap();
    let content = fs::read_to_string(about.with_file_name("").join(file)).unwrap();
    for part in ["<<<<<<<", "upstream", "|||||||", "last", "=======", "fork", ">>>>>>>"] {
        assert!(content.contains(part), "{part} in\n{content}");
    }
    for report in ["report.md", "report.html"] {
        let text = fs::read_to_string(artifact.join(report)).unwrap();
        assert!(text.contains(&path[path.len() - 100..]) && !text.contains(path), "{report}");
    }
}

/// `resume` as a person would, with git's own commands: git opens such a path from within the work tree.
fn settled(workspace: &Workspace, path: &str) {
    let tree = workspace.path().with_file_name("fork-v2");
    let resume = |args: &[&str]| {
        patch_moi(workspace.path()).args(["resume"]).args(args).env("DATA_DIR", workspace.data())
    };
    let _ = resume(&["v2", "--repo", UPSTREAM]).run().exits(3).prints(&["Dig deeper", "git add FILE …"]);
    let git = |args: &[&str]| workspace.fork.git(&[&["-C", tree.to_str().unwrap()], args].concat());
    git(&["checkout", "--theirs", "--", path]);
    git(&["add", "--all"]);
    let _ = resume(&["v2", "--continue"]).run().exits(0);

    let candidate = workspace.candidate("v2");
    let verdicts: Vec<_> =
        candidate["patches"].as_array().unwrap().iter().map(|one| &one["verdict"]).collect();
    assert_eq!(verdicts, ["resolved", "clean", "clean"]);
    let commit = candidate["candidate"]["commit"].as_str().unwrap();
    assert_eq!(workspace.fork.file(commit, path), text("fork", "fork").trim_end());
    assert!(!tree.exists());
}
