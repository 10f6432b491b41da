//! What patch-moi keeps in a work tree is no dirt in it.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::{Note, a_place};
use crate::ids::TagName;
use crate::store::{ArtifactDir, DataDir, FlowClient};

fn git(place: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(place)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_work_tree_stays_clean_whatever_is_kept_in_it() {
    let place = a_place();
    let place = place.path();
    git(place, &["init", "--quiet"]);

    DataDir::open(&place.join("data")).flow_events().append(&Note::new(1)).unwrap();
    let client = FlowClient::open(place);
    let event = json!({"id": "e", "type": "t"});
    client.update(|state| state.record_event(&event, "T")).unwrap().unwrap();
    let _claim = client.claim(&"e".parse().unwrap()).unwrap();
    let name = "v1".parse::<TagName>().unwrap().slug();
    let artifact = ArtifactDir::open(&place.join(".codex/workspace/actions/artifacts"), &name).unwrap();
    artifact.write(&"report.md".parse().unwrap(), b"# v1").unwrap();
    let _other = ArtifactDir::open(&place.join(".codex/workspace/actions/artifacts"), &name).unwrap();
    artifact.publish().unwrap();

    assert_eq!(git(place, &["status", "--porcelain", "--untracked-files=all"]), "");
}
