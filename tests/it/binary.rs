//! The script that finds the binary of the action: given, on the PATH, kept, downloaded, built.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::support::{Page, Server, executable, write};

/// What stands in for a binary: it says which version it is.
const PROGRAM: &str = concat!("#!/bin/sh\necho 'patch-moi ", env!("CARGO_PKG_VERSION"), "'\n");

const TARGET: &str = "x86_64-unknown-linux-musl";

/// A copy of the action's folder with a manifest of the test's own, and a runner's folders around it.
struct Runner {
    root: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// How the script ended.
struct Found {
    code: Option<i32>,
    said: String,
    outputs: String,
}

impl Runner {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        for file in [".github/binary", "Cargo.toml", "Cargo.lock"] {
            let to = root.path().join("action").join(file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(repository.join(file), to).unwrap();
        }
        write(&root.path().join("action/src/lib.rs"), "");
        write(&root.path().join("action/.github/binaries"), "# none yet\n");
        for folder in ["temp", "tools", "checkout", "bin"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        // Everyday programs, and neither a patch-moi nor a cargo of this machine.
        let everyday = "bash sh env cat cut chmod curl dirname find mkdir mktemp mv rm sed sha256sum shasum sort tr uname wc";
        for name in everyday.split(' ') {
            let path = std::env::var_os("PATH").unwrap();
            if let Some(found) =
                std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file())
            {
                std::os::unix::fs::symlink(found, root.path().join("bin").join(name)).unwrap();
            }
        }
        Self { root, variables: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Names a binary for the usual target.
    fn with_binary(self, sum: &str, size: usize, url: &str) -> Self {
        write(&self.path("action/.github/binaries"), format!("# one\n{TARGET} {sum} {size} {url}\n"));
        self
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Puts a program on the PATH.
    fn with_program(self, name: &str, script: &str) -> Self {
        executable(&self.path("bin").join(name), script);
        self
    }

    fn run(&self, command: &str) -> Found {
        let output = self.path("output");
        write(&output, "");
        let ran = Command::new("bash")
            .arg("-p")
            .arg(self.path("action/.github/binary"))
            .arg(command)
            .current_dir(self.path("checkout"))
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.root.path())
            .env("RUNNER_TEMP", self.path("temp"))
            .env("RUNNER_TOOL_CACHE", self.path("tools"))
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", "X64")
            .env("GITHUB_OUTPUT", &output)
            .env("PATCH_MOI_RETRY_DELAY", "0")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        Found { code: ran.status.code(), said, outputs: fs::read_to_string(output).unwrap() }
    }

    /// Where a downloaded binary stays.
    fn cached(&self) -> PathBuf {
        self.path("tools/patch-moi").join(env!("CARGO_PKG_VERSION")).join("X64/patch-moi")
    }

    /// Panics where the tool cache holds any file.
    #[track_caller]
    fn assert_nothing_cached(&self) {
        let files: Vec<_> = walkdir::WalkDir::new(self.path("tools"))
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| !entry.file_type().is_dir())
            .collect();
        assert!(files.is_empty(), "left in the tool cache: {files:?}");
    }
}

impl Found {
    #[track_caller]
    fn ends(self, code: i32, phrases: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.said);
        for phrase in phrases {
            assert!(self.said.contains(phrase), "it lacks {phrase:?}:\n{}", self.said);
        }
        self
    }

    /// The value of an output.
    #[track_caller]
    fn output(&self, name: &str) -> &str {
        let line = self.outputs.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("no output {name} in {:?}\n{}", self.outputs, self.said))
    }
}

fn sum(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn page(body: &str) -> Page {
    Page { status: 200, content_type: "application/octet-stream", body: body.into() }
}

#[test]
fn a_download_that_is_not_what_the_action_names_is_refused_and_not_kept() {
    let other = PROGRAM.replace("patch-moi ", "patch-moe ");
    assert_eq!(other.len(), PROGRAM.len());
    let server = Server::new([("/patch-moi", page(&other))]);
    let runner = Runner::new().with_binary(&sum(PROGRAM), PROGRAM.len(), &server.url("/patch-moi"));

    let found = runner.run("find").ends(
        1,
        &["::error title=patch-moi::", "is not what .github/binaries", &sum(&other), "tell the maintainers"],
    );

    assert_eq!(found.outputs, "");
    runner.assert_nothing_cached();
}

#[test]
fn a_download_that_is_longer_than_it_may_be_is_broken_off() {
    let long = PROGRAM.repeat(2000);
    let server = Server::new([("/patch-moi", page(&long))]);
    let runner = Runner::new().with_binary(&sum(PROGRAM), PROGRAM.len(), &server.url("/patch-moi"));

    let _ = runner.run("find").ends(1, &["could not be fetched"]);

    runner.assert_nothing_cached();
}

#[test]
fn a_download_that_breaks_off_is_refused_and_not_kept() {
    let (url, thread) = serve_once(|stream| {
        // The second half never comes.
        let head = format!("HTTP/1.1 200 -\r\ncontent-length: {}\r\n\r\n", PROGRAM.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&PROGRAM.as_bytes()[..10]).unwrap();
    });
    let runner = Runner::new().with_binary(&sum(PROGRAM), PROGRAM.len(), &url);

    let found = runner.run("find").ends(1, &["could not be fetched", "Run again"]);

    thread.join().unwrap();
    assert_eq!(found.outputs, "");
    runner.assert_nothing_cached();
}

#[test]
fn a_download_that_ends_early_and_says_nothing_is_refused_too() {
    let server = Server::new([("/patch-moi", page(&PROGRAM[..10]))]);
    let runner = Runner::new().with_binary(&sum(PROGRAM), PROGRAM.len(), &server.url("/patch-moi"));

    let _ = runner.run("find").ends(1, &["10 bytes with sha256", "It was not run and not kept"]);

    runner.assert_nothing_cached();
}

#[test]
fn a_download_that_is_not_there_says_what_to_do_next() {
    let server = Server::new([]);
    let runner = Runner::new().with_binary(&sum(PROGRAM), PROGRAM.len(), &server.url("/gone"));

    let _ = runner.run("find").ends(1, &["404", "/gone could not be fetched", "the input `binary`"]);

    runner.assert_nothing_cached();
}

#[test]
fn plain_http_is_for_this_machine_only() {
    for url in ["http://192.0.2.1/patch-moi", "http://127.0.0.1:80@192.0.2.1/x", "http://localhost.example/x"]
    {
        let runner = Runner::new().with_binary(&sum(PROGRAM), PROGRAM.len(), url);
        let _ = runner.run("find").ends(1, &["rotocol \"http\"", "could not be fetched"]);
    }
}

#[test]
fn a_wrong_manifest_is_said_and_never_guessed_around() {
    let sum = sum(PROGRAM);
    for line in [
        format!("{TARGET} {} 10 https://example.invalid/x", &sum[1..]),
        format!("{TARGET} {sum} 99999999999 https://example.invalid/x"),
        format!("{TARGET} {sum} 10 ftp://example.invalid/x"),
        format!("{TARGET} {sum} 10 https://example.invalid/x --output /etc/passwd"),
    ] {
        let runner = Runner::new();
        write(&runner.path("action/.github/binaries"), line + "\n");
        let _ = runner.run("find").ends(1, &["a wrong line for x86_64"]);
    }
}

#[test]
fn what_was_downloaded_is_used_again_only_while_it_is_what_the_action_names() {
    let server = Server::new([("/patch-moi", page(PROGRAM))]);
    let runner = Runner::new().with_binary(&sum(PROGRAM), PROGRAM.len(), &server.url("/patch-moi"));

    let found = runner.run("find").ends(0, &["downloaded to", "sha256"]);

    let cached = runner.cached();
    assert_eq!(found.output("path"), cached.to_str().unwrap());
    assert_eq!(fs::read_to_string(&cached).unwrap(), PROGRAM);
    assert_eq!(fs::metadata(&cached).unwrap().permissions().mode() & 0o777, 0o755);

    let found = runner.run("find").ends(0, &["from the tool cache"]);

    assert_eq!(found.output("path"), cached.to_str().unwrap());
    assert_eq!(server.requests().len(), 1, "the second time nothing is fetched");

    // Another step of this job, or on a machine that stays another job, has changed it.
    executable(&cached, "#!/bin/sh\necho stolen\n");
    let _ = runner.run("find").ends(0, &["downloaded to"]);

    assert_eq!(fs::read_to_string(&cached).unwrap(), PROGRAM);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_binary_that_is_given_comes_first_then_one_on_the_path() {
    let runner = Runner::new()
        .with_binary(&sum(PROGRAM), PROGRAM.len(), "https://example.invalid/never")
        .with_program("patch-moi", "#!/bin/sh\necho 'patch-moi 0.0.9'\n");

    let found = runner.run("find").ends(
        0,
        &["patch-moi 0.0.9, from the PATH", "this action's own version is", env!("CARGO_PKG_VERSION")],
    );
    assert_eq!(found.output("path"), runner.path("bin/patch-moi").to_str().unwrap());

    executable(&runner.path("checkout/own"), PROGRAM);
    let runner = runner.with("PATCH_MOI_BINARY", "./own");
    let found = runner.run("find").ends(0, &["from the input `binary`"]);
    assert_eq!(found.output("path"), runner.path("checkout").join("./own").to_str().unwrap());
    assert!(!found.said.contains("own version is"), "{}", found.said);
}

#[test]
fn a_binary_that_is_given_and_is_none_is_said() {
    for (name, script) in
        [("missing", None), ("foreign", Some("not a program\0")), ("broken", Some("#!/bin/sh\nexit 3\n"))]
    {
        let runner = Runner::new();
        if let Some(script) = script {
            executable(&runner.path("checkout").join(name), script);
        }
        let runner = runner.with("PATCH_MOI_BINARY", name);
        let _ = runner.run("find").ends(1, &["::error title=patch-moi::from the input `binary` names", name]);
    }
}

#[test]
fn what_lies_in_the_checkout_is_not_found_by_a_relative_path() {
    let runner = Runner::new();
    executable(&runner.path("checkout/patch-moi"), PROGRAM);
    let path = format!(".:{}", runner.path("bin").display());
    let runner = runner.with("PATH", path);

    let found = runner.run("find").ends(0, &["built from source"]);

    assert!(!found.outputs.contains("path="), "{}", found.outputs);
}

#[test]
fn functions_and_start_files_of_the_workflow_have_no_say() {
    let server = Server::new([("/patch-moi", page(PROGRAM))]);
    let runner = Runner::new()
        .with_binary(&sum(PROGRAM), PROGRAM.len(), &server.url("/patch-moi"))
        .with("BASH_FUNC_curl%%", "() { echo stolen; }")
        .with("BASH_FUNC_sha256sum%%", "() { echo stolen; }");
    write(&runner.path("start"), "echo stolen; exit 1\n");
    let start = runner.path("start").to_str().unwrap().to_owned();
    let runner = runner.with("BASH_ENV", start.clone()).with("ENV", start);

    let found = runner.run("find").ends(0, &["downloaded to"]);

    assert!(!found.said.contains("stolen"), "{}", found.said);
}

#[test]
fn windows_is_not_promised_and_that_is_said() {
    let runner = Runner::new().with("RUNNER_OS", "Windows");
    let _ = runner.run("find").ends(1, &["Windows is not promised", "runs-on: ubuntu"]);
}

#[test]
fn without_a_published_binary_the_source_is_built_and_what_was_built_is_found_again() {
    // It has to be started in the action's folder, and without what the workflow has set for its own builds.
    let cargo = format!(
        "#!/bin/sh\nset -e\n[ -f .github/binaries ]\n[ -z \"$RUSTFLAGS$RUSTC_WRAPPER\" ]\n\
         [ \"$1 $2 $3 $4 $5\" = 'install --locked --path . --root' ]\n\
         mkdir -p \"$6/bin\"\ncat >\"$6/bin/patch-moi\" <<'EOF'\n{PROGRAM}EOF\nchmod +x \"$6/bin/patch-moi\"\n"
    );
    let runner = Runner::new()
        .with_program("cargo", &cargo)
        .with("RUSTFLAGS", "-D warnings")
        .with("RUSTC_WRAPPER", "sccache");

    let found = runner.run("find").ends(0, &["no binary is published for x86_64", "takes minutes"]);
    let folder = found.output("build").to_owned();
    assert!(folder.starts_with(runner.path("tools").to_str().unwrap()), "{folder}");
    assert!(found.output("key").starts_with("patch-moi-source-"), "{}", found.outputs);

    let runner = runner.with("PATCH_MOI_BUILD", folder.clone());
    let found = runner.run("build").ends(0, &["::group::Build patch-moi", "built from this action's source"]);
    assert_eq!(found.output("path"), format!("{folder}/patch-moi"));
    assert_eq!(fs::read_dir(runner.path("temp")).unwrap().count(), 0, "the build's own folder goes");

    let found = runner.run("find").ends(0, &["built before"]);
    assert_eq!(found.output("path"), format!("{folder}/patch-moi"));

    // What a run may have changed is nothing for a publish.
    let publish = runner.with("PATCH_MOI_COMMAND", "publish");
    let found = publish.run("find").ends(0, &["built from source"]);
    assert!(found.output("build").starts_with(publish.path("temp").to_str().unwrap()), "{}", found.outputs);

    // Another source is another binary.
    write(&publish.path("action/src/lib.rs"), "//! Other.\n");
    let run = publish.with("PATCH_MOI_COMMAND", "run");
    let _ = run.run("find").ends(0, &["built from source"]);
}

#[test]
fn a_build_that_cannot_be_says_what_it_needs() {
    let folder = |runner: &Runner| runner.path("tools/made").to_str().unwrap().to_owned();
    let runner = Runner::new();
    let runner = {
        let to = folder(&runner);
        runner.with("PATCH_MOI_BUILD", to)
    };
    let _ = runner.run("build").ends(1, &["cargo is not on the PATH", "Install Rust"]);

    let runner = runner.with_program("cargo", "#!/bin/sh\necho 'error: no linker' >&2\nexit 101\n");
    let _ = runner.run("build").ends(1, &["error: no linker", "could not be built", "a C compiler"]);
    runner.assert_nothing_cached();
    assert_eq!(fs::read_dir(runner.path("temp")).unwrap().count(), 0);
}

#[test]
fn the_manifest_names_binaries_of_this_version_or_none() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/binaries")).unwrap();
    let release =
        concat!(env!("CARGO_PKG_REPOSITORY"), "/releases/download/v", env!("CARGO_PKG_VERSION"), "/");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split(' ').collect();
        assert_eq!(parts.len(), 4, "target, sha256, size, address: {line}");
        assert!(parts[3].starts_with(release), "not of this version: {line}");
    }
}

/// Answers one request by hand.
fn serve_once(
    answer: impl FnOnce(&mut std::net::TcpStream) + Send + 'static,
) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/patch-moi", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        answer(&mut stream);
    });
    (url, thread)
}
