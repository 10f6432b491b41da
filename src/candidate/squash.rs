//! The message of the one commit that stands for a stack.

use crate::candidate::names::one_line;
use crate::stack::Carry;

/// The message where the flow has none of its own.
pub(crate) const DEFAULT_SQUASH_MESSAGE: &str = "Carry {patches} to {tag}\n\n{subjects}";

/// The message of the one commit that stands for what `carry` has carried to `onto`: `template` with
/// its three words filled in.
///
/// `{patches}` is `1 patch` or `12 patches`, `{tag}` is `onto`, `{subjects}` a line `- SUBJECT` for
/// each patch, oldest first. Other braces stay as they are, and what a subject holds is never taken
/// for one of the three.
pub(crate) fn squash_message(template: &str, onto: &str, carry: &Carry) -> String {
    let carried = carry.patches.iter().filter(|patch| patch.verdict.is_carried() && !patch.merge);
    let subjects: Vec<&str> = carried.map(|patch| patch.subject.as_str()).collect();
    filled(template, onto, &subjects)
}

fn filled(template: &str, onto: &str, subjects: &[&str]) -> String {
    let listed: Vec<String> = subjects.iter().map(|subject| format!("- {}", one_line(subject))).collect();
    let patches =
        if subjects.len() == 1 { "1 patch".to_owned() } else { format!("{} patches", subjects.len()) };
    let words = [("{patches}", patches), ("{tag}", onto.to_owned()), ("{subjects}", listed.join("\n"))];

    let mut message = String::new();
    let mut rest = template;
    while !rest.is_empty() {
        let hit = words.iter().find_map(|(word, value)| Some((rest.strip_prefix(word)?, value)));
        if let Some((after, value)) = hit {
            message.push_str(value);
            rest = after;
        } else {
            let end = rest.char_indices().nth(1).map_or(rest.len(), |(at, _)| at);
            message.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    message.trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(template: &str, subjects: &[&str]) -> String {
        filled(template, "v1.1.0", subjects)
    }

    #[test]
    fn a_subject_cannot_fill_in_words_or_add_lines() {
        assert_eq!(
            message(DEFAULT_SQUASH_MESSAGE, &["Say {tag}\r\nSigned-off-by: nobody", "é {subjects}"]),
            "Carry 2 patches to v1.1.0\n\n- Say {tag}  Signed-off-by: nobody\n- é {subjects}\n"
        );
    }

    #[test]
    fn a_message_of_the_flows_own_is_kept() {
        assert_eq!(message("codex {tag}: {patches} {x}", &["a"]), "codex v1.1.0: 1 patch {x}\n");
    }
}
