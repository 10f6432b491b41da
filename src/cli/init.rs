//! `patch-moi init`: a fork set up.

use clap::Args as ClapArgs;

use super::App;
use super::context::context;
use crate::failure::{Kind, Result};
use crate::ids::{CommitId, RepoName};
use crate::pipeline::init::{self, Asked};
use crate::report::shell_quote;

const EXAMPLES: &str = "\
Examples:
  patch-moi init --upstream OWNER/NAME --branch BRANCH            show what would be written
  patch-moi init --upstream OWNER/NAME --branch BRANCH --apply
  patch-moi init --upstream OWNER/NAME --branch BRANCH --fork YOU/FORK
                                              from a repository that holds the configuration only

Writes only with --apply, into the checkout, and commits nothing:
  feed-sources.json                           one source, beside those that are there
  .codex/flows/patch-stack/                   the flow, with the schema of its events
  .codex/pack-lock.json                       the flow's pin; other entries stay byte for byte
  .github/workflows/upstream-release.yml      the workflow, with the action's released commit

A second time there is nothing to do. A file that was edited since is shown and kept; the lock then
pins the flow as it was edited, and a newer release of the action moves the workflow's commit.

Exit codes:
  0  shown, written, or nothing to do         1  a remote cannot be asked
  2  no checkout, no such branch, a file that is broken, or a wrong name; nothing was written";

/// Set up a fork: sources, flow, lock and workflow, shown before they are written
///
/// Finds out where the configuration belongs (on the maintained branch, on another default branch, or
/// in a repository of its own) and says how it knows. Looks at upstream's tags for a pattern of its
/// releases, and at the action's for the commit that the workflow names.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The upstream repository
    #[arg(long, value_name = "OWNER/NAME")]
    upstream: RepoName,
    /// The fork's branch that carries the patches
    #[arg(long, value_name = "BRANCH")]
    branch: String,
    /// The fork, where it is another repository than this one: OWNER/NAME on GitHub, a URL or a folder
    #[arg(long, value_name = "FORK")]
    fork: Option<String>,
    /// Where upstream is, where that is not GitHub
    #[arg(long, value_name = "URL")]
    upstream_url: Option<String>,
    /// Upstream's release feed, where it is not `releases.atom` below its page
    #[arg(long, value_name = "URL")]
    feed_url: Option<String>,
    /// Which of upstream's tags are releases: a regular expression with a group named `version`
    #[arg(long, value_name = "REGEX")]
    tag_pattern: Option<String>,
    /// The commit of the action that the workflow names, where its repository cannot be asked
    #[arg(long, value_name = "COMMIT")]
    action_commit: Option<CommitId>,
    /// Where the action's repository is
    #[arg(long, value_name = "URL", hide = true, default_value = init::REPOSITORY)]
    action_url: String,
    /// Write the files
    #[arg(long, visible_alias = "yes")]
    apply: bool,
    /// Write over files that were edited since
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    let resolve = |url: &String| app.environment.resolve_url(url);
    let typed = app.environment.args().iter().skip(1).map(|arg| shell_quote(&arg.to_string_lossy()));
    let asked = Asked {
        upstream: args.upstream.clone(),
        branch: args.branch.clone(),
        fork: args.fork.as_ref().map(resolve),
        upstream_url: args.upstream_url.as_ref().map(resolve),
        feed_url: args.feed_url.clone(),
        tag_pattern: args.tag_pattern.clone(),
        action_url: resolve(&args.action_url),
        action_commit: args.action_commit,
        apply: args.apply,
        overwrite: args.overwrite,
        command: format!("patch-moi {}", typed.collect::<Vec<_>>().join(" ")),
    };
    let report = context(app, &workspace, &data, None, |context| init::init(context, &asked))?;
    app.ui.show(&report, || report.text(&app.ui));
    Ok(Kind::Done)
}
