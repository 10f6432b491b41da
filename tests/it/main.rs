//! patch-moi driven from outside, as a person or a workflow drives it: the real program, real git
//! repositories, real files.
//!
//! Each file is one topic, and each test one sentence of the contract. git itself is the oracle
//! wherever it has an opinion.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests make the world that the program is run in: files, folders, children, environment"
)]
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made is a failed test")]

mod action;
mod actions_auth;
mod again;
mod artifact;
mod binary;
mod bounds;
mod changes;
mod code_mode;
mod cost;
mod crashes;
mod culprit;
mod doctor;
mod errors;
mod flatten;
mod flow_candidate;
mod flows;
mod guards;
mod harness;
mod help;
mod hostile;
mod init;
mod interruption;
mod inventory;
mod kept_merges;
mod kinds;
mod lacking;
mod landed;
mod layouts;
mod local;
mod machines;
mod merges;
mod newest;
mod odd_trees;
mod old_state;
mod oracle;
mod pack;
mod pack_hash;
mod pack_source;
mod pack_standing;
mod partial;
mod pick;
mod places;
mod publish;
mod publish_forge;
mod records;
mod resume;
mod run;
mod schedule;
mod selection;
mod settled;
mod shallow;
mod stack;
mod state;
mod steps;
mod steps_bun;
mod steps_end;
mod steps_told;
mod support;
mod triage;
mod upstreamed;
mod verify;
mod workflows;
