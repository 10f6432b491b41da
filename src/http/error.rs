//! What can go wrong between us and a server.

use std::time::Duration;

use thiserror::Error;
use url::Url;

use super::Limits;
use super::address::shown;

/// Why a request brought nothing. Addresses are shown without user, password and query.
#[derive(Debug, Error)]
pub(crate) enum HttpError {
    /// The address is neither `https:` nor on this machine.
    #[error("{url} is not asked: only https: is, and http: on this machine")]
    NotAllowed {
        /// The address.
        url: String,
    },
    /// A redirect leads where no request may go.
    #[error("{url} redirects to {to}, which is not followed: only https: is, and http: on this machine")]
    BadRedirect {
        /// Who redirects.
        url: String,
        /// Where to.
        to: String,
    },
    /// A redirect leads to another host, and the request has a token for this one.
    #[error("{url} redirects to {to}, which is not followed: the token is for another host")]
    LeavesHost {
        /// Who redirects.
        url: String,
        /// Where to.
        to: String,
    },
    /// What is to be written belongs elsewhere.
    #[error("{url} has moved to {to}; nothing was written")]
    Moved {
        /// Who redirects.
        url: String,
        /// Where to.
        to: String,
    },
    /// The redirects do not end.
    #[error("{url} redirects more than {limit} times")]
    TooManyRedirects {
        /// The first address.
        url: String,
        /// How many redirects are followed.
        limit: u32,
    },
    /// The server answered, and not with success.
    #[error("{url} answered with status {status}")]
    Status {
        /// The address.
        url: String,
        /// The status code.
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The answer is too long.
    #[error("the answer of {url} is longer than {limit} bytes")]
    TooLong {
        /// The address.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The answer did not come in time.
    #[error("{url} did not answer within {limit:?}")]
    TimedOut {
        /// The address.
        url: String,
        /// The limit.
        limit: Duration,
    },
    /// No connection, or it broke.
    #[error("{url} cannot be reached")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// The server answered with something that is not HTTP, or proves who it is with something that is not valid.
    #[error("{url} does not answer as a server should")]
    Broken {
        /// The address.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// The proxy's address cannot be used. It is not repeated here, since it may hold a password.
    #[error("the proxy's address is not of the form http://host:port")]
    Proxy,
}

impl HttpError {
    pub(super) fn from_ureq(url: &Url, limits: Limits, error: ureq::Error) -> Self {
        let url = shown(url);
        match error {
            // ureq names the phase; what a person can act on is the limit.
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                Self::Unreachable { url, source: Box::new(error) }
            }
            ureq::Error::Timeout(_) => Self::TimedOut { url, limit: limits.whole },
            ureq::Error::Io(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_) => Self::Unreachable { url, source: Box::new(error) },
            _ => Self::Broken { url, source: Box::new(error) },
        }
    }

    /// Whether no connection came about, so that nothing can have been done.
    pub(super) fn is_before_connection(&self) -> bool {
        let Self::Unreachable { source, .. } = self else { return false };
        match &**source {
            ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::Timeout(_) => true,
            _ => false,
        }
    }

    /// What to do next, where there is something to do.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAllowed { .. } => "use the https: address",
            Self::BadRedirect { to, .. } => {
                return Some(format!("if {to} is where it should go, name it directly"));
            }
            Self::LeavesHost { to, .. } | Self::Moved { to, .. } => {
                return Some(format!("if {to} is where it should go, use the new name or address"));
            }
            Self::TooManyRedirects { .. } => {
                "open the address in a browser and use the one at which you arrive"
            }
            Self::Status { status: 401 | 403, .. } => "it wants a login: only public addresses can be read",
            Self::Status { status: 404 | 410, .. } => {
                "nothing is there: check the address for a rename or a typing error"
            }
            Self::Status { status: 429, retry_after: Some(pause), .. } => {
                return Some(format!("too many requests: it asks to wait {} seconds", pause.as_secs()));
            }
            Self::Status { status: 429, .. } => "too many requests: ask less often",
            Self::Status { .. } | Self::TimedOut { .. } => {
                "the server has a problem: the next run tries again"
            }
            Self::TooLong { .. } => "check that the address names a feed and not something else",
            Self::Unreachable { .. } => {
                "check the network, the name of the host, and the proxy where one is used"
            }
            Self::Broken { .. } => {
                "check that the address is right and that nothing between here and there rewrites traffic"
            }
            Self::Proxy => "for example http://proxy.example:3128",
        };
        Some(hint.to_owned())
    }
}
