//! Names that people and remotes choose: repositories, refs, tags, paths, events.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A name that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not a valid {what}: {why}")]
pub(crate) struct InvalidName {
    text: String,
    what: &'static str,
    why: &'static str,
}

impl InvalidName {
    fn new(text: &str, what: &'static str, why: &'static str) -> Self {
        Self { text: text.chars().take(200).flat_map(char::escape_default).collect(), what, why }
    }
}

/// Declares a checked name: a `String` that only its `check` function lets in.
macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub(crate) struct $name(String);

        impl $name {
            /// The name as text.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match $check(text) {
                    Ok(()) => Ok(Self(text.to_owned())),
                    Err(why) => Err(InvalidName::new(text, $what, why)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

checked_name! {
    /// A full git ref such as `refs/heads/main`, by the rules of git-check-ref-format(1).
    RefName, "ref", check_ref
}
checked_name! {
    /// A tag's short name, such as `rust-v0.131.0` or `v1/x`: what follows `refs/tags/`.
    TagName, "tag", check_short_ref
}
checked_name! {
    /// `owner/name`, as forges write a repository.
    RepoName, "repository (owner/name)", check_repo
}
checked_name! {
    /// What names one upstream happening for ever.
    EventId, "event id", check_event
}
checked_name! {
    /// A relative path with `/` between its parts that stays below where it starts.
    RelPath, "relative path", check_rel_path
}

impl TagName {
    /// The tag as one path segment: see [`Slug`].
    pub(crate) fn slug(&self) -> Slug {
        Slug(self.0.replace('%', "%25").replace('/', "%2F"))
    }
}

impl RepoName {
    /// The part before the slash.
    pub(crate) fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// The part after the slash.
    pub(crate) fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl RefName {
    /// `namespace` and `rest` joined by a slash.
    ///
    /// # Errors
    /// Where the whole is not a ref name.
    pub(crate) fn join(namespace: &str, rest: &str) -> Result<Self, InvalidName> {
        format!("{namespace}/{rest}").parse()
    }

    /// A branch's short name; any other ref's whole one.
    pub(crate) fn branch(&self) -> &str {
        self.0.strip_prefix("refs/heads/").unwrap_or(&self.0)
    }
}

impl EventId {
    /// The id of one upstream release, the same whoever noticed it: `patch:upstream.release:<owner/name>:<tag>`.
    pub(crate) fn of_release(repo: &RepoName, tag: &TagName) -> Self {
        Self(format!("{OF_RELEASE}{repo}:{tag}"))
    }

    /// Whether it has the form of the id of a release's event.
    pub(crate) fn is_of_a_release(&self) -> bool {
        self.0.starts_with(OF_RELEASE)
    }
}

/// How the id of every release's event begins.
const OF_RELEASE: &str = "patch:upstream.release:";

/// A tag as one segment of a ref or a file name: `%` is `%25` and `/` is `%2F`, so that `v1` and
/// `v1/x` can both be refs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Slug(String);

impl Slug {
    /// The slug as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_ref(text: &str) -> Result<(), &'static str> {
    if !text.starts_with("refs/") {
        return Err("it does not begin with refs/");
    }
    check_short_ref(text)
}

/// git-check-ref-format(1), plus: no leading `-`, which a program could take for an option.
fn check_short_ref(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > 1000 {
        return Err("it is longer than 1,000 bytes");
    }
    if text.starts_with('-') {
        return Err("it begins with -");
    }
    if text.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c)) {
        return Err("it holds a space, a control character or one of ~ ^ : ? * [ \\");
    }
    if text.contains("..") || text.contains("@{") || text == "@" {
        return Err("it holds `..` or `@{`, or is `@`");
    }
    if text.ends_with('.') {
        return Err("it ends with a dot");
    }
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    if text.split('/').any(bad_part) {
        return Err("one of its parts is empty, begins with a dot or ends with .lock");
    }
    Ok(())
}

fn check_repo(text: &str) -> Result<(), &'static str> {
    let (owner, name) = text.split_once('/').ok_or("it has no slash")?;
    let fits = |part: &str| {
        (1..=100).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !part.starts_with(['.', '-'])
            && !part.contains("..")
            && !part.ends_with(".lock")
            && !part.ends_with('.')
    };
    (fits(owner) && fits(name)).then_some(()).ok_or("owner and name may hold only letters, digits, - _ and .")
}

fn check_event(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        return Err("it is empty");
    }
    if text.len() > 2000 {
        return Err("it is longer than 2,000 bytes");
    }
    if text.chars().any(char::is_control) {
        return Err("it holds a control character");
    }
    Ok(())
}

fn check_rel_path(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 4096 {
        return Err("it is empty or longer than 4,096 bytes");
    }
    if text.chars().any(|c| c.is_control() || c == '\\') {
        return Err("it holds a control character or a backslash");
    }
    let stays = |part: &str| !part.is_empty() && part != "." && part != "..";
    text.split('/').all(stays).then_some(()).ok_or("it is absolute or leaves its root")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_git_would_refuse_is_refused() {
        for text in [
            "", "-rf", "a b", "a..b", "a/", "/a", "a//b", ".a", "a/.b", "x.lock", "a\nb", "a~1", "@",
            "a@{1}", "a.",
        ] {
            assert!(text.parse::<TagName>().is_err(), "{text:?}");
        }
        for text in ["v1", "rust-v0.131.0", "v1/x", "pios/1.0", "ünï"] {
            assert!(text.parse::<TagName>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn two_tags_never_share_a_slug() {
        let slug = |text: &str| text.parse::<TagName>().expect("a tag").slug().to_string();
        assert_eq!(slug("v1/x"), "v1%2Fx");
        assert_ne!(slug("v1%2Fx"), slug("v1/x"));
    }

    #[test]
    fn a_path_cannot_leave_its_root() {
        for text in ["", "/etc", "../x", "a/../b", "a//b", "./a", "a\\b"] {
            assert!(text.parse::<RelPath>().is_err(), "{text:?}");
        }
        assert!("a/b.txt".parse::<RelPath>().is_ok());
    }

    #[test]
    fn a_repository_is_owner_and_name() {
        for text in ["codex", "a/b/c", "../x", "-a/b", "a b/c", "a/"] {
            assert!(text.parse::<RepoName>().is_err(), "{text:?}");
        }
        let repo = "openai/codex".parse::<RepoName>().expect("a repository");
        assert_eq!((repo.owner(), repo.name()), ("openai", "codex"));
    }
}
