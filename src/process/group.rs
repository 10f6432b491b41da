//! A started child as the leader of its process group.

use std::os::unix::process::ExitStatusExt;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::Status;

/// A started child that leads a process group. Dropped, it is killed with its group and reaped.
///
/// The group may be signalled as long as the leader is not reaped: until then nobody else can get its id.
#[derive(Debug)]
pub(super) struct Leader {
    child: std::process::Child,
    reaped: bool,
}

impl Leader {
    pub(super) const fn new(child: std::process::Child) -> Self {
        Self { child, reaped: false }
    }

    /// The child's pipes are taken from here.
    pub(super) const fn pipes(&mut self) -> &mut std::process::Child {
        &mut self.child
    }

    /// The group's id, for whoever signals it while this leader lives.
    pub(super) fn group(&self) -> Group {
        Group(Pid::from_child(&self.child))
    }

    /// Kills what is left of the group, and reaps the leader.
    pub(super) fn end(mut self) -> std::io::Result<Status> {
        self.group().kill();
        self.reaped = true;
        let status = self.child.wait()?;
        Ok(match (status.code(), status.signal()) {
            (Some(code), _) => Status::Exited(code),
            (None, signal) => Status::Signalled(signal.unwrap_or_default()),
        })
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if !self.reaped {
            self.group().kill();
            // Nobody is left to tell; a zombie would be all that is lost.
            let _ = self.child.wait();
        }
    }
}

/// A process group that can be signalled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(Pid);

impl Group {
    /// Asks every process of the group to end.
    pub(super) fn terminate(self) {
        self.signal(Signal::TERM);
    }

    /// Ends every process of the group.
    pub(super) fn kill(self) {
        self.signal(Signal::KILL);
    }

    fn signal(self, signal: Signal) {
        // A group that is already gone is what was wanted.
        let _ = kill_process_group(self.0, signal);
    }

    /// Blocks until the leader has ended, and leaves it to be reaped.
    pub(super) fn wait_for_leader(self) {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(self.0), ended) {}
    }
}
