//! What has to be switched on before a step of some kind may run.

use thiserror::Error;

use super::manifest::Runner;

/// Which gates are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gates {
    /// Whether Code Mode steps may run.
    pub(crate) code_mode: bool,
}

/// A gate that keeps a selected step from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum GateClosed {
    /// The step has the runner `code-mode`, and Code Mode is off.
    #[error(
        "Code Mode is off: the step requires CODEX_FLOWS_MODE=code-mode or CODEX_FLOWS_ENABLE_CODE_MODE=1"
    )]
    CodeMode,
}

impl GateClosed {
    /// The gate's name in records; never changed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CodeMode => "code-mode",
        }
    }

    /// The gate that a step with this runner stands behind, open or closed.
    pub(crate) const fn of(runner: Runner) -> Option<Self> {
        match runner {
            Runner::CodeMode => Some(Self::CodeMode),
            Runner::Bun | Runner::PatchStack | Runner::Command => None,
        }
    }

    /// What to do next.
    pub(crate) fn hint(self) -> Option<String> {
        match self {
            Self::CodeMode => Some("set CODEX_FLOWS_MODE=code-mode and run the same event again".to_owned()),
        }
    }
}

impl Gates {
    /// Reads the gates as codex-flows does: blanks around a value and its case do
    /// not count.
    pub(crate) fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let value = |name| env(name).map(|value| value.trim().to_lowercase()).unwrap_or_default();
        let enabled = ["1", "true", "yes", "on"].contains(&value("CODEX_FLOWS_ENABLE_CODE_MODE").as_str());
        Self { code_mode: enabled || value("CODEX_FLOWS_MODE") == "code-mode" }
    }

    /// Whether any gate is open.
    pub(crate) const fn any_open(self) -> bool {
        self.code_mode
    }

    /// The gate that keeps a step with this runner from running.
    pub(crate) fn closed_for(self, runner: Runner) -> Option<GateClosed> {
        GateClosed::of(runner).filter(|gate| match gate {
            GateClosed::CodeMode => !self.code_mode,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_mode_is_off_unless_one_of_its_two_switches_is_on() {
        for (name, value, open) in [
            ("OTHER", "1", false),
            ("CODEX_FLOWS_ENABLE_CODE_MODE", "0", false),
            ("CODEX_FLOWS_ENABLE_CODE_MODE", "code-mode", false),
            ("CODEX_FLOWS_MODE", "1", false),
            ("CODEX_FLOWS_ENABLE_CODE_MODE", " Yes ", true),
            ("CODEX_FLOWS_ENABLE_CODE_MODE", "on", true),
            ("CODEX_FLOWS_MODE", " Code-Mode\n", true),
        ] {
            let gates = Gates::from_env(&|asked| (asked == name).then(|| value.to_owned()));
            assert_eq!(gates.code_mode, open, "{name}={value:?}");
        }
    }

    #[test]
    fn a_closed_gate_stops_code_mode_steps_only() {
        let gates = Gates { code_mode: false };
        assert_eq!(gates.closed_for(Runner::CodeMode), Some(GateClosed::CodeMode));
        for runner in [Runner::Bun, Runner::PatchStack, Runner::Command] {
            assert_eq!(gates.closed_for(runner), None);
        }
    }
}
