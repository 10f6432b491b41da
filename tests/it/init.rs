//! A fork set up from nothing: what is found out, shown and written, and that a run then works.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{
    Output, Program, Repo, Snapshot, UPSTREAM, Workspace, content_hash, file_url, patch_moi, write,
};

/// An upstream with releases, a fork with two patches on a branch, and the action's repository.
struct World {
    workspace: Workspace,
    action: Repo,
    root: tempfile::TempDir,
}

const FILES: [&str; 5] = [
    "feed-sources.json",
    ".codex/flows/patch-stack/flow.toml",
    ".codex/flows/patch-stack/release.schema.json",
    ".codex/pack-lock.json",
    ".github/workflows/upstream-release.yml",
];

impl World {
    fn new() -> Self {
        let workspace = Workspace::clean();
        workspace.upstream.switch("release/2").tag("rust-v1.9.0").tag("rust-v1.10.0").switch("main");
        let action = Repo::new();
        action.commit("Begin", &[("action.yml", "name: patch-moi\n")]);
        Self { workspace, action, root: tempfile::TempDir::new().unwrap() }
    }

    /// The action with a release, whose tag is an annotated one.
    fn released(self) -> Self {
        self.action.tag("v0.2.0").tag("v0.10.0").commit("After", &[("x", "1\n")]);
        self
    }

    /// A clone of the fork with `origin`, as a maintainer has it.
    fn clone(&self, branch: &str) -> PathBuf {
        let dir = self.root.path().join("clone");
        let (url, path) = (file_url(self.workspace.path()), dir.to_str().unwrap().to_owned());
        self.workspace.fork.git(&["clone", "--quiet", "--branch", branch, &url, &path]);
        dir
    }

    fn feed(&self) -> String {
        let feed = self.root.path().join("releases.atom");
        write(&feed, crate::support::atom(&[]));
        file_url(&feed)
    }

    fn init(&self, dir: &Path, more: &[&str]) -> Program {
        patch_moi(dir)
            .args(["init", "--upstream", UPSTREAM, "--branch", "main"])
            .args(["--upstream-url", &file_url(self.workspace.upstream.path()), "--feed-url", &self.feed()])
            .args(["--action-url", self.action.path().to_str().unwrap()])
            .args(more)
    }

    /// Writes everything, and proves that a dry run selects the flow and carries.
    fn works(&self, dir: &Path, more: &[&str]) -> Value {
        let told = self.init(dir, &[more, &["--apply", "--json"]].concat()).run().exits(0).json();
        assert_eq!(told["applied"], true);
        for file in FILES {
            assert!(dir.join(file).is_file(), "{file}");
        }
        let run = patch_moi(dir).args(["run", "--dry-run", "--json"]).run().exits(0).json();
        let event = &run["events"][0];
        assert_eq!(event["selection"]["selected"][0]["flow"], "patch-stack", "{event:#}");
        let patches = event["steps"][0]["document"]["counts"]["patches"].as_u64();
        assert_eq!(patches, Some(2), "{event:#}");
        told
    }
}

fn nothing_written(dir: &Path) {
    for file in FILES {
        assert!(!dir.join(file).exists(), "{file} was written");
    }
}

fn said(output: Output, phrases: &[&str]) {
    let _ = output.says(phrases);
}

#[test]
fn what_cannot_be_set_up_is_refused_and_nothing_is_written() {
    let world = World::new().released();
    let clone = world.clone("main");
    let empty = tempfile::TempDir::new().unwrap();
    said(world.init(empty.path(), &["--apply"]).run().exits(2), &["git clone"]);
    for (args, code, phrases) in [
        (&["--branch", "no-such"][..], 2, &["no-such", "--fork OWNER/NAME"][..]),
        (&["--branch", "-x"], 2, &["-x"]),
        (&["--branch", "a b"], 2, &["`refs/heads/a b` is not a valid ref"]),
        (&["--upstream", "nothing"], 2, &["owner/name"]),
        (&["--upstream", "../x/y"], 2, &["owner/name"]),
        (&["--tag-pattern", "^v(\\d+)$"], 2, &["--tag-pattern", "no group `version`"]),
        (&["--upstream-url", "file:///no/such/place"], 1, &["/no/such/place could not be read"]),
        (&["--upstream-url", "ext::sh -c x"], 2, &["remote helper"]),
        (&["--upstream-url", "https://ada:s3cret@example.org/a"], 2, &["password", "https://example.org/a"]),
        (&["--fork", "https://s3cret@example.org/a"], 2, &["--fork", "password"]),
        (&["--fork", "/no/such/fork"], 1, &["/no/such/fork could not be read"]),
        (
            &["--action-url", "file:///no/such/action"],
            1,
            &["the commit of the action is not known", "--action-commit COMMIT", "nothing was written"],
        ),
    ] {
        let mut all = vec!["init", "--apply"];
        let upstream = file_url(world.workspace.upstream.path());
        let action = world.action.path().to_str().unwrap().to_owned();
        for (name, value) in [
            ("--upstream", UPSTREAM),
            ("--branch", "main"),
            ("--upstream-url", upstream.as_str()),
            ("--action-url", action.as_str()),
        ] {
            if !args.contains(&name) {
                all.extend([name, value]);
            }
        }
        let joined = args.chunks(2).map(|pair| format!("{}={}", pair[0], pair[1]));
        let all: Vec<String> = all.into_iter().map(str::to_owned).chain(joined).collect();
        said(patch_moi(&clone).args(&all).run().exits(code), phrases);
        nothing_written(&clone);
    }
}

#[test]
fn files_that_are_broken_or_lead_elsewhere_are_named_and_left_alone() {
    let elsewhere = tempfile::TempDir::new().unwrap();
    let world = World::new().released();
    for (number, (file, content, phrases)) in [
        ("feed-sources.json", Some("{"), &["feed-sources.json"][..]),
        (".codex/pack-lock.json", Some("{}"), &[".codex/pack-lock.json", "items"]),
        (".codex/flows/patch-stack/flow.toml", Some("name = "), &["flow.toml"]),
        (".codex", None, &[".codex is a symbolic link"]),
        (".github", None, &[".github is a symbolic link"]),
        ("feed-sources.json", None, &["feed-sources.json is a symbolic link"]),
        (".codex/flows", Some("a file"), &[".codex/flows is no folder"]),
    ]
    .into_iter()
    .enumerate()
    {
        let dir = world.root.path().join(number.to_string());
        let (url, path) = (file_url(world.workspace.path()), dir.to_str().unwrap().to_owned());
        world.workspace.fork.git(&["clone", "--quiet", "--branch", "main", &url, &path]);
        match content {
            Some(text) => write(&dir.join(file), text),
            None => symlink(elsewhere.path(), dir.join(file)).unwrap(),
        }
        let before = Snapshot::of(&[&dir, elsewhere.path()]);
        said(world.init(&dir, &["--apply"]).run().exits(2), phrases);
        Snapshot::of(&[&dir, elsewhere.path()]).assert_same_as(&before);
    }
    let dir = world.clone("main");
    write(&dir.join("feed-sources.json"), vec![b' '; (1 << 20) + 1]);
    said(world.init(&dir, &["--apply"]).run().exits(2), &["feed-sources.json is larger than"]);
}

#[test]
fn everything_is_shown_before_anything_is_written() {
    let world = World::new().released();
    let clone = world.clone("main");
    let before = Snapshot::of(&[&clone]);
    let shown = world.init(&clone, &[]).run().exits(0).prints(&[
        "in the maintained branch",
        "origin says so",
        "`rust-v` and a version",
        "the newest is rust-v1.10.0",
        "+++ feed-sources.json",
        "+target_branch = \"main\"",
        "# v0.10.0",
        "Nothing is written yet.",
        "--apply",
        "Allow GitHub Actions to create and approve pull requests",
        "60 days",
        "PATCH_MOI_TOKEN",
    ]);
    assert!(!shown.stdout.contains('\u{1b}'));
    Snapshot::of(&[&clone]).assert_same_as(&before);
    let coloured = world.init(&clone, &["--color", "always"]).run().exits(0);
    assert!(coloured.stdout.contains("\u{1b}[32m+{"), "{coloured}");
}

#[test]
fn the_maintained_branch_is_the_default_branch() {
    let world = World::new().released();
    let clone = world.clone("main");
    let told = world.works(&clone, &[]);
    assert_eq!(told["layout"]["kind"], "maintained-branch");
    assert_eq!(told["upstream"]["tagPattern"], r"^rust-v(?<version>\d+\.\d+\.\d+)$");
    assert_eq!(told["upstream"]["newest"], "rust-v1.10.0");

    let workflow = fs::read_to_string(clone.join(FILES[4])).unwrap();
    let released = world.action.id("v0.10.0");
    assert!(workflow.contains(&format!("@{released} # v0.10.0\n")), "{workflow}");
    let lock: Value = serde_json::from_slice(&fs::read(clone.join(FILES[3])).unwrap()).unwrap();
    assert_eq!(lock["items"][0]["contentHash"], content_hash(&clone.join(".codex/flows/patch-stack")));

    let before = Snapshot::of(&[&clone]);
    let again = world.init(&clone, &["--apply"]).run().exits(0).prints(&["Nothing to do"]);
    Snapshot::of(&[&clone]).assert_same_as(&before);
    assert!(!again.stdout.contains("+++"), "{again}");
}

#[test]
fn another_branch_is_the_default_branch() {
    let world = World::new().released();
    world.workspace.fork.git(&["switch", "--quiet", "--orphan", "automation"]);
    world.workspace.fork.commit("Begin", &[("notes.md", "automation\n")]);
    let clone = world.clone("automation");
    let told = world.works(&clone, &[]);
    assert_eq!(told["layout"]["kind"], "default-branch");
    assert_eq!(told["layout"]["home"], "automation");
}

#[test]
fn the_configuration_has_a_repository_of_its_own() {
    let world = World::new().released();
    let own = Repo::new();
    own.commit("Begin", &[("notes.md", "automation\n")]);
    let fork = file_url(world.workspace.path());
    let told = world.works(own.path(), &["--fork", &fork]);
    assert_eq!(told["layout"]["kind"], "own-repository");
    let flow = fs::read_to_string(own.path().join(FILES[1])).unwrap();
    assert!(flow.contains(&format!("repo = \"{fork}\"")), "{flow}");
    assert!(told["settings"].to_string().contains("cannot write to another repository"));
}

#[test]
fn on_the_wrong_branch_that_is_said() {
    let world = World::new().released();
    let clone = world.clone("main");
    let repo = Repo::at(&clone);
    repo.branch("topic");
    let _ = world.init(&clone, &[]).run().exits(0).prints(&["`topic` is checked out", "git switch main"]);
}

#[test]
fn what_a_person_edited_is_kept_and_pinned_as_it_is() {
    let world = World::new().released();
    let clone = world.clone("main");
    let _ = world.init(&clone, &["--apply"]).run().exits(0);
    let flow = clone.join(FILES[1]);
    let edited = fs::read_to_string(&flow).unwrap() + "\n[[checks]]\nname = \"true\"\ncommand = [\"true\"]\n";
    write(&flow, &edited);

    let kept = world.init(&clone, &["--apply", "--json"]).run().exits(0).json();
    assert_eq!((&kept["files"][1]["what"], &kept["files"][3]["what"]), (&"kept".into(), &"change".into()));
    assert_eq!(fs::read_to_string(&flow).unwrap(), edited);
    let run = patch_moi(&clone).args(["run", "--dry-run", "--json"]).run().exits(0).json();
    assert_eq!(run["events"][0]["selection"]["selected"][0]["flow"], "patch-stack", "{run:#}");

    let over = world.init(&clone, &["--apply", "--overwrite", "--json"]).run().exits(0).json();
    assert_eq!(over["files"][1]["what"], "overwrite");
    assert!(!fs::read_to_string(&flow).unwrap().contains("checks"));
}

#[test]
fn a_newer_release_of_the_action_moves_the_commit_and_nothing_else() {
    let world = World::new();
    let clone = world.clone("main");
    let first = world.init(&clone, &["--apply", "--json"]).run().exits(0).json();
    assert!(first["action"]["words"].as_str().unwrap().contains("no release yet"), "{first:#}");
    let workflow = clone.join(FILES[4]);
    let text = fs::read_to_string(&workflow).unwrap().replace("37 5", "11 4");
    assert!(text.contains("# main, before the first release"), "{text}");
    write(&workflow, &text);

    let world = world.released();
    let _ = world.init(&clone, &["--apply"]).run().exits(0);

    let moved = fs::read_to_string(&workflow).unwrap();
    assert!(moved.contains(&format!("@{} # v0.10.0\n", world.action.id("v0.10.0"))), "{moved}");
    assert!(moved.contains("11 4"));
}

#[test]
fn other_sources_and_other_pins_stay_byte_for_byte() {
    let world = World::new().released();
    let clone = world.clone("main");
    let sources = "{\n   \"note\": [1 ,2],\n   \"sources\": [\n   ]\n}";
    let lock = "{\"version\":1,\"mine\":true,\"items\":[{\"kind\":\"skill\",\"odd\":  1}]}";
    write(&clone.join(FILES[0]), sources);
    write(&clone.join(FILES[3]), lock);
    let _ = world.init(&clone, &["--apply"]).run().exits(0);
    let after = fs::read_to_string(clone.join(FILES[0])).unwrap();
    assert!(after.starts_with("{\n   \"note\": [1 ,2],\n   \"sources\": ["), "{after}");
    let after = fs::read_to_string(clone.join(FILES[3])).unwrap();
    assert!(after.starts_with("{\"version\":1,\"mine\":true,\"items\":["), "{after}");
    assert!(after.contains("{\"kind\":\"skill\",\"odd\":  1}"), "{after}");
}
