//! From what was found to what is right and what is not: one small function a check.

use schemars::JsonSchema;
use serde::Serialize;

use super::facts::{Facts, ForkOnForge, Found, Home, OnForge, Stack, Token, Watched, Why, WorkflowFile};
use crate::forge::{BranchFacts, ForgeError, RepositoryFacts, WorkflowState};
use crate::pipeline::init::{Pinned, WORKFLOW, settings};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// Something is lost, and runs go on.
    Warning,
    /// A run cannot do its work.
    Wrong,
    /// It could not be found out.
    Unknown,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    /// Its name.
    pub(super) name: String,
    /// How it came out.
    pub(super) level: Level,
    /// What was found.
    pub(super) found: String,
    /// Why it matters.
    pub(super) why: &'static str,
    /// The one command or link that mends it.
    pub(super) mend: Option<String>,
}

/// What a check is about.
#[derive(Debug, Clone, Copy)]
struct About {
    name: &'static str,
    why: &'static str,
}

const fn about(name: &'static str, why: &'static str) -> About {
    About { name, why }
}

impl About {
    fn check(self, level: Level, found: impl Into<String>, mend: Option<String>) -> Check {
        Check { name: self.name.to_owned(), level, found: found.into(), why: self.why, mend }
    }

    fn ok(self, found: impl Into<String>) -> Check {
        self.check(Level::Ok, found, None)
    }

    fn wrong(self, why: &Why) -> Check {
        self.check(Level::Wrong, &why.message, why.hint.clone())
    }

    /// What a person can look up at `page`, and most tokens cannot.
    fn hidden(self, why: &Why, page: Option<String>) -> Check {
        self.check(Level::Unknown, &why.message, page)
    }

    fn unknown(self, why: &Why) -> Check {
        self.check(Level::Unknown, &why.message, why.hint.clone())
    }
}

/// Every check, in the order in which a run needs what it is about.
pub(super) fn all(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![git(&facts.git), remotes(&facts.home), lock(&facts.lock)];
    checks.extend(flows(facts));
    checks.push(sources(facts));
    for watched in &facts.watched {
        let named = |mut check: Check| {
            if facts.watched.len() > 1 {
                check.name = format!("{} ({})", check.name, watched.id);
            }
            check
        };
        checks.extend(source(watched).into_iter().map(named));
    }
    checks.extend(workflow(&facts.workflow, &facts.action));
    let base = facts.home.as_ref().ok().and_then(|home| home.web.clone());
    checks.extend(forge(&facts.forge, base.as_deref(), facts.fork.is_none()));
    checks.extend(facts.fork.iter().flat_map(fork));
    checks
}

fn git(found: &Found<String>) -> Check {
    let about = about("git", "merges are git's own, and older ones have none without a work tree");
    match found {
        Ok(version) => about.ok(version),
        Err(why) => about.wrong(why),
    }
}

fn remotes(found: &Found<Home>) -> Check {
    let about =
        about("remotes", "what is published goes to `origin`, and a branch that is only there is fetched");
    match found {
        Err(why) => about.wrong(why),
        Ok(Home { origin: None, .. }) => about.check(
            Level::Warning,
            "there is no remote `origin`",
            Some("git remote add origin URL".to_owned()),
        ),
        Ok(Home { origin: Some(origin), upstream, .. }) => {
            let upstream = upstream.as_ref().map_or_else(String::new, |url| format!(", upstream {url}"));
            about.ok(format!("origin {origin}{upstream}"))
        }
    }
}

fn lock(found: &Found<Option<Vec<String>>>) -> Check {
    let about = about("lock", "a flow in .codex/flows runs only where the lock pins its contents");
    match found {
        Err(why) => about.wrong(why),
        Ok(None) => about.ok("there is none, and no installed flow may run"),
        Ok(Some(warnings)) if warnings.is_empty() => about.ok("it can be read"),
        Ok(Some(warnings)) => about.check(Level::Warning, warnings.join("; "), None),
    }
}

fn flows(facts: &Facts) -> Vec<Check> {
    let about = about("flows", "a flow says which branch is carried; without one a release is only recorded");
    let flows = match &facts.flows {
        Err(why) => return vec![about.unknown(why)],
        Ok(flows) => flows,
    };
    let broken = flows.iter().filter_map(|flow| {
        let why = flow.problem.as_ref()?;
        Some(about.check(Level::Wrong, format!("{}: {}", flow.place, why.message), why.hint.clone()))
    });
    let mut checks: Vec<Check> = broken.collect();
    let may_run: Vec<&str> =
        flows.iter().filter(|flow| flow.problem.is_none()).map(|flow| flow.place.as_str()).collect();
    if !may_run.is_empty() {
        checks.push(about.ok(format!("{} may run", may_run.join(", "))));
    } else if checks.is_empty() {
        checks.push(about.check(Level::Wrong, "there is none", Some(INIT.to_owned())));
    }
    checks
}

/// What makes the files that are missing.
const INIT: &str = "patch-moi init --upstream OWNER/NAME --branch BRANCH --apply";

fn sources(facts: &Facts) -> Check {
    let about = about("sources", "feed-sources.json says which upstream a scheduled run looks at");
    match &facts.sources {
        Err(why) => about.wrong(why),
        Ok(None) => about.check(Level::Wrong, "there is no feed-sources.json", Some(INIT.to_owned())),
        Ok(Some(sources)) if sources.working == 0 => about.check(
            Level::Wrong,
            format!("none of its {} sources starts work", sources.all),
            Some(INIT.to_owned()),
        ),
        Ok(Some(sources)) if !sources.warnings.is_empty() => {
            about.check(Level::Warning, sources.warnings.join("; "), None)
        }
        Ok(Some(sources)) => about.ok(format!("{} of {} start work", sources.working, sources.all)),
    }
}

fn source(watched: &Watched) -> Vec<Check> {
    let feed = about("feed", "it brings names and dates of releases; what is released is known without it");
    let feed = match &watched.feed {
        Ok(entries) => feed.ok(format!("it can be read and has {entries} entries")),
        Err(why) => feed.check(Level::Warning, &why.message, why.hint.clone()),
    };
    let upstream = about("upstream", "its tags say what is released");
    let tags = about("releases", "a tag that the pattern does not fit is never carried to");
    let mut checks = vec![feed];
    match &watched.newest {
        Err(why) => checks.push(upstream.wrong(why)),
        Ok((count, newest)) => {
            checks.push(upstream.ok(format!("it can be read and has {count} tags")));
            checks.push(match newest {
                Some(tag) => tags.ok(format!("the newest is {tag}")),
                None => tags.check(
                    Level::Wrong,
                    "no tag fits the pattern of a release",
                    Some("set `tagPattern` in feed-sources.json".to_owned()),
                ),
            });
        }
    }
    checks.extend(stack(&watched.stack));
    checks
}

fn stack(found: &Found<Stack>) -> Vec<Check> {
    let branch = about("branch", "it carries the patches");
    let idle = about("work tree", "a branch that is being rebased is not carried");
    let base = about("base", "what upstream does not have is a patch: too many mean another upstream");
    let files = about(
        "workflow files",
        "the workflows' own token may push no workflow file that the fork does not have",
    );
    match found {
        Err(why) if why.blocked => vec![idle.wrong(why)],
        Err(why) => vec![branch.wrong(why)],
        Ok(stack) => {
            let tip = stack.tip.short();
            let stands = match &stack.base {
                Err(why) => base.wrong(why),
                Ok((0, on)) => base.check(
                    Level::Warning,
                    format!("no patch stands on upstream's {}", on.short()),
                    Some("check `target_branch` in flow.toml".to_owned()),
                ),
                Ok((count, on)) => base.ok(format!("{count} patches stand on upstream's {}", on.short())),
            };
            let mut checks = vec![
                branch.ok(format!("{} of {} is at {tip}", stack.branch, stack.fork)),
                idle.ok("nothing is in progress"),
                stands,
            ];
            if stack.base.is_ok() {
                checks.push(if stack.in_the_way.is_empty() {
                    files.ok("the fork has every workflow file of the release")
                } else {
                    let names: Vec<&str> = stack.in_the_way.iter().map(String::as_str).take(5).collect();
                    let found = format!(
                        "{} of the release are new to the fork: {}",
                        stack.in_the_way.len(),
                        names.join(", ")
                    );
                    let mend =
                        "add the secret PATCH_MOI_TOKEN, a token with Contents, Pull requests and Workflows";
                    files.check(Level::Warning, found, Some(mend.to_owned()))
                });
            }
            checks
        }
    }
}

fn workflow(found: &Found<Option<WorkflowFile>>, action: &Found<Pinned>) -> Vec<Check> {
    let file = about("workflow", "it makes GitHub look for releases");
    let place = about("default branch", "schedules run from the default branch only");
    let pin = about("action", "an older release of the action lacks what was mended since");
    let workflow = match found {
        Err(why) => return vec![file.wrong(why)],
        Ok(None) => {
            return vec![file.check(Level::Wrong, format!("there is no {WORKFLOW}"), Some(INIT.to_owned()))];
        }
        Ok(Some(workflow)) => workflow,
    };
    let mut checks = Vec::new();
    let named: Vec<&str> = workflow.uses.iter().map(|found| found.at.as_str()).collect();
    if named.is_empty() {
        let found = format!("{WORKFLOW} does not name the action");
        checks.push(file.check(Level::Warning, found, Some(format!("{INIT} --overwrite"))));
    } else if named.iter().any(|at| at.parse::<crate::ids::CommitId>().is_err()) {
        let found = format!("{WORKFLOW} names the action by `{}`, which others can move", named.join(", "));
        checks.push(file.check(Level::Warning, found, Some(INIT.to_owned())));
    } else {
        checks.push(file.ok(format!("{WORKFLOW} names the action by commit")));
    }
    checks.push(match &workflow.on_default {
        Some((branch, true)) => place.ok(format!("`{branch}` of origin has the workflow")),
        Some((branch, false)) => place.check(
            Level::Warning,
            format!(
                "`{branch}` of origin does not have the workflow as it is here, as far as this clone knows"
            ),
            Some(format!("commit it on `{branch}`, then: git push origin {branch}")),
        ),
        None => place.unknown(&Why {
            hint: Some("git remote set-head origin --auto".to_owned()),
            ..Why::new("the default branch of origin is not known here")
        }),
    });
    checks.push(match action {
        Err(why) => pin.unknown(why),
        Ok(newest) if named.iter().all(|at| *at == newest.commit.to_string()) => {
            pin.ok(format!("{} is what its repository has", newest.comment))
        }
        Ok(newest) => pin.check(
            Level::Warning,
            format!("{} is newer than what the workflow names", newest.comment),
            Some(INIT.to_owned()),
        ),
    });
    checks
}

fn forge(found: &Found<OnForge>, web: Option<&str>, is_fork: bool) -> Vec<Check> {
    let token = about("token", "it decides what can be published, and what can be found out here");
    let asked = match found {
        Err(why) => return vec![token.unknown(why)],
        Ok(asked) => asked,
    };
    let page = |path: &str| Some(format!("{}{path}", web.unwrap_or("https://github.com/YOU/REPOSITORY")));
    let mut checks = vec![may(token, asked, page("/settings/secrets/actions/new"))];
    checks.push(schedule(asked, page(&format!("/actions/workflows/{}", settings::workflow_file()))));
    checks.push(actions(asked, page("/settings/actions")));
    if is_fork {
        checks.push(pull_requests(asked, page("/settings/actions")));
        checks.push(issues(&asked.repository, page("/settings")));
        checks.push(rules(&asked.rules, page("/settings/rules")));
        checks.extend(asked.branch.as_ref().map(|branch| protection(branch, page("/settings/branches"))));
    }
    checks.extend(workflows(asked, is_fork, page("/settings/secrets/actions")));
    checks
}

/// What is asked of a fork that is another repository: no workflow of ours runs there.
fn fork(found: &Found<ForkOnForge>) -> Vec<Check> {
    let about = about("fork", "branch, pull request and issue go there; the workflow runs elsewhere");
    let asked = match found {
        Err(why) => return vec![about.unknown(why)],
        Ok(asked) => asked,
    };
    let page = |path: &str| Some(format!("{}{path}", asked.web));
    let is_archived = asked.repository.as_ref().is_ok_and(|found| found.archived);
    let mut checks = vec![if is_archived {
        about.check(Level::Wrong, "the fork is archived and takes nothing", page("/settings"))
    } else {
        about.ok(format!("{} can be asked about", asked.web))
    }];
    checks.push(issues(&asked.repository, page("/settings")));
    checks.push(rules(&asked.rules, page("/settings/rules")));
    checks.extend(asked.branch.as_ref().map(|branch| protection(branch, page("/settings/branches"))));
    checks
}

/// What GitHub tells of no token but a classic one, and that in a header that says nothing of the others.
fn workflows(asked: &OnForge, is_fork: bool, mend: Option<String>) -> Option<Check> {
    let about = about("permissions", "a release with new workflow files needs a token with Workflows");
    let found = match (asked.token, is_fork) {
        (_, false) => {
            "the workflow's own token cannot write to the fork, and whether the secret PATCH_MOI_TOKEN has Contents, \
             Pull requests, Issues and Workflows there cannot be seen"
        }
        (Token::None, true) => return None,
        (Token::OfApp, true) => {
            "the workflow's own token never has Workflows, and of an app's it cannot be seen"
        }
        (Token::Own, true) => {
            "whether a token has Workflows cannot be seen, nor what a fine-grained one may write"
        }
    };
    Some(about.unknown(&Why { hint: mend, ..Why::new(found) }))
}

fn may(about: About, asked: &OnForge, mend: Option<String>) -> Check {
    match &asked.repository {
        Err(why) if asked.token != Token::None => about.wrong(why),
        Err(why) => about.unknown(why),
        Ok(found) if found.archived => about.check(Level::Wrong, "the repository is archived", mend),
        Ok(_) if asked.token == Token::None => about.unknown(&Why {
            hint: Some("set PATCH_MOI_TOKEN, GITHUB_TOKEN or GH_TOKEN".to_owned()),
            ..Why::new("there is no token, so only what everybody may see was checked")
        }),
        Ok(_) if asked.token == Token::OfApp => about.ok("it is valid; GitHub does not say what it may do"),
        Ok(found) => match found.permissions {
            Some(may) if may.push => about.ok("it is valid, and its owner may push"),
            Some(_) => about.check(Level::Warning, "it is valid, and its owner may not push here", mend),
            None => about.ok("it is valid; GitHub does not say what it may do"),
        },
    }
}

fn schedule(asked: &OnForge, mend: Option<String>) -> Check {
    let about =
        about("schedule", "in forks schedules are off at first, and after 60 days without activity again");
    let found = match &asked.workflow {
        Err(why) => return about.unknown(why),
        Ok(found) => found,
    };
    let what = match found.state {
        WorkflowState::Active => return about.ok("the workflow is active"),
        WorkflowState::DisabledFork => "the workflow is off, as in every fork until somebody enables it",
        WorkflowState::DisabledInactivity => "the workflow is off after 60 days without activity",
        WorkflowState::DisabledManually => "somebody has turned the workflow off",
        WorkflowState::Deleted => "the workflow's file is gone from the default branch",
        WorkflowState::Unknown => "GitHub names a state of the workflow that is not known here",
    };
    about.check(Level::Wrong, what, mend)
}

fn actions(asked: &OnForge, mend: Option<String>) -> Check {
    let about = about("actions", "without them nothing runs");
    match &asked.actions {
        Err(why) => about.hidden(why, mend),
        Ok(found) if !found.enabled => about.check(Level::Wrong, "they are off in this repository", mend),
        Ok(found) if found.allowed_actions.as_deref() == Some("local_only") => {
            about.check(Level::Wrong, "only actions of the same owner may be used", mend)
        }
        Ok(found) if found.allowed_actions.as_deref() == Some("selected") => {
            about.check(Level::Warning, "only selected actions may be used: see that patch-moi is one", mend)
        }
        Ok(_) => about.ok("they are on"),
    }
}

fn pull_requests(asked: &OnForge, mend: Option<String>) -> Check {
    let about = about("pull requests", "where workflows may open none, a candidate is reported in an issue");
    match &asked.workflow_permissions {
        Err(why) => about.hidden(why, mend),
        Ok(found) if found.can_approve_pull_request_reviews => about.ok("workflows may open them"),
        Ok(_) => about.check(Level::Warning, "workflows may open none", mend),
    }
}

fn issues(found: &Found<RepositoryFacts>, mend: Option<String>) -> Check {
    let about = about("issues", "a conflict is reported in one; without them it stands in the summary only");
    match found {
        Err(why) => about.unknown(why),
        Ok(found) if found.has_issues => about.ok("they are on"),
        Ok(_) => about.check(Level::Warning, "they are off", mend),
    }
}

fn rules(found: &Found<Vec<String>>, mend: Option<String>) -> Check {
    let about = about("rules", "branches below patch-moi/ are made, moved and removed by runs");
    const IN_THE_WAY: [&str; 9] = [
        "creation",
        "update",
        "deletion",
        "non_fast_forward",
        "required_signatures",
        "pull_request",
        "required_linear_history",
        "required_status_checks",
        "commit_message_pattern",
    ];
    match found {
        Err(why) => about.unknown(why),
        Ok(kinds) => {
            let found: Vec<&str> =
                kinds.iter().map(String::as_str).filter(|kind| IN_THE_WAY.contains(kind)).collect();
            if found.is_empty() {
                about.ok("none is in the way of patch-moi/*")
            } else {
                let what = format!("rules are in the way of patch-moi/*: {}", found.join(", "));
                about.check(Level::Warning, what, mend)
            }
        }
    }
}

fn protection(found: &Found<BranchFacts>, mend: Option<String>) -> Check {
    let about =
        about("branch protection", "landing a candidate replaces the maintained branch, with a lease");
    match found {
        Err(why) => about.unknown(why),
        Ok(found) if found.protected => about.check(
            Level::Warning,
            "the maintained branch is protected: who lands must be allowed to force",
            mend,
        ),
        Ok(_) => about.ok("the maintained branch is not protected"),
    }
}

/// Whether asking on is of no use.
pub(super) const fn is_hopeless(error: &ForgeError) -> bool {
    matches!(error, ForgeError::Unreachable { .. } | ForgeError::RateLimited { .. })
}
