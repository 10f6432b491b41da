//! A TOML table, read key by key: what is asked for is taken out, what is left is unknown.

use toml::{Table, Value};

use super::text::shown;

/// A key whose value has the wrong type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrongType {
    /// The key with the way to it, such as `steps[0].enabled`.
    pub(super) field: String,
    /// What belongs there.
    pub(super) expected: &'static str,
    /// What stands there.
    pub(super) found: &'static str,
}

/// The keys of one table that nobody has asked for yet.
pub(super) struct Fields {
    at: String,
    table: Table,
}

impl Fields {
    /// The table that stands at `at`: empty for the file itself, else such as `steps[0]`.
    pub(super) fn new(at: impl Into<String>, table: Table) -> Self {
        Self { at: at.into(), table }
    }

    /// `key` with the way to it.
    pub(super) fn field(&self, key: &str) -> String {
        if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) }
    }

    /// Takes the value of `key`, whatever its type.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.table.remove(key)
    }

    /// Takes a string.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, WrongType> {
        self.typed(key, "a string", |value| match value {
            Value::String(text) => Ok(text),
            other => Err(other),
        })
    }

    /// Takes a boolean.
    pub(super) fn boolean(&mut self, key: &str) -> Result<Option<bool>, WrongType> {
        self.typed(key, "true or false", |value| value.as_bool().ok_or(value))
    }

    /// Takes a list of strings.
    pub(super) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, WrongType> {
        self.typed(key, "a list of strings", |value| {
            let texts = value.as_array().and_then(|list| {
                list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            });
            texts.ok_or(value)
        })
    }

    fn typed<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        read: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<Option<T>, WrongType> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match read(value) {
            Ok(read) => Ok(Some(read)),
            Err(other) => Err(WrongType { field: self.field(key), expected, found: other.type_str() }),
        }
    }

    /// Says which keys nobody asked for, sorted.
    pub(super) fn unknown(self) -> impl Iterator<Item = String> {
        let Self { at, table } = self;
        table.into_iter().map(move |(key, _)| {
            let key = shown(&key);
            if at.is_empty() { key } else { format!("{at}.{key}") }
        })
    }
}
