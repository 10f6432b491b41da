use super::super::fixtures::{object, remote};
use super::super::ledger::{MAX_TRIES, WhyDue, WhySettled};
use super::super::*;
use crate::ids::{CommitId, Digest, EventId, RepoName, TagName};

/// A line of a history, in few words.
pub(super) fn line(tag: &str, n: u32, state: State, tip: u32, flows: &str) -> LedgerLine {
    let (repo, tag): (RepoName, TagName) = ("openai/codex".parse().unwrap(), tag.parse().unwrap());
    LedgerLine {
        event_id: EventId::of_release(&repo, &tag),
        repo,
        tag,
        tag_object: object(n),
        commit: CommitId::new(object(n)),
        tip: Some(CommitId::new(object(tip))),
        flows: Some(Digest::of(flows.as_bytes())),
        state,
        rule: None,
        at: "2026-11-22T06:21:13.428Z".to_owned(),
    }
}

fn due(states: &[State], tip: u32, flows: &str) -> Due {
    let lines = states.iter().map(|state| line("v1.0.0", 1, *state, 7, "f")).collect();
    let tip = CommitId::new(object(tip));
    let repo = "OpenAI/codex".parse().unwrap();
    Ledger::from_lines(lines).due(&repo, &remote("v1.0.0", 1), Some(tip), &Digest::of(flows.as_bytes()))
}

#[test]
fn what_is_settled_for_ever_is_never_due_again() {
    for state in [State::Skipped, State::Adopted, State::Superseded] {
        assert_eq!(due(&[state], 8, "other"), Due::Settled(state, WhySettled::ForEver(None)));
    }
}

#[test]
fn the_same_inputs_are_not_carried_again() {
    for state in [State::Candidate, State::Conflict] {
        assert_eq!(due(&[state], 7, "f"), Due::Settled(state, WhySettled::NothingChanged));
        assert_eq!(due(&[state], 8, "f"), Due::Now(WhyDue::TipChanged));
        assert_eq!(due(&[state], 7, "g"), Due::Now(WhyDue::FlowsChanged));
    }
}

#[test]
fn a_failure_is_tried_three_times_and_then_waits_for_new_inputs() {
    use State::{Conflict, Failed, Seen};
    assert_eq!(due(&[Seen, Failed], 7, "f"), Due::Now(WhyDue::Failed(1)));
    assert_eq!(due(&[Seen, Failed, Seen, Failed], 7, "f"), Due::Now(WhyDue::Failed(2)));
    let thrice = [Seen, Failed, Seen, Failed, Seen, Failed];
    assert_eq!(due(&thrice, 7, "f"), Due::Settled(Failed, WhySettled::GaveUp(MAX_TRIES)));
    assert_eq!(due(&thrice, 8, "f"), Due::Now(WhyDue::TipChanged));
    assert_eq!(due(&[Failed, Failed, Conflict, Failed], 7, "f"), Due::Now(WhyDue::Failed(1)), "not in a row");
}

#[test]
fn what_was_not_finished_or_was_blocked_is_due() {
    assert_eq!(due(&[], 7, "f"), Due::Now(WhyDue::New));
    assert_eq!(due(&[State::Seen], 7, "f"), Due::Now(WhyDue::Unfinished));
    assert_eq!(due(&[State::Blocked], 7, "f"), Due::Now(WhyDue::WasBlocked));
}

#[test]
fn a_tip_that_is_not_known_has_not_changed() {
    let ledger = Ledger::from_lines(vec![line("v1.0.0", 1, State::Conflict, 7, "f")]);
    let repo = "openai/codex".parse().unwrap();
    let due = ledger.due(&repo, &remote("v1.0.0", 1), None, &Digest::of(b"f"));
    assert_eq!(due, Due::Settled(State::Conflict, WhySettled::NothingChanged));
}

#[test]
fn a_tag_that_moved_is_loud_until_somebody_dealt_with_it() {
    let repo = "openai/codex".parse().unwrap();
    let due = |lines: &[LedgerLine], n: u32| {
        Ledger::from_lines(lines.to_vec()).due(&repo, &remote("v1.0.0", n), None, &Digest::of(b"f"))
    };
    let candidate = line("v1.0.0", 1, State::Candidate, 7, "f");
    let moved = line("v1.0.0", 2, State::Moved, 7, "f");
    let again = line("v1.0.0", 2, State::Candidate, 7, "f");

    assert!(matches!(due(std::slice::from_ref(&candidate), 2), Due::Moved { .. }));
    assert!(matches!(due(&[candidate.clone(), moved.clone()], 2), Due::Moved { .. }), "every time");
    assert!(
        matches!(due(&[candidate.clone(), moved.clone()], 1), Due::Settled(State::Candidate, _)),
        "it moved back"
    );
    assert!(
        matches!(due(&[candidate, moved, again], 2), Due::Settled(State::Candidate, _)),
        "carried by hand"
    );
}

#[test]
fn where_a_tag_points_does_not_matter_before_work_went_into_it() {
    let repo = "openai/codex".parse().unwrap();
    for state in [State::Seen, State::Skipped, State::Superseded] {
        let ledger = Ledger::from_lines(vec![line("v1.0.0", 1, state, 7, "f")]);
        let now = remote("v1.0.0", 2);
        assert_eq!(ledger.tag_moved(&repo, &now.name, now.object, now.commit), None, "{state:?}");
    }
}

#[test]
fn lines_count_in_the_order_of_their_times() {
    let mut early = line("v1.0.0", 1, State::Failed, 7, "f");
    early.at = "2026-11-21T00:00:00.000Z".to_owned();
    let late = line("v1.0.0", 1, State::Candidate, 7, "f");
    let ledger = Ledger::from_lines(vec![late, early]);
    let latest = ledger.latest(&"openai/codex".parse().unwrap(), &"v1.0.0".parse().unwrap());
    assert_eq!(latest.unwrap().state, State::Candidate);
}

#[test]
fn a_line_has_the_keys_that_the_ledger_promises() {
    let mut line = line("v1.0.0", 1, State::Skipped, 7, "f");
    line.rule = Some("prereleases: false".to_owned());
    let json = serde_json::to_value(&line).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["eventId", "repo", "tag", "tagObject", "commit", "tip", "flows", "state", "rule", "at"]
    );
    assert_eq!(json["state"], "skipped");
    assert_eq!(serde_json::from_value::<LedgerLine>(json).unwrap(), line);
}
