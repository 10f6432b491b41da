//! `patch-moi verify`: the proof of an artifact or of a published ref.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::App;
use super::context::context;
use crate::failure::{Failure, Kind, Result};
use crate::ids::TagName;
use crate::pipeline::verify::{How, Subject, Verify, verify};
use crate::report::verify_text;

const EXAMPLES: &str = "\
Examples:
  patch-moi verify .codex/workspace/actions/artifacts/v1.2.0
  patch-moi verify patch-moi/candidate/v1.2.0
  patch-moi verify 3f2a91c0 --tag v1.2.0

Writes nothing: what is fetched goes away with the proof.

Exit codes:
  0  it is what it says
  1  it is not, or that could not be found out
  2  a file or a name is wrong";

/// Prove that a candidate is what carrying the patches gives
///
/// Nothing of the artifact is believed. The flow is the workspace's, the tag upstream's, the branch
/// the fork's; with them the patches are carried again, and every commit has to be the same. The
/// bundle is tried in a repository of its own. How the checks went is the run's own word.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// An artifact's folder; or a ref such as patch-moi/candidate/TAG, or a commit
    #[arg(value_name = "DIR|REF")]
    subject: String,
    /// The release that it has to be about
    #[arg(long, value_name = "TAG")]
    tag: Option<TagName>,
    /// The fork's branch that holds the patches, where no flow names it
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// The file with the sources; else FEED_SOURCES_PATH, else feed-sources.json in the workspace root
    #[arg(long, value_name = "FILE")]
    feed_sources: Option<PathBuf>,
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    let path = app.environment.resolve(args.subject.as_ref());
    let subject = match path.is_dir() {
        true => Subject::Folder(path.components().collect()),
        false if args.subject.starts_with(['.', '/']) => {
            return Err(Failure::usage(format!("{} is no folder", path.display()))
                .hint("name an artifact's folder, or a ref such as patch-moi/candidate/TAG"));
        }
        false => Subject::Rev(args.subject.clone()),
    };
    let how = How { branch: args.branch.clone(), settlements: true, ..How::default() };
    let asked = Verify { subject, tag: args.tag.clone(), how, command: super::typed(app) };
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    let (report, kind) =
        context(app, &workspace, &data, args.feed_sources.as_deref(), |context| verify(context, &asked))?;
    if let Some(refusal) = &report.refusal {
        app.ui.error(
            &format!("{} is not what it says", report.what),
            std::slice::from_ref(&refusal.message),
            std::slice::from_ref(&refusal.hint),
        );
    }
    app.ui.show(&report, || verify_text(&report, &app.ui.look()));
    Ok(kind)
}
