//! `-v`: what happens inside, on standard error.

use std::io::{self, Write};
use std::sync::Arc;

use tracing::level_filters::LevelFilter;

use crate::ui::Ui;

/// Shows what the rooms trace, from `verbose` (how often `-v` was given) on. It goes through `ui`,
/// which keeps it apart from a progress bar and from what strangers put into it.
pub(super) fn start(ui: &Arc<Ui>, verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ui = Arc::clone(ui);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .with_writer(move || Lines { ui: Arc::clone(&ui), pending: Vec::new() })
        .finish();
    // It fails where there is one already, and only a second start in one process could do that.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// One event on its way to `ui`, written when it is dropped.
struct Lines {
    ui: Arc<Ui>,
    pending: Vec<u8>,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.pending);
        text.lines().for_each(|line| self.ui.note(line.trim_end()));
    }
}
