//! `init`: the files that let a fork be looked after, shown before they are written.
//!
//! | file | what it knows |
//! |---|---|
//! | `layout` | where the configuration lives, and how that is known |
//! | `tags` | which of upstream's tags seem to be its releases |
//! | `action` | which commit of the action a workflow names |
//! | `files` | what the files say, and what becomes of those that are there |
//! | `look` | the world, read |
//! | `settings` | what a person has to switch on |
//! | `text` | all of it for people |

pub(super) mod action;
mod files;
mod layout;
mod look;
pub(super) mod settings;
mod tags;
mod text;

use std::path::PathBuf;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;

use super::context::Context;
use crate::failure::Result;
use crate::git::Git;
use crate::ids::{CommitId, RepoName};
use crate::{store, ui};
pub(crate) use action::REPOSITORY;
pub(super) use files::WORKFLOW;
use files::{Change, Wanted};
use layout::Layout;
use settings::{Gives, Setting};

/// What is to be set up.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The upstream repository.
    pub(crate) upstream: RepoName,
    /// The maintained branch.
    pub(crate) branch: String,
    /// The fork, where it is another repository: `owner/name`, a URL or a folder.
    pub(crate) fork: Option<String>,
    /// Where upstream is, where that is not GitHub.
    pub(crate) upstream_url: Option<String>,
    /// Upstream's release feed, where it is not where forges have it.
    pub(crate) feed_url: Option<String>,
    /// Which tags are releases, where a person knows better.
    pub(crate) tag_pattern: Option<String>,
    /// Where the action's repository is.
    pub(crate) action_url: String,
    /// The action's commit, where it cannot be asked for.
    pub(crate) action_commit: Option<CommitId>,
    /// Whether the files are written.
    pub(crate) apply: bool,
    /// Whether files that a person changed are written over.
    pub(crate) overwrite: bool,
    /// The command without `--apply`, for the line that says how to go on.
    pub(crate) command: String,
}

/// What `patch-moi init --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "patch-moi init")]
pub(crate) struct Report {
    /// Always 1.
    schema_version: u32,
    /// The folder that the files lie in.
    workspace: String,
    /// Where the configuration lives.
    layout: Layout,
    /// What is followed.
    upstream: Upstream,
    /// The action that the workflow names.
    action: Pinned,
    /// The files, in the order in which they are written.
    files: Vec<Change>,
    /// Whether the files were written.
    applied: bool,
    /// What is worth knowing.
    notes: Vec<String>,
    /// What to do next, as lines for a shell.
    next: Vec<String>,
    /// What to look at in the repository's settings.
    settings: Vec<Setting>,
    /// What each kind of token gives.
    tokens: Vec<Gives>,
}

/// The upstream repository.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Upstream {
    /// `owner/name`.
    repo: RepoName,
    /// Where it is fetched from.
    url: String,
    /// Its release feed.
    feed: String,
    /// Which tags are releases; null where a tag is one that is a version and nothing else.
    tag_pattern: Option<String>,
    /// The newest release.
    newest: Option<String>,
    /// The same in words.
    words: String,
}

/// A commit of the action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pinned {
    /// `owner/name` of the action.
    pub(super) repo: String,
    /// The commit.
    pub(super) commit: CommitId,
    /// What stands behind it as comment: the version, else what it is instead.
    pub(super) comment: String,
    /// The same in words.
    pub(super) words: String,
}

/// Finds out what is there and what belongs there and, where it is asked for, writes it.
///
/// # Errors
/// A name that cannot be used, no checkout, no such branch, a file that is no lock or no list of
/// sources, a remote that cannot be asked: nothing has been written then.
pub(crate) fn init(context: &Context<'_>, asked: &Asked) -> Result<Report> {
    let git = Git::find(context.variables)?;
    let found = look::at(context, &git, asked)?;
    let (changes, notes) =
        files::decide(&found.wanted(asked), &found.there, &context.stamp(), asked.overwrite)?;
    let to_write: Vec<(PathBuf, Vec<u8>)> = changes
        .iter()
        .filter_map(|change| Some((found.root.join(change.path), change.new.clone()?.into_bytes())))
        .collect();
    let applied = asked.apply && !to_write.is_empty();
    if applied {
        store::replace_all(&to_write)?;
    }
    let Wanted { layout, tags, pinned, web, feed, url, .. } = found.wanted(asked);
    let mut all_notes = found.notes.clone();
    all_notes.extend(notes);
    Ok(Report {
        schema_version: 1,
        workspace: found.root.display().to_string(),
        next: text::next(asked, layout, &changes),
        settings: settings::of(web.as_deref(), layout),
        tokens: settings::tokens(layout),
        layout: layout.clone(),
        upstream: Upstream {
            repo: asked.upstream.clone(),
            url: crate::git::shown(url),
            feed: feed.to_owned(),
            tag_pattern: tags.pattern.clone(),
            newest: tags.newest.as_ref().map(ToString::to_string),
            words: tags.words.clone(),
        },
        action: pinned.clone(),
        files: changes,
        applied,
        notes: all_notes,
    })
}

impl Report {
    /// For people.
    pub(crate) fn text(&self, ui: &ui::Ui) -> String {
        text::text(self, &ui.look())
    }
}

/// The JSON schema of what `init --json` prints.
pub(crate) fn init_schema() -> Value {
    schema_for!(Report).to_value()
}
