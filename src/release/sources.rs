//! feed-sources.json: what is watched. Format: patch.moi's, and the keys of [`Rules`].

use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;
use url::Url;

use crate::ids::RepoName;

use super::fields::{BadField, Fields, escaped, kind};
use super::rules::Rules;
use super::target::{self, Target};

/// The longest feed-sources.json, in bytes.
pub(crate) const MAX_SOURCES_BYTES: usize = 1 << 20;

/// How many sources one file may name.
const MAX_SOURCES: usize = 1_000;

/// The sources of one file, checked.
#[derive(Debug)]
pub(crate) struct Sources {
    sources: Vec<Source>,
    warnings: Vec<String>,
}

/// One feed of one repository.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Its name, under which is remembered what was seen.
    pub(crate) id: String,
    /// The forge.
    pub(crate) provider: Provider,
    /// The feed.
    pub(crate) url: Url,
    /// What the feed tells.
    pub(crate) event: SourceEvent,
    /// The repository.
    pub(crate) repo: SourceRepo,
    /// What the news are for.
    pub(crate) target: Option<Target>,
    /// Whether entries that were there at the first look are old news.
    pub(crate) prime_only: bool,
    /// Which tags are releases.
    pub(crate) rules: Rules,
    /// `repo` as the file has it: records repeat it whole.
    pub(super) raw_repo: Value,
    /// `target` as the file has it.
    pub(super) raw_target: Option<Value>,
}

/// A forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    /// github.com, or an instance of one's own.
    Github,
    /// codeberg.org (Forgejo).
    Codeberg,
    /// The fork's own Forgejo.
    Jojo,
}

/// What a feed tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceEvent {
    /// Commits.
    Push,
    /// Releases.
    Release,
}

/// The repository that a feed tells about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceRepo {
    /// `owner/name`.
    pub(crate) name: RepoName,
    /// Its page.
    pub(crate) web_url: Url,
    /// Its default branch.
    pub(crate) default_branch: Option<String>,
}

pub(super) const PROVIDERS: [(&str, Provider); 3] =
    [("github", Provider::Github), ("codeberg", Provider::Codeberg), ("jojo", Provider::Jojo)];

const EVENTS: [(&str, SourceEvent); 2] = [("push", SourceEvent::Push), ("release", SourceEvent::Release)];

/// Why a feed-sources.json cannot be used.
#[derive(Debug, Error)]
pub(crate) enum SourcesError {
    /// It is not JSON.
    #[error("{} is not JSON", file.display())]
    NotJson {
        /// The file.
        file: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The file as a whole is not what it should be.
    #[error("{}: {why}", file.display())]
    Shape {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A field of a source cannot be used.
    #[error("{}, source {place}: {field} {why}", file.display())]
    Field {
        /// The file.
        file: PathBuf,
        /// The source's id and its place in the list, counted from 1.
        place: String,
        /// The field.
        field: String,
        /// What is wrong and what is wanted.
        why: String,
    },
    /// Two sources have one id.
    #[error("{}: the id `{id}` belongs to source {first} and to source {second} of the list", file.display())]
    SameId {
        /// The file.
        file: PathBuf,
        /// The id.
        id: String,
        /// The first one's place, counted from 1.
        first: usize,
        /// The second one's.
        second: usize,
    },
}

impl SourcesError {
    /// What to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotJson { .. } => "look for a missing or left-over comma, quote or bracket at that place",
            Self::Shape { .. } => r#"the file is an object: {"sources": [ … ]}"#,
            Self::Field { .. } => "mend that field; nothing was done for any source",
            Self::SameId { .. } => "give each source an id of its own: what was seen is remembered under it",
        };
        Some(hint.to_owned())
    }
}

impl Sources {
    /// Reads a feed-sources.json. `file` is only its name in messages.
    ///
    /// # Errors
    /// Where any element cannot be used: a file with a mistake in it is mended, not half obeyed.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Self, SourcesError> {
        let shape = |why: String| SourcesError::Shape { file: file.to_owned(), why };
        if text.len() > MAX_SOURCES_BYTES {
            return Err(shape(format!("it is longer than {MAX_SOURCES_BYTES} bytes")));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value: Value = serde_json::from_str(text)
            .map_err(|source| SourcesError::NotJson { file: file.to_owned(), source })?;
        let object =
            value.as_object().ok_or_else(|| shape(format!("it is {}, not an object", kind(&value))))?;
        let list = match object.get("sources") {
            None | Some(Value::Null) => &[],
            Some(Value::Array(list)) => list.as_slice(),
            Some(other) => return Err(shape(format!("`sources` is {}, not a list", kind(other)))),
        };
        if list.len() > MAX_SOURCES {
            return Err(shape(format!("`sources` names more than {MAX_SOURCES} sources")));
        }

        let mut warnings = Vec::new();
        let unknown = object.keys().filter(|key| *key != "sources" && *key != "$schema");
        warnings.extend(
            unknown.map(|key| format!("{}: nothing is known about the key {}", file.display(), escaped(key))),
        );
        if list.is_empty() {
            warnings.push(format!("{} names no source: nothing is watched", file.display()));
        }
        let mut sources: Vec<Source> = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let place = place(index, value);
            let (source, notes) = Source::read(value).map_err(|BadField { field, why }| {
                SourcesError::Field { file: file.to_owned(), place: place.clone(), field, why }
            })?;
            if let Some(first) = sources.iter().position(|other| other.id == source.id) {
                let (id, file) = (escaped(&source.id), file.to_owned());
                return Err(SourcesError::SameId { file, id, first: first + 1, second: index + 1 });
            }
            warnings.extend(notes.iter().map(|note| format!("{}, source {place}: {note}", file.display())));
            sources.push(source);
        }
        Ok(Self { sources, warnings })
    }

    /// All of them, in the file's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// What is odd about the file without being wrong.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The source with this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Source> {
        self.iter().find(|source| source.id == id)
    }

    /// The sources that tell about `repo`; those that start work come first.
    pub(crate) fn by_repo(&self, repo: &RepoName) -> Vec<&Source> {
        let mut found: Vec<&Source> = self.iter().filter(|source| source.is_about(repo)).collect();
        found.sort_by_key(|source| !source.starts_work());
        found
    }
}

/// How a source is called in messages: by its id, where it has one, and its place.
fn place(index: usize, value: &Value) -> String {
    let number = index + 1;
    match value.get("id").and_then(Value::as_str) {
        Some(id) if !id.trim().is_empty() => format!("`{}` ({number} of the list)", escaped(id)),
        _ => format!("{number} of the list"),
    }
}

impl Source {
    /// Whether its news start work: only releases for a flow do; everything else is recorded.
    pub(crate) fn starts_work(&self) -> bool {
        self.event == SourceEvent::Release && matches!(self.target, Some(Target::Flow(_)))
    }

    /// Whether it tells about `repo`. Forges do not tell `A/b` from `a/B`.
    pub(crate) fn is_about(&self, repo: &RepoName) -> bool {
        self.repo.name.as_str().eq_ignore_ascii_case(repo.as_str())
    }

    /// What the source's events are for, where that is a flow.
    pub(crate) fn flow_target(&self) -> Option<&target::FlowTarget> {
        match &self.target {
            Some(Target::Flow(target)) => Some(target),
            _ => None,
        }
    }

    /// A source of releases without a feed and with the usual rules, for a repository that no file names.
    pub(crate) fn of_repository(name: RepoName, page: Url) -> Self {
        let raw_repo = serde_json::json!({ "fullName": name, "webUrl": page.as_str() });
        Self {
            id: name.to_string(),
            provider: Provider::Github,
            url: page.clone(),
            event: SourceEvent::Release,
            repo: SourceRepo { name, web_url: page, default_branch: None },
            target: None,
            prime_only: true,
            rules: Rules::default(),
            raw_repo,
            raw_target: None,
        }
    }

    /// Reads one source, and says what is odd about it.
    fn read(value: &Value) -> Result<(Self, Vec<String>), BadField> {
        let mut unknown = Vec::new();
        let mut fields = Fields::of(value, "")?;
        let id = fields.text("id")?.to_owned();
        if id.len() > 200 {
            return Err(fields.bad("id", "is longer than 200 bytes"));
        }
        let provider = fields.needed_word("provider", &PROVIDERS)?;
        let url = fields.address("url")?;
        let event = fields.needed_word("event", &EVENTS)?;
        let raw_repo = fields.value("repo").ok_or_else(|| fields.bad("repo", "is missing"))?.clone();
        let repo = SourceRepo::read(&raw_repo, &mut unknown)?;
        let raw_target = fields.value("target").cloned();
        let target = raw_target.as_ref().map(|value| Target::read(value, &mut unknown)).transpose()?;
        if let Some(value) = fields.value("pollIntervalSeconds")
            && value.as_f64().is_none_or(|seconds| seconds < 0.0)
        {
            return Err(fields.bad("pollIntervalSeconds", "is not a number of seconds"));
        }
        let prime_only = fields.flag("primeOnly")?.unwrap_or(true);
        let rules = Rules::read(&mut fields)?;

        let mut notes: Vec<String> = Vec::new();
        unknown.extend(fields.unknown());
        notes.extend(unknown.iter().map(|key| format!("nothing is known about the key {key}")));
        if event == SourceEvent::Push {
            let idle = Rules::KEYS.iter().filter(|key| value.get(**key).is_some());
            notes.extend(
                idle.map(|key| format!("{key} says something about releases, and this feed tells pushes")),
            );
        }
        let source = Self { id, provider, url, event, repo, target, prime_only, rules, raw_repo, raw_target };
        Ok((source, notes))
    }
}

impl SourceRepo {
    fn read(value: &Value, unknown: &mut Vec<String>) -> Result<Self, BadField> {
        let mut fields = Fields::of(value, "repo")?;
        let owner = fields.text("owner")?;
        let name = fields.text("name")?;
        let full_name = fields.text("fullName")?;
        if full_name != format!("{owner}/{name}") {
            let why = format!(
                "is `{}`, but owner and name say `{}/{}`",
                escaped(full_name),
                escaped(owner),
                escaped(name)
            );
            return Err(fields.bad("fullName", why));
        }
        let name =
            full_name.parse().map_err(|error| fields.bad("fullName", format!("cannot be used: {error}")))?;
        let web_url = fields.address("webUrl")?;
        let default_branch = target::branch(&mut fields, "defaultBranch")?;
        unknown.extend(fields.unknown());
        Ok(Self { name, web_url, default_branch })
    }
}

impl Provider {
    /// Its name in every file.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Codeberg => "codeberg",
            Self::Jojo => "jojo",
        }
    }
}

impl SourceEvent {
    /// Its name in every file.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Release => "release",
        }
    }
}
