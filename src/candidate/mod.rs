//! What a carried stack becomes: the artifact, the refs and the record, first as data.
//!
//! A [`Carry`](crate::stack::Carry) goes in. [`plan()`] says what would be done to the world with it,
//! [`Document`] is what lasts of it (candidate.json), [`accounting()`] proves that no patch got lost on
//! the way. Nothing here touches a repository, a file or a clock, so a dry run and a real run say
//! the same.

mod accounting;
pub(crate) mod bundle;
pub(crate) mod claim;
mod document;
mod names;
mod plan;
pub(crate) mod publication;
mod refusal;
#[cfg(test)]
pub(crate) mod sample;
mod squash;

pub(crate) use accounting::{AccountingError, accounting};
pub(crate) use claim::Claim;
pub(crate) use document::{
    CheckOutcome, CheckResult, Document, EventRef, FlowRef, ForkRef, MADE_BY_FLOW, NamedRef, Outcome, RunRef,
    SCHEMA_VERSION, Squashed, Tool, UpstreamRef, document_schema,
};
pub(crate) use plan::{Artifact, Input, Plan, PlannedCheck, Refs, Step, plan, recorded_base, series};
pub(crate) use refusal::{Refusal, quoted};
pub(crate) use squash::{DEFAULT_SQUASH_MESSAGE, squash_message};
