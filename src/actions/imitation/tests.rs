//! What the writing half writes, the imitation reads back: exactly that, and nothing else.
#![expect(clippy::disallowed_methods, reason = "the tests look at what the step leaves")]

use std::cell::RefCell;
use std::path::Path;

use proptest::prelude::*;

use super::runner::CommandFile;
use super::*;
use crate::actions::{Actions, Annotation, Level, Nonce, Place, Relay, annotations};

fn job(folder: &Path) -> Job {
    let job = Job {
        trigger: Trigger::Schedule,
        repository: "sample/fork".to_owned(),
        branch: "main".to_owned(),
        commit: "1".repeat(40),
        run_id: 7,
        inputs: std::collections::BTreeMap::new(),
        folder: folder.to_owned(),
    };
    job.prepare().unwrap();
    job
}

/// The step that the imitation has started.
fn step(job: &Job) -> Actions {
    Actions::detect(&job.environment(&std::collections::BTreeMap::new())).unwrap()
}

/// Letters that mean something to somebody: the runner, a shell, Markdown, a terminal.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "\n",
            "\r",
            "\r\n",
            "=",
            "<<",
            "::",
            "##[",
            "]",
            "%",
            "%25",
            "%0A",
            "%3A",
            ",",
            ";",
            " ",
            "\t",
            "EOF",
            "::error::",
            "::add-mask::e",
            "##[set-output name=a]b",
            "::stop-commands::x",
            "::x::",
            "ghadelimiter_",
            "tag",
            "\u{200d}",
            "\u{1b}[31m",
            "ä",
            "😀",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// What is left of a text in an annotation: no escapes, no control characters.
fn plain(text: &str) -> String {
    let visible = anstream::adapter::strip_str(text).to_string();
    visible.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

proptest! {
    #[test]
    fn outputs_are_read_back_as_they_were(values in prop::collection::vec(text(), 1..6)) {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path());
        let names: Vec<String> = (0..values.len()).map(|n| format!("name-{n}")).collect();
        let pairs: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
        step(&job).set_outputs(&pairs, &Nonce::random().unwrap()).unwrap();

        let told = job.told(&Log::default()).unwrap();

        let read: Vec<(&str, &str)> = told.outputs.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect();
        prop_assert_eq!(read, pairs);
        prop_assert!(told.faults.is_empty() && told.env.is_empty());
    }

    #[test]
    fn an_annotation_is_read_back_and_nothing_else_is(title in text(), message in text(), file in text()) {
        let annotation = Annotation {
            level: Level::Warning,
            title: title.clone(),
            message: message.clone(),
            place: Some(Place { file: file.clone(), line: Some(3) }),
        };
        let mut log = Log::default();
        // The runner cuts the stream into lines at either end-of-line character.
        for line in annotations(&[annotation]).iter().flat_map(|line| line.split(['\r', '\n'])) {
            let _ = log.line(line);
        }

        prop_assert_eq!(log.annotations.len(), 1);
        let found = &log.annotations[0];
        prop_assert_eq!(&found.message, &plain(&message));
        let title = plain(&title);
        let read = found.title.clone().unwrap_or_default();
        prop_assert_eq!(read.trim(), title.trim().trim_start_matches('=').trim());
        prop_assert!(log.outputs.is_empty() && log.masks.is_empty() && log.faults.is_empty());
    }

    #[test]
    fn a_relayed_line_is_no_command(lines in prop::collection::vec(text(), 1..12)) {
        let out = RefCell::new(String::new());
        let write = |line: &str| {
            out.borrow_mut().push_str(line);
            out.borrow_mut().push('\n');
        };
        let relay = Relay::begin("check", Nonce::random().unwrap(), &write);
        lines.iter().for_each(|line| relay.line(line));
        drop(relay);
        write("::error::ours");

        let mut log = Log::default();
        for line in out.borrow().split(['\r', '\n']) {
            let _ = log.line(line);
        }
        prop_assert_eq!(log.annotations.len(), 1, "{:?}", out);
        prop_assert_eq!(&log.annotations[0].message, "ours");
        prop_assert!(log.outputs.is_empty() && log.masks.is_empty() && log.faults.is_empty());
    }

    #[test]
    fn a_summary_is_read_back_as_it_was(markdown in text()) {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path());
        let _ = step(&job).append_summary(&markdown).unwrap();
        let summary = job.told(&Log::default()).unwrap().summary;
        let markdown = markdown.trim_start_matches('\u{feff}');
        prop_assert_eq!(summary.markdown.strip_suffix('\n').unwrap_or(&summary.markdown), markdown.strip_suffix('\n').unwrap_or(markdown));
        prop_assert!(summary.shown);
    }
}

#[test]
fn a_hundred_of_each_level_lose_nothing_silently() {
    let one =
        |level, n: usize| Annotation { level, title: String::new(), message: n.to_string(), place: None };
    let all: Vec<Annotation> = (0..100)
        .flat_map(|n| [Level::Notice, Level::Error, Level::Warning].map(|level| one(level, n)))
        .collect();
    let mut log = Log::default();
    annotations(&all).iter().for_each(|line| drop(log.line(line)));

    assert_eq!(log.annotations.len(), 30);
    assert_eq!(log.only_in_log, crate::report::OnlyInLog::default());
    assert!(log.annotations[9].message.starts_with("91 more"), "{:?}", log.annotations[9]);
}

#[test]
fn a_message_of_wide_letters_is_cut_by_us_and_not_by_github() {
    let message = "😀".repeat(5000);
    let wide = Annotation { level: Level::Error, title: String::new(), message, place: None };
    let mut log = Log::default();
    annotations(&[wide]).iter().for_each(|line| drop(log.line(line)));
    assert!(log.annotations[0].message.ends_with('…'));
}

#[test]
fn a_summary_that_is_too_long_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path());
    std::fs::write(job.file(CommandFile::Summary), vec![b'x'; 1024 * 1024 + 1]).unwrap();
    std::fs::write(job.file(CommandFile::Output), "tag\n").unwrap();
    let told = job.told(&Log::default()).unwrap();
    assert!(!told.summary.shown);
    assert_eq!(told.faults, ["Unable to process file command 'output' successfully. Invalid format 'tag'"]);
}
