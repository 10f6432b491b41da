//! The reference of the command line, from clap's own definitions: docs/cli.md.

use clap::{Arg, ArgAction, Command};

/// The whole reference, as Markdown.
pub(super) fn markdown(mut root: Command) -> String {
    root.build();
    let mut text = "# Command line\n\n\
        Made from the program's own definitions: `UPDATE_DOCS=1 cargo test cli_reference` writes it anew.\n"
        .to_owned();
    section(&mut text, &root, &[], 2);
    text
}

fn section(text: &mut String, command: &Command, known: &[&str], level: usize) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    text.push_str(&format!("\n{} `{name}`\n", "#".repeat(level)));
    let about = command.get_long_about().or_else(|| command.get_about());
    paragraph(text, &about.map(ToString::to_string).unwrap_or_default());
    block(text, &usage(command));
    let options = options(command, known);
    if !options.is_empty() {
        text.push('\n');
        options.iter().for_each(|arg| option(text, arg));
    }
    let after = command.get_after_long_help().or_else(|| command.get_after_help());
    if let Some(after) = after {
        block(text, &after.to_string());
    }
    let global = options.iter().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().as_str());
    let known: Vec<&str> = known.iter().copied().chain(global).collect();
    let visible = command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help");
    visible.for_each(|sub| section(text, sub, &known, (level + 1).min(4)));
}

/// The options that are said here and at no command above.
fn options<'a>(command: &'a Command, known: &[&str]) -> Vec<&'a Arg> {
    let is_own = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        !arg.is_hide_set() && !known.contains(&id) && !matches!(id, "help" | "version")
    };
    command.get_arguments().filter(is_own).collect()
}

fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage:").trim().to_owned()
}

fn option(text: &mut String, arg: &Arg) {
    let mut names: Vec<String> = arg.get_short().map(|short| format!("-{short}")).into_iter().collect();
    names.extend(arg.get_long().map(|long| format!("--{long}")));
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let value = arg.get_value_names().and_then(|names| names.first()).filter(|_| takes_value);
    let value = value.map(|value| format!(" {value}")).unwrap_or_default();
    let required = if arg.is_required_set() { " (required)" } else { "" };
    let name = format!("{}{value}", names.join(", "));
    text.push_str(&format!("- `{}`{required}: ", name.trim_start()));
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    text.push_str(&help);
    if takes_value {
        let quoted = |name: &str| format!("`{name}`");
        let values: Vec<String> =
            arg.get_possible_values().iter().map(|value| quoted(value.get_name())).collect();
        if !values.is_empty() {
            text.push_str(&format!(". One of {}", values.join(", ")));
        }
        if let Some(default) = arg.get_default_values().first() {
            text.push_str(&format!(". Default {}", quoted(&default.to_string_lossy())));
        }
    }
    text.push('\n');
}

fn paragraph(text: &mut String, words: &str) {
    if !words.is_empty() {
        text.push_str(&format!("\n{}\n", words.trim_end()));
    }
}

fn block(text: &mut String, words: &str) {
    text.push_str(&format!("\n```text\n{}\n```\n", words.trim_end()));
}
