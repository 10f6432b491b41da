//! FLOW_RESULT: how a step says in its output what it came to.

use serde_json::Value;
use thiserror::Error;

use super::step::{NotAResult, Status, StepResult};

const MARKER: &str = "FLOW_RESULT ";

/// How many characters of a wrong line are worth showing.
const SHOWN: usize = 160;

/// Why a step's output holds no result. The texts begin as codex-flows' do, which stand in records.
#[derive(Debug, Error)]
pub(crate) enum FlowResultError {
    /// No line of the output has the marker.
    #[error("Step did not emit FLOW_RESULT")]
    Missing,
    /// One comes close.
    #[error("Step did not emit FLOW_RESULT: {} has the word and no space after it: `{said}`", place(.line))]
    Almost { line: Option<usize>, said: String },
    /// It stands where nobody reads it.
    #[error("Step did not emit FLOW_RESULT: it stands on standard error, and only standard output is read")]
    OnStderr,
    /// The last line that has the marker states no result.
    #[error("{wrong}; {} is `{said}`", place(.line))]
    Wrong { wrong: NotAResult, line: Option<usize>, said: String },
}

impl FlowResultError {
    /// What the step's author can do.
    pub(crate) fn hint(&self) -> Option<String> {
        let print = "one line `FLOW_RESULT {\"status\":\"completed\"}` on stdout";
        Some(match self {
            Self::Missing | Self::Almost { .. } | Self::OnStderr => {
                format!("print {print} before the step ends")
            }
            Self::Wrong { wrong, .. } => match wrong {
                NotAResult::NotJson(_) | NotAResult::NotAnObject => {
                    format!("print {print}: one JSON object, whole in its line; the last such line counts")
                }
                NotAResult::BadStatus { .. } => {
                    format!("use one of: {}", Status::ALL.map(Status::name).join(", "))
                }
                NotAResult::Artifacts { .. } => {
                    "print `\"artifacts\":{\"name\":..}`, or leave it out".to_owned()
                }
                NotAResult::Next { .. } => {
                    "print `\"next\":[{\"id\":\"..\",\"type\":\"..\",\"payload\":{}}]`, or leave it out"
                        .to_owned()
                }
            },
        })
    }

    /// The same for an output of which a part is missing, so that its lines cannot be counted.
    #[must_use]
    pub(crate) fn uncounted(mut self) -> Self {
        if let Self::Almost { line, .. } | Self::Wrong { line, .. } = &mut self {
            *line = None;
        }
        self
    }

    /// The same where standard error may tell more.
    #[must_use]
    pub(crate) fn with_stderr(self, stderr: &str) -> Self {
        if matches!(self, Self::Missing) && stderr.contains(MARKER) { Self::OnStderr } else { self }
    }
}

fn place(line: &Option<usize>) -> String {
    line.map_or_else(|| "a line of its output".to_owned(), |line| format!("line {line} of its output"))
}

/// The result in a step's standard output: the JSON after the first marker of the last line that
/// has one. Earlier lines are no fallback.
///
/// # Errors
/// Where no line has the marker, or what follows it is not a result.
pub(crate) fn parse_flow_result(stdout: &str) -> Result<StepResult, FlowResultError> {
    let lines = || stdout.split('\n').enumerate();
    let Some((at, line)) = lines().filter(|(_, line)| line.contains(MARKER)).last() else {
        let almost = lines().filter(|(_, line)| line.contains(MARKER.trim_end())).last();
        return Err(almost.map_or(FlowResultError::Missing, |(at, line)| FlowResultError::Almost {
            line: Some(at + 1),
            said: excerpt(line),
        }));
    };
    let json = line.split_once(MARKER).map_or("", |(_, json)| json).trim();
    let parsed = serde_json::from_str::<Value>(json).map_err(NotAResult::NotJson);
    parsed.and_then(StepResult::of_step).map_err(|wrong| FlowResultError::Wrong {
        wrong,
        line: Some(at + 1),
        said: excerpt(line),
    })
}

fn excerpt(line: &str) -> String {
    let line = line.trim();
    let from = line.find(MARKER.trim_end()).unwrap_or_default();
    let more = if line[from..].chars().nth(SHOWN).is_some() { "…" } else { "" };
    let shown = line[from..].chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c });
    format!("{}{more}", shown.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_without_a_valid_result_says_which_line_is_wrong_and_how() {
        for (stdout, expected) in [
            ("", "Step did not emit FLOW_RESULT"),
            (
                "a\nFLOW_RESULT:{}\n",
                "Step did not emit FLOW_RESULT: line 2 of its output has the word and no space after it: `FLOW_RESULT:{}`",
            ),
            ("FLOW_RESULT []", "FLOW_RESULT must be a JSON object; line 1 of its output is `FLOW_RESULT []`"),
            (
                "\nx FLOW_RESULT {}\nbye",
                "FLOW_RESULT status is invalid: it has none; line 2 of its output is `FLOW_RESULT {}`",
            ),
            (
                "FLOW_RESULT {\"status\":\"done\"}",
                "FLOW_RESULT status is invalid: it is \"done\"; line 1 of its output is `FLOW_RESULT {\"status\":\"done\"}`",
            ),
            (
                "FLOW_RESULT {\"status\":1}",
                "FLOW_RESULT status is invalid: it is 1; line 1 of its output is `FLOW_RESULT {\"status\":1}`",
            ),
        ] {
            let error = parse_flow_result(stdout).unwrap_err();
            assert_eq!(error.to_string(), expected, "{stdout:?}");
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn what_a_result_carries_is_looked_at() {
        for (rest, expected) in [
            (r#""artifacts":[1]"#, "FLOW_RESULT artifacts must be a JSON object, and is a list;"),
            (r#""next":{"id":"x"}"#, "FLOW_RESULT next must be a list of events, and is an object;"),
        ] {
            let error =
                parse_flow_result(&format!("FLOW_RESULT {{\"status\":\"completed\",{rest}}}")).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
            assert!(error.hint().unwrap().contains("leave it out"));
        }
        let well =
            r#"FLOW_RESULT {"status":"changed","artifacts":null,"next":[{"id":"x","type":"t"}],"message":7}"#;
        assert_eq!(parse_flow_result(well).unwrap().next().len(), 1);
    }

    #[test]
    fn a_long_wrong_line_is_shown_in_part_and_commands_no_terminal() {
        let error = parse_flow_result(&format!("FLOW_RESULT \u{1b}[2J{}", "x".repeat(1000))).unwrap_err();
        let text = error.to_string();
        assert!(text.len() < 400 && !text.contains('\u{1b}') && text.ends_with("…`"), "{text}");
    }

    #[test]
    fn a_result_on_standard_error_is_pointed_out() {
        let error = FlowResultError::Missing.with_stderr("FLOW_RESULT {}");
        assert!(error.to_string().contains("standard error"));
        assert!(matches!(FlowResultError::Missing.with_stderr("no"), FlowResultError::Missing));
    }

    #[test]
    fn lines_are_not_counted_where_some_are_missing() {
        let error = parse_flow_result("FLOW_RESULT []").unwrap_err().uncounted();
        assert!(error.to_string().contains("; a line of its output is"), "{error}");
    }

    #[test]
    fn a_broken_last_result_is_not_replaced_by_an_earlier_one() {
        let stdout = "FLOW_RESULT {\"status\":\"completed\"}\nFLOW_RESULT {\"status\":\n";
        let error = parse_flow_result(stdout).unwrap_err();
        assert!(error.to_string().starts_with("FLOW_RESULT is not valid JSON: EOF"), "{error}");
    }

    #[test]
    fn the_last_line_with_the_marker_decides_whatever_stands_around_it() {
        let stdout = "FLOW_RESULT {\"status\":\"failed\"}\r\nlog: FLOW_RESULT {\"status\":\"changed\",\"message\":\"FLOW_RESULT \"}  \r\nbye\nFLOW_RESULT: no\n";
        let result = parse_flow_result(stdout).unwrap();
        assert_eq!(result.status(), Status::Changed);
        assert_eq!(result.message(), Some("FLOW_RESULT "));
    }

    #[test]
    fn every_key_of_a_result_is_kept_in_its_order() {
        let text = r#"{"zeta":1,"status":"needs_intervention","next":[{"id":"x","type":"t"}],"message":7}"#;
        let result = parse_flow_result(&format!("FLOW_RESULT {text}")).unwrap();
        assert_eq!(serde_json::to_string(&result).unwrap(), text);
        assert_eq!(result.next().len(), 1);
        assert_eq!(result.message(), None, "a message that is no text is not read as one");
        assert_eq!(serde_json::from_str::<StepResult>(text).unwrap(), result);
    }

    #[test]
    fn a_result_made_here_reads_back_as_itself() {
        for status in Status::ALL {
            let made = StepResult::new(status).with("message", "hello").with("status", "nonsense");
            let line = format!("FLOW_RESULT {}", serde_json::to_string(&made).unwrap());
            assert_eq!(parse_flow_result(&line).unwrap(), made);
        }
    }
}
