//! What is meant by the word that names a pack: a folder, a repository on GitHub, a URL.

use std::sync::LazyLock;

use regex::Regex;
use thiserror::Error;

use crate::flow::shown;
use crate::ids::RepoName;

/// Where a pack comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A folder on this machine.
    Local,
    /// A repository on GitHub.
    GitHub {
        /// Its URL.
        url: String,
    },
    /// A repository elsewhere.
    Git {
        /// Its URL.
        url: String,
    },
}

/// What is known about the folders that the word could name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// It names a folder.
    pub(crate) is_folder: bool,
    /// It names a file.
    pub(crate) is_file: bool,
    /// What stands before its first slash names a folder.
    pub(crate) begins_with_folder: bool,
}

/// Why a word names no pack.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SourceError {
    /// It looks like a path, and nothing is there.
    #[error("{source_text} is no folder")]
    NoFolder {
        /// The word.
        source_text: String,
        /// Whether there is a file.
        is_file: bool,
    },
    /// It could be a repository on GitHub, or a folder that was misspelled.
    #[error("{source_text} is no folder, and {folder} is one: it is not taken for a repository on GitHub")]
    FolderOrGitHub {
        /// The word.
        source_text: String,
        /// What stands before the slash.
        folder: String,
    },
    /// Its scheme is none that is fetched from.
    #[error("{source_text} is no URL that a pack is fetched from")]
    Scheme {
        /// The word.
        source_text: String,
    },
    /// It is nothing of the three.
    #[error("{source_text} is no folder, no repository on GitHub (OWNER/NAME) and no git URL")]
    Nothing {
        /// The word.
        source_text: String,
    },
    /// A folder has no refs.
    #[error("--ref names a commit, tag or branch of a repository, and {source_text} is a folder")]
    RefOfFolder {
        /// The word.
        source_text: String,
    },
    /// A ref that git could take for something else.
    #[error("`{reference}` is no commit, tag or branch: {why}")]
    Ref {
        /// What was named.
        reference: String,
        /// What is wrong.
        why: &'static str,
    },
}

impl SourceError {
    /// What to do next.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoFolder { is_file: true, .. } => "name the folder that holds the pack".to_owned(),
            Self::NoFolder { .. } => {
                "check the path: it is relative to the folder in which patch-moi was started".to_owned()
            }
            Self::FolderOrGitHub { source_text, .. } => format!(
                "correct the path, or write https://github.com/{source_text}.git where GitHub is meant"
            ),
            Self::Scheme { .. } => "use https://, ssh://, file:// or git@HOST:PATH".to_owned(),
            Self::Nothing { .. } => "write ./NAME for a folder, OWNER/NAME for GitHub, or a URL".to_owned(),
            Self::RefOfFolder { .. } => {
                "check out what you want in that folder, or name its repository by URL".to_owned()
            }
            Self::Ref { .. } => "name a branch, a tag, or all 40 digits of a commit".to_owned(),
        }
    }
}

static OF_SSH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^[A-Za-z0-9_.][A-Za-z0-9_.-]*@[A-Za-z0-9_.\[\]][A-Za-z0-9_.:\[\]-]*:.").ok()
});

/// Decides where the pack `text` comes from. A path that names nothing is an error and never a clone.
///
/// # Errors
/// [`SourceError`].
pub(crate) fn origin(text: &str, seen: Seen) -> Result<Origin, SourceError> {
    let source_text = shown(text);
    if text.trim().is_empty() || text.starts_with('-') {
        return Err(SourceError::Nothing { source_text });
    }
    if seen.is_folder {
        return Ok(Origin::Local);
    }
    if let Some((scheme, _)) = text.split_once("://") {
        let known = ["https", "http", "ssh", "file"].contains(&scheme);
        return if known {
            Ok(Origin::Git { url: text.to_owned() })
        } else {
            Err(SourceError::Scheme { source_text })
        };
    }
    if text.contains("::") {
        return Err(SourceError::Scheme { source_text });
    }
    if OF_SSH.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
        return Ok(Origin::Git { url: text.to_owned() });
    }
    let is_path = text.starts_with(['.', '/', '~', '\\']) || seen.is_file;
    if is_path {
        return Err(SourceError::NoFolder { source_text, is_file: seen.is_file });
    }
    let Ok(repo) = text.parse::<RepoName>() else {
        return Err(if text.contains('/') {
            SourceError::NoFolder { source_text, is_file: false }
        } else {
            SourceError::Nothing { source_text }
        });
    };
    if seen.begins_with_folder {
        return Err(SourceError::FolderOrGitHub { source_text, folder: shown(repo.owner()) });
    }
    let repo = repo.as_str().strip_suffix(".git").unwrap_or(repo.as_str());
    Ok(Origin::GitHub { url: format!("https://github.com/{repo}.git") })
}

/// Refuses a ref that git would read as an option or as more than one name.
///
/// # Errors
/// [`SourceError::Ref`].
pub(crate) fn check_ref(reference: &str) -> Result<(), SourceError> {
    let refuse = |why| Err(SourceError::Ref { reference: shown(reference), why });
    if reference.is_empty() || reference.starts_with(['-', '+', '^']) {
        return refuse("it is empty or begins with one of - + ^");
    }
    if reference.contains("..") || reference.contains("@{") || reference == "@" {
        return refuse("it holds `..` or `@{`, or is `@`");
    }
    if reference.len() > 1_000 || reference.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c)) {
        return refuse("it is too long, or holds a space, a control character or one of ~ ^ : ? * [ \\");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Seen = Seen { is_folder: false, is_file: false, begins_with_folder: false };

    #[test]
    fn a_mistyped_path_is_an_error_and_never_a_clone() {
        for text in ["../codex-flow", "./x", ".", "..", "/srv/x", "~/x", "a/b/c", "../x.git", ".hidden/x"] {
            let error = origin(text, NOTHING).unwrap_err();
            assert!(matches!(error, SourceError::NoFolder { .. }), "{text}: {error:?}");
            assert!(!error.hint().is_empty());
        }
        for text in ["codex-flows", "x.git", "", " ", "--upload-pack=x", "-x/y"] {
            assert!(matches!(origin(text, NOTHING), Err(SourceError::Nothing { .. })), "{text}");
        }
        let file = Seen { is_file: true, ..NOTHING };
        assert!(matches!(origin("a/b", file), Err(SourceError::NoFolder { is_file: true, .. })));
    }

    #[test]
    fn a_word_whose_first_part_is_a_folder_here_is_not_fetched_from_github() {
        let error = origin("packs/codex", Seen { begins_with_folder: true, ..NOTHING }).unwrap_err();
        assert!(error.to_string().contains("packs is one"), "{error}");
        assert!(error.hint().contains("https://github.com/packs/codex.git"));
        let github = Origin::GitHub { url: "https://github.com/packs/codex.git".into() };
        assert_eq!(origin("packs/codex", NOTHING), Ok(github.clone()));
        assert_eq!(origin("packs/codex.git", NOTHING), Ok(github));
    }

    #[test]
    fn a_url_is_one_and_a_helper_of_git_is_none() {
        for text in ["https://h/x", "ssh://h/x", "file:///x", "git@github.com:a/b.git"] {
            assert_eq!(origin(text, NOTHING), Ok(Origin::Git { url: text.to_owned() }));
        }
        for text in ["ext::sh -c x", "ftp://h/x", "git://h/x"] {
            assert!(matches!(origin(text, NOTHING), Err(SourceError::Scheme { .. })), "{text}");
        }
    }

    #[test]
    fn a_ref_that_could_be_more_than_a_name_is_refused() {
        for text in ["", "--upload-pack=x", "+main", "a:b", "a..b", "v1^{}", "a b", "refs/heads/*"] {
            assert!(check_ref(text).is_err(), "{text}");
        }
        for text in ["main", "v1.2", "feature/x", "a96a005617d18d95d6746efdbd6a1f7bcd70ca49"] {
            assert!(check_ref(text).is_ok(), "{text}");
        }
    }
}
