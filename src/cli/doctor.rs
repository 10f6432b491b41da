//! `patch-moi doctor`: what is wrong, and what mends it.

use clap::Args as ClapArgs;
use url::Url;

use super::App;
use super::context::context;
use crate::failure::{Failure, Kind, Result};
use crate::pipeline::doctor::{self, Asked};
use crate::pipeline::init;

const EXAMPLES: &str = "\
Examples:
  patch-moi doctor
  GH_TOKEN=$(gh auth token) patch-moi doctor         with what only a token may see
  patch-moi doctor --json

The token is PATCH_MOI_TOKEN, else GITHUB_TOKEN, else GH_TOKEN. It goes to GitHub's API and nowhere
else. Writes nothing: what has to be fetched is fetched to a temporary folder, and no remote is
waited for longer than two minutes.

Exit codes:
  0  nothing is wrong; a warning or something that is not known is said
  1  something is wrong                       2  a wrong option";

/// Check everything that a run needs, and say what mends what is wrong
///
/// Looks at git, remotes, branch, base, lock, flows, sources, feed, upstream, workflow and, where
/// `origin` is on GitHub, at the repository's settings. Each check says what was found, why it matters,
/// and the one command or link that mends it.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Where the action's repository is
    #[arg(long, value_name = "URL", hide = true, default_value = init::REPOSITORY)]
    action_url: String,
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    let variable =
        |name: &str, default: &str| app.environment.get(name).unwrap_or_else(|| default.to_owned());
    let api = variable("GITHUB_API_URL", "https://api.github.com");
    let api = Url::parse(&api)
        .map_err(|error| Failure::new(Kind::Usage, error).context("GITHUB_API_URL is no address"))?;
    let asked = |token| Asked {
        token,
        api,
        server: variable("GITHUB_SERVER_URL", "https://github.com").trim_end_matches('/').to_owned(),
        action_url: app.environment.resolve_url(&args.action_url),
    };
    let report =
        context(app, &workspace, &data, None, |context| doctor::doctor(context, &asked(context.token())));
    app.ui.show(&report, || report.text(&app.ui.look()));
    Ok(report.kind())
}
