//! Where the configuration lives: one of three layouts, and how that is known.

use schemars::JsonSchema;
use serde::Serialize;

/// Where feed-sources.json, the flow and the workflow live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Layout {
    /// Which of the three it is.
    pub(super) kind: Kind,
    /// The branch that the files belong on: schedules run from the default branch only.
    pub(super) home: String,
    /// How it is known.
    pub(super) because: String,
}

/// The three layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// The maintained branch is the default branch: the files are commits of the patch stack.
    MaintainedBranch,
    /// Another branch is the default branch: the files live there.
    DefaultBranch,
    /// The files live in a repository of their own.
    OwnRepository,
}

/// What is known about the repository that holds the files.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// The fork's address, where it is another repository.
    pub(super) fork: Option<String>,
    /// Whether there is a remote `origin`.
    pub(super) has_origin: bool,
    /// The default branch that `origin` names now.
    pub(super) default_now: Option<String>,
    /// The default branch that it named when it was cloned.
    pub(super) default_then: Option<String>,
    /// The branch that is checked out.
    pub(super) current: Option<String>,
}

impl Layout {
    /// The layout; none where no default branch is known.
    pub(super) fn of(seen: &Seen, branch: &str) -> Option<Self> {
        let (home, how) = seen.default_branch()?;
        let (kind, because) = match &seen.fork {
            Some(fork) => (
                Kind::OwnRepository,
                format!(
                    "--fork names another repository ({fork}) than this one, whose default branch is `{home}` ({how})"
                ),
            ),
            None if home == branch => (
                Kind::MaintainedBranch,
                format!(
                    "the default branch of this repository is `{home}` ({how}), and that is the branch that carries the patches"
                ),
            ),
            None => (
                Kind::DefaultBranch,
                format!(
                    "the default branch of this repository is `{home}` ({how}), and the patches are on `{branch}`"
                ),
            ),
        };
        Some(Self { kind, home, because })
    }
}

impl Seen {
    fn default_branch(&self) -> Option<(String, &'static str)> {
        let now = self.default_now.clone().map(|name| (name, "origin says so"));
        let then = || {
            let name = self.default_then.clone()?;
            Some((name, "origin said so when it was cloned; it cannot be asked now"))
        };
        let current = || {
            let name = self.current.clone().filter(|_| !self.has_origin)?;
            Some((name, "it is checked out, and there is no remote `origin` that would know better"))
        };
        now.or_else(then).or_else(current)
    }
}

impl Kind {
    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::MaintainedBranch => "in the maintained branch",
            Self::DefaultBranch => "on another default branch",
            Self::OwnRepository => "in a repository of its own",
        }
    }

    /// What it means, in one sentence.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::MaintainedBranch => {
                "the files are commits of the patch stack, and are carried with it to every release"
            }
            Self::DefaultBranch => {
                "the files live on the default branch, and the branch with the patches is fetched"
            }
            Self::OwnRepository => "the files live in this repository, and the fork is fetched",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        Seen { has_origin: true, default_now: Some("main".to_owned()), ..Seen::default() }
    }

    #[test]
    fn where_no_default_branch_is_known_no_layout_is_guessed() {
        let unknown = Seen { default_now: None, current: Some("main".to_owned()), ..seen() };
        assert_eq!(Layout::of(&unknown, "main"), None, "origin is there and could not be asked");
        assert_eq!(Layout::of(&Seen::default(), "main"), None);
    }

    #[test]
    fn the_three_layouts_are_told_apart() {
        let kind = |seen: &Seen, branch: &str| Layout::of(seen, branch).unwrap().kind;
        assert_eq!(kind(&seen(), "main"), Kind::MaintainedBranch);
        assert_eq!(kind(&seen(), "patches"), Kind::DefaultBranch);
        let elsewhere = Seen { fork: Some("https://example.org/you/fork".to_owned()), ..seen() };
        assert_eq!(kind(&elsewhere, "main"), Kind::OwnRepository);
    }

    #[test]
    fn what_origin_says_now_counts_before_what_it_said_when_it_was_cloned() {
        let both = Seen { default_then: Some("master".to_owned()), ..seen() };
        assert_eq!(Layout::of(&both, "main").unwrap().home, "main");
        let offline = Seen { default_now: None, ..both };
        let layout = Layout::of(&offline, "main").unwrap();
        assert_eq!((layout.home.as_str(), layout.kind), ("master", Kind::DefaultBranch));
        assert!(layout.because.contains("when it was cloned"), "{}", layout.because);
    }
}
