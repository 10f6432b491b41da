//! GitHub's runner: environment, workflow commands and files.
