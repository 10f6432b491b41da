//! A co-process: a child that is kept to talk to.

use std::io::{BufReader, BufWriter, Read};
use std::process::{ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::capture::{Capture, Captured};
use super::group::{Group, Leader};
use super::{ProcessError, Status};

/// A running co-process. Dropped, it is killed with everything it started.
///
/// Once its time limit is reached it is killed, which the reader sees as the end of its output.
/// Flush the writer before waiting for an answer, and do not write more than a pipe holds (64 KiB)
/// of questions whose answers nobody reads.
#[derive(Debug)]
pub(crate) struct Child {
    // First, so that a child that does not read is gone before the writer is flushed for the last time.
    rest: Rest,
    /// What the child reads; flush it before waiting for an answer.
    pub(crate) stdin: BufWriter<ChildStdin>,
    /// What the child writes.
    pub(crate) stdout: BufReader<ChildStdout>,
}

/// How a co-process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finished {
    /// How it ended.
    pub(crate) status: Status,
    /// What it wrote to standard error.
    pub(crate) stderr: Captured,
    /// Whether it was ended because its time was up.
    pub(crate) timed_out: bool,
}

#[derive(Debug)]
struct Rest {
    program: String,
    // Before the leader: the guard must have stopped signalling when the leader is reaped.
    guard: Guard,
    leader: Leader,
    grace: Duration,
    stderr: Arc<Mutex<Option<Capture>>>,
    closed: std::sync::mpsc::Receiver<()>,
}

impl Child {
    pub(super) fn new(
        program: String,
        mut leader: Leader,
        timeout: Option<Duration>,
        grace: Duration,
        limit: usize,
    ) -> Result<Self, ProcessError> {
        let guard = Guard::new(leader.group(), timeout);
        let pipes = leader.pipes();
        let taken = (pipes.stdin.take(), pipes.stdout.take(), pipes.stderr.take());
        let (Some(stdin), Some(stdout), Some(mut pipe)) = taken else {
            let source = std::io::Error::other("its pipes are missing");
            return Err(ProcessError::Start { program, source });
        };

        let stderr = Arc::new(Mutex::new(Some(Capture::new(limit))));
        let (done, closed) = channel();
        let kept = Arc::clone(&stderr);
        std::thread::spawn(move || {
            let mut buffer = [0; 8 * 1024];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                if let Some(capture) = kept.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                    capture.push(&buffer[..count]);
                }
            }
            let _ = done.send(());
        });
        let rest = Rest { program, guard, leader, grace, stderr, closed };
        Ok(Self { rest, stdin: BufWriter::new(stdin), stdout: BufReader::new(stdout) })
    }

    /// Closes the child's input, passes over what it still writes, and waits for its end: as long as the
    /// grace period, and then it is killed.
    ///
    /// # Errors
    /// Where the system lost it. How it ended is not an error.
    pub(crate) fn finish(self) -> Result<Finished, ProcessError> {
        let Self { rest, stdin, mut stdout } = self;
        // On threads of their own: a child that neither reads nor ends is killed below, and both end with it.
        std::thread::spawn(move || drop(stdin));
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));

        let group = rest.leader.group();
        let (sender, ended) = channel();
        std::thread::spawn(move || {
            group.wait_for_leader();
            let _ = sender.send(());
        });
        let until = Instant::now() + rest.grace;
        if ended.recv_timeout(rest.grace).is_err() {
            group.kill();
        }
        let _ = rest.closed.recv_timeout(until.saturating_duration_since(Instant::now()));
        let timed_out = rest.guard.stop();
        let program = rest.program;
        let status = rest.leader.end().map_err(|source| ProcessError::Wait { program, source })?;
        let stderr = rest.stderr.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Finished { status, stderr: stderr.map(Capture::finish).unwrap_or_default(), timed_out })
    }
}

/// Kills a group when its time is up, unless stopped before.
#[derive(Debug)]
struct Guard {
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    fired: Arc<AtomicBool>,
}

impl Guard {
    fn new(group: Group, timeout: Option<Duration>) -> Self {
        let fired = Arc::new(AtomicBool::new(false));
        let Some(limit) = timeout else {
            return Self { alive: None, thread: None, fired };
        };
        let (alive, stopped) = channel::<()>();
        let flag = Arc::clone(&fired);
        let thread = std::thread::spawn(move || {
            if stopped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                flag.store(true, Ordering::SeqCst);
                group.kill();
            }
        });
        Self { alive: Some(alive), thread: Some(thread), fired }
    }

    /// Signals nothing from now on, and says whether it has.
    fn stop(mut self) -> bool {
        self.halt();
        self.fired.load(Ordering::SeqCst)
    }

    fn halt(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.halt();
    }
}
