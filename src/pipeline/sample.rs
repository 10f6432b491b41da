//! Stand-in.

use std::path::Path;

use crate::failure::Result;
use crate::git::Git;
use crate::harness::Conflict;

/// Stand-in.
pub(crate) fn make(_: &Git, _: &Path, _: Conflict) -> Result<()> {
    Ok(())
}
