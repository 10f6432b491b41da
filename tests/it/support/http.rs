//! A web server on this machine that answers what it was told to.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// One answer.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Page {
    /// An Atom feed.
    pub(crate) fn atom(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type: "application/atom+xml; charset=utf-8", body: body.into() }
    }

    /// A failure with no more to say.
    pub(crate) fn status(status: u16) -> Self {
        Self { status, content_type: "text/plain", body: b"no\n".to_vec() }
    }
}

/// The server. It goes away with the value.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves these pages by path, and 404 for the rest.
    pub(crate) fn new<const N: usize>(pages: [(&str, Page); N]) -> Self {
        let pages: BTreeMap<String, Page> =
            pages.into_iter().map(|(path, page)| (path.to_owned(), page)).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (seen, stop) = (Arc::clone(&seen), Arc::clone(&stop));
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    // A client that goes away early is its own affair.
                    let _ = stream.and_then(|stream| answer(stream, &pages, &seen));
                }
            })
        };
        Self { address, seen, stop, thread: Some(thread) }
    }

    /// The address of a path that begins with `/`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request line and header so far, a request an entry.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread, so that it sees the flag.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(
    mut stream: TcpStream,
    pages: &BTreeMap<String, Page>,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while reader.read_line(&mut head)? > 2 {}
    let path = head.split_whitespace().nth(1).unwrap_or("/").to_owned();
    seen.lock().unwrap().push(head);

    let page = pages.get(&path).cloned().unwrap_or_else(|| Page::status(404));
    write!(
        stream,
        "HTTP/1.1 {} -\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        page.status,
        page.content_type,
        page.body.len()
    )?;
    stream.write_all(&page.body)
}

#[test]
fn the_server_answers_an_independent_client() {
    let server = Server::new([("/feed.atom", Page::atom("<feed/>"))]);
    let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();

    let found = client.get(server.url("/feed.atom")).send().unwrap();
    assert_eq!((found.status().as_u16(), found.text().unwrap().as_str()), (200, "<feed/>"));
    let missing = client.get(server.url("/other")).send().unwrap();
    assert_eq!(missing.status().as_u16(), 404);
    assert_eq!(server.requests().len(), 2);
    assert!(server.requests()[0].starts_with("GET /feed.atom HTTP/1.1"));
}
