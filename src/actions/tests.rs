//! The command files as the runner reads them, and the limits that it has.
#![expect(clippy::disallowed_methods, reason = "the tests play the runner, which makes these files")]

use std::path::Path;

use super::*;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A step with its two files in `dir`.
fn step(dir: &Path) -> Actions {
    let file = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    Actions::detect(&env(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", &file("output")),
        ("GITHUB_STEP_SUMMARY", &file("summary")),
        ("GITHUB_SERVER_URL", "https://forge.example"),
        ("GITHUB_REPOSITORY", "sample/fork"),
        ("GITHUB_RUN_ID", "42"),
        ("GITHUB_RUN_ATTEMPT", "2"),
    ]))
    .unwrap()
}

/// The outputs as the runner parses them: `=` or `<<`, whichever comes first, decides a line.
fn parse(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.split('\n').filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        let (name, delimiter) = match (line.find('='), line.find("<<")) {
            (equals, Some(at)) if equals.is_none_or(|equals| at < equals) => (&line[..at], &line[at + 2..]),
            (Some(equals), _) => {
                outputs.insert(line[..equals].to_owned(), line[equals + 1..].to_owned());
                continue;
            }
            _ => panic!("Invalid format '{line}'"),
        };
        let value = lines.by_ref().take_while(|line| *line != delimiter).collect::<Vec<_>>();
        outputs.insert(name.to_owned(), value.join("\n"));
    }
    outputs
}

#[test]
fn a_process_outside_of_a_workflow_is_no_step() {
    assert_eq!(Actions::detect(&env(&[])), None);
    assert_eq!(Actions::detect(&env(&[("GITHUB_ACTIONS", "false"), ("GITHUB_OUTPUT", "/o")])), None);
}

#[test]
fn a_step_without_files_says_what_is_missing() {
    let actions = Actions::detect(&env(&[("GITHUB_ACTIONS", "true"), ("GITHUB_OUTPUT", "")])).unwrap();
    let err = actions.set_outputs(&[("tag", "v1")], &Nonce::new([0; 16])).unwrap_err();
    assert_eq!(
        err.to_string(),
        "GITHUB_OUTPUT is not set, so the outputs cannot be handed to GitHub's runner"
    );
    assert!(actions.append_summary("x").is_err());
}

#[test]
fn a_value_cannot_forge_another_output() {
    let dir = tempfile::tempdir().unwrap();
    let actions = step(dir.path());
    actions.set_outputs(&[("tag", "v1\nstatus=done\nstatus<<X\nX")], &Nonce::new([1; 16])).unwrap();
    actions.set_outputs(&[("status", "conflict")], &Nonce::new([2; 16])).unwrap();

    let outputs = parse(&std::fs::read_to_string(dir.path().join("output")).unwrap());
    assert_eq!(outputs["tag"], "v1\nstatus=done\nstatus<<X\nX");
    assert_eq!(outputs["status"], "conflict");
    assert_eq!(outputs.len(), 2);
}

#[test]
fn what_the_runner_would_read_otherwise_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (actions, nonce) = (step(dir.path()), Nonce::new([0; 16]));
    let collision = format!("a\nghadelimiter_{}\nb", "00".repeat(16));
    let refused = actions.set_outputs(&[("tag", &collision)], &nonce);
    assert!(matches!(refused, Err(ActionsError::Collision { .. })));
    for name in ["", "a=b", "a<<b", "a\nb"] {
        let refused = actions.set_outputs(&[("tag", "v1"), (name, "x")], &nonce);
        assert!(matches!(refused, Err(ActionsError::BadName { .. })), "{name:?}");
    }
    let err = actions.set_outputs(&[("tag", "v1"), ("events", &"x".repeat(500_000))], &nonce).unwrap_err();
    assert!(err.to_string().ends_with("the longest is `events`"), "{err}");
    assert!(!dir.path().join("output").exists());
}

#[test]
fn every_output_of_the_action_is_set_even_when_there_is_nothing_new() {
    let dir = tempfile::tempdir().unwrap();
    let outputs = Outputs { status: "nothing-new".to_owned(), ..Outputs::default() };
    outputs.write(&step(dir.path()), &Nonce::new([3; 16])).unwrap();

    let parsed = parse(&std::fs::read_to_string(dir.path().join("output")).unwrap());
    assert_eq!(parsed.len(), 13);
    assert_eq!(
        ["has-release", "tag", "status", "conflicts", "events"].map(|name| parsed[name].as_str()),
        ["false", "", "nothing-new", "0", "[]"]
    );
}

#[test]
fn action_yml_hands_on_every_output() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/action.yml");
    let action = std::fs::read_to_string(path).unwrap();
    for (name, _) in Outputs::default().pairs() {
        let mapped = format!("steps.run.outputs.{name}");
        assert!(action.contains(&mapped), "action.yml does not name {mapped}");
    }
}

#[test]
fn a_summary_that_fits_is_appended_whole() {
    let dir = tempfile::tempdir().unwrap();
    let actions = step(dir.path());
    assert_eq!(actions.append_summary("# one").unwrap(), Written::Whole);
    assert_eq!(actions.append_summary("two\n").unwrap(), Written::Whole);
    assert_eq!(std::fs::read_to_string(dir.path().join("summary")).unwrap(), "# one\ntwo\n");
}

#[test]
fn a_summary_that_does_not_fit_is_cut_between_lines_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let actions = step(dir.path());
    actions.append_summary(&"x".repeat(500_000)).unwrap();
    let long = format!("<details>\n\n```\n{}", "0123456789 ünï\n".repeat(50_000));
    assert_eq!(actions.append_summary(&long).unwrap(), Written::Cut);
    assert_eq!(actions.append_summary("one more\n").unwrap(), Written::Whole, "what is left is used");

    let text = std::fs::read_to_string(dir.path().join("summary")).unwrap();
    assert!(text.len() <= 1024 * 1024);
    assert!(
        text.contains("0123456789 ünï\n```\n\n</details>\n\n_The rest does not fit"),
        "it closes what it opened"
    );
}

#[test]
fn a_full_summary_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("summary"), vec![b'x'; 1024 * 1024]).unwrap();
    assert_eq!(step(dir.path()).append_summary("more").unwrap(), Written::Cut);
    assert_eq!(dir.path().join("summary").metadata().unwrap().len(), 1024 * 1024);
}

#[test]
fn a_re_run_has_an_artifact_of_its_own() {
    let actions = step(Path::new("/nowhere"));
    let slug = "v1/x".parse::<crate::ids::TagName>().unwrap().slug();
    assert_eq!(actions.artifact_name(&slug), "patch-moi-v1%2Fx-42-2");

    let local = Actions::detect(&env(&[("GITHUB_ACTIONS", "true")])).unwrap();
    assert_eq!(local.artifact_name(&slug), "patch-moi-v1%2Fx-local-local");
}

#[test]
fn no_artifact_has_a_name_that_github_refuses() {
    let slug = "a\"b|c<d>".parse::<crate::ids::TagName>().unwrap().slug();
    assert_eq!(step(Path::new("/nowhere")).artifact_name(&slug), "patch-moi-a_b_c_d_-42-2");
}
