//! The elements of a state as they stand in its file, for those that would come out otherwise.
//!
//! A number that another program wrote may have another form here, and half a character, which JavaScript
//! writes where a text was cut, is none here at all. Nobody asked for either to change.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

/// How an element is indented in the file.
const INDENT: &str = "\n    ";

/// The text of each element that is not written as it was read, by the element itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Verbatim(HashMap<String, String>);

impl Verbatim {
    /// Whether every element is written as it was read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over what another knows and this one does not.
    pub(super) fn extend(&mut self, other: &Self) {
        for (value, text) in &other.0 {
            self.0.entry(value.clone()).or_insert_with(|| text.clone());
        }
    }

    /// Remembers the elements of a list of `text` that are not written as they stand there. `elements` are
    /// those of the list, in its order.
    pub(super) fn remember(&mut self, text: &str, list: &str, elements: &[Value]) {
        for (element, raw) in elements.iter().zip(elements_of(text, list)) {
            if written(element) != raw {
                self.0.insert(element.to_string(), raw.to_owned());
            }
        }
    }

    /// Writes a list as the value of a key.
    pub(super) fn write(&self, text: &mut String, key: &str, elements: &[Value]) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  \"{key}\": [");
        for (place, element) in elements.iter().enumerate() {
            text.push_str(if place == 0 { INDENT } else { ",\n    " });
            match self.0.get(&element.to_string()) {
                Some(raw) => text.push_str(raw),
                None => text.push_str(&written(element)),
            }
        }
        text.push_str(if elements.is_empty() { "]" } else { "\n  ]" });
    }
}

/// An element as the state's file has it.
fn written(element: &Value) -> String {
    format!("{element:#}").replace('\n', INDENT)
}

/// The text with U+FFFD in place of every half of a character; nothing where it has none.
pub(super) fn without_halves(text: &str) -> Option<String> {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    let mut has_half = false;
    while let Some(place) = rest.find('\\') {
        let (before, escape) = rest.split_at(place);
        whole.push_str(before);
        let (length, is_half) = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, false),
            (Some(0xd800..=0xdfff), _) => (6, true),
            _ => (escape.char_indices().nth(2).map_or(escape.len(), |(end, _)| end), false),
        };
        has_half |= is_half;
        whole.push_str(if is_half { "\\ufffd" } else { &escape[..length] });
        rest = &escape[length..];
    }
    whole.push_str(rest);
    has_half.then_some(whole)
}

/// The UTF-16 unit of an escape at the beginning of `text`.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

/// The texts of the elements of the list under a key of the outermost object. `text` is known to be JSON;
/// of a key that stands there twice, the last list counts.
fn elements_of<'t>(text: &'t str, list: &str) -> Vec<&'t str> {
    let mut found = Vec::new();
    let (mut depth, mut begin, mut is_wanted) = (0_usize, 0, false);
    let mut last_text = "";
    let mut places = text.bytes().enumerate();
    while let Some((place, byte)) = places.next() {
        match byte {
            b'"' => {
                let mut escaped = false;
                let end = places.find(|(_, byte)| {
                    let ends = *byte == b'"' && !escaped;
                    escaped = *byte == b'\\' && !escaped;
                    ends
                });
                last_text = end.map_or("", |(end, _)| &text[place + 1..end]);
            }
            b':' if depth == 1 => is_wanted = last_text == list,
            b'[' | b'{' => {
                depth += 1;
                if depth == 2 && is_wanted {
                    found.clear();
                    begin = place + 1;
                }
            }
            b',' | b']' if depth == 2 && is_wanted => {
                found.push(text[begin..place].trim());
                begin = place + 1;
                depth -= usize::from(byte == b']');
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found.retain(|element| !element.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::super::FlowClientState;
    use super::*;

    #[test]
    fn what_is_no_list_has_no_elements() {
        for text in ["{}", "{\"events\": []}", "{\"x\": {\"events\": [1]}}", "{\"x\": \"events\"}"] {
            assert_eq!(elements_of(text, "events"), [""; 0], "{text}");
        }
    }

    #[test]
    fn an_element_is_found_as_it_stands_whatever_is_in_its_texts() {
        let text = r#"{"a": [9], "events" : [ {"k": "]},\"[{"} ,[1, [2]], "x\\", 7 ], "runs": [3]}"#;
        assert_eq!(elements_of(text, "events"), [r#"{"k": "]},\"[{"}"#, "[1, [2]]", r#""x\\""#, "7"]);
        assert_eq!(elements_of(text, "runs"), ["3"]);
    }

    #[test]
    fn only_half_a_character_is_replaced() {
        for text in [r#""a\ud83d\ude00\n\\ud83d""#, "", "\\", "\\u12"] {
            assert_eq!(without_halves(text), None, "{text}");
        }
        assert_eq!(without_halves(r"\ud83d ü \ude00\ud83dx").unwrap(), r"\ufffd ü \ufffd\ufffdx");
    }

    #[test]
    fn numbers_and_halves_of_characters_of_another_program_stay_as_they_are() {
        let text = concat!(
            "{\n  \"events\": [\n    1e+21,\n    {\n      \"cut\": \"\\ud83d\",\n      \"n\": 0.30000000000000004\n    }\n  ],\n",
            "  \"runs\": [\n    100000000000000000000000,\n    {\"compact\":1.10}\n  ],\n  \"v\": 1\n}"
        );
        let state = FlowClientState::parse(text.as_bytes()).unwrap();
        assert_eq!(state.to_text(), text);
        let other = FlowClientState::parse(b"{\"events\":[],\"runs\":[2E2]}").unwrap();
        let united = FlowClientState::parse(state.union(&other).to_text().as_bytes()).unwrap();
        assert!(united.to_text().contains("    2E2\n") && united.to_text().contains("\"\\ud83d\""));
    }
}
