//! Scripts of the runner `bun`: what can run one on this machine.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a script cannot be run here and now.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum ScriptError {
    /// It exports a handler instead of printing a result.
    #[error("the script {} is written in module style, and this version runs raw scripts only", .0.display())]
    ModuleStyle(PathBuf),
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
        match self {
            Self::ModuleStyle(_) => {
                "read the context from stdin and print one line `FLOW_RESULT {..}` instead of exporting a handler"
            }
            Self::NeedsBun(_) | Self::NoInterpreter(_) => "install bun, or put its directory on PATH",
        }
        .to_owned()
    }
}

/// The program that runs `script`, whose text is `source`: `bun` where `path`, a PATH, has it, else
/// `node` for plain JavaScript.
///
/// # Errors
/// Where it is written in module style, or neither program will do.
pub(crate) fn interpreter(script: &Path, source: &str, path: &str) -> Result<PathBuf, ScriptError> {
    if is_module_style(source) {
        return Err(ScriptError::ModuleStyle(script.to_owned()));
    }
    if let Some(bun) = on_path("bun", path) {
        return Ok(bun);
    }
    let is_plain = script.extension().is_some_and(|extension| extension == "js" || extension == "mjs");
    if !is_plain {
        return Err(ScriptError::NeedsBun(script.to_owned()));
    }
    on_path("node", path).ok_or_else(|| ScriptError::NoInterpreter(script.to_owned()))
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

/// Whether the text has `export default`, `as default` or `defineBunFlow(`: codex-flows calls such a
/// script's default export, and does not care whether the words stand in a comment.
fn is_module_style(source: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_space = |c: char| c.is_whitespace() || c == '\u{feff}';
    let exports = source.match_indices("default").any(|(at, word)| {
        let (before, after) = (&source[..at], &source[at + word.len()..]);
        let trimmed = before.trim_end_matches(is_space);
        let keyword = ["export", "as"].iter().find_map(|keyword| trimmed.strip_suffix(keyword));
        trimmed.len() < before.len()
            && !after.starts_with(is_word)
            && keyword.is_some_and(|before| !before.ends_with(is_word))
    });
    exports
        || source.match_indices("defineBunFlow").any(|(at, word)| {
            let after = source[at + word.len()..].trim_start_matches(is_space);
            !source[..at].ends_with(is_word) && after.starts_with('(')
        })
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
    fn module_style_is_known_by_the_words_of_the_old_system() {
        for (source, module) in [
            ("export default async (context) => {}", true),
            ("export {\n  handler as\n\tdefault\n}", true),
            ("defineBunFlow  (x)", true),
            ("// export default is enough in a comment", true),
            ("export defaults", false),
            ("reexport default", false),
            ("exportdefault", false),
            ("switch (x) { default: }", false),
            ("defineBunFlowX(1); myDefineBunFlow; _defineBunFlow(1)", false),
            ("export const a = 1", false),
        ] {
            assert_eq!(is_module_style(source), module, "{source}");
        }
    }

    #[test]
    fn a_script_that_nothing_here_can_run_says_what_is_missing() {
        let (_folder, path) = path(&["node"], &["bun"]);
        let file = Path::new("/flow/a.ts");
        assert_eq!(interpreter(file, "", &path), Err(ScriptError::NeedsBun(file.to_owned())));
        let file = Path::new("/flow/a.js");
        assert_eq!(interpreter(file, "", "relative:"), Err(ScriptError::NoInterpreter(file.to_owned())));
    }

    #[test]
    fn bun_is_preferred_and_node_runs_plain_javascript() {
        let (folder, path) = path(&["bun", "node"], &[]);
        assert_eq!(interpreter(Path::new("a.js"), "", &path), Ok(folder.path().join("bun")));
        let (folder, path) = self::path(&["node"], &[]);
        assert_eq!(interpreter(Path::new("a.mjs"), "", &path), Ok(folder.path().join("node")));
    }
}
