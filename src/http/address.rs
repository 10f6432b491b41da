//! Where a request may go.

use url::Url;

use super::HttpError;
use crate::ids::is_this_machine;

/// Whether a request may go to `url` at all.
pub(super) fn allowed(url: &Url) -> Result<(), HttpError> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_this_machine(url) => Ok(()),
        _ => Err(HttpError::NotAllowed { url: shown(url) }),
    }
}

/// Where a redirect from `from` leads.
pub(super) fn redirect(from: &Url, location: &str) -> Result<Url, HttpError> {
    let refused = |to: String| HttpError::BadRedirect { url: shown(from), to };
    let to = from
        .join(location)
        .map_err(|_| refused(location.chars().take(200).flat_map(char::escape_default).collect()))?;
    let is_downgrade = from.scheme() == "https" && to.scheme() != "https";
    if is_downgrade || allowed(&to).is_err() {
        return Err(refused(shown(&to)));
    }
    Ok(to)
}

/// `url` without what may be secret in it: user, password, query and fragment. Every message shows
/// an address so.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only where the address has no host and so cannot hold a user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let had_query = url.query().is_some();
    url.set_query(None);
    url.set_fragment(None);
    if had_query { format!("{url}?…") } else { url.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for text in
            ["http://example.com/", "http://10.0.0.1/", "http://localhost.example.com/", "ftp://127.0.0.1/"]
        {
            assert!(allowed(&url(text)).is_err(), "{text}");
        }
        for text in ["https://example.com/", "http://localhost:1/", "http://127.0.0.2/", "http://[::1]:80/"] {
            assert!(allowed(&url(text)).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_redirect_never_leaves_https_and_never_leads_to_a_file() {
        for (from, to) in [
            ("https://example.com/a", "http://example.com/a"),
            ("https://example.com/a", "http://127.0.0.1/a"),
            ("http://127.0.0.1/a", "http://example.com/a"),
            ("http://127.0.0.1/a", "file:///etc/passwd"),
            ("https://example.com/a", "//"),
        ] {
            assert!(redirect(&url(from), to).is_err(), "{from} to {to}");
        }
        assert_eq!(redirect(&url("https://a.example/b/c"), "../d").unwrap().as_str(), "https://a.example/d");
        assert!(redirect(&url("http://127.0.0.1/a"), "https://example.com/").is_ok());
    }

    #[test]
    fn what_may_be_secret_in_an_address_is_not_shown() {
        assert_eq!(shown(&url("https://u:p@example.com/f?token=t#x")), "https://example.com/f?…");
    }
}
