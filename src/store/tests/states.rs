//! The flow client's state: never overwritten unread, never lost by a neighbour.

use std::fs;
use std::thread;

use serde_json::{Value, json};

use super::a_place;
use crate::record::FlowClientState;
use crate::store::{FlowClient, StoreError};

fn event(id: &str) -> Value {
    json!({"id": id, "type": "upstream.release", "receivedAt": "T"})
}

#[test]
fn a_file_that_is_no_state_is_never_written_over() {
    for text in ["", "{", "null", "{\"events\":[]}"] {
        let place = a_place();
        let client = FlowClient::open(place.path());
        fs::create_dir_all(client.path().parent().unwrap()).unwrap();
        fs::write(client.path(), text).unwrap();

        let error = client.update(|state| state.record_event(&event("e"), "T")).unwrap_err();

        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("state.json cannot be used"), "{error}");
        assert!(error.hint().unwrap().contains("move it away"));
        assert!(client.read().is_err());
        assert_eq!(fs::read_to_string(client.path()).unwrap(), text);
    }
}

#[test]
fn reading_creates_nothing_and_changing_nothing_writes_nothing() {
    let place = a_place();
    let client = FlowClient::open(place.path());
    assert_eq!(client.read().unwrap(), FlowClientState::default());
    assert!(!place.path().join(".codex").exists());

    client.update(|_| ()).unwrap();
    assert!(!client.path().exists());
}

#[test]
fn a_change_is_there_for_the_next_and_hidden_from_git() {
    let place = a_place();
    let client = FlowClient::open(place.path());
    client.update(|state| state.record_event(&event("e"), "T")).unwrap().unwrap();
    assert!(client.read().unwrap().event("e").is_some());
    assert!(!fs::read(client.path()).unwrap().ends_with(b"\n"));
    assert_eq!(fs::read(place.path().join(".codex/workspace/actions/.gitignore")).unwrap(), b"*\n");
    assert!(!place.path().join(".codex/.gitignore").exists());
}

#[test]
fn what_a_killed_run_left_beside_the_state_goes_with_the_next_change() {
    let place = a_place();
    let client = FlowClient::open(place.path());
    client.update(|state| state.record_event(&event("e"), "T")).unwrap().unwrap();
    let leftover = client.path().with_file_name(".state.json.abc.patch-moi-tmp");
    fs::write(&leftover, "{").unwrap();
    client.update(|state| state.record_event(&event("f"), "T")).unwrap().unwrap();
    assert!(!leftover.exists());
}

#[test]
fn three_runs_at_once_keep_all_their_events() {
    let place = a_place();
    thread::scope(|scope| {
        for run in 0..3 {
            let client = FlowClient::open(place.path());
            scope.spawn(move || {
                for n in 0..15 {
                    client
                        .update(|state| state.record_event(&event(&format!("{run}/{n}")), "T"))
                        .unwrap()
                        .unwrap();
                }
            });
        }
    });
    let state = FlowClient::open(place.path()).read().unwrap();
    assert_eq!(serde_json::to_value(state).unwrap()["events"].as_array().unwrap().len(), 45);
}

#[test]
fn an_event_is_carried_by_one_run_at_a_time() {
    let place = a_place();
    let (client, id) = (FlowClient::open(place.path()), "e".parse().unwrap());
    let held = client.claim(&id).unwrap();
    let (started, waits) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            started.send(()).unwrap();
            let _lock = client.claim(&id).unwrap();
            client.read().unwrap().event("e").is_some()
        });
        waits.recv().unwrap();
        client.update(|state| state.record_event(&event("e"), "T")).unwrap().unwrap();
        drop(held);
        assert!(second.join().unwrap(), "the second run sees what the first one did");
    });
    assert!(client.claim(&"other".parse().unwrap()).is_ok());
}
