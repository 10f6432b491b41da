//! What is asked of a server, and what it answers.

use jiff::Timestamp;
use std::time::Duration;
use ureq::http::HeaderMap;
use url::Url;

use super::{Limits, retry};
use crate::ids::Secret;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Reads.
    Get,
    /// Makes something new.
    Post,
    /// Changes a part of something.
    Patch,
}

impl Method {
    /// Whether it changes something, so that to ask twice may do it twice.
    pub(crate) const fn writes(self) -> bool {
        !matches!(self, Self::Get)
    }

    /// The method's name in HTTP.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
        }
    }
}

/// A header of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Header<'a> {
    /// One that anybody may read.
    Plain(&'static str, &'a str),
    /// `Authorization: Bearer` and the token. A request that has one stays on its host.
    Bearer(&'a Secret),
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// What it does.
    pub(crate) method: Method,
    /// Where it goes.
    pub(crate) url: &'a Url,
    /// Its headers, beside those that every request has.
    pub(crate) headers: &'a [Header<'a>],
    /// Its body, where it has one.
    pub(crate) body: Option<&'a [u8]>,
    /// What it may cost.
    pub(crate) limits: Limits,
}

impl Request<'_> {
    /// Whether it holds what no other host may see.
    pub(super) fn is_secret(&self) -> bool {
        self.headers.iter().any(|header| matches!(header, Header::Bearer(_)))
    }
}

/// An answer of any status.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Where the answer came from, after redirects.
    pub(crate) url: Url,
    /// The status.
    pub(crate) status: u16,
    /// The body, unpacked. That of a status other than 2xx ends after 64 KiB, and is empty where it
    /// could not be read.
    pub(crate) body: Vec<u8>,
    pub(super) headers: HeaderMap,
}

/// How a server says that it was asked too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limited {
    /// How long to wait, by the server's own clock.
    pub(crate) pause: Option<Duration>,
    /// Until when.
    pub(crate) until: Option<Timestamp>,
}

impl Reply {
    /// Whether the status is 2xx.
    pub(crate) const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// The header `name`, where it is there and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the server refused because it was asked too often: 429, or 403 with `Retry-After` or with
    /// `x-ratelimit-remaining: 0`, as GitHub answers.
    /// Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.
    pub(crate) fn limited(&self) -> Option<Limited> {
        let asked = self.retry_after();
        let is_used_up = self.header("x-ratelimit-remaining").is_some_and(|left| left.trim() == "0");
        if self.status != 429 && (self.status != 403 || (asked.is_none() && !is_used_up)) {
            return None;
        }
        let now = retry::date(self.header("date"));
        if asked.is_some() || !is_used_up {
            let until = asked.zip(now).and_then(|(pause, now)| now.checked_add(pause).ok());
            return Some(Limited { pause: asked, until });
        }
        let seconds = self.header("x-ratelimit-reset").and_then(|text| text.trim().parse().ok());
        let until = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let pause = until
            .zip(now)
            .map(|(until, now)| Duration::try_from(until.duration_since(now)).unwrap_or_default());
        Some(Limited { pause, until })
    }

    /// `Retry-After`, where the server sent one.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        retry::after(self.header("retry-after"), self.header("date"))
    }
}
