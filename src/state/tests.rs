use proptest::prelude::*;
use serde_json::json;

use super::*;

fn files(all: &[(&str, &str)]) -> Files {
    all.iter().map(|(path, text)| (path.parse().unwrap(), text.as_bytes().to_vec())).collect()
}

fn text<'f>(files: &'f Files, path: &str) -> &'f str {
    std::str::from_utf8(&files[&path.parse::<RelPath>().unwrap()]).unwrap()
}

#[test]
fn lines_of_both_stand_once_in_the_order_of_their_times() {
    let ours = files(&[("data/releases.jsonl", "{\"n\":1,\"at\":\"T1\"}\n{\"n\":3,\"at\":\"T3\"}\n")]);
    let theirs = files(&[("data/releases.jsonl", "{\"n\":1,\"at\":\"T1\"}\n{\"n\":2,\"at\":\"T2\"}\n")]);
    let all = union(&ours, &theirs);
    let lines: Vec<_> = text(&all, "data/releases.jsonl").lines().map(|line| &line[5..6]).collect();
    assert_eq!(lines, ["1", "2", "3"]);
}

#[test]
fn a_line_that_cannot_be_read_stays_behind_the_one_it_stood_behind() {
    let ours = files(&[("data/releases.jsonl", "{\"at\":\"T1\"}\n{\"at\":\"T1\", torn\n{\"at\":\"T3\"}")]);
    let theirs = files(&[("data/releases.jsonl", "{\"at\":\"T2\"}\n")]);
    assert_eq!(
        text(&union(&ours, &theirs), "data/releases.jsonl"),
        "{\"at\":\"T1\"}\n{\"at\":\"T1\", torn\n{\"at\":\"T2\"}\n{\"at\":\"T3\"}\n"
    );
}

#[test]
fn an_event_that_two_machines_noticed_is_one_event() {
    let line = |at: &str| format!("{}\n", json!({"id": "e", "type": "t", "receivedAt": at, "payload": {}}));
    let (ours, theirs) = (line("T2"), line("T1"));
    let (ours, theirs) =
        (files(&[("data/flow-events.jsonl", &ours)]), files(&[("data/flow-events.jsonl", &theirs)]));
    assert_eq!(union(&ours, &theirs), theirs);
    let other =
        files(&[("data/flow-events.jsonl", "{\"id\":\"e\",\"receivedAt\":\"T0\",\"payload\":{\"x\":1}}\n")]);
    assert_eq!(text(&union(&ours, &other), "data/flow-events.jsonl").lines().count(), 2);
}

#[test]
fn the_feed_that_was_read_last_says_how_far() {
    let ours = json!({"a": {"lastSeenId": "1", "lastCheckedAt": "T1"}, "b": {"lastSeenId": "9", "lastCheckedAt": "T9"}});
    let theirs = json!({"a": {"lastSeenId": "2", "lastCheckedAt": "T2"}, "c": 7});
    let all = union(&files(&[(FEED_STATE, &ours.to_string())]), &files(&[(FEED_STATE, &theirs.to_string())]));
    let found: Value = serde_json::from_str(text(&all, FEED_STATE)).unwrap();
    assert_eq!(found, json!({"a": theirs["a"], "b": ours["b"], "c": 7}));
}

#[test]
fn runs_of_two_machines_stand_beside_each_other_and_the_later_state_of_one_wins() {
    let run = |id: &str, status: &str, at: &str| {
        json!({
            "id": id, "eventId": "e", "status": status, "effectiveStatus": status, "needsAttention": false,
            "attemptCount": 1, "attempts": [], "output": [], "completedAt": at, "updatedAt": at, "raw": {},
        })
    };
    let state = |created: &str, runs: &[Value]| {
        let ids: Vec<_> = runs.iter().map(|run| &run["id"]).collect();
        let event = json!({"id": "e", "type": "t", "receivedAt": created, "payload": {}});
        json!({"events": [{"event": event, "createdAt": created, "runIds": ids}], "runs": runs}).to_string()
    };
    let ours = state("T1", &[run("a", "failed", "T2"), run("b", "changed", "T3")]);
    let theirs = state("T0", &[run("a", "changed", "T4"), run("c", "changed", "T1")]);
    let all = union(&files(&[(FLOW_CLIENT, &ours)]), &files(&[(FLOW_CLIENT, &theirs)]));
    let found: Value = serde_json::from_str(text(&all, FLOW_CLIENT)).unwrap();
    let runs: Vec<_> =
        found["runs"].as_array().unwrap().iter().map(|run| (&run["id"], &run["status"])).collect();
    assert_eq!(
        runs,
        [
            (&json!("c"), &json!("changed")),
            (&json!("b"), &json!("changed")),
            (&json!("a"), &json!("changed"))
        ]
    );
    assert_eq!(found["events"][0]["createdAt"], "T0");
    assert_eq!(found["events"][0]["runIds"], json!(["a", "b", "c"]));
}

#[test]
fn what_one_machine_has_archived_does_not_come_back_from_another() {
    let run = |id: &str, at: &str| {
        json!({
            "id": id, "eventId": id, "status": "changed", "effectiveStatus": "changed", "needsAttention": false,
            "attemptCount": 1, "attempts": [], "output": [], "completedAt": at, "updatedAt": at, "raw": {},
        })
    };
    let event = |id: &str| json!({"event": {"id": id, "type": "t", "receivedAt": "T0"}, "createdAt": "T0", "runIds": [id]});
    let state = |ids: &[(&str, &str)]| {
        let events: Vec<_> = ids.iter().map(|(id, _)| event(id)).collect();
        let runs: Vec<_> = ids.iter().map(|(id, at)| run(id, at)).collect();
        json!({"events": events, "runs": runs}).to_string()
    };
    let mut archived = event("old");
    archived["runs"] = json!([run("old", "T1")]);
    let ours = files(&[(FLOW_CLIENT, &state(&[("new", "T3")])), (ARCHIVE, &format!("{archived}\n"))]);
    let theirs = files(&[(FLOW_CLIENT, &state(&[("old", "T1"), ("other", "T2")]))]);

    let all = union(&theirs, &ours);

    let found: Value = serde_json::from_str(text(&all, FLOW_CLIENT)).unwrap();
    let ids = |list: &str, at: &str| {
        found[list].as_array().unwrap().iter().map(|one| one.pointer(at).unwrap().clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids("runs", "/id"), ["other", "new"]);
    assert_eq!(ids("events", "/event/id"), ["other", "new"]);
    assert_eq!(text(&all, ARCHIVE), format!("{archived}\n"));
    assert_eq!(union(&all, &theirs), all);
    assert_eq!(union(&all, &ours), all);

    let anew = files(&[(FLOW_CLIENT, &state(&[("old", "T9")]))]);
    assert!(text(&union(&all, &anew), FLOW_CLIENT).contains("T9"), "what was run anew stays");
}

#[test]
fn what_cannot_be_read_as_its_kind_is_put_aside_and_not_lost() {
    let good = "{\"events\": [], \"runs\": []}";
    for (ours, theirs) in [(good, "half a"), ("half a", good)] {
        let all = union(&files(&[(FLOW_CLIENT, ours)]), &files(&[(FLOW_CLIENT, theirs)]));
        assert_eq!(text(&all, FLOW_CLIENT), good);
        assert_eq!(all.len(), 2);
        assert!(all.values().any(|bytes| bytes == b"half a"));
        assert_eq!(union(&all, &files(&[(FLOW_CLIENT, theirs)])), all);
        assert_eq!(union(&all, &files(&[(FLOW_CLIENT, ours)])), all);
    }
}

#[test]
fn a_file_of_a_newer_version_stays_as_it_is() {
    let theirs = files(&[("resolutions/1.bin", "\u{0}x"), ("data/other.jsonl", "{\"at\":\"T\"}\n")]);
    assert_eq!(union(&Files::new(), &theirs), theirs);
    assert_eq!(union(&theirs, &Files::new()), theirs);
}

#[test]
fn a_state_without_bounds_is_refused() {
    let path: RelPath = "data/releases.jsonl".parse().unwrap();
    let mut bounds = Bounds::default();
    assert!(matches!(bounds.take(&path, LARGEST_FILE + 1), Err(TooLarge::File { .. })));
    let mut bounds = Bounds::default();
    let taken = (0..5).try_for_each(|_| bounds.take(&path, LARGEST_FILE));
    assert!(matches!(taken, Err(TooLarge::Whole(_))));
    let many: Files = (0..=MOST_FILES).map(|n| (format!("data/{n}").parse().unwrap(), Vec::new())).collect();
    assert_eq!(check(&many), Err(TooLarge::Files));
}

/// A line of a journal: a record with a time or without, or something else.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..6_u8, 0..4_u8).prop_map(|(at, n)| json!({"at": format!("T{at}"), "n": n}).to_string()),
        (0..6_u8, 0..3_u8).prop_map(|(at, n)| json!({"id": n, "receivedAt": format!("T{at}")}).to_string()),
        (0..4_u8).prop_map(|n| json!({"n": n}).to_string()),
        (0..3_u8).prop_map(|n| format!("{{\"torn\": {n}")),
    ]
}

fn journal() -> impl Strategy<Value = String> {
    prop::collection::vec(line(), 0..8)
        .prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect())
}

fn client() -> impl Strategy<Value = String> {
    let run = (0..4_u8, 0..4_u8, 0..3_u8).prop_map(|(id, at, x)| {
        json!({
            "id": format!("run_{id}"), "eventId": "e", "status": "changed", "effectiveStatus": "changed",
            "needsAttention": false, "attemptCount": 1, "attempts": [], "output": [], "updatedAt": format!("T{at}"),
            "raw": {"x": x},
        })
    });
    prop::collection::btree_map(0..4_u8, run, 0..4).prop_map(|runs| {
        let mut runs: Vec<Value> = runs
            .into_iter()
            .map(|(id, mut run)| {
                run["id"] = json!(format!("run_{id}"));
                run
            })
            .collect();
        runs.sort_by_key(|run| run["updatedAt"].to_string());
        format!("{:#}", json!({"events": [], "runs": runs, "version": 1}))
    })
}

fn state() -> impl Strategy<Value = Files> {
    let cursors = prop::collection::btree_map("[a-c]", 0..5_u8, 0..3).prop_map(|read| {
        let of = |(source, at): (String, u8)| {
            (source, json!({"lastSeenId": "x", "lastCheckedAt": format!("T{at}")}))
        };
        json!(read.into_iter().map(of).collect::<Map<String, Value>>()).to_string()
    });
    let maybe = |text: BoxedStrategy<String>| prop::option::of(text);
    (maybe(journal().boxed()), maybe(journal().boxed()), maybe(client().boxed()), maybe(cursors.boxed()))
        .prop_map(|(releases, events, client, cursors)| {
            let all = [
                ("data/releases.jsonl", releases),
                ("data/flow-events.jsonl", events),
                (FLOW_CLIENT, client),
                (FEED_STATE, cursors),
            ];
            let there = all.into_iter().filter_map(|(path, text)| Some((path, text?)));
            there.map(|(path, text)| (path.parse().unwrap(), text.into_bytes())).collect()
        })
}

/// The files with what order decides taken out.
fn unordered(files: &Files) -> BTreeMap<String, Vec<String>> {
    let of = |(path, bytes): (&RelPath, &Vec<u8>)| {
        let text = String::from_utf8_lossy(bytes);
        let mut parts: Vec<String> = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(whole)) if !path.as_str().ends_with(".jsonl") => whole
                .iter()
                .flat_map(|(key, value)| match value {
                    Value::Array(elements) => elements.iter().map(|one| format!("{key} {one}")).collect(),
                    other => vec![format!("{key} {other}")],
                })
                .collect(),
            _ => text.lines().map(str::to_owned).collect(),
        };
        parts.sort();
        (path.to_string(), parts)
    };
    files.iter().map(of).collect()
}

proptest! {
    #[test]
    fn uniting_again_changes_nothing(one in state(), other in state()) {
        let all = union(&one, &other);
        prop_assert_eq!(&union(&all, &all), &all);
        prop_assert_eq!(&union(&all, &one), &all);
        prop_assert_eq!(&union(&all, &other), &all);
    }

    #[test]
    fn whoever_comes_first_both_have_the_same(one in state(), other in state()) {
        prop_assert_eq!(unordered(&union(&one, &other)), unordered(&union(&other, &one)));
    }

    #[test]
    fn three_machines_may_meet_in_any_order(one in state(), other in state(), third in state()) {
        let left = union(&union(&one, &other), &third);
        let right = union(&one, &union(&other, &third));
        prop_assert_eq!(unordered(&left), unordered(&right));
    }

    #[test]
    fn no_line_is_lost(one in journal(), other in journal()) {
        let path = "data/releases.jsonl";
        let all = union(&files(&[(path, &one)]), &files(&[(path, &other)]));
        let found: Vec<&str> = text(&all, path).lines().collect();
        for line in one.lines().chain(other.lines()) {
            prop_assert_eq!(found.iter().filter(|found| **found == line).count(), 1);
        }
    }

    #[test]
    fn bytes_that_are_no_state_at_all_are_kept(one in prop::collection::vec(any::<u8>(), 1..40), other in prop::collection::vec(any::<u8>(), 1..40)) {
        let whole = |bytes: &Vec<u8>| Files::from([(FLOW_CLIENT.parse().unwrap(), bytes.clone())]);
        let all = union(&whole(&one), &whole(&other));
        prop_assert!(all.values().any(|bytes| *bytes == one) && all.values().any(|bytes| *bytes == other));
    }
}
