use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Number, Value, json};

use super::FORK_FLOW;
use crate::flow::{Manifest, ManifestError, Runner, flow_schema};

fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(text, Path::new("flows/x/flow.toml"))
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

const HEAD: &str = "name = \"x\"\nversion = 1\n";
const STEP: &str = "[[steps]]\nname = \"s\"\nrunner = \"patch-stack\"\n";

#[test]
fn a_syntax_error_names_file_line_and_column() {
    let text = "name = \"x\"\nversion = = 1\n";
    assert!(error(text).starts_with("flows/x/flow.toml:2:11: not valid TOML: "), "{}", error(text));
    assert!(
        error("name = \"\u{1b}[31m").starts_with("flows/x/flow.toml:1:"),
        "{}",
        error("name = \"\u{1b}[31m")
    );
}

#[test]
fn what_every_flow_needs_is_asked_for_in_the_old_words() {
    let p = "flows/x/flow.toml";
    for (text, expected) in [
        ("", format!("flow.toml requires name: {p}")),
        ("name = \" \"", format!("flow.toml requires name: {p}")),
        ("name = 1", format!("flow.toml requires name: {p}")),
        ("name = \"x\"", format!("flow.toml requires numeric version: {p}")),
        ("name = \"x\"\nversion = \"1\"", format!("flow.toml requires numeric version: {p}")),
        ("name = \"x\"\nversion = nan", format!("flow.toml requires numeric version: {p}")),
        (HEAD, format!("flow.toml requires at least one [[steps]] entry: {p}")),
        (&format!("{HEAD}steps = []"), format!("flow.toml requires at least one [[steps]] entry: {p}")),
        (&format!("{HEAD}steps = [1]"), format!("steps[0] must be a table: {p}")),
        (&format!("{HEAD}[[steps]]"), format!("flow.toml requires steps[0].name: {p}")),
        (&format!("{HEAD}[[steps]]\nname=\"s\""), format!("flow.toml requires steps[0].runner: {p}")),
        (
            &format!("{HEAD}[[steps]]\nname=\"s\"\nrunner=\"bun\""),
            format!("flow.toml requires steps[0].script: {p}"),
        ),
        (
            &format!("{HEAD}{STEP}[steps.trigger]\nschema = \"a.json\""),
            format!("flow.toml requires steps[0].trigger.type: {p}"),
        ),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn a_runner_that_does_not_exist_is_told_which_do() {
    let text = format!("{HEAD}[[steps]]\nname=\"s\"\nrunner=\"node\"");
    let error = error(&text);
    assert!(error.starts_with("steps[0].runner must be bun or code-mode"), "{error}");
    assert!(error.contains("patch-stack") && error.ends_with("is `node`: flows/x/flow.toml"), "{error}");
}

#[test]
fn a_value_that_would_change_what_runs_is_never_dropped_silently() {
    for (text, field) in [
        (format!("{HEAD}{STEP}enabled = \"no\""), "steps[0].enabled must be true or false, and is string"),
        (format!("{HEAD}{STEP}trigger = \"upstream.release\""), "steps[0].trigger must be a table"),
        (
            format!("{HEAD}{STEP}[steps.trigger]\ntype=\"t\"\nschema=1"),
            "steps[0].trigger.schema must be a string",
        ),
        (
            format!("{HEAD}{STEP}[steps.trigger]\ntype=\"t\"\nschema=\"../x.json\""),
            "steps[0].trigger.schema cannot be `../x.json`",
        ),
        (format!("{HEAD}{STEP}{STEP}"), "steps[1].name cannot be `s`: a step before it has this name"),
        (
            format!("{HEAD}[[steps]]\nname=\"s\"\nrunner=\"command\"\ncommand=[]"),
            "steps[0].command cannot be ``: it names no program",
        ),
        (format!("{HEAD}[[steps]]\nname=\"s\"\nrunner=\"command\""), "flow.toml requires steps[0].command"),
        (
            format!("{HEAD}[[steps]]\nname=\"a\\u001bb\"\nrunner=\"bun\""),
            "steps[0].name cannot be `a\\u{1b}b`",
        ),
    ] {
        assert!(error(&text).starts_with(field), "{text}\n{}", error(&text));
    }
}

#[test]
fn the_variables_of_the_flow_and_of_the_step_are_one_list() {
    let text = format!(
        "{HEAD}env = [\"A\", \"B\"]\n{STEP}env = [\"B\", \"C\"]\n[[steps]]\nname = \"t\"\nrunner = \"patch-stack\""
    );
    let steps = parse(&text).unwrap().steps;
    assert_eq!(
        (steps[0].env.as_slice(), steps[1].env.as_slice()),
        (&["A", "B", "C"].map(String::from)[..], &["A", "B"].map(String::from)[..])
    );
    let bad = error(&format!("{HEAD}env = [\"A=1\"]\n{STEP}"));
    assert!(bad.starts_with("env cannot be `A=1`: it is no name of an environment variable"), "{bad}");
    let bad = error(&format!("{HEAD}{STEP}env = \"A\""));
    assert!(bad.starts_with("steps[0].env must be a list of strings"), "{bad}");
}

#[test]
fn a_flow_whose_name_is_no_file_name_is_refused_by_name() {
    let text = format!("name = \"../x\"\nversion = 1\n{STEP}");
    let error = parse(&text).unwrap_err();
    assert!(error.to_string().starts_with("name cannot be `../x`"), "{error}");
    assert_eq!(error.hint().as_deref(), Some("choose another value for `name`"));
}

#[test]
fn a_check_that_could_not_be_run_or_logged_is_refused() {
    let base = format!("{HEAD}{STEP}");
    for (checks, expected) in [
        ("[[checks]]\ncommand=[\"x\"]", "flow.toml requires checks[0].name"),
        ("[[checks]]\nname=\"a\"", "flow.toml requires checks[0].command"),
        ("[[checks]]\nname=\"a\"\ncommand=[]", "checks[0].command cannot be ``"),
        (
            "[[checks]]\nname=\"a\"\ncommand=\"make test\"",
            "checks[0].command must be a list of strings, and is string",
        ),
        ("[[checks]]\nname=\"a/b\"\ncommand=[\"x\"]", "checks[0].name cannot be `a/b`"),
        ("[[checks]]\nname=\" \"\ncommand=[\"x\"]", "checks[0].name cannot be ` `: it is blank"),
        (
            "[[checks]]\nname=\"lint\"\ncommand=[\"x\"]\n[[checks]]\nname=\"Lint\"\ncommand=[\"x\"]",
            "checks[1].name cannot be `Lint`: a check before it has this name",
        ),
        ("[[checks]]\nname=\"a\"\ncommand=[\"x\"]\ntimeout_ms=0", "checks[0].timeout_ms cannot be `0`"),
        ("[[checks]]\nname=\"a\"\ncommand=[\"x\"]\nrequired=1", "checks[0].required must be true or false"),
        ("[[checks]]\nname=\"a\"\ncommand=[\"x\"]\nenv=[\"A=1\"]", "checks[0].env cannot be `A=1`"),
    ] {
        let text = format!("{base}{checks}");
        assert!(error(&text).starts_with(expected), "{checks}\n{}", error(&text));
    }
}

#[test]
fn what_has_no_effect_is_a_warning_and_no_more() {
    let text = r#"
        name = "x"
        version = 1.0
        config = 3
        colour = "red"
        "bad\u001bkey" = 1
        [guidance]
        skills = ["a", 1]
        tone = "dry"
        [[steps]]
        name = "s"
        runner = "bun"
        script = "../../outside.ts"
        command = ["x"]
        timeout_ms = "60"
        cwd = "../.."
        retries = 3
        [steps.trigger]
        type = "t"
        branch = "main"
    "#;
    let manifest = parse(text).unwrap();
    assert_eq!(manifest.version, Number::from(1));
    assert_eq!(manifest.skills, ["a"]);
    assert_eq!(manifest.steps[0].timeout, Duration::from_secs(300));
    assert_eq!(manifest.steps[0].cwd.as_deref(), Some("../.."));
    let expected = [
        "config is not used",
        "unknown field `guidance.tone`",
        "guidance.skills[1] is not used",
        "steps[0].script `../../outside.ts` leaves the flow's folder",
        "steps[0].command has no effect with runner `bun`",
        "steps[0].timeout_ms is not used",
        "unknown field `steps[0].trigger.branch`",
        "unknown field `steps[0].retries`",
        "unknown field `bad\\u{1b}key`",
        "unknown field `colour`",
    ];
    for part in expected {
        assert!(
            manifest.warnings.iter().any(|line| line.starts_with(part)),
            "{part}\n{:#?}",
            manifest.warnings
        );
    }
    assert_eq!(manifest.warnings.len(), expected.len(), "{:#?}", manifest.warnings);
}

#[test]
fn the_fork_flow_of_codex_flows_is_read_whole() {
    let manifest = parse(FORK_FLOW).unwrap();

    assert_eq!(manifest.warnings, [""; 0]);
    assert_eq!(manifest.name, "peezy-codex-fork");
    assert_eq!(manifest.skills, ["jojo-development-flow"]);
    let step = &manifest.steps[0];
    assert_eq!(
        (step.name.as_str(), step.runner, step.timeout, step.enabled),
        ("rebase-patch-stack", Runner::PatchStack, Duration::from_secs(3600), true)
    );
    let trigger = step.trigger.as_ref().unwrap();
    assert_eq!(trigger.kind, "upstream.release");
    assert_eq!(trigger.schema.as_ref().unwrap().as_str(), "schemas/upstream-release.schema.json");
    let check = &manifest.checks[0];
    assert_eq!((check.timeout, check.required), (Duration::from_millis(1_800_000), true));
    assert_eq!(check.command, ["cargo", "test"]);
    assert_eq!(check.env, ["CARGO_HOME"]);
}

#[test]
fn the_published_schema_and_the_reader_know_the_same_keys() {
    let schema = flow_schema();
    let keys = |pointer: &str| -> Vec<String> {
        let properties = schema.pointer(pointer).and_then(Value::as_object);
        properties.unwrap_or_else(|| panic!("{pointer} in {schema:#}")).keys().cloned().collect()
    };
    assert_eq!(
        keys("/properties"),
        ["name", "version", "description", "config", "guidance", "env", "steps", "checks"]
    );
    assert_eq!(keys("/$defs/Guidance/properties"), ["skills"]);
    let step_keys = ["name", "runner", "script", "command", "timeout_ms", "cwd", "trigger", "enabled", "env"];
    assert_eq!(keys("/$defs/Step/properties"), step_keys);
    assert_eq!(keys("/$defs/Trigger/properties"), ["type", "schema"]);
    assert_eq!(keys("/$defs/Check/properties"), ["name", "command", "timeout_ms", "required", "env"]);

    let document: toml::Value = toml::from_str(FORK_FLOW).unwrap();
    let document = serde_json::to_value(document).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert_eq!(validator.iter_errors(&document).map(|e| e.to_string()).collect::<Vec<_>>(), [""; 0]);
    assert!(!validator.is_valid(&json!({"name": "x", "version": 1, "steps": []})));

    let every_key = "\nscript = \"a.ts\"\ncwd = \".\"\nenabled = true\nenv = [\"A\"]\ntimeout_ms = 1\n[steps.trigger]\ntype = \"t\"\n";
    for runner in ["bun", "code-mode", "patch-stack", "command"] {
        let text = format!("{HEAD}[[steps]]\nname=\"s\"\nrunner=\"{runner}\"\ncommand=[\"x\"]{every_key}");
        let warnings = parse(&text).unwrap().warnings;
        assert!(!warnings.iter().any(|line| line.contains("unknown")), "{warnings:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = parse(&text).map_err(|error| (error.to_string(), error.hint()));
    }

    #[test]
    fn no_damage_to_a_good_file_makes_the_reader_panic(at in 0..FORK_FLOW.len(), cut in 0usize..40, put in "[\\[\\]={}\"'\\\\\n a-z0-9.\u{0}-\u{ff}]{0,6}") {
        let mut text = FORK_FLOW.to_owned();
        text.replace_range(at..(at + cut).min(FORK_FLOW.len()), &put);
        let _ = parse(&text).map_err(|error| (error.to_string(), error.hint()));
    }
}
