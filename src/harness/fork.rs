//! `sample/fork`: the same kettle as a tea room wants it, twelve patches on v1.0.0.
//!
//! ```text
//! v1.0.0 ─ colour ─ frisian ─ overflow ──────── merge ─ rename ─ document ─ sigh ─ name ─ publish ─ log   main
//!                       └ quiet ─ explain ──────┘ v1.1.0 (the fork's own)
//! ```

use super::history::{
    Change::{Edit, Write},
    Commit, Person,
    Ref::{self, Branch, Tag},
};
use super::upstream::{ADA, BASE, OVERFLOW_FIX};

const LIN: Person = "Lin Oolong <lin@example.org>";

/// The fork named a release of its own like one that upstream made later. It is no obstacle.
pub(super) const REFS: &[Ref] = &[
    Branch("main", "fork/log"),
    Tag("v1.0.0", BASE, LIN, "2026-02-09 08:00:00 +0100", "Where our patches begin"),
    Tag("v1.1.0", "fork/merge", LIN, "2026-03-06 17:00:00 +0100", "Our own 1.1.0, before upstream had one"),
];

pub(super) const COMMITS: &[Commit] = &[
    Commit {
        label: "fork/colour",
        parents: &[BASE],
        by: ADA,
        at: "2026-02-10 09:15:00 +0100",
        message: "Colour output\n\nEverybody likes a red kettle.",
        changes: &[
            Write("src/colour.rs", COLOUR),
            Edit("src/main.rs", "mod boil;\n", "mod boil;\nmod colour;\n"),
            Edit("src/main.rs", "    boil::boil();\n", "    colour::red();\n    boil::boil();\n"),
        ],
    },
    Commit {
        label: "fork/frisian",
        parents: &["fork/colour"],
        by: LIN,
        at: "2026-02-12 16:40:00 +0100",
        message: "Add East Frisian tea\n\nWith rock sugar, then cream, and never stirred.",
        changes: &[Edit(
            "src/tea.rs",
            "    Tea { name: \"assam\", minutes: 4 },\n",
            "    Tea { name: \"assam\", minutes: 4 },\n    Tea { name: \"east frisian\", minutes: 5 },\n",
        )],
    },
    Commit {
        label: "fork/overflow",
        parents: &["fork/frisian"],
        by: ADA,
        at: "2026-02-19 20:05:00 +0100",
        message: "Fix overflow in the parser\n\nSomebody asked for tea in four billion minutes. Sent upstream.",
        changes: &[OVERFLOW_FIX],
    },
    Commit {
        label: "fork/quiet",
        parents: &["fork/frisian"],
        by: LIN,
        at: "2026-02-24 10:30:00 +0100",
        message: "Add a quiet mode\n\nThe tea room is next to the library.",
        changes: &[Write("src/quiet.rs", "/// Says nothing, politely.\npub fn hush() {}\n")],
    },
    Commit {
        label: "fork/explain",
        parents: &["fork/quiet"],
        by: LIN,
        at: "2026-02-25 11:00:00 +0100",
        message: "Explain the quiet mode",
        changes: &[Write("docs/quiet.md", "# Quiet mode\n\nShhh.\n")],
    },
    Commit {
        label: "fork/merge",
        parents: &["fork/overflow", "fork/explain"],
        by: ADA,
        at: "2026-03-05 09:00:00 +0100",
        message: "Merge branch 'quiet-mode'",
        changes: &[],
    },
    Commit {
        label: "fork/rename",
        parents: &["fork/merge"],
        by: ADA,
        at: "2026-03-09 13:30:00 +0100",
        message: "Rename the flag\n\nTea is steeped, not timed: --time becomes --steep.",
        changes: &[
            Edit("src/args.rs", "[--time 3m30s]", "[--steep 3m30s]"),
            Edit("src/args.rs", "if pair[0] == \"--time\"", "if pair[0] == \"--steep\""),
        ],
    },
    Commit {
        label: "fork/document",
        parents: &["fork/rename"],
        by: LIN,
        at: "2026-03-10 08:45:00 +0100",
        message: "Document the flag",
        changes: &[Edit(
            "src/args.rs",
            "usage: kettle [--tea NAME] [--steep 3m30s]\n",
            "usage: kettle [--tea NAME] [--steep 3m30s]\n  --steep  how long the leaves stay in the pot\n",
        )],
    },
    Commit {
        label: "fork/sigh",
        parents: &["fork/document"],
        by: ADA,
        at: "2026-03-12 18:20:00 +0100",
        message: "Accept the old flag too, with a sigh\n\nOld habits, old scripts.",
        changes: &[Edit(
            "src/args.rs",
            "        if pair[0] == \"--steep\" {\n",
            "        if pair[0] == \"--time\" {\n            eprintln!(\"Sigh. It is --steep now.\");\n        }\n        \
             if pair[0] == \"--steep\" || pair[0] == \"--time\" {\n",
        )],
    },
    Commit {
        label: "fork/name",
        parents: &["fork/sigh"],
        by: LIN,
        at: "2026-03-17 09:10:00 +0100",
        message: "Say whose kettle this is",
        changes: &[Edit("README.md", "# kettle\n", "# kettle, the tea room's own\n")],
    },
    Commit {
        label: "fork/publish",
        parents: &["fork/name"],
        by: ADA,
        at: "2026-03-23 12:00:00 +0100",
        message: "Never publish by accident",
        changes: &[Edit(
            "Cargo.toml",
            "description = \"Boils water in your terminal\"\n",
            "description = \"Boils water in your terminal\"\npublish = false\n",
        )],
    },
    Commit {
        label: "fork/log",
        parents: &["fork/publish"],
        by: LIN,
        at: "2026-04-01 07:55:00 +0200",
        message: "Keep a log of every pot\n\nNot a joke, whatever the date says.",
        changes: &[Write(
            "src/log.rs",
            "/// One line a pot.\npub fn pot(tea: &str) {\n    println!(\"pot: {tea}\");\n}\n",
        )],
    },
];

const COLOUR: &str = "/// Turns the terminal red.\npub fn red() {\n    print!(\"\\u{1b}[31m\");\n}\n";
