use std::io::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use super::loopback::{Loopback, reply};
use super::*;

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
