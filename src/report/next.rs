//! What a person does next, as lines that can be pasted into a shell.

use crate::candidate::{CheckOutcome, Document, Outcome};
use crate::report::words::shown;
use crate::stack::{Patch, Verdict};

/// What stands for what in the lines for any machine.
const ARTIFACT: &str = "ARTIFACT is the folder that holds candidate.json.";

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NextStep {
    /// Why, as a sentence.
    pub(crate) what: String,
    /// The commands, one a line; none where only a person can do it.
    pub(crate) commands: Vec<String>,
}

/// What to do on the machine that made the candidate: its commits are in the repository at
/// `checkout`. `workspace` is named where a command would not find it by itself.
pub(crate) fn next_here(document: &Document, checkout: &str, workspace: Option<&str>) -> Vec<NextStep> {
    let git = format!("git -C {}", shell_quote(checkout));
    match document.status {
        Outcome::Incomplete => {
            let folder = beside(checkout, document.event.tag.slug().as_str());
            let Some(patch) = first_conflict(document) else { return Vec::new() };
            let tag = shell_quote(document.event.tag.as_str());
            let root = workspace.map(|root| format!(" --workspace-root {}", shell_quote(root)));
            let root = root.unwrap_or_default();
            vec![
                settle(patch, format!("patch-moi resume {tag}{root}")),
                NextStep {
                    what: "Or, with plain git:".to_owned(),
                    commands: stop(document, patch, &git, &folder),
                },
            ]
        }
        Outcome::Candidate if document.has_own_commit() => vec![look(document, &git)],
        Outcome::Failed => failed_checks(document),
        Outcome::Candidate | Outcome::Adopted => Vec::new(),
    }
}

/// What to do in any clone of the fork, wherever the artifact was unpacked: `ARTIFACT` stands for
/// its folder.
pub(crate) fn next_away(document: &Document) -> Vec<NextStep> {
    let fetched = fetch(document);
    match document.status {
        Outcome::Incomplete => {
            let slug = document.event.tag.slug();
            let name = format!("../patch-moi-{slug}");
            let folder = Folder { from_repository: name.clone(), from_here: name };
            let Some(patch) = first_conflict(document) else { return vec![fetched] };
            let mut here = settle(patch, "patch-moi resume ARTIFACT".to_owned());
            here.what = format!("{} {ARTIFACT}", here.what);
            let plain = NextStep {
                what: format!(
                    "Or, with plain git: bring the release and what was carried, and stop at “{}”.",
                    shown(&patch.subject)
                ),
                commands: [fetched.commands, stop(document, patch, "git", &folder)].concat(),
            };
            vec![here, plain]
        }
        Outcome::Candidate if document.has_own_commit() => {
            vec![fetched, look(document, "git"), land(document)]
        }
        Outcome::Failed => std::iter::once(fetched).chain(failed_checks(document)).collect(),
        Outcome::Candidate | Outcome::Adopted => Vec::new(),
    }
}

/// `text` as one word of a POSIX shell.
pub(crate) fn shell_quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A folder, as `git -C REPOSITORY` reads its name and as the person's shell does.
pub(crate) struct Folder {
    from_repository: String,
    /// As the person's shell reads it.
    pub(crate) from_here: String,
}

/// A folder beside the repository, named after it and the release.
pub(crate) fn beside(checkout: &str, slug: &str) -> Folder {
    let trimmed = checkout.trim_end_matches('/');
    let last = trimmed.rsplit('/').next().unwrap_or_default();
    let name = if last.chars().all(|c| c == '.') { "patch-moi" } else { last };
    if checkout.starts_with('/') {
        let parent = &trimmed[..trimmed.len() - last.len()];
        let folder = format!("{parent}{name}-{slug}");
        return Folder { from_repository: folder.clone(), from_here: folder };
    }
    let from_repository = format!("../{name}-{slug}");
    Folder { from_here: format!("{trimmed}/{from_repository}"), from_repository }
}

fn first_conflict(document: &Document) -> Option<&Patch> {
    document.carry.patches.iter().find(|patch| patch.verdict == Verdict::Conflict)
}

/// What brings a person to the first root conflict, and from there to the next.
fn settle(patch: &Patch, command: String) -> NextStep {
    let what = format!("In a clone of the fork, settle “{}” where git stops at it.", shown(&patch.subject));
    NextStep { what, commands: vec![command] }
}

/// The same for the first root conflict, with nothing but git.
fn stop(document: &Document, patch: &Patch, git: &str, folder: &Folder) -> Vec<String> {
    let commit = patch.tried_on.unwrap_or(document.carry.candidate.commit);
    let mainline = if patch.merge { "-m 1 " } else { "" };
    vec![
        format!("{git} worktree add --detach {} {commit}", shell_quote(&folder.from_repository)),
        format!("git -C {} cherry-pick {mainline}{}", shell_quote(&folder.from_here), patch.commit),
    ]
}

pub(super) fn look(document: &Document, git: &str) -> NextStep {
    let Document { carry, .. } = document;
    NextStep {
        what: "Look at the stack as it would be.".to_owned(),
        commands: vec![format!("{git} log --oneline --graph {}..{}", carry.onto, document.delivered())],
    }
}

/// The one push that replaces the branch, refused by the remote where somebody moved it since.
pub(super) fn land(document: &Document) -> NextStep {
    let branch = format!("refs/heads/{}", document.fork.branch);
    let lease = shell_quote(&format!("{branch}:{}", document.carry.tip));
    let target = shell_quote(&format!("{}:{branch}", document.delivered()));
    NextStep {
        what: format!("Land it: this replaces {} by the carried stack.", shown(&document.fork.branch)),
        commands: vec![format!("git push --force-with-lease={lease} origin {target}")],
    }
}

/// The release and the candidate's commits, into a clone that may have neither.
fn fetch(document: &Document) -> NextStep {
    let Document { event, upstream, carry, .. } = document;
    let slug = event.tag.slug();
    let tag = format!("refs/tags/{0}:refs/patch-moi/upstream/{1}/tags/{0}", event.tag, upstream.repository);
    let mut commands =
        vec![format!("git fetch --no-tags {} {}", shell_quote(&upstream.url), shell_quote(&tag))];
    if let Some(bundle) = &document.bundle {
        let kept = if carry.candidate.complete { "candidate" } else { "incomplete" };
        let mut refs = Vec::new();
        if document.has_own_commit() {
            refs.push(shell_quote(&format!("+refs/patch-moi/candidate/{slug}:refs/patch-moi/{kept}/{slug}")));
        }
        if carry.partial.is_some_and(|partial| partial != carry.onto && partial != carry.candidate.commit) {
            refs.push(shell_quote(&format!("+refs/patch-moi/partial/{slug}:refs/patch-moi/partial/{slug}")));
        }
        if !refs.is_empty() {
            commands.push(format!("git fetch --no-tags ARTIFACT/{} {}", shell_quote(bundle), refs.join(" ")));
        }
    }
    let what = format!("In a clone of the fork, bring the release and what was carried. {ARTIFACT}");
    NextStep { what, commands }
}

fn failed_checks(document: &Document) -> Vec<NextStep> {
    let step = |check: &CheckOutcome| NextStep {
        what: format!(
            "Read {} of the artifact: the check {} did not pass. It ran: {}",
            shown(&check.log),
            shown(&check.name),
            shown(&check.command.join(" "))
        ),
        commands: Vec::new(),
    };
    document.checks.iter().filter(|check| check.refuses()).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::sample;

    fn commands(steps: Vec<NextStep>) -> String {
        steps.into_iter().flat_map(|step| step.commands).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_path_with_words_of_the_shell_in_it_is_one_word() {
        for (text, word) in [
            ("/a/b-1.0", "/a/b-1.0"),
            ("a b", "'a b'"),
            ("$(rm -rf ~)", "'$(rm -rf ~)'"),
            ("it's", r"'it'\''s'"),
            ("--branch", "--branch"),
            ("", "''"),
        ] {
            assert_eq!(shell_quote(text), word);
        }
    }

    #[test]
    fn the_worktree_lies_beside_the_repository_however_it_is_named() {
        for (checkout, add, pick) in [
            ("/tmp/fork", "/tmp/fork-v1.1.0", "/tmp/fork-v1.1.0"),
            ("/tmp/my fork/", "'/tmp/my fork-v1.1.0'", "'/tmp/my fork-v1.1.0'"),
            ("../codex", "../codex-v1.1.0", "../codex/../codex-v1.1.0"),
            (".", "../patch-moi-v1.1.0", "./../patch-moi-v1.1.0"),
        ] {
            let said = commands(next_here(&sample::document(), checkout, None));
            assert!(said.contains(&format!("add --detach {add} ")), "{said}");
            assert!(said.contains(&format!("git -C {pick} cherry-pick ")), "{said}");
        }
    }

    #[test]
    fn away_from_the_machine_the_release_comes_first() {
        insta::assert_snapshot!(commands(next_away(&sample::document())), @"
        patch-moi resume ARTIFACT
        git fetch --no-tags https://git.example.org/sample/upstream refs/tags/v1.1.0:refs/patch-moi/upstream/sample/upstream/tags/v1.1.0
        git fetch --no-tags ARTIFACT/candidate.bundle +refs/patch-moi/candidate/v1.1.0:refs/patch-moi/incomplete/v1.1.0 +refs/patch-moi/partial/v1.1.0:refs/patch-moi/partial/v1.1.0
        git worktree add --detach ../patch-moi-v1.1.0 4646464646464646464646464646464646464646
        git -C ../patch-moi-v1.1.0 cherry-pick 0707070707070707070707070707070707070707
        ");
        insta::assert_snapshot!(commands(next_away(&sample::about(sample::complete()))), @r"
        git fetch --no-tags https://git.example.org/sample/upstream refs/tags/v1.1.0:refs/patch-moi/upstream/sample/upstream/tags/v1.1.0
        git fetch --no-tags ARTIFACT/candidate.bundle +refs/patch-moi/candidate/v1.1.0:refs/patch-moi/candidate/v1.1.0
        git log --oneline --graph c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2..4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c
        git push --force-with-lease=refs/heads/main:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c origin 4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c:refs/heads/main
        ");
    }

    #[test]
    fn a_merge_in_conflict_says_which_side_is_the_stack() {
        let merge = sample::carry(vec![sample::conflict(1, "Merge topic", &["a"])]);
        let mut document = sample::about(merge);
        document.carry.patches[0].merge = true;
        assert!(commands(next_here(&document, "/f", None)).contains("cherry-pick -m 1 "));
    }

    #[test]
    fn what_needs_nobody_has_no_next_step() {
        let mut document = sample::about(sample::complete());
        document.status = Outcome::Adopted;
        assert!(next_here(&document, "/f", None).is_empty() && next_away(&document).is_empty());
    }
}
