//! What a remote has, without fetching it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::program::{Git, UPLOAD_PACK, in_repository};
use super::{GitError, Repository};
use crate::ids::{CommitId, ObjectId, RefName, TagName};

/// Where a repository can be fetched from: https, ssh, a file URL, a path, or http on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteUrl(String);

impl RemoteUrl {
    /// The URL as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The place that it leads to, so that one remote in two spellings is known as one: a forge serves a
    /// repository with and without `.git`, and a file URL is its path.
    pub(crate) fn place(&self) -> &str {
        if let Some(path) = self.0.strip_prefix("file://") {
            return path;
        }
        if !self.0.starts_with("http") {
            return &self.0;
        }
        let url = self.0.trim_end_matches('/');
        url.strip_suffix(".git").unwrap_or(url)
    }
}

/// As it may be shown: see [`shown`].
impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

/// `url` without user, password and query: a token often stands there. A path, and the `user@host:path`
/// of ssh, which has no place for a password, stay as they are.
pub(crate) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let (path, query) = path.split_once('?').map_or((path, ""), |(path, _)| (path, "?…"));
    format!("{scheme}://{host}{path}{query}")
}

impl FromStr for RemoteUrl {
    type Err = GitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why| GitError::Url {
            url: shown(text).chars().take(200).flat_map(char::escape_default).collect(),
            why,
        };
        if text.is_empty() || text.len() > 4096 || text.chars().any(char::is_control) {
            return Err(refuse("it is empty, too long or holds a control character"));
        }
        if text.starts_with('-') {
            return Err(refuse("it begins with -"));
        }
        if text.contains("::") {
            return Err(refuse("it names a remote helper"));
        }
        let local = |rest: &str| {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let host = host
                .rsplit_once(':')
                .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
                .map_or(host, |(host, _)| host);
            ["localhost", "127.0.0.1", "[::1]"].contains(&host)
        };
        match text.split_once("://") {
            Some(("https" | "ssh" | "file", _)) => Ok(Self(text.to_owned())),
            Some(("http", rest)) if local(rest) => Ok(Self(text.to_owned())),
            Some(("http", _)) => Err(refuse("http is allowed on this machine only")),
            Some(_) => Err(refuse("its scheme is not one of https, ssh and file")),
            None => Ok(Self(text.to_owned())),
        }
    }
}

/// What a remote says that it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The branch that its HEAD names.
    pub(crate) default_branch: Option<String>,
    /// Branches and their commits.
    pub(crate) branches: BTreeMap<String, CommitId>,
    /// Tags: the object that the tag names, and what that leads to. It need not be a commit.
    pub(crate) tags: BTreeMap<TagName, (ObjectId, CommitId)>,
    /// What stands below `refs/patch-moi`, by its full name: patch-moi's own, in a fork.
    pub(crate) ours: BTreeMap<RefName, ObjectId>,
}

impl Git {
    /// Asks a remote what it has. Nothing is fetched. The configuration of `within`, a repository that the
    /// user named, says how to get in; without it, no repository's configuration is read, whatever the
    /// program was started in.
    ///
    /// # Errors
    /// [`GitError::Unreachable`].
    pub(crate) fn list(&self, url: &RemoteUrl, within: Option<&Repository>) -> Result<Listing, GitError> {
        let command = match within {
            Some(repository) => in_repository(self.transport_to(url), repository),
            None => self.transport_to(url).cwd("/"),
        };
        let output = command
            .args([
                "ls-remote",
                "--symref",
                "--quiet",
                UPLOAD_PACK,
                "--",
                url.as_str(),
                "HEAD",
                "refs/heads/*",
                "refs/tags/*",
                "refs/patch-moi/*",
            ])
            .output_limit(256 * 1024 * 1024)
            .run()
            .and_then(crate::process::Output::success)
            .map_err(|source| GitError::Unreachable { url: url.to_string(), source })?;
        Ok(parse(&String::from_utf8_lossy(&output)))
    }
}

/// Lines of `<id> TAB <ref>`, `ref: <ref> TAB HEAD`, and `<id> TAB <tag>^{}` for what an annotated
/// tag leads to. A name that git itself would refuse is passed over.
fn parse(text: &str) -> Listing {
    let mut listing = Listing::default();
    for line in text.lines() {
        let Some((what, name)) = line.split_once('\t') else { continue };
        if let (Some(head), "HEAD") = (what.strip_prefix("ref: refs/heads/"), name) {
            listing.default_branch = Some(head.to_owned()).filter(|head| is_branch(head));
            continue;
        }
        let Ok(id) = what.parse::<ObjectId>() else { continue };
        if let Some(branch) = name.strip_prefix("refs/heads/").filter(|branch| is_branch(branch)) {
            listing.branches.insert(branch.to_owned(), CommitId::new(id));
        } else if let Some(tag) = name.strip_prefix("refs/tags/") {
            let (tag, peeled) = tag.strip_suffix("^{}").map_or((tag, false), |tag| (tag, true));
            let Ok(tag) = tag.parse::<TagName>() else { continue };
            let known = listing.tags.entry(tag).or_insert((id, CommitId::new(id)));
            if peeled {
                known.1 = CommitId::new(id);
            }
        } else if name.starts_with("refs/patch-moi/")
            && let Ok(name) = name.parse::<RefName>()
        {
            listing.ours.insert(name, id);
        }
    }
    listing
}

/// A name with a `:` or a `*` in it would be something else in a refspec.
fn is_branch(name: &str) -> bool {
    RefName::join("refs/heads", name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_could_run_something_is_refused() {
        for text in
            ["", "-upload-pack=x", "ext::sh -c x", "http://example.org/x", "ftp://x/y", "git://x/y", "a\nb"]
        {
            assert!(text.parse::<RemoteUrl>().is_err(), "{text:?}");
        }
        for text in [
            "https://github.com/openai/codex",
            "git@github.com:a/b.git",
            "/tmp/x",
            "../x",
            "file:///tmp/x",
            "http://127.0.0.1:8000/x",
            "http://localhost/x",
        ] {
            assert!(text.parse::<RemoteUrl>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_token_in_a_url_is_never_shown() {
        for (url, seen) in [
            ("https://x:secret@example.org/a/b", "https://example.org/a/b"),
            ("https://secret@example.org", "https://example.org"),
            ("https://example.org/a?token=secret", "https://example.org/a?…"),
            ("https://u:p@ss@example.org?x", "https://example.org?…"),
            ("git@github.com:a/b.git", "git@github.com:a/b.git"),
            ("file:///srv/a@b", "file:///srv/a@b"),
            ("/srv/a@b", "/srv/a@b"),
        ] {
            assert_eq!(shown(url), seen);
        }
        let url: RemoteUrl = "https://x:secret@example.org/a/b".parse().expect("a URL");
        assert!(url.as_str().contains("secret") && !url.to_string().contains("secret"));
        let refused = "http://x:secret@example.org/".parse::<RemoteUrl>().expect_err("plain http");
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }

    #[test]
    fn one_remote_in_two_spellings_is_one_place() {
        for (one, other, same) in [
            ("https://github.com/a/b", "https://github.com/a/b.git", true),
            ("https://github.com/a/b/", "https://github.com/a/b", true),
            ("file:///srv/a", "/srv/a", true),
            ("/srv/a", "/srv/a.git", false),
            ("https://github.com/a/b", "https://github.com/a/c", false),
            ("https://x:secret@github.com/a/b", "https://github.com/a/b", false),
        ] {
            let [one, other]: [RemoteUrl; 2] = [one, other].map(|url| url.parse().expect("a URL"));
            assert_eq!(one.place() == other.place(), same, "{one} {other}");
        }
    }

    #[test]
    fn a_branch_that_would_be_a_refspec_is_passed_over() {
        let id = "1".repeat(40);
        for name in ["*", "x:refs/heads/main", "x^", "a b"] {
            let listing = parse(&format!("ref: refs/heads/{name}\tHEAD\n{id}\trefs/heads/{name}\n"));
            assert_eq!(listing, Listing::default(), "{name}");
        }
    }

    #[test]
    fn a_listing_tells_tag_objects_from_their_commits() {
        let (object, commit) = ("1".repeat(40), "2".repeat(40));
        let listing = parse(&format!(
            "ref: refs/heads/main\tHEAD\n{commit}\tHEAD\n{commit}\trefs/heads/main\n{object}\trefs/tags/v1\n{commit}\trefs/tags/v1^{{}}\n{commit}\trefs/tags/-x\njunk\n"
        ));
        assert_eq!(listing.default_branch.as_deref(), Some("main"));
        let tags: Vec<_> = listing
            .tags
            .iter()
            .map(|(tag, (object, commit))| (tag.to_string(), object.to_string(), commit.to_string()))
            .collect();
        assert_eq!(tags, [("v1".to_owned(), object, commit)]);
    }
}
