//! The event record, its deterministic id, its payload.
