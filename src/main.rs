//! Wires, and knows nothing.

use std::process::ExitCode;

fn main() -> ExitCode {
    patch_moi::main()
}
