//! The proof that an artifact, or a published ref, is what carrying the patches again gives.
//!
//! Nothing of the artifact is believed and nothing of it is run: see `docs/guides/publish.md`.

mod adopted;
mod bundle;
mod flow_made;
mod folder;
mod ground;
mod proof;
mod published;
mod settled;

use std::path::PathBuf;

use super::asked::Asked;
use super::context::Context;
use super::session::Session;
use crate::candidate::{Refusal, Tool};
use crate::failure::{Failure, Kind, Result};
use crate::ids::TagName;
use crate::report::{Proved, RefusalReport, VerifyReport};

pub(super) use adopted::{Adopted, adopted};
pub(super) use folder::{Folder, artifacts};
pub(super) use ground::gone;
pub(super) use proof::{Proof, prove};

/// Why something is not published: the artifact is not what it says, or the world did not let it be
/// found out.
#[derive(Debug)]
pub(super) enum Denied {
    /// The artifact.
    Refused(Box<Refusal>),
    /// The world.
    Failed(Failure),
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl<E: Into<Failure>> From<E> for Denied {
    fn from(err: E) -> Self {
        Self::Failed(err.into())
    }
}

/// What proofs have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct How {
    /// The maintained branch, where no flow names it.
    pub(crate) branch: Option<String>,
    /// Whether commits that a flow made itself may pass where they descend from the release.
    pub(crate) descends: bool,
    /// Whether what a person settled may pass, by the artifact's word that it was one.
    pub(crate) settlements: bool,
    /// Whether only the fork's remote says where the branch stands.
    pub(crate) by_remote: bool,
}

/// What to verify.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// An artifact's folder.
    Folder(PathBuf),
    /// A published ref or any commit.
    Rev(String),
}

/// What `verify` was asked.
#[derive(Debug, Clone)]
pub(crate) struct Verify {
    /// What is to be proved.
    pub(crate) subject: Subject,
    /// The release that it has to be about.
    pub(crate) tag: Option<TagName>,
    /// How.
    pub(crate) how: How,
    /// The command as it was typed, for the report.
    pub(crate) command: String,
}

/// Proves an artifact or a published ref. Nothing is written.
///
/// # Errors
/// Where the workspace cannot be read, or the world does not let it be found out. That it is not what it
/// says is a result.
pub(crate) fn verify(context: &Context<'_>, asked: &Verify) -> Result<(VerifyReport, Kind)> {
    let session = Session::open(context, &Asked::look(&asked.command))?;
    let what = match &asked.subject {
        Subject::Folder(path) => path.display().to_string(),
        Subject::Rev(rev) => rev.clone(),
    };
    let proved = match &asked.subject {
        Subject::Folder(path) => folder(&session, path, asked),
        Subject::Rev(rev) => published::prove(&session, rev, asked.tag.as_ref(), &asked.how),
    };
    let mut report = VerifyReport {
        schema_version: 1,
        tool: Tool::this(),
        command: asked.command.clone(),
        what,
        proved: None,
        refusal: None,
        exit_code: 0,
    };
    let kind = match proved {
        Ok(proved) => {
            report.proved = Some(proved);
            Kind::Done
        }
        Err(Denied::Refused(refusal)) => {
            report.refusal = Some(refused(&refusal));
            Kind::Failed
        }
        Err(Denied::Failed(failure)) => return Err(failure),
    };
    report.exit_code = kind.code();
    Ok((report, kind))
}

fn folder(
    session: &Session<'_>,
    path: &std::path::Path,
    asked: &Verify,
) -> std::result::Result<Proved, Denied> {
    let folder = Folder::open(path)?;
    let Some(claim) = folder.claim()? else {
        let why = "the run left no candidate, only a record".to_owned();
        return Err(Refusal::NotOurs { file: "candidate.json", why }.into());
    };
    if let Some(asked) = asked.tag.as_ref().filter(|asked| **asked != claim.tag) {
        return Err(Refusal::OtherTag { found: claim.tag, asked: asked.clone() }.into());
    }
    Ok(prove(session, &claim, &folder, &asked.how)?.said())
}

/// A refusal as a report has it.
pub(super) fn refused(refusal: &Refusal) -> RefusalReport {
    RefusalReport { code: refusal.code().to_owned(), message: refusal.to_string(), hint: refusal.hint() }
}
