//! The options that every command takes.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::environment::Environment;
use crate::failure::Result;
use crate::pipeline::remembering::Wanted;
use crate::store::DataDir;
use crate::ui;
use crate::workspace::Workspace;

/// The options that every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Options {
    /// The folder that holds feed-sources.json, flows and .codex; else it is looked for upwards from here
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) workspace_root: Option<PathBuf>,
    /// Where the journals are, relative to the workspace root; else the variable DATA_DIR names it
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Print exactly one JSON document on standard output, and everything else on standard error
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say more: what was passed over and why; twice: what is done; three times: every detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// No notes and no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// When to colour; auto means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub(super) color: Color,
}

/// Where what earlier runs did is read, for the commands that go by it.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct StateOption {
    /// Where what runs did is remembered: auto (on GitHub's runner the ref refs/patch-moi/state of the
    /// checkout's origin, elsewhere this machine's disk), none, or a remote's name or URL; else the variable
    /// PATCH_MOI_STATE says it
    #[arg(long, global = true, value_name = "WHERE")]
    state: Option<String>,
}

impl StateOption {
    /// What was asked for.
    pub(super) fn wanted(&self, environment: &Environment) -> Wanted {
        let named = self.state.clone().or_else(|| environment.get("PATCH_MOI_STATE"));
        named.unwrap_or_default().parse().unwrap_or_default()
    }
}

/// Where the fork, its upstream and the sources are, for the commands that go on with a release.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ForkOptions {
    /// The fork's repository on this machine; without it, what the flow says, else the workspace root
    #[arg(long, value_name = "DIR")]
    fork: Option<PathBuf>,
    /// Where upstream is fetched from; without it, as for `run release`
    #[arg(long, value_name = "URL")]
    upstream_url: Option<String>,
    /// The file with the sources; else FEED_SOURCES_PATH, else feed-sources.json in the workspace root
    #[arg(long, value_name = "FILE")]
    feed_sources: Option<PathBuf>,
}

impl ForkOptions {
    /// The fork's repository, where it is named.
    pub(super) fn repository(&self, environment: &Environment) -> Option<PathBuf> {
        self.fork.as_ref().map(|path| environment.resolve(path))
    }

    /// Upstream's URL, where it is named.
    pub(super) fn upstream_url(&self, environment: &Environment) -> Option<String> {
        self.upstream_url.as_deref().map(|url| environment.resolve_url(url))
    }

    /// The file with the sources, where it is named.
    pub(super) fn feed_sources(&self) -> Option<&Path> {
        self.feed_sources.as_deref()
    }
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

impl Options {
    /// How the two streams are used.
    pub(super) fn streams(&self, environment: &Environment) -> ui::Options {
        let set = |name: &str| environment.get(name).is_some_and(|value| value != "false" && value != "0");
        ui::Options {
            color: match self.color {
                Color::Auto => ui::ColorWhen::Auto,
                Color::Always => ui::ColorWhen::Always,
                Color::Never => ui::ColorWhen::Never,
            },
            no_color: environment.variables().get("NO_COLOR").cloned(),
            term: environment.get("TERM"),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| environment.get(name)),
            out_is_terminal: environment.out_is_terminal(),
            err_is_terminal: environment.err_is_terminal(),
            verbose: self.verbose,
            quiet: self.quiet,
            json: self.json,
            width: environment.columns(),
            ci: set("CI") || set("GITHUB_ACTIONS"),
        }
    }

    /// The workspace.
    pub(super) fn workspace(&self, environment: &Environment) -> Result<Workspace> {
        Ok(Workspace::find(environment.cwd(), self.workspace_root.as_deref())?)
    }

    /// DATA_DIR of a workspace.
    pub(super) fn data(&self, environment: &Environment, workspace: &Workspace) -> DataDir {
        let from_environment = || environment.get("DATA_DIR").map(PathBuf::from);
        let named = self.data_dir.clone().or_else(from_environment);
        let root = workspace.data_dir(named.as_deref());
        DataDir::open(&root)
    }
}
