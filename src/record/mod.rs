//! The records of what patch-moi did: runs, dispatches, attempts, and the flow client's state.
//!
//! Values in, values out: times arrive as text that `event::stamp` made, and nothing here knows
//! where a record is kept. The shapes and key orders are those of codex-flows and of the older
//! patch.moi, so that either can read what the other wrote. What a foreign writer added is kept
//! as it stands: a record that is not understood is left alone, never dropped.

mod attempt;
mod candidate_ref;
mod client;
mod dispatch;
mod event_record;
mod flow_result;
mod listing;
mod report;
mod retention;
mod run;
mod run_id;
mod step;
mod verbatim;

pub(crate) use attempt::{Attempt, AttemptStatus, merge_runs};
pub(crate) use candidate_ref::candidate_refs;
pub(crate) use client::{FlowClientState, NotAnEvent, StateError};
pub(crate) use dispatch::{Dispatch, DispatchStatus, Operation};
pub(crate) use event_record::{EventRecord, MAX_EVENT_RECORD_BYTES, record_schema};
pub(crate) use flow_result::{FlowResultError, parse_flow_result};
pub(crate) use listing::{AttemptFilter, DispatchFilter, EventFilter, Limit};
pub(crate) use report::RunReport;
pub(crate) use retention::{Archived, Retention};
pub(crate) use run::{Run, RunSpan, RunStep};
pub(crate) use run_id::RunId;
pub(crate) use step::{Status, StepResult};
