//! flow.toml, triggers, schemas, gates; an event to a selection.
