//! Why GitHub did not do what it was asked to.

use jiff::Timestamp;
use std::time::Duration;
use thiserror::Error;

use crate::http::HttpError;

/// Why GitHub did not do what it was asked to. What it says is printable and of bounded length.
#[derive(Debug, Error)]
pub(crate) enum ForgeError {
    /// There is no token, and this is nothing for everybody.
    #[error("without a token GitHub lets nobody {what}")]
    NoToken {
        /// What was asked for.
        what: String,
    },
    /// The token is none.
    #[error("GitHub does not accept the token, and so did not {what}")]
    Unauthorized {
        /// What was asked for.
        what: String,
    },
    /// The repository's or the organisation's settings keep workflows from opening pull requests.
    #[error("GitHub Actions is not permitted to open pull requests in this repository")]
    PullRequestsNotPermitted {
        /// The page with the setting.
        settings: String,
    },
    /// The repository has no issues.
    #[error("issues are off in this repository")]
    IssuesOff {
        /// The page with the setting.
        settings: String,
    },
    /// There is nothing there, or nothing that the token may see.
    #[error("GitHub answers “not found” when asked to {what}")]
    NotFound {
        /// What was asked for.
        what: String,
        /// Whether there was a token.
        has_token: bool,
    },
    /// The token may not.
    #[error("GitHub does not allow this token to {what}: {message}")]
    Forbidden {
        /// What was asked for.
        what: String,
        /// What GitHub says.
        message: String,
        /// The permissions that GitHub says would do, such as `pull_requests=write`.
        needs: Option<String>,
    },
    /// GitHub was asked too often.
    #[error("GitHub was asked too often and did not {what}")]
    RateLimited {
        /// What was asked for.
        what: String,
        /// Until when it refuses, where it says so.
        until: Option<Timestamp>,
        /// For how long it refuses, where it says so.
        pause: Option<Duration>,
    },
    /// A pull request from the same branch onto the same base is open.
    #[error("pull request #{number} is open for the same branch already")]
    Exists {
        /// Its number.
        number: u64,
        /// Its page.
        url: String,
    },
    /// GitHub refuses what was sent.
    #[error("GitHub refuses to {what}: {}", messages.join("; "))]
    Invalid {
        /// What was asked for.
        what: String,
        /// What GitHub says, at least one.
        messages: Vec<String>,
    },
    /// GitHub could not be asked.
    #[error("GitHub could not be asked to {what}")]
    Unreachable {
        /// What was asked for.
        what: String,
        /// Why.
        source: HttpError,
    },
    /// An answer that means nothing.
    #[error("GitHub was asked to {what}, and its answer cannot be used: {why}")]
    Unexpected {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ForgeError {
    /// Whether the same may be done another time as things are, or with the right token. Otherwise a setting or
    /// a permission is in the way.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized { .. }
                | Self::RateLimited { .. }
                | Self::Unreachable { .. }
                | Self::Unexpected { .. }
        )
    }

    /// What to do next, where there is something to do.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoToken { .. } => "set PATCH_MOI_TOKEN, GITHUB_TOKEN or GH_TOKEN".to_owned(),
            Self::Unauthorized { .. } => {
                "the token is mistyped, was revoked or has expired: use a new one".to_owned()
            }
            Self::PullRequestsNotPermitted { settings } => format!(
                "tick “Allow GitHub Actions to create and approve pull requests” at {settings} (an organisation \
                 may forbid it for all its repositories), or use a token of your own"
            ),
            Self::IssuesOff { settings } => format!("tick “Issues” at {settings}"),
            Self::NotFound { has_token: true, .. } => {
                "check the name; GitHub says the same where the token may not see it".to_owned()
            }
            Self::NotFound { has_token: false, .. } => {
                "check the name; GitHub says the same of a private repository where there is no token"
                    .to_owned()
            }
            Self::Forbidden { needs: Some(needs), .. } => {
                format!("the token needs: {needs} (in a workflow: the `permissions` of the job)")
            }
            Self::Forbidden { needs: None, .. } => {
                "give the token the permission (in a workflow: the `permissions` of the job), or use another"
                    .to_owned()
            }
            Self::RateLimited { until: Some(until), .. } => {
                format!("it can be asked again after {}", until.strftime("%Y-%m-%d %H:%M:%S UTC"))
            }
            Self::RateLimited { pause: Some(pause), .. } => {
                format!("it can be asked again in {} seconds", pause.as_secs())
            }
            Self::RateLimited { .. } => "wait some minutes, then try again".to_owned(),
            Self::Exists { url, .. } => format!("see {url}"),
            Self::Unreachable { source, .. } => return source.hint(),
            Self::Unexpected { .. } => {
                "check GITHUB_API_URL; if it is right, GitHub has a problem: try again later".to_owned()
            }
            Self::Invalid { .. } => return None,
        };
        Some(hint)
    }
}
