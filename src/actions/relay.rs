//! Somebody else's lines in our log, without the power to command.

use std::fs::File;
use std::io::{Read, Write};

use super::ActionsError;
use super::commands::plain;

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

/// A stretch of the log in which GitHub's runner obeys no command.
///
/// The runner stops at `::stop-commands::TOKEN` and goes on at `::TOKEN::`, which only who knows
/// the token can write. Until [`Relay::end`] our own commands are not obeyed either.
pub(crate) struct Relay<'a> {
    out: &'a mut dyn Write,
    nonce: Nonce,
    open: bool,
}

impl<'a> Relay<'a> {
    /// Begins the stretch; `out` stands at the beginning of a line.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub(crate) fn begin(out: &'a mut dyn Write, nonce: Nonce) -> std::io::Result<Self> {
        writeln!(out, "::stop-commands::{}", nonce.as_str())?;
        Ok(Self { out, nonce, open: true })
    }

    /// Writes one line, without terminal escapes and control characters. The old form of commands, `##[..]`,
    /// is known anywhere in a line, so it is broken up.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub(crate) fn line(&mut self, line: &[u8]) -> std::io::Result<()> {
        let text = plain(&String::from_utf8_lossy(line));
        let harmless = text.replace("##[", "##\\[").replace('\n', " ").replace(self.nonce.as_str(), "***");
        writeln!(self.out, "{harmless}")
    }

    /// Ends the stretch.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub(crate) fn end(mut self) -> std::io::Result<()> {
        self.close()
    }

    fn close(&mut self) -> std::io::Result<()> {
        self.open = false;
        writeln!(self.out, "::{}::", self.nonce.as_str())
    }
}

impl Drop for Relay<'_> {
    fn drop(&mut self) {
        if self.open {
            // A log that cannot be written has no commands to obey.
            let _ = self.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relayed_line_commands_nothing() {
        let mut log = Vec::new();
        let nonce = Nonce::new([0xab; 16]);
        let mut relay = Relay::begin(&mut log, nonce.clone()).unwrap();
        let resume = format!("::{}::", nonce.as_str());
        let hostile: [&[u8]; 4] =
            [b"::set-output name=tag::x", b"ok ##[add-mask]e", b"\x1b[1mbold\x1b[0m \xff", resume.as_bytes()];
        for line in hostile {
            relay.line(line).unwrap();
        }
        relay.end().unwrap();

        let token = "ab".repeat(16);
        let expected = [
            format!("::stop-commands::{token}"),
            "::set-output name=tag::x".to_owned(),
            "ok ##\\[add-mask]e".to_owned(),
            "bold \u{fffd}".to_owned(),
            "::***::".to_owned(),
            format!("::{token}::\n"),
        ];
        assert_eq!(String::from_utf8(log).unwrap(), expected.join("\n"));
    }

    #[test]
    fn commands_are_obeyed_again_whatever_happens() {
        let mut log = Vec::new();
        drop(Relay::begin(&mut log, Nonce::new([1; 16])).unwrap());
        assert!(String::from_utf8(log).unwrap().ends_with(&format!("::{}::\n", "01".repeat(16))));
    }

    #[test]
    fn two_nonces_differ() {
        assert!(Nonce::random().unwrap() != Nonce::random().unwrap());
    }
}
