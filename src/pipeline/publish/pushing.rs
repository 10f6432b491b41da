//! The first push: a candidate and its companions, all or none.

use super::super::preparing::Prepared;
use super::remote::Target;
use crate::candidate::publication::{Publication, RefPlan};
use crate::git::{Git, GitError, PushOutcome, RefMove, Rejection};
use crate::ids::CommitId;
use crate::report::PublishedRef;

/// How a push went.
pub(super) struct Push {
    /// Every ref of the plan.
    pub(super) refs: Vec<PublishedRef>,
    /// Why the remote took none of them.
    pub(super) refused: Option<Why>,
}

/// Why a remote did not take a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// A ref is no longer where it was a moment ago.
    Moved,
    /// The token or key may not change files of `.github/workflows/`.
    Workflows(String),
    /// It said no.
    Remote(String),
}

/// Pushes what the plan moves. Nothing is pushed where nothing moves.
///
/// # Errors
/// Where the remote cannot be reached.
pub(super) fn push(
    git: &Git,
    prepared: &Prepared,
    target: &Target,
    plan: &Publication,
) -> Result<Push, GitError> {
    let moves: Vec<RefMove> = plan.refs.iter().filter(|plan| plan.is_move()).map(moved).collect();
    let unchanged = plan.refs.iter().filter(|plan| !plan.is_move()).map(|plan| said(plan, "unchanged", None));
    let mut refs: Vec<PublishedRef> = unchanged.collect();
    let answers = match git.push(prepared.bench.repository(), &target.url, &moves, None) {
        Ok(answers) => answers,
        Err(GitError::NotAllowed { said: why, url }) => {
            let why = if why.is_empty() { format!("{url} does not let this token or key push") } else { why };
            let plans = plan.refs.iter().filter(|plan| plan.is_move());
            refs.extend(plans.map(|plan| said(plan, "refused", Some(&why))));
            return Ok(Push { refs, refused: Some(Why::of(&why)) });
        }
        Err(err) => return Err(err),
    };
    let mut refused = None;
    for answer in answers {
        let Some(plan) = plan.refs.iter().find(|plan| plan.name == answer.name) else { continue };
        refs.push(match answer.outcome {
            PushOutcome::Moved => said(plan, "moved", None),
            PushOutcome::Rejected(Rejection::Atomic) => {
                said(plan, "refused", Some("another ref of the same push was refused"))
            }
            PushOutcome::Rejected(Rejection::Stale) => {
                refused.get_or_insert(Why::Moved);
                said(plan, "refused", Some("somebody has moved it a moment ago"))
            }
            PushOutcome::Rejected(Rejection::Remote { reason }) => {
                if refused.is_none() || refused == Some(Why::Moved) {
                    refused = Some(Why::of(&reason));
                }
                said(plan, "refused", Some(&reason))
            }
        });
    }
    Ok(Push { refs, refused })
}

impl Why {
    /// GitHub's own words for a workflow file that the token may not push; there is no other sign.
    fn of(reason: &str) -> Self {
        if reason.contains("refusing to allow") && reason.contains("create or update workflow") {
            Self::Workflows(reason.to_owned())
        } else {
            Self::Remote(reason.to_owned())
        }
    }
}

fn moved(plan: &RefPlan) -> RefMove {
    RefMove { name: plan.name.clone(), from: plan.from.map(CommitId::new), to: plan.to }
}

fn said(plan: &RefPlan, outcome: &str, why: Option<&str>) -> PublishedRef {
    PublishedRef {
        name: plan.name.clone(),
        from: plan.from,
        to: plan.to,
        outcome: outcome.to_owned(),
        why: why.map(str::to_owned),
    }
}
