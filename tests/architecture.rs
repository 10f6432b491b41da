//! The rules of the house that neither rustc nor clippy knows: who may name whom, and who may do what.
//!
//! The rooms and the reasons stand in docs/ARCHITECTURE.md. The checks work on source text from which
//! comments and literals are taken out, so that a link in a comment is no import.
#![expect(clippy::unwrap_used, reason = "a check that cannot read what it checks has failed")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

const BASE: &[&str] = &["ids", "http", "process"];
const CORE: &[&str] =
    &["release", "event", "flow", "pack", "record", "state", "stack", "candidate", "report"];
const EDGE: &[&str] = &["feed", "forge", "git", "store", "runner", "actions", "ui", "workspace"];

/// Which rooms a room may name. A group stands for its rooms. Anything else fails.
const MAY_USE: &[(&str, &[&[&str]])] = &[
    // base
    ("ids", &[]),
    ("http", &[&["ids"]]),
    ("process", &[&["ids"]]),
    // core
    ("release", &[&["ids"]]),
    ("event", &[&["ids", "release"]]),
    ("flow", &[&["ids", "event"]]),
    ("pack", &[&["ids", "flow"]]),
    ("record", &[&["ids", "release", "event"]]),
    ("state", &[&["ids", "event", "release", "record"]]),
    ("stack", &[&["ids"]]),
    ("candidate", &[&["ids", "event", "release", "flow", "stack"]]),
    ("report", &[&["ids"], CORE]),
    // edge
    ("feed", &[BASE, CORE]),
    ("forge", &[BASE, CORE]),
    ("git", &[BASE, CORE]),
    ("store", &[BASE, CORE]),
    ("runner", &[BASE, CORE]),
    ("actions", &[BASE, CORE]),
    ("ui", &[BASE, CORE]),
    ("workspace", &[BASE, CORE]),
    // entry
    ("harness", &[]),
    ("failure", &[BASE, CORE, EDGE]),
    ("pipeline", &[BASE, CORE, EDGE, &["failure", "harness"]]),
    ("cli", &[BASE, CORE, EDGE, &["failure", "harness", "pipeline"]]),
];

/// Where a method that clippy.toml forbids may be called outside of tests: everywhere below these paths.
const MAY_TOUCH: &[&str] = &["process/", "store/", "actions/", "cli/environment", "git/workbench"];

/// A source file: its path below src or tests, and its text without comments and literals.
struct Source {
    path: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), code: code_of(text) }
    }

    /// The room that the file belongs to: the first part of its path.
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("tests/")
    }
}

#[test]
fn imports_point_down() {
    let sources = read("src");
    let wrong = sources.iter().flat_map(forbidden_imports).collect::<Vec<_>>();
    assert_eq!(wrong, [""; 0], "see docs/ARCHITECTURE.md for who may name whom");
}

#[test]
fn every_room_stands_in_the_table_and_only_rooms_do() {
    let rooms = read("src").iter().map(|source| source.room().to_owned()).collect::<BTreeSet<_>>();
    let known = MAY_USE.iter().map(|(room, _)| (*room).to_owned());
    let known = known.chain(["lib".to_owned(), "main".to_owned()]).collect::<BTreeSet<_>>();
    assert_eq!(rooms, known, "left: folders and files in src; right: the table MAY_USE");
}

#[test]
fn only_the_rooms_that_may_touch_the_world_except_themselves_from_the_rule() {
    let wrong = read("src").iter().flat_map(forbidden_exceptions).collect::<Vec<_>>();
    assert_eq!(wrong, [""; 0], "the call belongs in one of {MAY_TOUCH:?}");
}

#[test]
fn no_lint_is_switched_off_without_a_reason() {
    let sources = ["src", "tests", "benches"].map(read);
    let wrong = sources.iter().flatten().flat_map(silenced_lints).collect::<Vec<_>>();
    assert_eq!(
        wrong, [""; 0],
        "say #[expect(.., reason = \"..\")], which complains when it is needed no more"
    );
}

#[test]
fn whoever_carries_a_stack_checks_that_it_adds_up() {
    let sources = read("src");
    let count = |source: &Source, call: &str| without_tests(&source.code).matches(call).count();
    let carries = sources.iter().filter(|source| !source.is_test() && count(source, "stack::carry(") > 0);
    let carries = carries.collect::<Vec<_>>();
    assert!(!carries.is_empty(), "nobody carries a stack: the check looks for the wrong name");
    for source in carries {
        let (carried, checked) = (count(source, "stack::carry("), count(source, "accounting("));
        assert!(checked >= carried, "{} carries a stack and does not call `accounting`", source.path);
    }
}

/// Every Rust file below `folder`.
fn read(folder: &str) -> Vec<Source> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let is_rust = |path: &Path| path.extension().is_some_and(|extension| extension == "rs");
    let mut files = walkdir::WalkDir::new(&root)
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| is_rust(path))
        .collect::<Vec<_>>();
    files.sort();
    let source = |file: PathBuf| {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let path = if folder == "src" { path } else { format!("{folder}/{path}") };
        Source::new(&path, &std::fs::read_to_string(file).unwrap())
    };
    files.into_iter().map(source).collect()
}

/// What a file imports and may not: through `crate::`, or through a `super::` that leaves its room.
fn forbidden_imports(source: &Source) -> Vec<String> {
    let room = source.room();
    if matches!(room, "lib" | "main") {
        return Vec::new();
    }
    let groups = MAY_USE.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, groups)| *groups);
    let may = |used: &str| used == room || groups.iter().any(|group| group.contains(&used));
    let mut used = crate_imports(&source.code);
    if source.path.ends_with("/mod.rs") {
        used.extend(super_imports(&source.code));
    }
    let wrong = used.into_iter().filter(|used| !may(used));
    wrong.map(|used| format!("src/{} may not name crate::{used}", source.path)).collect()
}

/// The first names behind every `crate::`, those in braces included.
fn crate_imports(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        used.extend(first_names(code[at + found.len()..].trim_start()));
    }
    used
}

/// Rooms that the file of a room's root names through `super::`, which is the crate there.
fn super_imports(code: &str) -> BTreeSet<String> {
    // Inside of an inline module `super` is the room itself, so only what is a room's name counts.
    let named = code.match_indices("super::").flat_map(|(at, found)| first_names(&code[at + found.len()..]));
    let own = |name: &str| Regex::new(&format!(r"\bmod\s+{name}\b")).unwrap().is_match(code);
    named.filter(|name| MAY_USE.iter().any(|(room, _)| room == name) && !own(name)).collect()
}

/// The name that `rest` begins with; where it begins with a brace, the first name of each path in it.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| {
        let text = text.trim_start();
        text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned()
    };
    let Some(inner) = rest.strip_prefix('{') else {
        return vec![name(rest)];
    };
    let (mut names, mut depth, mut fresh) = (Vec::new(), 0, true);
    for (at, c) in inner.char_indices() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            _ if fresh && !c.is_whitespace() => {
                names.push(name(&inner[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

/// Where a file excepts itself from the forbidden methods, and may not.
fn forbidden_exceptions(source: &Source) -> Vec<String> {
    let exception = Regex::new(r"#!?\[expect\([^\]]*clippy::disallowed_methods").unwrap();
    let may = source.is_test() || MAY_TOUCH.iter().any(|place| source.path.starts_with(place));
    if may || !exception.is_match(&without_tests(&source.code)) {
        return Vec::new();
    }
    vec![format!("src/{} may not call what clippy.toml forbids", source.path)]
}

/// Where a file switches a lint off.
fn silenced_lints(source: &Source) -> Vec<String> {
    let allow = Regex::new(r"#!?\[\s*(cfg_attr\([^\]]*)?allow\(").unwrap();
    let found = allow.find_iter(&source.code);
    found.map(|found| format!("{} has {}", source.path, found.as_str())).collect()
}

/// The code without modules that are compiled for tests only, and without what stands above them.
fn without_tests(code: &str) -> String {
    let begin = Regex::new(r"#\[cfg\(test\)\]\s*(#\[[^\]]*\]\s*)*mod\s+\w+\s*([;{])").unwrap();
    let (mut kept, mut rest) = (String::new(), code);
    while let Some(found) = begin.captures(rest) {
        let whole = found.get(0).unwrap();
        kept.push_str(&rest[..whole.start()]);
        rest = &rest[whole.end()..];
        if &found[2] == "{" {
            rest = &rest[end_of_block(rest)..];
        }
    }
    kept + rest
}

/// Where the block ends whose opening brace stands right before `code`.
fn end_of_block(code: &str) -> usize {
    let mut depth = 1;
    for (at, c) in code.char_indices() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// The text without comments, and with every string and character literal empty.
fn code_of(text: &str) -> String {
    // \x22 is the double quote, which would end the literals that these patterns stand in.
    let dead = Regex::new(concat!(
        r"(?s)(?P<comment>//[^\n]*|/\*.*?\*/)",
        r"|\bb?r\x22[^\x22]*\x22|\bb?r#\x22.*?\x22#|\bb?r##\x22.*?\x22##",
        r"|\x22(?:\\.|[^\x22\\])*\x22",
        r"|'(?:\\[^']+|\\'|[^'\\])'",
    ));
    let dead = dead.unwrap();
    let replaced = |found: &regex::Captures<'_>| if found.name("comment").is_some() { "" } else { "\"\"" };
    dead.replace_all(text, replaced).into_owned()
}

mod the_checks_themselves {
    use super::*;

    #[test]
    fn an_import_that_points_up_or_sideways_is_found() {
        for (path, text, expected) in [
            ("stack/mod.rs", "use crate::git::Repo;", "src/stack/mod.rs may not name crate::git"),
            ("stack/a.rs", "fn f() { crate::event::now() }", "src/stack/a.rs may not name crate::event"),
            ("feed/a.rs", "use crate::{ids::TagName, git};", "src/feed/a.rs may not name crate::git"),
            (
                "feed/a.rs",
                "use crate::{\n  ids::{A, store},\n  store::{B},\n};",
                "src/feed/a.rs may not name crate::store",
            ),
            ("ids/a.rs", "use crate::Thing;", "src/ids/a.rs may not name crate::Thing"),
            ("git/mod.rs", "use super::store::Store;", "src/git/mod.rs may not name crate::store"),
            ("failure.rs", "use crate::pipeline::Run;", "src/failure.rs may not name crate::pipeline"),
            (
                "ids/a.rs",
                "#[cfg(test)] mod tests { use crate::git; }",
                "src/ids/a.rs may not name crate::git",
            ),
        ] {
            assert_eq!(forbidden_imports(&Source::new(path, text)), [expected], "{text}");
        }
    }

    #[test]
    fn an_import_that_points_down_is_not() {
        for (path, text) in [
            ("candidate/mod.rs", "use crate::stack::{Carry, Verdict};\nuse crate::{event, ids::TagName};"),
            ("git/mod.rs", "mod store;\nuse self::store::X;\nmod tests { use super::store; }"),
            ("stack/a.rs", "/// Not [`crate::git`].\n// crate::git\n/* crate::git */ use super::git;"),
            ("stack/a.rs", r##"const A: &str = "crate::git"; const B: &str = r#"a " crate::git"#;"##),
            ("stack/a.rs", "const C: char = '\"'; use crate::ids; const D: char = '\\''; // crate::git"),
            ("stack/a.rs", "use my_crate::git;"),
            ("cli/mod.rs", "use crate::pipeline;"),
            ("lib.rs", "use crate::git;"),
        ] {
            assert_eq!(forbidden_imports(&Source::new(path, text)), [""; 0], "{path}: {text}");
        }
    }

    #[test]
    fn a_room_that_nobody_knows_may_import_nothing() {
        let source = Source::new("cellar/mod.rs", "use crate::ids::TagName;");
        assert_eq!(forbidden_imports(&source), ["src/cellar/mod.rs may not name crate::ids"]);
    }

    #[test]
    fn an_exception_outside_of_its_place_is_found() {
        let text = "#![expect(clippy::disallowed_methods, reason = \"I want to\")]";
        for path in ["stack/mod.rs", "feed/a.rs", "cli/mod.rs", "failure.rs"] {
            let expected = format!("src/{path} may not call what clippy.toml forbids");
            assert_eq!(forbidden_exceptions(&Source::new(path, text)), [expected]);
        }
        for path in
            ["process/command.rs", "store/a.rs", "actions/files.rs", "cli/environment.rs", "git/tests.rs"]
        {
            assert_eq!(forbidden_exceptions(&Source::new(path, text)), [""; 0], "{path}");
        }
    }

    #[test]
    fn tests_may_except_themselves_and_nothing_around_them_may() {
        let attribute = "#[expect(clippy::disallowed_methods, reason = \"a\")]";
        let test = format!("#[cfg(test)]\n{attribute}\nmod tests {{ fn a() {{ }} {attribute} fn b() {{}} }}");
        let clean = format!("#[cfg(test)] mod tests;\n{test}\nfn c() {{}}");
        assert_eq!(forbidden_exceptions(&Source::new("git/a.rs", &clean)), [""; 0]);

        for dirty in [
            format!("{test}\n{attribute} fn c() {{}}"),
            format!("#[cfg(test)] mod tests;\n{attribute} fn c() {{}}"),
        ] {
            assert_eq!(forbidden_exceptions(&Source::new("git/a.rs", &dirty)).len(), 1, "{dirty}");
        }
    }

    #[test]
    fn a_lint_that_is_switched_off_is_found() {
        for text in ["#[allow(dead_code)]", "#![allow(warnings)]", "#[cfg_attr(test, allow(unused))]"] {
            assert_eq!(silenced_lints(&Source::new("git/a.rs", text)).len(), 1, "{text}");
        }
        let harmless = "// #[allow(dead_code)]\nconst A: &str = \"#[allow(x)]\"; fn allow(x: u8) {}";
        assert_eq!(silenced_lints(&Source::new("git/a.rs", harmless)), [""; 0]);
    }
}
