//! stdout, stderr, colour, width, progress.
