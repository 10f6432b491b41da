//! The content hash of the lock is the one that JavaScript computes, whatever the names.

use std::process::Command;

use crate::pack::Place;
use crate::support::{real_tool, write};

/// Walks a folder as codex-flows does: entries as `localeCompare` orders them, `.git` passed over.
const WALK: &str = r#"
const { readdirSync, readFileSync } = require("node:fs");
const { createHash } = require("node:crypto");
const hash = createHash("sha256");
const names = [];
(function walk(folder, above) {
  const entries = readdirSync(folder, { withFileTypes: true });
  entries.sort((one, other) => one.name.localeCompare(other.name));
  for (const entry of entries.filter((entry) => entry.name !== ".git")) {
    const path = above + entry.name;
    if (entry.isDirectory()) walk(`${folder}/${entry.name}`, `${path}/`);
    if (!entry.isFile()) continue;
    names.push(path);
    const contents = createHash("sha256").update(readFileSync(`${folder}/${entry.name}`)).digest("hex");
    hash.update(path).update("\0").update(contents).update("\0");
  }
})(process.argv[2], "");
console.log(JSON.stringify({ hash: "sha256:" + hash.digest("hex"), files: names.length }));
"#;

/// No two of them differ only in case or in how a letter is composed. Of Chinese characters there are those whose
/// strokes and code points come in one order: where they do not, engines of JavaScript differ among themselves.
const NAMES: &[&str] = &[
    // Case, digits and punctuation.
    "A.txt",
    "a.TXT2",
    "aB",
    "Ab2",
    "abc",
    "B",
    "Z",
    "z9",
    "z10",
    "Z10b",
    "README",
    "read-me",
    "read_me2",
    "_x",
    "-x",
    ".hidden",
    "x y",
    "x~",
    "x$",
    "file-2",
    "file.1",
    "file 3",
    "file_4",
    "File5",
    "a'b",
    "a\"b",
    "(p)",
    "[q]",
    "{r}",
    "@s",
    "#t",
    "%u",
    "&v",
    "+w",
    "=x",
    "!y",
    ";z",
    "`q",
    "^c",
    "<l",
    ">g",
    "|p",
    "*a",
    "?q",
    ":c",
    "\\b",
    "0",
    "00",
    "9",
    // Latin letters with marks, one letter composed and the other not.
    "resume",
    "résumé2",
    "resumes",
    "éa",
    "e\u{301}b",
    "ß.txt",
    "ss2",
    "ä",
    "æ",
    "ø",
    "naïve",
    "café",
    "ÅB",
    "A\u{30a}c",
    "İ",
    "ı2",
    "ñu",
    "nz",
    "Łódź",
    "lodz",
    "þorn",
    // Other scripts.
    "ключ.md",
    "Ёлка.md",
    "ежик",
    "ЖУК",
    "Ωmega",
    "ωmeg",
    "άλφα",
    "日本.txt",
    "本日",
    "かな",
    "カナ2",
    "한국",
    "가나",
    "عربي",
    "עברית",
    "हिन्दी",
    "ไทย",
    "ქართული",
    "Հայ",
    "தமிழ்",
    "中文-1",
    "中文_2",
    // Digits and letters of another kind, and what is outside the first plane.
    "١٢٣",
    "Ⅷ",
    "ﬁx",
    "①",
    "𝒜",
    "😀.md",
    "👩‍💻",
];

fn in_javascript(program: &std::path::Path, place: &Place, folder: &str) -> serde_json::Value {
    let script = place.path("walk.cjs");
    write(&script, WALK);
    let output =
        Command::new(program).arg(&script).arg(place.at(folder)).env("LC_ALL", "C").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_hash_in_the_lock_is_what_javascript_computes_over_names_of_many_scripts() {
    let name = if std::env::var_os("PATCH_MOI_BUN").is_some() { "bun" } else { "node" };
    let Some(program) = real_tool(name) else { return };
    let place = Place::new();
    let item = place.path("pack/skills/Mixed Name");
    write(&item.join("SKILL.md"), "# Names\n");
    for (number, name) in NAMES.iter().enumerate() {
        write(&item.join(name), number.to_string());
        write(&item.join(format!("folders/{name}/{name}")), name);
    }
    write(&item.join("folders/.git/config"), "passed over");

    let _ = place.run(&["pack", "add", "../pack", "--apply"]).exits(0);

    let lock = place.json(".codex/pack-lock.json");
    let theirs = in_javascript(&program, &place, ".agents/skills/Mixed Name");
    assert_eq!(theirs["files"], 2 * NAMES.len() + 1);
    assert_eq!(lock["items"][0]["contentHash"], theirs["hash"]);
    let _ = place.run(&["pack", "doctor"]).exits(0);
}
