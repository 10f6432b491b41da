use std::path::Path;

use proptest::prelude::*;
use toml::Table;

use super::FORK_FLOW;
use crate::flow::stack_config::Push;
use crate::flow::{BuiltIn, ConfigError, Manifest, PatchStackConfig, Runner, built_in};

fn read_with(config: &str, env: &[(&str, &str)]) -> Result<PatchStackConfig, ConfigError> {
    let lookup = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    PatchStackConfig::from_config(&config.parse::<Table>().unwrap(), Path::new("flow.toml"), &lookup)
}

fn read(config: &str) -> Result<PatchStackConfig, ConfigError> {
    read_with(config, &[])
}

#[test]
fn a_wrong_type_names_key_and_file() {
    for (config, expected) in [
        ("repo = 1", "config.repo must be a string, and is integer: flow.toml"),
        ("push = \"false\"", "config.push must be true or false, and is string: flow.toml"),
        ("squash = 1", "config.squash must be true or false, and is integer: flow.toml"),
        (
            "upstream_branches = \"main\"",
            "config.upstream_branches must be a list of strings, and is string: flow.toml",
        ),
        ("committer = true", "config.committer must be a string, and is boolean: flow.toml"),
    ] {
        assert_eq!(read(config).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_value_that_git_could_take_for_something_else_is_refused() {
    for (config, expected) in [
        ("repo = \"--upload-pack=x\"", "config.repo cannot be `--upload-pack=x`: it begins with a dash"),
        (
            "upstream_url = \"ext::sh -c x\"",
            "config.upstream_url cannot be `ext::sh -c x`: it names a remote helper",
        ),
        ("codex_repo = \"a\\nb\"", "config.codex_repo cannot be `a\\nb`: it holds a control character"),
        ("target_branch = \"a..b\"", "config.target_branch cannot be `a..b`"),
        ("target_branch = \"-f\"", "config.target_branch cannot be `-f`"),
        ("upstream_remote = \"-x\"", "config.upstream_remote cannot be `-x`"),
        ("upstream_branches = [\"main\", \"a b\"]", "config.upstream_branches cannot be `a b`"),
        ("squash_message = \"a\\u0000\"", "config.squash_message cannot be"),
        ("repo_env = \"A B\"", "config.repo_env cannot be `A B`: it is no name of an environment variable"),
        ("repo = \"a\"\ncodex_repo = \"b\"", "config.codex_repo and config.repo are two names for one thing"),
        (
            "squash = true\nsquash_patch_stack = false",
            "config.squash_patch_stack and config.squash are two names",
        ),
    ] {
        let error = read(config).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{config}\n{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_bad_value_from_the_environment_names_the_variable() {
    let error = read_with("target_branch_env = \"B\"", &[("B", "a b")]).unwrap_err().to_string();
    assert!(error.starts_with("the environment variable B cannot be `a b`"), "{error}");
}

#[test]
fn an_unknown_key_is_a_warning_and_an_old_one_is_not() {
    let config =
        read("publish = false\nverify_commands = [\"x\"]\nfetch = true\ntarget_brunch = \"x\"").unwrap();
    assert_eq!(config.warnings, ["config.target_brunch has no effect on a patch-stack step"]);
}

#[test]
fn the_environment_wins_over_the_file_where_it_is_set_and_not_blank() {
    let text = "repo = \"literal\"\nrepo_env = \"R\"\ntarget_branch = \"main\"\ntarget_branch_env = \"B\"";
    let repo = |env: &[(&str, &str)]| read_with(text, env).unwrap().repo.unwrap();
    assert_eq!(repo(&[]), "literal");
    assert_eq!(repo(&[("R", "  ")]), "literal");
    assert_eq!(repo(&[("R", "/elsewhere")]), "/elsewhere");
    let branch = read_with(text, &[("B", "refs/heads/work")]).unwrap().target_branch.unwrap();
    assert_eq!(branch.as_str(), "refs/heads/work");
}

#[test]
fn nothing_said_means_the_defaults() {
    let config = read("codex_repo = \"\"").unwrap();
    assert_eq!((config.repo, config.target_branch, config.upstream_url), (None, None, None));
    assert_eq!(config.upstream_remote, "upstream");
    assert_eq!((config.squash, config.push), (false, Push::Policy));
    assert_eq!((config.committer, config.squash_message), (None, None));
}

#[test]
fn the_fork_flows_own_config_is_read_without_a_word() {
    let manifest = Manifest::parse(FORK_FLOW, Path::new("flow.toml")).unwrap();
    let config = PatchStackConfig::from_config(&manifest.config, Path::new("flow.toml"), &|_| None).unwrap();

    assert_eq!(config.warnings, [""; 0]);
    assert_eq!(config.repo.as_deref(), Some("../codex"));
    assert_eq!(config.target_branch.unwrap().as_str(), "refs/heads/code-mode-exec-hooks");
    assert_eq!(config.upstream_url.as_deref(), Some("https://github.com/openai/codex.git"));
    assert_eq!((config.squash, config.push), (true, Push::Never));
}

#[test]
fn a_committer_and_a_message_are_kept_as_they_are() {
    let config = read(
        "committer = \" A B <a@b> \"\nsquash_message = \" All of it\\n\"\nupstream_branches = [\"main\"]",
    );
    let config = config.unwrap();
    assert_eq!(config.committer.as_deref(), Some(" A B <a@b> "));
    assert_eq!(config.squash_message.as_deref(), Some(" All of it\n"));
    assert_eq!(config.upstream_branches[0].as_str(), "refs/heads/main");
}

#[test]
fn the_built_in_flow_goes_through_the_same_checks_as_a_file() {
    let stack =
        BuiltIn { repo: None, target_branch: "main", upstream_url: Some("https://example.com/up.git") };
    let flow = built_in(stack, Path::new("/ws"));
    let manifest = flow.manifest.as_ref().unwrap();
    let config = PatchStackConfig::from_config(&manifest.config, Path::new("flow.toml"), &|_| None).unwrap();

    assert_eq!(config.warnings, [""; 0]);
    assert_eq!(config.target_branch.unwrap().as_str(), "refs/heads/main");
    assert_eq!(config.upstream_url.as_deref(), Some("https://example.com/up.git"));
    assert_eq!((flow.name(), manifest.steps[0].name.as_str()), ("patch-stack", "carry"));
    assert_eq!(manifest.steps[0].runner, Runner::PatchStack);

    let elsewhere = built_in(BuiltIn { repo: Some("/other"), ..stack }, Path::new("/other"));
    assert_eq!(flow.digest, elsewhere.digest, "a laptop and CI agree");
    assert_ne!(flow.digest, built_in(BuiltIn { target_branch: "next", ..stack }, Path::new("/ws")).digest);
}

proptest! {
    #[test]
    fn no_text_in_a_config_makes_the_reader_panic(key in "repo|target_branch|committer|upstream_url|squash_message", value in "\\PC{0,60}") {
        let config = Table::from_iter([(key, toml::Value::String(value))]);
        let _ = PatchStackConfig::from_config(&config, Path::new("f"), &|_| None).map_err(|error| error.to_string());
    }
}
