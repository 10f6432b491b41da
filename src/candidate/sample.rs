//! Carries for tests: the stack of twelve patches that the reports are drawn with.

use crate::candidate::{
    CheckOutcome, CheckResult, Document, EventRef, FlowRef, ForkRef, NamedRef, Outcome, RunRef,
    SCHEMA_VERSION, Tool, UpstreamRef,
};
use crate::ids::{CommitId, EventId, TreeId};
use crate::stack::{
    Candidate, Carry, Conflict, ConflictKind, Counts, Culprit, LeftOut, Patch, Side, Verdict,
};

/// The fork's commit `n`: its id is `n` written twenty times.
pub(crate) fn commit(n: u8) -> CommitId {
    format!("{n:02x}").repeat(20).parse().unwrap()
}

/// The commit that carries patch `n`.
pub(crate) fn carried(n: u8) -> CommitId {
    commit(0x40 + n)
}

/// Upstream's commit `n`.
pub(crate) fn upstream(n: u8) -> CommitId {
    commit(0xc0 + n)
}

fn tree(n: u8) -> TreeId {
    TreeId::new(commit(0x80 + n).object())
}

/// Patch `n` with a verdict and, where it is carried, a commit.
pub(crate) fn patch(n: u8, verdict: Verdict, subject: &str) -> Patch {
    Patch {
        commit: commit(n),
        subject: subject.to_owned(),
        author: "Ada <ada@example.org>".to_owned(),
        merge: subject.starts_with("Merge "),
        verdict,
        new_commit: verdict.is_carried().then(|| carried(n)),
        tree: verdict.is_carried().then(|| tree(n)),
        tried_on: None,
        conflicts: Vec::new(),
        blocked_by: None,
        culprit: None,
        upstream: None,
        settled: Vec::new(),
        question: None,
        notes: Vec::new(),
    }
}

/// Patch `n` in conflict at `paths`, since upstream's commit 9.
pub(crate) fn conflict(n: u8, subject: &str, paths: &[&str]) -> Patch {
    let at =
        |path: &&str| Conflict { path: (*path).to_owned(), path_base64: None, kind: ConflictKind::Content };
    let culprit = Culprit {
        commit: upstream(9),
        subject: "Rework arguments (#21)".to_owned(),
        pull_request: Some(21),
        side: Side::Onto,
        probes: 4,
    };
    Patch {
        conflicts: paths.iter().map(at).collect(),
        culprit: Some(culprit),
        ..patch(n, Verdict::Conflict, subject)
    }
}

/// Patch `n`, blocked by patch `by`.
pub(crate) fn blocked(n: u8, subject: &str, by: u8) -> Patch {
    Patch { blocked_by: Some(commit(by)), ..patch(n, Verdict::Blocked, subject) }
}

/// A carry of `patches`, whose candidate ends before the first open one.
pub(crate) fn carry(patches: Vec<Patch>) -> Carry {
    let made: Vec<CommitId> = patches.iter().filter_map(|patch| patch.new_commit).collect();
    let held =
        patches.iter().take_while(|patch| !patch.verdict.is_open()).filter_map(|patch| patch.new_commit);
    let complete = !patches.iter().any(|patch| patch.verdict.is_open());
    Carry {
        base: upstream(1),
        onto: upstream(2),
        tip: patches.last().map_or(upstream(1), |patch| patch.commit),
        candidate: Candidate { commit: held.last().unwrap_or(upstream(2)), tree: tree(0), complete },
        partial: made.last().copied().filter(|_| !complete),
        counts: Counts::of(patches.iter().map(|patch| patch.verdict)),
        patches,
        left_out: Vec::new(),
        excluded: vec![upstream(1)],
        landed: None,
        settlements: Vec::new(),
    }
}

/// Twelve patches: eight carried, one upstreamed, one in conflict, two blocked by it.
pub(crate) fn conflicting() -> Carry {
    let mut carry = carry(vec![
        patch(1, Verdict::Clean, "Colour output"),
        patch(2, Verdict::Clean, "Read the configuration from XDG folders"),
        patch(3, Verdict::Merged, "Teach the parser about negative numbers"),
        patch(4, Verdict::Upstreamed, "Fix overflow in the parser"),
        patch(5, Verdict::Clean, "Add a progress bar"),
        patch(6, Verdict::Clean, "Merge branch 'progress'"),
        conflict(7, "Rename the flag", &["src/args.rs"]),
        blocked(8, "Document the flag", 7),
        patch(9, Verdict::Clean, "Keep the fork's logo"),
        blocked(10, "Complete the flag in shells", 7),
        patch(11, Verdict::Resolved, "Pin the toolchain"),
        patch(12, Verdict::Clean, "Say the fork's name in --version"),
    ]);
    let absorbed = Culprit {
        commit: upstream(3),
        subject: "Fix overflow (#17)".to_owned(),
        pull_request: Some(17),
        side: Side::Onto,
        probes: 3,
    };
    carry.patches[3].upstream = Some(absorbed);
    carry
}

/// Twelve patches, all settled: ten carried, one upstreamed, one that has become empty.
pub(crate) fn complete() -> Carry {
    let mut patches = conflicting().patches;
    patches[6] = patch(7, Verdict::Merged, "Rename the flag");
    patches[7] = patch(8, Verdict::Clean, "Document the flag");
    patches[9] = patch(10, Verdict::Empty, "Complete the flag in shells");
    carry(patches)
}

/// A document about [`conflicting`].
pub(crate) fn document() -> Document {
    about(conflicting())
}

/// A document about `carry`, with the checks that such a carry has.
pub(crate) fn about(carry: Carry) -> Document {
    let complete = carry.candidate.complete;
    let kept = if complete { "refs/patch-moi/candidate/v1.1.0" } else { "refs/patch-moi/incomplete/v1.1.0" };
    let upstream_name = "sample/upstream".parse().unwrap();
    Document {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "patch-moi".to_owned(), version: "0.1.0".to_owned() },
        event: EventRef {
            id: EventId::of_release(&upstream_name, &"v1.1.0".parse().unwrap()),
            kind: "upstream.release".to_owned(),
            repo: upstream_name.clone(),
            tag: "v1.1.0".parse().unwrap(),
            tag_object: None,
            commit: carry.onto,
        },
        fork: ForkRef { repository: "sample/fork".to_owned(), branch: "main".to_owned() },
        upstream: UpstreamRef {
            repository: upstream_name,
            url: "https://git.example.org/sample/upstream".to_owned(),
            base_tag: Some("v1.0.0".parse().unwrap()),
        },
        flow: FlowRef {
            name: "sample".to_owned(),
            version: 1.into(),
            step: "carry".to_owned(),
            origin: "built-in".to_owned(),
        },
        run: RunRef {
            id: "run-1".to_owned(),
            started_at: "2026-11-22T06:21:13.428Z".to_owned(),
            completed_at: "2026-11-22T06:21:15.002Z".to_owned(),
        },
        status: if complete { Outcome::Candidate } else { Outcome::Incomplete },
        refs: vec![NamedRef { name: kept.parse().unwrap(), commit: carry.candidate.commit }],
        checks: vec![CheckOutcome {
            name: "build".to_owned(),
            command: vec!["cargo".to_owned(), "build".to_owned()],
            required: true,
            outcome: if complete { CheckResult::Passed } else { CheckResult::NotRun },
            exit_code: complete.then_some(0),
            seconds: if complete { 12.34 } else { 0.0 },
            log: "checks/build.log".to_owned(),
        }],
        carry,
        squashed: None,
        bundle: Some("candidate.bundle".to_owned()),
        signatures_dropped: 0,
        notes_not_carried: 0,
    }
}

/// Text that tries everything at once: terminal escapes, bidi overrides, Markdown, HTML, mentions,
/// workflow commands.
pub(crate) const HOSTILE: &str =
    "\u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##[error]no\r\n::set-output name=a::b";

/// A stack that says [`HOSTILE`] wherever a stranger may choose the words.
pub(crate) fn hostile() -> Carry {
    let mut clash = conflict(1, HOSTILE, &[HOSTILE, "a|b`c.txt"]);
    clash.author = HOSTILE.to_owned();
    clash.notes.push(HOSTILE.to_owned());
    if let Some(culprit) = &mut clash.culprit {
        culprit.subject = HOSTILE.to_owned();
    }
    let mut carry = carry(vec![clash, blocked(2, HOSTILE, 1)]);
    carry.left_out.push(LeftOut { commit: upstream(7), subject: HOSTILE.to_owned() });
    carry
}
