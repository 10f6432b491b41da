//! A fork's checkout that is also the workspace, and the upstream that it follows.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::files::{Snapshot, find_files, write};
use super::pack::content_hash;
use super::program::{Program, patch_moi};
use super::repo::Repo;

/// `owner/name` of the fixture's upstream.
pub(crate) const UPSTREAM: &str = "acme/engine";
/// The name and folder of the fixture's flow.
pub(crate) const FLOW: &str = "carry";

/// One entry of a feed.
pub(crate) struct Release {
    pub(crate) tag: &'static str,
    pub(crate) title: &'static str,
    pub(crate) updated: &'static str,
}

/// Upstream with releases v1 and v2; a fork on v1 whose branch `main` carries patches and whose checkout
/// is the workspace root.
pub(crate) struct Workspace {
    pub(crate) upstream: Repo,
    pub(crate) fork: Repo,
    root: TempDir,
}

impl Workspace {
    /// A stack of two patches that v2 leaves alone.
    pub(crate) fn clean() -> Self {
        let this = Self::on_v1();
        this.fork.commit("Colour output", &[("colour.txt", "red\n")]);
        this.fork.commit("Mind the gap", &[("notes.txt", "mind the gap\n")]);
        this.release_v2(&[("engine.txt", "pistons: 6\n")]);
        this
    }

    /// Three patches: the first is carried, the second conflicts with v2, and the third waits for it.
    pub(crate) fn conflicting() -> Self {
        let this = Self::on_v1();
        this.fork.commit("Colour output", &[("colour.txt", "red\n")]);
        this.fork.commit("More pistons", &[("engine.txt", "pistons: 8\n")]);
        this.fork.commit("Even more pistons", &[("engine.txt", "pistons: 12\n")]);
        this.release_v2(&[("engine.txt", "pistons: 6\n")]);
        this
    }

    /// Upstream with v1, a fork on it, and nothing else yet.
    pub(crate) fn on_v1() -> Self {
        let root = TempDir::new().unwrap();
        let upstream = Repo::at(&root.path().join(UPSTREAM));
        upstream.commit("Begin (#1)", &[("engine.txt", "pistons: 4\n"), ("README.md", "# engine\n")]);
        upstream.tag("v1");
        let fork = upstream.clone_to(&root.path().join("fork"));
        fork.git(&["remote", "add", "upstream", &file_url(upstream.path())]);
        Self { upstream, fork, root }
    }

    /// Makes upstream change these files and release v2 on a release branch that main never sees.
    pub(crate) fn release_v2(&self, files: &[(&str, &str)]) {
        self.upstream.commit("Rework the engine (#21)", files);
        self.upstream.branch("release/2").commit("Release v2", &[("VERSION", "2\n")]);
        self.upstream.tag("v2").switch("main");
    }

    /// The workspace root, which is the fork's checkout.
    pub(crate) fn path(&self) -> &Path {
        self.fork.path()
    }

    /// DATA_DIR of every run.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// The artifact folder of a tag.
    pub(crate) fn artifact(&self, slug: &str) -> PathBuf {
        self.path().join(".codex/workspace/actions/artifacts").join(slug)
    }

    /// candidate.json of a tag.
    #[track_caller]
    pub(crate) fn candidate(&self, slug: &str) -> Value {
        let path = self.artifact(slug).join("candidate.json");
        let text = fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        serde_json::from_slice(&text).unwrap()
    }

    /// record.json of a tag.
    #[track_caller]
    pub(crate) fn record(&self, slug: &str) -> Value {
        let path = self.artifact(slug).join("record.json");
        let text = fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        serde_json::from_slice(&text).unwrap()
    }

    /// The flow client's state.json.
    pub(crate) fn state(&self) -> Value {
        let path = self.path().join(".codex/workspace/actions/flow-client/state.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Every line of a journal in DATA_DIR; none where there is no such file.
    pub(crate) fn journal(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.data().join(name)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Everything that a run may write to: files, and the fork's refs through `.git`.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::of(&[self.path(), &self.data(), self.upstream.path()])
    }

    /// Installs the flow with `more` at the end of its flow.toml, and pins it in the lock.
    pub(crate) fn with_flow(self, more: &str) -> Self {
        self.install_flow(&self.flow_toml(more));
        self.lock();
        self
    }

    /// A flow.toml with one `patch-stack` step, for every upstream release.
    pub(crate) fn flow_toml(&self, more: &str) -> String {
        format!(
            r#"name = "{FLOW}"
version = 1

[config]
repo = {repo:?}
target_branch = "main"
upstream_repo_url = {url:?}

[[steps]]
name = "carry"
runner = "patch-stack"
timeout_ms = 60000

[steps.trigger]
type = "upstream.release"
schema = "schemas/event.json"

{more}"#,
            repo = self.path().to_str().unwrap(),
            url = file_url(self.upstream.path()),
        )
    }

    /// Writes the flow under `.codex/flows`, without a lock.
    pub(crate) fn install_flow(&self, flow_toml: &str) {
        let dir = self.path().join(".codex/flows").join(FLOW);
        let schema = json!({
            "type": "object",
            "required": ["repo", "tag"],
            "properties": { "repo": { "enum": [UPSTREAM] }, "tag": { "type": "string" } }
        });
        write(&dir.join("flow.toml"), flow_toml);
        write(&dir.join("schemas/event.json"), format!("{schema:#}\n"));
    }

    /// Pins the installed flow in `.codex/pack-lock.json`.
    pub(crate) fn lock(&self) {
        let hash = content_hash(&self.path().join(".codex/flows").join(FLOW));
        self.write_lock(&json!([lock_item(FLOW, &hash)]));
    }

    /// Writes a lock with these items.
    pub(crate) fn write_lock(&self, items: &Value) {
        let lock = json!({ "version": 1, "items": items });
        write(&self.path().join(".codex/pack-lock.json"), format!("{lock:#}\n"));
    }

    /// Writes feed-sources.json with one source, its feed a file with these releases, newest first.
    pub(crate) fn with_feed(self, releases: &[Release]) -> Self {
        let feed = self.root.path().join("releases.atom");
        write(&feed, atom(releases));
        self.follow(&file_url(&feed), &json!({}));
        self
    }

    /// Writes feed-sources.json with one source that reads `feed_url`, with these keys more.
    pub(crate) fn follow(&self, feed_url: &str, more: &Value) {
        let (owner, name) = UPSTREAM.split_once('/').unwrap();
        let mut source = json!({
            "id": "acme-engine-releases",
            "provider": "github",
            "url": feed_url,
            "event": "release",
            "repo": {
                "owner": owner,
                "name": name,
                "fullName": UPSTREAM,
                "webUrl": file_url(self.upstream.path()),
                "defaultBranch": "main"
            },
            "target": { "mode": "workspace_flow", "eventType": "upstream.release" },
            "tagPattern": r"^v(?<version>\d+)$"
        });
        for (key, value) in more.as_object().unwrap() {
            source[key] = value.clone();
        }
        let sources = json!({ "sources": [source] });
        write(&self.path().join("feed-sources.json"), format!("{sources:#}\n"));
    }

    /// The program in the workspace, as a scheduled workflow runs it.
    pub(crate) fn run(&self, args: &[&str]) -> Program {
        patch_moi(self.path())
            .args(["run"])
            .args(args)
            .env("CODEX_WORKSPACE_MODE", "actions")
            .env("DATA_DIR", self.data())
    }

    /// `run release` of a tag of the fixture's upstream.
    pub(crate) fn run_tag(&self, tag: &str) -> Program {
        self.run(&["release", "--repo", UPSTREAM, "--tag", tag])
    }

    /// Panics where something was left half done: a journal line or state that does not parse, a temporary
    /// file, an artifact without its document, a lock that git would trip over.
    #[track_caller]
    pub(crate) fn assert_nothing_half_written(&self) {
        for name in [
            "flow-events.jsonl",
            "workspace-dispatches.jsonl",
            "maintenance-attempts.jsonl",
            "releases.jsonl",
        ] {
            let _ = self.journal(name);
        }
        if self.path().join(".codex/workspace/actions/flow-client/state.json").exists() {
            let _ = self.state();
        }
        for folder in fs::read_dir(self.artifact("")).into_iter().flatten() {
            let folder = folder.unwrap();
            if folder.file_type().unwrap().is_dir() {
                let count = |name: &str| find_files(&folder.path(), name).len();
                let (candidates, records) = (count("candidate.json"), count("record.json"));
                // An event that carried nothing leaves its record and a report.
                let whole = candidates == 1 || (records == 1 && count("report.md") == 1);
                assert!(whole && candidates <= 1 && records <= 1, "{}", folder.path().display());
            }
        }
        for root in [self.path().to_owned(), self.data()].iter().filter(|root| root.exists()) {
            for entry in walkdir::WalkDir::new(root).into_iter().map(Result::unwrap) {
                let name = entry.file_name().to_string_lossy().into_owned();
                // `.lock` is what runs lock, and stays; a git lock or a half-written file does not.
                let half = name.ends_with(".tmp") || name.starts_with(".tmp") || name.ends_with("-tmp");
                let left = half || (name.ends_with(".lock") && name != ".lock");
                assert!(!left, "left behind: {}", entry.path().display());
            }
        }
    }
}

/// One item of a lock.
pub(crate) fn lock_item(name: &str, hash: &str) -> Value {
    json!({
        "name": name,
        "kind": "flow",
        "source": { "input": "../flows", "type": "local" },
        "sourcePath": format!("flows/{name}"),
        "destinationPath": format!(".codex/flows/{name}"),
        "contentHash": hash,
        "installedAt": "2026-01-01T00:00:00.000Z"
    })
}

/// A release feed as GitHub writes one, newest first.
pub(crate) fn atom(releases: &[Release]) -> String {
    let entry = |release: &Release| {
        format!(
            "<entry><id>tag:github.com,2008:Repository/7/{tag}</id><updated>{updated}</updated>\
             <link rel=\"alternate\" type=\"text/html\" href=\"https://github.com/{UPSTREAM}/releases/tag/{tag}\"/>\
             <title>{title}</title><content type=\"html\">Notes</content><author><name>acme</name></author></entry>\n",
            tag = release.tag,
            title = release.title,
            updated = release.updated,
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\
         <id>tag:github.com,2008:https://github.com/{UPSTREAM}/releases</id><title>Release notes</title>\
         <updated>2026-01-01T00:00:00Z</updated>\n{}</feed>\n",
        releases.iter().map(entry).collect::<String>()
    )
}

/// A path as a URL. Temporary folders have plain names.
pub(crate) fn file_url(path: &Path) -> String {
    format!("file://{}", path.to_str().unwrap())
}
