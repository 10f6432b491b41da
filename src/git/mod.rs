//! Repositories (git2) and the git program; implements the engine's two ports.
