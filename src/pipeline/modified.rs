//! Installed flows that are not as the lock pins them: they are refused by the names of their files, or run
//! because whoever started the run lets them.

use std::path::Path;

use jiff::Timestamp;

use super::context::Context;
use super::session::Session;
use crate::failure::{Failure, Kind};
use crate::flow::{Flow, PassedOver, Reason, Selection, Standing};
use crate::git::Repository;
use crate::ids::Digest;
use crate::pack::{Contents, Lock, LockItem, changes};
use crate::report::{EventReport, Problem};

use super::words::problem;

/// How many earlier versions of a flow's folder are compared with the lock.
const MOST_VERSIONS: usize = 50;

/// How many files are named.
const NAMED: usize = 20;

/// A flow that an event was for, and which the lock does not let run.
pub(super) struct Refused {
    said: String,
}

/// The flows that the event of `selection` was for and that are not as they were pinned.
pub(super) fn refused(session: &Session<'_>, selection: &Selection<'_>) -> Vec<Refused> {
    let mut flows: Vec<&Flow> = Vec::new();
    for PassedOver { flow, reason, .. } in &selection.passed_over {
        let differs = matches!(reason, Reason::Standing(Standing::Differs { .. }));
        if differs && !flows.iter().any(|other| std::ptr::eq(*other, *flow)) {
            flows.push(flow);
        }
    }
    flows.into_iter().map(|flow| Refused { said: sentence(session.context, flow) }).collect()
}

/// Which files of a refused flow are to blame, as the cause of a failure.
pub(super) fn because(failure: Failure, refused: &[Refused]) -> Failure {
    refused.iter().fold(failure, |failure, refused| failure.because(refused.said.clone()))
}

/// Says in the report of an event what was refused in it, and how it ends because of that.
pub(super) fn tell(refused: &[Refused], about: &mut EventReport) -> Kind {
    if refused.is_empty() {
        return Kind::Done;
    }
    let said: Vec<&str> = refused.iter().map(|refused| refused.said.as_str()).collect();
    about.error.get_or_insert_with(|| Problem {
        message: format!("it did not run: {}", said.join("; ")),
        hint: Some(
            "put the old contents back, install the flow again, or let it run with `--allow-modified`"
                .to_owned(),
        ),
    });
    Kind::Blocked
}

/// What the record of an event keeps of flows that run although they are not as they were pinned.
pub(super) fn let_run(selection: &Selection<'_>) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for selected in &selection.selected {
        let line = format!(
            "flow {} ({}): {}",
            selected.manifest.name,
            selected.flow.place(),
            selected.flow.standing
        );
        if matches!(selected.flow.standing, Standing::Modified { .. }) && !said.contains(&line) {
            said.push(line);
        }
    }
    said
}

fn sentence(context: &Context<'_>, flow: &Flow) -> String {
    let (name, place) = (flow.name(), flow.place());
    match which(context, flow) {
        Ok(files) => format!("flow {name} ({place}) is not as .codex/pack-lock.json pins it: {files}"),
        Err(failure) => {
            let why = problem(&failure).message;
            format!(
                "flow {name} ({place}) is not as .codex/pack-lock.json pins it; which files differ is not known: {why}"
            )
        }
    }
}

/// The files that differ from the version with the pinned hash; where that version is not to be found, those
/// that were changed after the flow was installed, else all that there are.
fn which(context: &Context<'_>, flow: &Flow) -> Result<String, Failure> {
    let workspace = context.workspace;
    let now = workspace
        .contents_of(&flow.root)
        .map_err(|why| Failure::new(Kind::Failed, anyhow::Error::msg(why)))?;
    let Standing::Differs { expected, .. } = &flow.standing else { return Ok(String::new()) };
    if let Some(pinned) = in_history(workspace.root(), flow, expected)? {
        return Ok(listed(&changes(&pinned, &now)));
    }
    let lock = workspace.lock()?.map(|(file, text)| Lock::parse(&text, &file)).transpose()?;
    let item = lock.as_ref().and_then(|lock| lock.flow(&flow.folder, flow.name()));
    if let Some(pinned) = item.and_then(|item| in_source(context, item, expected)) {
        return Ok(listed(&changes(&pinned, &now)));
    }
    let since = item.and_then(|item| item.installed_at.parse::<Timestamp>().ok());
    let newer: Vec<String> =
        since.map(|since| workspace.changed_after(&flow.root, &now, since)).unwrap_or_default();
    Ok(match newer.is_empty() {
        false => format!("{} changed after it was installed", listed(&newer)),
        true => {
            let all: Vec<String> = now.files.iter().map(|(path, _)| crate::flow::shown(path)).collect();
            format!("its pinned version is not to be found, and it holds {}", listed(&all))
        }
    })
}

/// The version with the pinned hash in the history of the workspace's checkout.
fn in_history(root: &Path, flow: &Flow, expected: &Digest) -> Result<Option<Contents>, Failure> {
    let top = root.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok());
    let Some((top, Ok(repository))) = top.map(|top| (top, Repository::open(top))) else { return Ok(None) };
    let below = flow.root.strip_prefix(top).unwrap_or(&flow.root);
    let parts: Vec<&str> = below.iter().filter_map(|part| part.to_str()).collect();
    let of = |files: &Vec<(String, Digest)>| Contents { files: files.clone(), links: Vec::new() };
    let found = repository
        .version_of_folder(&parts.join("/"), MOST_VERSIONS, &mut |version| of(version).hash() == *expected)?;
    Ok(found.as_ref().map(of))
}

/// The version with the pinned hash in the folder that the pack was installed from.
fn in_source(context: &Context<'_>, item: &LockItem, expected: &Digest) -> Option<Contents> {
    if item.source.kind != "local" {
        return None;
    }
    let folder = context.workspace.root().join(&item.source.input).join(&item.source_path);
    context.workspace.contents_of(&folder).ok().filter(|contents| contents.hash() == *expected)
}

fn listed(files: &[String]) -> String {
    let more = match files.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("{}{more}", files.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
}
