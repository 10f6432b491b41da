//! The id of one flow step's run for one event.

use std::fmt;

use serde::Serialize;

use crate::ids::{Digest, EventId};

/// Names the run of one step for one event: `run_` and twelve hexadecimal digits, the same on
/// every machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub(crate) struct RunId(String);

impl RunId {
    /// The id of the first run of a step for an event, and of every retry of it.
    pub(crate) fn of(event: &EventId, flow: &str, step: &str) -> Self {
        Self(format!("run_{}", twelve_digits(&[event.as_str(), flow, step])))
    }

    /// The id of a run that does again what was done. `nonce` is another one for each replay, and the same
    /// for all steps of one.
    pub(crate) fn of_replay(event: &EventId, flow: &str, step: &str, nonce: &str) -> Self {
        Self(format!("run_{}_replay", twelve_digits(&[event.as_str(), flow, step, nonce])))
    }

    /// Whether a text has the form of the id of a replay.
    pub(crate) fn is_of_replay(text: &str) -> bool {
        let digits = text.strip_prefix("run_").and_then(|rest| rest.strip_suffix("_replay"));
        digits.is_some_and(|digits| digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The parts cannot be confused with one another: neither an event id nor a flow's name holds a NUL.
fn twelve_digits(parts: &[&str]) -> String {
    let mut digits = Digest::of(parts.join("\0").as_bytes()).hex();
    digits.truncate(12);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_the_id_that_codex_flows_gives_it() {
        let event = "patch:upstream.release:openai/codex:rust-v0.130.0".parse().unwrap();
        assert_eq!(RunId::of(&event, "demo", "hello").as_str(), "run_6ca1f4662abc");
    }

    #[test]
    fn a_replay_has_ids_of_its_own_in_the_same_form() {
        let event = "e".parse().unwrap();
        let id = |nonce| RunId::of_replay(&event, "demo", "hello", nonce).to_string();
        let digits = id("1:7").strip_prefix("run_").unwrap().strip_suffix("_replay").unwrap().to_owned();
        assert!(digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digits}");
        assert_ne!(id("1:7"), id("2:7"));
        assert!(!RunId::of(&event, "demo", "hello").as_str().contains(&digits));
    }
}
