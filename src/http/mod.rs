//! The one HTTP client: limits, redirects, retries.
//!
//! [`Client::get`] is the only way out to the network over HTTP. It reads no environment: proxy and
//! time limits are arguments. Every answer is bounded, after it was unpacked, in bytes and in time,
//! and the time holds for redirects, retries and the pauses between them together.
//!
//! `https:` goes anywhere; `http:` goes to this machine only. A redirect obeys the same rule and
//! never leads from `https:` to `http:`.

mod address;
mod error;
#[cfg(test)]
pub(crate) mod loopback;
mod retry;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::http::HeaderMap;
use ureq::http::header::{ACCEPT, DATE, HeaderName, LOCATION, RETRY_AFTER};
use ureq::{Agent, Body, Proxy};
use url::Url;

use crate::ids::is_this_machine;

pub(crate) use address::shown;
pub(crate) use error::HttpError;

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
}

/// One answer: the whole of it, or where to look instead.
enum Answer {
    Whole(Response),
    Elsewhere(String),
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
        Ok(Self { agent, proxy, options })
    }

    /// Gets `url`, asking for the media types of `accept`.
    ///
    /// # Errors
    /// Where the address is not allowed, nothing answers in time, the answer is not a success after
    /// the last attempt, or it is longer than `limits` say.
    pub(crate) fn get(&self, url: &Url, accept: &str, limits: Limits) -> Result<Response, HttpError> {
        address::allowed(url)?;
        let deadline = Instant::now() + limits.whole;
        let mut attempt = 1;
        loop {
            let failed = match self.follow(url, accept, limits, deadline) {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let pause = retry::pause(&failed, attempt, &self.options).filter(|pause| *pause < left);
            let Some(pause) = pause else { return Err(failed) };
            tracing::debug!(error = %failed, attempt, ?pause, "trying again");
            std::thread::sleep(pause);
            attempt += 1;
        }
    }

    fn follow(
        &self,
        url: &Url,
        accept: &str,
        limits: Limits,
        deadline: Instant,
    ) -> Result<Response, HttpError> {
        let mut at = url.clone();
        for _ in 0..=self.options.redirects {
            match self.ask(&at, accept, limits, deadline)? {
                Answer::Whole(response) => return Ok(response),
                Answer::Elsewhere(location) => at = address::redirect(&at, &location)?,
            }
        }
        Err(HttpError::TooManyRedirects { url: shown(url), limit: self.options.redirects })
    }

    fn ask(&self, url: &Url, accept: &str, limits: Limits, deadline: Instant) -> Result<Answer, HttpError> {
        let failed = |error| HttpError::from_ureq(url, limits, error);
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(HttpError::TimedOut { url: shown(url), limit: limits.whole });
        }
        let proxy = self.proxy.clone().filter(|_| !is_this_machine(url));
        let request = self.agent.get(url.as_str()).header(ACCEPT, accept);
        let request = request.config().timeout_global(Some(left)).proxy(proxy).build();
        let answer = request.call().map_err(failed)?;

        let status = answer.status().as_u16();
        let headers = answer.headers();
        if let (301 | 302 | 303 | 307 | 308, Some(location)) = (status, text(headers, LOCATION)) {
            return Ok(Answer::Elsewhere(location.to_owned()));
        }
        if !answer.status().is_success() {
            let retry_after = retry::after(text(headers, RETRY_AFTER), text(headers, DATE));
            return Err(HttpError::Status { url: shown(url), status, retry_after });
        }
        let body = read(answer.into_body(), limits.body).map_err(failed)?;
        let body = body.ok_or_else(|| HttpError::TooLong { url: shown(url), limit: limits.body })?;
        Ok(Answer::Whole(Response { url: url.clone(), body }))
    }
}

fn parse_proxy(text: &str) -> Result<Proxy, HttpError> {
    Proxy::new(text).map_err(|_| HttpError::Proxy)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The body, or `None` where it is longer than `limit`. ureq's own limit counts packed bytes, and a
/// small packed body can unpack to anything.
fn read(body: Body, limit: u64) -> Result<Option<Vec<u8>>, ureq::Error> {
    let mut bytes = Vec::new();
    body.into_reader().take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}
