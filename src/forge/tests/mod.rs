use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;
use crate::http::Options;
use crate::http::loopback::{Asked, Loopback, reply};

mod lists;
mod prism;
mod refusals;
mod requests;

/// A client that waits for nobody.
fn client() -> Client {
    let pause = Duration::from_millis(1);
    Client::new(Options { pause, between_writes: Duration::ZERO, ..Options::default() }).unwrap()
}

fn token() -> Option<Secret> {
    Secret::new("ghs_secret")
}

fn repo() -> RepoName {
    "sample/fork".parse().unwrap()
}

/// What `call` comes to where `server` is GitHub.
fn ask<T>(server: &Loopback, call: impl FnOnce(&Forge<'_>) -> T) -> T {
    call(&Forge::new(&client(), &server.url("/"), token(), repo()))
}

fn json(stream: &mut TcpStream, head: &str, body: &serde_json::Value) {
    reply(stream, &format!("{head}\nContent-Type: application/json"), body.to_string().as_bytes());
}

/// A server that answers everything with `head` and `body`.
fn always(head: &'static str, body: serde_json::Value) -> Loopback {
    Loopback::start(move |_, stream| json(stream, head, &body))
}

fn new_pull_request() -> NewPullRequest {
    NewPullRequest {
        title: "Carry on".to_owned(),
        body: "Ünïcode, and \"quotes\"".to_owned(),
        head: "patch-moi/candidate/v1.1.0".to_owned(),
        base: "main".to_owned(),
        draft: true,
    }
}

/// A pull request as GitHub writes it, with more fields than are used.
fn raw_pull_request(number: u64, state: &str, head_repo: &str) -> serde_json::Value {
    serde_json::json!({
        "id": 1, "number": number, "state": state, "draft": true, "title": "Carry on", "body": null,
        "html_url": format!("https://github.com/sample/fork/pull/{number}"),
        "head": { "ref": "patch-moi/candidate/v1.1.0", "sha": "4c4c", "repo": { "full_name": head_repo } },
        "base": { "ref": "main", "sha": "0c0c", "repo": { "full_name": "sample/fork" } },
    })
}
