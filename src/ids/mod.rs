//! Names and ids, parsed once where they enter and trusted from then on.
//!
//! Everything here comes from outside: tags from a feed, refs from a remote, paths from an
//! artifact. A value of one of these types is safe to put into a git refspec, a file name or a
//! log line, because its constructor refused everything that is not.

mod machine;
mod names;
mod objects;
mod secret;

pub(crate) use machine::is_this_machine;
pub(crate) use names::{EventId, InvalidName, RefName, RelPath, RepoName, Slug, TagName};
pub(crate) use objects::{CommitId, Digest, InvalidId, ObjectId, TreeId};
pub(crate) use secret::Secret;
