//! `[config]` of a flow with a `patch-stack` step: which stack is carried, and how.
//!
//! The keys are those of the old fork flow, so that its flow.toml needs only another runner;
//! `repo`, `repo_env`, `upstream_url` and `squash` are shorter names for the same.

use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::Table;

use super::checks::is_env_name;
use super::fields::{Fields, WrongType};
use super::text::{shown, shown_path};
use crate::ids::RefName;

/// Keys of the old flows that mean nothing to a carry; they are accepted without a word.
const OLD_KEYS: [&str; 8] = [
    "package_name",
    "cargo_target_dir",
    "cargo_target_dir_env",
    "publish",
    "fetch",
    "push_remotes",
    "verify_commands",
    "fork_repo_full_name",
];

/// What a `patch-stack` step carries, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatchStackConfig {
    /// Where the fork's repository is: a folder or a URL. None where nothing names it.
    pub(crate) repo: Option<String>,
    /// The maintained branch, `refs/heads/<name>`.
    pub(crate) target_branch: Option<RefName>,
    /// The remote of the fork's checkout that is upstream, where no URL names it.
    pub(crate) upstream_remote: String,
    /// Where upstream's repository is.
    pub(crate) upstream_url: Option<String>,
    /// Upstream's branches whose history is upstream's and never a patch, `refs/heads/<name>` each.
    pub(crate) upstream_branches: Vec<RefName>,
    /// Whether a complete candidate becomes one commit.
    pub(crate) squash: bool,
    /// Whether the patches go on as one line without merges.
    pub(crate) flatten: bool,
    /// Who decides whether anything is pushed.
    pub(crate) push: Push,
    /// Who commits the carried patches, as it was written; None for the house default.
    pub(crate) committer: Option<String>,
    /// The message of the squashed commit; None for the house default.
    pub(crate) squash_message: Option<String>,
    /// Keys that have no effect, in words for a person.
    pub(crate) warnings: Vec<String>,
}

/// Who decides whether a candidate is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Push {
    /// The run's own policy.
    Policy,
    /// The flow: `push = false` wins over every policy.
    Never,
}

/// Why a `[config]` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ConfigError {
    /// A value has the wrong type.
    #[error("config.{key} must be {expected}, and is {found}: {}", shown_path(.file))]
    WrongType {
        /// The key.
        key: String,
        /// What belongs there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
        /// The manifest.
        file: PathBuf,
    },
    /// A value has the right type and cannot be used.
    #[error("{origin} cannot be `{value}`: {why}: {}", shown_path(.file))]
    Value {
        /// Where the value stands: `config.<key>` or an environment variable.
        origin: String,
        /// The value, escaped and cut.
        value: String,
        /// Why not.
        why: String,
        /// The manifest.
        file: PathBuf,
    },
    /// A key and its other name both stand there and disagree.
    #[error("config.{key} and config.{alias} are two names for one thing and disagree: {}", shown_path(.file))]
    Disagree {
        /// The key.
        key: &'static str,
        /// Its other name.
        alias: &'static str,
        /// The manifest.
        file: PathBuf,
    },
}

impl ConfigError {
    /// What to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::WrongType { key, expected, .. } => format!("write {expected} for `{key}` in [config]"),
            Self::Value { origin, .. } => format!("correct {origin}"),
            Self::Disagree { key, alias, .. } => format!("keep one of `{key}` and `{alias}` in [config]"),
        })
    }
}

impl PatchStackConfig {
    /// Reads `[config]` of the manifest at `file`, which is only named in messages.
    ///
    /// `env` answers what an environment variable holds: where `repo_env` or `target_branch_env`
    /// names one that is set and not blank, it wins over the value in the file.
    ///
    /// # Errors
    /// A key with a value of the wrong type or one that cannot be used. Blank strings count as
    /// absent, as they did in the old flow.
    pub(crate) fn from_config(
        config: &Table,
        file: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader { fields: Fields::new("", config.clone()), file, env };
        for key in OLD_KEYS {
            reader.fields.take(key);
        }
        let repo = reader.either_text("codex_repo", "repo")?;
        let repo_env = reader.either_text("codex_repo_env", "repo_env")?;
        let branch = reader.text("target_branch")?;
        let branch_env = reader.text("target_branch_env")?;
        let upstream_url = reader.upstream_url()?;
        let squash = reader.either("squash_patch_stack", "squash", Fields::boolean)?.unwrap_or(false);
        let flatten = reader.boolean("flatten")?.unwrap_or(false);
        let push = reader.boolean("push")?.unwrap_or(true);

        let repo = reader.overridden(repo.map(|(key, text)| (format!("config.{key}"), text)), repo_env)?;
        let branch = reader.overridden(
            branch.map(|text| ("config.target_branch".to_owned(), text)),
            branch_env.map(|name| ("target_branch_env", name)),
        )?;
        Ok(Self {
            repo: repo.map(|(origin, text)| reader.location(origin, text)).transpose()?,
            target_branch: branch.map(|(origin, text)| reader.branch(origin, &text)).transpose()?,
            upstream_remote: reader.remote()?,
            upstream_url,
            upstream_branches: reader.upstream_branches()?,
            squash,
            flatten,
            push: if push { Push::Policy } else { Push::Never },
            committer: reader.text("committer")?,
            squash_message: reader.squash_message()?,
            warnings: reader
                .fields
                .unknown()
                .map(|key| format!("config.{key} has no effect on a patch-stack step"))
                .collect(),
        })
    }
}

/// Where upstream's repository is by the `[config]` of a flow, whatever runs its steps. `file` is only named in
/// messages.
///
/// # Errors
/// A value of the wrong type or one that cannot be used.
pub(crate) fn upstream_url(config: &Table, file: &Path) -> Result<Option<String>, ConfigError> {
    Reader { fields: Fields::new("", config.clone()), file, env: &|_| None }.upstream_url()
}

struct Reader<'a> {
    fields: Fields,
    file: &'a Path,
    env: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn wrong(&self, wrong: WrongType) -> ConfigError {
        let WrongType { field, expected, found } = wrong;
        ConfigError::WrongType { key: field, expected, found, file: self.file.into() }
    }

    fn bad(&self, origin: String, value: &str, why: impl Into<String>) -> ConfigError {
        ConfigError::Value { origin, value: shown(value), why: why.into(), file: self.file.into() }
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, ConfigError> {
        let text = self.fields.text(key).map_err(|wrong| self.wrong(wrong))?;
        Ok(text.filter(|text| !text.trim().is_empty()))
    }

    fn upstream_url(&mut self) -> Result<Option<String>, ConfigError> {
        let named = self.either_text("upstream_repo_url", "upstream_url")?;
        named.map(|(key, text)| self.location(format!("config.{key}"), text)).transpose()
    }

    fn boolean(&mut self, key: &str) -> Result<Option<bool>, ConfigError> {
        self.fields.boolean(key).map_err(|wrong| self.wrong(wrong))
    }

    /// The text under one of two names, with the name it stood under.
    fn either_text(
        &mut self,
        key: &'static str,
        alias: &'static str,
    ) -> Result<Option<(&'static str, String)>, ConfigError> {
        let named = match (self.text(key)?, self.text(alias)?) {
            (Some(one), Some(other)) if one != other => {
                return Err(ConfigError::Disagree { key, alias, file: self.file.into() });
            }
            (Some(text), _) => Some((key, text)),
            (None, text) => text.map(|text| (alias, text)),
        };
        Ok(named)
    }

    fn either<T: PartialEq>(
        &mut self,
        key: &'static str,
        alias: &'static str,
        read: impl Fn(&mut Fields, &str) -> Result<Option<T>, WrongType>,
    ) -> Result<Option<T>, ConfigError> {
        let one = read(&mut self.fields, key).map_err(|wrong| self.wrong(wrong))?;
        let other = read(&mut self.fields, alias).map_err(|wrong| self.wrong(wrong))?;
        if one.is_some() && other.is_some() && one != other {
            return Err(ConfigError::Disagree { key, alias, file: self.file.into() });
        }
        Ok(one.or(other))
    }

    /// The value of the environment variable that `named` names, else `literal`; each with where it
    /// came from.
    fn overridden(
        &self,
        literal: Option<(String, String)>,
        named: Option<(&str, String)>,
    ) -> Result<Option<(String, String)>, ConfigError> {
        let Some((key, name)) = named else { return Ok(literal) };
        if !is_env_name(&name) {
            let why = "it is no name of an environment variable";
            return Err(self.bad(format!("config.{key}"), &name, why));
        }
        let set = (self.env)(&name).filter(|value| !value.trim().is_empty());
        Ok(set.map(|value| (format!("the environment variable {name}"), value.trim().to_owned())).or(literal))
    }

    /// A folder or URL that git cannot take for an option or for a helper program.
    fn location(&self, origin: String, text: String) -> Result<String, ConfigError> {
        let helper = text.split_once("::").is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        });
        let why = if text.starts_with('-') {
            "it begins with a dash"
        } else if text.chars().any(char::is_control) {
            "it holds a control character"
        } else if helper {
            "it names a remote helper (`name::address`)"
        } else {
            return Ok(text);
        };
        Err(self.bad(origin, &text, why))
    }

    fn branch(&self, origin: String, text: &str) -> Result<RefName, ConfigError> {
        let short = text.strip_prefix("refs/heads/").unwrap_or(text);
        if short.starts_with('-') {
            return Err(self.bad(origin, text, "it begins with a dash"));
        }
        RefName::join("refs/heads", short).map_err(|error| self.bad(origin, text, error.to_string()))
    }

    fn remote(&mut self) -> Result<String, ConfigError> {
        let name = self.text("upstream_remote")?.unwrap_or_else(|| "upstream".to_owned());
        match RefName::join("refs/remotes", &name) {
            Ok(_) if !name.starts_with('-') => Ok(name),
            _ => Err(self.bad("config.upstream_remote".into(), &name, "it is no name of a remote")),
        }
    }

    fn upstream_branches(&mut self) -> Result<Vec<RefName>, ConfigError> {
        let names = self.fields.texts("upstream_branches").map_err(|wrong| self.wrong(wrong))?;
        let names = names.unwrap_or_default();
        names.iter().map(|name| self.branch("config.upstream_branches".into(), name)).collect()
    }

    fn squash_message(&mut self) -> Result<Option<String>, ConfigError> {
        let text = self.text("squash_message")?;
        match &text {
            Some(message) if message.contains('\0') => {
                Err(self.bad("config.squash_message".into(), message, "it holds a NUL"))
            }
            _ => Ok(text),
        }
    }
}
