//! `patch-moi setup`: a checkout made ready.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::App;
use crate::failure::{Kind, Result};
use crate::git::Git;
use crate::ids::RepoName;
use crate::pipeline::setup::{self, Asked};

const CODEX: &str = "\
Examples:
  patch-moi setup codex                 look, and change nothing
  patch-moi setup codex --apply
  patch-moi setup codex --repo ~/codex --target-branch code-mode-exec-hooks --json

Writes only with --apply: the remote, where it is missing, and upstream's tags under
refs/patch-moi/upstream. The fork's own tags and branches stay as they are.

Exit codes:
  0  ready                              1  something is missing, and what to do about it is said
  2  no git repository, or a wrong name";

/// Check a fork's checkout, and prepare it
#[derive(Debug, ClapArgs)]
#[command(disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Codex(Codex),
}

/// Check the Codex fork's checkout: remotes, branch, work tree
///
/// Says what keeps the patch stack from being carried, and with --apply does what can be done without
/// deciding anything: it adds the upstream remote and fetches upstream's tags.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = CODEX)]
struct Codex {
    /// The checkout; else PEEZY_CODEX_REPO or ../codex, relative to the workspace root
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// The remote that stands for upstream
    #[arg(long, value_name = "NAME", default_value = "upstream")]
    upstream_remote: String,
    /// Where upstream is fetched from
    #[arg(long, value_name = "URL", default_value = "https://github.com/openai/codex.git")]
    upstream_url: String,
    /// The maintained branch
    #[arg(long, value_name = "BRANCH", default_value = "code-mode-exec-hooks")]
    target_branch: String,
    /// Add the remote where it is missing, and fetch upstream's tags
    #[arg(long)]
    apply: bool,
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    let Command::Codex(args) = &args.command;
    let git = Git::find(app.environment.variables())?;
    let asked = Asked {
        path: checkout(app, args)?,
        upstream: "openai/codex".parse::<RepoName>()?,
        remote: args.upstream_remote.clone(),
        url: app.environment.resolve_url(&args.upstream_url),
        branch: args.target_branch.clone(),
        apply: args.apply,
    };
    let found = {
        let _progress = app.ui.progress("fetching upstream's tags", None);
        setup::check(&git, &asked)?
    };
    app.ui.show(&found, || found.text());
    Ok(if found.is_ready() { Kind::Done } else { Kind::Failed })
}

/// What a person types starts where they are; what is configured starts at the workspace root.
fn checkout(app: &App, args: &Codex) -> Result<PathBuf> {
    if let Some(repo) = &args.repo {
        return Ok(app.environment.resolve(repo));
    }
    let configured = app.environment.get("PEEZY_CODEX_REPO").unwrap_or_else(|| "../codex".to_owned());
    let path = app.options.workspace(&app.environment)?.root().join(configured);
    // Without the `..` in the middle it is the path that a person would type.
    Ok(path.canonicalize().unwrap_or(path))
}
