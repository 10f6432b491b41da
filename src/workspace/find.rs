//! Finding the workspace: the folder that holds `.codex`, `flows` and `feed-sources.json`.

use std::path::{Path, PathBuf};

use super::flows::{MANIFEST, child_folders};

/// The root that `cwd` belongs to, by what lies in it and in the folders above it.
///
/// In this order: the nearest folder with `.codex/workspace.toml`; the nearest with a `.codex`
/// folder or a `flows/*/flow.toml`; the root of the git work tree; `cwd` itself.
pub(super) fn root_for(cwd: &Path) -> PathBuf {
    let work_tree = cwd.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok());
    let is_inside = |folder: &Path| work_tree.map_or(folder == cwd, |root| folder.starts_with(root));
    let marked =
        cwd.ancestors().find(|folder| folder.join(".codex/workspace.toml").is_file()).or_else(|| {
            cwd.ancestors().find(|folder| holds_codex(folder, is_inside(folder)) || holds_flow(folder))
        });
    marked.or(work_tree).unwrap_or(cwd).to_owned()
}

/// Whether a `.codex` here makes a workspace. Codex itself keeps one in every user's home, so one that
/// is not `inside` the work tree counts only where it holds something that a workspace has.
fn holds_codex(folder: &Path, inside: bool) -> bool {
    let codex = folder.join(".codex");
    let of_a_workspace = ["pack-lock.json", "flows", "workspace"];
    codex.is_dir() && (inside || of_a_workspace.iter().any(|name| codex.join(name).exists()))
}

/// Whether a flow of its own makes this folder a workspace. A folder that cannot be read does not.
fn holds_flow(folder: &Path) -> bool {
    let children = child_folders(&folder.join("flows")).unwrap_or_default();
    children.iter().any(|child| child.join(MANIFEST).is_file())
}
