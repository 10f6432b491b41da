//! A text that cannot become too long.

/// So many bytes are kept for what has to be said at the end: how much is missing, what was opened.
const RESERVE: usize = 2_000;

/// A text of at most so many bytes, and its last line.
pub(super) struct Page {
    text: String,
    last: String,
    limit: usize,
}

impl Page {
    /// An empty page of at most `limit` bytes that will end with `last`. That is shorter than the reserve.
    pub(super) fn new(limit: usize, last: String) -> Self {
        Self { text: String::new(), limit: limit.saturating_sub(last.len() + 2), last }
    }

    /// Adds `piece` where it fits before `end`, and says whether it did.
    pub(super) fn fits(&mut self, piece: &str, end: usize) -> bool {
        let end = end.min(self.limit.saturating_sub(RESERVE));
        let fits = self.text.len() + piece.len() <= end;
        if fits {
            self.text.push_str(piece);
        }
        fits
    }

    /// Adds `piece` as a whole, or says `instead`.
    pub(super) fn piece(&mut self, piece: &str, instead: &str) {
        if !self.fits(piece, self.limit) {
            self.paragraph(instead);
        }
    }

    /// Adds a paragraph, from the reserve where need be.
    pub(super) fn paragraph(&mut self, words: &str) {
        self.keep(&format!("{words}\n\n"));
    }

    /// Adds `piece`, from the reserve where need be. What does not even fit there is left out.
    pub(super) fn keep(&mut self, piece: &str) {
        if self.text.len() + piece.len() <= self.limit {
            self.text.push_str(piece);
        }
    }

    /// Adds as many whole lines of `text` as fit, and says so where some are missing.
    pub(super) fn lines(&mut self, text: &str) {
        for line in text.lines() {
            if !self.fits(&format!("{line}\n"), self.limit) {
                return self.paragraph("\nThe rest was too long for this page and was left out.");
            }
        }
    }

    /// The whole, with its last line.
    pub(super) fn finish(mut self) -> String {
        self.text.truncate(self.text.trim_end().len());
        if !self.last.is_empty() {
            self.text.push_str("\n\n");
            self.text.push_str(&self.last);
        }
        self.text
    }
}
