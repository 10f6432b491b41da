//! The proof of a published ref: carrying the patches again gives the commit that it names.

use super::ground::{self, Ground, Made};
use super::{Denied, How, settled};
use crate::candidate::publication::{Part, of_ref};
use crate::candidate::{Outcome, Refusal};
use crate::failure::{Failure, Kind};
use crate::git::Repository;
use crate::ids::{CommitId, RefName, RepoName, TagName};
use crate::pipeline::preparing::Prepared;
use crate::pipeline::session::Session;
use crate::report::Proved;
use crate::stack::{Answers, Objects as _};

/// So many places where the branch stood are tried: where it stands, and what the ledger remembers.
const MOST_TIPS: usize = 5;

/// What was found under a name.
struct Found {
    commit: CommitId,
    /// The release and the part, where the name says so.
    about: Option<(TagName, Part)>,
}

/// Proves that a ref of the fork, or a commit, is what carrying the patches to its release gives.
pub(super) fn prove(
    session: &Session<'_>,
    rev: &str,
    tag: Option<&TagName>,
    how: &How,
) -> Result<Proved, Denied> {
    let named = name_of(rev);
    let about = named.as_ref().and_then(of_ref);
    let Some(asked) = tag.or(about.as_ref().map(|(tag, _)| tag)).cloned() else {
        return Err(Failure::usage(format!(
            "`{}` does not say which release it is about",
            rev.escape_debug()
        ))
        .hint("name it with `--tag TAG`; or name a ref such as patch-moi/candidate/TAG")
        .into());
    };
    if let Some((found, _)) = about.as_ref().filter(|(found, _)| *found != asked) {
        return Err(Refusal::OtherTag { found: found.clone(), asked }.into());
    }
    let repo = repo(session)?;
    ground::with(session, &repo, &asked, how, |ground, _| {
        let Ground { event, mut prepared, .. } = ground;
        let commit = find(session, &prepared, rev, named.as_ref())?;
        let found = Found { commit, about };
        let head = match ground::remote_head(session, &prepared)? {
            Some(head) => head,
            None => prepared.tip,
        };
        let mut made = Vec::new();
        for tip in tips(session, &prepared, head, &repo, &asked)? {
            prepared.tip = tip;
            let again = found.made(session, &mut prepared, named.as_ref())?;
            let Some(status) = found.is(&again) else {
                let commit = again.squashed.unwrap_or(again.carry.candidate.commit);
                made.push(format!("{commit} (from {})", tip.short()));
                continue;
            };
            let mut sentences = vec![
                format!("Tag {asked} of {repo} is {}.", prepared.release.commit),
                format!("Branch {} of {} holds the tip {tip}.", prepared.branch, prepared.fork.name),
                format!(
                    "The carry, made again, gives the commit that {} names: {commit}.",
                    rev.escape_debug()
                ),
            ];
            sentences.extend(settled::sentence(&prepared, &again.carry)?);
            sentences.push("Checks and bundle are in the artifact only, and were not looked at.".to_owned());
            return Ok(Proved {
                event_id: event.id.clone(),
                repo: repo.clone(),
                tag: asked.clone(),
                status,
                commit,
                tip,
                stale: tip != head,
                settlements: again.carry.settlements,
                sentences,
            });
        }
        let made = made.join(", ");
        Err(Refusal::Ref { what: rev.escape_debug().to_string(), found: commit, made }.into())
    })
}

impl Found {
    /// The carry, made again; where it stops at conflicts, with what a person made of them in the ref itself.
    fn made(
        &self,
        session: &Session<'_>,
        prepared: &mut Prepared,
        name: Option<&RefName>,
    ) -> Result<Made, Denied> {
        prepared.answers = Answers::default();
        let made = ground::make(session, prepared)?;
        if self.is(&made).is_some() {
            return Ok(made);
        }
        let top = settled::top(session, prepared, name, self.commit);
        match top.filter(|top| prepared.bench.commit(*top).is_ok()) {
            Some(top) => settled::follow(session, prepared, top, made),
            None => Ok(made),
        }
    }

    /// What it is of a carry, where it is of it.
    fn is(&self, made: &Made) -> Option<Outcome> {
        let carry = &made.carry;
        let delivered = made.squashed.unwrap_or(carry.candidate.commit);
        let complete = carry.candidate.complete;
        let part = self.about.as_ref().map(|(_, part)| *part);
        let fits = |wanted, commit: Option<CommitId>| {
            part.is_none_or(|part| part == wanted) && commit == Some(self.commit)
        };
        let own = fits(Part::Candidate, Some(delivered).filter(|_| complete))
            || fits(Part::Stack, Some(carry.candidate.commit).filter(|_| complete));
        let open = fits(Part::Incomplete, Some(carry.candidate.commit).filter(|_| !complete))
            || fits(Part::Partial, carry.partial);
        match (own, open) {
            (true, _) => Some(Outcome::Candidate),
            (_, true) => Some(Outcome::Incomplete),
            (false, false) => None,
        }
    }
}

/// The whole name of a ref as people write it.
fn name_of(rev: &str) -> Option<RefName> {
    let whole = if rev.starts_with("refs/") { rev.to_owned() } else { format!("refs/heads/{rev}") };
    let short = rev.split_once("patch-moi/").filter(|(before, _)| matches!(*before, "" | "origin/"));
    let whole = short.map_or(whole, |(_, rest)| format!("refs/heads/patch-moi/{rest}"));
    whole.parse().ok().filter(|name| of_ref(name).is_some_and(|(_, part)| part != Part::Base))
}

/// The commit: where the fork's remote has a ref of that name, else here.
fn find(
    session: &Session<'_>,
    prepared: &Prepared,
    rev: &str,
    named: Option<&RefName>,
) -> Result<CommitId, Denied> {
    let bench: &Repository = prepared.bench.repository();
    if let (Some(name), Some(url)) = (named, prepared.fork.home()) {
        let listing = session.listing(&url, Some(&prepared.fork.repository))?;
        let remote = listing.branches.get(name.branch()).copied();
        let ours = listing.ours.get(name).map(|object| CommitId::new(*object));
        if let Some(commit) = remote.or(ours) {
            return Ok(commit);
        }
    }
    let own = named.and_then(|name| {
        let tracking = RefName::join("refs/remotes/origin", name.branch()).ok();
        // A run names its own candidate refs/patch-moi/candidate/TAG.
        let local = name.as_str().replacen("refs/heads/", "refs/", 1).parse().ok();
        [Some(name.clone()), local, tracking]
            .into_iter()
            .flatten()
            .find_map(|name| prepared.fork.repository.at(&name))
    });
    match own {
        Some(commit) => Ok(commit),
        None => Ok(prepared.fork.repository.commit(rev).or_else(|err| bench.commit(rev).map_err(|_| err))?),
    }
}

/// Where the branch stands, and where it stood when the ledger last spoke of the release, newest first.
fn tips(
    session: &Session<'_>,
    prepared: &Prepared,
    head: CommitId,
    repo: &RepoName,
    tag: &TagName,
) -> Result<Vec<CommitId>, Denied> {
    let ledger = session.ledger()?;
    let remembered = ledger.history(repo, tag).iter().rev().filter_map(|line| line.tip);
    let mut tips: Vec<CommitId> = Vec::new();
    for tip in [head, prepared.tip].into_iter().chain(remembered) {
        if tips.len() < MOST_TIPS
            && !tips.contains(&tip)
            && (tip == prepared.tip || ground::holds(prepared, head, tip))
        {
            tips.push(tip);
        }
    }
    Ok(tips)
}

/// The upstream that the workspace follows.
fn repo(session: &Session<'_>) -> Result<RepoName, Denied> {
    let sources = session.sources()?;
    let mut repos: Vec<&RepoName> =
        sources.iter().filter(|source| source.starts_work()).map(|source| &source.repo.name).collect();
    repos.dedup();
    match repos[..] {
        [only] => Ok(only.clone()),
        _ => Err(Failure::new(
            Kind::Usage,
            anyhow::Error::msg(
                "feed-sources.json follows none or several upstreams, so a ref alone names no release",
            ),
        )
        .hint("verify the artifact instead: `patch-moi verify DIR`")
        .into()),
    }
}
