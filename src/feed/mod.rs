//! Feeds and what they say.
