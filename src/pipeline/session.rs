//! One run's configuration and what it has learnt so far.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::asked::{Again, Asked, AskedBy, Effect, What};
use super::context::Context;
use super::found::{self, Found};
use super::private_clone::PrivateClone;
use super::{again, fork};
use crate::event::Event;
use crate::failure::{Failure, Result};
use crate::flow::{Flow, Gates};
use crate::git::{Git, Listing, RemoteUrl, Repository};
use crate::ids::{CommitId, Digest, EventId, RepoName, TagName};
use crate::pack;
use crate::release::{Ledger, LedgerLine, MAX_SOURCES_BYTES, Release, Source, Sources};
use crate::stack::Answers;
use crate::state::Files;
use crate::store::FlowClient;
use crate::workspace::read_bounded;

/// One upstream happening to be carried through.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) asked_by: AskedBy,
    pub(super) repo: RepoName,
    /// Without one, the newest release is meant.
    pub(super) tag: Option<TagName>,
    pub(super) source: Option<&'a Source>,
    /// What the watch has found, with what the feed says.
    pub(super) release: Option<Release>,
    /// The event, where it came in a file.
    pub(super) event: Option<Event>,
    pub(super) branch: Option<String>,
    pub(super) fork: Option<PathBuf>,
    pub(super) upstream_url: Option<RemoteUrl>,
    /// Where upstream is fetched from, where nothing on this machine says it.
    pub(super) upstream_hint: Option<RemoteUrl>,
    /// With which commit the patches end, instead of the branch's.
    pub(super) tip: Option<CommitId>,
    /// What a person settled before.
    pub(super) answers: Answers,
    /// What of it is done that was done before.
    pub(super) repeat: Repeat,
    /// How many events this one follows, each of which was wanted by a step of the one before.
    pub(super) depth: u8,
    /// The folder with the record of the event that this one follows, which takes this one's in.
    pub(super) record: Option<PathBuf>,
}

/// What is done of an event that was carried through before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// All of it.
    Everything,
    /// The steps that a closed gate kept from running and that it keeps no longer, where there are any; else
    /// all of it.
    RestOrEverything,
    /// Those steps alone.
    Rest,
}

impl<'a> Job<'a> {
    /// A tag that a person names, or the newest one.
    pub(super) fn of_tag(repo: RepoName, tag: Option<TagName>, source: Option<&'a Source>) -> Self {
        Self {
            asked_by: AskedBy::Person,
            repo,
            tag,
            source,
            release: None,
            event: None,
            branch: None,
            fork: None,
            upstream_url: None,
            upstream_hint: None,
            tip: None,
            answers: Answers::default(),
            repeat: Repeat::Everything,
            depth: 0,
            record: None,
        }
    }

    /// A release that is due, of what this job is about.
    pub(super) fn due(&self, release: Release) -> Self {
        let release = Release { source_id: self.source.map(|source| source.id.clone()), ..release };
        Self {
            asked_by: AskedBy::Schedule,
            release: Some(release.clone()),
            branch: self.branch.clone(),
            fork: self.fork.clone(),
            upstream_url: self.upstream_url.clone(),
            ..Self::of_tag(release.repo, Some(release.tag), self.source)
        }
    }
}

/// One run.
pub(super) struct Session<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) git: Git,
    pub(super) effect: Effect,
    pub(super) record_only: bool,
    /// The event that is run again, and how.
    again: Option<(String, Again)>,
    /// What makes the ids of a replay its own.
    pub(super) nonce: String,
    pub(super) flows: Vec<Flow>,
    pub(super) flows_digest: Digest,
    pub(super) gates: Gates,
    pub(super) client: FlowClient,
    pub(super) notes: Vec<String>,
    /// The repositories in which steps of the event at hand worked.
    pub(super) clones: RefCell<Vec<PrivateClone>>,
    sources: Option<Sources>,
    checkout: OnceCell<Option<Repository>>,
    listings: RefCell<BTreeMap<String, Rc<Listing>>>,
    recalled: OnceCell<Files>,
}

impl<'a> Session<'a> {
    /// Reads the configuration: flows, lock, sources. Nothing is written.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, no git or one that is too old.
    pub(super) fn open(context: &'a Context<'a>, asked: &Asked) -> Result<Self> {
        let git = Git::find(context.variables)?;
        let Found { flows, mut notes, settings } =
            found::chosen(context, &asked.flows, asked.allow_modified)?;
        let sources = match context.sources_file() {
            Some(file) => {
                let sources = Sources::parse(&read_bounded(&file, MAX_SOURCES_BYTES as u64)?, &file)?;
                notes.extend(sources.warnings().iter().cloned());
                Some(sources)
            }
            None => None,
        };
        Ok(Self {
            context,
            git,
            effect: asked.effect,
            record_only: asked.record_only,
            again: match &asked.what {
                What::Again { event, how, .. } => Some((event.clone(), *how)),
                _ => None,
            },
            nonce: format!("{}:{}", (context.now)().as_millisecond(), std::process::id()),
            flows_digest: pack::flows_digest(&flows),
            flows,
            gates: Gates::from_env(&|name| context.variable(name)),
            client: FlowClient::open(context.workspace.root()).keeping(again::retention(settings)?),
            notes,
            clones: RefCell::default(),
            sources,
            checkout: OnceCell::new(),
            listings: RefCell::default(),
            recalled: OnceCell::new(),
        })
    }

    /// The sources.
    ///
    /// # Errors
    /// Where there is no sources file.
    pub(super) fn sources(&self) -> Result<&Sources> {
        self.sources.as_ref().ok_or_else(|| {
            Failure::usage(format!("there is no feed-sources.json in {}", self.context.workspace.root().display()))
                .hint("name one with `--feed-sources FILE` or FEED_SOURCES_PATH, or name a release: `patch-moi run release --repo OWNER/NAME --tag TAG`")
        })
    }

    /// The source of a repository's releases, where there is one.
    pub(super) fn source_of(&self, repo: &RepoName) -> Option<&Source> {
        self.sources.as_ref()?.by_repo(repo).into_iter().find(|source| source.starts_work())
    }

    /// No source has this id.
    pub(super) fn unknown_source(&self, id: &str) -> Failure {
        let known: Vec<&str> =
            self.sources.iter().flat_map(Sources::iter).map(|source| source.id.as_str()).collect();
        Failure::usage(format!("feed-sources.json has no source `{}`", id.escape_debug()))
            .hint(format!("it has {}", known.join(", ")))
    }

    /// The workspace's own checkout, where the workspace is one.
    pub(super) fn checkout(&self) -> Option<&Repository> {
        self.checkout.get_or_init(|| fork::checkout(self, self.context.workspace.root()).ok()).as_ref()
    }

    /// What a remote has. Each is asked once a run, whoever asks first: within the repository that is
    /// named, else within the workspace's own checkout, whose configuration may say how to get in.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn listing(&self, url: &RemoteUrl, within: Option<&Repository>) -> Result<Rc<Listing>> {
        if let Some(known) = self.listings.borrow().get(url.place()) {
            return Ok(Rc::clone(known));
        }
        let progress = self.context.ui.progress(&format!("asking {url}"), None);
        let listing = Rc::new(self.git.list(url, within.or_else(|| self.checkout()))?);
        drop(progress);
        self.listings.borrow_mut().insert(url.place().to_owned(), Rc::clone(&listing));
        Ok(listing)
    }

    /// Whether a runner made `folder` for this job.
    pub(super) fn is_runners(&self, folder: &Path) -> bool {
        let Some(own) = self.context.variable("GITHUB_WORKSPACE").filter(|_| self.is_on_runner()) else {
            return false;
        };
        let real = |path: &Path| path.canonicalize().ok();
        real(Path::new(&own)).is_some_and(|own| real(folder).is_some_and(|folder| folder.starts_with(own)))
    }

    /// Whether GitHub's runner has started this, so that nobody watches.
    pub(super) fn is_on_runner(&self) -> bool {
        self.context.variable("GITHUB_ACTIONS").is_some_and(|on| on == "true")
    }

    /// The branch that started a workflow, and the commit that it had then; nothing on a laptop.
    pub(super) fn started_by(&self) -> Option<(String, CommitId)> {
        let branch = self.context.variable("GITHUB_REF").filter(|_| self.is_on_runner())?;
        let branch = branch.strip_prefix("refs/heads/")?.to_owned();
        Some((branch, self.context.variable("GITHUB_SHA")?.parse().ok().map(CommitId::new)?))
    }

    /// Whether this event is run again. What follows one that is, is run as any other.
    pub(super) fn again(&self, event: &EventId) -> Again {
        let asked = self.again.as_ref().filter(|(id, _)| id == event.as_str());
        asked.map_or(Again::No, |(_, how)| *how)
    }

    /// Whether the world is to be changed.
    pub(super) fn applies(&self) -> bool {
        self.effect == Effect::Apply
    }

    /// What a dry run goes by instead of what is on disk.
    pub(super) fn recall(&self, files: Files) {
        // It is set once, at the start of a run.
        let _ = self.recalled.set(files);
    }

    /// The ledger as it stands.
    ///
    /// # Errors
    /// Where the journal cannot be read at all. A line that cannot is a warning.
    pub(super) fn ledger(&self) -> Result<Ledger> {
        if let Some(files) = self.recalled.get() {
            let journal = files.iter().find(|(path, _)| path.as_str() == "data/releases.jsonl");
            let lines = journal.into_iter().flat_map(|(_, bytes)| bytes.split(|byte| *byte == b'\n'));
            return Ok(Ledger::from_lines(
                lines.filter_map(|line| serde_json::from_slice(line).ok()).collect(),
            ));
        }
        let read = self.context.data.releases::<LedgerLine>().read()?;
        for warning in read.warnings {
            self.context.ui.warn(&warning.to_string());
        }
        Ok(Ledger::from_lines(read.records))
    }

    /// Adds a line to the ledger, unless this is a dry run.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn enter(&self, line: &LedgerLine) -> Result<()> {
        if self.applies() {
            self.context.data.releases::<LedgerLine>().append(line)?;
        }
        Ok(())
    }
}
