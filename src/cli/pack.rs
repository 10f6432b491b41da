//! `patch-moi pack`: packs installed, examined, brought up to date, taken out.

use clap::{Args as ClapArgs, Subcommand};

use super::App;
use super::context::context;
use crate::failure::{Kind, Result};
use crate::pipeline::context::Context;
use crate::pipeline::pack::{self, AddAsked, ChangeAsked, PlanReport};

const EXAMPLES: &str = "\
Examples:
  patch-moi pack add ../codex-flows --include peezy-codex-fork            show what would be installed
  patch-moi pack add ../codex-flows --include peezy-codex-fork --apply
  patch-moi pack doctor                                                   for CI: exits 1 on drift

Writes only with --apply, below the workspace root, all of it or nothing.
Exits as the commands below say.";

const ADD: &str = "\
Examples:
  patch-moi pack add ../codex-flows --include openai-codex-bindings --apply
  patch-moi pack add OWNER/NAME --ref v1.2 --include flow:release
  patch-moi pack add https://example.org/packs.git --exclude hook:stop

Writes only with --apply: the items below .codex/flows, .agents/skills, plugins and .codex/hooks,
their entries in .agents/plugins/marketplace.json and .codex/hooks.json, and .codex/pack-lock.json.
What is overwritten goes to .codex/pack-backups. With a conflict nothing at all is written.

Exit codes:
  0  shown, installed, or nothing to do; without --apply also with a conflict
  1  a conflict, with --apply; or the pack cannot be fetched
  2  no such pack or item, or a file that is broken; nothing was written";

const INSPECT: &str = "\
Examples:
  patch-moi pack inspect ../codex-flows
  patch-moi pack inspect OWNER/NAME --ref main --json

Writes nothing. Exits 0; 1 where the pack cannot be fetched; 2 where there is no such pack.";

const LIST: &str = "\
Examples:
  patch-moi pack list
  patch-moi pack list --json

Writes nothing. Exits 0; 2 where the lock is broken.";

const DOCTOR: &str = "\
Examples:
  patch-moi pack doctor
  patch-moi pack doctor --json

Writes nothing, but for what an interrupted pack command left.
Exits 0 where everything is as the lock says, else 1.";

const UPDATE: &str = "\
Examples:
  patch-moi pack update                    what is newer in the packs that things came from
  patch-moi pack update peezy-codex-fork --apply

Writes only with --apply, as `pack add` does. What was changed after it was installed is a conflict,
unless --overwrite replaces it.

Exit codes:
  0  shown, installed, or nothing to do       1  a conflict, with --apply
  2  no such item, or a file that is broken";

const REMOVE: &str = "\
Examples:
  patch-moi pack remove peezy-codex-fork
  patch-moi pack remove skill:tdd --apply

Writes only with --apply: the item's folder goes, and so do its entries in the marketplace, in
hooks.json and in the lock. What was changed after it was installed is a conflict, unless --overwrite
removes it too; it goes to .codex/pack-backups then.

Exit codes:
  0  shown, removed, or nothing to do         1  a conflict, with --apply
  2  no such item, or a file that is broken";

/// Install flows, skills, plugins and hooks from packs, and see that they stay as they are
///
/// A pack is a folder, or a git repository, that offers such items. Each is pinned in
/// .codex/pack-lock.json by the hash of its files.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: PackCommand,
}

#[derive(Debug, Subcommand)]
enum PackCommand {
    /// Install items of a pack, shown before they are written
    #[command(after_long_help = ADD)]
    Add(AddArgs),
    /// Say what a pack offers
    #[command(after_long_help = INSPECT)]
    Inspect(InspectArgs),
    /// Say what is installed
    #[command(after_long_help = LIST)]
    List,
    /// Check that what is installed is what the lock says
    #[command(after_long_help = DOCTOR)]
    Doctor,
    /// Bring what is installed up to date with its packs
    #[command(after_long_help = UPDATE)]
    Update(UpdateArgs),
    /// Take items out
    #[command(after_long_help = REMOVE)]
    Remove(RemoveArgs),
}

#[derive(Debug, ClapArgs)]
struct AddArgs {
    /// The pack: a folder, OWNER/NAME on GitHub, or a git URL
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Install this item only, by NAME or KIND:NAME; can be given several times
    #[arg(long, value_name = "NAME")]
    include: Vec<String>,
    /// Leave this item out; can be given several times
    #[arg(long, value_name = "NAME")]
    exclude: Vec<String>,
    /// The commit, tag or branch of a pack that is a repository
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// Replace what differs; it goes to .codex/pack-backups
    #[arg(long)]
    overwrite: bool,
    /// Write
    #[arg(long)]
    apply: bool,
}

#[derive(Debug, ClapArgs)]
struct InspectArgs {
    /// The pack: a folder, OWNER/NAME on GitHub, or a git URL
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The commit, tag or branch of a pack that is a repository
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
}

#[derive(Debug, ClapArgs)]
struct UpdateArgs {
    /// The items, by NAME or KIND:NAME; all where none is given
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Replace what was changed since, too; it goes to .codex/pack-backups
    #[arg(long)]
    overwrite: bool,
    /// Write
    #[arg(long)]
    apply: bool,
}

#[derive(Debug, ClapArgs)]
struct RemoveArgs {
    /// The items, by NAME or KIND:NAME
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Remove what was changed since, too; it goes to .codex/pack-backups
    #[arg(long)]
    overwrite: bool,
    /// Write
    #[arg(long)]
    apply: bool,
}

pub(super) fn run(app: &App, args: &Args) -> Result<Kind> {
    match &args.command {
        PackCommand::Add(args) => {
            let asked = AddAsked {
                source: args.source.clone(),
                reference: args.reference.clone(),
                include: args.include.clone(),
                exclude: args.exclude.clone(),
                overwrite: args.overwrite,
                apply: args.apply,
            };
            planned(app, &with(app, |context| pack::add(context, &asked))?)
        }
        PackCommand::Update(args) => {
            let asked =
                ChangeAsked { names: args.names.clone(), overwrite: args.overwrite, apply: args.apply };
            planned(app, &with(app, |context| pack::update(context, &asked))?)
        }
        PackCommand::Remove(args) => {
            let asked =
                ChangeAsked { names: args.names.clone(), overwrite: args.overwrite, apply: args.apply };
            planned(app, &with(app, |context| pack::remove(context, &asked))?)
        }
        PackCommand::Inspect(args) => {
            let reference = args.reference.as_deref();
            let report = with(app, |context| pack::inspect(context, &args.source, reference))?;
            app.ui.show(&report, || report.text());
            Ok(Kind::Done)
        }
        PackCommand::List => {
            let report = with(app, pack::list)?;
            app.ui.show(&report, || report.text());
            Ok(Kind::Done)
        }
        PackCommand::Doctor => {
            let report = with(app, pack::doctor)?;
            app.ui.show(&report, || report.text());
            Ok(report.kind())
        }
    }
}

fn planned(app: &App, report: &PlanReport) -> Result<Kind> {
    app.ui.show(report, || report.text());
    Ok(report.kind())
}

fn with<T>(app: &App, act: impl FnOnce(&Context<'_>) -> Result<T>) -> Result<T> {
    let workspace = app.options.workspace(&app.environment)?;
    let data = app.options.data(&app.environment, &workspace);
    context(app, &workspace, &data, None, act)
}
