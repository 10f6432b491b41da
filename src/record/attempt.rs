//! patch-moi's own record of carrying one event through: what was asked, what its runs say.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::candidate_ref::{CandidateRef, add_new, candidate_refs};
use super::report::{Standing, text};
use super::{Dispatch, DispatchStatus, Operation, RunReport, Status};

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AttemptStatus {
    /// It was handed over, and its runs have come to nothing yet.
    Started,
    /// There was nothing to do.
    Skipped,
    /// Done, and nothing changed.
    Completed,
    /// Done, and something changed.
    Changed,
    /// A person has to decide something.
    NeedsIntervention,
    /// Something outside has to change first.
    Blocked,
    /// It went wrong.
    Failed,
}

impl AttemptStatus {
    /// The status's name in every file and output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Skipped => Status::Skipped.name(),
            Self::Completed => Status::Completed.name(),
            Self::Changed => Status::Changed.name(),
            Self::NeedsIntervention => Status::NeedsIntervention.name(),
            Self::Blocked => Status::Blocked.name(),
            Self::Failed => Status::Failed.name(),
        }
    }

    /// Whether it came to a good end, so that an error of an earlier try is history.
    const fn is_good_end(self) -> bool {
        matches!(self, Self::Skipped | Self::Completed | Self::Changed)
    }
}

/// A line of maintenance-attempts.jsonl, in the older system's key order. A later line with the
/// same id supersedes an earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempt {
    /// `<event id>:<operation>:<time of the dispatch>`.
    pub(crate) id: String,
    /// The event's id.
    pub(crate) event_id: String,
    /// The event's type.
    pub(crate) event_type: String,
    /// What was asked for.
    pub(crate) operation: Operation,
    /// How far it is.
    pub(crate) status: AttemptStatus,
    /// The event's `payload.repo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_repo: Option<String>,
    /// The event's `payload.ref`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_ref: Option<String>,
    /// The event's `payload.sha`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_sha: Option<String>,
    /// The event's `payload.tag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_tag: Option<String>,
    /// The backend that executes, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workspace_backend_url: Option<String>,
    /// Every run that it led to.
    #[serde(default)]
    pub(crate) workspace_run_ids: Vec<String>,
    /// Every candidate that its runs named.
    #[serde(default)]
    pub(crate) candidate_refs: Vec<CandidateRef>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// When it was asked for.
    pub(crate) created_at: String,
    /// When this line was made.
    pub(crate) updated_at: String,
    /// What each run came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workspace_run_statuses: Option<Map<String, Value>>,
    /// What the runs said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// When it ended, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) completed_at: Option<String>,
    /// What somebody else put into the line.
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

impl Attempt {
    /// The attempt that a dispatch of `event` begins, before any run is known.
    ///
    /// A dispatch that was taken and matches no step has ended: `skipped`, for nothing else will
    /// ever be heard of it.
    pub(crate) fn begun(dispatch: &Dispatch, event: &Value) -> Self {
        let payload = event.get("payload").unwrap_or(&Value::Null);
        let operation = dispatch.operation;
        let run_ids = dispatch.run_ids.clone().unwrap_or_default();
        let idle = dispatch.matched == Some(0) && run_ids.is_empty();
        let (status, message) = match dispatch.status {
            DispatchStatus::Dispatched if idle => {
                (AttemptStatus::Skipped, Some("no flow step matches the event"))
            }
            DispatchStatus::Dispatched => (AttemptStatus::Started, None),
            DispatchStatus::Failed => (AttemptStatus::Failed, None),
            DispatchStatus::Skipped => (AttemptStatus::Skipped, None),
        };
        let ended = status != AttemptStatus::Started;
        Self {
            id: format!("{}:{}:{}", dispatch.event_id, operation.name(), dispatch.created_at),
            event_id: dispatch.event_id.clone(),
            event_type: dispatch.event_type.clone(),
            operation,
            status,
            upstream_repo: text(payload, "repo"),
            upstream_ref: text(payload, "ref"),
            upstream_sha: text(payload, "sha"),
            upstream_tag: text(payload, "tag"),
            workspace_backend_url: dispatch.workspace_backend_url.clone(),
            workspace_run_ids: run_ids,
            candidate_refs: Vec::new(),
            error: dispatch.error.clone(),
            created_at: dispatch.created_at.clone(),
            updated_at: dispatch.created_at.clone(),
            workspace_run_statuses: None,
            message: message.map(str::to_owned),
            completed_at: ended.then(|| dispatch.created_at.clone()),
            rest: Map::new(),
        }
    }
}

/// What the attempt is once its runs say `runs`, in the order in which they were begun. `now` is a
/// time as `event::stamp` writes it. Without runs, nothing changes but the time.
///
/// The worst run decides. An attempt has ended only when every run has: while one is under way, it is
/// `started`, unless somebody has to do something about another.
pub(crate) fn merge_runs(attempt: &Attempt, runs: &[RunReport], now: &str) -> Attempt {
    let mut merged = Attempt { updated_at: now.to_owned(), ..attempt.clone() };
    if runs.is_empty() {
        return merged;
    }
    let standings: Vec<Standing> = runs.iter().map(RunReport::standing).collect();
    merged.status = worst(&standings);
    for run in runs {
        if !merged.workspace_run_ids.contains(&run.id) {
            merged.workspace_run_ids.push(run.id.clone());
        }
    }
    add_new(
        &mut merged.candidate_refs,
        runs.iter().filter_map(|run| run.artifacts.as_ref()).flat_map(candidate_refs),
    );
    let word = |run: &RunReport| run.status.clone().unwrap_or_else(|| "unknown".to_owned());
    merged.workspace_run_statuses =
        Some(runs.iter().map(|run| (run.id.clone(), Value::from(word(run)))).collect());
    merged.message = last(runs, |run| run.message.as_deref()).or(merged.message);

    let all_ended = !standings.contains(&Standing::Open);
    let error = last(runs, complaint).or_else(|| last(runs, |run| run.error.as_deref()));
    merged.error = match error {
        None if all_ended && merged.status.is_good_end() => None,
        None => merged.error,
        found => found,
    };
    if all_ended && merged.status != AttemptStatus::Started {
        let ended = last(runs, |run| run.completed_at.as_deref()).or(merged.completed_at);
        merged.completed_at = ended.or_else(|| Some(now.to_owned()));
    }
    merged
}

/// needs_intervention before blocked; then started where a run is under way; then failed before changed;
/// then skipped where all are, completed where all are done, else started.
fn worst(standings: &[Standing]) -> AttemptStatus {
    let any = |status| standings.contains(&Standing::Ended(status));
    let all = |fits: fn(Status) -> bool| {
        standings.iter().all(|s| matches!(s, Standing::Ended(status) if fits(*status)))
    };
    if any(Status::NeedsIntervention) {
        AttemptStatus::NeedsIntervention
    } else if any(Status::Blocked) {
        AttemptStatus::Blocked
    } else if standings.contains(&Standing::Open) {
        AttemptStatus::Started
    } else if any(Status::Failed) {
        AttemptStatus::Failed
    } else if any(Status::Changed) {
        AttemptStatus::Changed
    } else if all(|status| status == Status::Skipped) {
        AttemptStatus::Skipped
    } else if all(|status| matches!(status, Status::Completed | Status::Skipped)) {
        AttemptStatus::Completed
    } else {
        AttemptStatus::Started
    }
}

/// The message of a run that did not come to a good end.
fn complaint(run: &RunReport) -> Option<&str> {
    let unwell = matches!(
        run.standing(),
        Standing::Ended(Status::Failed | Status::Blocked | Status::NeedsIntervention)
    );
    run.message.as_deref().filter(|_| unwell)
}

fn last(runs: &[RunReport], part: impl Fn(&RunReport) -> Option<&str>) -> Option<String> {
    runs.iter().rev().find_map(part).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn begun(run_ids: &[&str]) -> Attempt {
        let run_ids = run_ids.iter().map(|&id| id.to_owned()).collect();
        let dispatch =
            Dispatch::taken(&"e".parse().unwrap(), "upstream.release", Operation::Dispatch, run_ids, "T1");
        Attempt::begun(
            &dispatch,
            &json!({"id": "e", "payload": {"repo": "o/n", "tag": "v1", "sha": " ", "ref": 7}}),
        )
    }

    fn run(id: &str, word: &str) -> RunReport {
        RunReport {
            id: id.to_owned(),
            status: Some(word.to_owned()),
            error: None,
            message: None,
            artifacts: None,
            completed_at: None,
        }
    }

    fn runs(words: &[&str]) -> Vec<RunReport> {
        let report = |(n, word): (usize, &&str)| RunReport {
            completed_at: Some(format!("C{n}")),
            ..run(&format!("run_{n}"), word)
        };
        words.iter().enumerate().map(report).collect()
    }

    #[test]
    fn a_dispatch_that_failed_is_a_failed_attempt() {
        let line = r#"{"eventId":"e","eventType":"t","operation":"dispatch","target":"local","transport":"local","status":"failed","error":"no such branch","createdAt":"T1"}"#;
        let dispatch: Dispatch = serde_json::from_str(line).unwrap();
        let attempt = Attempt::begun(&dispatch, &json!({"payload": null}));
        assert_eq!(
            serde_json::to_string(&attempt).unwrap(),
            r#"{"id":"e:dispatch:T1","eventId":"e","eventType":"t","operation":"dispatch","status":"failed","workspaceRunIds":[],"candidateRefs":[],"error":"no such branch","createdAt":"T1","updatedAt":"T1","completedAt":"T1"}"#
        );
    }

    #[test]
    fn a_dispatch_that_matches_nothing_does_not_stay_open_for_ever() {
        let attempt = begun(&[]);
        assert_eq!((attempt.status, attempt.completed_at.as_deref()), (AttemptStatus::Skipped, Some("T1")));
        assert!(attempt.message.is_some());
    }

    #[test]
    fn an_attempt_begins_with_what_the_event_says_of_upstream() {
        assert_eq!(
            serde_json::to_string(&begun(&["run_0"])).unwrap(),
            r#"{"id":"e:dispatch:T1","eventId":"e","eventType":"upstream.release","operation":"dispatch","status":"started","upstreamRepo":"o/n","upstreamTag":"v1","workspaceRunIds":["run_0"],"candidateRefs":[],"createdAt":"T1","updatedAt":"T1"}"#
        );
    }

    #[test]
    fn the_worst_run_decides() {
        use AttemptStatus::{Blocked, Changed, Completed, Failed, NeedsIntervention, Skipped, Started};
        for (words, status) in [
            (&["failed", "blocked", "needs_intervention", "changed"][..], NeedsIntervention),
            (&["failed", "blocked", "changed"], Blocked),
            (&["changed", "failed", "completed"], Failed),
            (&["skipped", "changed", "completed"], Changed),
            (&["skipped", "skipped"], Skipped),
            (&["skipped", "completed"], Completed),
            (&["completed", "running"], Started),
            (&["changed", "running"], Started),
            (&["failed", "queued"], Started),
            (&["blocked", "running"], Blocked),
            (&["completed", "canceled"], Started),
            (&["sideways"], Started),
        ] {
            assert_eq!(merge_runs(&begun(&[]), &runs(words), "T2").status, status, "{words:?}");
        }
    }

    #[test]
    fn an_attempt_ends_with_its_last_run_and_not_before() {
        for word in ["failed", "changed"] {
            let open = merge_runs(&begun(&["run_0", "run_1"]), &runs(&[word, "running"]), "T2");
            assert_eq!((open.status, open.completed_at.as_deref()), (AttemptStatus::Started, None), "{word}");

            let ended = merge_runs(&open, &runs(&[word, "completed"]), "T3");
            assert_eq!((ended.completed_at.as_deref(), ended.updated_at.as_str()), (Some("C1"), "T3"));
            assert_eq!(ended.status.name(), word);
        }
    }

    #[test]
    fn no_runs_are_no_news() {
        let attempt = begun(&["run_0"]);
        let merged = merge_runs(&attempt, &[], "T2");
        assert_eq!(merged, Attempt { updated_at: "T2".to_owned(), ..attempt });
    }

    #[test]
    fn an_error_is_said_until_a_later_try_ends_well() {
        let broken = RunReport { error: Some("boom".to_owned()), ..run("run_0", "failed") };
        let failed = merge_runs(&begun(&["run_0"]), &[broken], "T2");
        assert_eq!(failed.error.as_deref(), Some("boom"));

        let again = merge_runs(&failed, &runs(&["running"]), "T3");
        assert_eq!(again.error.as_deref(), Some("boom"));

        let well = merge_runs(&again, &runs(&["changed"]), "T4");
        assert_eq!((well.error, well.status), (None, AttemptStatus::Changed));
    }

    #[test]
    fn a_blocked_results_message_outweighs_a_crash() {
        let reports = [
            RunReport { message: Some("no token".to_owned()), ..run("a", "blocked") },
            RunReport { error: Some("boom".to_owned()), ..run("b", "failed") },
            RunReport {
                message: Some("fine".to_owned()),
                artifacts: Some(json!({"candidateRef": "refs/x"})),
                ..run("c", "completed")
            },
        ];
        let merged = merge_runs(&merge_runs(&begun(&["a"]), &reports, "T2"), &reports, "T3");
        assert_eq!(merged.error.as_deref(), Some("no token"));
        assert_eq!(merged.message.as_deref(), Some("fine"));
        assert_eq!(merged.workspace_run_ids, ["a", "b", "c"]);
        assert_eq!(merged.candidate_refs.len(), 1, "a ref named twice is one ref");
        let words = serde_json::to_string(&merged.workspace_run_statuses).unwrap();
        assert_eq!(
            words, r#"{"a":"blocked","b":"failed","c":"completed"}"#,
            "no run's word contradicts the attempt's"
        );
    }

    #[test]
    fn keys_of_a_later_version_survive() {
        let line = r#"{"id":"a","eventId":"e","eventType":"t","operation":"replay","status":"started","workspaceRunIds":[],"candidateRefs":[],"createdAt":"1","updatedAt":"2","newer":{"b":1,"a":2}}"#;
        let read: Attempt = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), line);
    }
}
