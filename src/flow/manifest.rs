//! flow.toml: what a flow is called, what makes it run, and what it does.
//!
//! The format is that of codex-flows, read more strictly where it used to drop
//! something silently, with four additions of our own: the runners `patch-stack` and `command`,
//! `steps.enabled`, `env`, and `[[checks]]`.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use toml::{Table, Value};

use super::checks::{self, Check, check_command, is_env_name};
use super::fields::Fields;
use super::manifest_error::ManifestError;
use super::text::{check_segment, shown};
use crate::ids::RelPath;

/// How long a step may take where it does not say: five minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(300_000);
/// The longest timeout: a runner of one's own stops a job after five days.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A flow.toml that can be used.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manifest {
    /// The flow's name; safe as one segment of a path.
    pub(crate) name: String,
    /// Its version, as the author counts.
    pub(crate) version: Number,
    /// What it does, in the author's words: not escaped.
    pub(crate) description: Option<String>,
    /// `[config]`, handed to the steps as it is.
    pub(crate) config: Table,
    /// `[guidance] skills`.
    pub(crate) skills: Vec<String>,
    /// What it does, in this order; at least one, with different names.
    pub(crate) steps: Vec<Step>,
    /// What a complete candidate has to pass.
    pub(crate) checks: Vec<Check>,
    /// What stands in the file and has no effect, in words for a person.
    pub(crate) warnings: Vec<String>,
}

/// One thing that a flow does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// Its name, unique in the flow.
    pub(crate) name: String,
    /// What runs it.
    pub(crate) runner: Runner,
    /// The script, relative to the flow's folder; there for `bun` and `code-mode`.
    pub(crate) script: Option<String>,
    /// The program and its arguments; not empty for `command`.
    pub(crate) command: Vec<String>,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// Where it runs, relative to the flow's folder, which it may leave (`../..`).
    pub(crate) cwd: Option<String>,
    /// What makes it run. Without one it never does.
    pub(crate) trigger: Option<Trigger>,
    /// Whether it may run at all.
    pub(crate) enabled: bool,
    /// Names of environment variables that it gets beside the ordinary ones: the flow's, then its own.
    pub(crate) env: Vec<String>,
}

/// The events that make a step run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trigger {
    /// The event's type, compared letter by letter.
    pub(crate) kind: String,
    /// The JSON schema that the payload has to meet, relative to the flow's folder.
    pub(crate) schema: Option<RelPath>,
}

/// What runs a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runner {
    /// The bun executable, with a script.
    Bun,
    /// Codex's Code Mode host, with a script.
    CodeMode,
    /// patch-moi itself: carries the patch stack that `[config]` names.
    PatchStack,
    /// Any program that speaks FLOW_RESULT.
    Command,
}

impl Runner {
    /// The runner's name in flow.toml and in every output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bun => "bun",
            Self::CodeMode => "code-mode",
            Self::PatchStack => "patch-stack",
            Self::Command => "command",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Bun, Self::CodeMode, Self::PatchStack, Self::Command].into_iter().find(|r| r.name() == name)
    }

    const fn needs_script(self) -> bool {
        matches!(self, Self::Bun | Self::CodeMode)
    }
}

impl Manifest {
    /// Reads the text of the flow.toml at `file`, which is only named in messages.
    ///
    /// # Errors
    /// The first thing that makes the flow unusable. What has no effect is a warning instead.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Self, ManifestError> {
        let table = text.parse::<Table>().map_err(|error| ManifestError::syntax(&error, text, file))?;
        let mut top = Fields::new("", table);
        let mut reader = Reader { file, warnings: Vec::new() };

        let name = reader.required(&mut top, "name")?;
        check_segment(&name).map_err(|why| ManifestError::value("name".into(), &name, why, file))?;
        let version = reader.version(&mut top)?;
        let description = reader.optional_text(&mut top, "description");
        let config = reader.optional_table(&mut top, "config");
        let skills = reader.skills(&mut top);
        let env = reader.env(&mut top)?;
        let steps = reader.steps(&mut top, &env)?;
        let checks = checks::read(top.take("checks"), file, &mut reader.warnings)?;
        reader.unknown(top);
        Ok(Self { name, version, description, config, skills, steps, checks, warnings: reader.warnings })
    }
}

/// What every part of the reading needs: the file to name, and a place for warnings.
struct Reader<'a> {
    file: &'a Path,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn required(&self, fields: &mut Fields, key: &str) -> Result<String, ManifestError> {
        match fields.take(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
            _ => Err(ManifestError::Requires { field: fields.field(key), file: self.file.into() }),
        }
    }

    /// JavaScript has one kind of number, so a whole float is written without its point.
    fn version(&self, top: &mut Fields) -> Result<Number, ManifestError> {
        let number = match top.take("version") {
            Some(Value::Integer(whole)) => Some(Number::from(whole)),
            Some(Value::Float(float)) if float.fract() == 0.0 && float.abs() < 9e15 => {
                Some(Number::from(float as i64))
            }
            Some(Value::Float(float)) => Number::from_f64(float),
            _ => None,
        };
        number.ok_or_else(|| ManifestError::Version { file: self.file.into() })
    }

    fn optional_text(&mut self, fields: &mut Fields, key: &str) -> Option<String> {
        match fields.take(key)? {
            Value::String(text) => Some(text),
            other => {
                self.ignored(&fields.field(key), "a string", &other);
                None
            }
        }
    }

    fn optional_table(&mut self, fields: &mut Fields, key: &str) -> Table {
        match fields.take(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                self.ignored(&fields.field(key), "a table", &other);
                Table::new()
            }
        }
    }

    fn skills(&mut self, top: &mut Fields) -> Vec<String> {
        let mut guidance = Fields::new("guidance", self.optional_table(top, "guidance"));
        let listed = match guidance.take("skills") {
            None => Vec::new(),
            Some(Value::Array(listed)) => listed,
            Some(other) => {
                self.ignored("guidance.skills", "a list of strings", &other);
                Vec::new()
            }
        };
        self.unknown(guidance);
        let mut skills = Vec::with_capacity(listed.len());
        for (index, skill) in listed.into_iter().enumerate() {
            match skill {
                Value::String(skill) => skills.push(skill),
                other => self.ignored(&format!("guidance.skills[{index}]"), "a string", &other),
            }
        }
        skills
    }

    fn steps(&mut self, top: &mut Fields, env: &[String]) -> Result<Vec<Step>, ManifestError> {
        let entries = match top.take("steps") {
            Some(Value::Array(entries)) if !entries.is_empty() => entries,
            _ => return Err(ManifestError::NoSteps { file: self.file.into() }),
        };
        let mut steps: Vec<Step> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            let at = format!("steps[{index}]");
            let Value::Table(table) = entry else {
                return Err(ManifestError::NotATable { field: at, file: self.file.into() });
            };
            let step = self.step(Fields::new(at.as_str(), table), env)?;
            if steps.iter().any(|other| other.name == step.name) {
                let why = "a step before it has this name, and both would have one run id";
                return Err(ManifestError::value(format!("{at}.name"), &step.name, why, self.file));
            }
            steps.push(step);
        }
        Ok(steps)
    }

    fn step(&mut self, mut fields: Fields, shared: &[String]) -> Result<Step, ManifestError> {
        let name = self.required(&mut fields, "name")?;
        if name.chars().any(char::is_control) || name.len() > 200 {
            let why = "it holds a control character or is longer than 200 bytes";
            return Err(ManifestError::value(fields.field("name"), &name, why, self.file));
        }
        let runner = self.runner(&mut fields)?;
        let script = self.script(&mut fields, runner)?;
        let command = self.command(&mut fields, runner)?;
        let timeout = self.timeout(&mut fields);
        let cwd = self.optional_text(&mut fields, "cwd");
        let trigger = self.trigger(&mut fields)?;
        let enabled =
            fields.boolean("enabled").map_err(|wrong| ManifestError::wrong_type(wrong, self.file))?;
        let mut env = shared.to_vec();
        env.extend(self.env(&mut fields)?.into_iter().filter(|name| !shared.contains(name)));
        self.unknown(fields);
        let enabled = enabled.unwrap_or(true);
        Ok(Step { name, runner, script, command, timeout, cwd, trigger, enabled, env })
    }

    fn env(&self, fields: &mut Fields) -> Result<Vec<String>, ManifestError> {
        let names = fields.texts("env").map_err(|wrong| ManifestError::wrong_type(wrong, self.file))?;
        let names = names.unwrap_or_default();
        match names.iter().find(|name| !is_env_name(name)) {
            None => Ok(names),
            Some(bad) => {
                let why = "it is no name of an environment variable";
                Err(ManifestError::value(fields.field("env"), bad, why, self.file))
            }
        }
    }

    fn runner(&self, fields: &mut Fields) -> Result<Runner, ManifestError> {
        let name = self.required(fields, "runner")?;
        Runner::of(&name).ok_or_else(|| ManifestError::Runner {
            field: fields.field("runner"),
            found: shown(&name),
            file: self.file.into(),
        })
    }

    fn script(&mut self, fields: &mut Fields, runner: Runner) -> Result<Option<String>, ManifestError> {
        if !runner.needs_script() {
            if fields.take("script").is_some() {
                self.no_effect(&fields.field("script"), runner);
            }
            return Ok(None);
        }
        let script = self.required(fields, "script")?;
        let inside = script.strip_prefix("./").unwrap_or(&script);
        if inside.parse::<RelPath>().is_err() {
            self.warnings.push(format!(
                "{} `{}` leaves the flow's folder, so the lock does not pin what runs",
                fields.field("script"),
                shown(&script)
            ));
        }
        Ok(Some(script))
    }

    fn command(&mut self, fields: &mut Fields, runner: Runner) -> Result<Vec<String>, ManifestError> {
        if runner != Runner::Command {
            if fields.take("command").is_some() {
                self.no_effect(&fields.field("command"), runner);
            }
            return Ok(Vec::new());
        }
        let field = fields.field("command");
        let command = fields.texts("command").map_err(|wrong| ManifestError::wrong_type(wrong, self.file))?;
        let command = command
            .ok_or_else(|| ManifestError::Requires { field: field.clone(), file: self.file.into() })?;
        check_command(&command)
            .map_err(|why| ManifestError::value(field, &command.join(" "), why, self.file))?;
        Ok(command)
    }

    /// A step's timeout is never an error: the old system took its default there.
    fn timeout(&mut self, fields: &mut Fields) -> Duration {
        let Some(value) = fields.take("timeout_ms") else { return DEFAULT_TIMEOUT };
        duration(&value).unwrap_or_else(|why| {
            let field = fields.field("timeout_ms");
            self.warnings.push(format!("{field} is not used: {why}; the step has 300,000 ms"));
            DEFAULT_TIMEOUT
        })
    }

    /// A schema that cannot be read as one is an error: without it the step would run more often
    /// than its author meant.
    fn trigger(&mut self, fields: &mut Fields) -> Result<Option<Trigger>, ManifestError> {
        let at = fields.field("trigger");
        let table = match fields.take("trigger") {
            None => return Ok(None),
            Some(Value::Table(table)) => table,
            Some(_) => return Err(ManifestError::NotATable { field: at, file: self.file.into() }),
        };
        let mut trigger = Fields::new(at, table);
        let kind = self.required(&mut trigger, "type")?;
        let text = trigger.text("schema").map_err(|wrong| ManifestError::wrong_type(wrong, self.file))?;
        let schema = text.map(|text| self.schema_path(&text, trigger.field("schema"))).transpose()?;
        self.unknown(trigger);
        Ok(Some(Trigger { kind, schema }))
    }

    fn schema_path(&self, text: &str, field: String) -> Result<RelPath, ManifestError> {
        let inside = text.strip_prefix("./").unwrap_or(text);
        let why = "it is no path that stays below the flow's folder";
        inside.parse().map_err(|_| ManifestError::value(field, text, why, self.file))
    }

    fn unknown(&mut self, fields: Fields) {
        self.warnings.extend(fields.unknown().map(|field| format!("unknown field `{field}` has no effect")));
    }

    fn ignored(&mut self, field: &str, expected: &str, found: &Value) {
        self.warnings
            .push(format!("{field} is not used: it should be {expected}, and is {}", found.type_str()));
    }

    fn no_effect(&mut self, field: &str, runner: Runner) {
        self.warnings.push(format!("{field} has no effect with runner `{}`", runner.name()));
    }
}

/// A number of milliseconds as a duration, or why it is none.
pub(super) fn duration(value: &Value) -> Result<Duration, &'static str> {
    let millis = match value {
        Value::Integer(whole) => *whole as f64,
        Value::Float(float) => *float,
        _ => return Err("it is no number of milliseconds"),
    };
    if !(millis >= 1.0 && millis <= LONGEST_TIMEOUT.as_millis() as f64) {
        return Err("it is not between one millisecond and 30 days");
    }
    Ok(Duration::from_millis(millis as u64))
}
