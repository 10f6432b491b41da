//! What is sent, and to whom.

use super::*;

/// Everything that a server was asked.
type Seen = Arc<Mutex<Vec<(String, String, String, Vec<u8>)>>>;

fn recording(head: &'static str, body: serde_json::Value) -> (Loopback, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let server = Loopback::start(move |asked, stream| {
        let Asked { method, path, headers, body: sent, .. } = asked;
        kept.lock().unwrap().push((method.clone(), path.clone(), headers.clone(), sent.clone()));
        json(stream, head, &body);
    });
    (server, seen)
}

#[test]
fn a_write_without_a_token_is_not_sent() {
    let (server, seen) = recording("201 Created", serde_json::json!({}));
    let client = client();
    let forge = Forge::new(&client, &server.url("/"), None, repo());

    let error = forge.open_issue("title", "body").unwrap_err();

    assert!(matches!(error, ForgeError::NoToken { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("PATCH_MOI_TOKEN"));
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn the_token_is_not_sent_to_another_host() {
    let (elsewhere, seen) = recording("200 OK", serde_json::json!({}));
    let target = elsewhere.url("/stolen");
    let server =
        Loopback::start(move |_, stream| reply(stream, &format!("302 Found\nLocation: {target}"), b""));

    let reading = ask(&server, |forge| forge.repository()).unwrap_err();
    let writing = ask(&server, |forge| forge.open_issue("title", "body")).unwrap_err();

    for error in [reading, writing] {
        let ForgeError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(source, HttpError::LeavesHost { .. }), "{source:?}");
    }
    assert_eq!(seen.lock().unwrap().len(), 0, "the other host was not asked at all");
    assert_eq!(server.asked(), 2);
}

#[test]
fn a_renamed_repository_is_read_where_it_is_now_and_not_written_to() {
    let facts = serde_json::json!({ "full_name": "sample/renamed", "default_branch": "main" });
    let server = Loopback::start(move |asked, stream| match asked.path.as_str() {
        "/repositories/7" => json(stream, "200 OK", &facts),
        _ => reply(stream, "307 Moved\nLocation: /repositories/7", b""),
    });

    assert_eq!(ask(&server, |forge| forge.repository()).unwrap().full_name, "sample/renamed");

    let error = ask(&server, |forge| forge.open_issue("title", "body")).unwrap_err();
    let ForgeError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(source, HttpError::Moved { .. }), "{source:?}");
    assert!(error.hint().unwrap().contains("new name"), "{error:?}");
}

#[test]
fn every_request_has_its_headers_and_a_write_its_body() {
    let (server, seen) = recording("201 Created", raw_pull_request(7, "open", "sample/fork"));

    let opened = ask(&server, |forge| forge.open_pull_request(&new_pull_request())).unwrap();

    assert_eq!((opened.number, opened.state, opened.draft), (7, State::Open, true));
    assert_eq!((opened.head_commit.as_str(), opened.body.as_str()), ("4c4c", ""));
    let seen = seen.lock().unwrap();
    let [(method, path, headers, body)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((method.as_str(), path.as_str()), ("POST", "/repos/sample/fork/pulls"));
    let agent = concat!("user-agent: patch-moi/", env!("CARGO_PKG_VERSION"));
    for line in [
        "accept: application/vnd.github+json, application/json;q=0.9",
        "x-github-api-version: 2022-11-28",
        "authorization: bearer ghs_secret",
        "content-type: application/json",
        agent,
    ] {
        assert!(headers.lines().any(|sent| sent == line), "{line}\n{headers}");
    }
    let sent: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(
        sent,
        serde_json::json!({
            "title": "Carry on", "body": "Ünïcode, and \"quotes\"", "head": "patch-moi/candidate/v1.1.0",
            "base": "main", "draft": true,
        })
    );
}

#[test]
fn a_change_names_only_what_changes() {
    let issue = serde_json::json!({ "number": 7, "state": "closed", "title": "t", "body": "b" });
    let (server, seen) = recording("200 OK", issue);

    let change = Change { state: Some(State::Closed), ..Change::default() };
    ask(&server, |forge| forge.update_issue(7, &change)).unwrap();

    let seen = seen.lock().unwrap();
    assert_eq!((seen[0].0.as_str(), seen[0].1.as_str()), ("PATCH", "/repos/sample/fork/issues/7"));
    assert_eq!(seen[0].3, br#"{"state":"closed"}"#);
}

#[test]
fn the_api_may_have_a_path_and_a_branch_a_slash() {
    let (server, seen) = recording("200 OK", serde_json::json!([]));
    let client = client();
    for api in ["/api/v3", "/api/v3/"] {
        Forge::new(&client, &server.url(api), token(), repo()).branch_rules("team/main#1").unwrap();
    }
    for (_, path, ..) in seen.lock().unwrap().iter() {
        assert_eq!(path, "/api/v3/repos/sample/fork/rules/branches/team%2Fmain%231?per_page=100&page=1");
    }
}

#[test]
fn an_address_without_https_is_not_asked() {
    let client = client();
    for api in ["http://example.com/", "mailto:api@example.com"] {
        let error = Forge::new(&client, &api.parse().unwrap(), token(), repo()).repository().unwrap_err();
        let ForgeError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(source, HttpError::NotAllowed { .. }), "{source:?}");
    }
}

#[test]
fn the_token_is_in_no_message() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let api = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let client = client();
    let forge = Forge::new(&client, &api, token(), repo());

    let error = forge.open_issue("title", "body").unwrap_err();

    let ForgeError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(source, HttpError::Unreachable { .. }), "{source:?}");
    assert!(!format!("{error:?} {error} {source}").contains("ghs_"), "{error:?}");
}
