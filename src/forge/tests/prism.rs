//! Every request that the client can send, against GitHub's own description of its API.
//!
//! `.ci/prism/run` starts Prism, which answers by that description, and these tests.
#![expect(clippy::disallowed_methods, reason = "the script says by a variable where Prism listens")]

use reqwest::blocking as other;

use super::*;

/// What Prism found wrong with one request.
type Violations = Arc<Mutex<Vec<String>>>;

fn prism() -> Url {
    let url = std::env::var("PATCH_MOI_PRISM").expect("PATCH_MOI_PRISM is not set: run .ci/prism/run");
    url.parse().unwrap()
}

/// What is wrong with the request that was answered so. Prism's examples of answers do not all fit the
/// description, which is no fault of a request.
fn wrong(answer: &other::Response) -> Option<String> {
    let said = answer.headers().get("sl-violations").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let found: Vec<serde_json::Value> = serde_json::from_str(said.as_deref().unwrap_or("[]")).unwrap();
    let about_request = found.into_iter().filter(|it| it["location"][0] == "request").collect::<Vec<_>>();
    let is_wrong = !answer.status().is_success() || !about_request.is_empty();
    is_wrong.then(|| format!("{} {about_request:?}", answer.status()))
}

/// Prism as a server that notes what it finds wrong.
fn relay() -> (Loopback, Violations) {
    let (violations, prism) = (Violations::default(), prism());
    let kept = Arc::clone(&violations);
    let client = other::Client::builder().no_proxy().build().unwrap();
    let server = Loopback::start(move |asked, stream| {
        let url = prism.join(&asked.path).unwrap();
        let mut request = client.request(asked.method.parse().unwrap(), url).body(asked.body.clone());
        for (name, value) in asked.headers.lines().filter_map(|line| line.split_once(": ")) {
            if !matches!(name, "host" | "content-length" | "accept-encoding") {
                request = request.header(name, value);
            }
        }
        let answer = request.send().unwrap();
        if let Some(wrong) = wrong(&answer) {
            kept.lock().unwrap().push(format!("{} {}: {wrong}", asked.method, asked.path));
        }
        let status = answer.status().as_u16();
        reply(stream, &format!("{status} Prism\nContent-Type: application/json"), &answer.bytes().unwrap());
    });
    (server, violations)
}

/// The operations one after the other; the match keeps a new one from being forgotten.
const fn after(operation: Operation) -> Option<Operation> {
    Some(match operation {
        Operation::Repository => Operation::Branch,
        Operation::Branch => Operation::BranchRules,
        Operation::BranchRules => Operation::PullRequests,
        Operation::PullRequests => Operation::OpenPullRequest,
        Operation::OpenPullRequest => Operation::UpdatePullRequest,
        Operation::UpdatePullRequest => Operation::Issues,
        Operation::Issues => Operation::OpenIssue,
        Operation::OpenIssue => Operation::UpdateIssue,
        Operation::UpdateIssue => Operation::Workflow,
        Operation::Workflow => Operation::ActionsPermissions,
        Operation::ActionsPermissions => Operation::WorkflowPermissions,
        Operation::WorkflowPermissions => return None,
    })
}

/// Sends `operation` in every shape that it has.
fn send(operation: Operation, forge: &Forge<'_>) -> Result<(), ForgeError> {
    let text = |text: &str| Some(text.to_owned());
    let changes = [
        Change { title: text("title"), ..Change::default() },
        Change { body: text("body"), state: Some(State::Open), ..Change::default() },
        Change { state: Some(State::Closed), ..Change::default() },
    ];
    match operation {
        Operation::Repository => forge.repository().map(drop),
        Operation::Branch => forge.branch("team/main").map(drop),
        Operation::BranchRules => forge.branch_rules("team/main").map(drop),
        Operation::PullRequests => {
            forge.pull_requests("patch-moi/candidate/v1.1.0", "main")?;
            forge.open_pull_requests("team/main").map(drop)
        }
        Operation::OpenPullRequest => forge.open_pull_request(&new_pull_request()).map(drop),
        Operation::UpdatePullRequest => {
            changes.iter().try_for_each(|change| forge.update_pull_request(7, change).map(drop))
        }
        Operation::Issues => forge.marked_issues().map(drop),
        Operation::OpenIssue => forge.open_issue("title", "body").map(drop),
        Operation::UpdateIssue => {
            changes.iter().try_for_each(|change| forge.update_issue(7, change).map(drop))
        }
        Operation::Workflow => forge.workflow("upstream-release.yml").map(drop),
        Operation::ActionsPermissions => forge.actions_permissions().map(drop),
        Operation::WorkflowPermissions => forge.workflow_permissions().map(drop),
    }
}

#[test]
#[ignore = "needs Prism: .ci/prism/run"]
fn every_request_fits_githubs_description_and_its_examples_can_be_read() {
    let (server, violations) = relay();

    for operation in std::iter::successors(Some(Operation::Repository), |it| after(*it)) {
        let outcome = ask(&server, |forge| send(operation, forge));
        assert_eq!(violations.lock().unwrap().as_slice(), [""; 0], "{operation:?}");
        outcome.unwrap_or_else(|error| panic!("{operation:?}: {error}"));
    }
    assert!(server.asked() > 12, "every operation has sent something");
}

#[test]
#[ignore = "needs Prism: .ci/prism/run"]
fn a_wrong_request_is_refused() {
    let client = other::Client::builder().no_proxy().build().unwrap();
    let json = |request: other::RequestBuilder| {
        let request = request.header("accept", ACCEPT).header("content-type", "application/json");
        request.header("authorization", "Bearer ghs_secret").send().unwrap()
    };
    let at = |path: &str| prism().join(path).unwrap();

    // One for each body that the client can write: a schema that Prism cannot compile lets everything pass.
    for (method, path, body, faults) in [
        ("POST", "pulls", r#"{"title":5,"head":"x"}"#, ["base", "title"]),
        ("PATCH", "pulls/7", r#"{"state":"ajar","title":[]}"#, ["state", "title"]),
        ("POST", "issues", r#"{"body":[]}"#, ["body", "title"]),
        ("PATCH", "issues/7", r#"{"state":"ajar","title":[]}"#, ["state", "title"]),
        ("GET", "pulls?per_page=many&state=ajar", "", ["per_page", "state"]),
        ("GET", "issues?direction=up&sort=ajar", "", ["direction", "sort"]),
    ] {
        let url = at(&format!("/repos/sample/fork/{path}"));
        let answer = json(client.request(method.parse().unwrap(), url).body(body));
        assert_eq!(answer.status(), 422, "{method} {path}");
        let said = wrong(&answer).unwrap();
        assert!(faults.iter().all(|fault| said.contains(fault)), "{method} {path}: {said}");
    }
    for path in ["/repos/sample/fork/pools", "/repos/sample/fork/rules/branches/team/main"] {
        let answer = json(client.get(at(path)));
        assert_eq!(answer.status(), 404, "{path}");
        assert!(wrong(&answer).is_some(), "{path}");
    }
}
