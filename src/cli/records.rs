//! `patch-moi events`, `dispatches`, `attempts`, `status`: what is recorded.

use std::fmt::Display;

use clap::Args as ClapArgs;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::App;
use super::context::context;
use super::options::StateOption;
use crate::failure::{Kind, Result};
use crate::pipeline::records::{self, attempt_line, dispatch_line, event_line};
use crate::pipeline::standing::overview;
use crate::record::{AttemptFilter, AttemptStatus, DispatchFilter, DispatchStatus, EventFilter, Limit};
use crate::store::Journaled;

const DISPATCH_STATUSES: [&str; 3] = ["dispatched", "failed", "skipped"];
const ATTEMPT_STATUSES: [&str; 7] =
    ["started", "skipped", "completed", "changed", "needs_intervention", "blocked", "failed"];

const EVENTS: &str = "\
Examples:
  patch-moi events --limit 5
  patch-moi events --type upstream.release --json

Each line is `received type id`; --json prints {\"events\": […]}.
Writes nothing. Exits 0, or 1 where the journal cannot be read at all.";

const DISPATCHES: &str = "\
Examples:
  patch-moi dispatches --status failed
  patch-moi dispatches --event-id patch:upstream.release:OWNER/NAME:v1.2.0 --json

Each line is `created status operation event-id`; --json prints {\"dispatches\": […]}.
Writes nothing. Exits 0, or 1 where the journal cannot be read at all.";

const ATTEMPTS: &str = "\
Examples:
  patch-moi attempts --status needs_intervention
  patch-moi attempts --event-id patch:upstream.release:OWNER/NAME:v1.2.0 --json

Each line is `updated status operation id`; --json prints {\"attempts\": […]}.
Writes nothing. Exits 0, or 1 where the journal cannot be read at all.";

const STATUS: &str = "\
Examples:
  patch-moi status
  patch-moi status --json --data-dir ./data
  patch-moi status --state origin      what the workflow's runs have left in the fork

--json prints {\"dataDir\", \"latest\": {\"events\", \"dispatches\", \"attempts\"},
\"attemptStatusCounts\", \"dispatchStatusCounts\"}.
Writes nothing. Exits 0, or 1 where a journal cannot be read at all.";

/// List the events that were recorded, newest first
///
/// An event is one upstream happening, such as a release, and has one id for ever.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EVENTS)]
pub(super) struct EventsArgs {
    /// Only events of this type, such as upstream.release
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// How many, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 50, allow_negative_numbers = true)]
    limit: i64,
}

/// List how events were handed over, newest first
///
/// A dispatch hands one event to what executes it. What came of it stands in the attempts.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = DISPATCHES)]
pub(super) struct DispatchesArgs {
    /// Only dispatches of this event
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// Only dispatches with this status
    #[arg(long, value_parser = named::<DispatchStatus>(&DISPATCH_STATUSES))]
    status: Option<DispatchStatus>,
    /// How many, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 50, allow_negative_numbers = true)]
    limit: i64,
}

/// List what came of events, newest news first
///
/// An attempt is patch-moi's own record of carrying one event through.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = ATTEMPTS)]
pub(super) struct AttemptsArgs {
    /// Only attempts at this event
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// Only attempts with this status
    #[arg(long, value_parser = named::<AttemptStatus>(&ATTEMPT_STATUSES))]
    status: Option<AttemptStatus>,
    /// How many, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 50, allow_negative_numbers = true)]
    limit: i64,
}

/// Show where everything stands: the newest events, dispatches and attempts
///
/// The counts cover what is listed.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = STATUS)]
pub(super) struct StatusArgs {
    /// How many of each, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true)]
    limit: i64,
    #[command(flatten)]
    state: StateOption,
}

pub(super) fn events(app: &App, args: &EventsArgs) -> Result<Kind> {
    let filter = EventFilter { kind: args.kind.clone() };
    let listed = records::events(&app.data()?, &filter, Limit::nearest(args.limit))?;
    let document = |records: &[records::JournalEvent]| json!({ "events": records });
    Ok(show(app, &listed, "events", document, event_line))
}

pub(super) fn dispatches(app: &App, args: &DispatchesArgs) -> Result<Kind> {
    let filter = DispatchFilter { event_id: args.event_id.clone(), status: args.status };
    let listed = records::dispatches(&app.data()?, &filter, Limit::nearest(args.limit))?;
    Ok(show(app, &listed, "dispatches", |records| json!({ "dispatches": records }), dispatch_line))
}

pub(super) fn attempts(app: &App, args: &AttemptsArgs) -> Result<Kind> {
    let filter = AttemptFilter { event_id: args.event_id.clone(), status: args.status };
    let listed = records::attempts(&app.data()?, &filter, Limit::nearest(args.limit))?;
    Ok(show(app, &listed, "attempts", |records| json!({ "attempts": records }), attempt_line))
}

pub(super) fn status(app: &App, args: &StatusArgs) -> Result<Kind> {
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    let wanted = args.state.wanted(&app.environment);
    let limit = Limit::nearest(args.limit);
    let overview = context(app, &workspace, &data, None, |context| overview(context, &wanted, limit))?;
    warn(app, overview.warnings());
    app.ui.show(&overview, || overview.text());
    Ok(Kind::Done)
}

fn show<T>(
    app: &App,
    listed: &Journaled<T>,
    what: &str,
    document: impl FnOnce(&[T]) -> Value,
    line: impl Fn(&T) -> String,
) -> Kind {
    warn(app, &listed.warnings);
    if app.ui.is_json() {
        app.ui.json(&document(&listed.records));
    } else if listed.records.is_empty() {
        app.ui.note(&format!("no {what} are recorded"));
    } else {
        let lines: Vec<String> = listed.records.iter().map(line).collect();
        app.ui.out(&lines.join("\n"));
    }
    Kind::Done
}

fn warn(app: &App, warnings: &[impl Display]) {
    warnings.iter().for_each(|warning| app.ui.warn(&warning.to_string()));
}

/// One of `names`, which are the type's own names in the journals.
fn named<S: DeserializeOwned + Clone + Send + Sync + 'static>(
    names: &'static [&'static str],
) -> impl TypedValueParser<Value = S> {
    PossibleValuesParser::new(names).try_map(|name| serde_json::from_value::<S>(Value::String(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_offered_is_a_status() {
        for name in DISPATCH_STATUSES {
            assert!(serde_json::from_value::<DispatchStatus>(json!(name)).is_ok(), "{name}");
        }
        for name in ATTEMPT_STATUSES {
            let status: AttemptStatus = serde_json::from_value(json!(name)).unwrap();
            assert_eq!(status.name(), name);
        }
    }
}
