//! `.codex/workspace.toml`, the part about flows: which of them, and which of their steps, a workspace
//! switches off without an edit to what is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use thiserror::Error;
use toml::{Table, Value};

use super::Flow;
use super::fields::{Fields, WrongType};
use super::text::{NotToml, shown, shown_path};

/// What of a flow the workspace's own configuration switches off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SwitchedOff {
    /// The whole flow.
    pub(crate) flow: bool,
    /// Steps of it, by name.
    pub(crate) steps: BTreeSet<String>,
}

/// What `.codex/workspace.toml` says about flows. Other tables of the file are other readers'.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Switches {
    flows: BTreeMap<String, SwitchedOff>,
    named_steps: BTreeMap<String, BTreeSet<String>>,
    warnings: Vec<String>,
}

/// Why the file cannot be used. A run that went on would run what somebody switched off.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SwitchesError {
    /// The file is not TOML.
    #[error("{}:{}:{}: not valid TOML: {}", shown_path(.file), .at.line, .at.column, .at.message)]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Where, and what the parser found.
        at: NotToml,
    },
    /// A value has the wrong type.
    #[error("{field} must be {expected}, and is {found}: {}", shown_path(.file))]
    WrongType {
        /// The field, such as `flows.NAME.enabled`.
        field: String,
        /// What belongs there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
        /// The file.
        file: PathBuf,
    },
}

impl SwitchesError {
    /// What to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Syntax { at, .. } => format!("correct line {} of the file", at.line),
            Self::WrongType { field, expected, .. } => format!("write {expected} for `{field}`"),
        })
    }
}

impl Switches {
    /// Reads the text of the workspace.toml at `file`, which is only named in messages.
    ///
    /// # Errors
    /// Text that is not TOML, and a value of the wrong type below `flows`.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Self, SwitchesError> {
        let mut table = text
            .parse::<Table>()
            .map_err(|error| SwitchesError::Syntax { file: file.into(), at: NotToml::of(&error, text) })?;
        let mut this = Self::default();
        let reader = Reader { file };
        for (name, value) in reader.table("flows", table.remove("flows"))? {
            let at = format!("flows.{}", shown(&name));
            let mut fields = Fields::new(at.as_str(), reader.table(&at, Some(value))?);
            let mut off = SwitchedOff { flow: !reader.enabled(&mut fields)?, steps: BTreeSet::new() };
            for (step, value) in reader.table(&fields.field("steps"), fields.take("steps"))? {
                let at = format!("{at}.steps.{}", shown(&step));
                let mut fields = Fields::new(at.as_str(), reader.table(&at, Some(value))?);
                if !reader.enabled(&mut fields)? {
                    off.steps.insert(step.clone());
                }
                this.named_steps.entry(name.clone()).or_default().insert(step);
                this.warnings.extend(unknown(fields));
            }
            this.warnings.extend(unknown(fields));
            this.flows.insert(name, off);
        }
        Ok(this)
    }

    /// Switches off what the file names, and says what in it has no effect.
    pub(crate) fn apply(&self, flows: &mut [Flow]) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        for (name, off) in &self.flows {
            let mut of_name = flows.iter_mut().filter(|flow| flow.name() == name).peekable();
            if of_name.peek().is_none() {
                warnings.push(format!("`flows.{}` has no effect: no flow is called so", shown(name)));
                continue;
            }
            let mut steps: BTreeSet<String> = BTreeSet::new();
            for flow in of_name {
                let known = flow.manifest.iter().flat_map(|manifest| &manifest.steps);
                let known: BTreeSet<String> = known.map(|step| step.name.clone()).collect();
                flow.switched_off =
                    SwitchedOff { flow: off.flow, steps: off.steps.intersection(&known).cloned().collect() };
                steps.extend(known);
            }
            let unknown =
                self.named_steps.get(name).into_iter().flatten().filter(|step| !steps.contains(*step));
            warnings.extend(unknown.map(|step| {
                let (name, step) = (shown(name), shown(step));
                format!("`flows.{name}.steps.{step}` has no effect: the flow has no such step")
            }));
        }
        warnings.into_iter().map(|warning| format!(".codex/workspace.toml: {warning}")).collect()
    }
}

/// The line at the top of `.codex/workspace.toml` that switches a step off.
pub(crate) fn switching_off(flow: &str, step: &str) -> String {
    let key = |name: &str| {
        let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if bare { name.to_owned() } else { Value::String(name.to_owned()).to_string() }
    };
    format!("flows.{}.steps.{}.enabled = false", key(flow), key(step))
}

fn unknown(fields: Fields) -> Vec<String> {
    fields.unknown().map(|field| format!("unknown field `{field}` has no effect")).collect()
}

struct Reader<'a> {
    file: &'a Path,
}

impl Reader<'_> {
    fn table(&self, field: &str, value: Option<Value>) -> Result<Table, SwitchesError> {
        match value {
            None => Ok(Table::new()),
            Some(Value::Table(table)) => Ok(table),
            Some(other) => Err(SwitchesError::WrongType {
                field: field.to_owned(),
                expected: "a table",
                found: other.type_str(),
                file: self.file.into(),
            }),
        }
    }

    fn enabled(&self, fields: &mut Fields) -> Result<bool, SwitchesError> {
        let enabled = fields.boolean("enabled").map_err(|wrong| {
            let WrongType { field, expected, found } = wrong;
            SwitchesError::WrongType { field, expected, found, file: self.file.into() }
        })?;
        Ok(enabled.unwrap_or(true))
    }
}

/// `.codex/workspace.toml`, as far as patch-moi reads it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "workspace.toml")]
struct WorkspaceToml {
    /// What this workspace says about the flows that it has, by their names.
    flows: Option<BTreeMap<String, FlowSwitch>>,
    /// What this workspace says about its records.
    records: Option<Records>,
}

/// What this workspace says about its records.
#[derive(Serialize, JsonSchema)]
struct Records {
    /// How many runs state.json keeps, from 1 to 1,000,000; 5,000 where it is absent.
    #[schemars(range(min = 1, max = 1_000_000))]
    keep: Option<u32>,
}

/// What this workspace says about one flow.
#[derive(Serialize, JsonSchema)]
struct FlowSwitch {
    /// Whether any of its steps may run; true where it is absent.
    enabled: Option<bool>,
    /// What is said about single steps, by their names.
    steps: Option<BTreeMap<String, StepSwitch>>,
}

/// What this workspace says about one step.
#[derive(Serialize, JsonSchema)]
struct StepSwitch {
    /// Whether it may run; true where it is absent.
    enabled: Option<bool>,
}

/// The JSON schema of workspace.toml.
pub(crate) fn workspace_schema() -> serde_json::Value {
    schema_for!(WorkspaceToml).to_value()
}
