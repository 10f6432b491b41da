//! Commits that a step of a flow made itself, kept as a candidate: the same folder, bundle and ref as of a
//! carry, and the word of the flow for what is in it.

use serde_json::Value;

use super::carrying::{self, Gathered};
use super::fork::Fork;
use super::plumbing::tree_of;
use super::preparing::{self, Prepared};
use super::script_step::Stepped;
use super::session::{Job, Session};
use super::stack_step::{self, Carried, Frame};
use super::words::problem;
use crate::candidate::MADE_BY_FLOW;
use crate::event::Event;
use crate::failure::{Failure, Result};
use crate::flow::Selected;
use crate::ids::{CommitId, RefName};
use crate::record::{Status, StepResult, candidate_refs};
use crate::release::State;
use crate::stack::{Candidate, Carry, Counts, Objects, StackError};

/// Keeps the commit that a step reports, where it has made one of a repository that its `[config]` names.
/// What keeps it from being kept is said beside the step's own words, and fails nothing.
pub(super) fn keep(
    session: &Session<'_>,
    job: &Job<'_>,
    event: &Event,
    selected: &Selected<'_>,
    mut stepped: Stepped,
) -> Stepped {
    let Ok(result) = &stepped.outcome else { return stepped };
    if !matches!(result.status(), Status::Completed | Status::Changed) {
        return stepped;
    }
    match made(session, job, event, selected, result) {
        Ok(None) => {}
        Ok(Some((commit, carried))) => {
            let own = &stepped.carried;
            let (status, what) = match carried.state {
                State::Failed => (carried.status, carried.message),
                _ => (own.status, format!("kept as the candidate: {}", commit.short())),
            };
            stepped.carried = Carried { status, message: format!("{}; {what}", own.message), ..carried };
        }
        Err(failure) => {
            let why = problem(&failure).message;
            stepped.carried.message =
                format!("{}; the commit that it made is no candidate: {why}", stepped.carried.message);
        }
    }
    stepped
}

/// Says why the commit of a step is not kept beside another candidate.
pub(super) fn second(mut stepped: Stepped) -> Stepped {
    if reports(&stepped) {
        let message = &stepped.carried.message;
        stepped.carried.message =
            format!("{message}; the commit that it names is not kept: the event has another candidate");
    }
    stepped
}

/// Whether the step names a commit that it made.
pub(super) fn reports(stepped: &Stepped) -> bool {
    let reports = |result: &StepResult| result.artifacts().is_some_and(|made| !named(made).is_empty());
    stepped.outcome.as_ref().is_ok_and(reports)
}

fn made(
    session: &Session<'_>,
    job: &Job<'_>,
    event: &Event,
    selected: &Selected<'_>,
    result: &StepResult,
) -> Result<Option<(CommitId, Carried)>> {
    let Some(artifacts) = result.artifacts() else { return Ok(None) };
    let Some(commit) = reported(session, selected, artifacts)? else { return Ok(None) };
    let mut prepared = preparing::prepare(session, job, selected)?;
    let before = artifacts.get("beforeSha").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let is_where_it_was = prepared.tip == commit && before == Some(commit);
    if is_where_it_was || commit == prepared.release.commit {
        return Ok(None);
    }
    // Where the step has moved the branch itself, only it knows where that stood.
    if prepared.tip == commit
        && let Some(before) = before.filter(|id| prepared.fork.repository.has_commit(*id))
    {
        prepared.tip = before;
    }
    let frame = Frame::begun(session, event, selected, &prepared);
    let gathered = carrying::gather(session, &prepared)?;
    let carry = carry_of(&prepared, &gathered, commit)?.ok_or_else(|| {
        let tag = &prepared.release.tag;
        Failure::usage(format!("{commit} does not descend from {tag} ({})", prepared.release.commit))
    })?;
    let mut document = stack_step::document(&frame, &gathered.inventory, &gathered.refs, carry, None);
    document.flow.origin = MADE_BY_FLOW.to_owned();
    Ok(Some((commit, stack_step::finish(session, &frame, &prepared.bench, document)?)))
}

/// The first commit that a step names and that the repository of its `[config]` on this machine has.
fn reported(session: &Session<'_>, selected: &Selected<'_>, artifacts: &Value) -> Result<Option<CommitId>> {
    let names = named(artifacts);
    let keys = ["codex_repo", "repo", "codex_repo_env", "repo_env"];
    if names.is_empty() || !keys.iter().any(|key| selected.manifest.config.contains_key(*key)) {
        return Ok(None);
    }
    let fork = Fork::find(session, preparing::config(session, selected)?.repo.as_deref())?;
    let repository = &fork.repository;
    let commit = |name: &String| {
        let id = name.parse().ok().filter(|id| repository.has_commit(*id));
        let full = || repository.at(&name.parse::<RefName>().ok().filter(|_| name.starts_with("refs/"))?);
        id.or_else(full).or_else(|| repository.branch(name))
    };
    names.iter().find_map(commit).map(Some).ok_or_else(|| {
        Failure::usage(format!("{} has none of {}", fork.name, names.join(", ").escape_debug()))
    })
}

/// What the artifacts of a result name: its candidates' commits, else their refs, then `codexHead` and `afterSha`.
fn named(artifacts: &Value) -> Vec<String> {
    let mut artifacts = artifacts.clone();
    if let Some(one) = artifacts.get_mut("candidateRefs").filter(|one| !one.is_array()) {
        *one = Value::Array(vec![one.take()]);
    }
    // What a person settled in a repository that was kept is where the step begins as well as where it ends.
    artifacts.as_object_mut().map(|artifacts| artifacts.remove("beforeSha"));
    candidate_refs(&artifacts).into_iter().map(|one| one.sha.unwrap_or(one.name)).collect()
}

/// What candidate.json says of a commit that nobody carried: whole, and of no patch that is known. Nothing
/// where it does not descend from the release.
///
/// # Errors
/// Missing objects.
pub(super) fn carry_of(prepared: &Prepared, gathered: &Gathered, commit: CommitId) -> Result<Option<Carry>> {
    let (bench, inventory) = (&prepared.bench, &gathered.inventory);
    if !bench.is_ancestor(inventory.onto, commit).map_err(StackError::from)? {
        return Ok(None);
    }
    Ok(Some(Carry {
        base: inventory.base,
        onto: inventory.onto,
        tip: inventory.tip,
        candidate: Candidate { commit, tree: tree_of(bench, commit)?, complete: true },
        partial: None,
        counts: Counts::default(),
        patches: Vec::new(),
        left_out: inventory.left_out.clone(),
        excluded: inventory.excluded.clone(),
        settlements: Vec::new(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::named;

    #[test]
    fn a_step_may_name_its_commit_in_every_way_that_the_old_system_had() {
        let id = "1".repeat(40);
        for (artifacts, expected) in [
            (json!({}), vec![]),
            (json!({"candidateRefs": "candidate"}), vec!["candidate"]),
            (json!({"candidateRefs": {"ref": "refs/heads/c", "sha": id}}), vec![id.as_str()]),
            (json!({"candidateRefs": ["a", {"ref": "b"}, 3], "candidateRef": "c"}), vec!["a", "b", "c"]),
            (json!({"codexHead": id, "afterSha": "HEAD"}), vec![id.as_str()]),
            (json!({"codexHead": "main", "afterSha": id}), vec![id.as_str()]),
        ] {
            assert_eq!(named(&artifacts), expected, "{artifacts}");
        }
    }
}
