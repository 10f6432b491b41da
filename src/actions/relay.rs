//! Somebody else's lines in our log, without the power to command.

use std::cell::Cell;
use std::fs::File;
use std::io::Read;

use super::ActionsError;
use super::commands::{END_GROUP, group, plain};

/// How many bytes of somebody else's lines one stretch has at most: nobody reads more of a workflow's log.
const MOST: usize = 4 * 1024 * 1024;

/// Sixteen random bytes in hexadecimal: what nobody can guess beforehand.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Nonce(String);

impl Nonce {
    /// The nonce of these bytes.
    pub(crate) fn new(bytes: [u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    /// A new nonce from the system.
    ///
    /// # Errors
    /// Where the system has no `/dev/urandom`.
    pub(crate) fn random() -> Result<Self, ActionsError> {
        let path = "/dev/urandom";
        let mut bytes = [0; 16];
        File::open(path)
            .and_then(|mut file| file.read_exact(&mut bytes))
            .map_err(|source| ActionsError::NoRandom { path: path.into(), source })?;
        Ok(Self::new(bytes))
    }

    /// The digits.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A foldable stretch of the log in which GitHub's runner obeys no command.
///
/// The runner stops at `::stop-commands::TOKEN` and goes on at `::TOKEN::`, which only who knows
/// the token can write. Until this is dropped our own commands are not obeyed either.
pub(crate) struct Relay<'a> {
    out: &'a dyn Fn(&str),
    nonce: Nonce,
    /// How many bytes stand in the stretch.
    said: Cell<usize>,
    /// How many lines do not.
    left_out: Cell<u64>,
}

impl<'a> Relay<'a> {
    /// Begins the stretch under `title`. `out` writes a line of the log, always to the same stream.
    pub(crate) fn begin(title: &str, nonce: Nonce, out: &'a dyn Fn(&str)) -> Self {
        out(&group(title));
        out(&format!("::stop-commands::{}", nonce.as_str()));
        Self { out, nonce, said: Cell::new(0), left_out: Cell::new(0) }
    }

    /// Writes one line, without terminal escapes and control characters. The old form of commands, `##[..]`,
    /// is known anywhere in a line, so it is broken up. Beyond 4 MiB lines are counted and left out.
    pub(crate) fn line(&self, line: &str) {
        self.said.set(self.said.get().saturating_add(line.len() + 1));
        if self.said.get() > MOST {
            self.left_out.set(self.left_out.get() + 1);
            return;
        }
        let text = plain(line).replace("##[", "##\\[").replace('\n', " ");
        (self.out)(&text.replace(self.nonce.as_str(), "***"));
    }
}

impl Drop for Relay<'_> {
    fn drop(&mut self) {
        if self.left_out.get() > 0 {
            (self.out)(&format!(
                "[{} more lines are left out here; its log has the last ones]",
                self.left_out.get()
            ));
        }
        (self.out)(&format!("::{}::", self.nonce.as_str()));
        (self.out)(END_GROUP);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_relayed_line_commands_nothing() {
        let log = RefCell::new(Vec::new());
        let out = |line: &str| log.borrow_mut().push(line.to_owned());
        let token = "ab".repeat(16);
        let resume = format!("::{token}::");
        let relay = Relay::begin("check\n::endgroup::", Nonce::new([0xab; 16]), &out);
        for line in [
            "::set-output name=tag::x",
            "ok ##[add-mask]e",
            "\x1b[1mbold\x1b[0m \u{7}",
            "a\n::error::b",
            &resume,
        ] {
            relay.line(line);
        }
        drop(relay);

        let expected = [
            "::group::check%0A::endgroup::",
            &format!("::stop-commands::{token}"),
            "::set-output name=tag::x",
            "ok ##\\[add-mask]e",
            "bold ",
            "a ::error::b",
            "::***::",
            &format!("::{token}::"),
            "::endgroup::",
        ];
        assert_eq!(log.into_inner(), expected);
    }

    #[test]
    fn who_never_stops_talking_does_not_fill_the_log() {
        let bytes = Cell::new(0);
        let last = RefCell::new([String::new(), String::new(), String::new()]);
        let out = |line: &str| {
            bytes.set(bytes.get() + line.len());
            last.borrow_mut().rotate_left(1);
            last.borrow_mut()[2] = line.to_owned();
        };
        let relay = Relay::begin("step", Nonce::new([1; 16]), &out);
        (0..1000).for_each(|_| relay.line(&"x".repeat(8191)));
        drop(relay);
        assert!(bytes.get() < MOST + 1000, "{}", bytes.get());
        assert_eq!(last.borrow()[0], "[488 more lines are left out here; its log has the last ones]");
    }

    #[test]
    fn two_nonces_differ() {
        assert!(Nonce::random().unwrap() != Nonce::random().unwrap());
    }
}
