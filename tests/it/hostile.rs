//! One candidate, whatever a machine, a person's configuration or a repository's says: nothing that any of
//! them names is run, and nothing that they set changes a byte.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Program, Repo, UPSTREAM, executable, file_url, patch_moi, write};

/// Lines far enough apart to be merged one by one.
fn poem(changes: &[(usize, &str)]) -> String {
    let line = |n: usize| changes.iter().find(|(at, _)| *at == n).map_or("line", |(_, word)| word);
    (0..40).map(|n| format!("{} {n}\n", line(n))).collect()
}

/// Upstream and a fork whose patches need texts merged, renames found, unions made and a driver passed by.
struct World {
    dir: TempDir,
    upstream: Repo,
}

impl World {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let upstream = Repo::at(&dir.path().join(UPSTREAM));
        let attributes = "list.txt merge=union\ndriven.txt merge=eat diff=eat filter=eat\n";
        let first = [
            (".gitattributes", attributes),
            ("poem", &poem(&[])),
            ("driven.txt", &poem(&[])),
            ("old/one.txt", &poem(&[(1, "first")])),
            ("old/two.txt", &poem(&[(2, "second")])),
            ("list.txt", "one\ntwo\n"),
        ];
        upstream.commit("Begin", &first);
        upstream.tag("v1");
        let fork = upstream.clone_to(&dir.path().join("fork"));
        fork.commit("Shout", &[("poem", &poem(&[(3, "LINE")])), ("driven.txt", &poem(&[(3, "LINE")]))]);
        fork.commit("Add to the list", &[("list.txt", "one\ntwo\nours\n")]);
        fork.commit("Change what moves", &[("old/one.txt", &poem(&[(1, "first"), (30, "changed")]))]);
        fork.commit("Add beside it", &[("apart/three.txt", "three\n")]);
        fork.commit("Söng", &[("ünï.txt", "la\n")]);
        upstream.commit("End", &[("poem", &poem(&[(35, "end")])), ("driven.txt", &poem(&[(35, "end")]))]);
        upstream.commit("List", &[("list.txt", "one\ntwo\ntheirs\n")]);
        upstream.git(&["mv", "old", "new"]);
        upstream.commit_all("Move it all (#7)");
        upstream.tag("v2");
        let bare = dir.path().join("fork.git");
        fork.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
        Self { dir, upstream }
    }

    /// A fresh clone with this name.
    fn clone(&self, name: &str) -> PathBuf {
        let to = self.dir.path().join(name).join("fork");
        let from = file_url(&self.dir.path().join("fork.git"));
        self.upstream.git(&["clone", "--quiet", &from, to.to_str().unwrap()]);
        to
    }

    fn run(&self, checkout: &Path) -> Program {
        let url = file_url(self.upstream.path());
        patch_moi(checkout).env("DATA_DIR", checkout.with_file_name("data")).args([
            "run",
            "release",
            "--repo",
            UPSTREAM,
            "--tag",
            "v2",
            "--branch",
            "main",
            "--upstream-url",
            &url,
        ])
    }

    /// What a run of a fresh clone on a calm machine comes to.
    fn calm(&self) -> Came {
        let checkout = self.clone("calm");
        let _ = self.run(&checkout).run().exits(0);
        Came::to(&checkout)
    }

    fn git(&self, checkout: &Path, args: &[&str]) -> String {
        self.upstream.git(&[&["-C", checkout.to_str().unwrap()], args].concat())
    }

    /// A program that leaves a mark when it is run, and the mark.
    fn trap(&self) -> (String, PathBuf) {
        let (program, mark) = (self.dir.path().join("trap"), self.dir.path().join("ran"));
        executable(&program, format!("#!/bin/sh\necho \"$0 $*\" >>{}\nexit 0\n", mark.display()));
        (program.to_str().unwrap().to_owned(), mark)
    }
}

/// What is the same on every machine.
#[derive(Debug, PartialEq, Eq)]
struct Came {
    candidate: Value,
    patches: Vec<(String, String)>,
    range_diff: String,
    report: String,
}

impl Came {
    #[track_caller]
    fn to(checkout: &Path) -> Self {
        let folder = checkout.join(".codex/workspace/actions/artifacts/v2");
        let read = |name: &str| fs::read(folder.join(name)).unwrap();
        let mut patches = Vec::new();
        for entry in fs::read_dir(folder.join("patches")).unwrap().map(Result::unwrap) {
            patches
                .push((entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()));
        }
        patches.sort();
        let document: Value = serde_json::from_slice(&read("candidate.json")).unwrap();
        let plain = |text: String| text.replace(checkout.to_str().unwrap(), "[FORK]");
        Self {
            candidate: document["candidate"].clone(),
            patches,
            range_diff: String::from_utf8(read("range-diff.txt")).unwrap(),
            report: timeless(&plain(String::from_utf8(read("report.md")).unwrap())),
        }
    }
}

fn timeless(text: &str) -> String {
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?").unwrap();
    time.replace_all(text, "[TIME]").into_owned()
}

/// A configuration that would change merges, diffs, commits and transport, and that names `trap` wherever git
/// runs a program.
fn evil(trap: &str) -> String {
    format!(
        "[user]\n\tname = Somebody Else\n\temail = else@example.org\n\tsigningKey = X\n\
         [core]\n\tautocrlf = true\n\teol = crlf\n\tsafecrlf = true\n\tquotePath = false\n\tabbrev = 40\n\
         \tfsmonitor = {trap}\n\tsshCommand = {trap}\n\talternateRefsCommand = {trap}\n\taskPass = {trap}\n\
         \tpager = {trap}\n\teditor = {trap}\n\tgitProxy = {trap}\n\tignoreCase = true\n\tprecomposeUnicode = true\n\
         \twhitespace = tab-in-indent\n\tcommentChar = S\n\tnotesRef = refs/notes/other\n\
         [merge]\n\tconflictStyle = zdiff3\n\trenames = false\n\trenameLimit = 1\n\tdirectoryRenames = false\n\
         \tdefault = eat\n\ttool = eat\n\trenormalize = true\n\tverbosity = 0\n\tlog = true\n\
         [merge \"eat\"]\n\tname = eats\n\tdriver = {trap} %O %A %B\n\trecursive = eat\n\
         [merge \"union\"]\n\tdriver = {trap} %O %A %B\n[merge \"text\"]\n\tdriver = {trap} %A\n\
         [diff]\n\talgorithm = patience\n\trenames = copies\n\trenameLimit = 1\n\tnoprefix = true\n\tcontext = 0\n\
         \tmnemonicPrefix = true\n\texternal = {trap}\n\torderFile = /dev/null\n\tindentHeuristic = false\n\
         \tcolorMoved = zebra\n\tsubmodule = log\n\tinterHunkContext = 9\n\tsuppressBlankEmpty = true\n\
         [diff \"eat\"]\n\tcommand = {trap}\n\ttextconv = {trap}\n\tbinary = true\n\
         [filter \"eat\"]\n\tclean = {trap}\n\tsmudge = {trap}\n\tprocess = {trap}\n\trequired = true\n\
         [commit]\n\tgpgSign = true\n[tag]\n\tgpgSign = true\n[gpg]\n\tprogram = {trap}\n\
         [i18n]\n\tcommitEncoding = ISO-8859-1\n\tlogOutputEncoding = ISO-8859-1\n\
         [format]\n\tattach = true\n\tsignOff = true\n\tcoverLetter = true\n\tsuffix = .txt\n\tsubjectPrefix = X\n\
         \tuseAutoBase = true\n\tthread = deep\n\tto = x@example.org\n\tpretty = oneline\n\tnotes = true\n\
         \tsignature = me\n\tencodeEmailHeaders = false\n\
         [log]\n\tshowSignature = true\n\tmailmap = true\n\tdate = relative\n[color]\n\tui = always\n\
         [column]\n\tui = always\n[pack]\n\tpackSizeLimit = 1\n\twindow = 0\n\tcompression = 0\n\
         [fetch]\n\tfsckObjects = true\n\tprune = true\n\trecurseSubmodules = true\n\toutput = compact\n\
         \twriteCommitGraph = true\n\tparallel = 4\n[transfer]\n\thideRefs = refs/nothing\n\
         [submodule]\n\trecurse = true\n[rerere]\n\tenabled = true\n\tautoUpdate = true\n\
         [rebase]\n\tautoSquash = true\n[gc]\n\tauto = 1\n[maintenance]\n\tauto = true\n\
         [credential]\n\thelper = !{trap}\n[trace2]\n\teventTarget = {trap}.trace\n"
    )
}

/// `evil` as what `GIT_CONFIG_COUNT` counts.
fn as_variables(mut program: Program, text: &str) -> Program {
    let (mut section, mut count) = (String::new(), 0);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').replace(" \"", ".").replace('"', "");
        } else if let Some((key, value)) = line.trim().split_once(" = ") {
            program = program
                .env(&format!("GIT_CONFIG_KEY_{count}"), format!("{section}.{key}"))
                .env(&format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
    }
    program.env("GIT_CONFIG_COUNT", count.to_string())
}

/// Attributes that would change every merge, difference and checkout.
const ATTRIBUTES: &str = "* merge=eat diff=eat filter=eat text=auto eol=crlf ident working-tree-encoding=UTF-16\n\
                          list.txt -merge\n*.txt merge=union export-subst\npoem -diff\n";

fn hostile_home(home: &Path, evil: &str) {
    let include = "[includeIf \"gitdir:**\"]\n\tpath = more\n[include]\n\tpath = .more-still\n";
    let attributes = "[core]\n\tattributesFile = ~/attributes\n";
    write(&home.join(".gitconfig"), format!("{evil}{include}{attributes}"));
    write(&home.join("more"), evil);
    write(&home.join(".more-still"), evil);
    write(&home.join("attributes"), ATTRIBUTES);
    for folder in [".config/git", "xdg/git"] {
        write(&home.join(folder).join("config"), evil);
        write(&home.join(folder).join("attributes"), ATTRIBUTES);
        write(&home.join(folder).join("ignore"), "*\n");
    }
    write(&home.join("system"), evil);
}

/// A repository with the configuration `evil`, whose every hook is the program `trap`.
fn hostile_repository(inside: &Path, trap: &str, evil: &str) {
    let own = fs::read_to_string(inside.join("config")).unwrap();
    let more = format!("[extensions]\n\tworktreeConfig = true\n[core]\n\thooksPath = {trap}.d\n");
    write(&inside.join("config"), format!("{own}{evil}{more}"));
    write(&inside.join("config.worktree"), evil);
    write(&inside.join("info/attributes"), ATTRIBUTES);
    for hook in ["reference-transaction", "post-checkout", "pre-auto-gc", "post-merge", "fsmonitor-watchman"]
    {
        for folder in [inside.join("hooks"), PathBuf::from(format!("{trap}.d"))] {
            fs::create_dir_all(&folder).unwrap();
            fs::copy(trap, folder.join(hook)).unwrap();
        }
    }
}

/// Variables that would send git to places where there is nothing.
const NOWHERE: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_EXEC_PATH",
];

/// Variables that name a program.
const PROGRAMS: [&str; 5] =
    ["GIT_EXTERNAL_DIFF", "GIT_EDITOR", "GIT_PAGER", "GIT_ASKPASS", "GIT_PROXY_COMMAND"];

/// Variables of git, of a machine and of a person that would change what is made.
const OTHERS: [(&str, &str); 24] = [
    ("GIT_ATTR_SOURCE", "HEAD~1"),
    ("GIT_NAMESPACE", "elsewhere"),
    ("GIT_REPLACE_REF_BASE", "refs/heads"),
    ("GIT_DIFF_OPTS", "--unified=0"),
    ("GIT_MERGE_VERBOSITY", "5"),
    ("GIT_MERGE_AUTOEDIT", "yes"),
    ("GIT_DEFAULT_HASH", "sha256"),
    ("GIT_DEFAULT_REF_FORMAT", "reftable"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_ICASE_PATHSPECS", "1"),
    ("GIT_AUTHOR_NAME", "An Environment"),
    ("GIT_AUTHOR_DATE", "@1 +0000"),
    ("GIT_COMMITTER_NAME", "An Environment"),
    ("GIT_COMMITTER_EMAIL", "env@example.org"),
    ("GIT_COMMITTER_DATE", "@1 +0000"),
    ("EMAIL", "env@example.org"),
    ("USER", "nobody-here"),
    ("LOGNAME", "nobody-here"),
    ("HOSTNAME", "elsewhere"),
    ("TZ", "Asia/Kathmandu"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("LANG", "tr_TR.UTF-8"),
    ("LANGUAGE", "de:tr"),
    ("GIT_CONFIG_PARAMETERS", "'merge.renames'='false' 'diff.context'='0' 'merge.default'='eat'"),
];

#[test]
fn all_that_a_machine_a_person_and_a_repository_can_set_changes_nothing_and_runs_nothing() {
    let world = World::new();
    let calm = world.calm();
    assert_eq!(calm.candidate["complete"], true);
    let checkout = world.clone("hostile");
    let (trap, mark) = world.trap();
    let evil = evil(&trap);
    let inside = checkout.join(".git");
    hostile_repository(&inside, &trap, &evil);

    let program = world.run(&checkout);
    let home = program.home().to_owned();
    hostile_home(&home, &evil);
    let text = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let mut program = as_variables(program, &evil)
        .env("XDG_CONFIG_HOME", text("xdg"))
        .env("GIT_CONFIG_SYSTEM", text("system"))
        .env("GIT_ATTR_GLOBAL", text("attributes"))
        .env("GIT_TRACE", text("trace"))
        .env("GIT_TRACE2", text("trace2"))
        .env("GIT_TEMPLATE_DIR", inside.to_str().unwrap());
    for name in NOWHERE {
        program = program.env(name, text("nowhere"));
    }
    for name in PROGRAMS {
        program = program.env(name, &trap);
    }
    for (name, value) in OTHERS {
        program = program.env(name, value);
    }
    let _ = program.run().exits(0);

    let ran = fs::read_to_string(&mark).unwrap_or_default();
    assert!(ran.is_empty(), "these were run:\n{ran}");
    assert_eq!(Came::to(&checkout), calm);
}

#[test]
fn what_git_is_told_to_see_in_place_of_a_commit_is_not_carried() {
    let world = World::new();
    let calm = world.calm();
    let checkout = world.clone("replaced");
    world.git(&checkout, &["fetch", "--quiet", &file_url(world.upstream.path()), "refs/tags/v2:refs/up/v2"]);
    // Another tree for the tip, another release, another file, and a history that is cut off in two ways.
    let tip = world.git(&checkout, &["rev-parse", "main"]);
    let own = world.git(&checkout, &["commit-tree", "-p", "main~3", "-m", "Not this", "main~2^{tree}"]);
    world.git(&checkout, &["replace", &tip, &own]);
    world.git(&checkout, &["replace", "refs/up/v2^{commit}", "main~4"]);
    world.git(&checkout, &["replace", "main:poem", "main:list.txt"]);
    assert_eq!(
        world.git(&checkout, &["show", "main:poem"]),
        world.git(&checkout, &["show", "main:list.txt"])
    );
    write(&checkout.join(".git/info/grafts"), format!("{tip}\n"));

    let _ = world.run(&checkout).run().exits(0);

    assert_eq!(Came::to(&checkout), calm);
}

#[test]
fn a_commit_graph_that_lies_or_is_broken_has_no_say() {
    let world = World::new();
    let calm = world.calm();
    let other = Repo::new();
    // The graph of another history, in which a commit of ours has another tree and no parent.
    for content in ["1\n", "2\n", "3\n"] {
        other.commit("Elsewhere", &[("x", content)]);
    }
    other.git(&["commit-graph", "write", "--reachable"]);
    let lies = {
        let checkout = world.clone("source");
        world.git(&checkout, &["commit-graph", "write", "--reachable"]);
        let mut graph = fs::read(checkout.join(".git/objects/info/commit-graph")).unwrap();
        let from = graph.len() / 2;
        graph[from..].iter_mut().for_each(|byte| *byte ^= 0x11);
        graph
    };
    let foreign = fs::read(other.path().join(".git/objects/info/commit-graph")).unwrap();
    for (name, graph) in [("lies", lies), ("foreign", foreign), ("broken", vec![7; 99])] {
        let checkout = world.clone(name);
        write(&checkout.join(".git/objects/info/commit-graph"), graph);
        let _ = world.run(&checkout).run().exits(0);
        assert_eq!(Came::to(&checkout), calm, "{name}");
    }
}

#[test]
fn the_attributes_that_the_release_has_count_as_far_as_git_itself_knows_them() {
    let world = World::new();
    let checkout = world.clone("attributes");
    let _ = world.run(&checkout).run().exits(0);
    let candidate = "refs/patch-moi/candidate/v2";
    let file = |path: &str| world.git(&checkout, &["show", &format!("{candidate}:{path}")]);
    assert_eq!(file("list.txt"), "one\ntwo\ntheirs\nours", "merge=union is git's own");
    assert_eq!(file("driven.txt"), poem(&[(3, "LINE"), (35, "end")]).trim_end(), "no driver: as any text");

    world.upstream.commit("Never merge it", &[(".gitattributes", "poem -merge\ndriven.txt merge=binary\n")]);
    world.upstream.tag("v2");
    let again = world.clone("again");
    let run = world.run(&again).args(["--json"]).run().exits(3);
    for kind in ["poem", "driven.txt"] {
        assert!(run.stdout.contains(kind), "{run}");
    }
    let document = fs::read(again.join(".codex/workspace/actions/artifacts/v2/candidate.json")).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    let shout = &document["patches"][0];
    assert_eq!(shout["verdict"], "conflict", "{document:#}");
    let kinds = shout["conflicts"].as_array().unwrap().iter().map(|conflict| &conflict["kind"]);
    assert_eq!(kinds.collect::<Vec<_>>(), ["binary", "binary"]);
}
