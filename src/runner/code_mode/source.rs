//! What a Code Mode host is given to run: the script behind a prelude.

use serde_json::Value;

/// A script with its prelude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The whole text.
    pub(super) text: String,
    /// How many lines stand before the script's first.
    pub(super) prelude_lines: usize,
}

/// Says the step's result, and ends the script.
const RESULT: &str = r#"function result(value) {
  text("\nFLOW_RESULT " + JSON.stringify(value) + "\n");
  exit();
}"#;

impl Source {
    /// The script as codex-flows hands it over: `const flow`, `function result`, and the script to the letter.
    pub(crate) fn new(flow: &Value, script: &str) -> Self {
        let flow = match names_prototype(flow) {
            // In a literal that key would change what the object inherits.
            true => format!("JSON.parse({})", Value::from(flow.to_string())),
            false => format!("{flow:#}"),
        };
        let prelude = format!("const flow = {flow};\n{RESULT}\n");
        Self { prelude_lines: prelude.matches('\n').count(), text: prelude + script }
    }
}

fn names_prototype(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.iter().any(|(key, value)| key == "__proto__" || names_prototype(value))
        }
        Value::Array(list) => list.iter().any(names_prototype),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_script_stands_behind_flow_and_result_to_the_letter() {
        let source = Source::new(&json!({"name": "demo", "event": {"id": "e"}}), "result({});\n");
        let expected = r#"const flow = {
  "name": "demo",
  "event": {
    "id": "e"
  }
};
function result(value) {
  text("\nFLOW_RESULT " + JSON.stringify(value) + "\n");
  exit();
}
result({});
"#;
        assert_eq!(source.text, expected);
        assert_eq!(source.prelude_lines, 10);
    }

    #[test]
    fn an_event_cannot_change_what_its_object_inherits() {
        let source = Source::new(&json!({"a": [{"__proto__": {"tag": "x\"y"}}]}), "");
        assert!(
            source
                .text
                .starts_with(r#"const flow = JSON.parse("{\"a\":[{\"__proto__\":{\"tag\":\"x\\\"y\"}}]}");"#),
            "{}",
            source.text
        );
    }
}
