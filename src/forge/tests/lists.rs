//! What is read out of lists.

use super::*;

fn raw_issue(number: u64, body: &str) -> serde_json::Value {
    serde_json::json!({
        "number": number, "state": "open", "title": format!("issue {number}"), "body": body,
        "html_url": "https://github.com/sample/fork/issues/1",
        "user": { "login": "github-actions[bot]", "type": "Bot" }, "author_association": "NONE",
    })
}

const MARKER: &str = "<!-- patch-moi:patch:upstream.release:sample/upstream:v1.1.0 -->";

#[test]
fn a_list_without_an_end_is_read_for_ten_pages() {
    let server = Loopback::start(|asked, stream| {
        let next = format!("<http://127.0.0.1:1/elsewhere?page={}>; rel=\"next\"", asked.before + 2);
        assert!(asked.path.contains(&format!("&page={}", asked.before + 1)), "{}", asked.path);
        json(stream, &format!("200 OK\nLink: {next}"), &serde_json::json!([{ "type": "update" }]));
    });

    let rules = ask(&server, |forge| forge.branch_rules("main")).unwrap();

    assert_eq!((rules.len(), server.asked()), (10, 10));
}

#[test]
fn only_marked_issues_of_our_own_are_found() {
    let marked = format!("text\n\n{MARKER}\n");
    let mut stranger = raw_issue(2, &marked);
    stranger["user"]["type"] = "User".into();
    let mut member = stranger.clone();
    member["number"] = 3.into();
    member["author_association"] = "MEMBER".into();
    let mut pull_request = raw_issue(4, &marked);
    pull_request["pull_request"] = serde_json::json!({ "url": "https://api.github.com/x" });
    let mut closed = raw_issue(5, &marked);
    closed["state"] = "closed".into();
    let mut nobody = raw_issue(6, &marked);
    nobody["user"] = serde_json::Value::Null;
    let mut empty = raw_issue(7, "");
    empty["body"] = serde_json::Value::Null;
    let quoting = raw_issue(8, &format!("somebody wrote\n{MARKER}\nthere"));
    let all = [raw_issue(1, &marked), stranger, member, pull_request, closed, nobody, empty, quoting];
    let server = always("200 OK", all.into_iter().collect());

    let found = ask(&server, |forge| forge.marked_issues()).unwrap();

    let found: Vec<_> = found.iter().map(|issue| (issue.number, issue.state)).collect();
    assert_eq!(found, [(1, State::Open), (3, State::Open), (5, State::Closed)]);
}

#[test]
fn a_pull_request_from_somebody_elses_fork_is_none_of_ours() {
    let mut gone = raw_pull_request(3, "open", "");
    gone["head"]["repo"] = serde_json::Value::Null;
    let ours = raw_pull_request(2, "closed", "Sample/Fork");
    let server =
        always("200 OK", serde_json::json!([raw_pull_request(1, "open", "stranger/fork"), ours, gone]));

    let found = ask(&server, |forge| forge.open_pull_requests("main")).unwrap();

    assert_eq!(found.iter().map(|it| it.number).collect::<Vec<_>>(), [2]);
}

#[test]
fn pull_requests_are_asked_for_by_owner_branch_and_base() {
    let server = Loopback::start(|asked, stream| {
        assert_eq!(
            asked.path,
            "/repos/sample/fork/pulls?state=all&head=sample%3Apatch-moi%2Fcandidate%2Fv1%2B1&base=main\
             &per_page=100&page=1"
        );
        json(stream, "200 OK", &serde_json::json!([]));
    });
    assert!(
        ask(&server, |forge| forge.pull_requests("patch-moi/candidate/v1+1", "main")).unwrap().is_empty()
    );
}

#[test]
fn what_github_may_say_one_day_is_no_error() {
    let server = Loopback::start(|asked, stream| {
        let body = match asked.path.rsplit('/').next().unwrap() {
            "fork" => serde_json::json!({
                "full_name": "sample/fork", "default_branch": "main", "fork": true, "has_issues": false,
                "permissions": { "push": true, "future": 1 }, "future": {},
            }),
            "permissions" => serde_json::json!({ "enabled": false }),
            "workflow" => serde_json::json!({
                "default_workflow_permissions": "read", "can_approve_pull_request_reviews": true,
            }),
            "main" => serde_json::json!({ "protected": true }),
            _ => serde_json::json!({ "path": ".github/workflows/a.yml", "state": "disabled_by_the_moon" }),
        };
        json(stream, "200 OK", &body);
    });

    let facts = ask(&server, |forge| forge.repository()).unwrap();
    assert!(facts.fork && !facts.has_issues && !facts.private && !facts.archived);
    assert!(facts.permissions.is_some_and(|may| may.push && !may.admin && !may.pull));
    let workflow = ask(&server, |forge| forge.workflow("a.yml")).unwrap();
    assert_eq!((workflow.path.as_str(), workflow.state), (".github/workflows/a.yml", WorkflowState::Unknown));
    assert!(ask(&server, |forge| forge.branch("main")).unwrap().protected);
    let actions = ask(&server, |forge| forge.actions_permissions()).unwrap();
    assert_eq!(
        (actions.enabled, actions.allowed_actions, actions.sha_pinning_required),
        (false, None, false)
    );
    let tokens = ask(&server, |forge| forge.workflow_permissions()).unwrap();
    assert_eq!((tokens.default.as_str(), tokens.can_approve_pull_request_reviews), ("read", true));
}
