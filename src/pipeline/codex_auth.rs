//! The login of a Codex on a machine without memory: put in place before a step, taken away after it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Failure, Kind, Result};
use crate::git::Exclusion;
use crate::pack::Lock;
use crate::store::CodexHome;
use crate::workspace::Workspace;

/// Padding is left out by many who encode.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What became of the login.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Prepared {
    codex_home: String,
    auth_path: String,
    /// The variable that it came from, or `none`.
    source: &'static str,
    wrote: bool,
    /// What could bring the login where others read it.
    #[serde(skip)]
    pub(crate) warnings: Vec<String>,
}

impl Prepared {
    /// For people.
    pub(crate) fn text(&self) -> String {
        match self.wrote {
            true => format!("wrote {} from {}", self.auth_path, self.source),
            false => "no login is given: CODEX_AUTH_JSON_B64, CODEX_AUTH_JSON and OPENAI_API_KEY are not set"
                .to_owned(),
        }
    }
}

/// Writes `.codex/auth.json` from the first of CODEX_AUTH_JSON_B64, CODEX_AUTH_JSON and OPENAI_API_KEY that is set.
/// That none is set is no error.
///
/// # Errors
/// A value that is no JSON object, of which no error shows a part; a file that cannot be written.
pub(crate) fn prepare(workspace: &Workspace, variables: &BTreeMap<String, String>) -> Result<Prepared> {
    let home = CodexHome::open(workspace.codex())?;
    let login = login(variables)?;
    let source = login.as_ref().map_or("none", |(source, _)| source);
    if let Some((_, login)) = &login {
        home.write_auth(format!("{login:#}\n").as_bytes())?;
    }
    Ok(Prepared {
        codex_home: workspace.codex().display().to_string(),
        auth_path: home.auth().display().to_string(),
        source,
        wrote: login.is_some(),
        warnings: login.iter().filter_map(|_| exposed(&home.auth())).collect(),
    })
}

/// Why a commit would take the login along, where it would.
fn exposed(auth: &Path) -> Option<String> {
    let file = auth.display();
    match Exclusion::of(auth) {
        Exclusion::Out => None,
        Exclusion::NotIgnored => Some(format!(
            "git does not ignore {file}, and `git add` would take the login along: add `/.codex/auth.json` to .gitignore"
        )),
        Exclusion::Tracked => Some(format!(
            "git tracks {file}, and the next commit would take the login along: `git rm --cached` it, and add it to .gitignore"
        )),
    }
}

fn login(variables: &BTreeMap<String, String>) -> Result<Option<(&'static str, Value)>> {
    let value = |name: &str| variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    if let Some(encoded) = value("CODEX_AUTH_JSON_B64") {
        const NAME: &str = "CODEX_AUTH_JSON_B64";
        let encoded: String = encoded.split_whitespace().collect();
        let decoded = BASE64.decode(encoded.replace('-', "+").replace('_', "/"));
        // The reason would name a byte of the secret.
        let decoded = decoded.map_err(|_| unfit(NAME, "is not base64"))?;
        return object(NAME, &decoded).map(Some);
    }
    if let Some(text) = value("CODEX_AUTH_JSON") {
        return object("CODEX_AUTH_JSON", text.as_bytes()).map(Some);
    }
    Ok(value("OPENAI_API_KEY").map(|key| ("OPENAI_API_KEY", json!({ "OPENAI_API_KEY": key }))))
}

fn object(name: &'static str, text: &[u8]) -> Result<(&'static str, Value)> {
    match serde_json::from_slice::<Value>(text) {
        Ok(value) if value.is_object() => Ok((name, value)),
        Ok(_) => Err(unfit(name, "holds JSON, but no object")),
        Err(error) => {
            let place = format!("does not hold JSON (line {}, column {})", error.line(), error.column());
            Err(unfit(name, &place))
        }
    }
}

fn unfit(name: &str, what: &str) -> Failure {
    Failure::new(Kind::Failed, anyhow::anyhow!("{name} {what}")).hint(match name {
        "CODEX_AUTH_JSON_B64" => "set it to what `base64 -w0 ~/.codex/auth.json` prints",
        _ => "set it to the whole text of an auth.json",
    })
}

/// What was taken away.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cleaned {
    codex_home: String,
    removed: Vec<String>,
    #[serde(skip)]
    pub(crate) warnings: Vec<String>,
}

impl Cleaned {
    /// For people.
    pub(crate) fn text(&self) -> String {
        match self.removed.len() {
            0 => format!("nothing to remove in {}", self.codex_home),
            _ => self.removed.iter().map(|path| format!("removed {path}")).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// Takes away what a Codex leaves below `.codex`, the login first. What packs installed stays.
///
/// # Errors
/// What could not be taken away, after everything else was.
pub(crate) fn clean(workspace: &Workspace) -> Result<Cleaned> {
    let codex = workspace.codex();
    let home = CodexHome::open(codex.clone())?;
    let mut warnings = Vec::new();
    // A lock that cannot be read is no reason to leave a login behind.
    let installed = installed(workspace, &mut warnings).unwrap_or_else(|failure| {
        warnings.push(format!("what the lock names is not known: {}", failure.title()));
        Vec::new()
    });
    let cleaned = home.clean(&installed);
    let mut errors = cleaned.errors.into_iter().map(Failure::from);
    if let Some(first) = errors.next() {
        return Err(errors.fold(first, |first, other| first.because(other.title())));
    }
    Ok(Cleaned { codex_home: codex.display().to_string(), removed: cleaned.removed, warnings })
}

/// The folders of what packs installed, relative to `.codex`.
fn installed(workspace: &Workspace, warnings: &mut Vec<String>) -> Result<Vec<PathBuf>> {
    let Some((file, text)) = workspace.lock()? else { return Ok(Vec::new()) };
    let lock = Lock::parse(&text, &file)?;
    warnings.extend(lock.warnings);
    let below = |path: &str| Path::new(path).strip_prefix(".codex").ok().map(Path::to_owned);
    Ok(lock.items.iter().filter_map(|item| below(&item.destination_path)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<(&'static str, Value)>> {
        login(&variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn no_part_of_a_secret_stands_in_an_error() {
        for (name, value) in [
            ("CODEX_AUTH_JSON", "hunter2"),
            ("CODEX_AUTH_JSON", r#"{"a": hunter2}"#),
            ("CODEX_AUTH_JSON", r#""hunter2""#),
            ("CODEX_AUTH_JSON", r#"["hunter2"]"#),
            ("CODEX_AUTH_JSON_B64", "hunter2!"),
            ("CODEX_AUTH_JSON_B64", "aHVudGVyMg=="),
        ] {
            let failure = of(&[(name, value)]).unwrap_err();
            let said = format!("{} {:?} {:?}", failure.title(), failure.causes(), failure.advice());
            assert!(said.contains(name) && !said.contains("hunter2") && !said.contains('!'), "{said}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_counts() {
        let b64 = ("CODEX_AUTH_JSON_B64", "eyJhIjog\nMX0");
        let json = ("CODEX_AUTH_JSON", r#" {"b": 2} "#);
        let key = ("OPENAI_API_KEY", "k");
        assert_eq!(of(&[b64, json, key]).unwrap(), Some((b64.0, json!({"a": 1}))));
        assert_eq!(of(&[("CODEX_AUTH_JSON_B64", " "), json, key]).unwrap(), Some((json.0, json!({"b": 2}))));
        assert_eq!(of(&[key]).unwrap(), Some((key.0, json!({"OPENAI_API_KEY": "k"}))));
        assert_eq!(of(&[]).unwrap(), None);
    }
}
