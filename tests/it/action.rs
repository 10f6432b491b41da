//! action.yml and the workflows around it, as texts: what they hand over, and what they may.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// A YAML file of this repository, as JSON with its keys in order.
pub(crate) fn yaml(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|err| panic!("{}: {err}", file.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|err| panic!("{}: {err}", file.display()))
}

#[test]
fn every_input_reaches_the_program_through_the_environment_and_by_no_other_way() {
    let action = yaml(&Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml"));
    let steps = action["runs"]["steps"].as_array().unwrap();
    for step in steps {
        let script = step["run"].as_str().unwrap_or_default();
        assert!(!script.contains("${{"), "an expression in a script: {script}");
        if !script.is_empty() {
            assert!(
                script.lines().last().unwrap().starts_with("exec "),
                "cancelling would not reach it: {script}"
            );
            assert!(step["shell"].as_str().unwrap().contains(" -p "), "{step:#}");
        }
        let reads_the_token = step.to_string().contains("inputs.token");
        assert_eq!(reads_the_token, step["id"] == "run", "the token goes to one step: {step:#}");
    }
    let run = steps.iter().find(|step| step["id"] == "run").unwrap();
    assert_eq!(run["env"]["PATCH_MOI_TOKEN"], "${{ inputs.command == 'publish' && inputs.token || '' }}");

    let elsewhere = ["binary", "upload", "artifact-name", "retention-days", "token"];
    for name in
        action["inputs"].as_object().unwrap().keys().filter(|name| !elsewhere.contains(&name.as_str()))
    {
        let variable = format!("PATCH_MOI_{}", name.to_uppercase().replace('-', "_"));
        assert_eq!(run["env"][&variable], format!("${{{{ inputs.{name} }}}}"), "{variable}");
    }
}

#[test]
fn the_action_reference_is_what_action_yml_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let written = reference(&yaml(&root.join("action.yml")));
    let page = root.join("docs/action.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&page, &written).unwrap();
    }
    let committed = fs::read_to_string(&page).unwrap_or_default();
    assert_eq!(
        committed, written,
        "docs/action.md is stale: run `UPDATE_DOCS=1 cargo test --test it action_reference`"
    );
}

fn reference(action: &Value) -> String {
    let cell = |value: &Value| match value.as_str().unwrap_or_default().trim() {
        "" => String::new(),
        text => text.replace('|', "\\|").replace('\n', " "),
    };
    let mut page = format!(
        "# The action\n\n{}.\n\nThis page is made from [action.yml](../action.yml). Which workflow to write around it is in the\n\
         [README](../README.md#in-github-actions); what the binary is and where it comes from, in\n\
         [Releasing](guides/releasing.md).\n\n## Inputs\n\n| input | default | |\n|---|---|---|\n",
        cell(&action["description"])
    );
    for (name, input) in action["inputs"].as_object().unwrap() {
        let default = cell(&input["default"]);
        let default = if default.is_empty() { default } else { format!("`{default}`") };
        writeln!(page, "| `{name}` | {default} | {} |", cell(&input["description"])).unwrap();
    }
    page.push_str("\nAn input that is left out or empty is as its default. Each reaches the program as data, which it validates.\n");
    page.push_str("\n## Outputs\n\n| output | |\n|---|---|\n");
    for (name, output) in action["outputs"].as_object().unwrap() {
        writeln!(page, "| `{name}` | {} |", cell(&output["description"])).unwrap();
    }
    page
}

#[test]
fn the_readme_shows_the_workflow_to_copy_and_it_has_no_more_than_20_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let caller = fs::read_to_string(root.join("docs/examples/caller.yml")).unwrap();
    assert!(caller.lines().count() <= 20, "{}", caller.lines().count());

    let readme = fs::read_to_string(root.join("README.md")).unwrap();

    assert!(
        readme.contains(&format!("```yaml\n{caller}```\n")),
        "README.md shows another docs/examples/caller.yml"
    );
}

#[test]
fn the_two_workflows_of_a_fork_give_inputs_that_exist_and_the_token_to_publish_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let action = yaml(&root.join("action.yml"));
    let reusable = yaml(&root.join(".github/workflows/upstream-release.yml"));
    let caller = yaml(&root.join("docs/examples/caller.yml"));
    let known = |given: &Value, of: &Value| {
        for name in given.as_object().unwrap().keys() {
            assert!(of.get(name).is_some(), "no input {name}");
        }
    };
    let call = &reusable["on"]["workflow_call"];
    known(&caller["jobs"]["patch-moi"]["with"], &call["inputs"]);
    known(&caller["jobs"]["patch-moi"]["secrets"], &call["secrets"]);
    for (job, with_token) in [("run", false), ("publish", true)] {
        let steps = reusable["jobs"][job]["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["uses"] == "$/.").unwrap();
        known(&step["with"], &action["inputs"]);
        assert_eq!(step["with"].get("token").is_some(), with_token, "{job}");
        assert_eq!(step["with"]["command"], job);
        assert_eq!(step["with"]["fail"], "later", "the colour is the last step's");
        for step in steps.iter().filter(|step| step["uses"].to_string().contains("actions/checkout@")) {
            // Where the job could write nothing anyway, a private fork's checkout may keep the token.
            let keeps = if with_token { false.into() } else { Value::from("${{ inputs.private == true }}") };
            assert_eq!(step["with"], serde_json::json!({"persist-credentials": keeps}), "{job}");
        }
    }
    let may = &reusable["jobs"]["run"]["permissions"];
    assert_eq!(may, &serde_json::json!({"contents": "read"}), "steps and checks run foreign code here");
    // A caller can only hand on what it has, and must have no group of the same name.
    assert_eq!(caller["jobs"]["patch-moi"]["permissions"], reusable["jobs"]["publish"]["permissions"]);
    assert!(caller.get("concurrency").is_none());
}
