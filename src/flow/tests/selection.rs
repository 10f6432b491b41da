use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::flow::{
    BuiltIn, Flow, GateClosed, Gates, Manifest, Origin, Reason, Selected, Selection, Standing, SwitchedOff,
    built_in, select,
};
use crate::ids::RelPath;

const OPEN: Gates = Gates { code_mode: true };

pub(super) fn flow(origin: Origin, name: &str, steps: &str) -> Flow {
    let standing = if origin == Origin::Installed { Standing::Pinned } else { Standing::SourceOwned };
    let text = format!("name = \"{name}\"\nversion = 1\n{steps}");
    Flow {
        folder: name.to_owned(),
        manifest: Manifest::parse(&text, Path::new("flow.toml")),
        origin,
        root: PathBuf::from("/ws").join(name),
        digest: None,
        standing,
        switched_off: SwitchedOff::default(),
        notes: Vec::new(),
    }
}

pub(super) fn step(name: &str, runner: &str, more: &str) -> String {
    format!(
        "[[steps]]\nname = \"{name}\"\nrunner = \"{runner}\"\nscript = \"run\"\ncommand = [\"run\"]\n{more}\n"
    )
}

pub(super) const ON_RELEASE: &str = "[steps.trigger]\ntype = \"upstream.release\"";
const WITH_SCHEMA: &str = "[steps.trigger]\ntype = \"upstream.release\"\nschema = \"s.json\"";

fn schemas(_: &Flow, _: &RelPath) -> Result<Value, String> {
    Ok(json!({"required": ["tag"]}))
}

fn release(flows: &[Flow]) -> Selection<'_> {
    select("upstream.release", &json!({"tag": "v1"}), flows, &schemas, &OPEN)
}

fn names(selection: &Selection<'_>) -> Vec<String> {
    selection.selected.iter().map(Selected::full_name).collect()
}

fn reasons(selection: &Selection<'_>) -> Vec<(String, String)> {
    let step = |p: &crate::flow::PassedOver<'_>| p.step.map_or("*", |step| &step.name).to_owned();
    selection
        .passed_over
        .iter()
        .map(|p| (format!("{}/{}", p.flow.name(), step(p)), p.reason.to_string()))
        .collect()
}

#[test]
fn a_broken_manifest_disables_itself_and_nothing_else() {
    let flows = [
        flow(Origin::Source, "broken", "steps = 1"),
        flow(Origin::Source, "good", &step("s", "bun", ON_RELEASE)),
    ];

    let selection = release(&flows);

    assert_eq!(names(&selection), ["good/s"]);
    let told = reasons(&selection);
    assert_eq!(told[0].0, "broken/*");
    assert_eq!(told[0].1, "flow.toml requires at least one [[steps]] entry: flow.toml");
}

#[test]
fn a_broken_manifest_that_the_lock_does_not_pin_is_first_of_all_that() {
    let digest = |text: &str| crate::ids::Digest::of(text.as_bytes());
    let changed = Flow {
        standing: Standing::Differs { expected: digest("pinned"), actual: digest("found") },
        ..flow(Origin::Installed, "changed", "steps = 1")
    };

    let flows = [changed];
    let selection = release(&flows);

    assert_eq!(selection.passed_over[0].reason, Reason::Standing(flows[0].standing.clone()));
}

#[test]
fn every_step_that_does_not_run_is_told_why() {
    let steps = [
        step("silent", "bun", ""),
        step("other", "bun", "[steps.trigger]\ntype = \"upstream.push\""),
        step("off", "bun", &format!("enabled = false\n{ON_RELEASE}")),
        step("picky", "bun", WITH_SCHEMA),
    ];
    let flows = [flow(Origin::Source, "f", &steps.concat())];

    let selection = select("upstream.release", &json!({"repo": 1}), &flows, &schemas, &OPEN);

    assert_eq!(names(&selection), [""; 0]);
    let expected = [
        ("f/silent", "it has no trigger"),
        ("f/other", "it waits for `upstream.push` events"),
        ("f/off", "it is disabled in flow.toml"),
        ("f/picky", "the event does not meet its schema s.json: $: \"tag\" is a required property"),
    ];
    assert_eq!(reasons(&selection), expected.map(|(at, why)| (at.to_owned(), why.to_owned())));
}

#[test]
fn what_the_workspace_switches_off_does_not_run_and_says_where_it_is_switched() {
    let steps = step("a", "bun", ON_RELEASE) + &step("b", "bun", ON_RELEASE);
    let mut flows = [flow(Origin::Source, "f", &steps), flow(Origin::Source, "g", &steps)];
    flows[0].switched_off.flow = true;
    flows[1].switched_off.steps.insert("a".to_owned());

    let selection = release(&flows);

    assert_eq!(names(&selection), ["g/b"]);
    let why = "it is disabled in .codex/workspace.toml".to_owned();
    assert_eq!(reasons(&selection), [("f/*".to_owned(), why.clone()), ("g/a".to_owned(), why)]);
    assert!(selection.passed_over.iter().all(|passed| passed.reason.name() == "disabled"));
}

#[test]
fn a_schema_that_cannot_be_used_stops_its_own_step_only() {
    let steps = step("a", "bun", WITH_SCHEMA) + &step("b", "bun", ON_RELEASE);
    let flows = [flow(Origin::Source, "f", &steps)];
    let missing = |_: &Flow, _: &RelPath| Err("s.json does not exist".to_owned());
    let nonsense = |_: &Flow, _: &RelPath| Ok(json!({"type": 7}));

    for schemas in [&missing as &dyn Fn(&Flow, &RelPath) -> Result<Value, String>, &nonsense] {
        let selection = select("upstream.release", &json!({}), &flows, schemas, &OPEN);
        assert_eq!(names(&selection), ["f/b"]);
        assert!(matches!(selection.passed_over[0].reason, Reason::SchemaUnusable { .. }));
    }
}

#[test]
fn nothing_of_a_flow_that_the_lock_refuses_is_read_or_run() {
    let steps = step("other", "bun", "[steps.trigger]\ntype = \"x\"") + &step("s", "bun", WITH_SCHEMA);
    for standing in [Standing::NotInLock, Standing::NoLock, Standing::Unread { why: "too large".into() }] {
        let flows = [Flow { standing: standing.clone(), ..flow(Origin::Installed, "f", &steps) }];
        let unread = |_: &Flow, _: &RelPath| panic!("a schema was read");

        let selection = select("upstream.release", &json!({}), &flows, &unread, &OPEN);

        assert_eq!(names(&selection), [""; 0]);
        assert!(matches!(selection.passed_over[0].reason, Reason::OtherEventType { .. }), "not meant anyway");
        assert_eq!(selection.passed_over[1].reason, Reason::Standing(standing));
        assert!(selection.passed_over[1].reason.hint().is_some());
    }
}

#[test]
fn an_installed_flow_comes_before_a_source_flow_of_its_name_in_another_folder() {
    let mut source = flow(Origin::Source, "f", &step("from-source", "bun", ON_RELEASE));
    source.folder = "elsewhere".into();
    let flows = [source, flow(Origin::Installed, "f", &step("installed", "bun", ON_RELEASE))];

    let selection = release(&flows);

    assert_eq!(names(&selection), ["f/installed"]);
    assert_eq!(
        reasons(&selection),
        [("f/*".to_owned(), "the flow of the same name in .codex/flows/f comes first".to_owned())]
    );
}

#[test]
fn a_flow_that_the_lock_refuses_is_not_replaced_unnoticed() {
    let steps = step("s", "bun", ON_RELEASE);
    let refused = Flow { standing: Standing::NotInLock, ..flow(Origin::Installed, "f", &steps) };
    let flows = [refused, flow(Origin::Source, "f", &steps)];

    let selection = release(&flows);

    assert_eq!(names(&selection), [""; 0]);
    assert_eq!(selection.passed_over[0].reason, Reason::Standing(Standing::NotInLock));
}

#[test]
fn a_closed_gate_marks_a_step_and_does_not_deselect_it() {
    let steps = step("code", "code-mode", ON_RELEASE) + &step("bun", "bun", ON_RELEASE);
    let flows = [flow(Origin::Source, "f", &steps)];

    let selection = select("upstream.release", &json!({}), &flows, &schemas, &Gates { code_mode: false });

    assert_eq!(names(&selection), ["f/code", "f/bun"]);
    assert_eq!(selection.selected[0].gate, Some(GateClosed::CodeMode));
    assert_eq!(selection.selected[1].gate, None);
}

#[test]
fn a_release_selects_steps_in_the_order_of_flows_and_files() {
    let flows = [
        flow(
            Origin::Installed,
            "a",
            &(step("two", "bun", ON_RELEASE) + &step("one", "command", WITH_SCHEMA)),
        ),
        built_in(BuiltIn { repo: None, target_branch: "main", upstream_url: None }, Path::new("/ws")),
    ];

    let selection = release(&flows);

    assert_eq!(names(&selection), ["a/two", "a/one", "patch-stack/carry"]);
    assert!(selection.passed_over.is_empty());
}

fn any_flow() -> impl Strategy<Value = Flow> {
    let origin = prop_oneof![Just(Origin::Installed), Just(Origin::Source)];
    let steps = proptest::collection::vec(prop_oneof![Just(""), Just(ON_RELEASE), Just(WITH_SCHEMA)], 0..3);
    (origin, "[ab]", steps, any::<bool>()).prop_map(|(origin, name, triggers, pinned)| {
        let steps: Vec<_> =
            triggers.iter().enumerate().map(|(at, on)| step(&at.to_string(), "bun", on)).collect();
        let flow = flow(origin, &name, &steps.concat());
        let standing = if pinned { flow.standing.clone() } else { Standing::NotInLock };
        Flow { standing, ..flow }
    })
}

proptest! {
    #[test]
    fn every_step_gets_one_answer_and_no_name_runs_from_two_places(
        flows in proptest::collection::vec(any_flow(), 0..5),
        tagged in any::<bool>(),
    ) {
        let payload = if tagged { json!({"tag": "v1"}) } else { json!({}) };
        let selection = select("upstream.release", &payload, &flows, &schemas, &OPEN);

        for flow in &flows {
            let of_it = |other: &Flow| std::ptr::eq(other, flow);
            let selected = selection.selected.iter().filter(|s| of_it(s.flow)).count();
            let passed: Vec<_> = selection.passed_over.iter().filter(|p| of_it(p.flow)).collect();
            let whole = passed.iter().filter(|p| p.step.is_none()).count();
            match &flow.manifest {
                Ok(manifest) if whole == 0 => prop_assert_eq!(selected + passed.len(), manifest.steps.len()),
                _ => prop_assert_eq!((selected, whole, passed.len()), (0, 1, 1)),
            }
            prop_assert!(selected == 0 || flow.standing.may_run());
        }
        for one in &selection.selected {
            let same_name = selection.selected.iter().filter(|s| s.manifest.name == one.manifest.name);
            prop_assert!(same_name.into_iter().all(|s| std::ptr::eq(s.flow, one.flow)));
        }
    }
}
