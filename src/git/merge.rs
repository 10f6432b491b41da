//! The engine's second port: git's own merge, by `git merge-tree`.
//!
//! One process a merge: with `--stdin`, git (2.47) keeps an answer in its buffer until the next
//! question, so that nobody can wait for it.
//!
//! Format: git-merge-tree(1), "OUTPUT", with `-z`.

use std::collections::BTreeMap;
use std::io::BufRead;

use git2::ObjectType;

use super::repository::oid;
use super::{GitError, Workbench};
use crate::ids::{CommitId, ObjectId, TreeId};
use crate::process::{Output, ProcessError, Status};
use crate::stack::{ConflictKind, Crash, FullMerge, Merged, Objects, PathConflict, PortError};

/// The names under which git knows the sides of a merge of commits; they become marker labels.
const SIDES: [&str; 2] = ["ours", "theirs"];

const FAILED: &str = "git's merge could not run";

/// The longest answer, in bytes: it names every path in conflict several times.
const LONGEST_ANSWER: usize = 256 << 20;

/// git's merge. It reads attributes from one tree alone and no configuration.
pub(crate) struct GitMerge<'a> {
    bench: &'a Workbench,
    attributes: TreeId,
}

impl<'a> GitMerge<'a> {
    /// A merge in `bench` with the attributes that `attributes` has.
    pub(crate) const fn new(bench: &'a Workbench, attributes: TreeId) -> Self {
        Self { bench, attributes }
    }

    /// Asks git, with everything there that it may read. Where it fails all the same because something is damaged, once
    /// more when that was fetched again.
    fn ask_about(
        &self,
        base: ObjectId,
        sides: [ObjectId; 2],
        question: &[&str],
    ) -> Result<Merged, PortError> {
        self.bench.stock_merge(base, sides, false)?;
        let failed = match self.ask(sides[0], question) {
            Ok(merged) => return Ok(merged),
            Err(failed) => failed,
        };
        match self.bench.stock_merge(base, sides, true)? {
            Some(id) => Err(self.bench.lost(id, ObjectType::Blob, failed)),
            None => self.ask(sides[0], question),
        }
    }

    fn ask(&self, ours: ObjectId, question: &[&str]) -> Result<Merged, PortError> {
        let command = self.bench.isolated_with_attributes(self.attributes);
        let command = command.map_err(|source| PortError::new(FAILED, source))?;
        let command = command.args(["merge-tree", "--write-tree", "-z", "--allow-unrelated-histories"]);
        let command = command.args(question).output_limit(LONGEST_ANSWER);
        match answered(command.run().map_err(|source| PortError::new(FAILED, source))?)? {
            Answer::Merged(merged) => Ok(merged),
            Answer::Crash(crash) => Ok(Merged::broken(self.bench.tree_at(ours)?, crash)),
        }
    }

    fn name(&self, side: &str, commit: CommitId) -> Result<(), PortError> {
        let failed = |source| PortError::new("a side of a merge could not be named", source);
        let name = format!("refs/heads/{side}");
        self.bench
            .settle()
            .map_err(|source| PortError::new("a side of a merge could not be named", source))?;
        let repository = &self.bench.bench.inner;
        repository.reference(&name, oid(commit.object()), true, "a side of a merge").map(drop).map_err(failed)
    }
}

impl FullMerge for GitMerge<'_> {
    fn trees(&self, base: TreeId, ours: ObjectId, theirs: ObjectId) -> Result<Merged, PortError> {
        let question = [&format!("--merge-base={base}"), &ours.to_string(), &theirs.to_string()];
        self.ask_about(base.object(), [ours, theirs], &question.map(|word| &**word))
    }

    fn commits(&self, ours: CommitId, theirs: CommitId) -> Result<Merged, PortError> {
        self.name(SIDES[0], ours)?;
        self.name(SIDES[1], theirs)?;
        match self.bench.merge_base(ours, theirs)? {
            Some(base) => self.ask_about(base.object(), [ours.object(), theirs.object()], &SIDES),
            None => self.ask(ours.object(), &SIDES),
        }
    }
}

/// How git answered.
enum Answer {
    Merged(Merged),
    /// With its own end.
    Crash(Crash),
}

/// How git broke down, if it did: nobody ended it.
pub(super) fn crash(output: &Output) -> Option<Crash> {
    match output.status {
        Status::Signalled(signal) if !output.timed_out => Crash::of(signal),
        _ => None,
    }
}

/// What git said, where it said all of it: with its middle left out an answer could still be read, and
/// would name other paths.
fn answered(output: Output) -> Result<Answer, PortError> {
    if let Some(crash) = crash(&output) {
        tracing::info!("git's merge ended with {crash}: {}", output.stderr.last_lines(3));
        return Ok(Answer::Crash(crash));
    }
    let clean = match output.status {
        Status::Exited(0) => true,
        Status::Exited(1) if output.stdout.dropped == 0 && !output.timed_out => false,
        Status::Exited(1) if !output.timed_out => {
            let (program, dropped) = (output.program, output.stdout.dropped);
            return Err(PortError::new(FAILED, ProcessError::TooMuchOutput { program, dropped }));
        }
        Status::Exited(_) | Status::Signalled(_) => {
            return Err(match output.success() {
                Ok(_) => PortError::new(FAILED, GitError::Answer { what: "merge-tree" }),
                Err(source) => PortError::new(FAILED, source),
            });
        }
    };
    let merged = read_answer(&mut &output.stdout.bytes[..], clean);
    merged.map(Answer::Merged).map_err(|source| PortError::new(FAILED, source))
}

/// One answer: the tree, and unless the merge is clean conflicted files and messages.
fn read_answer(from: &mut impl BufRead, clean: bool) -> std::io::Result<Merged> {
    let tree = field(from)?;
    let tree = std::str::from_utf8(&tree).ok().and_then(|text| text.parse::<ObjectId>().ok());
    let tree = TreeId::new(tree.ok_or_else(|| strange("git's merge gave no tree"))?);
    if clean {
        return Ok(Merged::trivial(tree));
    }
    let mut paths: BTreeMap<Vec<u8>, Stages> = BTreeMap::new();
    loop {
        let file = field(from)?;
        if file.is_empty() {
            break;
        }
        let (path, stage, submodule, object) =
            conflicted(&file).ok_or_else(|| strange("git's merge listed no path"))?;
        let stages = paths.entry(path).or_default();
        stages.objects.push(object);
        stages.seen[stage - 1] = true;
        stages.submodule |= submodule;
    }
    read_messages(from, &mut paths)?;
    let conflict =
        |(path, stages): (_, Stages)| PathConflict { path, kind: stages.kind(), objects: stages.objects };
    let conflicts = paths.into_iter().map(conflict).collect();
    Ok(Merged { tree, clean: false, conflicts, crash: None })
}

fn strange(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned())
}

/// What git says of paths: how many they are, the paths, a type whose text is stable, and a text for people.
fn read_messages(from: &mut impl BufRead, paths: &mut BTreeMap<Vec<u8>, Stages>) -> std::io::Result<()> {
    while !from.fill_buf()?.is_empty() {
        let count = field(from)?;
        let count = std::str::from_utf8(&count).ok().and_then(|text| text.parse::<usize>().ok());
        let count = count.ok_or_else(|| strange("git's merge said nothing of how many paths it means"))?;
        let mut named = Vec::new();
        for _ in 0..count {
            named.push(field(from)?);
        }
        let kind = kind_of(&field(from)?);
        field(from)?;
        for path in named {
            if let Some(stages) = paths.get_mut(&path) {
                stages.said = stages.said.max(kind);
            }
        }
    }
    Ok(())
}

/// One field without its NUL.
fn field(from: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_until(0, &mut bytes)?;
    if bytes.pop() != Some(0) {
        return Err(std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            "git's merge ended before its answer",
        ));
    }
    Ok(bytes)
}

/// `<mode> <object> <stage>TAB<path>`.
fn conflicted(line: &[u8]) -> Option<(Vec<u8>, usize, bool, ObjectId)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(&line[..tab]).ok()?;
    let mut head = head.split(' ');
    let submodule = head.next()? == "160000";
    let object = head.next()?.parse().ok()?;
    let stage = head.next()?.parse().ok().filter(|stage| (1..=3).contains(stage))?;
    Some((line[tab + 1..].to_vec(), stage, submodule, object))
}

/// What is known of one conflicted path.
#[derive(Debug, Default)]
struct Stages {
    seen: [bool; 3],
    objects: Vec<ObjectId>,
    submodule: bool,
    said: Option<Said>,
}

/// What git's messages can say of a path; where it says several things, the greatest holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Contents,
    Binary,
    ModifyDelete,
    Mode,
    DirectoryRename,
    RenameAdd,
    RenameDelete,
    RenameRename,
    FileDirectory,
    Submodule,
}

/// The kind that a type of message stands for. git-merge-tree(1) calls the texts stable, and says that there
/// may be more of them one day.
fn kind_of(description: &[u8]) -> Option<Said> {
    let text = std::str::from_utf8(description).ok()?;
    // Some have no space there.
    let inner = text.strip_prefix("CONFLICT")?.trim_start().strip_prefix('(')?.strip_suffix(')')?;
    Some(match inner {
        "contents" => Said::Contents,
        "binary" => Said::Binary,
        "modify/delete" => Said::ModifyDelete,
        "distinct modes" => Said::Mode,
        "file/directory" => Said::FileDirectory,
        "rename/rename" => Said::RenameRename,
        "rename/delete" => Said::RenameDelete,
        "rename involved in collision" => Said::RenameAdd,
        "directory rename suggested"
        | "file in way of directory rename"
        | "directory rename collision"
        | "directory rename unclear split" => Said::DirectoryRename,
        _ if inner.starts_with("submodule") => Said::Submodule,
        _ => return None,
    })
}

impl Stages {
    fn kind(&self) -> ConflictKind {
        let [base, ours, theirs] = self.seen;
        match self.said {
            Some(Said::Binary) => ConflictKind::Binary,
            Some(Said::ModifyDelete) => ConflictKind::ModifyDelete,
            Some(Said::Mode) => ConflictKind::Mode,
            Some(Said::DirectoryRename) => ConflictKind::DirectoryRename,
            Some(Said::RenameAdd) => ConflictKind::RenameAdd,
            Some(Said::RenameDelete) => ConflictKind::RenameDelete,
            Some(Said::RenameRename) => ConflictKind::RenameRename,
            Some(Said::FileDirectory) => ConflictKind::FileDirectory,
            Some(Said::Submodule) => ConflictKind::Submodule,
            _ if self.submodule => ConflictKind::Submodule,
            _ if base && !(ours && theirs) => ConflictKind::ModifyDelete,
            _ if !base && ours && theirs => ConflictKind::AddAdd,
            _ => ConflictKind::Content,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Captured;

    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn read(text: &str, clean: bool) -> std::io::Result<Merged> {
        read_answer(&mut text.replace("TREE", TREE).as_bytes(), clean)
    }

    #[test]
    fn an_answer_that_is_cut_short_is_an_error() {
        let no_count = "TREE\0\0x\0y\0CONFLICT (binary)\0b\0";
        for text in
            ["", "TREE", "TREE\x00100644 TREE 1\tx\0", "TREE\0\x01", "tree\0\0", "TREE\0\x002\0x\0", no_count]
        {
            assert!(read(text, false).is_err(), "{text:?}");
        }
        assert!(read("TREE", true).is_err());
    }

    #[test]
    fn an_answer_whose_middle_is_left_out_is_an_error() {
        let said = format!("{TREE}\x00100644 {TREE} 1\tx\n[.. 9 bytes left out ..]\ny\0\0");
        let output = |dropped| Output {
            stdout: Captured { bytes: said.clone().into_bytes(), dropped },
            ..ended(Status::Exited(1))
        };
        assert!(answered(output(0)).is_ok(), "it can be read, which is the danger");
        assert!(answered(output(9)).is_err());
    }

    fn ended(status: Status) -> Output {
        let (stdout, stderr) = (Captured::default(), Captured::default());
        let duration = std::time::Duration::ZERO;
        Output { program: "git".to_owned(), status, stdout, stderr, timed_out: false, duration }
    }

    #[test]
    fn only_a_git_that_broke_down_by_itself_gives_an_answer_by_that() {
        let crashed = |output| matches!(answered(output), Ok(Answer::Crash(_)));
        assert!(crashed(ended(Status::Signalled(6))) && crashed(ended(Status::Signalled(11))));
        assert!(!crashed(Output { timed_out: true, ..ended(Status::Signalled(6)) }), "we ended it");
        for other in [Status::Signalled(9), Status::Signalled(15), Status::Exited(128), Status::Exited(134)] {
            assert!(answered(ended(other)).is_err(), "{other}");
        }
    }

    #[test]
    fn a_clean_answer_is_a_tree_alone() {
        let merged = read("TREE\0", true).expect("an answer");
        assert!(merged.clean && merged.conflicts.is_empty());
    }

    #[test]
    fn every_type_that_git_has_is_known_and_what_is_no_conflict_counts_for_none() {
        for (text, said) in [
            ("CONFLICT (contents)", Some(Said::Contents)),
            ("CONFLICT (distinct modes)", Some(Said::Mode)),
            ("CONFLICT (rename involved in collision)", Some(Said::RenameAdd)),
            ("CONFLICT (directory rename suggested)", Some(Said::DirectoryRename)),
            ("CONFLICT (file in way of directory rename)", Some(Said::DirectoryRename)),
            ("CONFLICT(directory rename collision)", Some(Said::DirectoryRename)),
            ("CONFLICT(directory rename unclear split)", Some(Said::DirectoryRename)),
            ("CONFLICT (submodule)", Some(Said::Submodule)),
            ("CONFLICT (submodule may have rewinds)", Some(Said::Submodule)),
            ("CONFLICT (something new)", None),
            ("Auto-merging", None),
            ("Fast forwarding submodule", None),
            ("Path updated due to directory rename", None),
        ] {
            assert_eq!(kind_of(text.as_bytes()), said, "{text}");
        }
    }

    #[test]
    fn where_git_says_several_things_of_a_path_the_rarer_one_holds() {
        let kind = |types: &[&str]| {
            let said: String = types.iter().map(|kind| format!("1\0x\0{kind}\0a\0")).collect();
            let merged = read(&format!("TREE\x00100644 TREE 2\tx\0\0{said}"), false).expect("an answer");
            merged.conflicts[0].kind
        };
        let (deleted, changed) = ("CONFLICT (rename/delete)", "CONFLICT (modify/delete)");
        assert_eq!(kind(&[changed, deleted]), ConflictKind::RenameDelete);
        assert_eq!(kind(&[deleted, changed]), ConflictKind::RenameDelete);
        assert_eq!(kind(&["CONFLICT (submodule)", "CONFLICT (contents)"]), ConflictKind::Submodule);
        assert_eq!(kind(&["CONFLICT (something new)"]), ConflictKind::Content);
    }

    #[test]
    fn a_conflict_is_of_the_kind_that_git_says() {
        let files = "100644 TREE 1\tx\x00100644 TREE 2\tx\x00100644 TREE 3\tx\x00100644 TREE 2\ty\x00100644 TREE 3\ty\0\0";
        let said = "1\0x\0Auto-merging\0a\0".to_owned() + "1\0x\0CONFLICT (binary)\0b\0";
        let merged = read(&format!("TREE\0{files}{said}"), false).expect("an answer");
        let kinds: Vec<_> = merged.conflicts.iter().map(|conflict| conflict.kind).collect();
        assert_eq!(kinds, [ConflictKind::Binary, ConflictKind::AddAdd]);
    }
}
