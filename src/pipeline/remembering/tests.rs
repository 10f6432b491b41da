#![expect(clippy::disallowed_methods, reason = "real repositories with real hooks, real files")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::*;
use crate::pipeline::asked::{Asked, Effect, What};
use crate::pipeline::context::Context;
use crate::store::DataDir;
use crate::ui::{Options, Ui};
use crate::workspace::Workspace;

/// A bare repository that several machines share.
struct Shared {
    dir: TempDir,
}

impl Shared {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        drop(Repository::make_bare(&dir.path().join("origin")).unwrap());
        Self { dir }
    }

    fn origin(&self) -> PathBuf {
        self.dir.path().join("origin")
    }

    fn url(&self) -> String {
        format!("file://{}", self.origin().display())
    }

    /// A machine with an empty disk and a checkout of the origin.
    fn machine(&self, name: &str) -> Machine {
        let root = self.dir.path().join(name);
        let repository = git2::Repository::init(&root).unwrap();
        repository.remote("origin", &self.url()).unwrap();
        Machine { root, variables: variables(true) }
    }

    /// Where the state's ref stands.
    fn state(&self) -> Option<CommitId> {
        Repository::open(&self.origin()).unwrap().at(&STATE.parse().unwrap())
    }

    fn files(&self) -> Files {
        let origin = Repository::open(&self.origin()).unwrap();
        origin.state_files(self.state().unwrap()).unwrap().unwrap()
    }

    fn hook(&self, script: &str) {
        let file = self.origin().join("hooks/pre-receive");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn variables(is_runner: bool) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([
        ("PATH".to_owned(), std::env::var("PATH").unwrap()),
        ("GIT_CONFIG_GLOBAL".to_owned(), "/dev/null".to_owned()),
    ]);
    if is_runner {
        all.insert("GITHUB_ACTIONS".to_owned(), "true".to_owned());
    }
    all
}

struct Machine {
    root: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Machine {
    fn data(&self) -> DataDir {
        DataDir::open(&self.root.join("data"))
    }

    /// Does something with a session of this machine.
    fn with<R>(&self, effect: Effect, act: impl FnOnce(&Session<'_>) -> R) -> R {
        let ui = Ui::new(Options { quiet: true, ..Options::default() });
        let workspace = Workspace::find(&self.root, Some(&self.root)).unwrap();
        let data = self.data();
        let now = || "2026-11-22T06:21:13Z".parse().unwrap();
        let context = Context {
            variables: &self.variables,
            cwd: &self.root,
            temporary: Path::new("/tmp"),
            now: &now,
            ui: &ui,
            workspace: &workspace,
            data: &data,
            sources: None,
        };
        let what = What::Schedule { tag: None, source: None };
        let state = Wanted::Auto;
        let asked = Asked {
            what,
            effect,
            record_only: false,
            flows: Vec::new(),
            allow_modified: false,
            state,
            command: "run".to_owned(),
        };
        act(&Session::open(&context, &asked).unwrap())
    }

    fn restore(&self) -> Result<Memory> {
        self.with(Effect::Apply, |session| restore(session, &Wanted::Auto))
    }

    fn keep(&self) -> Result<Kept> {
        self.with(Effect::Apply, |session| keep(session, &Wanted::Auto))
    }

    /// A line of a journal.
    fn note(&self, n: u32) {
        self.data().releases::<Value>().append(&json!({"n": n, "at": format!("T{n}")})).unwrap();
    }

    fn notes(&self) -> Vec<u64> {
        let read = self.data().releases::<Value>().read().unwrap();
        read.records.iter().map(|line| line["n"].as_u64().unwrap()).collect()
    }
}

fn written(kept: &Kept) -> CommitId {
    let Kept::Written { commit } = kept else { panic!("{kept:?}") };
    *commit
}

#[test]
fn a_remote_that_cannot_be_read_is_a_failure_that_says_what_it_would_mean() {
    let shared = Shared::new();
    let machine = shared.machine("a");
    std::fs::remove_dir_all(shared.origin()).unwrap();
    let failure = machine.restore().unwrap_err();
    assert_eq!(failure.kind, Kind::Failed);
    assert!(failure.title().contains(STATE), "{}", failure.title());
    assert!(failure.advice().iter().any(|hint| hint.contains("--state none")));
}

#[test]
fn without_a_checkout_or_an_origin_nothing_is_remembered_and_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let machine = Machine { root: dir.path().to_owned(), variables: variables(true) };
    let Memory::None { why } = machine.restore().unwrap() else { panic!("there is no checkout") };
    assert!(why.contains("no git checkout"), "{why}");
    assert!(matches!(machine.keep().unwrap(), Kept::Nowhere { .. }));

    drop(git2::Repository::init(dir.path()).unwrap());
    let Memory::None { why } = machine.restore().unwrap() else { panic!("there is no origin") };
    assert!(why.contains("no remote `origin`"), "{why}");

    let unknown =
        machine.with(Effect::Apply, |session| restore(session, &Wanted::Remote("elsewhere".to_owned())));
    assert_eq!(unknown.unwrap_err().kind, Kind::Usage);
    let none = machine.with(Effect::Apply, |session| restore(session, &Wanted::None));
    assert!(matches!(none.unwrap(), Memory::None { .. }));
}

#[test]
fn a_laptop_remembers_on_its_disk() {
    let shared = Shared::new();
    let machine = Machine { variables: variables(false), ..shared.machine("a") };
    machine.note(1);
    assert_eq!(machine.restore().unwrap(), Memory::Disk);
    assert_eq!(machine.keep().unwrap(), Kept::Local);
    assert_eq!(shared.state(), None);

    // Unless it is told where.
    let to = Wanted::Remote(shared.url());
    let kept = machine.with(Effect::Apply, |session| keep(session, &to)).unwrap();
    assert_eq!(Some(written(&kept)), shared.state());
}

#[test]
fn a_machine_with_an_empty_disk_knows_what_another_did_and_writes_nothing_again() {
    let shared = Shared::new();
    let (one, other) = (shared.machine("a"), shared.machine("b"));
    assert!(matches!(one.restore().unwrap(), Memory::Ref { commit: None, .. }));
    one.note(1);
    one.note(2);
    let commit = written(&one.keep().unwrap());

    let Memory::Ref { commit: Some(read), .. } = other.restore().unwrap() else { panic!("it is there") };

    assert_eq!((read, Some(commit)), (commit, shared.state()));
    assert_eq!(other.notes(), [1, 2]);
    assert_eq!(other.keep().unwrap(), Kept::Unchanged);
    assert_eq!(one.keep().unwrap(), Kept::Unchanged);
    assert_eq!(shared.state(), Some(commit));
}

#[test]
fn a_lost_race_is_run_again_with_what_the_winner_wrote() {
    let shared = Shared::new();
    let (one, other) = (shared.machine("a"), shared.machine("b"));
    one.note(1);
    let kept = one.with(Effect::Apply, |session| {
        // This machine has asked what the remote has, and another writes there in between.
        restore(session, &Wanted::Auto).unwrap();
        other.note(2);
        written(&other.keep().unwrap());
        keep(session, &Wanted::Auto)
    });

    assert_eq!(Some(written(&kept.unwrap())), shared.state());
    let third = shared.machine("c");
    third.restore().unwrap();
    assert_eq!(third.notes(), [1, 2]);
    let log =
        Command::new("git").arg("-C").arg(shared.origin()).args(["rev-list", "--count", STATE]).output();
    assert_eq!(String::from_utf8(log.unwrap().stdout).unwrap().trim(), "2", "nothing was thrown away");
}

#[test]
fn a_race_that_is_always_lost_ends_and_says_so() {
    let shared = Shared::new();
    let machine = shared.machine("a");
    machine.note(1);
    // Somebody else writes with every push.
    shared.hook(&format!(
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
         echo x >>pushes\n\
         export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a\n\
         tree=$(git hash-object -t tree -w /dev/null)\n\
         git update-ref {STATE} $(wc -l <pushes | git commit-tree $tree)\n\
         exit 1"
    ));
    let failure = machine.keep().unwrap_err();
    assert!(failure.title().contains("moved 5 times"), "{}", failure.title());
    assert!(!failure.advice().is_empty());
    assert_eq!(std::fs::read_to_string(shared.origin().join("pushes")).unwrap().lines().count(), 5);
}

#[test]
fn a_remote_that_refuses_is_an_answer() {
    let shared = Shared::new();
    let machine = shared.machine("a");
    machine.note(1);
    shared.hook("echo 'only on Sundays' >&2; exit 1");
    let Kept::Refused { why } = machine.keep().unwrap() else { panic!("it was refused") };
    assert!(why.contains("only on Sundays"), "{why}");
    assert_eq!(shared.state(), None);
}

#[test]
fn a_dry_run_goes_by_what_is_remembered_and_writes_nothing() {
    let shared = Shared::new();
    let one = shared.machine("a");
    let line = json!({
        "eventId": "e", "repo": "acme/engine", "tag": "v1", "tagObject": "1".repeat(40), "commit": "1".repeat(40),
        "state": "candidate", "at": "T1",
    });
    one.data().releases::<Value>().append(&line).unwrap();
    written(&one.keep().unwrap());

    let other = shared.machine("b");
    let known = other.with(Effect::Plan, |session| {
        restore(session, &Wanted::Auto).unwrap();
        let ledger = session.ledger().unwrap();
        ledger.latest(&"acme/engine".parse().unwrap(), &"v1".parse().unwrap()).is_some()
    });

    assert!(known);
    assert!(!other.root.join("data").exists() && !other.root.join(".codex").exists());
}

#[test]
fn a_tree_that_is_no_state_is_refused_and_nothing_of_it_is_written() {
    let shared = Shared::new();
    let machine = shared.machine("a");
    let script = format!(
        "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a\n\
         link=$(printf /etc | git hash-object -w --stdin)\n\
         tree=$(printf '120000 blob %s\\tdata\\n' $link | git mktree)\n\
         git update-ref {STATE} $(echo x | git commit-tree $tree)"
    );
    let made = Command::new("sh").current_dir(shared.origin()).args(["-c", &script]).status().unwrap();
    assert!(made.success());
    machine.note(1);

    for failure in [machine.restore().unwrap_err(), machine.keep().unwrap_err()] {
        let said = problem(&failure).message;
        assert!(said.contains("a link or a submodule"), "{said}");
    }
    assert_eq!(machine.notes(), [1]);
}

#[test]
fn a_file_that_only_a_newer_version_knows_stays_in_the_ref() {
    let shared = Shared::new();
    let machine = shared.machine("a");
    let origin = Repository::open(&shared.origin()).unwrap();
    let newer = Files::from([("resolutions/1".parse().unwrap(), b"x".to_vec())]);
    let commit = origin.commit_state(&newer, None, 0).unwrap();
    let commit = commit.to_string();
    let mut git = Command::new("git");
    git.current_dir(shared.origin()).args(["update-ref", STATE, &commit]);
    assert!(git.status().unwrap().success());

    machine.restore().unwrap();
    machine.note(1);
    written(&machine.keep().unwrap());

    assert!(!machine.root.join("resolutions").exists());
    assert_eq!(shared.files().len(), 2);
    assert!(shared.files().contains_key(newer.keys().next().unwrap()));
}
