//! Real programs of others that a test runs, where this machine has them.

use std::io::Write as _;
use std::path::PathBuf;

/// The program `name` that the variable `PATCH_MOI_<NAME>` names, else the one on PATH. Where there is none, a notice is
/// shown, and the test that asked passes without having tested anything.
///
/// # Panics
/// Where the variable names what is no file: that is a mistake of whoever set it, and no machine without the tool.
#[track_caller]
pub(crate) fn real_tool(name: &str) -> Option<PathBuf> {
    let variable = format!("PATCH_MOI_{}", name.to_ascii_uppercase());
    if let Some(named) = std::env::var_os(&variable).filter(|named| !named.is_empty()).map(PathBuf::from) {
        assert!(named.is_file(), "{variable} names {}, and that is no file", named.display());
        return Some(named.canonicalize().unwrap());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        let caller = std::panic::Location::caller();
        // Not println!: that is shown of a failed test only.
        let notice = format!(
            "\nNOT TESTED: what needs a real {name} ({}:{}). {variable} names none, and none is on PATH; .ci/run installs \
             one and names it.\n",
            caller.file(),
            caller.line()
        );
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
    }
    found
}
