//! GitHub on this machine: an API that keeps what it is told, and git over HTTP, each on a port of its own.
//!
//! It answers what GitHub answers, as far as the program asks; the words are GitHub's. A token is asked for
//! by both, so that a test can say who has seen it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

/// The token that it knows.
pub(crate) const TOKEN: &str = "ghs_1fHn0SecretOfTheFakeGitHub";
/// The repository that it has.
pub(crate) const REPO: &str = "you/fork";

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Whether it came to the API, or else to the pages and git.
    pub(crate) api: bool,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// Names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn part(&self) -> &str {
        self.path.split('?').next().unwrap()
    }

    fn query(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(&format!("http://x{}", self.path)).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Said {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let kind = ("content-type".to_owned(), "application/json; charset=utf-8".to_owned());
        Self { status, headers: vec![kind], body: body.to_string().into_bytes() }
    }

    /// A refusal in these words.
    pub(crate) fn no(status: u16, message: &str) -> Self {
        let docs = "https://docs.github.com/rest";
        Self::json(
            status,
            &json!({ "message": message, "documentation_url": docs, "status": status.to_string() }),
        )
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// What it has, and how it behaves. A test may change everything at any time.
pub(crate) struct State {
    /// As `GET /repos/…` answers.
    pub(crate) repository: Value,
    /// As `GET /repos/…/actions/permissions/workflow` answers; nothing where the token may not ask.
    pub(crate) workflow_permissions: Option<Value>,
    pub(crate) pulls: Vec<Value>,
    pub(crate) issues: Vec<Value>,
    /// Answers by the beginning of `METHOD /path`, before anything else.
    pub(crate) instead: Vec<(String, Said)>,
    /// One such answer that is given once.
    pub(crate) once: Option<(String, Said)>,
    /// How git is answered instead.
    pub(crate) git_refuses: Option<u16>,
    /// Everything that was asked.
    pub(crate) asked: Vec<Asked>,
    /// The repository that git is served from.
    remote: PathBuf,
    /// Counts up with everything that changes.
    time: u64,
}

/// It. It goes away with the value.
pub(crate) struct GitHub {
    state: Arc<Mutex<State>>,
    api: Listener,
    web: Listener,
}

impl GitHub {
    /// GitHub with the repository [`REPO`], whose git repository is the bare one at `remote`.
    pub(crate) fn new(remote: &Path) -> Self {
        let repository = json!({
            "full_name": REPO, "default_branch": "main", "private": false, "fork": true, "has_issues": true,
            "archived": false, "permissions": { "admin": false, "push": true, "pull": true }
        });
        let state = Arc::new(Mutex::new(State {
            repository,
            workflow_permissions: None,
            pulls: Vec::new(),
            issues: Vec::new(),
            instead: Vec::new(),
            once: None,
            git_refuses: None,
            asked: Vec::new(),
            remote: remote.to_owned(),
            time: 0,
        }));
        let web = Listener::start(Arc::clone(&state), |state, asked| git(state, &asked));
        let pages = web.url("");
        let api = Listener::start(Arc::clone(&state), move |state, mut asked| {
            asked.api = true;
            let said = answer(&mut state.lock().unwrap(), &asked, &pages);
            state.lock().unwrap().asked.push(asked);
            said
        });
        Self { state, api, web }
    }

    /// GITHUB_API_URL.
    pub(crate) fn api(&self) -> String {
        self.api.url("")
    }

    /// GITHUB_SERVER_URL.
    pub(crate) fn web(&self) -> String {
        self.web.url("")
    }

    /// What it has, to look at and to change.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    /// Lets it answer `line`, such as `POST /repos/you/fork/pulls`, with `said`.
    pub(crate) fn instead(&self, line: &str, said: Said) {
        self.with(|state| state.instead.insert(0, (line.to_owned(), said)));
    }

    /// What it was asked through the API that writes, as `METHOD /path`.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.with(|state| {
            let writes = state.asked.iter().filter(|asked| asked.api && asked.method != "GET");
            writes.map(Asked::line).collect()
        })
    }

    /// Everything that it was asked so far, and forgets it.
    pub(crate) fn take(&self) -> Vec<Asked> {
        self.with(|state| std::mem::take(&mut state.asked))
    }

    pub(crate) fn pull(&self, number: u64) -> Value {
        self.with(|state| found(&state.pulls, number).cloned()).unwrap()
    }

    pub(crate) fn issue(&self, number: u64) -> Value {
        self.with(|state| found(&state.issues, number).cloned()).unwrap()
    }

    /// Lets somebody open an issue, and gives its number.
    pub(crate) fn somebody_opens(&self, association: &str, title: &str, body: &str) -> u64 {
        let pages = self.web();
        self.with(|state| {
            let mut issue = state.new_one("issues", &pages, title, body);
            issue["user"] = json!({ "login": "somebody", "type": "User" });
            issue["author_association"] = json!(association);
            state.issues.push(issue.clone());
            issue["number"].as_u64().unwrap()
        })
    }
}

fn found(all: &[Value], number: u64) -> Option<&Value> {
    all.iter().find(|one| one["number"] == number)
}

impl State {
    fn name(&self) -> String {
        self.repository["full_name"].as_str().unwrap().to_owned()
    }

    fn new_one(&mut self, kind: &str, pages: &str, title: &str, body: &str) -> Value {
        self.time += 1;
        let number = self.pulls.len() + self.issues.len() + 1;
        let page = if kind == "pulls" { "pull" } else { kind };
        json!({
            "number": number, "state": "open", "title": title, "body": body, "updated": self.time,
            "html_url": format!("{pages}/{}/{page}/{number}", self.name()),
            "user": { "login": "github-actions[bot]", "type": "Bot" }, "author_association": "NONE",
        })
    }

    fn git(&self, args: &[&str]) -> Option<String> {
        let output = Command::new("git").arg("--git-dir").arg(&self.remote).args(args).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn branch(&self, name: &str) -> Option<String> {
        self.git(&["rev-parse", "--verify", "--quiet", &format!("refs/heads/{name}")])
    }
}

/// What the API says.
fn answer(state: &mut State, asked: &Asked, pages: &str) -> Said {
    let line = asked.line();
    if let Some((_, said)) = state.once.take_if(|(beginning, _)| line.starts_with(beginning.as_str())) {
        return said;
    }
    if let Some((_, said)) = state.instead.iter().find(|(beginning, _)| line.starts_with(beginning)) {
        return said.clone();
    }
    match asked.headers.get("authorization").map(String::as_str) {
        None if asked.method == "GET" => {}
        Some(said) if said == format!("Bearer {TOKEN}") => {}
        _ => return Said::no(401, "Bad credentials"),
    }
    let repo = format!("/repos/{}", state.name());
    let Some(rest) = asked.part().strip_prefix(&repo) else { return Said::no(404, "Not Found") };
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    let has_issues = state.repository["has_issues"] == true;
    match (asked.method.as_str(), parts.as_slice()) {
        ("GET", []) => Said::json(200, &state.repository),
        ("GET", ["actions", "permissions", "workflow"]) => match &state.workflow_permissions {
            Some(found) => Said::json(200, found),
            None => Said::no(403, "Resource not accessible by integration"),
        },
        ("GET", ["pulls"]) => listed(asked, state.pulls.clone()),
        ("POST", ["pulls"]) => open_pull(state, asked, pages),
        ("PATCH", ["pulls", number]) => changed(state, asked, number, true),
        (_, ["issues", ..]) if !has_issues => Said::no(410, "Issues are disabled for this repo"),
        ("GET", ["issues"]) => {
            let as_issue = |pull: &Value| {
                let mut pull = pull.clone();
                pull["pull_request"] = json!({ "url": "x" });
                pull
            };
            listed(asked, state.issues.iter().cloned().chain(state.pulls.iter().map(as_issue)).collect())
        }
        ("POST", ["issues"]) => {
            let new = asked.json();
            let (Some(title), Some(body)) = (new["title"].as_str(), new["body"].as_str()) else {
                return Said::no(422, "Validation Failed");
            };
            if body.chars().count() > 65_536 {
                return Said::no(422, "body is too long (maximum is 65536 characters)");
            }
            let issue = state.new_one("issues", pages, title, body);
            state.issues.push(issue.clone());
            Said::json(201, &issue)
        }
        ("PATCH", ["issues", number]) => changed(state, asked, number, false),
        _ => Said::no(404, "Not Found"),
    }
}

/// A page of a list, the last changed first.
fn listed(asked: &Asked, mut all: Vec<Value>) -> Said {
    let wanted = asked.query("state").unwrap_or_else(|| "open".to_owned());
    all.retain(|one| wanted == "all" || one["state"] == *wanted);
    for (name, field) in [("head", "/head/label"), ("base", "/base/ref")] {
        if let Some(value) = asked.query(name) {
            all.retain(|one| one.pointer(field) == Some(&json!(value)));
        }
    }
    all.sort_by_key(|one| std::cmp::Reverse(one["updated"].as_u64()));
    let number = |name: &str, usual: usize| asked.query(name).map_or(usual, |text| text.parse().unwrap());
    let (size, page) = (number("per_page", 30), number("page", 1));
    let rest: Vec<Value> = all.into_iter().skip((page - 1) * size).collect();
    let said = Said::json(200, &json!(rest.iter().take(size).collect::<Vec<_>>()));
    if rest.len() > size {
        said.with("link", "<https://api.github.com/x?page=2>; rel=\"next\"")
    } else {
        said
    }
}

fn open_pull(state: &mut State, asked: &Asked, pages: &str) -> Said {
    let new = asked.json();
    let text = |name: &str| new[name].as_str().unwrap_or_default().to_owned();
    let (title, body, head, base) = (text("title"), text("body"), text("head"), text("base"));
    let invalid = |error: Value| {
        Said::json(422, &json!({ "message": "Validation Failed", "errors": [error], "status": "422" }))
    };
    let (Some(head_at), Some(base_at)) = (state.branch(&head), state.branch(&base)) else {
        return invalid(json!({ "resource": "PullRequest", "field": "head", "code": "invalid" }));
    };
    if body.chars().count() > 65_536 {
        return invalid(json!("body is too long (maximum is 65536 characters)"));
    }
    let label = format!("{}:{head}", state.name().split('/').next().unwrap());
    let is_same = |one: &&Value| {
        one["state"] == "open"
            && one["head"]["label"] == label.as_str()
            && one["base"]["ref"] == base.as_str()
    };
    if state.pulls.iter().any(|one| is_same(&one)) {
        return invalid(json!({ "message": format!("A pull request already exists for {label}.") }));
    }
    let mut pull = state.new_one("pulls", pages, &title, &body);
    let repo = json!({ "full_name": state.name() });
    pull["draft"] = new["draft"].clone();
    pull["head"] = json!({ "ref": head, "label": label, "sha": head_at, "repo": repo });
    pull["base"] = json!({ "ref": base, "sha": base_at, "repo": repo });
    state.pulls.push(pull.clone());
    Said::json(201, &pull)
}

fn changed(state: &mut State, asked: &Asked, number: &str, is_pull: bool) -> Said {
    state.time += 1;
    let time = state.time;
    let all = if is_pull { &mut state.pulls } else { &mut state.issues };
    let Some(one) = all.iter_mut().find(|one| one["number"].as_u64() == number.parse().ok()) else {
        return Said::no(404, "Not Found");
    };
    for (name, value) in asked.json().as_object().unwrap() {
        one[name.as_str()] = value.clone();
    }
    one["updated"] = json!(time);
    Said::json(200, one)
}

/// git's own server, as a web server starts it. Reading is for everybody, writing for the token.
fn git(state: &Mutex<State>, asked: &Asked) -> Said {
    let (remote, refuses, name) = {
        let mut state = state.lock().unwrap();
        state.asked.push(asked.clone());
        (state.remote.clone(), state.git_refuses, state.name())
    };
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let below = [REPO, &name].iter().find_map(|name| path.strip_prefix(&format!("/{name}")));
    let Some(below) = below.map(|below| below.trim_start_matches(".git")) else {
        return Said::no(404, "Not Found");
    };
    let writes = query.contains("git-receive-pack") || below.ends_with("git-receive-pack");
    let knows = asked.headers.get("authorization").is_some_and(|said| *said == basic());
    if writes && !knows {
        return Said::no(401, "Bad credentials").with("www-authenticate", "Basic realm=\"GitHub\"");
    }
    if let Some(status) = refuses.filter(|_| writes) {
        return Said::no(status, "Permission denied");
    }
    let header = |name: &str| asked.headers.get(name).cloned().unwrap_or_default();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", remote.parent().unwrap())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REMOTE_USER", "x-access-token")
        .env("REQUEST_METHOD", &asked.method)
        .env("PATH_INFO", format!("/{}{below}", remote.file_name().unwrap().to_str().unwrap()))
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", asked.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("HTTP_GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = asked.body.clone();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&body);
    });
    let output = child.wait_with_output().unwrap().stdout;
    let _ = writer.join();
    let end =
        output.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(output.len().saturating_sub(4));
    let mut said = Said { status: 200, headers: Vec::new(), body: output[end + 4..].to_vec() };
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name.eq_ignore_ascii_case("status") {
            said.status = value.split(' ').next().unwrap().parse().unwrap();
        } else {
            said.headers.push((name.to_owned(), value.to_owned()));
        }
    }
    said
}

/// How git shows the token.
pub(crate) fn basic() -> String {
    use base64::Engine as _;
    let pair = format!("x-access-token:{TOKEN}");
    format!("basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// A port on which something answers, a thread a connection.
struct Listener {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    fn start<F>(state: Arc<Mutex<State>>, answer: F) -> Self
    where
        F: Fn(&Mutex<State>, Asked) -> Said + Clone + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::SeqCst) {
                    break;
                }
                let (state, answer) = (Arc::clone(&state), answer.clone());
                // A client that goes away early is its own affair.
                std::thread::spawn(move || stream.and_then(|stream| serve(stream, &state, &answer)));
            }
        });
        Self { address, stop, thread: Some(thread) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    state: &Mutex<State>,
    answer: &impl Fn(&Mutex<State>, Asked) -> Said,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let mut words = head.split_whitespace();
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, path) = (word(), word());
    let headers: BTreeMap<String, String> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|how| how == "chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim(), 16).unwrap_or(0);
            reader.by_ref().take(size).read_to_end(&mut body)?;
            reader.read_line(&mut String::new())?;
            if size == 0 {
                break;
            }
        }
    } else {
        let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        reader.take(length).read_to_end(&mut body)?;
    }
    let said = answer(state, Asked { api: false, method, path, headers, body });
    write!(
        stream,
        "HTTP/1.1 {} -\r\nconnection: close\r\ncontent-length: {}\r\n",
        said.status,
        said.body.len()
    )?;
    for (name, value) in &said.headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    stream.write_all(&said.body)
}
