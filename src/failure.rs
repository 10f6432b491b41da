//! Every error to kind, causes, hints, exit code.
