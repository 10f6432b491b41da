//! Ctrl-C, a cancelled workflow, a closed terminal: what runs is ended, and then we end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Failure, Kind, Result};
use crate::process;

/// How long the work is given to end after its children were. A child has five seconds; GitHub's
/// runner asks a second time after seven and a half.
const GRACE: Duration = Duration::from_secs(7);

/// As large as the main thread's on common systems: trees are walked recursively.
const STACK: usize = 16 << 20;

/// Whether a signal has come.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether the program was asked to end, for work that waits for something else than a child.
pub(super) fn is_asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// What is said of a run that was asked to end.
pub(super) fn failure() -> Failure {
    Failure::new(Kind::Failed, anyhow::anyhow!("interrupted; nothing half-written is left"))
        .hint("run the same command again: it begins where the records say that it stands")
}

/// How the work has ended.
#[derive(Debug)]
pub(super) enum End {
    /// By itself.
    Done(Result<Kind>),
    /// By itself, after it was asked to end.
    Asked(Result<Kind>),
    /// It did not end in time, or was asked twice.
    Left,
}

enum Message {
    Signal,
    Done(Result<Kind>),
}

/// Does `work` and listens for signals meanwhile. The first ends every child and lets no other
/// start, so that the work fails where it next needs one; at the second we wait no longer.
pub(super) fn listen_during(work: impl FnOnce() -> Result<Kind> + Send + 'static) -> End {
    let (sender, messages) = mpsc::channel();
    let listens = listen(sender.clone());
    let worker = thread::Builder::new().name("work".to_owned()).stack_size(STACK).spawn(move || {
        // The panic's own message has been printed by then.
        let ended = catch_unwind(AssertUnwindSafe(work));
        let broken = |_| Err(Failure::new(Kind::Failed, anyhow::anyhow!("patch-moi itself is broken")));
        let _ = sender.send(Message::Done(ended.unwrap_or_else(broken)));
    });
    if let Err(error) = listens.and(worker.map(drop)) {
        let failure = Failure::new(Kind::Failed, error).context("the system gives no thread to work in");
        return End::Done(Err(failure));
    }
    match messages.recv() {
        Ok(Message::Done(done)) => End::Done(done),
        Ok(Message::Signal) | Err(_) => {
            ASKED.store(true, Ordering::SeqCst);
            process::interrupt();
            match messages.recv_timeout(GRACE) {
                Ok(Message::Done(done)) => End::Asked(done),
                Ok(Message::Signal) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    End::Left
                }
            }
        }
    }
}

fn listen(sender: Sender<Message>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let listener = move || {
        for _ in signals.forever() {
            if sender.send(Message::Signal).is_err() {
                break;
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(listener).map(drop)
}
