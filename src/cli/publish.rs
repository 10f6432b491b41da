//! `patch-moi publish`: what a run left, proved and brought to the fork.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::context::context;
use super::options::StateOption;
use super::{App, say};
use crate::candidate::publication::Policy;
use crate::failure::{Kind, Result};
use crate::ids::{RepoName, TagName};
use crate::pipeline::asked::Effect;
use crate::pipeline::publish::{Publish, publish};
use crate::pipeline::verify::How;

const EXAMPLES: &str = "\
Examples:
  patch-moi publish .codex/workspace/actions/artifacts
  patch-moi publish downloaded --dry-run
  patch-moi publish downloaded --pull-request none --issue none

The token: PATCH_MOI_TOKEN, else GITHUB_TOKEN, else GH_TOKEN. git is handed it for GitHub's host alone, and
no flow, step or check is run.

Writes:
  refs/heads/patch-moi/candidate/TAG       in the fork's remote: a complete candidate, checked by the run
  refs/patch-moi/{stack,incomplete,partial}/TAG   beside it, or instead of it
  refs/patch-moi/state                     in the remote of the workspace: what is remembered
  DATA_DIR, .codex/workspace/actions/flow-client/   the same on this machine

Exit codes:
  0  published, or nothing is to be done       3  a patch needs a person
  1  an artifact is not what it says           4  the remote refused, or the branch was rewritten
  2  a file or a name is wrong";

/// Publish what a run left, once it is proved
///
/// Nothing of the artifact is believed (see `patch-moi verify`): the patches are carried again, and only
/// what comes out the same is pushed. Each ref is moved from where it is known to stand; a branch that
/// somebody has pushed to is left alone, and the candidate goes beside it. What became of it is
/// remembered in any case, also where the run has failed or left nothing.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// An artifact's folder, or one that holds several; without it, the run left nothing, which is a
    /// failure unless `--run-result success` says otherwise
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How the job ended that ran `patch-moi run`: where it went well and left no artifact, nothing is
    /// recorded as failed; else PATCH_MOI_RUN_RESULT
    #[arg(long, value_name = "RESULT", value_enum)]
    run_result: Option<RunResult>,
    /// The release that was asked for
    #[arg(long, value_name = "TAG")]
    tag: Option<TagName>,
    /// The upstream repository, where the workspace has no source for it; else PATCH_MOI_REPO
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<RepoName>,
    /// Prove and plan, print both, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Whether refs are pushed beside the state; else PATCH_MOI_PUSH
    #[arg(long, value_name = "WHEN", value_enum)]
    push: Option<When>,
    /// Whether a draft pull request is opened; else PATCH_MOI_PULL_REQUEST
    #[arg(long, value_name = "WHEN", value_enum)]
    pull_request: Option<When>,
    /// Whether an issue is opened where there is no pull request; else PATCH_MOI_ISSUE
    #[arg(long, value_name = "WHEN", value_enum)]
    issue: Option<When>,
    /// What else is accepted than a carry that can be made again, several with a comma between: what a
    /// person settled with `resume`, by the artifact's word; commits that a flow made itself and that
    /// descend from the release; else PATCH_MOI_ACCEPT
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    accept: Vec<Accept>,
    #[command(flatten)]
    state: StateOption,
    /// The fork's branch that holds the patches, where no flow names it; else PATCH_MOI_BRANCH
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// The file with the sources; else FEED_SOURCES_PATH, else feed-sources.json in the workspace root
    #[arg(long, value_name = "FILE")]
    feed_sources: Option<PathBuf>,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    /// Where it can be
    Auto,
    /// Never
    None,
}

/// How a job ended, in GitHub's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RunResult {
    /// It went well
    Success,
    /// It failed
    Failure,
    /// It was cancelled
    Cancelled,
    /// It was not started
    Skipped,
}

/// What else is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Accept {
    /// Nothing
    None,
    /// Commits that a flow made itself and that descend from the release; none is made by this version
    Descends,
    /// What a person settled, whatever it holds
    Settlements,
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    say::fails_when_known(app)?;
    let policy = Policy {
        push: chosen(app, args.push, "PATCH_MOI_PUSH")? != Some(When::None),
        pull_request: chosen(app, args.pull_request, "PATCH_MOI_PULL_REQUEST")? != Some(When::None),
        issue: chosen(app, args.issue, "PATCH_MOI_ISSUE")? != Some(When::None),
    };
    let accept = accepted(app, &args.accept)?;
    let asked = Publish {
        dir: args.dir.as_ref().map(|dir| app.environment.resolve(dir).components().collect()),
        ran: chosen(app, args.run_result, "PATCH_MOI_RUN_RESULT")? == Some(RunResult::Success),
        tag: args.tag.clone(),
        repo: match (&args.repo, app.environment.get("PATCH_MOI_REPO")) {
            (Some(repo), _) => Some(repo.clone()),
            (None, Some(named)) if !named.is_empty() => Some(named.parse()?),
            (None, _) => None,
        },
        how: How {
            branch: args.branch.clone().or_else(|| app.environment.get("PATCH_MOI_BRANCH")),
            descends: accept.contains(&Accept::Descends),
            settlements: accept.contains(&Accept::Settlements),
            by_remote: true,
        },
        policy,
        state: args.state.wanted(&app.environment),
        effect: if args.dry_run { Effect::Plan } else { Effect::Apply },
        command: super::typed(app),
    };
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    let (report, kind) =
        context(app, &workspace, &data, args.feed_sources.as_deref(), |context| publish(context, &asked))?;
    Ok(say::publication(app, report, kind))
}

/// What else is accepted, by the command line, else by the variable.
fn accepted(app: &App, given: &[Accept]) -> Result<Vec<Accept>> {
    let text = app.environment.get("PATCH_MOI_ACCEPT").filter(|_| given.is_empty()).unwrap_or_default();
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let named: Vec<Accept> = words.map(|word| parsed("PATCH_MOI_ACCEPT", word)).collect::<Result<_>>()?;
    Ok(given.iter().copied().chain(named).collect())
}

/// What the command line says, else the variable.
fn chosen<T: ValueEnum + Copy>(app: &App, given: Option<T>, variable: &str) -> Result<Option<T>> {
    let Some(text) = app.environment.get(variable).filter(|_| given.is_none()) else { return Ok(given) };
    parsed(variable, &text).map(Some)
}

fn parsed<T: ValueEnum>(variable: &str, text: &str) -> Result<T> {
    let known: Vec<String> = T::value_variants()
        .iter()
        .filter_map(|one| Some(one.to_possible_value()?.get_name().to_owned()))
        .collect();
    T::from_str(text, true).map_err(|_| {
        crate::failure::Failure::usage(format!("{variable} cannot be `{}`", text.escape_debug()))
            .hint(format!("it can be {}", known.join(" or ")))
    })
}
