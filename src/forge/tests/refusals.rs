//! What it means that GitHub says no.

use std::io::Write as _;

use super::*;

const LIMITED: &str = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";

fn open(server: &Loopback) -> ForgeError {
    ask(server, |forge| forge.open_pull_request(&new_pull_request())).unwrap_err()
}

#[test]
fn a_token_that_is_none_is_told_from_no_token() {
    let server = always("401 Unauthorized", serde_json::json!({ "message": "Bad credentials" }));
    let error = ask(&server, |forge| forge.repository()).unwrap_err();
    assert!(matches!(error, ForgeError::Unauthorized { .. }), "{error:?}");

    let client = client();
    let error = Forge::new(&client, &server.url("/"), None, repo()).actions_permissions().unwrap_err();
    assert!(matches!(error, ForgeError::NoToken { .. }), "{error:?}");
    assert_eq!(server.asked(), 2, "neither is tried again");
}

#[test]
fn the_setting_that_forbids_pull_requests_is_named_with_its_page() {
    let body = serde_json::json!({
        "message": "GitHub Actions is not permitted to create or approve pull requests.",
        "documentation_url": "https://docs.github.com/rest/pulls/pulls#create-a-pull-request",
        "status": "403",
    });
    let server = always("403 Forbidden", body);

    let error = open(&server);

    assert!(matches!(error, ForgeError::PullRequestsNotPermitted { .. }), "{error:?}");
    let settings = server.url("/sample/fork/settings/actions");
    assert!(error.hint().unwrap().contains(settings.as_str()), "{error:?}");
    assert_eq!(server.asked(), 1);
    // The same words mean nothing elsewhere.
    let error = ask(&server, |forge| forge.open_issue("title", "body")).unwrap_err();
    assert!(matches!(error, ForgeError::Forbidden { .. }), "{error:?}");
}

#[test]
fn the_pages_for_people_are_on_the_host_for_people() {
    for (api, page) in [
        ("https://api.github.com", "https://github.com/sample/fork/settings"),
        ("https://api.github.com/", "https://github.com/sample/fork/settings"),
        ("https://api.tenant.ghe.com/", "https://tenant.ghe.com/sample/fork/settings"),
        ("https://git.example.org/api/v3?x#y", "https://git.example.org/sample/fork/settings"),
    ] {
        let (api, repo) = (api.parse().unwrap(), repo());
        let asker = answer::Asker { api: &api, pages: None, repo: &repo, has_token: true };
        assert_eq!(asker.page("settings"), page);
        let pages = "https://api.example.org".parse().unwrap();
        let asker = answer::Asker { pages: Some(&pages), ..asker };
        assert_eq!(asker.page("settings"), "https://api.example.org/sample/fork/settings");
    }
}

#[test]
fn a_token_without_the_permission_is_told_which_one_it_needs() {
    let body = serde_json::json!({
        "message": "Resource not accessible by integration\u{1b}[2J",
        "documentation_url": "https://docs.github.com/rest/pulls/pulls#create-a-pull-request",
    });
    let server = always("403 Forbidden\nX-Accepted-GitHub-Permissions: pull_requests=write", body);

    let error = open(&server);

    let ForgeError::Forbidden { message, .. } = &error else { panic!("{error:?}") };
    assert_eq!(message, "Resource not accessible by integration\\u{1b}[2J");
    assert!(error.hint().unwrap().contains("pull_requests=write"), "{error:?}");
}

#[test]
fn issues_that_are_off_are_told_from_what_is_not_there() {
    let server = always("410 Gone", serde_json::json!({ "message": "Issues are disabled for this repo" }));
    let error = ask(&server, |forge| forge.open_issue("title", "body")).unwrap_err();
    assert!(
        matches!(&error, ForgeError::IssuesOff { settings } if settings.ends_with("/sample/fork/settings"))
    );
    let error = ask(&server, |forge| forge.repository()).unwrap_err();
    assert!(matches!(error, ForgeError::NotFound { .. }), "{error:?}");

    let server = always("404 Not Found", serde_json::json!({ "message": "Not Found" }));
    let error = ask(&server, |forge| forge.workflow("a.yml")).unwrap_err();
    assert!(matches!(error, ForgeError::NotFound { has_token: true, .. }), "{error:?}");
    assert_eq!(error.to_string(), "GitHub answers “not found” when asked to read a workflow of sample/fork");
}

#[test]
fn a_second_pull_request_is_told_by_looking_and_not_by_its_words() {
    let refused = serde_json::json!({
        "message": "Validation Failed",
        "errors": [{ "resource": "PullRequest", "code": "custom", "message": "Ein Antrag besteht bereits." }],
    });
    let server = Loopback::start(move |asked, stream| match asked.method.as_str() {
        "POST" => json(stream, "422 Unprocessable Entity", &refused),
        _ => {
            let closed = raw_pull_request(5, "closed", "sample/fork");
            let open = raw_pull_request(4, "open", "sample/fork");
            json(stream, "200 OK", &serde_json::json!([closed, open]));
        }
    });

    let error = open(&server);

    assert!(matches!(error, ForgeError::Exists { number: 4, .. }), "{error:?}");
    assert_eq!(error.hint().unwrap(), "see https://github.com/sample/fork/pull/4");
}

#[test]
fn what_github_finds_wrong_is_repeated_printable_and_in_bounds() {
    let long = "x".repeat(10_000);
    let refused = serde_json::json!({
        "message": "Validation Failed",
        "errors": [
            { "resource": "PullRequest", "field": "head", "code": "invalid" },
            { "message": "No commits between main and x\n::set-output name=a::b" },
            "body is too long (maximum is 65536 characters)", 7, long,
        ],
    });
    let server = Loopback::start(move |asked, stream| match asked.method.as_str() {
        "POST" => json(stream, "422 Unprocessable Entity", &refused),
        _ => reply(stream, "500 Oh", b""),
    });

    let error = open(&server);

    let ForgeError::Invalid { messages, .. } = &error else { panic!("{error:?}") };
    assert_eq!(messages[..2], ["Validation Failed", "head is invalid"]);
    assert_eq!(messages[2], "No commits between main and x\\n::set-output name=a::b");
    assert_eq!(messages[3], "body is too long (maximum is 65536 characters)");
    assert_eq!((messages.len(), messages[4].len()), (5, 500));
}

#[test]
fn a_short_pause_that_is_asked_for_is_kept_and_the_write_made_once() {
    let server = Loopback::start(|asked, stream| match asked.before {
        0 => reply(stream, "429 Slow\nRetry-After: 0", b""),
        _ => json(stream, "201 Created", &raw_pull_request(7, "open", "sample/fork")),
    });

    let opened = ask(&server, |forge| forge.open_pull_request(&new_pull_request())).unwrap();

    assert_eq!((opened.number, server.asked()), (7, 2));
}

#[test]
fn a_limit_that_ends_far_away_is_not_waited_for() {
    // 784115370 is an hour after the date.
    let date = "Date: Sun, 06 Nov 1994 08:49:30 GMT";
    let used_up = "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 784115370";
    let server = Loopback::start(move |_, stream| {
        reply(stream, &format!("403 Forbidden\n{date}\n{used_up}"), b"{}");
    });

    let error = open(&server);

    let until = "1994-11-06T09:49:30Z".parse().unwrap();
    assert!(matches!(error, ForgeError::RateLimited { until: Some(at), .. } if at == until), "{error:?}");
    assert_eq!(error.hint().unwrap(), "it can be asked again after 1994-11-06 09:49:30 UTC");
    assert_eq!(server.asked(), 1);
}

#[test]
fn limits_are_told_from_permissions_by_headers_or_documentation() {
    for (head, body, is_limit) in [
        ("403 F\nRetry-After: 3600", serde_json::json!({}), true),
        ("403 F", serde_json::json!({ "documentation_url": LIMITED }), true),
        ("429 T", serde_json::json!(null), true),
        ("403 F\nX-RateLimit-Remaining: 12", serde_json::json!({ "message": "rate limit" }), false),
    ] {
        let server = always(head, body);
        let error = ask(&server, |forge| forge.open_issue("title", "body")).unwrap_err();
        assert_eq!(matches!(error, ForgeError::RateLimited { .. }), is_limit, "{head}: {error:?}");
        assert_eq!(server.asked(), 1, "{head}");
    }
}

#[test]
fn what_may_have_been_written_is_not_written_twice() {
    let server = Loopback::start(|asked, stream| match asked.before {
        // The connection breaks after the whole request has come.
        0 => {}
        _ => reply(stream, "502 Bad Gateway", b"<html>"),
    });

    let broken = ask(&server, |forge| forge.open_issue("title", "body")).unwrap_err();
    let failed = ask(&server, |forge| forge.open_issue("title", "body")).unwrap_err();

    assert!(matches!(broken, ForgeError::Unreachable { .. }), "{broken:?}");
    assert!(matches!(failed, ForgeError::Unexpected { .. }), "{failed:?}");
    assert_eq!(server.asked(), 2);
}

#[test]
fn an_answer_that_is_no_answer_is_an_error_that_names_it() {
    for (body, why) in [
        (&b"{"[..], "EOF"),
        (b"[]", "full_name"),
        (br#"{"full_name":1}"#, "invalid type"),
        (b"<html>\xff", "expected value"),
    ] {
        let server = Loopback::start(move |_, stream| reply(stream, "200 OK", body));
        let error = ask(&server, |forge| forge.repository()).unwrap_err();
        assert!(matches!(error, ForgeError::Unexpected { .. }), "{error:?}");
        assert!(error.to_string().contains(why) || why == "full_name", "{error}");
    }
}

#[test]
fn an_answer_that_is_too_long_or_too_late_ends_in_bounds() {
    let server = Loopback::start(|asked, stream| match asked.before {
        0 => reply(stream, "200 OK", &[b' '; 1_001]),
        _ => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
            std::thread::sleep(Duration::from_secs(3600));
        }
    });
    let client = client();
    let mut forge = Forge::new(&client, &server.url("/"), token(), repo());
    forge.limits = Limits { body: 1_000, whole: Duration::from_secs(20) };

    let error = forge.repository().unwrap_err();
    assert!(matches!(error, ForgeError::Unexpected { .. }), "{error:?}");
    assert!(error.to_string().contains("longer than 1000 bytes"), "{error}");

    forge.limits.whole = Duration::from_millis(200);
    let error = forge.repository().unwrap_err();
    let ForgeError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(source, HttpError::TimedOut { .. }), "{source:?}");
}
