//! Stories about flow.toml, its `[config]`, and what an event selects.

mod config;
mod manifest;
mod selection;
mod switches;

/// The fork flow of codex-flows as it was written, with our runner.
const FORK_FLOW: &str = r#"
name = "peezy-codex-fork"
version = 1
description = "Rebase the fork patch stack onto a canonical release."

[config]
package_name = "@peezy.tech/codex"
codex_repo_env = "PEEZY_CODEX_REPO"
codex_repo = "../codex"
target_branch_env = "PEEZY_CODEX_TARGET_BRANCH"
target_branch = "code-mode-exec-hooks"
upstream_remote = "upstream"
upstream_repo_url = "https://github.com/openai/codex.git"
cargo_target_dir_env = "PEEZY_CODEX_CARGO_TARGET_DIR"
cargo_target_dir = "/tmp/target"
squash_patch_stack = true
push = false
publish = false

[guidance]
skills = ["jojo-development-flow"]

[[steps]]
name = "rebase-patch-stack"
runner = "patch-stack"
timeout_ms = 3600000

[steps.trigger]
type = "upstream.release"
schema = "schemas/upstream-release.schema.json"

[[checks]]
name = "tests"
command = ["cargo", "test"]
env = ["CARGO_HOME"]
"#;
