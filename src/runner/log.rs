//! The log of a check or step: the command, both streams in one, and how it ended.

use std::io::Write;

use crate::process::{Capture, Captured, Command, Listener, Output, ProcessError, Stream};

/// How many bytes of a log are kept: half of them its beginning, half its end.
pub(super) const LOG_LIMIT: usize = 4 * 1024 * 1024;

/// A log that is being written.
pub(super) struct Log(Capture);

impl Log {
    /// A log that begins with the command line.
    pub(super) fn new(command: &[String]) -> Self {
        let mut capture = Capture::new(LOG_LIMIT);
        capture.push(format!("$ {}\n", command.join(" ")).as_bytes());
        Self(capture)
    }

    /// Runs `command` to its end, and hands on each line as it comes, and as hostile as it comes.
    pub(super) fn follow(
        &mut self,
        command: Command,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Output, ProcessError> {
        command.run_streaming(&mut |_: Stream, line: &[u8]| {
            self.0.push(line);
            self.0.push(b"\n");
            on_line(&String::from_utf8_lossy(line));
        })
    }

    /// The log with `end` as its last line.
    pub(super) fn finish(mut self, end: &str) -> Captured {
        self.0.push(format!("[{end}]\n").as_bytes());
        self.0.finish()
    }
}

/// A log that is written while the child speaks. Where it cannot be written the child goes on: whoever made the
/// writer knows what went wrong with it.
pub(super) struct LiveLog<'a> {
    to: &'a mut dyn Write,
    on_line: &'a mut dyn FnMut(&str),
}

impl<'a> LiveLog<'a> {
    /// A log that begins with the command line, as it is shown.
    pub(super) fn new(shown: &str, to: &'a mut dyn Write, on_line: &'a mut dyn FnMut(&str)) -> Self {
        let mut log = Self { to, on_line };
        log.keep(&format!("$ {shown}"));
        log.pause();
        log
    }

    /// Runs `command` to its end, and hands on each line as it comes, and as hostile as it comes.
    pub(super) fn follow(&mut self, command: Command) -> Result<Output, ProcessError> {
        command.run_heard(self)
    }

    /// Writes `end` as its last line.
    pub(super) fn finish(mut self, end: &str) {
        self.keep(&format!("[{end}]"));
        self.pause();
    }

    fn keep(&mut self, line: &str) {
        let _ = writeln!(self.to, "{line}");
    }
}

impl Listener for LiveLog<'_> {
    fn line(&mut self, _: Stream, line: &[u8]) {
        let _ = self.to.write_all(line).and_then(|()| self.to.write_all(b"\n"));
        (self.on_line)(&String::from_utf8_lossy(line));
    }

    fn pause(&mut self) {
        let _ = self.to.flush();
    }
}
