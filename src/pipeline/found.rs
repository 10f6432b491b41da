//! The flows of a workspace, with what the lock and the workspace's own configuration say about each. Nothing
//! is started and nobody is asked for it: no git, no network.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::context::Context;
use crate::failure::{Failure, Result};
use crate::flow::{Flow, Standing, Switches};
use crate::pack::{self, Lock};

/// The flows, and what a person should know about them.
pub(super) struct Found {
    pub(super) flows: Vec<Flow>,
    pub(super) notes: Vec<String>,
    /// The path and text of workspace.toml, which others read too.
    pub(super) settings: Option<(PathBuf, String)>,
}

/// Everything that is installed or the repository's own.
///
/// # Errors
/// A folder, a lock or a workspace.toml that cannot be read.
pub(super) fn found(context: &Context<'_>) -> Result<Found> {
    let lock = match context.workspace.lock()? {
        Some((file, text)) => Some(Lock::parse(&text, &file)?),
        None => None,
    };
    let mut flows = pack::active(context.workspace.found_flows()?, lock.as_ref());
    let mut notes = lock.map(|lock| lock.warnings).unwrap_or_default();
    let settings = context.workspace.settings()?;
    if let Some((file, text)) = &settings {
        notes.extend(Switches::parse(text, file)?.apply(&mut flows));
    }
    Ok(Found { flows, notes, settings })
}

/// The flows to choose from: those that are named, else those that PATCH_MOI_FLOWS names, else all. With
/// `allow_modified` also those that differ from the lock.
///
/// # Errors
/// As [`found`]; a name that no flow has.
pub(super) fn chosen(context: &Context<'_>, names: &[String], allow_modified: bool) -> Result<Found> {
    let Found { flows, mut notes, settings } = found(context)?;
    let mut flows = named(flows, context, names)?;
    let allowed = || context.variable("PATCH_MOI_ALLOW_MODIFIED").is_some_and(|set| set == "1");
    if allow_modified || allowed() {
        flows.iter_mut().for_each(let_run);
    }
    for flow in &flows {
        let warnings = flow.manifest.iter().flat_map(|manifest| &manifest.warnings).cloned();
        let modified = matches!(flow.standing, Standing::Modified { .. }).then(|| flow.standing.to_string());
        let said = flow.notes.iter().cloned().chain(warnings).chain(modified);
        notes.extend(said.map(|note| format!("{}: {note}", flow.place())));
    }
    Ok(Found { flows, notes, settings })
}

fn let_run(flow: &mut Flow) {
    if let Standing::Differs { expected, actual } = &flow.standing {
        flow.standing = Standing::Modified { expected: expected.clone(), actual: actual.clone() };
    }
}

fn named(flows: Vec<Flow>, context: &Context<'_>, asked: &[String]) -> Result<Vec<Flow>> {
    let variable = context.variable("PATCH_MOI_FLOWS").filter(|_| asked.is_empty());
    let from_variable = variable.iter().flat_map(|names| names.split(','));
    let names: BTreeSet<&str> = asked
        .iter()
        .map(String::as_str)
        .chain(from_variable)
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() {
        return Ok(flows);
    }
    if let Some(unknown) = names.iter().find(|name| flows.iter().all(|flow| flow.name() != **name)) {
        let known: Vec<&str> = flows.iter().map(Flow::name).collect();
        let known = if known.is_empty() {
            "none is installed".to_owned()
        } else {
            format!("there are {}", known.join(", "))
        };
        return Err(Failure::usage(format!("no flow is called `{}`", unknown.escape_debug())).hint(known));
    }
    Ok(flows.into_iter().filter(|flow| names.contains(flow.name())).collect())
}
