//! Steps and checks as child processes.
