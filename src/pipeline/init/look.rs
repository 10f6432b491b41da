//! The world as init finds it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use url::Url;

use super::super::context::Context;
use super::super::fork::{is_remote, located, public_name};
use super::super::found;
use super::super::setup::is_same;
use super::files::{FLOW, LOCK, SCHEMA, SOURCES, There, WORKFLOW, Wanted};
use super::layout::{Layout, Seen};
use super::tags::{self, Tags};
use super::{Asked, Pinned, action, settings};
use crate::event::UPSTREAM_RELEASE;
use crate::failure::{Failure, Result};
use crate::flow::{self, Flow, Runner};
use crate::git::{Git, GitError, Listing, RemoteUrl, Repository};
use crate::ids::{RefName, RelPath, RepoName};
use crate::workspace::read_own;

/// The largest file that init reads, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Everything that decides what is written.
pub(super) struct Found {
    pub(super) root: PathBuf,
    pub(super) there: There,
    pub(super) notes: Vec<String>,
    layout: Layout,
    fork: Option<String>,
    place: Place,
    default_branch: Option<String>,
    tags: Tags,
    pinned: Pinned,
    web: Option<String>,
}

/// Where upstream is.
struct Place {
    /// For git.
    url: String,
    /// For people and for feed-sources.json.
    page: String,
    feed: String,
}

/// Looks at everything. Nothing is written.
///
/// # Errors
/// See [`super::init`].
pub(super) fn at(context: &Context<'_>, git: &Git, asked: &Asked) -> Result<Found> {
    let root = context.workspace.root().to_owned();
    RefName::join("refs/heads", &asked.branch)?;
    let repository = Repository::open(&root)?;
    if !repository.has_work_tree() || !root.join(".git").exists() {
        return Err(Failure::usage(format!("{} is no checkout: init writes files", root.display()))
            .hint("clone the repository that is to hold them, and run this at its top"));
    }
    let there = there(context, &root)?;
    let mut notes = Vec::new();
    let origin = repository.remote("origin").map(|url| located(&root, &url));
    let fork = fork(asked, origin.as_deref(), &root)?;
    let seen = seen(context, git, &repository, origin.as_deref(), fork.as_deref(), &mut notes)?;
    branch_is_there(git, &repository, &seen, fork.as_deref(), &asked.branch)?;
    let layout = Layout::of(&seen.1, &asked.branch).ok_or_else(|| {
        Failure::usage("the default branch of this repository is not known, and the files belong there")
            .hint("`git remote set-head origin --auto` asks origin for it")
    })?;
    if let Some(current) = seen.1.current.as_ref().filter(|current| **current != layout.home) {
        notes.push(format!(
            "`{current}` is checked out, and the files belong on `{}`: schedules run from the default branch only; \
             go there first (`git switch {}`)",
            layout.home, layout.home
        ));
    }
    let place = place(asked)?;
    let listing = list(context, git, &place.url)?;
    let tags = tags::suggest(&asked.upstream, &listing, asked.tag_pattern.as_deref())?;
    if tags.newest.is_none() {
        notes.push(tags.words.clone());
    }
    let pinned = pinned(context, git, asked)?;
    notes.extend(others(context)?);
    let web = origin.as_deref().and_then(settings::web_of);
    let default_branch = listing.default_branch;
    Ok(Found { root, there, notes, layout, fork, place, default_branch, tags, pinned, web })
}

impl Found {
    /// What decides what the files say.
    pub(super) fn wanted<'a>(&'a self, asked: &'a Asked) -> Wanted<'a> {
        Wanted {
            upstream: &asked.upstream,
            branch: &asked.branch,
            fork: self.fork.as_deref(),
            url: &self.place.url,
            page: &self.place.page,
            feed: &self.place.feed,
            default_branch: self.default_branch.as_deref(),
            layout: &self.layout,
            tags: &self.tags,
            pinned: &self.pinned,
            web: self.web.clone(),
        }
    }
}

/// The files as they are.
fn there(context: &Context<'_>, root: &Path) -> Result<There> {
    let mut texts = BTreeMap::new();
    for path in [SOURCES, FLOW, SCHEMA, LOCK, WORKFLOW] {
        if let Some(text) = read_own(root, &path.parse::<RelPath>()?, MAX_FILE)? {
            texts.insert(path, text);
        }
    }
    let found = context.workspace.found_flows()?.into_iter();
    let own = found
        .into_iter()
        .find(|flow| flow.origin == flow::Origin::Installed && flow.folder == flow::BUILT_IN);
    let flow = match own {
        None => Vec::new(),
        Some(own) => {
            own.contents.map_err(|why| Failure::usage(format!("{}: {why}", own.root.display())))?.files
        }
    };
    Ok(There { texts, flow })
}

/// Where the fork is, where it is another repository than this one.
fn fork(asked: &Asked, origin: Option<&str>, root: &Path) -> Result<Option<String>> {
    let Some(named) = asked.fork.as_deref() else { return Ok(None) };
    is_no_secret("--fork", named)?;
    let url = match named.parse::<RepoName>() {
        Ok(repo) => format!("https://github.com/{repo}.git"),
        Err(error) if !is_remote(named) && !Path::new(named).is_absolute() => return Err(error.into()),
        Err(_) => named.to_owned(),
    };
    url.parse::<RemoteUrl>()?;
    let is_here = origin.is_some_and(|origin| is_same(origin, &url)) || Path::new(&url) == root;
    Ok((!is_here).then_some(url))
}

/// What is known about this repository, with what `origin` has where it can be asked.
fn seen(
    context: &Context<'_>,
    git: &Git,
    repository: &Repository,
    origin: Option<&str>,
    fork: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<(Option<Listing>, Seen)> {
    let listing = match origin {
        None => None,
        Some(url) => {
            let url: RemoteUrl = url.parse()?;
            let _progress = context.ui.progress(&format!("asking {url}"), None);
            match git.list(&url, Some(repository)) {
                Ok(listing) => Some(listing),
                Err(error) => {
                    notes.push(format!("origin cannot be asked: {error}"));
                    None
                }
            }
        }
    };
    let seen = Seen {
        fork: fork.map(crate::git::shown),
        has_origin: origin.is_some(),
        default_now: listing.as_ref().and_then(|listing| listing.default_branch.clone()),
        default_then: repository.default_of_origin(),
        current: repository.current_branch(),
    };
    Ok((listing, seen))
}

/// Refuses to set up what no run could carry.
fn branch_is_there(
    git: &Git,
    repository: &Repository,
    (origin, _): &(Option<Listing>, Seen),
    fork: Option<&str>,
    branch: &str,
) -> Result<()> {
    let missing = |fork: &str| GitError::NoBranch { fork: fork.to_owned(), branch: branch.to_owned() };
    if let Some(fork) = fork {
        let listing = git.list(&fork.parse()?, None)?;
        let shown = public_name(fork).unwrap_or_else(|| crate::git::shown(fork));
        return listing.branches.contains_key(branch).then_some(()).ok_or_else(|| missing(&shown).into());
    }
    let at_origin = origin.as_ref().is_some_and(|listing| listing.branches.contains_key(branch));
    if at_origin || repository.branch(branch).is_some() {
        return Ok(());
    }
    let failure = Failure::from(missing("this repository"));
    Err(failure.hint("where the fork is another repository, name it with `--fork OWNER/NAME`"))
}

/// Where upstream is, by its name on GitHub or by the address that a person gives.
fn place(asked: &Asked) -> Result<Place> {
    let (url, page) = match asked.upstream_url.as_deref() {
        None => {
            let page = format!("https://github.com/{}", asked.upstream);
            (format!("{page}.git"), page)
        }
        Some(url) => {
            is_no_secret("--upstream-url", url)?;
            (url.to_owned(), page_of(url)?)
        }
    };
    let feed = match &asked.feed_url {
        Some(feed) => feed.clone(),
        None if page.starts_with("https://gitlab.") => format!("{page}/-/releases.atom"),
        None => format!("{page}/releases.atom"),
    };
    Ok(Place { url, page, feed })
}

/// Refuses an address of the web with a user, a password or a query: it would stand in files that are committed.
fn is_no_secret(option: &str, url: &str) -> Result<()> {
    let shown = crate::git::shown(url);
    if shown == url || !url.starts_with("http") {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{option} holds what may be a password, and would be written to files: {shown}"
    ))
    .hint(
        "leave it out of the address: git's credential helper, or the secret PATCH_MOI_TOKEN, has its place",
    ))
}

/// The page of the repository that is fetched from `url`.
fn page_of(url: &str) -> Result<String> {
    url.parse::<RemoteUrl>()?;
    if Path::new(url).is_absolute()
        && let Ok(page) = Url::from_file_path(url)
    {
        return Ok(page.to_string());
    }
    if url.starts_with("file://") {
        return Ok(url.to_owned());
    }
    let is_page = url.starts_with("https://") || url.starts_with("http://");
    let page = is_page.then(|| url.trim_end_matches('/').trim_end_matches(".git").to_owned());
    page.ok_or_else(|| {
        Failure::usage(format!(
            "--upstream-url {} is no page that feed-sources.json could name",
            crate::git::shown(url)
        ))
        .hint("give its https: address; a folder or a file: address does for a trial")
    })
}

fn list(context: &Context<'_>, git: &Git, url: &str) -> Result<Listing> {
    let url: RemoteUrl = url.parse()?;
    let _progress = context.ui.progress(&format!("asking {url}"), None);
    Ok(git.list(&url, None)?)
}

/// The action's commit: what the person names, else what its repository has.
fn pinned(context: &Context<'_>, git: &Git, asked: &Asked) -> Result<Pinned> {
    if let Some(commit) = asked.action_commit {
        return Ok(action::named(commit));
    }
    let advised = |failure: Failure| {
        failure.hint(format!(
            "`--action-commit COMMIT` fills it in by hand: the full id of a commit of {}; nothing was written",
            action::name()
        ))
    };
    let listing = list(context, git, &asked.action_url)
        .map_err(|failure| advised(failure.context("the commit of the action is not known")))?;
    action::newest(&listing)
        .ok_or_else(|| advised(Failure::usage(format!("{} has no commit to name", asked.action_url))))
}

/// Other flows that carry a stack for the same events: two of them for one release are refused.
fn others(context: &Context<'_>) -> Result<Vec<String>> {
    let carries = |flow: &Flow| {
        let mut steps = flow.manifest.iter().flat_map(|manifest| &manifest.steps);
        flow.standing.may_run()
            && !flow.switched_off.flow
            && steps.any(|step| {
                let kind = step.trigger.as_ref().map(|trigger| trigger.kind.as_str());
                let is_on = step.enabled && !flow.switched_off.steps.contains(&step.name);
                step.runner == Runner::PatchStack && is_on && kind == Some(UPSTREAM_RELEASE)
            })
    };
    let flows = found::found(context)?.flows;
    let note = |flow: &Flow| {
        format!(
            "{} carries a stack for {UPSTREAM_RELEASE} too: where both flows fit a release, a run refuses it; \
             remove one of them, or give each its own schema",
            flow.place()
        )
    };
    let is_ours = |flow: &Flow| flow.origin == flow::Origin::Installed && flow.folder == flow::BUILT_IN;
    Ok(flows.iter().filter(|flow| !is_ours(flow) && carries(flow)).map(note).collect())
}
