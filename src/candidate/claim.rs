//! What an artifact says of itself, as far as anybody listens to it.
//!
//! An artifact comes from a job that may have run anybody's code. So nothing in it is believed: a
//! [`Claim`] is what is needed to make the carry again, and what is then compared with what comes out.

use std::collections::{BTreeMap, HashSet};

use crate::candidate::refusal::{Refusal, quoted};
use crate::candidate::{CheckOutcome, Document, MADE_BY_FLOW, Outcome, SCHEMA_VERSION};
use crate::flow::Check;
use crate::ids::{CommitId, EventId, ObjectId, RelPath, RepoName, TagName, TreeId};
use crate::stack::{Candidate, Carry, Counts, Landed, Settlement, Verdict};

/// The name of the document in its folder.
const FILE: &str = "candidate.json";

/// The largest candidate.json that is looked at, in bytes.
pub(crate) const LARGEST_CLAIM: u64 = 64 << 20;

/// Deeper than this nothing is nested in what a run writes; the format itself needs 5.
const DEEPEST: usize = 32;

/// More values than this no run writes: some forty for each of 50,000 patches.
const MOST_VALUES: usize = 2_000_000;

/// The one name that a bundle has.
const BUNDLE: &str = "candidate.bundle";

/// What an artifact says of itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claim {
    /// The event.
    pub(crate) event: EventId,
    /// The repository that released.
    pub(crate) repo: RepoName,
    /// The release.
    pub(crate) tag: TagName,
    /// What the tag's ref names: the tag's own object, else the commit.
    pub(crate) object: ObjectId,
    /// The release commit.
    pub(crate) onto: CommitId,
    /// The commit whose stack was carried.
    pub(crate) tip: CommitId,
    /// What counted as upstream's.
    pub(crate) excluded: Vec<CommitId>,
    /// The commit of the branch for which a candidate's stack stood in.
    pub(crate) landed: Option<Landed>,
    /// What it says that it is.
    pub(crate) status: Outcome,
    /// The flow and the step that made the commits itself, where one did.
    pub(crate) made_by: Option<(String, String)>,
    /// Whether it says that there is a bundle.
    pub(crate) bundle: bool,
    /// What a person settled, by the artifact's word.
    pub(crate) settlements: Vec<Settlement>,
    /// How the checks went, by the run.
    pub(crate) checks: Vec<CheckOutcome>,
    base: CommitId,
    candidate: Candidate,
    partial: Option<CommitId>,
    squashed: Option<(CommitId, TreeId)>,
    counts: Counts,
    verdicts: Vec<(CommitId, Verdict, Option<CommitId>)>,
}

impl Claim {
    /// Reads candidate.json.
    ///
    /// # Errors
    /// Where it is not what a run writes, or contradicts itself.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        check_shape(FILE, text)?;
        let document: Document = serde_json::from_str(text).map_err(|err| {
            let why = quoted(&err.to_string());
            if err.is_data() {
                Refusal::NotOurs { file: FILE, why }
            } else {
                Refusal::NotJson { file: FILE, why }
            }
        })?;
        if document.schema_version != SCHEMA_VERSION {
            let found = document.schema_version;
            return Err(Refusal::Version { file: FILE, found, known: SCHEMA_VERSION });
        }
        let Document { event, upstream, carry, .. } = &document;
        // A forge does not tell `A/b` from `a/B`, and an event is named as the source writes it.
        if event.id != EventId::of_release(&event.repo, &event.tag) || upstream.repository != event.repo {
            let (id, repo, tag) = (event.id.clone(), event.repo.clone(), event.tag.clone());
            return Err(Refusal::EventId { id, repo, tag });
        }
        if event.commit != carry.onto {
            let (tag, event) = (event.tag.clone(), event.commit);
            return Err(Refusal::EventCommit { tag, event, onto: carry.onto });
        }
        paths(&document)?;
        settlements(carry)?;
        if let Some(named) =
            document.refs.iter().find(|named| !named.name.as_str().starts_with("refs/patch-moi/"))
        {
            return Err(Refusal::RefOutside { name: named.name.clone() });
        }
        Ok(Self::of(document))
    }

    fn of(document: Document) -> Self {
        let Document { event, carry, status, squashed, bundle, checks, flow, .. } = document;
        Self {
            object: event.tag_object.unwrap_or_else(|| event.commit.object()),
            event: event.id,
            repo: event.repo,
            tag: event.tag,
            onto: carry.onto,
            tip: carry.tip,
            excluded: carry.excluded,
            landed: carry.landed,
            status,
            made_by: (flow.origin == MADE_BY_FLOW).then_some((flow.name, flow.step)),
            bundle: bundle.is_some(),
            settlements: carry.settlements,
            checks,
            base: carry.base,
            candidate: carry.candidate,
            partial: carry.partial,
            squashed: squashed.map(|squashed| (squashed.commit, squashed.tree)),
            counts: carry.counts,
            verdicts: carry
                .patches
                .iter()
                .map(|patch| (patch.commit, patch.verdict, patch.new_commit))
                .collect(),
        }
    }

    /// Whether a step of the flow made the commits itself.
    pub(crate) const fn is_made_by_flow(&self) -> bool {
        self.made_by.is_some()
    }

    /// The commit that it offers.
    pub(crate) const fn commit(&self) -> CommitId {
        self.candidate.commit
    }

    /// Compares the claim with the carry that was made again, and with its one commit.
    ///
    /// # Errors
    /// The first thing that is not the same.
    pub(crate) fn agrees(&self, made: &Carry, squashed: Option<CommitId>) -> Result<(), Refusal> {
        let id = |id: Option<CommitId>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        let same = |what: &str, claimed: String, made: String| match claimed == made {
            true => Ok(()),
            false => Err(Refusal::Differs { what: what.to_owned(), claimed, made }),
        };
        let tree = squashed.map(|_| made.candidate.tree.to_string());
        let claimed_tree = self.squashed.map(|(_, tree)| tree.to_string());
        same("the base", self.base.to_string(), made.base.to_string())?;
        same("the number of patches", self.verdicts.len().to_string(), made.patches.len().to_string())?;
        for ((commit, verdict, new), patch) in self.verdicts.iter().zip(&made.patches) {
            same("a patch of the stack", commit.to_string(), patch.commit.to_string())?;
            if *verdict != patch.verdict {
                return Err(Refusal::Verdict { commit: *commit, claimed: *verdict, made: patch.verdict });
            }
            same(&format!("what carries {commit}"), id(*new), id(patch.new_commit))?;
        }
        same("the candidate", self.candidate.commit.to_string(), made.candidate.commit.to_string())?;
        same("the candidate's tree", self.candidate.tree.to_string(), made.candidate.tree.to_string())?;
        same("`complete`", self.candidate.complete.to_string(), made.candidate.complete.to_string())?;
        same("the partial candidate", id(self.partial), id(made.partial))?;
        same("the squashed commit", id(self.squashed.map(|(commit, _)| commit)), id(squashed))?;
        same("the squashed commit's tree", claimed_tree.unwrap_or_default(), tree.unwrap_or_default())?;
        if self.counts != made.counts {
            let (claimed, made) = (format!("{:?}", self.counts), format!("{:?}", made.counts));
            return Err(Refusal::Differs { what: "the count of verdicts".to_owned(), claimed, made });
        }
        Ok(())
    }

    /// The flow's checks with what the run says of them. What is required and how it is called is the
    /// flow's word; a check that the flow does not have is not looked at. `logs` are the checks' logs.
    ///
    /// # Errors
    /// Where a required check of a complete candidate is not spoken of.
    pub(crate) fn checked(&self, checks: &[Check], logs: &[RelPath]) -> Result<Vec<CheckOutcome>, Refusal> {
        if !self.candidate.complete {
            return Ok(Vec::new());
        }
        let reported: BTreeMap<&str, &CheckOutcome> =
            self.checks.iter().rev().map(|check| (check.name.as_str(), check)).collect();
        let mut outcomes = Vec::new();
        for (check, log) in checks.iter().zip(logs) {
            match reported.get(check.name.as_str()) {
                Some(said) => outcomes.push(CheckOutcome {
                    name: check.name.clone(),
                    command: check.command.clone(),
                    required: check.required,
                    outcome: said.outcome,
                    exit_code: said.exit_code,
                    seconds: said.seconds.clamp(0.0, 1e7),
                    log: log.to_string(),
                }),
                None if check.required => return Err(Refusal::CheckHidden { name: check.name.clone() }),
                None => {}
            }
        }
        Ok(outcomes)
    }
}

/// Each settlement is of a patch in the document, and each patch has one at most.
fn settlements(carry: &Carry) -> Result<(), Refusal> {
    let patches: HashSet<CommitId> = carry.patches.iter().map(|patch| patch.commit).collect();
    let mut seen = HashSet::new();
    let wrong = |one: &&Settlement| !patches.contains(&one.commit) || !seen.insert(one.commit);
    match carry.settlements.iter().find(wrong) {
        Some(one) => Err(Refusal::Settlement { commit: one.commit, on_tree: one.on_tree }),
        None => Ok(()),
    }
}

/// Every path in the document is one in the artifact.
fn paths(document: &Document) -> Result<(), Refusal> {
    let wrong = |field, path: &str| Refusal::Path { field, path: quoted(path) };
    if let Some(bundle) = document.bundle.as_deref().filter(|bundle| *bundle != BUNDLE) {
        return Err(wrong("bundle", bundle));
    }
    for check in &document.checks {
        let path: Result<RelPath, _> = check.log.parse();
        if path.is_err() || !check.log.starts_with("checks/") {
            return Err(wrong("checks[].log", &check.log));
        }
    }
    Ok(())
}

/// Looks over JSON before it is taken in: how deep it goes and of how many values it is made.
///
/// # Errors
/// [`Refusal::Shape`].
pub(crate) fn check_shape(file: &'static str, text: &str) -> Result<(), Refusal> {
    let (mut depth, mut values, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text.bytes() {
        if in_text {
            (in_text, escaped) = (byte != b'"' || escaped, byte == b'\\' && !escaped);
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => (depth, values) = (depth + 1, values + 1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > DEEPEST {
            return Err(Refusal::Shape { file, what: "is nested too deep" });
        }
        if values > MOST_VALUES {
            return Err(Refusal::Shape { file, what: "has too many parts" });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::candidate::{CheckResult, sample};

    /// A document that keeps to the rules, as text, with one thing changed.
    fn changed(change: impl FnOnce(&mut Value)) -> String {
        let mut value = serde_json::to_value(sample::document()).unwrap();
        let (repo, tag) = (value["event"]["repo"].clone(), value["event"]["tag"].clone());
        value["upstream"]["repository"] = repo.clone();
        let (repo, tag) = (repo.as_str().unwrap(), tag.as_str().unwrap());
        value["event"]["id"] = json!(format!("patch:upstream.release:{repo}:{tag}"));
        value["event"]["commit"] = value["onto"].clone();
        value["refs"] = json!([]);
        change(&mut value);
        value.to_string()
    }

    fn refused(change: impl FnOnce(&mut Value)) -> Refusal {
        Claim::parse(&changed(change)).unwrap_err()
    }

    #[test]
    fn what_a_run_writes_is_read() {
        let claim = Claim::parse(&changed(|_| {})).unwrap();
        assert_eq!(claim.tip, sample::document().carry.tip);
        assert!(!claim.is_made_by_flow());
    }

    #[test]
    fn each_fault_has_a_reason_of_its_own() {
        let code = |change: fn(&mut Value)| refused(change).code();
        assert_eq!(code(|value| value["event"]["id"] = json!("patch:upstream.release:a/b:v9")), "event-id");
        assert_eq!(code(|value| value["upstream"]["repository"] = json!("other/repo")), "event-id");
        assert_eq!(code(|value| value["event"]["commit"] = json!("1".repeat(40))), "event-commit");
        assert_eq!(code(|value| value["schemaVersion"] = json!(2)), "version");
        assert_eq!(code(|value| value["tip"] = json!("HEAD")), "not-a-candidate");
        assert_eq!(code(|value| value["bundle"] = json!("../../x.bundle")), "path");
        assert_eq!(code(|value| value["checks"][0]["log"] = json!("checks/../../../x")), "path");
        let outside = json!([{ "name": "refs/heads/main", "commit": "1".repeat(40) }]);
        assert_eq!(refused(|value| value["refs"] = outside).code(), "ref-outside");
        assert_eq!(Claim::parse("no").unwrap_err().code(), "not-json");
        assert_eq!(Claim::parse("{\"a\": 1").unwrap_err().code(), "not-json");
        assert_eq!(Claim::parse(&"[".repeat(33)).unwrap_err().code(), "shape");
        assert_eq!(Claim::parse(&format!("[{}", "1,".repeat(MOST_VALUES + 1))).unwrap_err().code(), "shape");
    }

    #[test]
    fn brackets_in_a_text_are_not_counted() {
        let deep = json!({ "a": "[{\"".repeat(100), "b": "\\" }).to_string();
        assert_eq!(check_shape(FILE, &deep), Ok(()));
    }

    #[test]
    fn a_claim_agrees_with_what_it_was_made_of_and_with_nothing_else() {
        let document = sample::document();
        let squashed = document.squashed.map(|squashed| squashed.commit);
        let claim = Claim::of(document.clone());
        assert_eq!(claim.agrees(&document.carry, squashed), Ok(()));

        for spoil in [
            (|carry| carry.candidate.commit = sample::commit(99)) as fn(&mut Carry),
            |carry| carry.candidate.tree = TreeId::new(sample::commit(99).object()),
            |carry| carry.candidate.complete ^= true,
            |carry| carry.partial = Some(sample::commit(99)),
            |carry| carry.base = sample::commit(99),
            |carry| carry.counts.clean += 1,
            |carry| carry.patches[0].verdict = Verdict::Empty,
            |carry| carry.patches[0].commit = sample::commit(99),
            |carry| carry.patches[0].new_commit = Some(sample::commit(99)),
            |carry| drop(carry.patches.pop()),
        ] {
            let mut other = document.carry.clone();
            spoil(&mut other);
            assert!(claim.agrees(&other, squashed).is_err(), "{other:?}");
        }
        assert!(claim.agrees(&document.carry, Some(sample::commit(98))).is_err());
    }

    #[test]
    fn the_flow_says_which_checks_count_and_the_run_only_how_they_went() {
        let mut document = sample::document();
        document.carry.candidate.complete = true;
        let said = |name: &str, outcome| CheckOutcome {
            name: name.to_owned(),
            command: vec!["true".to_owned()],
            required: false,
            outcome,
            exit_code: Some(0),
            seconds: f64::MAX,
            log: "checks/x.log".to_owned(),
        };
        document.checks = vec![said("build", CheckResult::Passed), said("strange", CheckResult::Passed)];
        let claim = Claim::of(document);
        let check = |name: &str, required| Check {
            name: name.to_owned(),
            command: vec!["make".to_owned()],
            timeout: std::time::Duration::from_secs(1),
            required,
            env: Vec::new(),
        };
        let logs: Vec<RelPath> =
            ["checks/build.log", "checks/test.log"].map(|log| log.parse().unwrap()).into();

        let known = claim.checked(&[check("build", true), check("test", false)], &logs).unwrap();
        assert_eq!(known.len(), 1, "what the flow does not have is nobody's check");
        assert!(known[0].required && known[0].command == ["make"]);
        assert_eq!(known[0].log, "checks/build.log");

        let hidden = claim.checked(&[check("build", true), check("test", true)], &logs).unwrap_err();
        assert_eq!(hidden, Refusal::CheckHidden { name: "test".to_owned() });
    }
}
