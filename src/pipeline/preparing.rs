//! What carrying a stack needs before anything is begun: the fork, its branch, the release, upstream. Everything that
//! can be wrong with them is found out here.

use serde_json::json;

use super::fork::{self, Fork};
use super::session::{Job, Session};
use crate::event::UPSTREAM_RELEASE;
use crate::failure::{Failure, Result};
use crate::flow::{self, PatchStackConfig, Selected};
use crate::git::{GitError, RemoteUrl, Workbench};
use crate::ids::{CommitId, RefName, RepoName, TagName};
use crate::release::{Release, Source};
use crate::stack::{Answers, Committer, InvalidCommitter};

/// What a step needs before anything is begun: everything that can be wrong is found out here.
pub(super) struct Prepared {
    pub(super) config: PatchStackConfig,
    pub(super) fork: Fork,
    pub(super) branch: String,
    pub(super) tip: CommitId,
    pub(super) release: Release,
    pub(super) bench: Workbench,
    pub(super) url: RemoteUrl,
    pub(super) committer: Committer,
    /// What a person settled, where the carry is made for one who was asked.
    pub(super) answers: Answers,
    /// Whether only the fork's remote says what the fork remembers.
    pub(super) by_remote: bool,
}

impl Prepared {
    /// Lets the patches end with `tip` instead of the branch's commit.
    ///
    /// # Errors
    /// Where the fork does not have it.
    pub(super) fn pin(&mut self, tip: CommitId) -> Result<()> {
        if !self.bench.repository().has_commit(tip) {
            let text = format!("{} does not have {tip}, with which the patches end", self.fork.name);
            let path = self.fork.path().display().to_string();
            return Err(Failure::usage(text).hint(format!(
                "fetch it (`git -C {path} fetch --all`), or name the fork's repository with `--fork DIR`"
            )));
        }
        self.tip = tip;
        Ok(())
    }
}

/// Where the maintained branch of the fork stands that a release of `source` would be carried for;
/// nothing where that cannot be said before the event is.
pub(super) fn tip_for(session: &Session<'_>, source: &Source, tag: &TagName) -> Option<CommitId> {
    let kind = source.flow_target().map_or(UPSTREAM_RELEASE, |target| &target.event_type);
    let payload = json!({ "repo": source.repo.name, "tag": tag });
    let selection = session.select(kind, &payload, &session.flows);
    let selected =
        selection.selected.iter().find(|selected| selected.step.runner == flow::Runner::PatchStack)?;
    let config = config(session, selected).ok()?;
    fork::stands(session, config.repo.as_deref(), config.target_branch.as_ref()).ok()
}

/// Where upstream of a job is, and where the maintained branch stands, as far as that can be said before
/// anything is fetched.
///
/// # Errors
/// Wrong configuration, no repository.
pub(super) fn look(
    session: &Session<'_>,
    job: &Job<'_>,
    selected: &Selected<'_>,
) -> Result<(RemoteUrl, Option<CommitId>)> {
    let config = config(session, selected)?;
    let (named, branch) = named(session, job)?;
    let named = named.as_deref().or(config.repo.as_deref());
    let url = upstream_url(session, job, &config, &Fork::find(session, named)?)?;
    let tip = fork::stands(session, named, branch.as_ref().or(config.target_branch.as_ref()));
    Ok((url, tip.ok()))
}

/// The fork and the branch that the command line names.
fn named(session: &Session<'_>, job: &Job<'_>) -> Result<(Option<String>, Option<RefName>)> {
    let fork = job.fork.as_ref().map(|path| session.context.cwd.join(path).display().to_string());
    let branch = job.branch.as_deref().map(|branch| RefName::join("refs/heads", branch)).transpose()?;
    Ok((fork, branch))
}

/// What the `[config]` of a step says about the fork.
///
/// # Errors
/// A value that cannot be used.
pub(super) fn config(session: &Session<'_>, selected: &Selected<'_>) -> Result<PatchStackConfig> {
    let file = selected.flow.manifest_file();
    let variable = |name: &str| session.context.variable(name);
    let mut config = PatchStackConfig::from_config(&selected.manifest.config, &file, &variable)?;
    if selected.step.runner == flow::Runner::CodeMode {
        config.repo = fork::on_this_machine(session, config.repo);
    }
    Ok(config)
}

/// Finds everything that the step needs, and whatever is wrong with it. Nothing is written but the
/// fork's own branch, where only its remote has it.
///
/// # Errors
/// Wrong configuration, no repository, no branch, no such tag, a rebase in progress, no network.
pub(super) fn prepare(session: &Session<'_>, job: &Job<'_>, selected: &Selected<'_>) -> Result<Prepared> {
    let config = config(session, selected)?;
    let (named, named_branch) = named(session, job)?;
    let fork = Fork::find(session, named.as_deref().or(config.repo.as_deref()))?;
    let branch = fork.branch(session, named_branch.as_ref().or(config.target_branch.as_ref()))?;
    fork.repository.must_be_idle(&branch)?;
    let (bench, tip) = fork.ready(session, &branch)?;
    for warning in &config.warnings {
        session.context.ui.warn(&format!("{}: {warning}", selected.flow.place()));
    }
    let url = upstream_url(session, job, &config, &fork)?;
    let release = release(session, job, &url, &fork)?;
    let committer = committer(&config, selected)?;
    let (answers, by_remote) = (job.answers.clone(), false);
    let mut prepared =
        Prepared { config, fork, branch, tip, release, bench, url, committer, answers, by_remote };
    if let Some(tip) = job.tip {
        prepared.pin(tip)?;
    }
    Ok(prepared)
}

fn committer(config: &PatchStackConfig, selected: &Selected<'_>) -> Result<Committer> {
    let Some(text) = &config.committer else { return Ok(Committer::default()) };
    let place = || format!("config.committer in {} cannot be used", selected.flow.manifest_file().display());
    text.parse().map_err(|err: InvalidCommitter| Failure::from(err).context(place()))
}

/// The command line, the flow, a remote of the fork, the source, GitHub: the first that says it.
fn upstream_url(
    session: &Session<'_>,
    job: &Job<'_>,
    config: &PatchStackConfig,
    fork: &Fork,
) -> Result<RemoteUrl> {
    if let Some(url) = &job.upstream_url {
        return Ok(url.clone());
    }
    let root = session.context.workspace.root();
    let flow = config.upstream_url.as_deref().map(|url| fork::located(root, url));
    let remote = || fork.remote(&config.upstream_remote);
    let source = || job.source.map(|source| source.repo.web_url.to_string());
    let hint = || job.upstream_hint.as_ref().map(|url| url.as_str().to_owned());
    let forge = || format!("https://github.com/{}.git", job.repo);
    Ok(flow.or_else(remote).or_else(source).or_else(hint).unwrap_or_else(forge).parse()?)
}

/// The release as upstream has it now.
fn release(session: &Session<'_>, job: &Job<'_>, url: &RemoteUrl, fork: &Fork) -> Result<Release> {
    let listing = session.listing(url, Some(&fork.repository))?;
    let tag = match &job.tag {
        Some(tag) => tag.clone(),
        None => super::newest::newest(&listing, job.source).ok_or_else(|| no_release(&job.repo))?,
    };
    let Some((object, commit)) = listing.tags.get(&tag).copied() else {
        let known = super::newest::names(&listing, 5);
        return Err(GitError::NoTag { upstream: job.repo.to_string(), tag, known }.into());
    };
    let known = job.release.clone().filter(|release| release.tag == tag);
    let source_id = known.as_ref().and_then(|release| release.source_id.clone());
    let entry = known.and_then(|release| release.entry);
    Ok(Release { repo: job.repo.clone(), tag, object, commit, source_id, entry })
}

/// No tag of the repository looks like a release.
pub(super) fn no_release(repo: &RepoName) -> Failure {
    Failure::usage(format!("no tag of {repo} fits the pattern of a release"))
        .hint("name one with `--tag TAG`, or set `tagPattern` in feed-sources.json")
}
