//! A child that is spoken to line by line.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use super::capture::Lines;
use super::command::{Command, INTERRUPTED_GRACE, News, TICK};
use super::group::{Group, Leader};
use super::{ProcessError, Status, Stream};

/// The longest line of standard output that is taken whole, in bytes.
const LONGEST_LINE: usize = 32 * 1024 * 1024;

/// How many lines a child may leave unread before it counts as one that does not read.
const UNREAD: usize = 64;

/// How long a child that has ended is listened to when something else holds its pipes open, and how long one that can
/// say nothing more is given to end.
const LINGER: Duration = Duration::from_secs(1);

/// What a child was heard to say or do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A whole line of standard output, without its end.
    Line(Vec<u8>),
    /// A line of standard output that is too long to be kept, and how many bytes it has.
    TooLong(u64),
    /// A line of standard error, without its end, at most 16 KiB of it at once.
    Aside(Vec<u8>),
    /// It has ended or closed its standard output, and everything that it said was heard.
    Ended,
    /// Nothing, until the time was up.
    Silence,
}

/// A child that is running and spoken to. Dropped, it is killed with its group.
pub(crate) struct Dialogue {
    leader: Leader,
    group: Group,
    news: Receiver<News>,
    said: Option<SyncSender<Vec<u8>>>,
    grace: Duration,
    interrupt: &'static AtomicBool,
    program: String,
    out: LongLines,
    aside: Lines,
    heard: std::collections::VecDeque<Heard>,
    ended: Option<Instant>,
    /// Since when it can say nothing more, whether it has ended or not.
    silent: Option<Instant>,
    open: u8,
}

impl Dialogue {
    /// Starts `command`, whose own input and time limit do not count here.
    ///
    /// # Errors
    /// Where it cannot be started, or was interrupted.
    pub(crate) fn start(command: &Command) -> Result<Self, ProcessError> {
        let (mut leader, news) = command.launch(Stdio::piped())?;
        let (sender, lines) = sync_channel::<Vec<u8>>(UNREAD);
        if let Some(mut pipe) = leader.pipes().stdin.take() {
            std::thread::spawn(move || {
                for mut line in lines {
                    line.push(b'\n');
                    // That nobody reads any more is told by the child's end.
                    if pipe.write_all(&line).and_then(|()| pipe.flush()).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self {
            group: leader.group(),
            leader,
            news,
            said: Some(sender),
            grace: command.grace,
            interrupt: command.interrupted,
            program: command.program(),
            out: LongLines::new(LONGEST_LINE),
            aside: Lines::default(),
            heard: std::collections::VecDeque::new(),
            ended: None,
            silent: None,
            open: 2,
        })
    }

    /// Says a line, and whether there is any hope that it is read: not where the child has left too many unread.
    pub(crate) fn say(&self, line: Vec<u8>) -> bool {
        let Some(said) = &self.said else { return false };
        !matches!(said.try_send(line), Err(TrySendError::Full(_)))
    }

    /// Lets the child read to the end of its input.
    pub(crate) fn hang_up(&mut self) {
        self.said = None;
    }

    /// What comes next, at the latest at `until`.
    ///
    /// # Errors
    /// [`ProcessError::Interrupted`].
    pub(crate) fn hear(&mut self, until: Instant) -> Result<Heard, ProcessError> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Ok(heard);
            }
            if self.interrupt.load(Ordering::SeqCst) {
                return Err(ProcessError::Interrupted { program: self.program.clone() });
            }
            let now = Instant::now();
            let lingers = |since: Option<Instant>| since.is_some_and(|at| now >= at + LINGER);
            if (self.ended.is_some() && self.open == 0) || lingers(self.ended) || lingers(self.silent) {
                self.out.flush(&mut |heard| self.heard.push_back(heard));
                self.aside.flush(&mut |line| self.heard.push_back(Heard::Aside(line.to_vec())));
                return Ok(self.heard.pop_front().unwrap_or(Heard::Ended));
            }
            if now >= until {
                return Ok(Heard::Silence);
            }
            match self.news.recv_timeout(TICK.min(until - now)) {
                Ok(News::Bytes(Stream::Stdout, bytes)) => {
                    self.out.push(&bytes, &mut |heard| self.heard.push_back(heard));
                }
                Ok(News::Bytes(Stream::Stderr, bytes)) => {
                    self.aside.push(&bytes, &mut |line| self.heard.push_back(Heard::Aside(line.to_vec())));
                }
                Ok(News::Closed(stream)) => {
                    self.open -= 1;
                    if stream == Stream::Stdout {
                        self.silent = Some(Instant::now());
                    }
                }
                Ok(News::Ended) => self.ended = Some(Instant::now()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.open = 0,
            }
        }
    }

    /// Asks the whole group to end, kills what has not after the grace, and says how the child ended. Where this
    /// process was asked to end itself, the grace is shorter.
    ///
    /// # Errors
    /// Where the system lost it.
    pub(crate) fn end(mut self) -> Result<Status, ProcessError> {
        self.said = None;
        self.group.terminate();
        let asked = Instant::now();
        while self.ended.is_none() {
            let hurries = self.interrupt.load(Ordering::SeqCst);
            let grace = if hurries { self.grace.min(INTERRUPTED_GRACE) } else { self.grace };
            let left = grace.saturating_sub(asked.elapsed());
            match self.news.recv_timeout(left.min(TICK)) {
                Ok(News::Ended) => self.ended = Some(Instant::now()),
                // What it still says is read, so that it does not wait for a reader.
                Ok(News::Bytes(..) | News::Closed(_)) | Err(RecvTimeoutError::Timeout) if !left.is_zero() => {
                }
                _ => break,
            }
        }
        let program = self.program;
        self.leader.end().map_err(|source| ProcessError::Wait { program, source })
    }
}

impl std::fmt::Debug for Dialogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Dialogue").field(&self.program).finish()
    }
}

/// Cuts a stream into whole lines, and counts those that are too long instead of keeping them.
struct LongLines {
    open: Vec<u8>,
    limit: usize,
    /// How long the open line is by now, where it is too long.
    over: u64,
}

impl LongLines {
    const fn new(limit: usize) -> Self {
        Self { open: Vec::new(), limit, over: 0 }
    }

    fn push(&mut self, bytes: &[u8], on_line: &mut dyn FnMut(Heard)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, whole) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            if self.over > 0 {
                self.over += text.len() as u64;
            } else if self.open.len() + text.len() > self.limit {
                self.over = (self.open.len() + text.len()) as u64;
                self.open = Vec::new();
            } else {
                self.open.extend_from_slice(text);
            }
            if whole {
                self.finish(on_line);
            }
        }
    }

    fn flush(&mut self, on_line: &mut dyn FnMut(Heard)) {
        if self.over > 0 || !self.open.is_empty() {
            self.finish(on_line);
        }
    }

    fn finish(&mut self, on_line: &mut dyn FnMut(Heard)) {
        let mut line = std::mem::take(&mut self.open);
        match std::mem::take(&mut self.over) {
            0 => {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                on_line(Heard::Line(line));
            }
            over => on_line(Heard::TooLong(over)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Env;
    use super::*;

    /// Long enough that only a bug would wait for it.
    const LONG: Duration = Duration::from_secs(60);

    fn sh(script: &str) -> Command {
        let mut command =
            Command::new("/bin/sh").arg("-c").arg(script).env(Env::empty().with("PATH", "/usr/bin:/bin"));
        command.grace = Duration::from_millis(1500);
        command
    }

    fn start(script: &str) -> Dialogue {
        Dialogue::start(&sh(script)).unwrap()
    }

    fn hear(dialogue: &mut Dialogue) -> Heard {
        dialogue.hear(Instant::now() + LONG).unwrap()
    }

    fn line(text: &str) -> Heard {
        Heard::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn the_end_of_a_child_is_heard_at_once_and_after_everything_that_it_said() {
        let before = Instant::now();
        let mut dialogue = start("sleep 60 & printf last; exit 3");
        assert_eq!(hear(&mut dialogue), line("last"));
        assert_eq!(hear(&mut dialogue), Heard::Ended);
        assert_eq!(dialogue.end().unwrap(), Status::Exited(3));
        assert!(before.elapsed() < LONG);
    }

    #[test]
    fn a_child_that_can_say_nothing_more_is_not_waited_for() {
        let before = Instant::now();
        let mut dialogue = start("echo last; exec >&-; sleep 600");
        assert_eq!(hear(&mut dialogue), line("last"));
        assert_eq!(hear(&mut dialogue), Heard::Ended);
        assert_eq!(dialogue.end().unwrap(), Status::Signalled(15));
        assert!(before.elapsed() < LONG);
    }

    #[test]
    fn a_child_that_does_not_read_is_found_out_and_does_not_block() {
        let dialogue = start("exec sleep 60");
        let line = vec![b'x'; 100_000];
        assert!((0..UNREAD * 2 + 2).any(|_| !dialogue.say(line.clone())));
    }

    #[test]
    fn a_child_that_ignores_the_request_to_end_is_killed() {
        let mut dialogue = start("trap '' TERM; echo ready; sleep 60 & while :; do wait; sleep 60; done");
        assert_eq!(hear(&mut dialogue), line("ready"));
        assert_eq!(dialogue.end().unwrap(), Status::Signalled(9));
    }

    #[test]
    fn a_line_beyond_the_limit_is_counted_and_the_next_one_is_heard() {
        let mut lines = LongLines::new(8);
        for size in 1..12 {
            let mut heard = Vec::new();
            for piece in b"12345678\n123456789\r\nshort\r\nrest".chunks(size) {
                lines.push(piece, &mut |one| heard.push(one));
            }
            lines.flush(&mut |one| heard.push(one));
            assert_eq!(heard, [line("12345678"), Heard::TooLong(10), line("short"), line("rest")], "{size}");
        }
    }

    #[test]
    fn silence_is_told_when_the_time_is_up() {
        let mut dialogue = start("exec sleep 60");
        assert_eq!(dialogue.hear(Instant::now()).unwrap(), Heard::Silence);
    }

    #[test]
    fn an_interruption_is_heard() {
        static STOP: AtomicBool = AtomicBool::new(false);
        let mut command = sh("echo ready; exec sleep 60");
        command.interrupted = &STOP;
        let mut dialogue = Dialogue::start(&command).unwrap();
        assert_eq!(hear(&mut dialogue), line("ready"));
        STOP.store(true, Ordering::SeqCst);
        assert!(matches!(dialogue.hear(Instant::now() + LONG), Err(ProcessError::Interrupted { .. })));
        assert_eq!(dialogue.end().unwrap(), Status::Signalled(15));
    }

    #[test]
    fn a_child_that_ignores_the_request_to_end_gets_less_time_where_everything_is_to_end() {
        static STOP: AtomicBool = AtomicBool::new(false);
        let mut command = sh("trap '' TERM; echo ready; while :; do sleep 60; done");
        (command.interrupted, command.grace) = (&STOP, LONG);
        let mut dialogue = Dialogue::start(&command).unwrap();
        assert_eq!(hear(&mut dialogue), line("ready"));
        let before = Instant::now();
        std::thread::spawn(|| STOP.store(true, Ordering::SeqCst));
        assert_eq!(dialogue.end().unwrap(), Status::Signalled(9));
        assert!(before.elapsed() < LONG / 2, "{:?}", before.elapsed());
    }

    #[test]
    fn what_is_said_is_read_and_answered() {
        let mut dialogue = start("while read x; do echo \"got $x\"; echo aside >&2; done");
        assert!(dialogue.say(b"one".to_vec()));
        let mut heard = [hear(&mut dialogue), hear(&mut dialogue)];
        heard.sort_by_key(|one| matches!(one, Heard::Aside(_)));
        assert_eq!(heard, [line("got one"), Heard::Aside(b"aside".to_vec())]);
        dialogue.hang_up();
        assert_eq!(hear(&mut dialogue), Heard::Ended);
    }
}
