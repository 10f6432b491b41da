//! The upstream of a job that names no tag: where it is, and which releases it has.

use std::rc::Rc;

use super::fork::located;
use super::session::{Job, Session};
use super::{newest, preparing, selecting};
use crate::failure::{Failure, Kind, Result};
use crate::flow::{self, Flow, Reason, Runner, Selection};
use crate::git::{Listing, RemoteUrl};
use crate::ids::CommitId;

/// What is known of an upstream before any of its releases is chosen.
pub(super) struct Upstream {
    /// What it has.
    pub(super) listing: Rc<Listing>,
    /// Where the maintained branch of the fork stands, where a stack is carried and that is known.
    pub(super) tip: Option<CommitId>,
}

/// Asks the upstream of a job. Nothing where no step, or more than one stack, would be run for it whatever its
/// newest release is.
///
/// # Errors
/// Wrong configuration, flows that name several places, an upstream that cannot be read.
pub(super) fn ask(session: &Session<'_>, job: &Job<'_>, flows: &[Flow]) -> Result<Option<Upstream>> {
    let (draft, _) = selecting::draft(session, job)?;
    let selection = session.select(&draft.kind, &draft.payload, flows);
    match selecting::carrying(&selection)[..] {
        [selected] => {
            let (url, tip) = preparing::look(session, job, selected)?;
            Ok(Some(Upstream { listing: session.listing(&url, None)?, tip }))
        }
        [_, _, ..] => Ok(None),
        [] => {
            let flows = meant(&selection);
            let listing = (!flows.is_empty()).then(|| ask_for_programs(session, job, &flows)).transpose()?;
            Ok(listing.map(|listing| Upstream { listing, tip: None }))
        }
    }
}

/// The job with upstream's newest tag, where it names none and only programs are run for it: a step that
/// carries a stack asks for itself.
///
/// # Errors
/// As [`ask`]; where upstream has no release.
pub(super) fn with_newest<'a>(session: &Session<'_>, job: Job<'a>) -> Result<Job<'a>> {
    if job.tag.is_some() {
        return Ok(job);
    }
    let flows = selecting::flows_for(session, &job)?;
    let (draft, _) = selecting::draft(session, &job)?;
    let selection = session.select(&draft.kind, &draft.payload, &flows);
    if !selecting::carrying(&selection).is_empty() {
        return Ok(job);
    }
    let Some(upstream) = ask(session, &job, &flows)? else { return Ok(job) };
    let tag = newest::newest(&upstream.listing, job.source);
    let tag = tag.ok_or_else(|| preparing::no_release(&job.repo))?;
    Ok(Job { tag: Some(tag), ..job })
}

/// The flows that are run for the job; where there are none, those that might be for a tag of their liking.
fn meant<'f>(selection: &Selection<'f>) -> Vec<&'f Flow> {
    if !selection.selected.is_empty() {
        return selection.selected.iter().map(|selected| selected.flow).collect();
    }
    let runs_a_program =
        |step: Option<&flow::Step>| step.is_some_and(|step| step.runner != Runner::PatchStack);
    let passed = selection.passed_over.iter();
    let might = passed.filter(|passed| {
        matches!(passed.reason, Reason::SchemaMismatch { .. }) && runs_a_program(passed.step)
    });
    might.map(|passed| passed.flow).collect()
}

/// The command line, the flows, the source, GitHub: the first that says where upstream is.
fn ask_for_programs(session: &Session<'_>, job: &Job<'_>, flows: &[&Flow]) -> Result<Rc<Listing>> {
    if let Some(url) = &job.upstream_url {
        return session.listing(url, None);
    }
    let mut named: Vec<(String, RemoteUrl)> = Vec::new();
    for flow in flows {
        let Ok(manifest) = &flow.manifest else { continue };
        if let Some(text) = flow::upstream_url(&manifest.config, &flow.manifest_file())? {
            let url: RemoteUrl = located(session.context.workspace.root(), &text).parse()?;
            named.push((manifest.name.clone(), url));
        }
    }
    named.dedup_by(|one, other| one.1.place() == other.1.place());
    match (&named[..], job.source) {
        ([(_, url)], _) => session.listing(url, None),
        ([], Some(source)) => session.listing(&source.repo.web_url.as_str().parse()?, None),
        ([], None) => guess(session, job),
        ([(one, first), (other, second), ..], _) => Err(Failure::usage(format!(
            "flow {one} says that upstream of {} is {first}, and flow {other} that it is {second}",
            job.repo
        ))
        .hint("name the release with `--tag TAG`, or choose a flow with `--flow NAME`")),
    }
}

/// Upstream as it is called on GitHub, where nothing says where it is.
fn guess(session: &Session<'_>, job: &Job<'_>) -> Result<Rc<Listing>> {
    let url = format!("https://github.com/{}.git", job.repo).parse()?;
    session.listing(&url, None).map_err(|failure| {
        let repo = &job.repo;
        let mut failure =
            failure.context(format!("which release of {repo} is the newest cannot be said: nothing says where upstream is"));
        failure.kind = Kind::Usage;
        failure.hint(
            "name the release with `--tag TAG`, or write where upstream is: `upstream_repo_url` in [config] of the flow, or a source in feed-sources.json",
        )
    })
}
