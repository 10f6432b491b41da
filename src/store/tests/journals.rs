//! Journals: torn lines, broken lines, several writers.

use std::fs;
use std::thread;

use serde_json::{Map, Value, json};

use super::{Note, a_place};
use crate::record::{Dispatch, Operation};
use crate::store::journal::Journal;
use crate::store::{DataDir, Journaled, StoreError};

fn numbers(journal: &Journal<Note>) -> Vec<u64> {
    journal.read().unwrap().records.iter().map(|note| note.n).collect()
}

#[test]
fn reading_creates_nothing() {
    let place = a_place();
    let data = DataDir::open(&place.path().join("data"));
    assert!(data.flow_events::<Note>().read().unwrap().records.is_empty());
    assert!(data.dispatches().read().unwrap().records.is_empty());
    assert!(data.feed_state().unwrap().is_empty());
    assert!(!data.path().exists());
}

#[test]
fn a_journal_that_cannot_be_read_is_an_error_and_not_an_empty_one() {
    let place = a_place();
    let data = DataDir::open(place.path());
    fs::create_dir(data.attempts().path).unwrap();
    let error = data.attempts().read().unwrap_err();
    assert!(error.to_string().contains("maintenance-attempts.jsonl"), "{error}");
}

#[test]
fn a_torn_last_line_costs_nobody_anything_else() {
    let place = a_place();
    let journal = DataDir::open(place.path()).flow_events::<Note>();
    journal.append(&Note::new(1)).unwrap();
    journal.append(&Note::new(2)).unwrap();
    let whole = fs::read(&journal.path).unwrap();
    fs::write(&journal.path, &whole[..whole.len() - 4]).unwrap();

    let Journaled { records, warnings } = journal.read().unwrap();
    assert_eq!(records, [Note::new(1)]);
    assert_eq!(warnings.len(), 1);
    assert_eq!((warnings[0].line, warnings[0].why.as_str()), (2, "it was not written to its end"));

    journal.append(&Note::new(3)).unwrap();
    journal.append(&Note::new(4)).unwrap();

    let Journaled { records, warnings } = journal.read().unwrap();
    assert_eq!(records.iter().map(|note| note.n).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(warnings.len(), 1, "the torn line stays and stays reported: {warnings:?}");
    assert!(warnings[0].to_string().contains("flow-events.jsonl line 2 was passed over"), "{}", warnings[0]);
}

#[test]
fn a_journal_cut_at_any_byte_loses_only_the_line_that_was_cut() {
    let place = a_place();
    let journal = DataDir::open(place.path()).flow_events::<Note>();
    (1..=3).for_each(|n| journal.append(&Note::new(n)).unwrap());
    let whole = fs::read(&journal.path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&journal.path, &whole[..cut]).unwrap();
        journal.append(&Note::new(9)).unwrap();

        let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        let mut expected: Vec<u64> = ends.filter(|end| *end <= cut).zip(1..).map(|(_, n)| n).collect();
        expected.push(9);
        assert_eq!(numbers(&journal), expected, "cut at {cut}");
    }
}

#[test]
fn a_last_line_that_only_lacks_its_newline_is_read() {
    let place = a_place();
    let journal = DataDir::open(place.path()).flow_events::<Note>();
    fs::write(&journal.path, r#"{"n":1,"text":"by hand"}"#).unwrap();
    assert!(journal.read().unwrap().warnings.is_empty());
    journal.append(&Note::new(2)).unwrap();
    assert_eq!(numbers(&journal), [1, 2]);
}

#[test]
fn lines_that_are_no_records_are_named_and_left_where_they_are() {
    let place = a_place();
    let journal = DataDir::open(place.path()).flow_events::<Note>();
    let mut bytes = b"\xef\xbb\xbf{\"n\":1,\"text\":\"a\"}\r\n\r\n   \nnot json\n{\"n\":\"two\"}\n".to_vec();
    bytes.extend_from_slice(b"{\"n\":3,\"text\":\"\xff\xfe\"}\n{\"text\":\"\x1b[31m\",\"n\":\"x\"}\n");
    bytes.extend_from_slice(&vec![b'x'; (16 << 20) + 10]);
    bytes.extend_from_slice(b"\n{\"n\":4,\"text\":\"d\"}\n");
    fs::write(&journal.path, &bytes).unwrap();

    let Journaled { records, warnings } = journal.read().unwrap();
    assert_eq!(records.iter().map(|note| note.n).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(records[1].text, "\u{fffd}\u{fffd}");
    assert_eq!(warnings.iter().map(|warning| warning.line).collect::<Vec<_>>(), [4, 5, 7, 8]);
    assert!(warnings.iter().all(|warning| !warning.why.chars().any(char::is_control)));
    assert!(warnings[3].why.contains("longer than"), "{}", warnings[3]);
    assert_eq!(fs::read(&journal.path).unwrap(), bytes);
}

#[test]
fn a_ruined_journal_does_not_drown_the_reader_in_warnings() {
    let place = a_place();
    let journal = DataDir::open(place.path()).flow_events::<Note>();
    fs::write(&journal.path, "garbage\n".repeat(1000)).unwrap();
    let warnings = journal.read().unwrap().warnings;
    assert_eq!(warnings.len(), 20);
    assert!(warnings[19].why.ends_with("and 980 more lines after it"), "{}", warnings[19]);
}

#[test]
fn a_record_that_is_too_long_is_refused_and_the_journal_stays() {
    let place = a_place();
    let journal = DataDir::open(place.path()).flow_events::<Note>();
    journal.append(&Note::new(1)).unwrap();
    let error = journal.append(&Note { n: 2, text: "x".repeat(17 << 20) }).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { .. }), "{error}");
    assert_eq!(numbers(&journal), [1]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_with_the_way_out() {
    let place = a_place();
    let journal = DataDir::open(place.path()).flow_events::<Note>();
    std::os::unix::fs::symlink("/dev/full", &journal.path).unwrap();
    let error = journal.append(&Note::new(1)).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.hint().unwrap().contains("make room"), "{error}");
}

#[test]
fn three_writers_lose_no_line() {
    let place = a_place();
    thread::scope(|scope| {
        for writer in 0..3 {
            let journal = DataDir::open(&place.path().join("data")).flow_events::<Note>();
            scope.spawn(move || (0..40).for_each(|n| journal.append(&Note::new(writer * 100 + n)).unwrap()));
        }
    });
    let mut seen = numbers(&DataDir::open(&place.path().join("data")).flow_events());
    seen.sort_unstable();
    assert_eq!(seen, (0..3).flat_map(|writer| writer * 100..writer * 100 + 40).collect::<Vec<_>>());
}

#[test]
fn what_is_decided_on_the_journal_is_decided_once() {
    let place = a_place();
    let added: usize = thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let journal = DataDir::open(place.path()).flow_events::<Note>();
                let only_once = |seen: Vec<Note>| seen.is_empty().then(|| Note::new(7));
                scope.spawn(move || journal.append_after(only_once).unwrap().records.len())
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_eq!(added, 1);
    assert_eq!(numbers(&DataDir::open(place.path()).flow_events()), [7]);
}

#[test]
fn the_older_systems_dispatches_come_first_and_are_never_written() {
    let place = a_place();
    let dispatches = DataDir::open(place.path()).dispatches();
    let dispatch =
        |id: &str| Dispatch::taken(&id.parse().unwrap(), "t", Operation::Dispatch, Vec::new(), "T");
    dispatches.append(&dispatch("new")).unwrap();
    let old = serde_json::to_string(&dispatch("old")).unwrap();
    fs::write(place.path().join("flow-dispatches.jsonl"), &old).unwrap();
    dispatches.append(&dispatch("newest")).unwrap();

    let ids: Vec<_> =
        dispatches.read().unwrap().records.into_iter().map(|dispatch| dispatch.event_id).collect();
    assert_eq!(ids, ["old", "new", "newest"]);
    assert_eq!(fs::read_to_string(place.path().join("flow-dispatches.jsonl")).unwrap(), old);
}

#[test]
fn a_data_folder_hides_itself_from_git_unless_it_holds_something_of_others() {
    let place = a_place();
    let (ours, theirs) = (place.path().join("ours"), place.path().join("theirs"));
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("model.csv"), "1,2").unwrap();
    for folder in [&ours, &theirs] {
        DataDir::open(folder).flow_events().append(&Note::new(1)).unwrap();
    }
    assert_eq!(fs::read(ours.join(".gitignore")).unwrap(), b"*\n");
    assert!(!theirs.join(".gitignore").exists());
}

#[test]
fn the_feeds_state_is_changed_in_place_and_ends_with_a_newline() {
    let place = a_place();
    let data = DataDir::open(place.path());
    let path = place.path().join("feed-state.json");
    fs::write(&path, "[1]").unwrap();
    let error = data.update_feed_state(Map::clear).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"[1]");

    fs::write(&path, r#"{"b":{"lastSeenId":"1","etag":"x"}}"#).unwrap();
    let set = |state: &mut Map<String, Value>| state["b"]["lastSeenId"] = json!("2");
    data.update_feed_state(set).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "{\n  \"b\": {\n    \"lastSeenId\": \"2\",\n    \"etag\": \"x\"\n  }\n}\n"
    );
}
