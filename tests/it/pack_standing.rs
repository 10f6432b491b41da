//! What is installed and what the lock says: doctor, update, and a kill in between.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::json;

use crate::pack::{Place, actions, reason};
use crate::support::{content_hash, patch_moi, write};

fn installed() -> Place {
    let place = Place::new();
    place.flow("pack", "a", "1\n");
    place.flow("pack", "b", "1\n");
    let _ = place.run(&["pack", "add", "../pack", "--apply"]).exits(0);
    place
}

#[test]
fn doctor_fails_on_everything_that_is_not_as_the_lock_says() {
    type Harm = fn(&Place);
    let harms: [(Harm, &str); 8] = [
        (|place| write(&place.at(".codex/flows/a/exec/s.ts"), "2\n"), "content hash differs"),
        (|place| fs::remove_dir_all(place.at(".codex/flows/a")).unwrap(), "missing               flow/a"),
        (
            |place| write(&place.at(".codex/flows/mine/flow.toml"), "name = \"mine\""),
            "mine is not in the lock",
        ),
        (|place| symlink("/etc", place.at(".codex/flows/a/etc")).unwrap(), "etc is a symbolic link"),
        (
            |place| {
                let script = place.at(".codex/flows/a/exec/s.ts");
                fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
            },
            "the mode of exec/s.ts is not that of the pack",
        ),
        (|place| write(&place.at(".codex/pack-lock.json"), "{"), "failed to parse"),
        (|place| fs::remove_file(place.at(".codex/pack-lock.json")).unwrap(), "a is not in the lock"),
        (
            |place| {
                let lock = place.read(".codex/pack-lock.json").replacen("contentHash", "contentHush", 1);
                write(&place.at(".codex/pack-lock.json"), lock);
            },
            "missing field `contentHash`",
        ),
    ];
    for (harm, said) in harms {
        let place = installed();
        harm(&place);
        let _ = place.run(&["pack", "doctor"]).exits(1).prints(&[said, "not as the lock says"]);
        assert_eq!(place.run(&["pack", "doctor", "--json"]).exits(1).json()["healthy"], false);
    }
}

#[test]
fn doctor_says_which_flows_the_old_system_cannot_run_and_calls_that_no_fault() {
    let place = Place::new();
    let flow =
        "name = \"n\"\nversion = 1\n[[steps]]\nname = \"s\"\nrunner = \"command\"\ncommand = [\"true\"]\n";
    write(&place.path("pack/flows/n/flow.toml"), flow);
    let _ = place.run(&["pack", "add", "../pack", "--apply"]).exits(0);
    let run = place.run(&["pack", "doctor"]).exits(0);
    let _ = run.prints(&["codex-flows does not know the runner command"]);
}

#[test]
fn a_plugin_or_hook_without_its_entry_is_found() {
    let place = Place::new();
    write(&place.path("pack/plugins/p/.codex-plugin/plugin.json"), "{}");
    write(&place.path("pack/hooks/h/hooks.json"), r#"{"hooks":{"Stop":[{"hooks":[1]}]}}"#);
    let _ = place.run(&["pack", "add", "../pack", "--apply"]).exits(0);
    write(&place.at(".agents/plugins/marketplace.json"), "{\"plugins\": []}");
    write(&place.at(".codex/hooks.json"), "{\"hooks\": {}}");
    let run = place.run(&["pack", "doctor"]).exits(1);
    let _ = run.prints(&["plugin p has no entry", "hook h is not in hooks.json"]);
    let _ = place.run(&["pack", "update", "--apply"]).exits(0);
    let _ = place.run(&["pack", "doctor"]).exits(0);
}

#[test]
fn an_update_brings_what_is_new_and_keeps_what_a_person_changed() {
    let place = installed();
    assert_eq!(place.run(&["pack", "update", "--apply", "--json"]).exits(0).json()["written"], json!([]));
    place.flow("pack", "a", "2\n");
    let before = place.json(".codex/pack-lock.json");
    let run = place.run(&["pack", "update", "--json"]).exits(0);
    assert_eq!(actions(&run), [("a".into(), "update".into()), ("b".into(), "unchanged".into())]);
    assert_eq!(place.read(".codex/flows/a/exec/s.ts"), "1\n");

    let _ = place.run(&["pack", "update", "--apply"]).exits(0);

    assert_eq!(place.read(".codex/flows/a/exec/s.ts"), "2\n");
    assert_eq!(place.json(".codex/pack-lock.json")["items"][1], before["items"][1]);
    assert!(!place.at(".codex/pack-backups").exists(), "nothing of a person's was there");

    place.flow("pack", "a", "3\n");
    write(&place.at(".codex/flows/a/exec/s.ts"), "mine\n");
    let run = place.run(&["pack", "update", "a", "--apply", "--json"]).exits(1);
    assert!(reason(&run).contains("changed after it was installed"), "{run}");
    let _ = place.run(&["pack", "remove", "a", "--apply"]).exits(1);
    assert_eq!(place.read(".codex/flows/a/exec/s.ts"), "mine\n");
    let _ = place.run(&["pack", "update", "a", "--apply", "--overwrite"]).exits(0);
    assert_eq!(place.read(".codex/flows/a/exec/s.ts"), "3\n");
    assert_eq!(fs::read_dir(place.at(".codex/pack-backups")).unwrap().count(), 1);

    fs::remove_dir_all(place.path("pack/flows/b")).unwrap();
    let run = place.run(&["pack", "update", "b", "--apply", "--json"]).exits(0);
    assert!(reason(&run).contains("does not have it any more"), "{run}");
    fs::remove_dir_all(place.path("pack")).unwrap();
    let run = place.run(&["pack", "update", "--apply", "--json"]).exits(1);
    assert!(reason(&run).contains("its pack cannot be opened: ../pack is no folder"), "{run}");
}

#[test]
fn a_lock_whose_paths_lead_elsewhere_harms_nothing() {
    let place = installed();
    write(&place.path("precious/x"), "x");
    let lock = place.read(".codex/pack-lock.json").replace(".codex/flows/a", "../precious");
    write(&place.at(".codex/pack-lock.json"), lock);
    let run = place.run(&["pack", "remove", "a", "--apply", "--overwrite"]).exits(1);
    let _ = run.prints(&["../precious"]);
    assert!(place.path("precious/x").exists());
    let _ = place.run(&["pack", "doctor"]).exits(1).prints(&["does not lie at .codex/flows/a"]);
}

/// The hash of each item, none where it is not there.
fn standing(place: &Place) -> Vec<Option<String>> {
    let hash = |name| place.at(".codex/flows").join(name);
    ["a", "b", "c"].map(hash).iter().map(|path| path.exists().then(|| content_hash(path))).collect()
}

#[test]
fn whoever_is_killed_leaves_the_old_or_the_new_and_the_next_command_puts_it_right() {
    let place = Place::new();
    for (pack, text) in [("one", "1\n"), ("two", "2\n")] {
        for name in ["a", "b", "c"] {
            let folder = place.flow(pack, name, text);
            (0..15).for_each(|number| write(&folder.join(format!("data/{number}")), text));
        }
    }
    let of = |pack: &str| -> Vec<Option<String>> {
        let folder = |name| place.path(pack).join("flows").join(name);
        ["a", "b", "c"].map(folder).iter().map(|path| Some(content_hash(path))).collect()
    };
    let (one, two) = (of("one"), of("two"));
    let _ = place.run(&["pack", "add", "../one", "--apply"]).exits(0);
    let (mut now, mut next, mut pack) = (one, two, "two");
    let (mut killed, mut changed) = (0, 0);
    for milliseconds in (2..120).step_by(3) {
        let args = ["pack", "add", &format!("../{pack}"), "--apply", "--overwrite"];
        let run = patch_moi(&place.workspace()).args(args).killed_after(milliseconds).run();
        killed += usize::from(run.code.is_none());
        for (item, (old, new)) in standing(&place).iter().zip(now.iter().zip(&next)) {
            assert!(item == old || item == new, "neither old nor new after {milliseconds} ms");
        }
        let _ = place.run(&["pack", "doctor"]).exits(0);
        let after = standing(&place);
        assert!(after == now || after == next, "half of both after {milliseconds} ms");
        assert!(!place.at(".codex/.pack-transaction").exists());
        if after == next {
            std::mem::swap(&mut now, &mut next);
            pack = if pack == "two" { "one" } else { "two" };
            changed += 1;
        }
    }
    assert!(killed > 0, "every run was faster than its end");
    assert!(changed > 0 || killed == 40, "no run came to its end");
}
