use std::path::Path;

use super::selection::{ON_RELEASE, flow, step};
use crate::flow::{Flow, Origin, Switches, SwitchesError, switching_off};

fn parse(text: &str) -> Result<Switches, SwitchesError> {
    Switches::parse(text, Path::new(".codex/workspace.toml"))
}

fn two() -> Vec<Flow> {
    let steps = step("one", "bun", ON_RELEASE) + &step("two", "bun", ON_RELEASE);
    vec![flow(Origin::Installed, "a", &steps), flow(Origin::Source, "b c", &steps)]
}

#[test]
fn a_file_that_might_switch_something_off_and_cannot_be_read_is_an_error() {
    for (text, expected) in [
        ("flows = = 1", ".codex/workspace.toml:1:9: not valid TOML"),
        ("flows = 1", "flows must be a table, and is integer"),
        ("[flows]\na = false", "flows.a must be a table, and is boolean"),
        ("[flows.a]\nenabled = \"no\"", "flows.a.enabled must be true or false, and is string"),
        ("[flows.a]\nsteps = []", "flows.a.steps must be a table, and is array"),
        ("[flows.a.steps]\none = 1", "flows.a.steps.one must be a table, and is integer"),
        ("[flows.a.steps.one]\nenabled = 0", "flows.a.steps.one.enabled must be true or false"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn what_it_names_and_nobody_has_is_a_warning() {
    let text =
        "[flows.gone]\nenabled = false\n[flows.a]\nwhen = 1\n[flows.a.steps.three]\nenabled = false\nx = 1";
    let mut flows = two();
    let warnings = parse(text).unwrap().apply(&mut flows);
    assert_eq!(
        warnings,
        [
            ".codex/workspace.toml: unknown field `flows.a.steps.three.x` has no effect",
            ".codex/workspace.toml: unknown field `flows.a.when` has no effect",
            ".codex/workspace.toml: `flows.a.steps.three` has no effect: the flow has no such step",
            ".codex/workspace.toml: `flows.gone` has no effect: no flow is called so",
        ]
    );
    assert!(flows.iter().all(|flow| flow.switched_off == Default::default()));
}

#[test]
fn what_the_old_system_keeps_in_the_file_is_none_of_our_business() {
    let text = "[workspace]\nname = \"x\"\n[[tasks]]\nid = 1\n[records]\nkeep = 10";
    assert_eq!(parse(text).unwrap(), Switches::default());
}

#[test]
fn the_line_that_switches_a_step_off_does_so() {
    let mut flows = two();
    let text = switching_off("b c", "two");
    assert_eq!(text, "flows.\"b c\".steps.two.enabled = false");
    let text = text + "\n[flows.a]\nenabled = true\n";
    assert_eq!(parse(&text).unwrap().apply(&mut flows), [""; 0]);
    assert_eq!(flows[1].switched_off.steps.iter().collect::<Vec<_>>(), ["two"]);
    assert!(!flows[1].switched_off.flow && flows[0].switched_off.steps.is_empty());
}
