//! `[[checks]]`: commands that a complete candidate has to pass. Not part of the old format.

use std::path::Path;
use std::time::Duration;

use toml::Value;

use super::fields::Fields;
use super::manifest::duration;
use super::manifest_error::ManifestError;
use super::text::check_segment;

/// How long a check may take where it does not say: half an hour.
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(1_800_000);

/// One command that runs in a fresh checkout of a complete candidate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Check {
    /// Its name, unique in the flow without regard to case; safe as a file name.
    pub(crate) name: String,
    /// The program and its arguments; never empty, and no shell reads it.
    pub(crate) command: Vec<String>,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// Whether its failure keeps the candidate from being published.
    pub(crate) required: bool,
    /// Names of environment variables that it gets beside the ordinary ones.
    pub(crate) env: Vec<String>,
}

/// Reads every `[[checks]]` table.
pub(super) fn read(
    value: Option<Value>,
    file: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<Check>, ManifestError> {
    let entries = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(ManifestError::NotATable { field: "checks".into(), file: file.into() }),
    };
    let mut checks: Vec<Check> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let at = format!("checks[{index}]");
        let Value::Table(table) = entry else {
            return Err(ManifestError::NotATable { field: at, file: file.into() });
        };
        let check = read_one(Fields::new(at.as_str(), table), file, warnings)?;
        if checks.iter().any(|other| other.name.to_lowercase() == check.name.to_lowercase()) {
            let why = "a check before it has this name";
            return Err(ManifestError::value(format!("{at}.name"), &check.name, why, file));
        }
        checks.push(check);
    }
    Ok(checks)
}

fn read_one(mut fields: Fields, file: &Path, warnings: &mut Vec<String>) -> Result<Check, ManifestError> {
    let wrong = |wrong| ManifestError::wrong_type(wrong, file);
    let requires = |field| ManifestError::Requires { field, file: file.into() };

    let name = fields.text("name").map_err(wrong)?.ok_or_else(|| requires(fields.field("name")))?;
    check_segment(&name).map_err(|why| ManifestError::value(fields.field("name"), &name, why, file))?;
    let command = fields.texts("command").map_err(wrong)?.ok_or_else(|| requires(fields.field("command")))?;
    check_command(&command)
        .map_err(|why| ManifestError::value(fields.field("command"), &command.join(" "), why, file))?;
    let timeout = match fields.take("timeout_ms") {
        None => DEFAULT_TIMEOUT,
        Some(value) => duration(&value)
            .map_err(|why| ManifestError::value(fields.field("timeout_ms"), &value.to_string(), why, file))?,
    };
    let required = fields.boolean("required").map_err(wrong)?.unwrap_or(true);
    let env = fields.texts("env").map_err(wrong)?.unwrap_or_default();
    if let Some(bad) = env.iter().find(|name| !is_env_name(name)) {
        let why = "it is no name of an environment variable";
        return Err(ManifestError::value(fields.field("env"), bad, why, file));
    }
    warnings.extend(fields.unknown().map(|field| format!("unknown field `{field}` has no effect")));
    Ok(Check { name, command, timeout, required, env })
}

/// Says why a list cannot be a program with its arguments.
pub(super) fn check_command(command: &[String]) -> Result<(), &'static str> {
    if command.first().is_none_or(|program| program.trim().is_empty()) {
        return Err("it names no program");
    }
    if command.iter().any(|argument| argument.contains('\0')) {
        return Err("it holds a NUL");
    }
    Ok(())
}

/// Whether `name` can be an environment variable's name on every system.
pub(super) fn is_env_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 200
}
