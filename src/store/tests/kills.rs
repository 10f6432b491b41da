//! A process that is killed at any moment leaves every file whole and everything that it was told
//! is written.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{Note, a_place};
use crate::ids::{Slug, TagName};
use crate::store::{ArtifactDir, DataDir, FlowClient, replace};

const ROUNDS: u64 = 20;
const PLACE: &str = "PATCH_MOI_TEST_KILL_PLACE";
const FIRST: &str = "PATCH_MOI_TEST_KILL_FIRST";

fn slug() -> Slug {
    "v1".parse::<TagName>().unwrap().slug()
}

/// Not a test by itself: the process that the test below kills. It writes for as long as it lives,
/// and says so after each round.
#[test]
fn a_writer_that_will_be_killed() {
    let (Some(place), Ok(first)) = (env::var_os(PLACE), env::var(FIRST)) else { return };
    let (place, first) = (Path::new(&place), first.parse::<u64>().unwrap());
    let data = DataDir::open(&place.join("data"));
    let client = FlowClient::open(place);
    for n in first.. {
        data.flow_events().append(&Note::new(n)).unwrap();
        let event = json!({"id": n.to_string(), "type": "t", "receivedAt": "T"});
        client.update(|state| state.record_event(&event, "T")).unwrap().unwrap();
        data.update_feed_state(|state| drop(state.insert("source".to_owned(), json!(n)))).unwrap();
        replace(&place.join("whole.json"), json!({"n": n, "fill": "x".repeat(9000)}).to_string().as_bytes())
            .unwrap();
        let artifact = ArtifactDir::open(&place.join("artifacts"), &slug()).unwrap();
        for file in ["one", "sub/two"] {
            artifact.write(&file.parse().unwrap(), n.to_string().as_bytes()).unwrap();
        }
        artifact.publish().unwrap();
        println!("\nwritten {n}");
    }
}

/// Starts the writer, kills it some milliseconds after its first round, and returns the last round
/// that it said is written.
fn write_and_be_killed(place: &Path, first: u64, after: Duration) -> u64 {
    let mut writer = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "store::tests::kills::a_writer_that_will_be_killed",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(PLACE, place)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut written = lines
        .by_ref()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("written ").and_then(|n| n.parse::<u64>().ok()));
    let mut last = written.next().expect("the writer's first round");
    thread::sleep(after);
    writer.kill().unwrap();
    last = written.last().unwrap_or(last);
    writer.wait().unwrap();
    last
}

#[test]
fn a_kill_at_any_moment_leaves_every_file_whole_and_loses_nothing_that_was_said() {
    let place = a_place();
    let place = place.path();
    let (data, client) = (DataDir::open(&place.join("data")), FlowClient::open(place));
    let mut first = 1;
    for round in 0..ROUNDS {
        // Spread over the writer's round without a clock or a generator to be seeded.
        let last = write_and_be_killed(place, first, Duration::from_micros(round * 2_657 % 23_000));

        let read = data.flow_events::<Note>().read().unwrap();
        let seen: Vec<u64> = read.records.iter().map(|note| note.n).collect();
        let state = client.read().unwrap();
        for n in first..=last {
            assert!(seen.contains(&n), "round {round}: line {n} is gone");
            assert!(state.event(&n.to_string()).is_some(), "round {round}: event {n} is gone");
        }
        assert!(data.feed_state().unwrap()["source"].as_u64().unwrap() >= last);
        let whole: serde_json::Value =
            serde_json::from_slice(&fs::read(place.join("whole.json")).unwrap()).unwrap();
        assert!(whole["n"].as_u64().unwrap() >= last);
        let artifact = place.join("artifacts/v1");
        let one = fs::read_to_string(artifact.join("one")).unwrap();
        assert_eq!(
            one,
            fs::read_to_string(artifact.join("sub/two")).unwrap(),
            "round {round}: a mixed artifact"
        );
        assert!(one.parse::<u64>().unwrap() >= last);
        first = last + 2;
    }
    drop(ArtifactDir::open(&place.join("artifacts"), &slug()).unwrap());
    let left: Vec<_> =
        fs::read_dir(place.join("artifacts")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "the artifact, its folder's lock and .gitignore: {left:?}");
}
