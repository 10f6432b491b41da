//! Whether an event's payload meets a JSON schema.
//!
//! The old system knew four keywords; this is the whole standard, so a schema
//! that meant more than it could say is now taken at its word. Nothing is fetched: a `$ref` to
//! another document makes the schema invalid. Patterns run in linear time, so neither a schema nor
//! a payload can make a run hang; look-around in a pattern therefore makes the schema invalid too.

use jsonschema::PatternOptions;
use serde_json::Value;

use super::text::shown;

/// How many of a payload's faults are named.
const NAMED_FAULTS: usize = 5;

/// What is wrong between a payload and a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The schema is none.
    Schema(String),
    /// The payload does not meet it.
    Payload(String),
}

/// Validates `payload`. Each fault is named with its place, as in `$.repo: 1 is not of type "string"`.
pub(super) fn validate(schema: &Value, payload: &Value) -> Result<(), Fault> {
    let validator = jsonschema::options()
        .offline()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| Fault::Schema(shown(&error.to_string())))?;
    let mut faults = validator.iter_errors(payload).map(|error| {
        let place = error.instance_path().to_string().replace('/', ".");
        shown(&format!("${place}: {error}"))
    });
    let named: Vec<String> = faults.by_ref().take(NAMED_FAULTS).collect();
    if named.is_empty() {
        return Ok(());
    }
    let more = if faults.next().is_some() { "; and more" } else { "" };
    Err(Fault::Payload(format!("{}{more}", named.join("; "))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn old_schema() -> Value {
        json!({"type": "object", "required": ["repo", "tag"], "properties": {
            "repo": {"type": "string", "enum": ["openai/codex"]}, "tag": {"type": "string"}}})
    }

    #[test]
    fn a_payload_that_misses_the_schema_is_told_where() {
        let Err(Fault::Payload(text)) = validate(&old_schema(), &json!({"repo": 1})) else { panic!() };
        assert!(text.contains("$: \"tag\" is a required property"), "{text}");
        assert!(text.contains("$.repo: 1 is not of type \"string\""), "{text}");
        assert_eq!(validate(&old_schema(), &json!({"repo": "openai/codex", "tag": "v1"})), Ok(()));
    }

    #[test]
    fn a_payload_cannot_flood_the_message() {
        let schema = json!({"items": {"type": "string"}});
        let long = "\u{1b}".repeat(9000);
        let payload = json!([[&long], [&long], [&long]]);
        let Err(Fault::Payload(text)) = validate(&schema, &payload) else { panic!() };
        assert!(text.len() < 9000 && !text.contains('\u{1b}'), "{text}");
        let Err(Fault::Payload(text)) = validate(&schema, &json!([1, 2, 3, 4, 5, 6])) else { panic!() };
        assert!(text.ends_with("; and more"), "{text}");
    }

    #[test]
    fn what_the_old_system_read_past_is_taken_at_its_word() {
        let payload = json!({"repo": "acme/engine", "tags": [1], "deep": {"a": 1}});
        for schema in [
            json!({"required": ["tag"]}),
            json!({"type": ["object", "null"], "required": ["tag"]}),
            json!({"type": "object", "required": ["toString"]}),
            json!({"properties": {"repo": {"minLength": 100}}}),
            json!({"properties": {"repo": {"pattern": "^openai/"}}}),
            json!({"properties": {"repo": {"const": "openai/codex"}}}),
            json!({"properties": {"tags": {"items": {"type": "string"}}}}),
            json!({"anyOf": [{"required": ["tag"]}, {"required": ["ref"]}]}),
            json!({"properties": {"repo": true}, "additionalProperties": false}),
            json!({"$ref": "#/$defs/release", "$defs": {"release": {"required": ["tag"]}}}),
        ] {
            assert!(matches!(validate(&schema, &payload), Err(Fault::Payload(_))), "{schema}");
        }
        // An object in `enum` was never equal to anything.
        assert_eq!(validate(&json!({"properties": {"deep": {"enum": [{"a": 1}]}}}), &payload), Ok(()));
    }

    #[test]
    fn a_schema_that_reaches_out_is_no_schema() {
        for schema in [
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"$ref": "other.json"}),
            json!({"$ref": "#/nowhere"}),
            json!({"type": "nonsense"}),
            json!({"pattern": "("}),
            json!("text"),
        ] {
            assert!(matches!(validate(&schema, &json!("x")), Err(Fault::Schema(_))), "{schema}");
        }
    }

    #[test]
    fn a_pattern_that_blows_up_elsewhere_ends_at_once() {
        let payload = json!("a".repeat(100_000) + "!");
        let fault = validate(&json!({"pattern": "^(a+)+$"}), &payload);
        assert!(matches!(fault, Err(Fault::Payload(_))), "{fault:?}");
    }
}
