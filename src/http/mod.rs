//! The one HTTP client: limits, redirects, retries.
//!
//! [`Client::send`], and [`Client::get`] on top of it, are the only way out to the network over HTTP.
//! They read no environment: proxy and time limits are arguments. Every answer is bounded, after it was unpacked, in bytes and in time,
//! and the time holds for redirects, retries and the pauses between them together.
//!
//! `https:` goes anywhere; `http:` goes to this machine only. A redirect obeys the same rule and
//! never leads from `https:` to `http:`. A token goes to no other host than the one it was meant for.

mod address;
mod error;
#[cfg(test)]
pub(crate) mod loopback;
mod request;
mod retry;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::header::AUTHORIZATION;
use ureq::{Agent, AsSendBody, Body, Proxy};
use url::Url;

use crate::ids::is_this_machine;

pub(crate) use address::shown;
pub(crate) use error::HttpError;
pub(crate) use request::{Header, Limited, Method, Reply, Request};

/// So many bytes are read of what is said beside a status that is no success.
const ERROR_BODY: u64 = 64 << 10;

/// How the client behaves. None of it comes from the environment.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// How long one connection may take to come about.
    pub(crate) connect: Duration,
    /// How many redirects one request follows.
    pub(crate) redirects: u32,
    /// How often a request is made, the first time included.
    pub(crate) attempts: u32,
    /// The pause before the second attempt; it doubles with each one.
    pub(crate) pause: Duration,
    /// The longest pause that a server may ask for with `Retry-After`; where it asks for more, the
    /// request has failed.
    pub(crate) longest_pause: Duration,
    /// The shortest time between two requests that write, as GitHub asks for.
    pub(crate) between_writes: Duration,
    /// The proxy for everything but this machine, as `http://host:port`.
    pub(crate) proxy: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            redirects: 5,
            attempts: 3,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(20),
            between_writes: Duration::from_secs(1),
            proxy: None,
        }
    }
}

/// What one request may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest body in bytes, after it was unpacked.
    pub(crate) body: u64,
    /// The longest time from the first attempt to the last byte.
    pub(crate) whole: Duration,
}

/// A successful answer (2xx).
#[derive(Debug)]
pub(crate) struct Response {
    /// Where the answer came from, after redirects.
    pub(crate) url: Url,
    /// The body, unpacked.
    pub(crate) body: Vec<u8>,
}

/// The client. One is made at the start and lent to whoever needs it.
pub(crate) struct Client {
    agent: Agent,
    proxy: Option<Proxy>,
    options: Options,
    /// When something was last written.
    written: Mutex<Option<Instant>>,
}

impl Client {
    /// A client that behaves as `options` say.
    ///
    /// # Errors
    /// Where the proxy's address cannot be used.
    pub(crate) fn new(options: Options) -> Result<Self, HttpError> {
        let proxy = options.proxy.as_deref().map(parse_proxy).transpose()?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // Followed here, because every hop is checked.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // ureq would read the environment for one.
            .proxy(None)
            .timeout_connect(Some(options.connect))
            .user_agent(concat!("patch-moi/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { agent, proxy, options, written: Mutex::new(None) })
    }

    /// Gets `url`, asking for the media types of `accept`.
    ///
    /// # Errors
    /// Where the address is not allowed, nothing answers in time, the answer is not a success after
    /// the last attempt, or it is longer than `limits` say.
    pub(crate) fn get(&self, url: &Url, accept: &str, limits: Limits) -> Result<Response, HttpError> {
        let headers = [Header::Plain("accept", accept)];
        let reply =
            self.send(&Request { method: Method::Get, url, headers: &headers, body: None, limits })?;
        if !reply.is_success() {
            let (url, retry_after) = (shown(&reply.url), reply.retry_after());
            return Err(HttpError::Status { url, status: reply.status, retry_after });
        }
        Ok(Response { url: reply.url, body: reply.body })
    }

    /// Sends `request` and gives the answer, whatever its status.
    ///
    /// What reads is tried again where that may help. What writes is tried again only where it is sure
    /// that nothing was done: no connection came about, or the server refused because it was asked too
    /// often and says for how long.
    ///
    /// # Errors
    /// Where the address is not allowed, nothing answers in time, a success is longer than the limits
    /// say, what writes is redirected, or what has a token is redirected to another host.
    pub(crate) fn send(&self, request: &Request<'_>) -> Result<Reply, HttpError> {
        address::allowed(request.url)?;
        let deadline = Instant::now() + request.limits.whole;
        let mut attempt = 1;
        loop {
            if request.method.writes() {
                self.keep_apart();
            }
            let outcome = self.follow(request, deadline);
            let left = deadline.saturating_duration_since(Instant::now());
            let pause = retry::pause(&outcome, request.method, attempt, &self.options);
            let Some(pause) = pause.filter(|pause| *pause < left) else { return outcome };
            tracing::debug!(url = shown(request.url), attempt, ?pause, "trying again");
            std::thread::sleep(pause);
            attempt += 1;
        }
    }

    /// Waits until the last write is long enough ago.
    fn keep_apart(&self) {
        // A thread that panicked here has left nothing half done.
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = *written {
            std::thread::sleep(self.options.between_writes.saturating_sub(last.elapsed()));
        }
        *written = Some(Instant::now());
    }

    fn follow(&self, request: &Request<'_>, deadline: Instant) -> Result<Reply, HttpError> {
        let mut at = request.url.clone();
        for _ in 0..=self.options.redirects {
            let reply = self.ask(request, &at, deadline)?;
            let Some(location) = redirect_of(&reply) else { return Ok(reply) };
            let to = address::redirect(&at, location)?;
            let (from, there) = (shown(&at), shown(&to));
            if request.is_secret() && to.origin() != request.url.origin() {
                return Err(HttpError::LeavesHost { url: from, to: there });
            }
            if request.method.writes() {
                return Err(HttpError::Moved { url: from, to: there });
            }
            at = to;
        }
        Err(HttpError::TooManyRedirects { url: shown(request.url), limit: self.options.redirects })
    }

    fn ask(&self, request: &Request<'_>, url: &Url, deadline: Instant) -> Result<Reply, HttpError> {
        let limits = request.limits;
        let failed = |error| HttpError::from_ureq(url, limits, error);
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(HttpError::TimedOut { url: shown(url), limit: limits.whole });
        }
        let mut sent = ureq::http::Request::builder().method(request.method.name()).uri(url.as_str());
        for header in request.headers {
            sent = match header {
                Header::Plain(name, value) => sent.header(*name, *value),
                Header::Bearer(token) => sent.header(AUTHORIZATION, format!("Bearer {}", token.expose())),
            };
        }
        let answer = match request.body {
            None => sent.body(()).map_err(ureq::Error::Http).and_then(|sent| self.call(sent, url, left)),
            Some(body) => {
                sent.body(body).map_err(ureq::Error::Http).and_then(|sent| self.call(sent, url, left))
            }
        };
        let (head, body) = answer.map_err(failed)?.into_parts();
        let mut reply =
            Reply { url: url.clone(), status: head.status.as_u16(), headers: head.headers, body: Vec::new() };
        if reply.is_success() {
            let bytes = read(body, limits.body).map_err(failed)?;
            reply.body = bytes.ok_or_else(|| HttpError::TooLong { url: shown(url), limit: limits.body })?;
        } else if redirect_of(&reply).is_none() {
            // The status is what counts; what is said beside it is worth no further error.
            let _ = body.into_reader().take(limits.body.min(ERROR_BODY)).read_to_end(&mut reply.body);
        }
        Ok(reply)
    }

    fn call(
        &self,
        request: ureq::http::Request<impl AsSendBody>,
        url: &Url,
        left: Duration,
    ) -> Result<ureq::http::Response<Body>, ureq::Error> {
        let proxy = self.proxy.clone().filter(|_| !is_this_machine(url));
        let request = self.agent.configure_request(request).timeout_global(Some(left)).proxy(proxy).build();
        self.agent.run(request)
    }
}

fn parse_proxy(text: &str) -> Result<Proxy, HttpError> {
    Proxy::new(text).map_err(|_| HttpError::Proxy)
}

/// Where an answer sends the asker.
fn redirect_of(reply: &Reply) -> Option<&str> {
    matches!(reply.status, 301 | 302 | 303 | 307 | 308).then(|| reply.header("location")).flatten()
}

/// The body, or `None` where it is longer than `limit`. ureq's own limit counts packed bytes, and a
/// small packed body can unpack to anything.
fn read(body: Body, limit: u64) -> Result<Option<Vec<u8>>, ureq::Error> {
    let mut bytes = Vec::new();
    body.into_reader().take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}
