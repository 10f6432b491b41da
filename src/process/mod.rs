//! The one way to start a child: group, timeout, environment, output.
