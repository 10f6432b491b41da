//! A real server on this machine, for tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use url::Url;

/// A server that answers each connection once. Its thread ends with the test's process.
pub(crate) struct Loopback {
    port: u16,
    asked: Arc<AtomicUsize>,
}

/// What a client asked for.
pub(crate) struct Asked {
    /// How many requests came before this one.
    pub(crate) before: usize,
    /// The method.
    pub(crate) method: String,
    /// The path, with its query.
    pub(crate) path: String,
    /// The header lines, in lower case.
    pub(crate) headers: String,
    /// The body, as long as `Content-Length` says.
    pub(crate) body: Vec<u8>,
}

impl Loopback {
    /// Starts a server that answers with whatever `answer` writes.
    pub(crate) fn start(answer: impl Fn(&Asked, &mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = read_request(&stream);
                request.before = counter.fetch_add(1, Ordering::SeqCst);
                answer(&request, &mut stream);
            }
        });
        Self { port, asked }
    }

    /// The address of `path` on this server.
    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
    }

    /// How many requests have come.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn read_request(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let headers = headers.to_ascii_lowercase();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    Asked { before: 0, method, path, headers, body }
}

/// Writes a whole answer. `head` is the status and further header lines, such as `200 OK`.
pub(crate) fn reply(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let head = head.replace('\n', "\r\n");
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    // A client that has seen enough may hang up in the middle.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}
