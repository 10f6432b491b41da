//! What must not be seen.

use std::fmt;

/// A token. It can be handed on and is never shown: neither `Debug` nor `Display` has it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The token in `text`, without white space around it; none where nothing is left, or where it
    /// holds what no token holds and a header could not carry.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_token = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
        is_token.then(|| Self(text.to_owned()))
    }

    /// The token itself, for the header that carries it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_and_is_not_shown() {
        for text in ["", " \n", "two words", "a\nb", "caf\u{e9}"] {
            assert_eq!(Secret::new(text), None, "{text:?}");
        }
        let token = Secret::new(" ghs_abc\n").unwrap();
        assert_eq!(token.expose(), "ghs_abc");
        assert!(!format!("{token:?}").contains("ghs"));
    }
}
