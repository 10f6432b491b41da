//! A pack, opened: where it is, what it offers, and which commit that is.

use std::collections::BTreeSet;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::context::Context;
use super::report::PackInfo;
use crate::failure::{Failure, Result};
use crate::flow::shown;
use crate::git::{FetchedPack, Git, RemoteUrl, Repository};
use crate::ids::CommitId;
use crate::pack::{
    Found, Inspection, Layout, LockSource, Node, PACK_FILE, PackOrigin, Seen, SourceError, check_ref,
    inspect, origin,
};
use crate::workspace::listing;

/// Where a pack comes from.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    /// What was typed.
    pub(super) input: String,
    /// `local`, `github` or `git`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// Its folder; of a pack that was fetched, its URL.
    pub(super) root: String,
    /// The URL that it was fetched from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// The ref that was asked for.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    /// The commit that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<String>,
}

/// A pack with all that it offers.
pub(super) struct Opened {
    pub(super) descriptor: Descriptor,
    pub(super) inspection: Inspection,
    /// The items whose files are not those of the commit.
    uncommitted: BTreeSet<String>,
}

impl Opened {
    /// What the lock says about where `item` came from.
    pub(super) fn lock_source(&self, item: &Found) -> LockSource {
        let Descriptor { input, kind, url, reference, commit, .. } = self.descriptor.clone();
        let commit = commit.filter(|_| !self.uncommitted.contains(&item.key()));
        LockSource { input, kind: kind.to_owned(), url, reference, commit }
    }

    /// What the pack says about itself.
    pub(super) fn info(&self) -> PackInfo {
        let Inspection { name, version, description, has_pack_file, .. } = &self.inspection;
        let file = || match self.descriptor.url {
            Some(_) => PACK_FILE.to_owned(),
            None => Path::new(&self.descriptor.root).join(PACK_FILE).display().to_string(),
        };
        PackInfo {
            name: name.clone(),
            version: version.clone(),
            description: description.clone(),
            manifest_path: has_pack_file.then(file),
        }
    }

    /// Where an item lies: its folder on this machine, else its folder in the repository.
    pub(super) fn path_of(&self, item: &Found) -> String {
        if self.descriptor.url.is_some() {
            return item.path.clone();
        }
        Path::new(&self.descriptor.root).join(&item.path).display().to_string()
    }
}

/// Opens the pack that `text` names; a relative folder is looked for in `bases`, in their order.
///
/// # Errors
/// Where it names none, cannot be fetched, or says of itself what cannot be.
pub(super) fn open(
    context: &Context<'_>,
    text: &str,
    reference: Option<&str>,
    bases: &[&Path],
) -> Result<Opened> {
    let found = bases.iter().map(|base| base.join(text)).find(|path| path.is_dir());
    let is_there = |text: &str| bases.iter().any(|base| base.join(text).is_dir());
    let seen = Seen {
        is_folder: found.is_some() && !text.is_empty(),
        is_file: bases.iter().any(|base| base.join(text).is_file()),
        begins_with_folder: text
            .split_once('/')
            .is_some_and(|(first, _)| !first.is_empty() && is_there(first)),
    };
    let url = match (origin(text, seen)?, found) {
        (PackOrigin::Local, Some(folder)) => {
            if reference.is_some() {
                return Err(SourceError::RefOfFolder { source_text: shown(text) }.into());
            }
            return local(text, &folder);
        }
        (PackOrigin::GitHub { url }, _) => (url, "github"),
        (PackOrigin::Git { url }, _) => (url, "git"),
        (PackOrigin::Local, None) => {
            return Err(SourceError::NoFolder { source_text: shown(text), is_file: false }.into());
        }
    };
    fetched(context, text, url.0, url.1, reference)
}

/// Opens the pack that an item of the lock came from, as it is now.
///
/// # Errors
/// As [`open`].
pub(super) fn reopen(context: &Context<'_>, source: &LockSource) -> Result<Opened> {
    let reference = source.reference.as_deref();
    match (&*source.kind, &source.url) {
        ("local", _) => {
            let bases = [context.workspace.root(), context.cwd];
            let folder = bases.iter().map(|base| base.join(&source.input)).find(|path| path.is_dir());
            let none = || SourceError::NoFolder { source_text: shown(&source.input), is_file: false };
            local(&source.input, &folder.ok_or_else(none)?)
        }
        ("github", Some(url)) => fetched(context, &source.input, url.clone(), "github", reference),
        (_, Some(url)) => fetched(context, &source.input, url.clone(), "git", reference),
        (_, None) => open(context, &source.input, reference, &[context.workspace.root(), context.cwd]),
    }
}

fn local(text: &str, folder: &Path) -> Result<Opened> {
    let failed = |error| Failure::new(crate::failure::Kind::Failed, error);
    let root = folder.canonicalize().map_err(failed)?;
    let top = listing(&root, &[PACK_FILE.to_owned()])?;
    let layout = layout(&root, &top, crate::workspace::read_bounded(&root.join(PACK_FILE), MAX_PACK_FILE))?;
    let listed = listing(&root, &layout.folders())?;
    let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut inspection = inspect(&layout, &name, &listed);
    let mut uncommitted = BTreeSet::new();
    let commit = commit_of(&root, &mut inspection, &mut uncommitted);
    let descriptor = Descriptor {
        input: text.to_owned(),
        kind: "local",
        root: root.display().to_string(),
        url: None,
        reference: None,
        commit: commit.map(|commit| commit.to_string()),
    };
    Ok(Opened { descriptor, inspection, uncommitted })
}

/// The largest codex-pack.toml, in bytes.
const MAX_PACK_FILE: u64 = 1 << 20;

/// What codex-pack.toml says, where there is one. A link in its place is refused: what it says is not the pack's.
fn layout(
    root: &Path,
    top: &crate::pack::Listing,
    text: std::result::Result<String, crate::workspace::WorkspaceError>,
) -> Result<Layout> {
    let file = root.join(PACK_FILE);
    match (top.get(PACK_FILE), text) {
        (Some(Node::Link), _) => Err(crate::workspace::WorkspaceError::Link { path: file }.into()),
        (_, Err(crate::workspace::WorkspaceError::Missing { .. })) => Ok(Layout::of(None, &file)?),
        (_, text) => Ok(Layout::of(Some(&text?), &file)?),
    }
}

/// The commit that is checked out in the pack's own repository. A repository around it is not taken for it.
fn commit_of(
    root: &Path,
    inspection: &mut Inspection,
    uncommitted: &mut BTreeSet<String>,
) -> Option<CommitId> {
    root.join(".git").symlink_metadata().ok()?;
    let warn = |why: String| {
        format!("The pack's repository cannot be read, and the lock will name no commit: {why}")
    };
    let repository = match Repository::open(root) {
        Ok(repository) => repository,
        Err(error) => {
            inspection.warnings.push(warn(error.to_string()));
            return None;
        }
    };
    let commit = repository.head()?;
    for item in &inspection.items {
        let is_same = match repository.committed(commit, std::slice::from_ref(&item.path)) {
            Ok(committed) => committed.folder(&item.path).files == item.files.files,
            Err(error) => {
                inspection.warnings.push(warn(error.to_string()));
                return None;
            }
        };
        if !is_same {
            uncommitted.insert(item.key());
            inspection.warnings.push(format!(
                "{} {}: its files are not those of commit {}; the lock will name no commit for it.",
                item.kind.name(),
                shown(&item.name),
                commit.short(),
            ));
        }
    }
    Some(commit)
}

/// Whether the address holds more than what may be shown of it. The user of ssh is no secret, a password is.
fn holds_secret(url: &str, shown_url: &str) -> bool {
    let without_user = url.strip_prefix("ssh://").and_then(|rest| rest.split_once('@'));
    match without_user {
        Some((user, rest)) if !user.contains([':', '/', '?', '#']) => shown_url != format!("ssh://{rest}"),
        _ => shown_url != url,
    }
}

fn fetched(
    context: &Context<'_>,
    text: &str,
    url: String,
    kind: &'static str,
    reference: Option<&str>,
) -> Result<Opened> {
    reference.map_or(Ok(()), check_ref)?;
    let shown_url = crate::git::shown(&url);
    if holds_secret(&url, &shown_url) {
        return Err(Failure::usage(format!(
            "the address holds what may be a password, and would be written to the lock: {shown_url}"
        ))
        .hint("leave it out of the address: git's credential helper has its place"));
    }
    let remote: RemoteUrl = url.parse()?;
    let git = Git::find(context.variables)?;
    let pack: FetchedPack = {
        let _progress = context.ui.progress("fetching the pack", None);
        git.fetch_pack(&remote, reference, context.temporary)?
    };
    let top = pack.listing(&[PACK_FILE.to_owned()])?;
    let file = Path::new(PACK_FILE);
    let layout = match top.get(PACK_FILE) {
        None => Layout::of(None, file)?,
        Some(Node::File(file_found)) => match std::str::from_utf8(&file_found.bytes) {
            Ok(text) => Layout::of(Some(text), file)?,
            Err(_) => return Err(Failure::usage(format!("{PACK_FILE} of {shown_url} is not UTF-8"))),
        },
        Some(_) => return Err(Failure::usage(format!("{PACK_FILE} of {shown_url} is no regular file"))),
    };
    let listed = pack.listing(&layout.folders())?;
    let name = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name = name.strip_suffix(".git").unwrap_or(name);
    let inspection = inspect(&layout, name, &listed);
    let descriptor = Descriptor {
        input: text.to_owned(),
        kind,
        root: shown_url,
        url: Some(url),
        reference: reference.map(str::to_owned),
        commit: Some(pack.commit().to_string()),
    };
    Ok(Opened { descriptor, inspection, uncommitted: BTreeSet::new() })
}
