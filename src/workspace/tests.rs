//! Stories about real folders.

#![expect(clippy::disallowed_methods, reason = "the stories need files of their own")]

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::flow::Standing;
use crate::ids::{Digest, RelPath};
use crate::pack::{Lock, active};

const MANIFEST: &str = "name = \"f\"\nversion = 1\n[[steps]]\nname = \"s\"\nrunner = \"patch-stack\"\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn dir(&self, below: &str) -> PathBuf {
        fs::create_dir_all(self.path(below)).unwrap();
        self.path(below)
    }

    fn file(&self, below: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn root_from(&self, below: &str) -> PathBuf {
        let found = Workspace::find(&self.dir(below), None).unwrap();
        found.root().strip_prefix(self.0.path()).unwrap().to_owned()
    }

    fn workspace(&self) -> Workspace {
        Workspace::find(self.0.path(), Some(Path::new("."))).unwrap()
    }
}

#[test]
fn a_root_that_is_no_folder_is_refused_by_name() {
    let here = Folder::new();
    here.file("file", "");
    for name in ["nowhere", "file"] {
        let error = Workspace::find(here.0.path(), Some(Path::new(name))).unwrap_err();
        assert!(error.to_string().ends_with(&format!("{name} is not a folder")), "{error}");
        assert!(error.hint().unwrap().contains("--workspace-root"));
    }
}

#[test]
fn codex_in_a_users_home_makes_no_workspace_of_it() {
    let home = Folder::new();
    home.file(".codex/config.toml", "");
    home.file(".codex/auth.json", "{}");
    assert_eq!(home.root_from("notes"), Path::new("notes"));
    home.dir("src/fork/.git");
    assert_eq!(home.root_from("src/fork/deep"), Path::new("src/fork"));

    home.file(".codex/pack-lock.json", "{}");
    assert_eq!(home.root_from("src/fork/deep"), Path::new(""), "this one is a workspace");
}

#[test]
fn the_root_is_what_the_strongest_mark_says() {
    let here = Folder::new();
    here.dir("a/.git");
    assert_eq!(here.root_from("a/b/c"), Path::new("a"), "the work tree");
    here.file("a/flows/x/flow.toml", MANIFEST);
    here.dir("a/b/.codex");
    assert_eq!(here.root_from("a/b/c"), Path::new("a/b"), "the nearest .codex");
    here.file("a/b/c/flows/x/flow.toml", MANIFEST);
    assert_eq!(here.root_from("a/b/c"), Path::new("a/b/c"), "the nearest flow of its own");
    here.file(".codex/workspace.toml", "");
    assert_eq!(here.root_from("a/b/c"), Path::new(""), "workspace.toml, however far");
    let explicit = Workspace::find(&here.path("a/b"), Some(Path::new("c"))).unwrap();
    assert_eq!(explicit.root(), here.path("a/b/c"), "what was asked for");
}

#[test]
fn nothing_above_means_the_folder_itself_and_a_worktrees_git_file_counts() {
    let here = Folder::new();
    assert_eq!(here.root_from("x/y"), Path::new("x/y"));
    here.file("x/.git", "gitdir: /elsewhere");
    assert_eq!(here.root_from("x/y"), Path::new("x"));
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_reason() {
    let here = Folder::new();
    here.file("large", "12345");
    here.file("latin", b"ab\xff");
    here.dir("folder");
    for (name, expected) in [
        ("none", "none does not exist"),
        ("folder", "folder is not a regular file"),
        ("large", "large is larger than 4 bytes"),
        ("latin", "latin is not UTF-8: the byte at offset 2 is none"),
    ] {
        let error = read_bounded(&here.path(name), 4).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert!(error.hint().is_some());
    }
    here.file("fits", "1234");
    assert_eq!(read_bounded(&here.path("fits"), 4).unwrap(), "1234");
    here.file("marked", "\u{feff}{}");
    assert_eq!(read_bounded(&here.path("marked"), 9).unwrap(), "{}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let here = Folder::new();
    let pipe = here.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(matches!(read_bounded(&pipe, 10), Err(WorkspaceError::NotAFile { .. })));
}

#[test]
fn a_schema_is_read_and_its_faults_are_named() {
    let here = Folder::new();
    here.file("s/bad.json", "{\n  \"type\": }");
    here.file("s/good.json", "{\"type\": \"object\"}");
    let read = |name: &str| read_schema(here.0.path(), &name.parse::<RelPath>().unwrap());
    assert!(read("s/none.json").unwrap_err().to_string().ends_with("s/none.json does not exist"));
    let error = read("s/bad.json").unwrap_err().to_string();
    assert!(error.ends_with("s/bad.json: expected value at line 2 column 11"), "{error}");
    assert_eq!(read("s/good.json").unwrap()["type"], "object");
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_a_flow() {
    use std::os::unix::fs::symlink;
    let here = Folder::new();
    here.file("secret.json", "{}");
    here.file("flow/inside.json", "{}");
    symlink("../secret.json", here.path("flow/out.json")).unwrap();
    symlink("..", here.path("flow/up")).unwrap();
    symlink("inside.json", here.path("flow/in.json")).unwrap();
    let read = |name: &str| read_schema(&here.path("flow"), &name.parse::<RelPath>().unwrap());
    for name in ["out.json", "up/secret.json"] {
        assert!(matches!(read(name), Err(WorkspaceError::Outside { .. })), "{name}");
    }
    assert!(read("in.json").is_ok());
}

#[test]
fn a_flow_that_cannot_be_read_hides_no_other() {
    let here = Folder::new();
    here.file("flows/bad/flow.toml", b"name = \"\xff\"");
    here.file("flows/good/flow.toml", MANIFEST);
    here.file("flows/empty/readme", "");
    here.file("flows/flow.toml", MANIFEST);

    let flows = active(here.workspace().found_flows().unwrap(), None);

    let folders: Vec<_> = flows.iter().map(|flow| flow.folder.as_str()).collect();
    assert_eq!(folders, ["bad", "good"]);
    let error = flows[0].manifest.as_ref().unwrap_err().to_string();
    assert!(error.contains("flows/bad/flow.toml") && error.contains("not UTF-8"), "{error}");
    assert!(flows[1].manifest.is_ok());
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_into_a_flow() {
    use std::os::unix::fs::symlink;
    let here = Folder::new();
    here.file("outside/flow.toml", MANIFEST);
    here.dir(".codex/flows/linked");
    symlink(here.path("outside"), here.path(".codex/flows/whole")).unwrap();
    symlink(here.path("outside/flow.toml"), here.path(".codex/flows/linked/flow.toml")).unwrap();

    let flows = active(here.workspace().found_flows().unwrap(), None);

    assert_eq!(flows.len(), 1);
    let error = flows[0].manifest.as_ref().unwrap_err().to_string();
    assert!(error.ends_with("it is a symbolic link"), "{error}");
    assert_eq!(flows[0].notes, ["the content hash does not cover the link flow.toml"]);
}

#[test]
fn a_flow_with_too_many_files_is_found_and_not_trusted() {
    let here = Folder::new();
    here.file(".codex/flows/f/flow.toml", MANIFEST);
    let deep = here.dir(".codex/flows/f/many");
    for number in 0..5_001 {
        fs::write(deep.join(number.to_string()), "").unwrap();
    }
    let found = here.workspace().found_flows().unwrap();
    let lock = Lock { items: Vec::new(), warnings: Vec::new() };
    assert_eq!(found[0].contents.as_ref().unwrap_err(), "its folder holds more than 5000 files and folders");
    assert!(!active(found, Some(&lock))[0].standing.may_run());
}

#[test]
fn an_installed_flow_is_pinned_by_what_lies_in_its_folder() {
    let here = Folder::new();
    here.file(".codex/flows/f/flow.toml", MANIFEST);
    here.file(".codex/flows/f/exec/Z.ts", "z");
    here.file(".codex/flows/f/exec/a.ts", "a");
    here.file(".codex/flows/f/.git/HEAD", "not counted");
    here.file("flows/own/flow.toml", MANIFEST.replace("\"f\"", "\"own\""));
    assert_eq!(here.workspace().lock().unwrap(), None);
    let unlocked = active(here.workspace().found_flows().unwrap(), None);
    assert_eq!((&unlocked[0].standing, &unlocked[1].standing), (&Standing::NoLock, &Standing::SourceOwned));

    let hash: &Digest = unlocked[0].digest.as_ref().unwrap();
    let item = format!(
        r#"{{"name":"f","kind":"flow","source":{{"input":".","type":"local"}},"sourcePath":"flows/f",
        "destinationPath":".codex/flows/f","contentHash":"{hash}","installedAt":"2026-05-18T00:04:17.788Z"}}"#
    );
    here.file(".codex/pack-lock.json", format!("{{\"version\":1,\"items\":[{item}]}}"));
    let standing = || {
        let (file, text) = here.workspace().lock().unwrap().unwrap();
        let lock = Lock::parse(&text, &file).unwrap();
        active(here.workspace().found_flows().unwrap(), Some(&lock)).remove(0).standing
    };
    assert_eq!(standing(), Standing::Pinned);
    here.file(".codex/flows/f/exec/a.ts", "changed");
    assert!(matches!(standing(), Standing::Differs { .. }));
}

#[test]
fn a_lock_that_is_there_and_cannot_be_read_is_not_taken_for_none() {
    let here = Folder::new();
    here.dir(".codex/pack-lock.json");
    assert!(matches!(here.workspace().lock(), Err(WorkspaceError::NotAFile { .. })));
}

#[test]
fn the_sources_are_what_was_named_first() {
    let here = Folder::new();
    let sub = here.dir("sub");
    here.dir(".codex");
    here.dir(".git");
    let workspace = Workspace::find(&sub, None).unwrap();
    let find = |flag: Option<&str>, env| workspace.sources_file(flag.map(Path::new), env);
    assert_eq!(find(None, None), None);
    assert_eq!(find(None, Some(" ")), None);
    here.file("feed-sources.json", "{}");
    assert_eq!(find(None, Some("")), Some(here.path("feed-sources.json")));
    assert_eq!(find(None, Some("./e.json")), Some(here.path("sub/e.json")));
    assert_eq!(find(Some("f.json"), Some("e.json")), Some(here.path("sub/f.json")));
}

#[test]
fn product_state_goes_to_data_only_where_it_exists() {
    let here = Folder::new();
    let workspace = here.workspace();
    assert!(workspace.data_dir(None).ends_with(".codex/workspace/actions/data"));
    here.dir("data");
    assert!(workspace.data_dir(None).ends_with("data") && workspace.data_dir(None).is_dir());
    assert!(workspace.artifacts_dir().ends_with(".codex/workspace/actions/artifacts"));
}
