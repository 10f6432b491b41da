//! The engine: carries a patch stack to a release commit, inside the object database.

mod outcome;

pub(crate) use outcome::{
    Candidate, Carry, Conflict, ConflictKind, Counts, Culprit, LeftOut, Patch, Side, Verdict,
};
