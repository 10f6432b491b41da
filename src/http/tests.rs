use std::io::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use super::loopback::{Loopback, reply};
use super::*;
use crate::ids::Secret;

const LIMITS: Limits = Limits { body: 10_000, whole: Duration::from_secs(20) };

/// `packed\n` as gzip writes it.
const PACKED: &[u8] = &[
    0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0x02, 0x03, 0x2b, 0x48, 0x4c, 0xce, 0x4e, 0x4d, 0xe1, 0x02, 0, 0x43,
    0xe0, 0x41, 0x2f, 0x07, 0, 0, 0,
];

fn client() -> Client {
    Client::new(Options { pause: Duration::from_millis(1), ..Options::default() }).unwrap()
}

fn get(server: &Loopback, path: &str) -> Result<Response, HttpError> {
    client().get(&server.url(path), "text/plain", LIMITS)
}

#[test]
fn a_redirect_loop_ends() {
    let server = Loopback::start(|_, stream| reply(stream, "302 Found\nLocation: /round", b""));

    let error = get(&server, "/round").unwrap_err();

    assert!(matches!(error, HttpError::TooManyRedirects { limit: 5, .. }), "{error:?}");
    assert_eq!(server.asked(), 6);
}

#[test]
fn a_redirect_to_another_machine_without_https_is_not_followed() {
    let server =
        Loopback::start(|_, stream| reply(stream, "301 Moved\nLocation: http://example.com/feed", b""));

    let error = get(&server, "/").unwrap_err();

    assert!(matches!(error, HttpError::BadRedirect { .. }), "{error:?}");
    assert!(error.to_string().contains("http://example.com/feed"), "{error}");
}

#[test]
fn a_body_that_is_too_long_is_not_read_to_its_end() {
    let server = Loopback::start(|_, stream| reply(stream, "200 OK", &[b'x'; 10_001]));

    let error = get(&server, "/").unwrap_err();

    assert!(matches!(error, HttpError::TooLong { limit: 10_000, .. }), "{error:?}");
    assert_eq!(server.asked(), 1, "no use in trying again");
}

#[test]
fn the_limit_counts_what_a_packed_body_unpacks_to() {
    let server = Loopback::start(|_, stream| reply(stream, "200 OK\nContent-Encoding: gzip", PACKED));

    let tight = Limits { body: 6, ..LIMITS };
    let error = client().get(&server.url("/"), "*/*", tight).unwrap_err();

    assert!(matches!(error, HttpError::TooLong { limit: 6, .. }), "{error:?}");
    assert_eq!(get(&server, "/").unwrap().body, b"packed\n");
}

#[test]
fn a_body_that_never_ends_runs_into_the_time_limit() {
    let server = Loopback::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
        while stream.write_all(b"").is_ok() {
            std::thread::sleep(Duration::from_secs(3600));
        }
    });

    let short = Limits { whole: Duration::from_millis(200), ..LIMITS };
    let error = client().get(&server.url("/"), "*/*", short).unwrap_err();

    assert!(matches!(error, HttpError::TimedOut { .. }), "{error:?}");
}

#[test]
fn a_server_that_stumbles_once_is_asked_again() {
    let server = Loopback::start(|asked, stream| match asked.before {
        0 => reply(stream, "503 Busy\nRetry-After: 0", b""),
        _ => reply(stream, "200 OK", b"there you are"),
    });

    let response = get(&server, "/").unwrap();

    assert_eq!(response.body, b"there you are");
    assert_eq!(server.asked(), 2);
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    let server = Loopback::start(|asked, stream| match asked.before {
        0 => {}
        _ => reply(stream, "200 OK", b"second"),
    });

    assert_eq!(get(&server, "/").unwrap().body, b"second");
}

#[test]
fn a_server_that_keeps_failing_is_left_alone_after_three_attempts() {
    let server = Loopback::start(|_, stream| reply(stream, "500 Oh", b""));

    let error = get(&server, "/secret?token=t").unwrap_err();

    assert!(matches!(error, HttpError::Status { status: 500, .. }), "{error:?}");
    assert!(!error.to_string().contains("token=t"), "{error}");
    assert_eq!(server.asked(), 3);
}

#[test]
fn what_is_not_there_is_asked_for_once() {
    let server = Loopback::start(|_, stream| reply(stream, "404 Not Found", b"no"));

    let error = get(&server, "/").unwrap_err();

    assert!(error.hint().unwrap().contains("rename"), "{error:?}");
    assert_eq!(server.asked(), 1);
}

#[test]
fn where_nobody_listens_the_error_names_the_address() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/feed").parse().unwrap();

    let error = client().get(&url, "*/*", LIMITS).unwrap_err();

    assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(url.as_str()), "{error}");
}

#[test]
fn an_answer_that_is_not_http_is_an_error() {
    let server = Loopback::start(|_, stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
    });

    assert!(get(&server, "/").is_err());
}

#[test]
fn a_request_says_who_asks_and_for_what() {
    let server = Loopback::start(|asked, stream| reply(stream, "200 OK", asked.headers.as_bytes()));

    let headers = String::from_utf8(get(&server, "/").unwrap().body).unwrap();

    let agent = concat!("user-agent: patch-moi/", env!("CARGO_PKG_VERSION"));
    assert!(headers.lines().any(|line| line == agent), "{headers}");
    assert!(headers.lines().any(|line| line == "accept: text/plain"), "{headers}");
}

#[test]
fn a_redirect_within_the_rules_is_followed_and_named() {
    let server = Loopback::start(|asked, stream| match asked.path.as_str() {
        "/old" => reply(stream, "301 Moved\nLocation: new?x=1", b""),
        path => reply(stream, "200 OK", path.as_bytes()),
    });

    let response = get(&server, "/old").unwrap();

    assert_eq!(response.body, b"/new?x=1");
    assert_eq!(response.url, server.url("/new?x=1"));
}

#[test]
fn the_proxy_is_asked_for_other_machines_and_never_for_this_one() {
    let proxy = Loopback::start(|_, stream| reply(stream, "403 No", b""));
    let server = Loopback::start(|_, stream| reply(stream, "200 OK", b"direct"));
    let options = Options { proxy: Some(proxy.url("/").to_string()), attempts: 1, ..Options::default() };
    let client = Client::new(options).unwrap();

    assert_eq!(client.get(&server.url("/"), "*/*", LIMITS).unwrap().body, b"direct");
    assert_eq!(proxy.asked(), 0);

    let elsewhere = "https://example.invalid/".parse().unwrap();
    let error = client.get(&elsewhere, "*/*", LIMITS).unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
    assert_eq!(proxy.asked(), 1);
}

#[test]
fn a_proxy_that_cannot_be_one_is_refused_without_repeating_it() {
    let options = Options { proxy: Some("ht!tp://user:secret@".to_owned()), ..Options::default() };
    let error = Client::new(options).err().unwrap();
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn another_client_reads_the_same_bytes() {
    let body: Vec<u8> = (0..9_000).map(|n| (n * 31 % 251) as u8).collect();
    let sent = body.clone();
    let server = Loopback::start(move |_, stream| reply(stream, "200 OK", &sent));

    let ours = get(&server, "/").unwrap();
    let other = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let theirs = other.get(server.url("/")).send().unwrap();

    assert_eq!(ours.body, theirs.bytes().unwrap());
    assert_eq!(ours.body, body);
}

fn send(server: &Loopback, method: Method, path: &str) -> Result<Reply, HttpError> {
    let token = Secret::new("token").unwrap();
    let headers = [Header::Plain("accept", "*/*"), Header::Bearer(&token)];
    let body = method.writes().then_some(&b"sent"[..]);
    let options =
        Options { pause: Duration::from_millis(1), between_writes: Duration::ZERO, ..Options::default() };
    let url = server.url(path);
    let request = Request { method, url: &url, headers: &headers, body, limits: LIMITS };
    Client::new(options).unwrap().send(&request)
}

#[test]
fn an_answer_of_any_status_is_an_answer() {
    let server = Loopback::start(|asked, stream| {
        let said = format!("{} {}", asked.method, String::from_utf8_lossy(&asked.body));
        reply(stream, "418 Teapot\nX-Said: so", said.as_bytes());
    });
    for (method, said) in [(Method::Get, "GET "), (Method::Post, "POST sent"), (Method::Patch, "PATCH sent")]
    {
        let reply = send(&server, method, "/").unwrap();
        assert_eq!((reply.status, reply.header("x-said")), (418, Some("so")));
        assert_eq!(String::from_utf8(reply.body).unwrap(), said);
    }
    assert_eq!(server.asked(), 3);
}

#[test]
fn what_is_said_beside_a_failure_is_read_in_bounds_and_never_in_its_place() {
    let server = Loopback::start(|asked, stream| match asked.path.as_str() {
        "/long" => reply(stream, "404 Not Found", &[b'x'; 200_000]),
        _ => {
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nabc");
        }
    });

    let reply = send(&server, Method::Get, "/long").unwrap();
    assert_eq!((reply.status, reply.body.len() as u64), (404, LIMITS.body));
    assert_eq!(send(&server, Method::Post, "/broken").unwrap().status, 404);
}

#[test]
fn a_write_is_not_made_again_where_it_may_have_been_done() {
    let server = Loopback::start(|asked, stream| {
        if asked.path == "/busy" {
            reply(stream, "503 Busy\nRetry-After: 0", b"");
        }
    });

    let error = send(&server, Method::Post, "/breaks").unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
    assert_eq!(send(&server, Method::Post, "/busy").unwrap().status, 503);
    assert_eq!(server.asked(), 2);
    assert_eq!(send(&server, Method::Get, "/busy").unwrap().status, 503);
    assert_eq!(server.asked(), 5, "what reads is");
}

#[test]
fn a_connection_that_never_came_about_may_be_tried_again_by_a_write() {
    let unreachable = |source| {
        Err(HttpError::Unreachable { url: "https://example.com/".to_owned(), source: Box::new(source) })
    };
    let io = |kind| ureq::Error::Io(std::io::Error::from(kind));
    for (source, again) in [
        (io(std::io::ErrorKind::ConnectionRefused), true),
        (ureq::Error::HostNotFound, true),
        (ureq::Error::Timeout(ureq::Timeout::Connect), true),
        (io(std::io::ErrorKind::ConnectionReset), false),
        (io(std::io::ErrorKind::UnexpectedEof), false),
    ] {
        let outcome = unreachable(source);
        let pause = |method| retry::pause(&outcome, method, 1, &Options::default());
        assert_eq!(pause(Method::Patch).is_some(), again, "{outcome:?}");
        assert!(pause(Method::Get).is_some());
    }
}

#[test]
fn a_token_goes_to_the_host_that_it_is_for_and_a_write_where_it_was_sent() {
    let other = Loopback::start(|asked, stream| reply(stream, "200 OK", asked.headers.as_bytes()));
    let elsewhere = other.url("/");
    let server = Loopback::start(move |asked, stream| match asked.path.as_str() {
        "/away" => reply(stream, &format!("307 Moved\nLocation: {elsewhere}"), b""),
        "/here" => reply(stream, "307 Moved\nLocation: /", b""),
        _ => reply(stream, "200 OK", asked.headers.as_bytes()),
    });

    for method in [Method::Get, Method::Post] {
        let error = send(&server, method, "/away").unwrap_err();
        assert!(matches!(error, HttpError::LeavesHost { .. }), "{error:?}");
    }
    let error = send(&server, Method::Patch, "/here").unwrap_err();
    assert!(matches!(error, HttpError::Moved { .. }), "{error:?}");
    let body = String::from_utf8(send(&server, Method::Get, "/here").unwrap().body).unwrap();
    assert!(body.contains("authorization: bearer token"), "{body}");
    assert_eq!(other.asked(), 0);
    assert_eq!(get(&server, "/away").unwrap().url, other.url("/"), "without a token it is followed");
}

#[test]
fn writes_keep_their_distance() {
    let server = Loopback::start(|_, stream| reply(stream, "200 OK", b""));
    let between = Duration::from_millis(60);
    let client = Client::new(Options { between_writes: between, ..Options::default() }).unwrap();
    let url = server.url("/");
    let request = Request { method: Method::Post, url: &url, headers: &[], body: Some(b""), limits: LIMITS };

    let begun = Instant::now();
    client.send(&request).unwrap();
    client.send(&request).unwrap();

    // At least so long: how much longer is nobody's promise.
    assert!(begun.elapsed() >= between);
}
