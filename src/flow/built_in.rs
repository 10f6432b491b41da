//! The flow that carries a stack where none is installed, so that a first try needs no file.

use std::path::Path;
use std::time::Duration;

use toml::{Table, Value};

use super::manifest::{Manifest, Runner, Step, Trigger};
use super::{Flow, Origin, Standing};
use crate::ids::Digest;

/// Raised when the built-in flow would carry a stack differently, so that settled releases are due again.
const VERSION: u32 = 1;

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
        timeout: Duration::from_secs(60 * 60),
        cwd: None,
        trigger: Some(Trigger { kind: "upstream.release".to_owned(), schema: None }),
        enabled: true,
    };
    // Folders and URLs differ between machines, and the ledger compares this digest across them.
    let digest = Digest::of(format!("patch-stack\0{VERSION}\0{}", stack.target_branch).as_bytes());
    let manifest = Manifest {
        name: "patch-stack".to_owned(),
        version: VERSION.into(),
        description: Some("Carry the fork's patch stack to an upstream release.".to_owned()),
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
        notes: Vec::new(),
    }
}
