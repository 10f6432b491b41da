//! The surroundings that GitHub's runner gives a step: its variables, its event, its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::action;
use crate::process::NETWORK;

/// What a step keeps of the machine, beside its way to the network: what every runner has too.
const MACHINE: [&str; 7] = ["PATH", "HOME", "USER", "TMPDIR", "LANG", "LANGUAGE", "TZ"];

/// What starts a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Its schedule.
    Schedule,
    /// A person.
    Dispatch,
}

impl Trigger {
    /// The event's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Dispatch => "workflow_dispatch",
        }
    }
}

/// A job that is being imitated.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// What started it.
    pub(crate) trigger: Trigger,
    /// The repository that has the workflow, as `owner/name`.
    pub(crate) repository: String,
    /// The branch that it runs on.
    pub(crate) branch: String,
    /// The commit.
    pub(crate) commit: String,
    /// The run's id.
    pub(crate) run_id: i64,
    /// The action's inputs.
    pub(crate) inputs: BTreeMap<String, String>,
    /// The folder that holds everything.
    pub(crate) folder: PathBuf,
}

impl Job {
    /// Where the repository is checked out, which is where the step starts.
    pub(crate) fn workspace(&self) -> PathBuf {
        let name = self.name();
        self.folder.join("work").join(name).join(name)
    }

    /// Where the step may leave what does not last.
    pub(crate) fn temp(&self) -> PathBuf {
        self.folder.join("work/_temp")
    }

    /// One of the files through which the step speaks to the runner.
    pub(crate) fn file(&self, kind: CommandFile) -> PathBuf {
        self.temp().join("_runner_file_commands").join(kind.file())
    }

    /// The event's file.
    pub(crate) fn event_file(&self) -> PathBuf {
        self.temp().join("_github_workflow/event.json")
    }

    /// Where the action itself would lie.
    pub(crate) fn action_path(&self) -> PathBuf {
        self.folder.join("work/_actions/patch-moi")
    }

    fn owner(&self) -> &str {
        self.repository.split('/').next().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }

    /// The whole environment of the step: what every runner gives, what action.yml gives, what the machine
    /// has, and nothing else.
    pub(crate) fn environment(&self, machine: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let kept = machine.iter().filter(|(name, _)| {
            MACHINE.contains(&name.as_str()) || NETWORK.contains(&name.as_str()) || name.starts_with("LC_")
        });
        let mut all: BTreeMap<String, String> =
            kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        all.extend(self.of_the_run().into_iter().map(|(name, value)| (name.to_owned(), value)));
        for kind in CommandFile::ALL {
            all.insert(kind.variable().to_owned(), text(&self.file(kind)));
        }
        let variables = action::variables(&self.inputs);
        all.extend(variables);
        all
    }

    fn of_the_run(&self) -> Vec<(&'static str, String)> {
        let server = "https://github.com";
        let git_ref = format!("refs/heads/{}", self.branch);
        let workflow = ".github/workflows/upstream-release.yml";
        let of_github = [
            ("GITHUB_ACTION", "__peezy-tech_patch-moi".to_owned()),
            ("GITHUB_ACTION_PATH", text(&self.action_path())),
            ("GITHUB_ACTION_REF", String::new()),
            ("GITHUB_ACTION_REPOSITORY", String::new()),
            ("GITHUB_ACTOR", self.owner().to_owned()),
            ("GITHUB_ACTOR_ID", "1".to_owned()),
            ("GITHUB_API_URL", "https://api.github.com".to_owned()),
            ("GITHUB_BASE_REF", String::new()),
            ("GITHUB_EVENT_NAME", self.trigger.name().to_owned()),
            ("GITHUB_EVENT_PATH", text(&self.event_file())),
            ("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql".to_owned()),
            ("GITHUB_HEAD_REF", String::new()),
            ("GITHUB_JOB", "run".to_owned()),
            ("GITHUB_REF", git_ref.clone()),
            ("GITHUB_REF_NAME", self.branch.clone()),
            ("GITHUB_REF_PROTECTED", "false".to_owned()),
            ("GITHUB_REF_TYPE", "branch".to_owned()),
            ("GITHUB_REPOSITORY", self.repository.clone()),
            ("GITHUB_REPOSITORY_ID", "1".to_owned()),
            ("GITHUB_REPOSITORY_OWNER", self.owner().to_owned()),
            ("GITHUB_REPOSITORY_OWNER_ID", "1".to_owned()),
            ("GITHUB_RETENTION_DAYS", "90".to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            ("GITHUB_RUN_ID", self.run_id.to_string()),
            ("GITHUB_RUN_NUMBER", "1".to_owned()),
            ("GITHUB_SERVER_URL", server.to_owned()),
            ("GITHUB_SHA", self.commit.clone()),
            ("GITHUB_TRIGGERING_ACTOR", self.owner().to_owned()),
            ("GITHUB_WORKFLOW", "Upstream release".to_owned()),
            ("GITHUB_WORKFLOW_REF", format!("{}/{workflow}@{git_ref}", self.repository)),
            ("GITHUB_WORKFLOW_SHA", self.commit.clone()),
            ("GITHUB_WORKSPACE", text(&self.workspace())),
        ];
        let (os, arch) = machine();
        let of_the_runner = [
            ("CI", "true".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("RUNNER_ARCH", arch.to_owned()),
            ("RUNNER_ENVIRONMENT", "github-hosted".to_owned()),
            ("RUNNER_NAME", "patch-moi local".to_owned()),
            ("RUNNER_OS", os.to_owned()),
            ("RUNNER_TEMP", text(&self.temp())),
            ("RUNNER_TOOL_CACHE", text(&self.folder.join("tool-cache"))),
            ("RUNNER_WORKSPACE", text(&self.folder.join("work").join(self.name()))),
        ];
        of_github.into_iter().chain(of_the_runner).collect()
    }

    /// What stands in GITHUB_EVENT_PATH.
    pub(crate) fn event(&self) -> Value {
        let url = format!("https://github.com/{}", self.repository);
        let account = json!({ "login": self.owner(), "id": 1, "type": "User", "site_admin": false });
        let repository = json!({
            "id": 1,
            "name": self.name(),
            "full_name": self.repository,
            "private": false,
            "fork": true,
            "owner": account,
            "html_url": url,
            "url": format!("https://api.github.com/repos/{}", self.repository),
            "clone_url": format!("{url}.git"),
            "default_branch": self.branch,
        });
        let workflow = ".github/workflows/upstream-release.yml";
        match self.trigger {
            Trigger::Schedule => {
                json!({ "repository": repository, "schedule": "37 5 * * *", "workflow": workflow })
            }
            Trigger::Dispatch => {
                let tag = self.inputs.get("tag").cloned().unwrap_or_default();
                json!({
                    "inputs": { "tag": tag },
                    "ref": format!("refs/heads/{}", self.branch),
                    "repository": repository,
                    "sender": account,
                    "workflow": workflow,
                })
            }
        }
    }
}

/// The files through which a step speaks to the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommandFile {
    /// GITHUB_OUTPUT.
    Output,
    /// GITHUB_ENV.
    Env,
    /// GITHUB_PATH.
    Path,
    /// GITHUB_STATE.
    State,
    /// GITHUB_STEP_SUMMARY.
    Summary,
}

impl CommandFile {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Output, Self::Env, Self::Path, Self::State, Self::Summary];

    /// The variable that names it.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Output => "GITHUB_OUTPUT",
            Self::Env => "GITHUB_ENV",
            Self::Path => "GITHUB_PATH",
            Self::State => "GITHUB_STATE",
            Self::Summary => "GITHUB_STEP_SUMMARY",
        }
    }

    /// What the runner calls it when it cannot read it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Env => "env",
            Self::Path => "path",
            Self::State => "state",
            Self::Summary => "step_summary",
        }
    }

    const fn file(self) -> &'static str {
        match self {
            Self::Output => "set_output",
            Self::Env => "set_env",
            Self::Path => "add_path",
            Self::State => "save_state",
            Self::Summary => "step_summary",
        }
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The machine in the runner's words.
fn machine() -> (&'static str, &'static str) {
    let os = if cfg!(target_os = "macos") { "macOS" } else { "Linux" };
    let arch = if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" };
    (os, arch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(trigger: Trigger) -> Job {
        Job {
            trigger,
            repository: "sample/fork".to_owned(),
            branch: "main".to_owned(),
            commit: "1".repeat(40),
            run_id: 7,
            inputs: [("tag".to_owned(), "v2".to_owned())].into(),
            folder: PathBuf::from("/x"),
        }
    }

    #[test]
    fn nothing_of_the_machine_comes_in_that_a_runner_would_not_have() {
        let machine = [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("GH_TOKEN", "t"),
            ("GITHUB_TOKEN", "t"),
            ("PATCH_MOI_TOKEN", "t"),
            ("INPUT_TAG", "x"),
            ("DATA_DIR", "/mine"),
            ("GIT_DIR", "/g"),
            ("GITHUB_STEP_SUMMARY", "/outer"),
        ];
        let machine = machine.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let found = job(Trigger::Schedule).environment(&machine);
        assert_eq!((found["PATH"].as_str(), found["LC_ALL"].as_str()), ("/bin", "C"));
        assert!(found["GITHUB_STEP_SUMMARY"].starts_with("/x/"));
        assert!(!found.contains_key("DATA_DIR") && !found.contains_key("GIT_DIR"));
        let is_odd = |name: &&String| name.contains("TOKEN") || name.starts_with("INPUT_");
        assert_eq!(found.keys().find(is_odd), None);
    }

    #[test]
    fn the_event_has_the_shape_that_github_gives_it() {
        let dispatch = job(Trigger::Dispatch).event();
        assert_eq!(
            (dispatch["inputs"]["tag"].as_str(), dispatch["ref"].as_str()),
            (Some("v2"), Some("refs/heads/main"))
        );
        let schedule = job(Trigger::Schedule).event();
        assert!(schedule["schedule"].is_string() && schedule.get("inputs").is_none());
        assert_eq!(schedule["repository"]["full_name"], "sample/fork");
    }
}
