//! What will be done to the world with a carried stack, as data.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::candidate::NamedRef;
use crate::candidate::names::{check_log_name, conflict_dir, one_line, patch_file_name};
use crate::ids::{CommitId, InvalidName, RefName, RelPath, Slug};
use crate::stack::{Carry, Patch, Verdict};

/// Every change that a run makes for one candidate, in order. A dry run prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Plan {
    /// The changes.
    pub(crate) steps: Vec<Step>,
}

/// One change to the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub(crate) enum Step {
    /// Writes the event into the journal, before anything is done for it.
    RecordEvent,
    /// Writes a file or a folder of the artifact.
    WriteArtifact {
        /// Where, below the artifact's folder.
        path: RelPath,
        /// What.
        what: Artifact,
    },
    /// Moves a ref of the fork's repository, only where it still stands at `from`. Where a required
    /// check does not pass, it is removed instead; `stack/SLUG` and `base/SLUG` stay where they are then.
    MoveRef {
        /// The ref.
        name: RefName,
        /// Where it stands; null where it must not exist.
        from: Option<CommitId>,
        /// Where it will stand.
        to: CommitId,
    },
    /// Removes a ref that an earlier carry of this release left and that would mislead now.
    DeleteRef {
        /// The ref.
        name: RefName,
        /// Where it stands.
        from: CommitId,
    },
    /// Runs a check in a fresh checkout of the candidate.
    RunCheck {
        /// The check's name.
        name: String,
        /// The program and its arguments.
        command: Vec<String>,
        /// Its log, below the artifact's folder.
        log: RelPath,
    },
    /// Writes the flow run's record.
    RecordRun,
    /// Writes a line into the ledger of releases.
    RecordLedger {
        /// What the line says; `failed` instead where a required check does not pass.
        state: String,
    },
}

/// One part of the artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Artifact {
    /// candidate.json.
    Document,
    /// A git bundle. Its prerequisite is the release commit.
    Bundle {
        /// The refs that it holds.
        refs: Vec<NamedRef>,
    },
    /// One patch of the candidate, as `git format-patch` writes it.
    Patch {
        /// The carried commit.
        commit: CommitId,
    },
    /// The order of the patches.
    Series,
    /// The old stack against the new one.
    RangeDiff,
    /// A folder with the files of a root conflict and conflict.json.
    Conflict {
        /// The patch in conflict.
        patch: CommitId,
    },
    /// The report for a browser.
    ReportHtml,
    /// The report that also goes into the step summary.
    ReportMarkdown,
}

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    /// The carried stack.
    pub(crate) carry: &'a Carry,
    /// The release's slug.
    pub(crate) slug: &'a Slug,
    /// The squashed commit; only of a complete candidate.
    pub(crate) squashed: Option<CommitId>,
    /// The new commits that the candidate holds (`onto..candidate`). Without them every patch up to
    /// the candidate counts, which is right for a stack without side branches.
    pub(crate) members: Option<&'a BTreeSet<CommitId>>,
    /// The flow's checks; they run on a complete candidate only.
    pub(crate) checks: &'a [PlannedCheck],
    /// The refs below `refs/patch-moi` that exist now.
    pub(crate) existing: &'a BTreeMap<RefName, CommitId>,
}

/// A check that a flow asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedCheck {
    /// Its name.
    pub(crate) name: String,
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
}

/// The refs of one release in the fork's own repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refs {
    /// The complete candidate.
    pub(crate) candidate: RefName,
    /// The patches one by one, where the candidate is squashed.
    pub(crate) stack: RefName,
    /// The candidate that ends before the first open patch.
    pub(crate) incomplete: RefName,
    /// Everything but root conflicts and what they block.
    pub(crate) partial: RefName,
    /// The release commit that the complete candidate stands on, whatever becomes of upstream's tag.
    pub(crate) base: RefName,
}

impl Refs {
    /// The refs of the release with this slug.
    ///
    /// # Errors
    /// Where the tag is so long that a ref with it would not be one.
    pub(crate) fn of(slug: &Slug) -> Result<Self, InvalidName> {
        let named = |kind| RefName::join(&format!("refs/patch-moi/{kind}"), slug.as_str());
        Ok(Self {
            candidate: named("candidate")?,
            stack: named("stack")?,
            incomplete: named("incomplete")?,
            partial: named("partial")?,
            base: named("base")?,
        })
    }

    /// All of them.
    pub(crate) fn all(self) -> [RefName; 5] {
        [self.candidate, self.stack, self.incomplete, self.partial, self.base]
    }
}

/// Where the base of a complete candidate is recorded, seen from where it is recorded now: an older one stays
/// as long as the stack stands on it, for nothing else may say any more that it is upstream's.
pub(crate) fn recorded_base(onto: CommitId, excluded: &[CommitId], from: Option<CommitId>) -> CommitId {
    from.filter(|from| excluded.contains(from)).unwrap_or(onto)
}

/// Plans what to do with a carried stack.
///
/// # Errors
/// Where the tag is so long that a ref with it would not be one.
pub(crate) fn plan(input: &Input<'_>) -> Result<Plan, InvalidName> {
    let refs = Refs::of(input.slug)?;
    let complete = input.carry.candidate.complete;
    let mut steps = vec![Step::RecordEvent];
    write_contents(input, &refs, &mut steps)?;
    if complete {
        run_checks(input.checks, &mut steps)?;
    }
    move_refs(input, &refs, &mut steps);
    for (path, what) in [
        ("candidate.json", Artifact::Document),
        ("report.html", Artifact::ReportHtml),
        ("report.md", Artifact::ReportMarkdown),
    ] {
        steps.push(write(path, what)?);
    }
    let state = if complete { "candidate" } else { "conflict" };
    steps.extend([Step::RecordRun, Step::RecordLedger { state: state.to_owned() }]);
    Ok(Plan { steps })
}

/// The patches that the candidate holds as patch files, each with its number in the stack. Merges
/// and patches that change nothing have no file.
pub(crate) fn held<'a>(carry: &'a Carry, members: Option<&BTreeSet<CommitId>>) -> Vec<(usize, &'a Patch)> {
    let last = carry.patches.iter().position(|patch| patch.new_commit == Some(carry.candidate.commit));
    let up_to = if carry.candidate.complete { carry.patches.len() } else { last.map_or(0, |last| last + 1) };
    let is_member = |patch: &Patch| match (members, patch.new_commit) {
        (Some(members), Some(new)) => members.contains(&new),
        (None, Some(_)) => true,
        (_, None) => false,
    };
    numbered(carry)
        .take(up_to)
        .filter(|(_, patch)| patch.verdict.is_carried() && !patch.merge && is_member(patch))
        .collect()
}

/// The text of `patches/series`: the patch files in order, as quilt and `git quiltimport` read it,
/// and a comment for every patch of the stack that has no file.
pub(crate) fn series(carry: &Carry, members: Option<&BTreeSet<CommitId>>) -> String {
    let held: BTreeSet<usize> = held(carry, members).into_iter().map(|(number, _)| number).collect();
    let mut text = format!("# {} patches, carried to {}\n", carry.counts.patches, carry.onto);
    for (number, patch) in numbered(carry) {
        if held.contains(&number) {
            text.push_str(&patch_file_name(number, &patch.subject));
        } else {
            let why = match (patch.merge, patch.verdict) {
                (true, verdict) if verdict.is_carried() => "merge",
                (_, verdict) if verdict.is_carried() => "only in the partial candidate",
                (_, verdict) => verdict.name(),
            };
            text.push_str(&format!("# {number:04} {why}: {} {}", patch.commit, one_line(&patch.subject)));
        }
        text.push('\n');
    }
    text
}

/// The patches with their numbers, from 1.
fn numbered(carry: &Carry) -> impl Iterator<Item = (usize, &Patch)> {
    (1..).zip(&carry.patches)
}

fn write(path: &str, what: Artifact) -> Result<Step, InvalidName> {
    Ok(Step::WriteArtifact { path: path.parse()?, what })
}

fn write_contents(input: &Input<'_>, refs: &Refs, steps: &mut Vec<Step>) -> Result<(), InvalidName> {
    let bundled = bundled(input, refs);
    if !bundled.is_empty() {
        steps.push(write("candidate.bundle", Artifact::Bundle { refs: bundled })?);
    }
    for (number, patch) in held(input.carry, input.members) {
        if let Some(commit) = patch.new_commit {
            let name = patch_file_name(number, &patch.subject);
            steps.push(write(&format!("patches/{name}"), Artifact::Patch { commit })?);
        }
    }
    steps.push(write("patches/series", Artifact::Series)?);
    steps.push(write("range-diff.txt", Artifact::RangeDiff)?);
    for (number, patch) in numbered(input.carry).filter(|(_, patch)| patch.verdict == Verdict::Conflict) {
        let name = conflict_dir(number, &patch.subject);
        steps.push(write(&format!("conflicts/{name}"), Artifact::Conflict { patch: patch.commit })?);
    }
    Ok(())
}

/// The refs that the bundle holds: none of them upstream's own commit, for git refuses an empty bundle.
fn bundled(input: &Input<'_>, refs: &Refs) -> Vec<NamedRef> {
    let Carry { onto, candidate, partial, .. } = input.carry;
    let delivered = input.squashed.unwrap_or(candidate.commit);
    let mut bundled = Vec::new();
    if delivered != *onto {
        bundled.push(NamedRef { name: refs.candidate.clone(), commit: delivered });
    }
    if let Some(commit) = partial.filter(|partial| partial != onto && *partial != delivered) {
        bundled.push(NamedRef { name: refs.partial.clone(), commit });
    }
    bundled
}

fn move_refs(input: &Input<'_>, refs: &Refs, steps: &mut Vec<Step>) {
    let Carry { onto, candidate, partial, excluded, .. } = input.carry;
    let own = (candidate.commit != *onto).then_some(candidate.commit);
    let wanted = if candidate.complete {
        [
            (&refs.candidate, Some(input.squashed.unwrap_or(candidate.commit))),
            (&refs.stack, input.squashed.map(|_| candidate.commit)),
            (&refs.incomplete, None),
            (&refs.partial, None),
            (&refs.base, Some(recorded_base(*onto, excluded, input.existing.get(&refs.base).copied()))),
        ]
    } else {
        let partial = partial.filter(|partial| partial != onto);
        [
            (&refs.candidate, None),
            (&refs.stack, None),
            (&refs.incomplete, own),
            (&refs.partial, partial),
            (&refs.base, None),
        ]
    };
    // Nothing else has the patches of a squashed candidate one by one, and nothing else the base.
    let lasting = [&refs.stack, &refs.base];
    for (name, to) in wanted {
        let name = name.clone();
        match (input.existing.get(&name).copied(), to) {
            (from, Some(to)) if from != Some(to) => steps.push(Step::MoveRef { name, from, to }),
            (Some(from), None) if !lasting.contains(&&name) => steps.push(Step::DeleteRef { name, from }),
            _ => {}
        }
    }
}

fn run_checks(checks: &[PlannedCheck], steps: &mut Vec<Step>) -> Result<(), InvalidName> {
    let mut logs = Vec::new();
    for PlannedCheck { name, command } in checks {
        let log = check_log_name(name, &logs);
        let path = format!("checks/{log}").parse()?;
        logs.push(log);
        steps.push(Step::RunCheck { name: name.clone(), command: command.clone(), log: path });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
