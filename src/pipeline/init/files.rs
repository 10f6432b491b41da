//! What the files say, and what becomes of those that are there.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::layout::Layout;
use super::tags::Tags;
use super::{Pinned, action};
use crate::event::UPSTREAM_RELEASE;
use crate::failure::{Failure, Result};
use crate::flow::{self, BuiltIn, Manifest};
use crate::git::difference;
use crate::ids::{Digest, RepoName};
use crate::pack::{self, Edit, Lock, Pin};
use crate::release::Sources;

/// The sources.
pub(super) const SOURCES: &str = "feed-sources.json";
/// The flow.
pub(super) const FLOW: &str = ".codex/flows/patch-stack/flow.toml";
/// The schema of its events.
pub(super) const SCHEMA: &str = ".codex/flows/patch-stack/release.schema.json";
/// The lock.
pub(super) const LOCK: &str = ".codex/pack-lock.json";
/// The workflow.
pub(in crate::pipeline) const WORKFLOW: &str = ".github/workflows/upstream-release.yml";

/// The workflow with words in the places of what is only known here.
const CALLER: &str = include_str!("../../../docs/examples/caller.yml");

/// What decides what the files say.
pub(super) struct Wanted<'a> {
    /// The upstream repository.
    pub(super) upstream: &'a RepoName,
    /// The maintained branch.
    pub(super) branch: &'a str,
    /// Where the fork is, where it is another repository.
    pub(super) fork: Option<&'a str>,
    /// Where upstream is fetched from.
    pub(super) url: &'a str,
    /// Its page.
    pub(super) page: &'a str,
    /// Its release feed.
    pub(super) feed: &'a str,
    /// Its default branch.
    pub(super) default_branch: Option<&'a str>,
    /// Where the files live.
    pub(super) layout: &'a Layout,
    /// Which tags are releases.
    pub(super) tags: &'a Tags,
    /// The action's commit.
    pub(super) pinned: &'a Pinned,
    /// The page of the repository that holds the files.
    pub(super) web: Option<String>,
}

/// What is there now.
#[derive(Debug, Default)]
pub(super) struct There {
    /// The text of each file.
    pub(super) texts: BTreeMap<&'static str, String>,
    /// Every file in the flow's folder: its path below it, and its digest.
    pub(super) flow: Vec<(String, Digest)>,
}

/// What becomes of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Change {
    /// Its path below the workspace's root.
    pub(super) path: &'static str,
    /// What becomes of it.
    pub(super) what: What,
    /// The difference between what is there and what belongs there, as `git diff` shows it.
    pub(super) diff: String,
    /// What is written, where anything is.
    #[serde(skip)]
    pub(super) new: Option<String>,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// It is not there.
    Create,
    /// Something is added to it, or brought up to date.
    Change,
    /// It differs, and is written over because that was asked for.
    Overwrite,
    /// It differs, and stays as it is.
    Kept,
    /// It is as it should be.
    Unchanged,
}

/// Decides about every file. The notes say what is odd.
///
/// # Errors
/// A file that is there and is no list of sources, flow or lock.
pub(super) fn decide(
    wanted: &Wanted<'_>,
    there: &There,
    now: &str,
    overwrite: bool,
) -> Result<(Vec<Change>, Vec<String>)> {
    let text = |path| there.texts.get(path).map(String::as_str);
    let sources = sources(wanted, text(SOURCES), overwrite)?;
    let stack = BuiltIn { repo: wanted.fork, target_branch: wanted.branch, upstream_url: Some(wanted.url) };
    let flow = whole(FLOW, text(FLOW), flow::built_in_file(stack, wanted.upstream), overwrite);
    let schema = whole(SCHEMA, text(SCHEMA), flow::built_in_schema(wanted.upstream), overwrite);
    let lock = lock(there, &[&flow, &schema], now)?;
    let workflow = workflow(wanted.pinned, text(WORKFLOW), overwrite);
    let changes = vec![sources, flow, schema, lock, workflow];
    let notes = changes.iter().filter(|change| change.what == What::Kept).map(|change| {
        format!(
            "{} differs from what init writes, and stays as it is; `--overwrite` writes over it",
            change.path
        )
    });
    let notes = notes.collect();
    Ok((changes, notes))
}

impl Change {
    fn new(path: &'static str, what: What, old: Option<&str>, new: String) -> Self {
        let diff = difference(old.unwrap_or_default(), &new);
        let is_written = matches!(what, What::Create | What::Change | What::Overwrite);
        Self { path, what, diff, new: is_written.then_some(new) }
    }

    /// Whether it is written.
    pub(super) const fn is_written(&self) -> bool {
        self.new.is_some()
    }
}

/// A file that is all ours.
fn whole(path: &'static str, old: Option<&str>, new: String, overwrite: bool) -> Change {
    let what = match old {
        None => What::Create,
        Some(old) if old == new => What::Unchanged,
        Some(_) if overwrite => What::Overwrite,
        Some(_) => What::Kept,
    };
    Change::new(path, what, old, new)
}

/// feed-sources.json: one source among those that are there.
fn sources(wanted: &Wanted<'_>, old: Option<&str>, overwrite: bool) -> Result<Change> {
    let file = Path::new(SOURCES);
    let ours = source(wanted);
    let Some(text) = old else {
        let document = json!({ "sources": [ours] });
        let new = format!("{document:#}\n");
        Sources::parse(&new, file)?;
        return Ok(Change::new(SOURCES, What::Create, None, new));
    };
    let known = Sources::parse(text, file)?;
    let value: Value =
        serde_json::from_str(text).map_err(|error| Failure::new(crate::failure::Kind::Usage, error))?;
    let items = value.get("sources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let about = |(_, source): &(usize, &crate::release::Source)| {
        source.is_about(wanted.upstream) && source.starts_work()
    };
    let Some((at, _)) = known.iter().enumerate().find(about) else {
        let mut ours = ours;
        let id = ours["id"].as_str().unwrap_or_default().to_owned();
        let is_free = |id: &String| known.get(id).is_none();
        let ids = std::iter::once(id.clone()).chain((2..).map(|number| format!("{id}-{number}")));
        if let Some(free) = ids.take(1_001).find(is_free) {
            ours["id"] = json!(free);
        }
        let new = if value.get("sources").is_some_and(Value::is_array) {
            pack::edited(text, "sources", Edit::Insert(items.len(), &ours))
        } else {
            let mut document = value.clone();
            document["sources"] = json!([ours]);
            Some(format!("{document:#}\n"))
        };
        let new = new.ok_or_else(|| Failure::usage(format!("{SOURCES} cannot be added to")))?;
        Sources::parse(&new, file)?;
        return Ok(Change::new(SOURCES, What::Change, old, new));
    };
    let merged = laid_over(&items[at], &ours);
    if merged == items[at] {
        return Ok(Change::new(SOURCES, What::Unchanged, old, text.to_owned()));
    }
    let new = pack::edited(text, "sources", Edit::Replace(at, &merged));
    let new = new.ok_or_else(|| Failure::usage(format!("{SOURCES} cannot be changed")))?;
    Sources::parse(&new, file)?;
    let what = if overwrite { What::Overwrite } else { What::Kept };
    Ok(Change::new(SOURCES, what, old, new))
}

/// The source that init writes.
fn source(wanted: &Wanted<'_>) -> Value {
    let provider = if wanted.page.starts_with("https://codeberg.org/") { "codeberg" } else { "github" };
    let (owner, name) = (wanted.upstream.owner(), wanted.upstream.name());
    let mut repo = json!({
        "owner": owner,
        "name": name,
        "fullName": wanted.upstream,
        "webUrl": wanted.page,
    });
    if let Some(branch) = wanted.default_branch {
        repo["defaultBranch"] = json!(branch);
    }
    let mut source = json!({
        "id": format!("{provider}-{owner}-{name}-releases"),
        "provider": provider,
        "url": wanted.feed,
        "event": "release",
        "repo": repo,
        "target": { "mode": "workspace_flow", "eventType": UPSTREAM_RELEASE },
    });
    if let Some(pattern) = &wanted.tags.pattern {
        source["tagPattern"] = json!(pattern);
    }
    source
}

/// `theirs` with what `ours` says laid over it. The id is theirs: what was seen is remembered under it.
fn laid_over(theirs: &Value, ours: &Value) -> Value {
    let (Value::Object(theirs), Value::Object(ours)) = (theirs, ours) else { return ours.clone() };
    let mut merged: Map<String, Value> = theirs.clone();
    for (key, value) in ours.iter().filter(|(key, _)| *key != "id") {
        let new = match merged.get(key) {
            Some(old) if value.is_object() => laid_over(old, value),
            _ => value.clone(),
        };
        merged.insert(key.clone(), new);
    }
    Value::Object(merged)
}

/// The lock, which pins the flow as it will lie there.
fn lock(there: &There, written: &[&Change], now: &str) -> Result<Change> {
    let old = there.texts.get(LOCK).map(String::as_str);
    let folder = format!(".codex/flows/{}/", flow::BUILT_IN);
    let mut files: BTreeMap<String, Digest> = there.flow.iter().cloned().collect();
    for change in written {
        if let (Some(new), Some(below)) = (&change.new, change.path.strip_prefix(&folder)) {
            files.insert(below.to_owned(), Digest::of(new.as_bytes()));
        }
    }
    // A flow that cannot be read would be pinned for nothing.
    let flow = written.iter().find(|change| change.path == FLOW).and_then(|change| change.new.as_deref());
    if let Some(text) = flow.or_else(|| there.texts.get(FLOW).map(String::as_str)) {
        Manifest::parse(text, Path::new(FLOW))?;
    }
    let pin = Pin {
        name: flow::BUILT_IN,
        installer: pack::INSTALLER,
        content_hash: pack::content_hash(files.iter().map(|(path, digest)| (path.as_str(), digest))),
        installed_at: now.to_owned(),
    };
    Ok(match Lock::pinned(old, Path::new(LOCK), &pin)? {
        None => Change::new(LOCK, What::Unchanged, old, old.unwrap_or_default().to_owned()),
        Some(new) if old.is_none() => Change::new(LOCK, What::Create, None, new),
        Some(new) => Change::new(LOCK, What::Change, old, new),
    })
}

/// The workflow: one that names the action already has its commit moved, and stays a person's own.
fn workflow(pinned: &Pinned, old: Option<&str>, overwrite: bool) -> Change {
    let new = caller(pinned);
    let Some(text) = old else { return Change::new(WORKFLOW, What::Create, None, new) };
    if overwrite && text != new && action::moved(text, pinned) != new {
        return Change::new(WORKFLOW, What::Overwrite, old, new);
    }
    let named = action::uses(text);
    let moved = action::moved(text, pinned);
    if named.is_empty() {
        return whole(WORKFLOW, old, new, overwrite);
    }
    let what = if moved == text { What::Unchanged } else { What::Change };
    Change::new(WORKFLOW, what, old, moved)
}

/// The caller with everything filled in.
fn caller(pinned: &Pinned) -> String {
    CALLER
        .replace(action::name(), &pinned.repo)
        .replace("COMMIT", &pinned.commit.to_string())
        .replace("vVERSION", &pinned.comment)
}

#[cfg(test)]
mod tests {
    use super::super::layout::Kind;
    use super::*;
    use crate::ids::{CommitId, ObjectId};

    fn pinned(byte: u8) -> Pinned {
        Pinned {
            repo: action::name().to_owned(),
            commit: CommitId::new(ObjectId::from_bytes([byte; 20])),
            comment: "v1.2.3".to_owned(),
            words: String::new(),
        }
    }

    fn decided(there: &There, overwrite: bool) -> Result<Vec<Change>> {
        let upstream = "acme/engine".parse().unwrap();
        let layout = Layout { kind: Kind::MaintainedBranch, home: "main".to_owned(), because: String::new() };
        let tags = Tags {
            pattern: Some(r"^rust\-v(?<version>\d+)$".to_owned()),
            newest: None,
            words: String::new(),
        };
        let wanted = Wanted {
            upstream: &upstream,
            branch: "main",
            fork: None,
            url: "https://github.com/acme/engine.git",
            page: "https://github.com/acme/engine",
            feed: "https://github.com/acme/engine/releases.atom",
            default_branch: Some("trunk"),
            layout: &layout,
            tags: &tags,
            pinned: &pinned(1),
            web: None,
        };
        Ok(decide(&wanted, there, "2026-11-22T06:21:13.428Z", overwrite)?.0)
    }

    fn after(changes: &[Change], before: &There) -> There {
        let mut there = There { texts: before.texts.clone(), flow: before.flow.clone() };
        for change in changes {
            if let Some(new) = &change.new {
                there.texts.insert(change.path, new.clone());
            }
        }
        let below = |path: &str| path.strip_prefix(".codex/flows/patch-stack/").map(str::to_owned);
        there.flow = there
            .texts
            .iter()
            .filter_map(|(path, text)| Some((below(path)?, Digest::of(text.as_bytes()))))
            .collect();
        there
    }

    fn kinds(changes: &[Change]) -> Vec<What> {
        changes.iter().map(|change| change.what).collect()
    }

    #[test]
    fn a_file_that_is_none_of_its_kind_is_an_error_with_its_name() {
        for (path, text) in
            [(SOURCES, "{"), (SOURCES, "[]"), (LOCK, "{}"), (FLOW, "name = 1"), (LOCK, "\u{0}")]
        {
            let there = There { texts: [(path, text.to_owned())].into(), flow: Vec::new() };
            let error = decided(&there, false).unwrap_err();
            let said = format!("{} {:?}", error.title(), error.causes());
            assert!(said.contains(path), "{said}");
        }
    }

    #[test]
    fn the_second_time_there_is_nothing_to_do() {
        let first = decided(&There::default(), false).unwrap();
        assert_eq!(kinds(&first), [What::Create; 5]);
        let there = after(&first, &There::default());
        let second = decided(&there, false).unwrap();
        assert_eq!(kinds(&second), [What::Unchanged; 5]);
        assert_eq!(kinds(&decided(&there, true).unwrap()), [What::Unchanged; 5], "not even with --overwrite");
    }

    #[test]
    fn what_a_person_changed_is_shown_and_kept_unless_it_may_be_written_over() {
        let first = decided(&There::default(), false).unwrap();
        let mut there = after(&first, &There::default());
        for (path, from, to) in [
            (SOURCES, "releases.atom", "tags.atom"),
            (FLOW, "timeout_ms = 3600000", "timeout_ms = 60000"),
            (WORKFLOW, "37 5 * * *", "11 4 * * *"),
        ] {
            let text = there.texts[path].replace(from, to);
            assert_ne!(text, there.texts[path], "{path}");
            there.texts.insert(path, text);
        }
        let there = after(&[], &there);

        let kept = decided(&there, false).unwrap();
        assert_eq!(kinds(&kept), [What::Kept, What::Kept, What::Unchanged, What::Change, What::Unchanged]);
        assert!(kept[0].diff.contains("+      \"url\": \"https://github.com/acme/engine/releases.atom\""));
        let again = after(&kept, &there);
        assert!(
            decided(&again, false).unwrap().iter().all(|change| !change.is_written()),
            "pinned as edited"
        );

        let over = decided(&again, true).unwrap();
        let (o, u) = (What::Overwrite, What::Unchanged);
        assert_eq!(kinds(&over), [o, o, u, What::Change, o]);
        assert_eq!(kinds(&decided(&after(&over, &again), true).unwrap()), [u; 5]);
    }

    #[test]
    fn a_source_is_added_to_those_of_others_and_they_stay_as_they_are() {
        let others = "{\"sources\":[{\"id\":\"github-acme-engine-releases\",\"provider\":\"github\",\"url\":\"https://x.example/a.atom\",\"event\":\"push\",\"repo\":{\"owner\":\"o\",\"name\":\"n\",\"fullName\":\"o/n\",\"webUrl\":\"https://x.example/o/n\"}}]}";
        let there = There { texts: [(SOURCES, others.to_owned())].into(), flow: Vec::new() };
        let changes = decided(&there, false).unwrap();
        let new = changes[0].new.as_deref().unwrap();
        assert!(new.starts_with(&others[..others.len() - 2]), "{new}");
        assert!(new.contains("\"id\": \"github-acme-engine-releases-2\""), "{new}");
        let empty = There { texts: [(SOURCES, "{\"x\": 1}".to_owned())].into(), flow: Vec::new() };
        assert!(decided(&empty, false).unwrap()[0].new.as_deref().unwrap().contains("\"x\": 1"));
    }

    #[test]
    fn the_workflow_has_at_most_twenty_lines_and_names_a_commit() {
        let text = caller(&pinned(1));
        assert!(text.lines().count() <= 20, "{text}");
        assert_eq!(action::uses(&text).len(), 1);
        assert!(text.contains(&format!("@{} # v1.2.3\n", pinned(1).commit)), "{text}");
        for left in ["COMMIT", "VERSION"] {
            assert!(!text.contains(left), "{text}");
        }
        let newer = workflow(&pinned(2), Some(&text), false);
        assert_eq!((newer.what, newer.diff.matches("\n+").count()), (What::Change, 1), "{}", newer.diff);
        assert_eq!(workflow(&pinned(1), Some("on: push\n"), false).what, What::Kept);
    }
}
