//! Which repository a URL means.

use crate::ids::RepoName;

/// Whether two URLs or paths name the same repository: without scheme, user, port and `.git`, and
/// without regard to case, as forges see it. A path of this machine is given resolved.
pub(crate) fn same_repository(one: &str, other: &str) -> bool {
    place(one) == place(other)
}

/// `OWNER/NAME` of a URL on a server, such as `https://github.com`; none where it is elsewhere, or a path.
pub(crate) fn repository_on(server: &str, url: &str) -> Option<RepoName> {
    let (host, path) = place(url)?;
    let (server, _) = place(&format!("{}/x", server.trim_end_matches('/')))?;
    if host != server {
        return None;
    }
    // The name as it is written, not as it is compared.
    let at = url.trim_end_matches('/').trim_end_matches(".git");
    let written = at.get(at.len().checked_sub(path.len())?..)?;
    written.parse().ok()
}

/// `owner/name` in small letters of a URL on any host: the last two parts of its path. A path of this
/// machine has none.
pub(crate) fn named(url: &str) -> Option<String> {
    let (host, path) = place(url)?;
    let mut parts = path.rsplit('/');
    let (name, owner) = (parts.next()?, parts.next()?);
    (!host.is_empty()).then(|| format!("{owner}/{name}"))
}

/// Host and path, both in small letters; a path of this machine has an empty host.
fn place(url: &str) -> Option<(String, String)> {
    let lower = url.to_lowercase();
    let (host, path) = match lower.split_once("://") {
        Some(("file", path)) => ("", path),
        Some((_, rest)) => rest.split_once('/')?,
        None => match lower.split_once(':') {
            Some((host, path)) if !host.contains('/') => (host, path),
            _ => ("", lower.as_str()),
        },
    };
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let path = parts.join("/");
    Some((host.to_owned(), path.strip_suffix(".git").unwrap_or(&path).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_repository_is_the_same_repository() {
        let written = [
            "https://github.com/openai/codex",
            "https://github.com/OpenAI/Codex.git",
            "https://token@github.com:443/openai//codex/",
            "git@github.com:openai/codex.git",
            "ssh://git@github.com/openai/codex",
        ];
        for one in written {
            assert!(same_repository(one, written[0]), "{one}");
        }
        for other in ["https://github.com/openai/codex2", "https://example.org/openai/codex", "/openai/codex"]
        {
            assert!(!same_repository(other, written[0]), "{other}");
        }
        assert!(same_repository("file:///srv/a.git", "/srv/a"));
    }

    #[test]
    fn a_repository_on_the_server_has_a_name() {
        let named = |url| repository_on("https://github.com", url).map(|name| name.to_string());
        assert_eq!(named("https://github.com/Peezy/Codex.git").as_deref(), Some("Peezy/Codex"));
        assert_eq!(named("git@github.com:peezy/codex").as_deref(), Some("peezy/codex"));
        assert_eq!(named("https://github.com.example.org/peezy/codex"), None);
        assert_eq!(named("/srv/peezy/codex"), None);
    }
}
