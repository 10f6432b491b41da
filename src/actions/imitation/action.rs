//! What action.yml makes of its inputs: the variables of its step.

use std::collections::BTreeMap;

/// The file itself: what is imitated cannot differ from what is published.
const ACTION: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/action.yml"));

/// The inputs that action.yml declares, and their defaults.
pub(crate) fn inputs() -> BTreeMap<&'static str, &'static str> {
    let mut found = BTreeMap::new();
    let mut name = None;
    for line in section(ACTION, "inputs:", 0) {
        match indent(line) {
            2 => name = line.trim().strip_suffix(':'),
            4 => {
                let default = line.trim().strip_prefix("default:").map(|text| unquoted(text.trim()));
                if let (Some(name), Some(default)) = (name, default) {
                    found.insert(name, default);
                }
            }
            _ => {}
        }
        if let Some(name) = name {
            found.entry(name).or_default();
        }
    }
    found
}

/// The variables of the step `run` with these inputs. What is an expression of something else than an input
/// is empty, and nothing that could be a token is given.
pub(crate) fn variables(given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let defaults = inputs();
    let value = |text: &str| match expression(text) {
        None => text.to_owned(),
        Some(inside) => {
            let name = inside.strip_prefix("inputs.").unwrap_or_default();
            let default = defaults.get(name).filter(|text| expression(text).is_none());
            given.get(name).cloned().or_else(|| default.map(|text| (*text).to_owned())).unwrap_or_default()
        }
    };
    step_environment()
        .into_iter()
        .filter(|(name, _)| !name.contains("TOKEN"))
        .map(|(name, text)| (name.to_owned(), value(text)))
        .collect()
}

/// The command line that the step's script makes of the variables: what it adds under `run)` and for every
/// command, each line being `if [ -n "$NAME" ]; then args+=(WORDS --option="$NAME"); fi`.
pub(crate) fn arguments(variables: &BTreeMap<String, String>) -> Vec<String> {
    let script = step().split_once("\n          run)\n").map_or("", |(_, script)| script);
    let (of_run, rest) = script.split_once(";;").unwrap_or_default();
    let of_all = rest.split_once("esac").map_or("", |(_, all)| all);
    let mut args = vec!["run".to_owned()];
    for line in of_run.lines().chain(of_all.lines()) {
        let Some(line) = line.trim().strip_prefix("if [ -n \"$") else { continue };
        let Some((name, words)) = line.split_once("\" ]; then args+=(") else { continue };
        let Some(words) = words.strip_suffix("); fi") else { continue };
        if let Some(value) = variables.get(name).filter(|value| !value.is_empty()) {
            let quoted = format!("\"${name}\"");
            args.extend(words.split(' ').map(|word| word.replace(&quoted, value)));
        }
    }
    args
}

fn step() -> &'static str {
    ACTION.split_once("\n      id: run\n").map_or("", |(_, step)| step)
}

/// The `env:` of the step with the id `run`, as it stands there.
fn step_environment() -> Vec<(&'static str, &'static str)> {
    let lines = section(step(), "env:", 6).into_iter().filter(|line| indent(line) == 8);
    let pair = |line: &'static str| {
        let (name, value) = line.trim().split_once(':')?;
        (!name.starts_with('#')).then(|| (name, unquoted(value.trim())))
    };
    lines.filter_map(pair).collect()
}

/// The lines below the first line that is `head` at this depth, up to one that is no deeper.
fn section<'a>(text: &'a str, head: &str, depth: usize) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| !(indent(line) == depth && line.trim() == head));
    lines.next();
    lines.take_while(|line| line.trim().is_empty() || indent(line) > depth).collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn unquoted(text: &str) -> &str {
    let inside = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inside('\'').or_else(|| inside('"')).unwrap_or(text)
}

fn expression(text: &str) -> Option<&str> {
    Some(text.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_gets_what_action_yml_gives_it() {
        assert!(inputs().contains_key("tag") && inputs().contains_key("branch"), "{:?}", inputs());
        let given = [("tag", "v2"), ("repo", "o/n"), ("branch", "main")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let variables = variables(&given);
        assert_eq!(variables["PATCH_MOI_TAG"], "v2");
        assert_eq!(variables["CODEX_WORKSPACE_MODE"], "actions");
        assert!(variables.values().all(|value| !value.contains("${{")), "{variables:?}");
        assert_eq!(arguments(&variables), ["run", "release", "--repo=o/n", "--branch=main", "--tag=v2"]);
        assert_eq!(arguments(&super::variables(&BTreeMap::new())), ["run"]);
        assert!(!variables.contains_key("PATCH_MOI_TOKEN"));
        let given = [("feed-sources", "a b.json"), ("workspace-root", "sub")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(
            arguments(&super::variables(&given)),
            ["run", "--workspace-root=sub", "--feed-sources=a b.json"]
        );
    }
}
