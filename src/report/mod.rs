//! Everything a run can say, and how it says it: to a terminal, as JSON, as Markdown, as HTML.
//!
//! The values ([`RunReport`], [`Document`](crate::candidate::Document)) hold what strangers wrote,
//! unchanged: JSON escapes by itself, and a program wants the letters. The renderers for people take
//! every foreign word through [`printable()`] and, in Markdown and HTML, through an escape of their own.

mod html;
mod local;
mod markdown;
mod next;
mod printable;
mod proof;
mod publish;
pub(crate) mod request;
mod resume;
mod run;
mod terminal;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use html::{Extras, html};
pub(crate) use local::{
    LocalAnnotation, LocalReport, LocalSummary, OnlyInLog, Pair, UnpushedCommit, Unseen, local_schema,
    local_text, unseen_text,
};
pub(crate) use markdown::{document_markdown, event_report_markdown, run_markdown};
pub(crate) use next::{beside, shell_quote};
pub(crate) use printable::printable;
pub(crate) use proof::{Proved, RefusalReport, VerifyReport, verify_schema, verify_text};
pub(crate) use publish::{
    KeptReport, PublishReport, PublishedEvent, PublishedRef, RecordReport, RequestReport, publish_markdown,
    publish_schema, publish_text,
};
pub(crate) use resume::{
    AskedPatch, ResumeReport, ResumeState, Resumed, SettledPatch, resume_schema, resume_text,
};
pub(crate) use run::{
    EventReport, Memory, PassedOver, Problem, ReleaseReport, RunReport, Selected, Selection, SourceReport,
    Standing, StepReport, run_schema,
};
pub(crate) use terminal::{Look, carry_text, run_text, selection_text};
pub(crate) use words::landed_sentence;
