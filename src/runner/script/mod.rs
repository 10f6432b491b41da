//! Scripts of the runner `bun`: what can run one on this machine.

mod style;
mod tokens;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// What calls the handler of a script in module style. It is handed over as an argument: a file would have to be
/// cleared away, and stdin carries the context.
const MODULE_RUNNER: &str = include_str!("module_runner.mjs");

/// Why a script cannot be run here and now.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum ScriptError {
    /// There is no bun, and node cannot read it.
    #[error("`bun` is not on PATH, and {} is no plain JavaScript, which `node` could run", .0.display())]
    NeedsBun(PathBuf),
    /// There is neither.
    #[error("neither `bun` nor `node` is on PATH to run {}", .0.display())]
    NoInterpreter(PathBuf),
}

impl ScriptError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        "install bun, or put its directory on PATH".to_owned()
    }
}

/// Program and arguments that run `script`, whose text is `source`: with `bun` where `path`, a PATH, has it, else
/// with `node` (20.10 or newer) for plain JavaScript.
///
/// # Errors
/// Where neither program will do.
pub(crate) fn script_command(script: &Path, source: &str, path: &str) -> Result<Vec<String>, ScriptError> {
    let is_module = style::is_module(source);
    let mut command = Vec::new();
    if let Some(bun) = on_path("bun", path) {
        command.push(bun.display().to_string());
        if is_module {
            command.push("-e".to_owned());
        }
    } else {
        let ending = script.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if !matches!(ending, "js" | "mjs" | "cjs") {
            return Err(ScriptError::NeedsBun(script.to_owned()));
        }
        let node = on_path("node", path).ok_or_else(|| ScriptError::NoInterpreter(script.to_owned()))?;
        command.push(node.display().to_string());
        if ending == "js" {
            // Bun reads `import` and `export` in any script; node without this only where a package.json says so.
            command.push("--experimental-detect-module".to_owned());
        }
        if is_module {
            command.extend(["--input-type=module", "-e"].map(str::to_owned));
        }
    }
    if is_module {
        command.push(MODULE_RUNNER.to_owned());
    }
    command.push(script.display().to_string());
    Ok(command)
}

/// A command line for people.
pub(crate) fn shown(command: &[String]) -> String {
    let words = command.iter().map(|word| if word == MODULE_RUNNER { "[module runner]" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// The program `name` in the first folder of `path` that has it. A relative folder is passed over:
/// what stands there depends on where a step runs.
pub(super) fn on_path(name: &str, path: &str) -> Option<PathBuf> {
    let is_program = |file: &PathBuf| {
        file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(is_program)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make the programs that are looked for")]
mod tests {
    use super::*;

    /// A PATH of one folder with these programs in it; the second is not executable.
    fn path(programs: &[&str], plain_files: &[&str]) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        for (names, mode) in [(programs, 0o755), (plain_files, 0o644)] {
            for name in names {
                let file = folder.path().join(name);
                std::fs::write(&file, "").unwrap();
                std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            }
        }
        let path = folder.path().to_str().unwrap().to_owned();
        (folder, path)
    }

    #[test]
    fn a_script_that_nothing_here_can_run_says_what_is_missing() {
        let (_folder, path) = path(&["node"], &["bun"]);
        for name in ["/flow/a.ts", "/flow/a.jsx", "/flow/a"] {
            let file = Path::new(name);
            assert_eq!(script_command(file, "", &path), Err(ScriptError::NeedsBun(file.to_owned())));
        }
        let file = Path::new("/flow/a.js");
        assert_eq!(script_command(file, "", "relative:"), Err(ScriptError::NoInterpreter(file.to_owned())));
    }

    #[test]
    fn bun_is_preferred_and_node_runs_plain_javascript() {
        let command = |programs: &[&str], script: &str, source: &str| {
            let (folder, path) = path(programs, &[]);
            let command = script_command(Path::new(script), source, &path).unwrap();
            shown(&command).replace(&format!("{}/", folder.path().display()), "")
        };
        assert_eq!(command(&["bun", "node"], "a.js", ""), "bun a.js");
        assert_eq!(command(&["bun"], "a.ts", "export default f"), "bun -e [module runner] a.ts");
        assert_eq!(command(&["node"], "a.mjs", ""), "node a.mjs");
        assert_eq!(command(&["node"], "a.cjs", ""), "node a.cjs");
        assert_eq!(command(&["node"], "a.js", ""), "node --experimental-detect-module a.js");
        assert_eq!(
            command(&["node"], "a.mjs", "export default f"),
            "node --input-type=module -e [module runner] a.mjs"
        );
    }
}
