//! A child to be, and its run from start to end.
#![expect(clippy::disallowed_methods, reason = "the one place that starts children")]

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::capture::{Capture, Lines};
use super::env::Env;
use super::group::{Group, Leader};
use super::{Output, ProcessError, Stream};

/// How many bytes of each stream are kept unless the caller says otherwise.
const OUTPUT_LIMIT: usize = 16 * 1024 * 1024;

/// How long a child is given to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// The same where this process was asked to end: whoever cancels a workflow waits for seven seconds, in which
/// what has happened is also written down.
pub(super) const INTERRUPTED_GRACE: Duration = Duration::from_secs(3);

/// How long a grandchild may hold the pipes of a child that has ended by itself.
const DRAIN: Duration = Duration::from_secs(2);

/// The same where the group was killed: only who left the group can still hold them.
const KILLED_DRAIN: Duration = Duration::from_millis(300);

/// How soon a running child is told about an interruption.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// Whether this process was asked to end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ends every running child and lets no other start: for whoever hears a signal to end. A child has a group
/// of its own, so neither a terminal's Ctrl-C nor a cancelled workflow reaches it otherwise.
pub(crate) fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// Whether this process was asked to end: what failed since then may have failed because of it.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// A child to be: program, arguments, directory, environment, input, limits.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    program: OsString,
    args: Vec<OsString>,
    cwd: Option<PathBuf>,
    env: Env,
    stdin: Option<Vec<u8>>,
    timeout: Option<Duration>,
    /// How long it has to end after it was asked to, before it is killed.
    pub(super) grace: Duration,
    output_limit: usize,
    pub(super) interrupted: &'static AtomicBool,
}

impl Command {
    /// A child with no argument, no environment, no input and no time limit.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            cwd: None,
            env: Env::empty(),
            stdin: None,
            timeout: None,
            grace: GRACE,
            output_limit: OUTPUT_LIMIT,
            interrupted: &INTERRUPTED,
        }
    }

    /// One more argument.
    #[must_use]
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// The directory it runs in.
    #[must_use]
    pub(crate) fn cwd(mut self, dir: impl AsRef<Path>) -> Self {
        self.cwd = Some(dir.as_ref().to_owned());
        self
    }

    /// Its whole environment. The program is looked up on the `PATH` in it.
    #[must_use]
    pub(crate) fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// What it reads. Without this it reads nothing.
    #[must_use]
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// How long it may run.
    #[must_use]
    pub(crate) const fn timeout(mut self, limit: Option<Duration>) -> Self {
        self.timeout = limit;
        self
    }

    /// How many bytes of each stream are kept. 16 MiB unless said otherwise.
    #[must_use]
    pub(crate) const fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// The same, in which no file may grow beyond so many bytes: whoever writes more is ended by a signal.
    #[must_use]
    pub(crate) fn file_limit(mut self, bytes: u64) -> Self {
        // ulimit counts in blocks of 512 bytes: POSIX, XCU 2.14.
        let script = format!("ulimit -f {} && exec \"$@\"", bytes.div_ceil(512));
        let before = ["-c".into(), script.into(), "sh".into(), self.program];
        self.args = before.into_iter().chain(self.args).collect();
        self.program = "/bin/sh".into();
        self
    }

    /// The program, as it was named.
    pub(crate) fn program(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// Starts it and sees it through to its end.
    ///
    /// # Errors
    /// Where it cannot be started or waited for, or was interrupted. How it ended is not an error.
    pub(crate) fn run(self) -> Result<Output, ProcessError> {
        self.run_streaming(&mut |_, _| {})
    }

    /// Starts it and sees it through to its end, and hands on each line (without its end, at most 16 KiB of
    /// it at once) as it comes.
    ///
    /// # Errors
    /// Where it cannot be started or waited for, or was interrupted. How it ended is not an error.
    pub(crate) fn run_streaming(
        self,
        on_line: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Output, ProcessError> {
        self.run_heard(&mut EachLine(on_line))
    }

    /// As [`Command::run_streaming`], for who also wants to know when nothing more is there to be read for now.
    ///
    /// # Errors
    /// Where it cannot be started or waited for, or was interrupted. How it ended is not an error.
    pub(crate) fn run_heard(mut self, listener: &mut dyn Listener) -> Result<Output, ProcessError> {
        let program = self.program();
        let stdin = self.stdin.take();
        let started = Instant::now();
        let (mut leader, news) = self.launch(if stdin.is_some() { Stdio::piped() } else { Stdio::null() })?;
        let group = leader.group();
        if let (Some(mut pipe), Some(bytes)) = (leader.pipes().stdin.take(), stdin) {
            // A child that does not read to the end of its input is not wrong.
            std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        }

        let mut watch = Watch::new(&self, group, started);
        watch.follow(&news, listener);
        let duration = started.elapsed();
        let status =
            leader.end().map_err(|source| ProcessError::Wait { program: program.clone(), source })?;
        if watch.interrupted {
            return Err(ProcessError::Interrupted { program });
        }
        let [stdout, stderr] = watch.captures.map(Capture::finish);
        Ok(Output { program, status, stdout, stderr, timed_out: watch.timed_out, duration })
    }

    /// Starts it, with threads that tell what it says and that it has ended.
    pub(super) fn launch(&self, stdin: Stdio) -> Result<(Leader, Receiver<News>), ProcessError> {
        let mut leader = self.start(stdin)?;
        let group = leader.group();
        let (sender, news) = sync_channel(16);
        let pipes = leader.pipes();
        let (stdout, stderr) = (pipes.stdout.take(), pipes.stderr.take());
        relay(stdout, Stream::Stdout, sender.clone());
        relay(stderr, Stream::Stderr, sender.clone());
        std::thread::spawn(move || {
            group.wait_for_leader();
            let _ = sender.send(News::Ended);
        });
        Ok((leader, news))
    }

    fn start(&self, stdin: Stdio) -> Result<Leader, ProcessError> {
        if self.interrupted.load(Ordering::SeqCst) {
            return Err(ProcessError::Interrupted { program: self.program() });
        }
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env.iter());
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0);
        if let Some(dir) = &self.cwd {
            command.current_dir(dir);
        }
        command.spawn().map(Leader::new).map_err(|source| self.not_started(source))
    }

    fn not_started(&self, source: std::io::Error) -> ProcessError {
        let program = self.program();
        match &self.cwd {
            Some(dir) if !dir.is_dir() => ProcessError::NoDirectory { program, dir: dir.clone() },
            _ if source.kind() == ErrorKind::NotFound => ProcessError::NotFound { program },
            _ => ProcessError::Start { program, source },
        }
    }
}

/// Who hears what a child says, as it comes.
pub(crate) trait Listener {
    /// One line, without its end, at most 16 KiB of it at once.
    fn line(&mut self, stream: Stream, line: &[u8]);

    /// There is nothing more to be heard for now.
    fn pause(&mut self) {}
}

/// Who hears nothing but lines.
struct EachLine<'a>(&'a mut dyn FnMut(Stream, &[u8]));

impl Listener for EachLine<'_> {
    fn line(&mut self, stream: Stream, line: &[u8]) {
        (self.0)(stream, line);
    }
}

/// What the threads around a child have to say.
pub(super) enum News {
    Bytes(Stream, Vec<u8>),
    Closed(Stream),
    Ended,
}

/// Reads a pipe to its end on a thread of its own. Where nobody listens any more, the thread ends with the
/// pipe.
fn relay(pipe: Option<impl Read + Send + 'static>, stream: Stream, sender: SyncSender<News>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        let Some(mut pipe) = pipe else {
            let _ = sender.send(News::Closed(stream));
            return;
        };
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    if sender.send(News::Bytes(stream, buffer[..count].to_vec())).is_err() {
                        return;
                    }
                }
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let _ = sender.send(News::Closed(stream));
    });
}

/// A running child seen from outside: what it wrote, and when patience ends.
struct Watch {
    group: Group,
    grace: Duration,
    captures: [Capture; 2],
    lines: [Lines; 2],
    /// What patience ends with next, and when.
    next: Option<(Instant, Patience)>,
    timed_out: bool,
    /// Raised by whoever wants every child to end.
    interrupt: &'static AtomicBool,
    interrupted: bool,
    ended: bool,
    open: u8,
}

/// What happens when patience ends.
enum Patience {
    /// The time limit is reached: ask the group to end.
    Terminate,
    /// It was asked and did not: kill it.
    Kill,
    /// The child has ended, and something holds its pipes open: read no more.
    StopReading,
}

impl Watch {
    fn new(command: &Command, group: Group, started: Instant) -> Self {
        Self {
            group,
            grace: command.grace,
            captures: [Capture::new(command.output_limit), Capture::new(command.output_limit)],
            lines: [Lines::default(), Lines::default()],
            next: command.timeout.map(|limit| (started + limit, Patience::Terminate)),
            timed_out: false,
            interrupt: command.interrupted,
            interrupted: false,
            ended: false,
            open: 2,
        }
    }

    /// Listens until the child has ended and its pipes are closed, or patience ends.
    fn follow(&mut self, news: &Receiver<News>, listener: &mut dyn Listener) {
        while !self.ended || self.open > 0 {
            let left = self.next.as_ref().map(|(at, _)| at.saturating_duration_since(Instant::now()));
            let heard = news.recv_timeout(left.map_or(TICK, |left| left.min(TICK)));
            match heard {
                Ok(News::Bytes(stream, bytes)) => {
                    self.captures[stream as usize].push(&bytes);
                    self.lines[stream as usize].push(&bytes, &mut |line| listener.line(stream, line));
                    listener.pause();
                }
                Ok(News::Closed(_)) => self.open -= 1,
                Ok(News::Ended) => self.has_ended(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if !self.keeps_listening() {
                break;
            }
        }
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.lines[stream as usize].flush(&mut |line| listener.line(stream, line));
        }
        listener.pause();
    }

    /// The child has ended. What it started may still hold its pipes; where the group was asked to end, that gets no
    /// more time than the group was given.
    fn has_ended(&mut self) {
        self.ended = true;
        let is_asked = self.timed_out || self.interrupted;
        if !(is_asked && matches!(self.next, Some((_, Patience::Kill)))) {
            let drain = if is_asked { KILLED_DRAIN } else { DRAIN };
            self.next = Some((Instant::now() + drain, Patience::StopReading));
        }
    }

    /// Takes the measure that is due, if one is, and says whether there is still something to listen for.
    fn keeps_listening(&mut self) -> bool {
        if !self.interrupted && self.interrupt.load(Ordering::SeqCst) {
            self.interrupted = true;
            self.group.terminate();
            let grace = self.grace.min(INTERRUPTED_GRACE);
            self.next = Some((Instant::now() + grace, Patience::Kill));
            return !self.ended;
        }
        match self.next.take_if(|(at, _)| *at <= Instant::now()) {
            Some((_, Patience::Terminate)) => {
                self.timed_out = true;
                self.group.terminate();
                self.next = Some((Instant::now() + self.grace, Patience::Kill));
            }
            Some((_, Patience::Kill)) => {
                self.group.kill();
                self.next = Some((Instant::now() + KILLED_DRAIN, Patience::StopReading));
            }
            Some((_, Patience::StopReading)) => return !self.ended,
            None => {}
        }
        true
    }
}
