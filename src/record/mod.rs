//! What is written down about a run: runs, dispatches, attempts. Pure.
