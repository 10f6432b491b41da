//! Publishing to GitHub: a draft pull request, else an issue, else the summary, and the token stays where
//! it belongs.

mod refused;
mod told;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{
    Asked, GitHub, Output, Program, REPO, Said, TOKEN, Workspace, basic, executable, patch_moi, write,
};
use crate::verify::{carried, downloaded};

const CANDIDATE: &str = "refs/heads/patch-moi/candidate/v2";
const STATE: &str = "refs/patch-moi/state";
const PULLS: &str = "POST /repos/you/fork/pulls";
const ISSUES: &str = "POST /repos/you/fork/issues";
const SETTINGS: &str = "/you/fork/settings";

/// A fork on GitHub, and the folder that a run's job has handed on.
struct World {
    workspace: Workspace,
    github: GitHub,
    home: PathBuf,
    dir: PathBuf,
}

impl World {
    /// After a run of the carry to v2.
    fn after(workspace: Workspace) -> Self {
        let home = workspace.data().parent().unwrap().to_owned();
        let remote = home.join("remote.git");
        workspace.fork.git(&["init", "--quiet", "--bare", "--initial-branch=main", remote.to_str().unwrap()]);
        workspace.fork.git(&["push", "--quiet", remote.to_str().unwrap(), "main"]);
        let github = GitHub::new(&remote);
        workspace.fork.git(&["remote", "add", "origin", &format!("{}/{REPO}.git", github.web())]);
        let dir = downloaded(&workspace, "v2");
        let world = Self { workspace, github, home, dir };
        world.forget();
        world
    }

    fn carried() -> Self {
        Self::after(carried())
    }

    fn conflicting() -> Self {
        let workspace = Workspace::conflicting().with_flow("");
        workspace.follow("file:///none", &json!({}));
        let _ = workspace.run_tag("v2").run().exits(3);
        Self::after(workspace)
    }

    /// The job that publishes has another machine.
    fn forget(&self) {
        let _ = fs::remove_dir_all(self.workspace.path().join(".codex/workspace"));
        let _ = fs::remove_dir_all(self.workspace.data());
        let fork = &self.workspace.fork;
        for name in fork.git(&["for-each-ref", "--format=%(refname)", "refs/patch-moi/"]).lines() {
            fork.git(&["update-ref", "-d", name]);
        }
    }

    /// Another run carries to `tag`, and the next job has what it left.
    fn carry(&mut self, tag: &str) {
        let _ = fs::remove_dir_all(self.home.join("downloaded"));
        let _ = self.workspace.run_tag(tag).run();
        self.dir = downloaded(&self.workspace, tag);
        self.forget();
    }

    /// What a person does to settle the conflict: the stack is one patch that v2 leaves alone.
    fn settle(&self) {
        let fork = &self.workspace.fork;
        fork.git(&["checkout", "--quiet", "v1", "--", "engine.txt"]);
        fork.git(&["commit", "--quiet", "--all", "--message", "Give in"]);
        fork.git(&["reset", "--quiet", "--soft", "v1"]);
        fork.git(&["commit", "--quiet", "--message", "All of it"]);
        self.push_main();
    }

    fn push_main(&self) {
        let remote = self.home.join("remote.git");
        self.workspace.fork.git(&["push", "--quiet", "--force", remote.to_str().unwrap(), "main"]);
    }

    /// A newer release.
    fn release_v3(&self) {
        self.workspace.upstream.commit("More", &[("more.txt", "more\n")]);
        self.workspace.upstream.tag("v3");
    }

    /// `publish` as the workflow's second job runs it.
    fn program(&self) -> Program {
        let _ = fs::remove_file(self.home.join("summary.md"));
        let _ = fs::remove_file(self.home.join("outputs.txt"));
        patch_moi(self.workspace.path())
            .args(["publish", self.dir.to_str().unwrap()])
            .env("DATA_DIR", self.workspace.data())
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_SERVER_URL", self.github.web())
            .env("GITHUB_API_URL", self.github.api())
            .env("GITHUB_REPOSITORY", REPO)
            .env("GITHUB_RUN_ID", "77")
            .env("GITHUB_RUN_ATTEMPT", "1")
            .env("GITHUB_OUTPUT", self.home.join("outputs.txt"))
            .env("GITHUB_STEP_SUMMARY", self.home.join("summary.md"))
    }

    /// It with the token, which nobody must see afterwards.
    #[track_caller]
    fn publish(&self) -> Output {
        self.seen(self.program().env("GITHUB_TOKEN", TOKEN))
    }

    #[track_caller]
    fn seen(&self, program: Program) -> Output {
        let output = program.run();
        self.assert_nobody_saw(&output);
        output
    }

    /// The token stands in no output, no file and no ref, and only the API and git's own host were shown it.
    #[track_caller]
    fn assert_nobody_saw(&self, output: &Output) {
        let secrets = [TOKEN.to_owned(), basic().split_once(' ').unwrap().1.to_owned()];
        let text = output.to_string();
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{output}");
        let roots = [self.home.as_path(), output.home()];
        let files = roots.iter().flat_map(walkdir::WalkDir::new).map(Result::unwrap);
        for file in files.filter(|file| file.file_type().is_file()) {
            let bytes = fs::read(file.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!secrets.iter().any(|secret| text.contains(secret)), "{}", file.path().display());
        }
        if self.at(STATE).is_some() {
            let state = self.git(&["grep", "--fixed-strings", "-c", "", STATE]);
            assert!(!state.is_empty());
            for secret in &secrets {
                let (code, _) = self.try_git(&["grep", "--quiet", "--fixed-strings", secret, STATE]);
                assert_eq!(code, 1, "the state holds the token");
            }
        }
        for asked in self.github.with(|state| state.asked.clone()) {
            let shown = asked.headers.get("authorization").cloned().unwrap_or_default();
            let expected = if asked.api { format!("Bearer {TOKEN}") } else { basic() };
            assert!(shown.is_empty() || shown == expected, "{}", asked.line());
            assert!(!asked.path.contains(TOKEN), "{}", asked.line());
            assert!(!String::from_utf8_lossy(&asked.body).contains(TOKEN), "{}", asked.line());
        }
    }

    fn summary(&self) -> String {
        fs::read_to_string(self.home.join("summary.md")).unwrap()
    }

    fn outputs(&self) -> String {
        fs::read_to_string(self.home.join("outputs.txt")).unwrap()
    }

    fn git(&self, args: &[&str]) -> String {
        let (code, out) = self.try_git(args);
        assert_eq!(code, 0, "git {args:?}");
        out
    }

    fn try_git(&self, args: &[&str]) -> (i32, String) {
        let remote = self.home.join("remote.git");
        self.workspace.fork.try_git(&[&["--git-dir", remote.to_str().unwrap()], args].concat())
    }

    fn at(&self, name: &str) -> Option<String> {
        Some(self.git(&["for-each-ref", "--format=%(objectname)", name])).filter(|id| !id.is_empty())
    }

    /// The last line of the ledger in the state.
    fn ledger(&self) -> Value {
        let text = self.git(&["show", &format!("{STATE}:data/releases.jsonl")]);
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }

    /// Candidate and state stand in the remote, and the artifact lies where it lay.
    #[track_caller]
    fn assert_delivered(&self, output: &Output) {
        let candidate: Value =
            serde_json::from_slice(&fs::read(self.dir.join("candidate.json")).unwrap()).unwrap();
        assert_eq!(self.at(CANDIDATE).as_deref(), candidate["candidate"]["commit"].as_str(), "{output}");
        assert_eq!(self.ledger()["state"], "candidate", "{output}");
    }

    /// The one request that opened something.
    fn opened(&self) -> Asked {
        let asked = self.github.take();
        let opened: Vec<&Asked> = asked.iter().filter(|asked| asked.api && asked.method == "POST").collect();
        assert_eq!(opened.len(), 1, "{opened:#?}");
        opened[0].clone()
    }
}

fn not_permitted() -> Said {
    Said::no(403, "GitHub Actions is not permitted to create or approve pull requests.")
}

fn which(name: &str) -> String {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    found.unwrap().to_str().unwrap().to_owned()
}
