//! The flow that carries a stack where none is installed, so that a first try needs no file.

use std::path::Path;
use std::time::Duration;

use toml::{Table, Value};

use super::manifest::{Manifest, Runner, Step, Trigger};
use super::{Flow, Origin, Standing, SwitchedOff};
use crate::event::UPSTREAM_RELEASE;
use crate::ids::{Digest, RepoName};

/// Raised when the built-in flow would carry a stack differently, so that settled releases are due again.
const VERSION: u32 = 1;

/// The built-in flow's name.
pub(crate) const BUILT_IN: &str = "patch-stack";

/// What it does.
const DESCRIPTION: &str = "Carry the fork's patch stack to an upstream release.";

/// How long a carry may take.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// The schema of its events, beside its flow.toml where it is a file.
const BUILT_IN_SCHEMA: &str = "release.schema.json";

/// What the command line says about the stack that the built-in flow carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BuiltIn<'a> {
    /// Where the fork's repository is; none for the one that the run was started in.
    pub(crate) repo: Option<&'a str>,
    /// The maintained branch, short or full.
    pub(crate) target_branch: &'a str,
    /// Where upstream's repository is; none where a remote of the fork says it.
    pub(crate) upstream_url: Option<&'a str>,
}

/// The flow `patch-stack`: one step `carry`, for every `upstream.release`.
///
/// Its `[config]` has the keys that a file would have, and goes through the same checks
/// ([`super::PatchStackConfig::from_config`]). `root` is the workspace's.
pub(crate) fn built_in(stack: BuiltIn<'_>, root: &Path) -> Flow {
    let keys = [
        ("repo", stack.repo),
        ("target_branch", Some(stack.target_branch)),
        ("upstream_repo_url", stack.upstream_url),
    ];
    let config: Table = keys
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), Value::String(value?.to_owned()))))
        .collect();
    let step = Step {
        name: "carry".to_owned(),
        runner: Runner::PatchStack,
        script: None,
        command: Vec::new(),
        timeout: TIMEOUT,
        cwd: None,
        trigger: Some(Trigger { kind: UPSTREAM_RELEASE.to_owned(), schema: None }),
        enabled: true,
        env: Vec::new(),
    };
    // Folders and URLs differ between machines, and the ledger compares this digest across them.
    let digest = Digest::of(format!("patch-stack\0{VERSION}\0{}", stack.target_branch).as_bytes());
    let manifest = Manifest {
        name: BUILT_IN.to_owned(),
        version: VERSION.into(),
        description: Some(DESCRIPTION.to_owned()),
        config,
        skills: Vec::new(),
        steps: vec![step],
        checks: Vec::new(),
        warnings: Vec::new(),
    };
    Flow {
        folder: manifest.name.clone(),
        manifest: Ok(manifest),
        origin: Origin::BuiltIn,
        root: root.to_owned(),
        digest: Some(digest),
        standing: Standing::BuiltIn,
        switched_off: SwitchedOff::default(),
        notes: Vec::new(),
    }
}

/// The same flow as the text of a flow.toml, for releases of `upstream` only: the schema beside it says so.
pub(crate) fn built_in_file(stack: BuiltIn<'_>, upstream: &RepoName) -> String {
    let quoted = |text: &str| Value::String(text.to_owned()).to_string();
    let keys = [
        ("repo", stack.repo),
        ("target_branch", Some(stack.target_branch)),
        ("upstream_repo_url", stack.upstream_url),
    ];
    let line = |(key, value): (&str, Option<&str>)| Some(format!("{key} = {}\n", quoted(value?)));
    let config: String = keys.into_iter().filter_map(line).collect();
    format!(
        "# Carries {branch} to the releases of {upstream}.\n\
         # After an edit, `patch-moi init` pins it anew in .codex/pack-lock.json.\n\
         name = {name}\nversion = {VERSION}\ndescription = {description}\n\n\
         [config]\n{config}\n\
         [[steps]]\nname = \"carry\"\nrunner = \"patch-stack\"\ntimeout_ms = {timeout}\n\n\
         [steps.trigger]\ntype = {kind}\nschema = {schema}\n",
        branch = stack.target_branch,
        name = quoted(BUILT_IN),
        description = quoted(DESCRIPTION),
        timeout = TIMEOUT.as_millis(),
        kind = quoted(UPSTREAM_RELEASE),
        schema = quoted(BUILT_IN_SCHEMA),
    )
}

/// The schema that lets through what happens in `upstream`, and nothing else.
pub(crate) fn built_in_schema(upstream: &RepoName) -> String {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["repo"],
        // codex-flows knows `enum` and not `const`.
        "properties": { "repo": { "enum": [upstream] } }
    });
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RelPath;

    #[test]
    fn the_file_says_what_the_built_in_flow_says() {
        for stack in [
            BuiltIn { repo: None, target_branch: "main", upstream_url: None },
            BuiltIn {
                repo: Some("https://example.org/a/\"b\".git"),
                target_branch: "feature/é'x",
                upstream_url: Some("file:///srv/a b"),
            },
        ] {
            let text = built_in_file(stack, &"acme/engine".parse().unwrap());
            let mut written = Manifest::parse(&text, Path::new("flow.toml")).unwrap();
            let trigger = written.steps[0].trigger.as_mut().unwrap();
            let schema: RelPath = trigger.schema.take().unwrap();
            assert_eq!(schema.as_str(), BUILT_IN_SCHEMA);
            assert_eq!(written, built_in(stack, Path::new("/")).manifest.unwrap(), "{text}");
        }
    }
}
