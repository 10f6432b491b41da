//! Which commit of the action a workflow names, and which it should.

use std::sync::LazyLock;

use regex::Regex;

use super::Pinned;
use crate::git::Listing;
use crate::ids::CommitId;

/// Where the action's repository is; its name stands in Cargo.toml.
pub(crate) const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// `owner/name` of the action.
pub(in crate::pipeline) fn name() -> &'static str {
    let path = REPOSITORY.trim_end_matches('/').trim_end_matches(".git");
    path.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or(path, |(_, name)| name)
}

/// The commit that a new workflow names: that of the newest release, else the newest there is. None
/// where the repository is empty.
pub(in crate::pipeline) fn newest(listing: &Listing) -> Option<Pinned> {
    let version =
        |tag: &str| semver::Version::parse(tag.strip_prefix('v')?).ok().filter(|it| it.pre.is_empty());
    let releases =
        listing.tags.iter().filter_map(|(tag, (_, commit))| Some((version(tag.as_str())?, commit)));
    let pinned = |commit: CommitId, comment: String, words: String| Pinned {
        repo: name().to_owned(),
        commit,
        comment,
        words,
    };
    if let Some((version, commit)) = releases.max_by(|(one, _), (other, _)| one.cmp(other)) {
        let words = format!("its newest release is v{version}");
        return Some(pinned(*commit, format!("v{version}"), words));
    }
    let branch = listing.default_branch.as_ref()?;
    let commit = *listing.branches.get(branch)?;
    let words = format!("it has no release yet, so the newest commit of its branch `{branch}` is named");
    Some(pinned(commit, format!("{branch}, before the first release"), words))
}

/// A commit that a person names.
pub(super) fn named(commit: CommitId) -> Pinned {
    Pinned {
        repo: name().to_owned(),
        commit,
        comment: "as named with --action-commit".to_owned(),
        words: "the commit was named with --action-commit".to_owned(),
    }
}

/// Where a workflow names the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pipeline) struct Use {
    /// What stands behind the `@`: a commit, or what is none.
    pub(in crate::pipeline) at: String,
    /// The comment behind it.
    pub(in crate::pipeline) comment: Option<String>,
}

#[expect(clippy::unwrap_used, reason = "a constant with an escaped name in it, and tests compile it")]
static USES: LazyLock<Regex> = LazyLock::new(|| {
    let name = regex::escape(name());
    let pattern = format!(
        r"(?mi)^(?<before>[ \t-]*uses:[ \t]*['\x22]?{name}(?:/[^@\s'\x22]*)?@)(?<at>[^\s'\x22#]+)(?<quote>['\x22]?)(?:[ \t]+#[ \t]*(?<comment>[^\r\n]*?))?[ \t]*(?<end>\r?)$"
    );
    Regex::new(&pattern).unwrap()
});

/// Every place where a workflow names the action.
pub(in crate::pipeline) fn uses(workflow: &str) -> Vec<Use> {
    let named = |found: regex::Captures<'_>| Use {
        at: found["at"].to_owned(),
        comment: found.name("comment").map(|comment| comment.as_str().to_owned()),
    };
    USES.captures_iter(workflow).map(named).collect()
}

/// The workflow with every such place at this commit, and nothing else changed.
pub(super) fn moved(workflow: &str, to: &Pinned) -> String {
    let line = |found: &regex::Captures<'_>| {
        let comment = found.name("comment").map(|comment| comment.as_str());
        if found["at"] == *to.commit.to_string() && comment == Some(to.comment.as_str()) {
            return found[0].to_owned();
        }
        let Pinned { commit, comment, .. } = to;
        format!("{}{commit}{} # {comment}{}", &found["before"], &found["quote"], &found["end"])
    };
    USES.replace_all(workflow, line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ObjectId;

    fn commit(byte: u8) -> CommitId {
        CommitId::new(ObjectId::from_bytes([byte; 20]))
    }

    fn listing(tags: &[(&str, u8)]) -> Listing {
        let tag = |(name, byte): &(&str, u8)| (name.parse().unwrap(), (commit(99).object(), commit(*byte)));
        Listing {
            default_branch: Some("main".to_owned()),
            branches: [("main".to_owned(), commit(7))].into(),
            tags: tags.iter().map(tag).collect(),
            ..Listing::default()
        }
    }

    #[test]
    fn an_empty_repository_has_nothing_to_name() {
        assert_eq!(newest(&Listing::default()), None);
    }

    #[test]
    fn the_newest_release_is_named_by_its_commit_and_never_by_the_tags_object() {
        let found =
            newest(&listing(&[("v0.9.0", 1), ("v0.10.0", 2), ("v0.11.0-rc.1", 3), ("v1", 4), ("v9.9", 5)]));
        let found = found.unwrap();
        assert_eq!((found.commit, found.comment.as_str()), (commit(2), "v0.10.0"));
    }

    #[test]
    fn before_the_first_release_that_is_said() {
        let found = newest(&listing(&[("v1", 4)])).unwrap();
        assert_eq!((found.commit, found.comment.as_str()), (commit(7), "main, before the first release"));
        assert!(found.words.contains("no release yet"));
    }

    #[test]
    fn a_workflow_is_moved_to_another_commit_and_stays_a_persons_own() {
        let name = name();
        let old = "1".repeat(40);
        let text = format!(
            "jobs:\r\n  a:\r\n    uses: {name}/.github/workflows/upstream-release.yml@{old} # v0.1.0\r\n  b:\n    steps:\n      - uses: '{name}@main'\n      - uses: {name}-other@{old} # v0.1.0\n      # uses: {name}@{old}\n"
        );
        let found: Vec<_> = uses(&text).into_iter().map(|found| (found.at, found.comment)).collect();
        assert_eq!(found, [(old.clone(), Some("v0.1.0".to_owned())), ("main".to_owned(), None)]);

        let to = newest(&listing(&[("v0.10.0", 2)])).unwrap();
        let new = to.commit.to_string();
        let expected = text
            .replacen(&format!("{old} # v0.1.0\r"), &format!("{new} # v0.10.0\r"), 1)
            .replace("@main'", &format!("@{new}' # v0.10.0"));
        assert_eq!(moved(&text, &to), expected);
        assert_eq!(moved(&expected, &to), expected);
    }
}
