//! Packs installed in a workspace, examined, brought up to date and taken out.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Output, Snapshot, content_hash, patch_moi, write};

const FLOW: &str =
    "name = \"NAME\"\nversion = 1\n[[steps]]\nname = \"s\"\nrunner = \"bun\"\nscript = \"exec/s.ts\"\n";

/// A workspace, and packs beside it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        fs::create_dir_all(place.workspace()).unwrap();
        place
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.path("workspace")
    }

    /// A file of the workspace.
    pub(crate) fn at(&self, below: &str) -> PathBuf {
        self.workspace().join(below)
    }

    pub(crate) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.at(below)).unwrap()
    }

    pub(crate) fn json(&self, below: &str) -> Value {
        serde_json::from_str(&self.read(below)).unwrap()
    }

    /// A flow in the pack `pack`.
    pub(crate) fn flow(&self, pack: &str, name: &str, script: &str) -> PathBuf {
        let folder = self.path(pack).join("flows").join(name);
        write(&folder.join("flow.toml"), FLOW.replace("NAME", name));
        write(&folder.join("exec/s.ts"), script);
        folder
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        patch_moi(&self.workspace()).args(args).run()
    }

    /// A pack with one item of each kind.
    fn with_all(self) -> Self {
        self.flow("pack", "release", "1\n");
        write(&self.path("pack/skills/engineering/tdd/SKILL.md"), "# TDD\n");
        write(
            &self.path("pack/plugins/policy/.codex-plugin/plugin.json"),
            "{\"name\":\"policy\",\"hooks\":{}}",
        );
        write(&self.path("pack/hooks/stop/hooks.json"), HOOKS);
        self
    }
}

const HOOKS: &str = r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"ours"}]}]}}"#;

pub(crate) fn actions(run: &Output) -> Vec<(String, String)> {
    let items = run.json()["items"].as_array().unwrap().clone();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    items.iter().map(|item| (text(item, "name"), text(item, "action"))).collect()
}

pub(crate) fn reason(run: &Output) -> String {
    let items = run.json()["items"].as_array().unwrap().clone();
    items.iter().find_map(|item| item["reason"].as_str().map(str::to_owned)).unwrap_or_default()
}

#[test]
fn what_names_no_pack_is_an_error_and_fetches_nothing() {
    let place = Place::new();
    fs::create_dir_all(place.at("packs")).unwrap();
    for source in
        ["../codex-flow", "./x", "/no/where", "../x.git", "packs/codex", "x", "ftp://h/x", "ext::sh"]
    {
        let git = place.path("no-git");
        let run = patch_moi(&place.workspace()).args(["pack", "add", source]).env("PATH", &git).run();
        let _ = run.exits(2).says(&["error:", source, "hint:"]);
    }
    let run = place.run(&["pack", "add", "packs/codex"]).exits(2);
    let _ = run.says(&["packs is one", "https://github.com/packs/codex.git"]);
    let _ = place.run(&["pack", "inspect", "--", "--upload-pack=touch x"]).exits(2);
    place.flow("pack", "a", "1");
    let _ = place.run(&["pack", "add", "../pack", "--ref", "main"]).exits(2).says(&["is a folder"]);
}

#[test]
fn an_item_that_the_pack_does_not_have_is_named_with_those_that_it_has() {
    let place = Place::new().with_all();
    let run = place.run(&["pack", "add", "../pack", "--include", "relase", "--apply"]).exits(2);
    let _ = run.says(&["the pack has no item relase", "flow:release", "skill:tdd"]);
    assert_eq!(fs::read_dir(place.workspace()).unwrap().count(), 0);
}

#[test]
fn nothing_is_written_before_it_is_asked_for() {
    let place = Place::new().with_all();
    let before = Snapshot::of(&[&place.workspace()]);
    let run = place.run(&["pack", "add", "../pack", "--json"]).exits(0);
    assert_eq!(actions(&run).iter().filter(|(_, action)| action == "add").count(), 4);
    assert!(before == Snapshot::of(&[&place.workspace()]));
    assert_eq!(fs::read_dir(place.workspace()).unwrap().count(), 0);
    let run = place.run(&["pack", "add", "../pack"]).exits(0);
    let _ = run.prints(&[
        "mode                  dry-run",
        "planned               4",
        "add                   flow/release -> .codex/flows/release",
        "rerun with --apply",
    ]);
}

#[test]
fn the_two_commands_of_the_tutorial_install_two_flows_and_find_them_as_they_should_be() {
    let place = Place::new();
    place.flow("codex-flows", "openai-codex-bindings", "1\n");
    place.flow("codex-flows", "peezy-codex-fork", "2\n");
    place.flow("codex-flows", "other", "3\n");
    let args = ["pack", "add", "../codex-flows", "--include", "openai-codex-bindings", "--include"];
    let run = place.run(&[&args[..], &["peezy-codex-fork", "--apply"]].concat()).exits(0);
    let _ = run.prints(&["skip                  flow/other -> flows/other (not included)", "written"]);

    let run = place.run(&["pack", "doctor", "--json"]).exits(0);

    assert_eq!(run.json()["installedItems"], 2);
    let lock = place.json(".codex/pack-lock.json");
    assert_eq!(place.read(".codex/pack-lock.json"), format!("{lock:#}\n"));
    for (index, name) in ["openai-codex-bindings", "peezy-codex-fork"].iter().enumerate() {
        let item = &lock["items"][index];
        assert_eq!(item["name"], *name);
        assert_eq!(item["contentHash"], content_hash(&place.at(&format!(".codex/flows/{name}"))));
        assert_eq!(item["source"], json!({"input": "../codex-flows", "type": "local"}));
    }
    assert!(!place.at(".codex/flows/other").exists());
    assert!(!place.at(".codex/.pack-transaction").exists());
}

#[test]
fn every_kind_has_its_place_and_its_entries() {
    let place = Place::new().with_all();
    let run = place.run(&["pack", "add", "../pack", "--apply"]).exits(0);
    let _ = run.prints(&["plugin-bundled hooks", "[features].hooks = true"]);
    for (item, folder) in [
        ("flows/release", ".codex/flows/release"),
        ("skills/engineering/tdd", ".agents/skills/tdd"),
        ("plugins/policy", "plugins/policy"),
        ("hooks/stop", ".codex/hooks/stop"),
    ] {
        assert_eq!(content_hash(&place.path("pack").join(item)), content_hash(&place.at(folder)));
    }
    let entry = &place.json(".agents/plugins/marketplace.json")["plugins"][0];
    assert_eq!((&entry["name"], &entry["source"]["path"]), (&json!("policy"), &json!("./plugins/policy")));
    assert_eq!(place.json(".codex/hooks.json")["codexPack"]["hooks"]["stop"]["kind"], "hook");
    let _ = place
        .run(&["pack", "list"])
        .exits(0)
        .prints(&["installed items       4", "skill                 tdd"]);
    let _ = place.run(&["pack", "doctor"]).exits(0).prints(&["as the lock says"]);

    let args = ["pack", "remove", "policy", "hook:stop", "release", "tdd", "--apply"];
    let _ = place.run(&args).exits(0).prints(&["remove                hook/stop"]);

    assert_eq!(place.json(".agents/plugins/marketplace.json")["plugins"], json!([]));
    assert_eq!(place.json(".codex/hooks.json")["hooks"]["Stop"], json!([]));
    assert_eq!(place.read(".codex/pack-lock.json"), "{\n  \"version\": 1,\n  \"items\": []\n}\n");
    for folder in [".codex/flows/release", ".agents/skills/tdd", "plugins/policy", ".codex/hooks/stop"] {
        assert!(!place.at(folder).exists(), "{folder}");
    }
    let _ = place.run(&["pack", "remove", "tdd"]).exits(2).says(&["the lock has no item tdd"]);
}

#[test]
fn what_others_wrote_into_the_shared_files_stays() {
    let place = Place::new().with_all();
    let foreign = "{\n  \"name\": \"mine\", \"interface\": {},\n  \"plugins\": [\n    {\"name\":\"z\", \"x\":1e2}\n  ]\n}\n";
    write(&place.at(".agents/plugins/marketplace.json"), foreign);
    write(&place.at(".codex/hooks.json"), r#"{"mine":1,"hooks":{"Stop":[{"hooks":["theirs"]}],"Own":[1]}}"#);
    let _ = place.run(&["pack", "add", "../pack", "--apply"]).exits(0);
    let market = place.read(".agents/plugins/marketplace.json");
    assert!(market.starts_with(foreign.split_once("\n  ]").unwrap().0), "{market}");
    let hooks = place.json(".codex/hooks.json");
    assert_eq!((&hooks["mine"], &hooks["hooks"]["Own"]), (&json!(1), &json!([1])));
    assert_eq!(hooks["hooks"]["Stop"][0], json!({"hooks": ["theirs"]}));

    let _ = place.run(&["pack", "remove", "policy", "stop", "--apply"]).exits(0);

    assert_eq!(place.read(".agents/plugins/marketplace.json"), foreign);
    assert_eq!(place.json(".codex/hooks.json")["hooks"]["Stop"], json!([{"hooks": ["theirs"]}]));
}

#[test]
fn a_shared_file_that_is_broken_stops_everything_and_is_left_alone() {
    for file in [".agents/plugins/marketplace.json", ".codex/hooks.json", ".codex/pack-lock.json"] {
        let place = Place::new().with_all();
        write(&place.at(file), "{ broken");
        let run = place.run(&["pack", "add", "../pack", "--apply"]).exits(2);
        let _ = run.says(&[Path::new(file).file_name().unwrap().to_str().unwrap(), "line 1"]);
        assert_eq!(place.read(file), "{ broken");
        assert!(!place.at(".codex/flows").exists() && !place.at("plugins").exists());
        let _ = place.run(&["pack", "doctor"]).exits(1).prints(&["line 1 column"]);
    }
}

#[test]
fn with_one_conflict_nothing_at_all_is_installed() {
    let place = Place::new().with_all();
    write(&place.at("plugins/policy"), "a file");
    let before = Snapshot::of(&[&place.workspace()]);
    let run = place.run(&["pack", "add", "../pack", "--apply", "--json"]).exits(1);
    assert!(reason(&run).starts_with("destination is a file; rerun with --overwrite"), "{run}");
    assert_eq!(run.json()["applied"], false);
    assert!(before == Snapshot::of(&[&place.workspace()]));
    let _ = place
        .run(&["pack", "add", "../pack"])
        .exits(0)
        .prints(&["conflicts             1", "nothing is written"]);
    let _ = place.run(&["pack", "add", "../pack", "--apply", "--exclude", "plugin:policy"]).exits(0);
    assert!(place.at(".codex/flows/release").exists());
}

#[test]
fn what_is_overwritten_goes_to_the_backups() {
    let place = Place::new().with_all();
    write(&place.at(".codex/flows/release/mine"), "mine");
    let theirs = r#"{"plugins":[{"name":"policy","source":{"path":"./elsewhere"}}]}"#;
    write(&place.at(".agents/plugins/marketplace.json"), theirs);
    let run = place.run(&["pack", "add", "../pack", "--apply", "--json"]).exits(1);
    assert!(run.stdout.contains("marketplace already has plugin policy from ./elsewhere"), "{run}");

    let run = place.run(&["pack", "add", "../pack", "--apply", "--overwrite", "--json"]).exits(0);

    let said = run.json();
    let item = said["items"].as_array().unwrap().iter().find(|item| item["name"] == "release").unwrap();
    let backup = Path::new(item["backupPath"].as_str().unwrap());
    assert!(backup.starts_with(said["backupRoot"].as_str().unwrap()));
    assert_eq!(fs::read_to_string(backup.join("mine")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(said["marketplaceBackupPath"].as_str().unwrap()).unwrap(), theirs);
    let _ = place.run(&["pack", "doctor"]).exits(0);
}

#[test]
fn what_is_there_already_keeps_its_entry_and_the_lock_its_bytes() {
    let place = Place::new().with_all();
    let _ = place.run(&["pack", "add", "../pack", "--apply"]).exits(0);
    let lock =
        place.read(".codex/pack-lock.json").replace("\"version\": 1,", "\"version\": 1, \"mine\": [ 1 ],");
    write(&place.at(".codex/pack-lock.json"), &lock);
    fs::rename(place.path("pack"), place.path("moved")).unwrap();
    place.flow("moved", "another", "4\n");
    let before = Snapshot::of(&[&place.workspace()]);
    let args = ["pack", "add", "../moved", "--exclude", "another", "--apply", "--json"];
    let run = place.run(&args).exits(0);
    assert_eq!(run.json()["written"], json!([]), "{run}");
    assert!(before == Snapshot::of(&[&place.workspace()]), "not even the lock is written again");

    let _ = place.run(&["pack", "add", "../moved", "--apply"]).exits(0);

    let new = place.read(".codex/pack-lock.json");
    let (head, tail) = new.split_once("    {\n      \"name\": \"another\"").unwrap();
    let rest = tail.split_once("\n    },\n").unwrap().1;
    assert_eq!(format!("{head}{rest}"), lock, "the others keep source and time");
}

#[test]
fn links_and_what_no_hash_covers_are_refused_or_said() {
    let place = Place::new();
    place.flow("pack", "linked", "1");
    symlink("/etc/passwd", place.path("pack/flows/linked/leak")).unwrap();
    write(&place.flow("pack", "twins", "1").join("S"), "");
    write(&place.path("pack/flows/twins/s"), "");
    let plain = place.flow("pack", "plain", "1");
    write(&plain.join(".git/config"), "x");
    fs::set_permissions(plain.join("exec/s.ts"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("../flows", place.path("pack/skills")).unwrap();

    let run = place.run(&["pack", "add", "../pack", "--overwrite", "--apply", "--json"]).exits(1);

    assert!(run.stdout.contains("leak is a symbolic link"), "{run}");
    assert!(run.stdout.contains("S and s differ only in case"), "{run}");
    assert!(run.stdout.contains("skills is a symbolic link and is not followed"), "{run}");
    let run = place.run(&["pack", "add", "../pack", "--include", "plain", "--apply"]).exits(0);
    let _ = run.prints(&["exec/s.ts may be executed", ".git is left out"]);
    let mode = fs::metadata(place.at(".codex/flows/plain/exec/s.ts")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "{mode:o}");
    assert!(!place.at(".codex/flows/plain/.git").exists());
}

#[test]
fn a_folder_of_the_workspace_that_leads_elsewhere_is_not_written_through() {
    let place = Place::new().with_all();
    fs::create_dir_all(place.path("elsewhere")).unwrap();
    symlink(place.path("elsewhere"), place.at(".agents")).unwrap();
    let run = place.run(&["pack", "add", "../pack", "--include", "tdd", "--overwrite", "--apply"]).exits(1);
    let _ = run.prints(&[".agents is a symbolic link"]);
    assert_eq!(fs::read_dir(place.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn a_pack_whose_file_leads_out_of_it_is_refused_and_one_in_order_is_read() {
    let place = Place::new().with_all();
    let item = |path: &str| {
        format!(
            "[pack]\nname = \"caps\"\nversion = \"2\"\n[[pack.items]]\nname = \"x\"\nkind = \"skill\"\npath = \"{path}\"\n[[pack.items]]\nname = \"half\"\n"
        )
    };
    for path in ["../workspace", "/etc"] {
        write(&place.path("pack/codex-pack.toml"), item(path));
        let _ = place.run(&["pack", "inspect", "../pack"]).exits(2).says(&["leaves the pack"]);
    }
    write(&place.path("pack/codex-pack.toml"), item("skills/engineering/tdd"));
    let run = place.run(&["pack", "inspect", "../pack"]).exits(0);
    let _ = run.prints(&[
        "pack                  caps@2",
        "skill                 x (skills/engineering/tdd)",
        "warning               Skipping codex-pack.toml item 1: requires name, kind, and path.",
    ]);
    for command in ["inspect", "add"] {
        let said = place.run(&["pack", command, "../pack", "--json"]).exits(0).json();
        assert!(
            said["pack"]["manifestPath"].as_str().unwrap().ends_with("pack/codex-pack.toml"),
            "{command}"
        );
    }
}
