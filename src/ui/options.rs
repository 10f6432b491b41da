//! What decides how the streams are used.

use crate::report::Look;

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ColorWhen {
    /// On a terminal that can, unless `NO_COLOR` forbids it.
    #[default]
    Auto,
    /// Whatever the stream is.
    Always,
    /// Never.
    Never,
}

/// Everything that decides how the streams are used, read from arguments and environment by `cli`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// `--color`.
    pub(crate) color: ColorWhen,
    /// `NO_COLOR`: any text but the empty one asks for no colour (<https://no-color.org>).
    pub(crate) no_color: Option<String>,
    /// `TERM`; `dumb` can do nothing but letters.
    pub(crate) term: Option<String>,
    /// The locale that decides about characters: the first that is set of `LC_ALL`, `LC_CTYPE`, `LANG`.
    pub(crate) locale: Option<String>,
    /// Whether standard output is a terminal.
    pub(crate) out_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub(crate) err_is_terminal: bool,
    /// How often `-v` was given.
    pub(crate) verbose: u8,
    /// `--quiet`: no notes, no progress.
    pub(crate) quiet: bool,
    /// `--json`.
    pub(crate) json: bool,
    /// The terminal's width in columns, where there is one.
    pub(crate) width: Option<usize>,
    /// Whether a CI system runs it: its log shows colours, and keeps every frame of a progress bar.
    pub(crate) ci: bool,
}

/// The width where no terminal says one. Logs and files are wide.
const WIDTH_OF_A_FILE: usize = 120;
/// A terminal narrower than this is treated as this wide: a table cannot be drawn in less.
const NARROWEST: usize = 40;

impl Options {
    /// Whether standard output, or what takes its place, may be coloured.
    pub(super) fn colours_out(&self) -> bool {
        self.colours(if self.json { self.err_is_terminal } else { self.out_is_terminal })
    }

    /// Whether standard error may be coloured.
    pub(super) fn colours_err(&self) -> bool {
        self.colours(self.err_is_terminal)
    }

    /// Whether a bar may be drawn on standard error.
    pub(super) fn shows_progress(&self) -> bool {
        self.err_is_terminal && !self.is_dumb() && !self.quiet && !self.ci
    }

    /// How reports should look.
    pub(super) fn look(&self) -> Look {
        let is_terminal = if self.json { self.err_is_terminal } else { self.out_is_terminal };
        let width = self.width.filter(|_| is_terminal).unwrap_or(WIDTH_OF_A_FILE);
        Look { width: width.max(NARROWEST), ascii: self.is_ascii(), verbose: self.verbose > 0 }
    }

    fn colours(&self, is_terminal: bool) -> bool {
        let forbidden = self.no_color.as_deref().is_some_and(|value| !value.is_empty());
        match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => (is_terminal || self.ci) && !forbidden && !self.is_dumb(),
        }
    }

    fn is_dumb(&self) -> bool {
        self.term.as_deref() == Some("dumb")
    }

    /// Only a locale that says so is ASCII. Where none is set the log is UTF-8 nowadays.
    fn is_ascii(&self) -> bool {
        let locale = self.locale.as_deref().unwrap_or_default();
        matches!(locale, "C" | "POSIX") || self.is_dumb()
    }
}
