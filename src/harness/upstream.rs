//! `sample/upstream`: a kettle for the terminal, from its first commit to v1.1.0.
//!
//! ```text
//! boil ─ tea ─ parser ─ args ─ readme ─ overflow ─ whistle ─ lid ─ rework ─ whistling ─ green ─ thanks   main
//!                                 └ v1.0.0                                                └ v1.1.0
//! ```
//!
//! Releases are cut on branches of their own, as many real projects do: the version bump is tagged, and
//! main never sees it.

use super::history::{
    Change::{Edit, Write},
    Commit, Person,
    Ref::{self, Branch, Tag},
};

const MAUD: Person = "Maud Kettle <maud@example.org>";
const IVO: Person = "Ivo Steam <ivo@example.org>";
/// She keeps the fork too, and gave one of its patches back.
pub(super) const ADA: Person = "Ada Pekoe <ada@example.org>";

/// The commit that the conflicting patch of the fork collides with.
pub(super) const REWORK: &str = "rework";
/// The release that the fork stands on.
pub(super) const BASE: &str = "v1.0.0";

pub(super) const REFS: &[Ref] = &[
    Branch("main", "thanks"),
    Branch("release/1.0", "v1.0.0"),
    Branch("release/1.1", "v1.1.0"),
    Tag("v1.0.0", "v1.0.0", MAUD, "2026-02-02 10:05:00 +0000", "kettle 1.0.0: It boils"),
    Tag("v1.1.0", "v1.1.0", MAUD, "2026-04-20 10:05:00 +0000", "kettle 1.1.0: The one that whistles"),
];

pub(super) const COMMITS: &[Commit] = &[
    Commit {
        label: "boil",
        parents: &[],
        by: MAUD,
        at: "2026-01-05 09:00:00 +0000",
        message: "Boil water (#1)",
        changes: &[
            Write("Cargo.toml", CARGO_TOML),
            Write("src/main.rs", "mod boil;\n\nfn main() {\n    boil::boil();\n}\n"),
            Write("src/boil.rs", BOIL),
        ],
    },
    Commit {
        label: "tea",
        parents: &["boil"],
        by: IVO,
        at: "2026-01-09 15:20:00 +0100",
        message: "Choose a tea (#4)\n\nHot water on its own turned out to be a hard sell.",
        changes: &[Write("src/tea.rs", TEA)],
    },
    Commit {
        label: "parser",
        parents: &["tea"],
        by: MAUD,
        at: "2026-01-14 11:45:00 +0000",
        message: "Parse minutes and seconds (#7)",
        changes: &[Write("src/parser.rs", PARSER)],
    },
    Commit {
        label: "args",
        parents: &["parser"],
        by: MAUD,
        at: "2026-01-21 08:30:00 +0000",
        message: "Read arguments (#9)",
        changes: &[Write("src/args.rs", ARGS), Write("src/main.rs", MAIN)],
    },
    Commit {
        label: "readme",
        parents: &["args"],
        by: IVO,
        at: "2026-01-30 17:10:00 +0100",
        message: "Write a README (#11)",
        changes: &[Write("README.md", README)],
    },
    Commit {
        label: "v1.0.0",
        parents: &["readme"],
        by: MAUD,
        at: "2026-02-02 10:00:00 +0000",
        message: "Release v1.0.0",
        changes: &[Edit("Cargo.toml", "version = \"0.0.0\"", "version = \"1.0.0\"")],
    },
    Commit {
        label: "overflow",
        parents: &["readme"],
        by: ADA,
        at: "2026-02-20 14:00:00 +0100",
        message: "Fix overflow in the parser (#17)\n\nSomebody asked for tea in four billion minutes.",
        changes: &[OVERFLOW_FIX],
    },
    Commit {
        label: "whistle",
        parents: &["overflow"],
        by: IVO,
        at: "2026-03-02 09:40:00 +0100",
        message: "Whistle when the water boils (#18)",
        changes: &[Edit("src/boil.rs", "    // Quiet, so far.\n", "    println!(\"Fweeeeee!\");\n")],
    },
    Commit {
        label: "lid",
        parents: &["whistle"],
        by: IVO,
        at: "2026-03-11 16:25:00 +0100",
        message: "Put the lid on first (#19)",
        changes: &[Edit("src/boil.rs", "pub fn boil() {\n", "pub fn boil() {\n    println!(\"Lid on.\");\n")],
    },
    Commit {
        label: REWORK,
        parents: &["lid"],
        by: MAUD,
        at: "2026-03-24 10:15:00 +0000",
        message: "Rework arguments (#21)\n\nOne table instead of a chain of ifs. The help text is made from it.",
        changes: &[Write("src/args.rs", ARGS_REWORKED)],
    },
    Commit {
        label: "whistling",
        parents: &[REWORK],
        by: IVO,
        at: "2026-04-03 13:05:00 +0200",
        message: "Tell the README about the whistle (#22)",
        changes: &[Edit(
            "README.md",
            "Do what you like, but warm the pot first.\n",
            "Do what you like, but warm the pot first.\n\n## Why does it whistle?\n\nBecause it can.\n",
        )],
    },
    Commit {
        label: "green",
        parents: &["whistling"],
        by: IVO,
        at: "2026-04-13 18:50:00 +0200",
        message: "Add green tea (#24)",
        changes: &[Edit(
            "src/tea.rs",
            "    Tea { name: \"earl grey\", minutes: 3 },\n",
            "    Tea { name: \"green\", minutes: 2 },\n    Tea { name: \"earl grey\", minutes: 3 },\n",
        )],
    },
    Commit {
        label: "v1.1.0",
        parents: &["green"],
        by: MAUD,
        at: "2026-04-20 10:00:00 +0000",
        message: "Release v1.1.0",
        changes: &[Edit("Cargo.toml", "version = \"0.0.0\"", "version = \"1.1.0\"")],
    },
    Commit {
        label: "thanks",
        parents: &["green"],
        by: MAUD,
        at: "2026-04-27 09:00:00 +0000",
        message: "Thank everybody who brought a cup (#25)",
        changes: &[Write("THANKS.md", "Ada, Ivo, and whoever keeps washing up.\n")],
    },
];

/// Upstream took it in the fork's own words.
pub(super) const OVERFLOW_FIX: super::history::Change = Edit(
    "src/parser.rs",
    "    Some(minutes * 60 + seconds)\n",
    "    minutes.checked_mul(60)?.checked_add(seconds)\n",
);

const CARGO_TOML: &str = r#"[package]
name = "kettle"
version = "0.0.0"
edition = "2024"
description = "Boils water in your terminal"

[dependencies]
"#;

const BOIL: &str = r#"/// Boils until it boils.
pub fn boil() {
    for degrees in (20..=100).step_by(20) {
        println!("{degrees} °C");
    }
    // Quiet, so far.
}
"#;

const TEA: &str = r#"pub struct Tea {
    pub name: &'static str,
    pub minutes: u32,
}

pub const TEAS: &[Tea] = &[
    Tea { name: "earl grey", minutes: 3 },
    Tea { name: "darjeeling", minutes: 3 },
    Tea { name: "assam", minutes: 4 },
];

pub fn find(name: &str) -> &'static Tea {
    TEAS.iter().find(|tea| tea.name == name).unwrap_or(&TEAS[0])
}
"#;

const PARSER: &str = r#"/// Reads `3m30s` as seconds.
pub fn seconds(text: &str) -> Option<u32> {
    let (minutes, rest) = text.split_once('m')?;
    let minutes: u32 = minutes.parse().ok()?;
    let seconds: u32 = rest.trim_end_matches('s').parse().unwrap_or(0);
    Some(minutes * 60 + seconds)
}
"#;

const ARGS: &str = r#"pub const HELP: &str = "\
usage: kettle [--tea NAME] [--time 3m30s]
";

pub struct Args {
    pub tea: String,
    pub time: Option<u32>,
}

pub fn read() -> Args {
    let words: Vec<String> = std::env::args().collect();
    let mut args = Args { tea: String::new(), time: None };
    for pair in words.windows(2) {
        if pair[0] == "--tea" {
            args.tea = pair[1].clone();
        }
        if pair[0] == "--time" {
            args.time = crate::parser::seconds(&pair[1]);
        }
    }
    args
}
"#;

const ARGS_REWORKED: &str = r#"pub struct Args {
    pub tea: String,
    pub time: Option<u32>,
}

/// Every flag, its example, and what it does to the arguments.
const FLAGS: &[(&str, &str, fn(&mut Args, &str))] = &[
    ("--tea", "NAME", |args, value| args.tea = value.to_owned()),
    ("--time", "3m30s", |args, value| args.time = crate::parser::seconds(value)),
];

pub fn help() -> String {
    FLAGS.iter().map(|(flag, example, _)| format!("  {flag} {example}\n")).collect()
}

pub fn read() -> Args {
    let words: Vec<String> = std::env::args().collect();
    let mut args = Args { tea: String::new(), time: None };
    for pair in words.windows(2) {
        for (_, _, set) in FLAGS.iter().filter(|(flag, ..)| *flag == pair[0]) {
            set(&mut args, &pair[1]);
        }
    }
    args
}
"#;

const MAIN: &str = r#"mod args;
mod boil;
mod parser;
mod tea;

fn main() {
    let args = args::read();
    let tea = tea::find(&args.tea);
    boil::boil();
    let seconds = args.time.unwrap_or(tea.minutes * 60);
    println!("Your {} is ready in {seconds} s.", tea.name);
}
"#;

const README: &str = "# kettle

Boils water in your terminal. No water is harmed.

    kettle --tea assam

## Licence

Do what you like, but warm the pot first.
";
