//! Why an artifact is not what it says, one sentence each.

use thiserror::Error;

use crate::candidate::Outcome;
use crate::ids::{CommitId, EventId, InvalidName, ObjectId, RefName, RepoName, TagName, TreeId};
use crate::stack::Verdict;

/// Why nothing is published of an artifact. What it quotes of the artifact is cut and escaped where it
/// is made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    /// The folder has neither candidate.json nor record.json.
    #[error("{folder} holds neither candidate.json nor record.json")]
    NoArtifact {
        /// The folder.
        folder: String,
    },
    /// A file is larger than anything of its kind has reason to be.
    #[error("{file} is larger than {max} bytes")]
    TooLarge {
        /// The file.
        file: String,
        /// The limit in bytes.
        max: u64,
    },
    /// The folder holds more than an artifact has reason to.
    #[error("the artifact holds more than {max} files and folders")]
    TooManyFiles {
        /// The limit.
        max: usize,
    },
    /// Something in the folder is a link, a pipe or a device.
    #[error("{path} in the artifact is {kind}, and an artifact holds files and folders only")]
    NotAFile {
        /// Where, relative to the artifact.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// Something stands in the folder that no run puts there.
    #[error("{path} does not belong into an artifact")]
    Unexpected {
        /// Where, relative to the artifact.
        path: String,
    },
    /// A file cannot be read.
    #[error("{file} cannot be read: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// It is not JSON.
    #[error("{file} is not JSON: {why}")]
    NotJson {
        /// The file.
        file: &'static str,
        /// What the parser found.
        why: String,
    },
    /// It is nested deeper or has more parts than any run writes.
    #[error("{file} {what}, which no run writes")]
    Shape {
        /// The file.
        file: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It is JSON of another kind.
    #[error("{file} is not what a run writes: {why}")]
    NotOurs {
        /// The file.
        file: &'static str,
        /// What is missing or of another kind.
        why: String,
    },
    /// A later format.
    #[error("{file} has format {found}, and this version of patch-moi knows {known}")]
    Version {
        /// The file.
        file: &'static str,
        /// What the file says.
        found: u32,
        /// What is known.
        known: u32,
    },
    /// The event's id is that of another release.
    #[error("the event id `{id}` is not that of {repo} {tag}")]
    EventId {
        /// The id.
        id: EventId,
        /// The repository that the artifact names.
        repo: RepoName,
        /// The tag that it names.
        tag: TagName,
    },
    /// The event's commit and the commit carried to are not the same.
    #[error("the artifact says that {tag} is {event}, and that the stack was carried to {onto}")]
    EventCommit {
        /// The tag.
        tag: TagName,
        /// The event's commit.
        event: CommitId,
        /// The carry's.
        onto: CommitId,
    },
    /// Another release was asked for than the artifact is about.
    #[error("the artifact is about {found}, and {asked} was asked for")]
    OtherTag {
        /// The artifact's tag.
        found: TagName,
        /// What was asked for.
        asked: TagName,
    },
    /// A path leads out of the artifact.
    #[error("{field} of candidate.json names the path `{path}`, which is not one in the artifact")]
    Path {
        /// The field.
        field: &'static str,
        /// The path, cut and escaped.
        path: String,
    },
    /// A ref is listed that is not patch-moi's own.
    #[error("candidate.json lists the ref {name}, and a candidate has none outside of refs/patch-moi/")]
    RefOutside {
        /// The ref.
        name: RefName,
    },
    /// A person settled conflicts, by the artifact's own word, and such words were not to be taken.
    #[error(
        "{} settled by a person, the artifact says, and whoever controls the run that left it could have put \
         anything there",
        if *.patches == 1 { "1 patch was".to_owned() } else { format!("{} patches were", .patches) }
    )]
    Settled {
        /// How many patches.
        patches: usize,
    },
    /// A settlement answers what nobody asked.
    #[error("the artifact settles {commit} on the tree {on_tree}, and the carry does not ask for that")]
    Settlement {
        /// The patch.
        commit: CommitId,
        /// The tree on which it is said to conflict.
        on_tree: TreeId,
    },
    /// The commits were made by a flow's own step.
    #[error("the candidate's commits were made by a step of the flow, so the carry cannot be made again")]
    MadeByFlow,
    /// The same, where that was allowed, and they do not stand on the release.
    #[error(
        "the candidate {commit}, which a step of the flow made, does not descend from the release {onto}"
    )]
    NoDescent {
        /// The candidate.
        commit: CommitId,
        /// The release commit.
        onto: CommitId,
    },
    /// No flow of the workspace carries a stack for the release.
    #[error("no flow of the workspace carries a stack for {repo} {tag}")]
    NoFlow {
        /// The repository.
        repo: RepoName,
        /// The tag.
        tag: TagName,
    },
    /// Upstream has no such tag any more.
    #[error("{repo} has no tag {tag} any more")]
    Gone {
        /// The repository.
        repo: RepoName,
        /// The tag.
        tag: TagName,
    },
    /// Upstream's tag leads elsewhere than the artifact says.
    #[error("tag {tag} of {repo} moved: the artifact was carried to {claimed}, and it is {now} now")]
    TagMoved {
        /// The repository.
        repo: RepoName,
        /// The tag.
        tag: TagName,
        /// The commit or tag object that the artifact names.
        claimed: ObjectId,
        /// What upstream has.
        now: ObjectId,
    },
    /// The branch does not hold the tip any more.
    #[error("branch {branch} was rewritten: it stands at {head} and does not hold {tip}, which was carried")]
    Rewritten {
        /// The maintained branch.
        branch: String,
        /// Where it stands.
        head: CommitId,
        /// What the artifact was made from.
        tip: CommitId,
    },
    /// A commit that counts as upstream's is in no repository that could be asked.
    #[error("`excluded` names {commit}, which neither upstream nor the fork has")]
    ExcludedUnknown {
        /// The commit.
        commit: CommitId,
    },
    /// The stack by the artifact's `excluded` is not the stack by upstream's refs.
    #[error("`excluded` {}: by upstream's refs the stack is {actual} patches, by the artifact {claimed}",
            if *.hides > 0 { "hides patches of the fork" } else { "makes patches of upstream's commits" })]
    Excluded {
        /// How many of the fork's patches are not in the artifact's stack.
        hides: usize,
        /// The stack by upstream's refs.
        actual: usize,
        /// The stack by `excluded`.
        claimed: usize,
    },
    /// The branch stands on the release already.
    #[error("branch {branch} holds {tag} already, so there is nothing to carry")]
    Adopted {
        /// The maintained branch.
        branch: String,
        /// The release.
        tag: TagName,
    },
    /// The branch does not stand on the release, and the run says so.
    #[error("the run says that branch {branch} holds {tag} already, and it does not")]
    NotAdopted {
        /// The maintained branch.
        branch: String,
        /// The release.
        tag: TagName,
    },
    /// An id, a number or a word is another one when the carry is made again.
    #[error("{what} is {claimed} in the artifact, and {made} when the carry is made again")]
    Differs {
        /// Which one.
        what: String,
        /// What the artifact says.
        claimed: String,
        /// What comes out.
        made: String,
    },
    /// A patch came to another verdict.
    #[error("{commit} is {} in the artifact, and {} when the carry is made again", claimed.name(), made.name())]
    Verdict {
        /// The patch.
        commit: CommitId,
        /// What the artifact says.
        claimed: Verdict,
        /// What comes out.
        made: Verdict,
    },
    /// A required check of the flow is not among those that the run reports.
    #[error("the flow requires the check `{name}`, and the artifact does not say how it went")]
    CheckHidden {
        /// The check.
        name: String,
    },
    /// The artifact's status and its parts contradict each other.
    #[error("the artifact says that it is {}, and by its patches and checks it is {}", claimed.name(), made.name())]
    Status {
        /// What the artifact says.
        claimed: Outcome,
        /// What it is.
        made: Outcome,
    },
    /// There is no bundle where there should be one, or the other way round.
    #[error("{}", if *.expected { "candidate.bundle is missing" } else { "there is a candidate.bundle, and nothing that it could hold" })]
    Bundle {
        /// Whether there should be one.
        expected: bool,
    },
    /// The bundle's header is none.
    #[error("candidate.bundle is not a git bundle: {why}")]
    BundleHeader {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A ref in the bundle has a name that git would not take, or that means something else.
    #[error("candidate.bundle holds a ref with a name that is none: `{name}`")]
    BundleRefName {
        /// The name, cut and escaped.
        name: String,
    },
    /// The bundle holds a ref that it should not.
    #[error("candidate.bundle holds the ref {name}, which is not one of this candidate's")]
    BundleExtraRef {
        /// The ref.
        name: RefName,
    },
    /// The bundle lacks a ref that it should hold.
    #[error("candidate.bundle lacks the ref {name}")]
    BundleNoRef {
        /// The ref.
        name: RefName,
    },
    /// A ref of the bundle names another commit.
    #[error("candidate.bundle has {name} at {found}, and it is {expected} when the carry is made again")]
    BundleRef {
        /// The ref.
        name: RefName,
        /// Where the bundle has it.
        found: ObjectId,
        /// Where it should be.
        expected: CommitId,
    },
    /// The bundle needs other commits than the release.
    #[error("candidate.bundle needs {found}, and should need the release commit {onto} and nothing else")]
    BundleNeeds {
        /// What it needs.
        found: String,
        /// The release commit.
        onto: CommitId,
    },
    /// git cannot take it in.
    #[error("git cannot read candidate.bundle: {why}")]
    BundleBroken {
        /// What git said.
        why: String,
    },
    /// An object of the candidate is not in it.
    #[error("candidate.bundle lacks the object {object}, which the candidate needs")]
    BundleLacks {
        /// The object.
        object: ObjectId,
    },
    /// A published ref or a commit is not what comes out.
    #[error("{what} is {found}, and carrying the patches again gives {made}")]
    Ref {
        /// The ref or the commit.
        what: String,
        /// What it names.
        found: CommitId,
        /// What comes out, for the tips that were tried.
        made: String,
    },
    /// The repository to publish to is upstream's.
    #[error("{target} is upstream's own repository, and nothing is ever pushed there")]
    Upstream {
        /// Where it would be pushed to.
        target: String,
    },
}

impl Refusal {
    /// The reason's name, which never changes.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoArtifact { .. } => "no-artifact",
            Self::TooLarge { .. } => "too-large",
            Self::TooManyFiles { .. } => "too-many-files",
            Self::NotAFile { .. } => "not-a-file",
            Self::Unexpected { .. } => "unexpected-file",
            Self::Unreadable { .. } => "unreadable",
            Self::NotJson { .. } => "not-json",
            Self::Shape { .. } => "shape",
            Self::NotOurs { .. } => "not-a-candidate",
            Self::Version { .. } => "version",
            Self::EventId { .. } => "event-id",
            Self::EventCommit { .. } => "event-commit",
            Self::OtherTag { .. } => "other-tag",
            Self::Path { .. } => "path",
            Self::RefOutside { .. } => "ref-outside",
            Self::MadeByFlow => "made-by-flow",
            Self::NoDescent { .. } => "no-descent",
            Self::NoFlow { .. } => "no-flow",
            Self::Gone { .. } => "gone",
            Self::TagMoved { .. } => "tag-moved",
            Self::Rewritten { .. } => "rewritten",
            Self::ExcludedUnknown { .. } => "excluded-unknown",
            Self::Excluded { .. } => "excluded",
            Self::Adopted { .. } => "adopted",
            Self::Settled { .. } => "settled",
            Self::Settlement { .. } => "settlement",
            Self::NotAdopted { .. } => "not-adopted",
            Self::Differs { .. } => "differs",
            Self::Verdict { .. } => "verdict",
            Self::CheckHidden { .. } => "check-hidden",
            Self::Status { .. } => "status",
            Self::Bundle { .. } => "bundle",
            Self::BundleHeader { .. } => "bundle-header",
            Self::BundleRefName { .. } => "bundle-ref-name",
            Self::BundleExtraRef { .. } => "bundle-extra-ref",
            Self::BundleNoRef { .. } => "bundle-no-ref",
            Self::BundleRef { .. } => "bundle-ref",
            Self::BundleNeeds { .. } => "bundle-needs",
            Self::BundleBroken { .. } => "bundle-broken",
            Self::BundleLacks { .. } => "bundle-lacks",
            Self::Ref { .. } => "ref",
            Self::Upstream { .. } => "upstream",
        }
    }

    /// Whether a person's decision stands in the way rather than a fault of the artifact.
    pub(crate) const fn is_blocked(&self) -> bool {
        matches!(
            self,
            Self::Settled { .. } | Self::MadeByFlow | Self::Rewritten { .. } | Self::Upstream { .. }
        )
    }

    /// What to do next.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoArtifact { .. } => {
                "name the folder that `patch-moi run` left, or one that holds several of them".to_owned()
            }
            Self::MadeByFlow => {
                "look at it, and push it yourself; or let it pass with `--accept descends` (PATCH_MOI_ACCEPT), which proves that it stands on the release and nothing of what is in it"
                    .to_owned()
            }
            Self::NoDescent { .. } => {
                "let the step carry its patches to the commit that the release's tag names".to_owned()
            }
            Self::Settled { .. } => {
                "where you settled it yourself, `--accept settlements` (PATCH_MOI_ACCEPT) takes it, and \
                 `patch-moi resume TAG --push` hands it over without an artifact"
                    .to_owned()
            }
            Self::NoFlow { .. } => {
                "check flow and lock on the default branch, or name the branch with `--branch`".to_owned()
            }
            Self::Gone { .. } => {
                "ask upstream whether the release was withdrawn; nothing of it is published".to_owned()
            }
            Self::TagMoved { tag, .. } => format!(
                "ask upstream whether that was meant; `patch-moi run --tag {tag}` carries the stack to where it is now"
            ),
            Self::Rewritten { .. } => "carry the stack again from where the branch stands now".to_owned(),
            Self::Upstream { .. } => {
                "let `origin` of the checkout be the fork, and `upstream` the project that it follows".to_owned()
            }
            Self::Differs { .. } | Self::Verdict { .. } | Self::Ref { .. } => {
                "nothing of it is published: make it again with `patch-moi run --tag TAG`; where that gives the \
                 same, the versions of patch-moi, the flow or the committer differ between the two"
                    .to_owned()
            }
            _ => "nothing of it is published: make it again with `patch-moi run --tag TAG`".to_owned(),
        }
    }
}

/// `text` from outside, for a message: its first 80 characters, nothing in it that a terminal obeys.
pub(crate) fn quoted(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

impl From<InvalidName> for Refusal {
    fn from(err: InvalidName) -> Self {
        Self::NotOurs { file: "candidate.json", why: err.to_string() }
    }
}
