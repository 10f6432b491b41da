//! The checkout's own files: feed-sources.json, flows, the lock.
