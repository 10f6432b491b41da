//! `doctor`: what keeps a fork from being looked after, and what mends it.
//!
//! `gather` looks at the world, `facts` is what it finds, and `checks` judges it: only the first touches
//! anything, and it writes nothing that stays.

mod checks;
mod facts;
mod gather;
mod text;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::context::Context;
use crate::failure::Kind;
use crate::ids::Secret;
use crate::report::Look;
use checks::{Check, Level};

/// What is asked of doctor.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What GitHub is asked with.
    pub(crate) token: Option<Secret>,
    /// GitHub's API.
    pub(crate) api: Url,
    /// GitHub's pages.
    pub(crate) server: String,
    /// Where the action's repository is.
    pub(crate) action_url: String,
}

/// What `patch-moi doctor --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "patch-moi doctor")]
pub(crate) struct Report {
    /// Always 1.
    schema_version: u32,
    /// The folder that was looked at.
    workspace: String,
    /// Whether nothing is wrong. A warning is no wrong.
    healthy: bool,
    /// The checks, in the order in which a run needs what they are about.
    checks: Vec<Check>,
}

/// Looks at everything and judges it. What cannot be found out is said, and stops nothing.
pub(crate) fn doctor(context: &Context<'_>, asked: &Asked) -> Report {
    let checks = checks::all(&gather::facts(context, asked));
    Report {
        schema_version: 1,
        workspace: context.workspace.root().display().to_string(),
        healthy: checks.iter().all(|check| check.level != Level::Wrong),
        checks,
    }
}

impl Report {
    /// How the program ends.
    pub(crate) const fn kind(&self) -> Kind {
        if self.healthy { Kind::Done } else { Kind::Failed }
    }

    /// For people.
    pub(crate) fn text(&self, look: &Look) -> String {
        text::text(self, look)
    }
}

/// The JSON schema of what `doctor --json` prints.
pub(crate) fn doctor_schema() -> Value {
    schema_for!(Report).to_value()
}
