//! `patch-moi schema`: what the files look like that patch-moi reads and writes.

use clap::{Args as ClapArgs, ValueEnum};
use serde_json::Value;

use super::App;
use crate::candidate::document_schema;
use crate::flow::{flow_schema, workspace_schema};
use crate::pack::lock_schema;
use crate::pipeline::doctor::doctor_schema;
use crate::pipeline::init::init_schema;
use crate::pipeline::pack::{pack_doctor_schema, pack_schema};
use crate::record::record_schema;
use crate::release::sources_schema;
use crate::report::{local_schema, publish_schema, resume_schema, run_schema, verify_schema};

const EXAMPLES: &str = "\
Examples:
  patch-moi schema flow > flow.schema.json
  patch-moi schema run

The same documents lie in docs/schemas of patch-moi's repository.
Writes nothing. Exits 0.";

/// Print the JSON schema of a file that patch-moi reads or writes
///
/// For an editor that completes and checks the file, and for a program that reads what patch-moi says.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Whose schema
    #[arg(value_name = "NAME")]
    of: Of,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// candidate.json of an artifact
    Candidate,
    /// record.json of an artifact
    Record,
    /// What `patch-moi run --json` prints
    Run,
    /// What `patch-moi local --json` prints
    Local,
    /// What `patch-moi resume --json` prints
    Resume,
    /// What `patch-moi publish --json` prints
    Publish,
    /// What `patch-moi verify --json` prints
    Verify,
    /// flow.toml, as JSON
    Flow,
    /// .codex/workspace.toml, as JSON
    Workspace,
    /// feed-sources.json
    FeedSources,
    /// pack-lock.json
    PackLock,
    /// What `patch-moi pack add|update|remove --json` prints
    Pack,
    /// What `patch-moi pack doctor --json` prints
    PackDoctor,
    /// What `patch-moi init --json` prints
    Init,
    /// What `patch-moi doctor --json` prints
    Doctor,
}

impl Of {
    fn schema(self) -> Value {
        match self {
            Self::Candidate => document_schema(),
            Self::Record => record_schema(),
            Self::Run => run_schema(),
            Self::Local => local_schema(),
            Self::Resume => resume_schema(),
            Self::Publish => publish_schema(),
            Self::Verify => verify_schema(),
            Self::Flow => flow_schema(),
            Self::Workspace => workspace_schema(),
            Self::FeedSources => sources_schema(),
            Self::PackLock => lock_schema(),
            Self::Pack => pack_schema(),
            Self::PackDoctor => pack_doctor_schema(),
            Self::Init => init_schema(),
            Self::Doctor => doctor_schema(),
        }
    }
}

pub(super) fn print(app: &App, args: &Args) {
    app.ui.json(&args.of.schema());
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::harness::{self, Conflict, Step};

    fn faults(of: Of, file: &Value) -> Vec<String> {
        let validator = jsonschema::validator_for(&of.schema()).unwrap();
        validator.iter_errors(file).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
    }

    #[test]
    fn every_schema_can_say_no() {
        for of in Of::value_variants() {
            assert_ne!(faults(*of, &json!([])), [""; 0], "{of:?}");
        }
    }

    #[test]
    fn the_files_of_the_sample_fit() {
        let mut seen = 0;
        for step in harness::sample(Conflict::With).steps(Path::new("/sample")) {
            let Step::File { path, content } = step else { continue };
            let (of, file) = match path.file_name().and_then(|name| name.to_str()) {
                Some("flow.toml") => (Of::Flow, toml::from_str(&content).unwrap()),
                Some("feed-sources.json") => (Of::FeedSources, serde_json::from_str(&content).unwrap()),
                _ => continue,
            };
            assert_eq!(faults(of, &file), [""; 0], "{}", path.display());
            seen += 1;
        }
        assert_eq!(seen, 2);
    }
}
