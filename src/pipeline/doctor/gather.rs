//! The world, looked at. A run's own parts find out what a run would.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::Asked;
use super::checks::is_hopeless;
use super::facts::{
    Facts, FlowFact, ForkOnForge, Found, Home, OnForge, SourcesFact, Stack, Token, Watched, Why, WorkflowFile,
};
use crate::event::UPSTREAM_RELEASE;
use crate::failure::{Failure, Result};
use crate::feed;
use crate::flow::Runner;
use crate::forge::{self, Forge, ForgeError, RepositoryFacts};
use crate::git::{Git, RemoteUrl, Repository, shown};
use crate::http::{Client, Options};
use crate::ids::{RelPath, RepoName};
use crate::pack::Lock;
use crate::pipeline::asked;
use crate::pipeline::carrying;
use crate::pipeline::context::Context;
use crate::pipeline::fork::{located, public_name};
use crate::pipeline::found;
use crate::pipeline::init::{Pinned, WORKFLOW, action, settings};
use crate::pipeline::newest::newest;
use crate::pipeline::preparing::{self, Prepared};
use crate::pipeline::session::{Job, Session};
use crate::release::{MAX_SOURCES_BYTES, Source, Sources};
use crate::workspace::{read_bounded, read_own};

/// How long a remote is waited for. A fetch of a whole upstream may need most of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// The largest workflow, in bytes.
const MAX_WORKFLOW: u64 = 1 << 20;

/// Everything that can be found out.
pub(super) fn facts(context: &Context<'_>, asked: &Asked) -> Facts {
    let root = context.workspace.root();
    let git = Git::find(context.variables).map(|git| git.with_patience(PATIENCE)).map_err(Failure::from);
    let client = client(context);
    let repository = Repository::open(root).map_err(Failure::from);
    let home = repository.as_ref().map(|repository| home(repository, root, &asked.server));
    let session = session(context);
    let watched = match (&session, &client) {
        (Ok(session), Ok(client)) => watched(session, client),
        _ => Vec::new(),
    };
    let stack = watched.iter().find_map(|it| it.stack.as_ref().ok());
    let branch = stack.map(|stack| stack.branch.clone());
    let elsewhere = stack.and_then(|stack| stack.elsewhere.clone());
    let action =
        git.as_ref().map_err(|_| Why::new("git cannot be used")).and_then(|git| newest_action(git, asked));
    let origin = repository.as_ref().ok().and_then(|repository| origin(repository, root));
    let name = origin.and_then(|origin| on_server(&origin, &asked.server));
    let forge = match (name, &client) {
        (Some(name), Ok(client)) => {
            ask_forge(client, asked, name, branch.as_deref().filter(|_| elsewhere.is_none()))
        }
        (None, _) if home.as_ref().is_ok_and(|home| home.origin.is_none()) => Err(Why {
            hint: Some("git remote add origin URL".to_owned()),
            ..Why::new("there is no remote `origin`, so GitHub was not asked")
        }),
        (None, _) => Err(Why::new(format!("origin is not on {}, so GitHub was not asked", asked.server))),
        (_, Err(why)) => Err(why.clone()),
    };
    let fork = elsewhere.map(|url| match (on_server(&url, &asked.server), &client) {
        (Some(name), Ok(client)) => ask_about_fork(client, asked, name, branch.as_deref()),
        (None, _) if url.is_empty() => Err(Why::new("the fork's checkout has no remote `origin`")),
        (None, _) => {
            Err(Why::new(format!("the fork is not on {}, so GitHub was not asked about it", asked.server)))
        }
        (_, Err(why)) => Err(why.clone()),
    });
    Facts {
        git: git.map(|git| git.version().to_owned()).map_err(Why::from),
        lock: lock(context).map_err(Why::from),
        flows: flows(context).map_err(Why::from),
        sources: sources(context).map_err(Why::from),
        workflow: workflow(root, repository.as_ref().ok()).map_err(Why::from),
        home: match home {
            Ok(home) => Ok(home),
            Err(_) => Err(repository.err().map_or_else(|| Why::new("it cannot be opened"), Why::from)),
        },
        watched,
        action,
        forge,
        fork,
    }
}

fn client(context: &Context<'_>) -> Found<Client> {
    let options = Options { attempts: 1, ..Options::default() };
    context.http(options).map_err(|error| Why::from(Failure::from(error)))
}

/// A run that writes nothing.
fn session<'a>(context: &'a Context<'a>) -> Result<Session<'a>> {
    let mut session = Session::open(context, &asked::Asked::look("doctor"))?;
    session.git = session.git.with_patience(PATIENCE);
    Ok(session)
}

fn home(repository: &Repository, root: &Path, server: &str) -> Home {
    let name = origin(repository, root).and_then(|origin| on_server(&origin, server));
    let origin = repository.remote("origin");
    Home {
        web: name
            .map(|name| format!("{server}/{name}"))
            .or_else(|| origin.as_deref().and_then(settings::web_of)),
        origin: origin.map(|url| shown(&url)),
        upstream: repository.remote("upstream").map(|url| shown(&url)),
    }
}

/// Where `origin` is.
fn origin(repository: &Repository, root: &Path) -> Option<String> {
    Some(located(root, &repository.remote("origin")?))
}

/// `owner/name` of the repository at `url`, where that is on `server`.
fn on_server(url: &str, server: &str) -> Option<RepoName> {
    let name: RepoName = public_name(url)?.parse().ok()?;
    let page = settings::web_of(url)?;
    page.eq_ignore_ascii_case(&format!("{server}/{name}")).then_some(name)
}

fn lock(context: &Context<'_>) -> Result<Option<Vec<String>>> {
    let Some((file, text)) = context.workspace.lock()? else { return Ok(None) };
    Ok(Some(Lock::parse(&text, &file)?.warnings))
}

fn flows(context: &Context<'_>) -> Result<Vec<FlowFact>> {
    let flows = found::found(context)?.flows;
    let fact = |flow: &crate::flow::Flow| {
        let standing = (!flow.standing.may_run())
            .then(|| Why { hint: flow.standing.hint(), ..Why::new(flow.standing.to_string()) });
        let broken = flow.manifest.as_ref().err();
        let broken = broken.map(|error| Why { hint: error.hint(), ..Why::new(error.to_string()) });
        FlowFact { place: flow.place(), problem: broken.or(standing) }
    };
    Ok(flows.iter().map(fact).collect())
}

fn sources(context: &Context<'_>) -> Result<Option<SourcesFact>> {
    let Some(file) = context.sources_file() else { return Ok(None) };
    let sources = Sources::parse(&read_bounded(&file, MAX_SOURCES_BYTES as u64)?, &file)?;
    Ok(Some(SourcesFact {
        all: sources.iter().count(),
        working: sources.iter().filter(|source| source.starts_work()).count(),
        warnings: sources.warnings().to_vec(),
    }))
}

fn watched(session: &Session<'_>, client: &Client) -> Vec<Watched> {
    let Ok(sources) = session.sources() else { return Vec::new() };
    sources
        .iter()
        .filter(|source| source.starts_work())
        .map(|source| watch(session, client, source))
        .collect()
}

fn watch(session: &Session<'_>, client: &Client, source: &Source) -> Watched {
    let feed = feed::poll(client, source);
    let feed = feed.map(|entries| entries.len()).map_err(|error| Why::from(Failure::from(error)));
    let listed = listed(session, source);
    let stack = stack(session, source).map_err(Why::from);
    Watched { id: source.id.clone(), feed, newest: listed.map_err(Why::from), stack }
}

fn listed(session: &Session<'_>, source: &Source) -> Result<(usize, Option<crate::ids::TagName>)> {
    let url: RemoteUrl = source.repo.web_url.as_str().parse()?;
    let listing = session.listing(&url, None)?;
    Ok((listing.tags.len(), newest(&listing, Some(source))))
}

/// The stack that a run would carry to the newest release.
fn stack(session: &Session<'_>, source: &Source) -> Result<Stack> {
    let (_, tag) = listed(session, source)?;
    let kind = source.flow_target().map_or(UPSTREAM_RELEASE, |target| &target.event_type);
    let payload = json!({ "repo": source.repo.name, "tag": tag });
    let selection = session.select(kind, &payload, &session.flows);
    let selected = selection.selected.iter().find(|selected| selected.step.runner == Runner::PatchStack);
    let selected = selected.ok_or_else(|| {
        Failure::usage(format!("no flow carries a stack to the releases of {}", source.repo.name))
            .hint("patch-moi init --upstream OWNER/NAME --branch BRANCH --apply")
    })?;
    let job = Job::of_tag(source.repo.name.clone(), tag, Some(source));
    let prepared = preparing::prepare(session, &job, selected)?;
    let gathered = carrying::gather(session, &prepared).map_err(Why::from);
    let in_the_way = match &gathered {
        Ok(_) => in_the_way(&prepared).unwrap_or_default(),
        Err(_) => BTreeSet::new(),
    };
    Ok(Stack {
        elsewhere: is_elsewhere(session, &prepared)
            .then(|| prepared.fork.home().map(|url| url.as_str().to_owned()).unwrap_or_default()),
        base: gathered.map(|gathered| (gathered.inventory.len(), gathered.inventory.base)),
        branch: prepared.branch,
        fork: prepared.fork.name,
        tip: prepared.tip,
        in_the_way,
    })
}

fn is_elsewhere(session: &Session<'_>, prepared: &Prepared) -> bool {
    prepared.config.repo.is_some() && prepared.fork.path() != session.context.workspace.root()
}

/// The workflow files of the release that no branch of the fork has with the same contents.
fn in_the_way(prepared: &Prepared) -> Result<BTreeSet<String>> {
    let (fork, bench) = (&prepared.fork.repository, prepared.bench.repository());
    let mut theirs: BTreeSet<_> = bench.workflows(prepared.tip)?.into_iter().collect();
    for branch in fork.known_branches()? {
        // Of a shallow clone's branch the tree may be missing.
        theirs.extend(fork.workflows(branch).unwrap_or_default());
    }
    let new = bench.workflows(prepared.release.commit)?.into_iter().filter(|file| !theirs.contains(file));
    Ok(new.map(|(path, _)| path).collect())
}

fn workflow(root: &Path, repository: Option<&Repository>) -> Result<Option<WorkflowFile>> {
    let Some(text) = read_own(root, &WORKFLOW.parse::<RelPath>()?, MAX_WORKFLOW)? else { return Ok(None) };
    let on_default = repository.and_then(|repository| {
        let branch = repository.default_of_origin()?;
        let commit = repository.commit(&format!("refs/remotes/origin/{branch}")).ok()?;
        let there = repository.file_at(commit, WORKFLOW);
        Some((branch, there.as_deref() == Some(text.as_str())))
    });
    Ok(Some(WorkflowFile { uses: action::uses(&text), on_default }))
}

fn newest_action(git: &Git, asked: &Asked) -> Found<Pinned> {
    let listed = asked.action_url.parse::<RemoteUrl>().and_then(|url| git.list(&url, None));
    let listing = listed.map_err(|error| Why::from(Failure::from(error)))?;
    action::newest(&listing).ok_or_else(|| Why::new("the action's repository is empty"))
}

fn connect<'a>(client: &'a Client, asked: &Asked, name: RepoName) -> Forge<'a> {
    let forge = Forge::new(client, &asked.api, asked.token.clone(), name);
    match asked.server.parse() {
        Ok(pages) => forge.with_pages(&pages),
        Err(_) => forge,
    }
}

/// What matters of a fork in which no workflow of ours runs.
fn ask_about_fork(
    client: &Client,
    asked: &Asked,
    name: RepoName,
    branch: Option<&str>,
) -> Found<ForkOnForge> {
    let web = format!("{}/{name}", asked.server);
    let forge = connect(client, asked, name);
    let repository = forge.repository();
    if let Err(error) = repository {
        return Err(error.into());
    }
    Ok(ForkOnForge {
        web,
        rules: forge.branch_rules("patch-moi/candidate/v1").map_err(Why::from),
        branch: branch.map(|branch| forge.branch(branch).map_err(Why::from)),
        repository: repository.map_err(Why::from),
    })
}

fn ask_forge(client: &Client, asked: &Asked, name: RepoName, branch: Option<&str>) -> Found<OnForge> {
    let token = match &asked.token {
        None => Token::None,
        Some(token) if forge::is_of_an_app(token) => Token::OfApp,
        Some(_) => Token::Own,
    };
    let forge = connect(client, asked, name);
    let repository = forge.repository();
    match &repository {
        Err(ForgeError::Unauthorized { .. }) => return Ok(refused(token, repository.map_err(Why::from))),
        Err(error) if is_hopeless(error) => return Err(repository.map_or_else(Why::from, |_| Why::new(""))),
        _ => {}
    }
    Ok(OnForge {
        token,
        workflow: forge.workflow(settings::workflow_file()).map_err(Why::from),
        actions: forge.actions_permissions().map_err(Why::from),
        workflow_permissions: forge.workflow_permissions().map_err(Why::from),
        rules: forge.branch_rules("patch-moi/candidate/v1").map_err(Why::from),
        branch: branch.map(|branch| forge.branch(branch).map_err(Why::from)),
        repository: repository.map_err(Why::from),
    })
}

/// What is known where GitHub does not take the token.
fn refused(token: Token, repository: Found<RepositoryFacts>) -> OnForge {
    let why = || Why::new("GitHub does not accept the token");
    OnForge {
        token,
        repository,
        workflow: Err(why()),
        actions: Err(why()),
        workflow_permissions: Err(why()),
        rules: Err(why()),
        branch: None,
    }
}
