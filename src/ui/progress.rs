//! A sign of life on a terminal.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::ui::Ui;

/// Work that is done sooner is not worth a bar that flashes up.
const QUIET_FOR: Duration = Duration::from_secs(1);
/// How often the spinner turns.
const TURN: Duration = Duration::from_millis(120);

/// Work under way. Dropping it takes the bar away.
pub(crate) struct Progress<'ui> {
    ui: &'ui Ui,
    bar: Option<ProgressBar>,
}

impl<'ui> Progress<'ui> {
    pub(super) fn new(ui: &'ui Ui, bar: Option<ProgressBar>) -> Self {
        Self { ui, bar }
    }

    /// Says that `done` units are behind.
    pub(crate) fn at(&self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    /// Says how many units there are, once it is known.
    pub(crate) fn of(&self, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_style(counted());
            bar.set_length(total);
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.bar.is_some() {
            self.ui.end_progress();
        }
    }
}

/// The bar, drawn from the second second on.
pub(super) struct Shown {
    bar: ProgressBar,
    /// Dropped together with the bar, and then the thread that waits to draw it ends.
    _alive: Sender<()>,
}

impl Shown {
    pub(super) fn start(what: &str, of: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(of, ProgressDrawTarget::hidden());
        bar.set_style(if of.is_some() { counted() } else { ProgressStyle::default_spinner() });
        bar.set_message(what.to_owned());
        let (alive, ended) = mpsc::channel::<()>();
        let late = bar.clone();
        std::thread::spawn(move || {
            if ended.recv_timeout(QUIET_FOR) == Err(RecvTimeoutError::Timeout) && !late.is_finished() {
                late.set_draw_target(ProgressDrawTarget::stderr());
                late.enable_steady_tick(TURN);
            }
        });
        Self { bar, _alive: alive }
    }

    pub(super) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `⠋ carrying 12/240`
fn counted() -> ProgressStyle {
    let style = ProgressStyle::with_template("{spinner} {msg} {pos}/{len}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}
