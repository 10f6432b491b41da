//! Steps with the runner `code-mode`: the host `codex` against an app server that keeps to a script and against a
//! real one, the host `local` in whatever runs JavaScript here.

mod clone;
mod codex;
mod local;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::steps::{log, the_run};
use crate::support::{Program, UPSTREAM, Workspace, write};

/// A workspace with the repository's own flow `demo`, whose only step `hello` runs this Code Mode script. `config`
/// stands in the flow's `[config]`, `step` among the step's keys.
fn with_code_mode(workspace: Workspace, config: &str, step: &str, script: &str) -> Workspace {
    let folder = workspace.path().join("flows/demo");
    write(
        &folder.join("flow.toml"),
        format!(
            "name = \"demo\"\nversion = 1\n\n[config]\n{config}\n\n[[steps]]\nname = \"hello\"\n\
             runner = \"code-mode\"\nscript = \"exec/hello.code-mode.js\"\n{step}\n\n\
             [steps.trigger]\ntype = \"upstream.release\"\n"
        ),
    );
    write(&folder.join("exec/hello.code-mode.js"), script);
    workspace
}

fn demo(step: &str, script: &str) -> Workspace {
    with_code_mode(Workspace::on_v1(), "", step, script)
}

/// A run of the event with the gate open.
fn run(workspace: &Workspace) -> Program {
    workspace.run_tag("v2").env("CODEX_FLOWS_ENABLE_CODE_MODE", "1")
}

/// The same by the local host.
fn run_locally(workspace: &Workspace) -> Program {
    run(workspace).env("CODEX_FLOWS_CODE_MODE_HOST", "local")
}

/// The repositories that steps worked in and that are still there.
fn clones(workspace: &Workspace) -> Vec<PathBuf> {
    let folder = workspace.path().join(".codex/workspace/actions/flow-repos");
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

/// Writes an executable.
fn program(path: &Path, text: &str) {
    write(path, text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The event that `run` carries, for a look at what a script was given.
fn event_id() -> String {
    format!("patch:upstream.release:{UPSTREAM}:v2")
}
