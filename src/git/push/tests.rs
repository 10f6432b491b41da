#![expect(clippy::disallowed_methods, reason = "real repositories with real hooks")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::*;
use crate::http::loopback::{Loopback, reply};
use crate::ids::{CommitId, Secret};

const TOKEN: &str = "ghs_very-secret";

/// A repository with commits, and a bare one to push to.
struct Two {
    git: Git,
    own: Repository,
    remote: Repository,
    url: RemoteUrl,
    _dir: TempDir,
}

impl Two {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let own = Repository::make_bare(&dir.path().join("own")).unwrap();
        let remote = Repository::make_bare(&dir.path().join("remote")).unwrap();
        let url = format!("file://{}", remote.path().display()).parse().unwrap();
        Self { git: git(), own, remote, url, _dir: dir }
    }

    fn commit(&self, subject: &str) -> CommitId {
        let repo = &self.own.inner;
        let tree = repo.find_tree(repo.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let who = git2::Signature::new("Ada", "ada@example.org", &git2::Time::new(0, 0)).unwrap();
        super::super::repository::commit_id(repo.commit(None, &who, &who, subject, &tree, &[]).unwrap())
    }

    fn push(&self, moves: &[RefMove]) -> Vec<PushOutcome> {
        let pushed = self.git.push(&self.own, &self.url, moves, None).unwrap();
        assert!(pushed.iter().map(|pushed| &pushed.name).eq(moves.iter().map(|step| &step.name)));
        pushed.into_iter().map(|pushed| pushed.outcome).collect()
    }

    fn at(&self, name: &str) -> Option<CommitId> {
        self.remote.at(&name.parse().unwrap())
    }

    fn hook(&self, name: &str, script: &str) {
        hook(&self.remote.path().join("hooks"), name, script);
    }
}

fn hook(folder: &Path, name: &str, script: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn git() -> Git {
    let parent = [("PATH", std::env::var("PATH").unwrap()), ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned())];
    Git::find(&parent.map(|(name, value)| (name.to_owned(), value)).into()).unwrap()
}

fn step(name: &str, from: Option<CommitId>, to: Option<CommitId>) -> RefMove {
    RefMove { name: name.parse().unwrap(), from, to }
}

const A: &str = "refs/heads/patch-moi/candidate/v1";
const B: &str = "refs/patch-moi/stack/v1";
const STALE: PushOutcome = PushOutcome::Rejected(Rejection::Stale);
const ATOMIC: PushOutcome = PushOutcome::Rejected(Rejection::Atomic);

#[test]
fn a_ref_that_stands_elsewhere_is_stale_and_nothing_moves() {
    let two = Two::new();
    let (one, other) = (two.commit("one"), two.commit("other"));
    assert_eq!(two.push(&[step(A, None, Some(one))]), [PushOutcome::Moved]);

    // It must not exist, and does.
    assert_eq!(two.push(&[step(A, None, Some(other)), step(B, None, Some(other))]), [STALE, ATOMIC]);
    // It must stand somewhere, and does not exist.
    assert_eq!(two.push(&[step(B, Some(one), Some(other))]), [STALE]);
    // It must stand elsewhere.
    assert_eq!(two.push(&[step(A, Some(other), Some(two.commit("third")))]), [STALE]);

    assert_eq!((two.at(A), two.at(B)), (Some(one), None));
}

#[test]
fn nothing_but_patch_mois_own_refs_is_ever_pushed() {
    let two = Two::new();
    let one = two.commit("one");
    for name in ["refs/heads/main", "refs/tags/v1", "refs/heads/patch-moi", "refs/heads/patch-moist/x"] {
        let moves = [step(A, None, Some(one)), step(name, None, Some(one))];
        let refused = two.git.push(&two.own, &two.url, &moves, None).unwrap_err();
        assert!(matches!(&refused, GitError::NotOurs { name: found } if found.as_str() == name), "{refused}");
        assert_eq!((two.at(A), two.at(name)), (None, None));
    }
}

#[test]
fn a_hook_of_the_remote_refuses_and_its_words_are_harmless() {
    let two = Two::new();
    let one = two.commit("one");
    two.hook("pre-receive", r#"printf '\033[31mnot here\n\n::error::taken over\n##[group]x\n' >&2; exit 1"#);

    let refused = two.push(&[step(A, None, Some(one)), step(B, None, Some(one))]);

    let [PushOutcome::Rejected(Rejection::Remote { reason }), _] = &refused[..] else {
        panic!("{refused:?}")
    };
    assert_eq!(reason, r"pre-receive hook declined: \u{1b}[31mnot here; \::error::taken over; ##\[group]x");
    assert_eq!((two.at(A), two.at(B)), (None, None));
}

#[test]
fn a_reason_without_end_is_cut() {
    let two = Two::new();
    two.hook("pre-receive", "i=0; while [ $i -lt 500 ]; do echo 'and so on and so on and so on'; i=$((i+1)); done; head -c 20000 /dev/zero | tr '\\0' x; exit 1");
    let refused = two.push(&[step(A, None, Some(two.commit("one")))]);
    let [PushOutcome::Rejected(Rejection::Remote { reason })] = &refused[..] else { panic!("{refused:?}") };
    assert!(reason.starts_with("pre-receive hook declined: and so on") && reason.chars().count() <= 601);
}

#[test]
fn one_ref_that_the_remote_refuses_holds_the_other_back() {
    let two = Two::new();
    let one = two.commit("one");
    two.hook("update", &format!("[ $1 != {B} ]"));

    let refused = two.push(&[step(A, None, Some(one)), step(B, None, Some(one))]);

    assert_eq!(refused[0], ATOMIC);
    assert!(
        matches!(&refused[1], PushOutcome::Rejected(Rejection::Remote { reason }) if reason.starts_with("hook declined"))
    );
    assert_eq!((two.at(A), two.at(B)), (None, None));
}

#[test]
fn refs_move_together_and_again_and_go() {
    let two = Two::new();
    let (one, other) = (two.commit("one"), two.commit("other"));
    let both = [step(A, None, Some(one)), step(B, None, Some(one))];
    assert_eq!(two.push(&both), [PushOutcome::Moved, PushOutcome::Moved]);
    // What was pushed before, by a run that heard no answer, is no race.
    assert_eq!(two.push(&both), [PushOutcome::Moved, PushOutcome::Moved]);

    let next = [step(A, Some(one), Some(other)), step(B, Some(one), None)];
    assert_eq!(two.push(&next), [PushOutcome::Moved, PushOutcome::Moved]);

    assert_eq!((two.at(A), two.at(B)), (Some(other), None));
    assert_eq!(two.push(&[]), []);
}

#[test]
fn no_hook_and_no_program_of_the_pushing_repository_is_run() {
    let two = Two::new();
    let mark = two.own.path().join("ran");
    let script = format!("touch {}; exit 1", mark.display());
    hook(&two.own.path().join("hooks"), "pre-push", &script);
    hook(two.own.path(), "receive", &script);
    let mut config = two.own.inner.config().unwrap();
    let receive = two.own.path().join("receive").display().to_string();
    config.set_str(&format!("remote.{}.receivepack", two.url.as_str()), &receive).unwrap();
    config.set_bool("push.gpgSign", true).unwrap();
    config.set_str("push.pushOption", "x=y").unwrap();

    assert_eq!(two.push(&[step(A, None, Some(two.commit("one")))]), [PushOutcome::Moved]);

    assert!(!mark.exists());
}

#[test]
fn a_remote_that_is_not_there_is_an_error_with_a_way_out() {
    let two = Two::new();
    let nowhere: RemoteUrl = "file:///nowhere/at/all".parse().unwrap();
    let error = two.git.push(&two.own, &nowhere, &[step(A, None, Some(two.commit("one")))], None);
    let error = error.unwrap_err();
    assert!(matches!(error, GitError::NotPushed { .. }) && error.hint().is_some(), "{error}");
}

/// A server that writes down the headers of every request and answers with `head`.
fn listening(head: String) -> (Loopback, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let server = Loopback::start(move |asked, stream| {
        kept.lock().unwrap().push(asked.headers.clone());
        reply(stream, &head, b"no");
    });
    (server, seen)
}

fn authorizations(seen: &Mutex<Vec<String>>) -> Vec<Vec<String>> {
    let of = |headers: &String| {
        headers.lines().filter(|line| line.starts_with("authorization:")).map(str::to_owned).collect()
    };
    seen.lock().unwrap().iter().map(of).collect()
}

fn ours() -> String {
    let pair =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("x-access-token:{TOKEN}"));
    format!("authorization: basic {}", pair.to_ascii_lowercase())
}

#[test]
fn exactly_our_token_goes_to_its_host_whatever_a_checkout_has_left_behind() {
    let two = Two::new();
    let (server, seen) = listening("403 Forbidden".to_owned());
    let url: RemoteUrl = server.url("/acme/engine").as_str().parse().unwrap();
    let mut config = two.own.inner.config().unwrap();
    for place in [String::new(), format!("{}.", server.url("/")), format!("{}.", url.as_str())] {
        config.set_str(&format!("http.{place}extraheader"), "AUTHORIZATION: basic b3RoZXI=").unwrap();
    }
    let credential = Credential::new(Secret::new(TOKEN).unwrap(), &server.url("/"));

    let pushed = two.git.push(&two.own, &url, &[step(A, None, Some(two.commit("one")))], Some(&credential));
    let error = pushed.unwrap_err();
    assert!(matches!(error, GitError::NotAllowed { .. }), "{error:?}");
    assert!(!format!("{error:?}{credential:?}").contains(TOKEN));
    let with = two.git.with_credential(Some(&credential));
    assert!(with.list(&url, Some(&two.own)).is_err());
    assert!(with.fetch_branch(&two.own, &url, "main").is_err());

    let seen = authorizations(&seen);
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|headers| *headers == [ours()]), "{seen:?}");
}

#[test]
fn no_other_host_sees_the_token() {
    let two = Two::new();
    let (elsewhere, seen_elsewhere) = listening("404 Not Found".to_owned());
    let url: RemoteUrl = elsewhere.url("/acme/engine").as_str().parse().unwrap();
    let (home, seen_at_home) = listening(format!("302 Found\nLocation: {}/info/refs", url.as_str()));
    let credential = Credential::new(Secret::new(TOKEN).unwrap(), &home.url("/"));
    let moves = [step(A, None, Some(two.commit("one")))];

    // The URL of another host, and a redirect to it.
    assert!(two.git.push(&two.own, &url, &moves, Some(&credential)).is_err());
    let redirecting: RemoteUrl = home.url("/acme/engine").as_str().parse().unwrap();
    assert!(two.git.push(&two.own, &redirecting, &moves, Some(&credential)).is_err());

    let (elsewhere, home) = (authorizations(&seen_elsewhere), authorizations(&seen_at_home));
    assert!(!elsewhere.is_empty() && elsewhere.iter().all(Vec::is_empty), "{elsewhere:?}");
    assert!(home.iter().all(|headers| *headers == [ours()]) && !home.is_empty(), "{home:?}");
}

#[test]
fn only_its_own_origin_fits_a_token() {
    let credential = Credential::new(Secret::new(TOKEN).unwrap(), &"https://github.com".parse().unwrap());
    for (url, fits) in [
        ("https://github.com/a/b", true),
        ("https://x:y@github.com:443/a/b", true),
        ("https://github.com.example.org/a/b", false),
        ("https://github.com:8443/a/b", false),
        ("ssh://git@github.com/a/b", false),
        ("git@github.com:a/b", false),
        ("file:///a/b", false),
        ("/github.com/a/b", false),
    ] {
        assert_eq!(credential.fits(&url.parse().unwrap()), fits, "{url}");
    }
}
