//! Arguments, one handler a command.
