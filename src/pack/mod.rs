//! The lock, content hashes, and which flows are active.
