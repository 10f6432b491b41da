//! What a child is told about the world: nothing that is not listed here.

use std::collections::BTreeMap;

/// The whole environment of a child.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Env(BTreeMap<String, String>);

/// How a program reaches the network. A proxy's address may hold a password, but without it nothing is reached.
pub(crate) const NETWORK: [&str; 10] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// What a program needs to find itself, its tools, its language, its clock and its network.
const PASSED_ON: &[&str] = &[
    // the machine
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "CI",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    // the network, beside NETWORK
    "NIX_SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    // toolchains
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "CARGO_HOME",
    "JAVA_HOME",
    "GOROOT",
    "GOPATH",
    "GOCACHE",
    "GOMODCACHE",
    "NVM_DIR",
    "PNPM_HOME",
    "BUN_INSTALL",
    "DENO_DIR",
    "VOLTA_HOME",
    "PYENV_ROOT",
    "SDKROOT",
    "DEVELOPER_DIR",
    "CC",
    "CXX",
];

/// Parts of names whose values are somebody's secret.
const SECRET_PARTS: &[&str] = &["TOKEN", "SECRET", "KEY", "AUTH", "PASSWORD", "PASSWD", "CREDENTIAL"];

/// Beginnings of names through which a step of a workflow speaks to GitHub's runner, or bends how a
/// child is loaded.
const RESERVED_PREFIXES: &[&str] =
    &["GITHUB_", "ACTIONS_", "RUNNER_", "INPUT_", "BASH_FUNC_", "LD_", "DYLD_"];

/// Names through which a step of a workflow tells GitHub's runner what the steps after it get.
const COMMAND_FILES: &[&str] = &[
    "GITHUB_ENV",
    "GITHUB_PATH",
    "GITHUB_OUTPUT",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_ARTIFACTS",
    "GITHUB_ARTIFACTS_LIST",
];

/// Beginnings of names that no child gets, whoever asks for them: the runner's own services, and what bends how a
/// child is loaded.
const NEVER_PREFIXES: &[&str] = &["ACTIONS_", "BASH_FUNC_", "LD_", "DYLD_"];

/// Beginnings of the names of switches that codex-flows and its steps know.
const SWITCHES: &[&str] = &["CODEX_FLOW_", "CODEX_FLOWS_"];

impl Env {
    /// No variable at all.
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    /// What a program needs to work on this machine, taken from `parent`, and nothing that could be a secret
    /// or a way to speak to the runner.
    pub(crate) fn minimal(parent: &BTreeMap<String, String>) -> Self {
        let fits =
            |name: &str| PASSED_ON.contains(&name) || NETWORK.contains(&name) || name.starts_with("LC_");
        let taken = parent.iter().filter(|(name, _)| fits(name) && !is_withheld(name));
        Self(taken.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Takes one more variable from `parent` by its name, and says whether it may be passed on: names that
    /// look like secrets or belong to the runner may not. One that `parent` does not have is passed over.
    pub(crate) fn pass(&mut self, parent: &BTreeMap<String, String>, name: &str) -> bool {
        if is_withheld(name) {
            return false;
        }
        if let Some(value) = parent.get(name) {
            self.0.insert(name.to_owned(), value.clone());
        }
        true
    }

    /// Takes the switches of codex-flows from `parent`, those apart whose names look like secrets.
    pub(crate) fn pass_switches(&mut self, parent: &BTreeMap<String, String>) {
        let fits = |name: &str| SWITCHES.iter().any(|prefix| name.starts_with(prefix)) && !is_withheld(name);
        let taken = parent.iter().filter(|(name, _)| fits(name));
        self.0.extend(taken.map(|(name, value)| (name.clone(), value.clone())));
    }

    /// Takes one more variable from `parent` for a flow's own step, and says whether it may be passed on. Whoever
    /// wrote the flow named it: as `listed` it may be a secret, and otherwise it may not. What belongs to the
    /// runner is never passed on. One that `parent` does not have is passed over.
    pub(crate) fn pass_to_step(
        &mut self,
        parent: &BTreeMap<String, String>,
        name: &str,
        listed: bool,
    ) -> Passed {
        let is_secret = is_secret(name);
        if is_odd(name) || is_runners(name) || (is_secret && !listed) {
            return Passed::Withheld;
        }
        let Some(value) = parent.get(name) else { return Passed::Absent };
        self.0.insert(name.to_owned(), value.clone());
        if is_secret { Passed::Secret } else { Passed::Plain }
    }

    /// Sets a variable that patch-moi itself decides, whatever its name.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a variable that patch-moi itself decides, whatever its name.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// Every name and value, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Names only: a value may be somebody's secret, and a debug line is a log line.
impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What became of a variable that a step's flow names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// It is there.
    Plain,
    /// It is there, and looks like somebody's secret.
    Secret,
    /// We have none of this name.
    Absent,
    /// It is not passed on.
    Withheld,
}

/// Whether a variable of this name is never handed on to a child that runs upstream's code.
fn is_withheld(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    is_odd(name) || is_secret(name) || RESERVED_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
}

fn is_odd(name: &str) -> bool {
    name.is_empty() || name.contains(['=', '\0'])
}

fn is_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    SECRET_PARTS.iter().any(|part| upper.contains(part))
}

fn is_runners(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    COMMAND_FILES.contains(&upper.as_str()) || NEVER_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent() -> BTreeMap<String, String> {
        [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("https_proxy", "http://p"),
            ("CARGO_HOME", "/c"),
            ("NODE_ENV", "ci"),
            ("GH_TOKEN", "t"),
            ("GITHUB_OUTPUT", "/o"),
            ("ACTIONS_RUNTIME_URL", "u"),
            ("RUNNER_TEMP", "/t"),
            ("SSH_AUTH_SOCK", "/s"),
            ("npm_config__authToken", "t"),
            ("LC_KEY", "k"),
            ("LD_PRELOAD", "/x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn only_what_is_listed_is_passed_on() {
        let env = Env::minimal(&parent());
        let names = env.iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names, ["CARGO_HOME", "LC_ALL", "PATH", "https_proxy"]);
    }

    #[test]
    fn a_secret_is_not_passed_on_even_when_it_is_asked_for() {
        let mut env = Env::empty();
        for name in [
            "GH_TOKEN",
            "GITHUB_OUTPUT",
            "ACTIONS_RUNTIME_URL",
            "RUNNER_TEMP",
            "SSH_AUTH_SOCK",
            "npm_config__authToken",
            "LD_PRELOAD",
            "",
        ] {
            assert!(!env.pass(&parent(), name), "{name}");
        }
        assert_eq!(env, Env::empty());

        assert!(env.pass(&parent(), "NODE_ENV"));
        assert_eq!(env, Env::empty().with("NODE_ENV", "ci"));
    }

    #[test]
    fn a_step_gets_a_secret_only_where_its_flow_lists_it_and_never_what_is_the_runners() {
        let mut env = Env::empty();
        for (name, listed, passed) in [
            ("GH_TOKEN", false, Passed::Withheld),
            ("npm_config__authToken", false, Passed::Withheld),
            ("GH_TOKEN", true, Passed::Secret),
            ("NODE_ENV", false, Passed::Plain),
            ("RUNNER_TEMP", false, Passed::Plain),
            ("NOT_THERE", true, Passed::Absent),
            ("GITHUB_OUTPUT", true, Passed::Withheld),
            ("GITHUB_ENV", true, Passed::Withheld),
            ("github_path", true, Passed::Withheld),
            ("ACTIONS_RUNTIME_URL", true, Passed::Withheld),
            ("LD_PRELOAD", true, Passed::Withheld),
            ("BASH_FUNC_ls%%", true, Passed::Withheld),
        ] {
            assert_eq!(env.pass_to_step(&parent(), name, listed), passed, "{name} {listed}");
        }
        let names = env.iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names, ["GH_TOKEN", "NODE_ENV", "RUNNER_TEMP"]);
    }

    #[test]
    fn the_switches_of_codex_flows_are_passed_on_and_no_token_among_them() {
        let parent = [("CODEX_FLOWS_MODE", "code-mode"), ("CODEX_FLOW_X", "1"), ("CODEX_FLOWS_TOKEN", "t")];
        let parent = parent.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut env = Env::empty();
        env.pass_switches(&parent);
        let names = env.iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names, ["CODEX_FLOWS_MODE", "CODEX_FLOW_X"]);
    }

    #[test]
    fn a_value_is_never_shown() {
        let env = Env::empty().with("GH_TOKEN", "hunter2");
        assert_eq!(format!("{env:?}"), r#"{"GH_TOKEN"}"#);
    }
}
