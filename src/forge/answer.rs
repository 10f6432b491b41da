//! What an answer means.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::ForgeError;
use super::operation::Operation;
use crate::http::{Limited, Reply};
use crate::ids::RepoName;
use crate::report::printable;

/// So many characters of anything that GitHub says.
const LONGEST: usize = 500;
/// So many messages of one refusal.
const MOST_MESSAGES: usize = 10;

/// Who asks, where, and about what.
pub(super) struct Asker<'a> {
    pub(super) api: &'a Url,
    /// Where the pages for people are, where that is known.
    pub(super) pages: Option<&'a Url>,
    pub(super) repo: &'a RepoName,
    pub(super) has_token: bool,
}

impl Asker<'_> {
    /// A page of the repository, for people. The API of github.com has a host of its own, as that of a
    /// tenant of ghe.com; a server of one's own has it below its own address.
    pub(super) fn page(&self, path: &str) -> String {
        let mut url = self.pages.unwrap_or(self.api).clone();
        let host = url.host_str().and_then(|host| host.strip_prefix("api.")).map(str::to_owned);
        if let Some(host) = host.filter(|_| self.pages.is_none()) {
            // A host without its first label is a host.
            let _ = url.set_host(Some(&host));
        }
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(&format!("{}/{path}", self.repo));
        url.to_string()
    }
}

/// What GitHub says beside a refusal. Whatever does not fit is taken as not said.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    message: Value,
    errors: Value,
    documentation_url: Value,
}

/// Reads the body of a success.
pub(super) fn parse<T: DeserializeOwned>(
    operation: Operation,
    repo: &RepoName,
    reply: &Reply,
) -> Result<T, ForgeError> {
    serde_json::from_slice(&reply.body).map_err(|error| ForgeError::Unexpected {
        what: operation.what(repo),
        why: shown(&format!("it is not the JSON that was expected ({error})")),
    })
}

/// Whether a list goes on. RFC 8288.
pub(super) fn has_next(reply: &Reply) -> bool {
    reply.header("link").is_some_and(|link| link.contains("rel=\"next\""))
}

/// What a status other than 2xx means.
pub(super) fn refusal(operation: Operation, asker: &Asker<'_>, reply: &Reply) -> ForgeError {
    let what = operation.what(asker.repo);
    let said: Said = serde_json::from_slice(&reply.body).unwrap_or_default();
    let is_about_limits = said.documentation_url.as_str().is_some_and(|url| url.contains("rate-limit"));
    let limited = reply
        .limited()
        .or((reply.status == 403 && is_about_limits).then_some(Limited { pause: None, until: None }));
    if let Some(Limited { pause, until }) = limited {
        return ForgeError::RateLimited { what, until, pause };
    }
    match reply.status {
        401 if asker.has_token => ForgeError::Unauthorized { what },
        401 => ForgeError::NoToken { what },
        403 if operation == Operation::OpenPullRequest && says_not_permitted(&said) => {
            ForgeError::PullRequestsNotPermitted { settings: asker.page("settings/actions") }
        }
        403 => {
            let needs = reply.header("x-accepted-github-permissions").map(shown);
            ForgeError::Forbidden { what, message: message(&said), needs }
        }
        410 if operation.is_about_issues() => ForgeError::IssuesOff { settings: asker.page("settings") },
        404 | 410 => ForgeError::NotFound { what, has_token: asker.has_token },
        400 | 422 => ForgeError::Invalid { what, messages: messages(&said) },
        status => {
            let why = match said.message.as_str() {
                Some(message) => format!("status {status}, {}", shown(message)),
                None => format!("status {status}"),
            };
            ForgeError::Unexpected { what, why }
        }
    }
}

/// Whether the settings forbid it. GitHub has one status and one documentation for this and for a token
/// without the permission, so that only its words tell them apart.
fn says_not_permitted(said: &Said) -> bool {
    said.message
        .as_str()
        .is_some_and(|message| message.contains("not permitted to create or approve pull requests"))
}

fn message(said: &Said) -> String {
    said.message.as_str().map_or_else(|| "it does not say why".to_owned(), shown)
}

/// The message, and behind it those of the single errors: texts, or objects that name a field and a code.
fn messages(said: &Said) -> Vec<String> {
    let one = |error: &Value| {
        let field = |name: &str| error.get(name).and_then(Value::as_str);
        let words = error.as_str().or_else(|| field("message")).map(str::to_owned);
        words.or_else(|| Some(format!("{} is {}", field("field")?, field("code")?)))
    };
    let errors = said.errors.as_array().into_iter().flatten().take(MOST_MESSAGES);
    let errors = errors.filter_map(one).map(|words| shown(&words));
    std::iter::once(message(said)).chain(errors).collect()
}

/// `text`, printable and not too long.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST).collect();
    printable(&cut).into_owned()
}
