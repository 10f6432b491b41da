//! Reads a JSON object field by field, so that every error names its field and every unknown key is
//! noticed.

use serde_json::{Map, Value};
use url::Url;

use crate::ids::is_this_machine;

/// A field that cannot be used, and why.
#[derive(Debug)]
pub(super) struct BadField {
    /// Where it is below the source, such as `repo.fullName`.
    pub(super) field: String,
    /// What is wrong and what is wanted.
    pub(super) why: String,
}

/// An object while it is read.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    prefix: String,
    asked: Vec<&'static str>,
}

/// The longest text that a field may hold, in bytes.
const MAX_TEXT: usize = 2_000;

impl<'a> Fields<'a> {
    /// Begins to read `value`, which stands at `at` (empty for the source itself).
    pub(super) fn of(value: &'a Value, at: &str) -> Result<Self, BadField> {
        let Some(object) = value.as_object() else {
            let field = if at.is_empty() { "the whole" } else { at };
            return Err(BadField {
                field: field.to_owned(),
                why: format!("is {}, not an object", kind(value)),
            });
        };
        let prefix = if at.is_empty() { String::new() } else { format!("{at}.") };
        Ok(Self { object, prefix, asked: Vec::new() })
    }

    /// The field as it is; a `null` is an absent field.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.push(key);
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, key: &'static str) -> Result<&'a str, BadField> {
        self.optional_text(key)?.ok_or_else(|| self.bad(key, "is missing"))
    }

    /// A text that may be absent, but not blank, over-long or with control characters.
    pub(super) fn optional_text(&mut self, key: &'static str) -> Result<Option<&'a str>, BadField> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| self.wrong_kind(key, value, "a text"))?;
        let why = match text {
            _ if text.trim().is_empty() => "is blank",
            _ if text.len() > MAX_TEXT => "is longer than 2,000 bytes",
            _ if text.chars().any(char::is_control) => "holds a control character",
            _ => return Ok(Some(text)),
        };
        Err(self.bad(key, why))
    }

    /// `true` or `false`, or absent.
    pub(super) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, BadField> {
        let Some(value) = self.value(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong_kind(key, value, "true or false"))
    }

    /// One of a few words, or absent.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, BadField> {
        let Some(text) = self.optional_text(key)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| Some(*value)).ok_or_else(|| {
            let known: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.bad(key, format!("is `{}`, which is none of {}", escaped(text), known.join(", ")))
        })
    }

    /// One of a few words that must be there.
    pub(super) fn needed_word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Result<T, BadField> {
        self.word(key, words)?.ok_or_else(|| self.bad(key, "is missing"))
    }

    /// An address that may be asked: `https:`, `file:`, and `http:` on this machine.
    pub(super) fn address(&mut self, key: &'static str) -> Result<Url, BadField> {
        let text = self.text(key)?;
        let url = Url::parse(text)
            .map_err(|error| self.bad(key, format!("`{}` is no address: {error}", escaped(text))))?;
        let why = match url.scheme() {
            _ if !url.username().is_empty() || url.password().is_some() => {
                "holds a user or password: a file that many can read is no place for it"
            }
            "https" => return Ok(url),
            "http" if is_this_machine(&url) => return Ok(url),
            "file" if text.starts_with("file:///") => return Ok(url),
            "file" => "is a file: address without a full path (file:///…)",
            "http" => {
                "is an http: address of another machine, which anybody on the way can forge; use https:"
            }
            _ => "is neither https: nor file:, nor http: on this machine",
        };
        Err(self.bad(key, why))
    }

    /// The field's place, for messages.
    pub(super) fn place(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Says that the field cannot be used.
    pub(super) fn bad(&self, key: &str, why: impl Into<String>) -> BadField {
        BadField { field: self.place(key), why: why.into() }
    }

    /// The places of keys that nobody has asked for.
    pub(super) fn unknown(&self) -> Vec<String> {
        let unknown = self.object.keys().filter(|key| !self.asked.contains(&key.as_str()));
        unknown.map(|key| self.place(&escaped(key))).collect()
    }

    fn wrong_kind(&self, key: &str, value: &Value, wanted: &str) -> BadField {
        self.bad(key, format!("is {}, not {wanted}", kind(value)))
    }
}

/// The start of a foreign text, fit to stand in a message: whatever a terminal would not simply show
/// is written as its number.
pub(super) fn escaped(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric();
    let shown = |c: char| if is_plain(c) { c.to_string() } else { c.escape_default().to_string() };
    text.chars().take(100).map(shown).collect()
}

/// What kind of JSON value it is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
