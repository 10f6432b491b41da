//! A token for one host, handed to git by its environment alone.

use base64::Engine as _;
use url::{Origin, Url};

use super::RemoteUrl;
use crate::ids::Secret;

/// A token, and the one origin (scheme, host and port) that may see it.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    token: Secret,
    origin: Origin,
}

impl Credential {
    /// The token for whatever lies on `server`, such as `https://github.com`.
    pub(crate) fn new(token: Secret, server: &Url) -> Self {
        Self { token, origin: server.origin() }
    }

    /// Whether `url` lies on the token's host. A path and ssh never do.
    pub(crate) fn fits(&self, url: &RemoteUrl) -> bool {
        Url::parse(url.as_str()).is_ok_and(|url| url.origin().is_tuple() && url.origin() == self.origin)
    }

    /// The variables by which git learns of it for `url`; none for a URL elsewhere.
    ///
    /// git-config(1), `http.extraHeader` and `GIT_CONFIG_COUNT`: an empty value takes away what files have
    /// set, such as the header that actions/checkout leaves behind; of several keys the one that fits the
    /// URL best counts, hence the whole URL. A redirect is not followed, because git would send the header
    /// along.
    pub(super) fn variables(&self, url: &RemoteUrl) -> Vec<(String, String)> {
        let Some(mut place) = Url::parse(url.as_str()).ok().filter(|_| self.fits(url)) else {
            return Vec::new();
        };
        // A host of http or https can be without user and password.
        let _ = place.set_username("");
        let _ = place.set_password(None);
        place.set_query(None);
        place.set_fragment(None);
        let pair = format!("x-access-token:{}", self.token.expose());
        let header =
            format!("AUTHORIZATION: basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        let settings = [
            (format!("http.{place}.extraHeader"), String::new()),
            (format!("http.{place}.extraHeader"), header),
            (format!("http.{place}.followRedirects"), "false".to_owned()),
            ("credential.helper".to_owned(), String::new()),
        ];
        let count = ("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string());
        let numbered = settings.into_iter().enumerate().flat_map(|(number, (key, value))| {
            [(format!("GIT_CONFIG_KEY_{number}"), key), (format!("GIT_CONFIG_VALUE_{number}"), value)]
        });
        std::iter::once(count).chain(numbered).collect()
    }
}
