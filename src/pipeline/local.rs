//! `patch-moi local`: the run that CI would make, in an imitation of GitHub's runner.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;
use walkdir::WalkDir;

use super::fork::located;
use crate::actions::imitation::{Job, Log, Shown, Told, Trigger, arguments, inputs};
use crate::candidate::Tool;
use crate::failure::{Failure, Kind, Result};
use crate::git::{Checkout, Git, NotAtRemote, RemoteUrl, Repository};
use crate::ids::{CommitId, RelPath, RepoName, TagName};
use crate::process::{Command, Env, Status};
use crate::report::{LocalReport, Pair, UnpushedCommit, Unseen, printable};
use crate::store::ArtifactDir;
use crate::ui::Ui;

/// What is to be imitated.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What starts the workflow.
    pub(crate) trigger: Trigger,
    /// The action's inputs, as the workflow's `with:` would give them.
    pub(crate) inputs: BTreeMap<String, String>,
    /// The commit to check out; else HEAD.
    pub(crate) commit: Option<String>,
    /// How deep the checkout's history goes, 0 for all of it; else as deep as it can be made again.
    pub(crate) depth: Option<u32>,
}

/// What the imitation is given of the world.
pub(crate) struct World<'a> {
    /// This very program.
    pub(crate) program: &'a Path,
    /// The process's own environment.
    pub(crate) variables: &'a BTreeMap<String, String>,
    /// Where what does not last may lie.
    pub(crate) temporary: &'a Path,
    /// The workspace root.
    pub(crate) root: &'a Path,
    /// The time.
    pub(crate) now: Timestamp,
    /// The terminal.
    pub(crate) ui: &'a Ui,
}

/// An imitated job, before its step runs.
pub(crate) struct Prepared {
    /// What a runner would not see.
    pub(crate) unseen: Unseen,
    /// The commit that is checked out.
    pub(crate) commit: CommitId,
    /// Its branch.
    pub(crate) branch: String,
    job: Job,
    _folder: TempDir,
}

/// Makes the checkout, the files and the event.
///
/// # Errors
/// An input that the action does not have, no checkout, a commit that it lacks, git, the disk.
pub(crate) fn prepare(world: &World<'_>, asked: &Asked) -> Result<Prepared> {
    must_be_inputs(&asked.inputs)?;
    let git = Git::find(world.variables)?;
    let checkout = checkout_of(world.root)?;
    let from = Repository::open(&checkout)?;
    let commit = from.commit(asked.commit.as_deref().unwrap_or("HEAD"))?;
    let missing = git.not_at_remote(&from, commit)?;
    let origin = from.remote("origin").map(|url| located(from.path(), &url));
    let origin = origin.map(|url| url.parse::<RemoteUrl>()).transpose()?;
    let is_pushed = missing.unpushed.is_empty() && !from.refs_below("refs/remotes/origin")?.is_empty();
    let depth = asked.depth.unwrap_or(u32::from(is_pushed && origin.is_some()));
    let branch = from.current_branch().unwrap_or_else(|| "main".to_owned());
    let folder = tempfile::Builder::new().prefix("patch-moi-local-").tempdir_in(world.temporary);
    let folder = folder.map_err(|error| {
        let text =
            format!("no folder for the imitated runner could be made in {}", world.temporary.display());
        Failure::new(Kind::Failed, error).context(text)
    })?;
    let mut job = Job {
        trigger: asked.trigger,
        repository: name_of(origin.as_ref(), &checkout),
        branch: branch.clone(),
        commit: commit.to_string(),
        run_id: world.now.as_second(),
        inputs: asked.inputs.clone(),
        folder: folder.path().canonicalize().unwrap_or_else(|_| folder.path().to_owned()),
    };
    if let Ok(inside) = world.root.strip_prefix(&checkout)
        && !inside.as_os_str().is_empty()
    {
        let inside = inside.to_string_lossy().into_owned();
        job.inputs.entry("workspace-root".to_owned()).or_insert(inside);
    }
    job.prepare()?;
    let asked = Checkout { commit, branch: &branch, origin: origin.as_ref(), depth };
    git.check_out_afresh(&from, &asked, &job.workspace())?;
    Ok(Prepared { unseen: unseen(missing), commit, branch, job, _folder: folder })
}

/// Runs the step, and says everything that GitHub would show. The log is printed as it comes.
///
/// # Errors
/// A step that cannot be started or is interrupted; files that cannot be read or written.
pub(crate) fn run(world: &World<'_>, prepared: Prepared) -> Result<(LocalReport, Kind)> {
    let Prepared { unseen, commit, branch, job, _folder } = prepared;
    let environment = job.environment(world.variables);
    let args = arguments(&environment);
    let mut env = Env::empty();
    environment.iter().for_each(|(name, value)| env.set(name, value));
    let mut log = Log::default();
    let command = Command::new(world.program).args(&args).cwd(job.workspace()).env(env);
    let output = command.run_streaming(&mut |_, line| {
        for line in String::from_utf8_lossy(line).split('\r') {
            show(world.ui, log.line(line));
        }
    })?;
    let Told { outputs, env, path, summary, mut faults } = job.told(&log)?;
    let code = output.status.code();
    if let Status::Signalled(signal) = output.status {
        faults.push(format!("The step was ended by signal {signal}."));
    }
    let kind = if faults.is_empty() { kind_of(code) } else { Kind::Failed };
    let report = LocalReport {
        schema_version: 1,
        tool: Tool::this(),
        event: job.trigger.name().to_owned(),
        commit,
        branch,
        unseen,
        environment: environment.into_keys().collect(),
        command: std::iter::once("patch-moi".to_owned()).chain(args).collect(),
        exit_code: code,
        conclusion: if code == Some(0) && faults.is_empty() { "success" } else { "failure" }.to_owned(),
        faults,
        artifacts: keep_artifacts(world, &outputs)?,
        outputs,
        env,
        path,
        masks: log.masks.len(),
        summary,
        annotations: log.annotations,
        only_in_log: log.only_in_log,
    };
    Ok((report, kind))
}

fn must_be_inputs(given: &BTreeMap<String, String>) -> Result<()> {
    let known = inputs();
    if given.get("command").is_some_and(|command| command != "run") {
        return Err(Failure::usage("only the action's `run` is imitated: `publish` writes to the fork")
            .hint("leave `--with command=…` out"));
    }
    match given.keys().find(|name| !known.contains_key(name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = known.into_keys().collect();
            Err(Failure::usage(format!("the action has no input `{}`", name.escape_debug()))
                .hint(format!("it has {}", known.join(", "))))
        }
    }
}

fn checkout_of(root: &Path) -> Result<PathBuf> {
    let found = root.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok());
    found.map(Path::to_owned).ok_or_else(|| {
        Failure::usage(format!("{} lies in no git checkout, and a runner begins with one", root.display()))
            .hint("start it in the checkout that has the workflow, or name that with `--workspace-root DIR`")
    })
}

/// `owner/name` of the checkout's remote, else one that says that it is none.
fn name_of(origin: Option<&RemoteUrl>, checkout: &Path) -> String {
    let of_url = |url: &str| {
        let url = url.trim_end_matches('/').trim_end_matches(".git");
        let mut parts = url.rsplit(['/', ':']);
        let (name, owner) = (parts.next()?, parts.next()?);
        format!("{owner}/{name}").parse::<RepoName>().ok()
    };
    let own = || {
        let name = checkout.file_name()?.to_string_lossy().into_owned();
        format!("local/{name}").parse::<RepoName>().ok()
    };
    let name = origin.and_then(|url| of_url(url.as_str())).or_else(own);
    name.map_or_else(|| "local/fork".to_owned(), |name| name.to_string())
}

fn unseen(missing: NotAtRemote) -> Unseen {
    let commit = |(commit, subject)| UnpushedCommit { commit, subject };
    Unseen {
        changed: missing.changed,
        untracked: missing.untracked,
        unpushed: missing.unpushed.into_iter().map(commit).collect(),
    }
}

fn show(ui: &Ui, shown: Shown) {
    let say = |mark: &str, text: &str| {
        let text = anstream::adapter::strip_str(text).to_string();
        text.lines().for_each(|line| ui.relay(&format!("  | {mark}{}", printable(line))));
    };
    match shown {
        Shown::Nothing => {}
        Shown::Text(text) | Shown::Annotation(text) => say("", &text),
        Shown::Group(title) => say("▸ ", &title),
    }
}

/// The run's own exit code.
const fn kind_of(code: Option<i32>) -> Kind {
    match code {
        Some(0) => Kind::Done,
        Some(2) => Kind::Usage,
        Some(3) => Kind::NeedsPerson,
        Some(4) => Kind::Blocked,
        _ => Kind::Failed,
    }
}

/// Copies what would be uploaded to where it stays.
fn keep_artifacts(world: &World<'_>, outputs: &[Pair]) -> Result<Vec<String>> {
    let named = outputs.iter().find(|pair| pair.name == "artifact-path");
    let parent = world.root.join(".codex/workspace/actions/local");
    let mut kept = Vec::new();
    for folder in named.map_or("", |pair| pair.value.as_str()).lines() {
        let folder = Path::new(folder);
        let name =
            folder.file_name().map(|name| name.to_string_lossy().replace("%2F", "/").replace("%25", "%"));
        let Some(tag) = name.and_then(|name| name.parse::<TagName>().ok()) else { continue };
        let copy = ArtifactDir::open(&parent, &tag.slug())?;
        for entry in WalkDir::new(folder).into_iter().filter_map(std::result::Result::ok) {
            let is_file = entry.file_type().is_file();
            let inside = entry.path().strip_prefix(folder).ok().and_then(Path::to_str);
            let Some(path) = inside.filter(|_| is_file).and_then(|path| path.parse::<RelPath>().ok()) else {
                continue;
            };
            copy.copy(&path, entry.path())?;
        }
        kept.push(copy.publish()?.display().to_string());
    }
    Ok(kept)
}
