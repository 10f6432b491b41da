//! Changing one element of a list in a JSON file, and no other byte of it.
//!
//! People and other programs keep such files too: what they wrote, and how, is theirs.

use std::ops::Range;

use serde_json::Value;

/// What is done with a list's elements.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edit<'a> {
    /// The element goes before the one that has this place now, or to the end.
    Insert(usize, &'a Value),
    /// The element takes the place of this one.
    Replace(usize, &'a Value),
    /// This one goes.
    Remove(usize),
}

/// `text`, a JSON object with a list under `key`, with one element more or another one. Everything else
/// stays byte for byte. Where that cannot be had, the whole is written anew, two spaces a level.
///
/// None where `text` is no such object.
pub(crate) fn edited(text: &str, key: &str, edit: Edit<'_>) -> Option<String> {
    let mut expected: Value = serde_json::from_str(text).ok()?;
    let list = expected.get_mut(key)?.as_array_mut()?;
    match edit {
        Edit::Insert(at, item) => list.insert(at.min(list.len()), item.clone()),
        Edit::Replace(at, item) => item.clone_into(list.get_mut(at)?),
        Edit::Remove(at) if at < list.len() => drop(list.remove(at)),
        Edit::Remove(_) => return None,
    }
    let spliced = splice(text, key, edit);
    let is_right = |text: &String| serde_json::from_str::<Value>(text).is_ok_and(|found| found == expected);
    spliced.filter(is_right).or_else(|| serde_json::to_string_pretty(&expected).ok().map(|text| text + "\n"))
}

fn splice(text: &str, key: &str, edit: Edit<'_>) -> Option<String> {
    let list = find(text, key)?;
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let indent = list.items.first().and_then(|first| indent_before(text, first.start)).unwrap_or("    ");
    let element = |item: &Value| {
        let pretty = serde_json::to_string_pretty(item).unwrap_or_default();
        pretty.replace('\n', &format!("{end}{indent}"))
    };
    let (at, new) = match edit {
        Edit::Replace(at, item) => (list.items.get(at)?.clone(), element(item)),
        Edit::Remove(at) => (list.without(at)?, String::new()),
        Edit::Insert(at, item) => match list.items.get(at) {
            Some(next) => (next.start..next.start, format!("{},{end}{indent}", element(item))),
            None => match list.items.last() {
                Some(last) => (last.end..last.end, format!(",{end}{indent}{}", element(item))),
                None => {
                    let outer = indent.get(2..).unwrap_or_default();
                    (list.inside, format!("{end}{indent}{}{end}{outer}", element(item)))
                }
            },
        },
    };
    Some(format!("{}{new}{}", &text[..at.start], &text[at.end..]))
}

/// The blanks between the start of a line and `at`, where nothing else stands there.
fn indent_before(text: &str, at: usize) -> Option<&str> {
    let line = &text[text[..at].rfind('\n')? + 1..at];
    line.chars().all(|c| c == ' ' || c == '\t').then_some(line)
}

/// Where a list stands in a text.
struct List {
    /// What stands between the brackets.
    inside: Range<usize>,
    items: Vec<Range<usize>>,
}

impl List {
    /// What has to go so that the element does, with the comma and the blanks beside it.
    fn without(&self, at: usize) -> Option<Range<usize>> {
        let gone = self.items.get(at)?;
        Some(match (at.checked_sub(1), self.items.get(at + 1)) {
            (_, Some(next)) => gone.start..next.start,
            (Some(before), None) => self.items[before].end..gone.end,
            (None, None) => self.inside.clone(),
        })
    }
}

/// The list under `key` of the object `text`; of several, the last, which is what a parser takes.
fn find(text: &str, key: &str) -> Option<List> {
    let mut cursor = Cursor { text: text.as_bytes(), at: 0 };
    let mut found = None;
    cursor.expect(b'{')?;
    while cursor.peek()? != b'}' {
        let name = cursor.value()?;
        cursor.expect(b':')?;
        let is_it = serde_json::from_str::<String>(&text[name]).ok()? == key;
        if is_it && cursor.peek()? == b'[' {
            found = Some(cursor.list()?);
        } else {
            cursor.value()?;
        }
        if cursor.peek()? == b',' {
            cursor.at += 1;
        }
    }
    found
}

/// Walks over JSON that a parser has read before.
struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn list(&mut self) -> Option<List> {
        self.expect(b'[')?;
        let (begin, mut items) = (self.at, Vec::new());
        while self.peek()? != b']' {
            items.push(self.value()?);
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        let inside = begin..self.at;
        self.at += 1;
        Some(List { inside, items })
    }

    /// One value of any kind, from its first byte to behind its last.
    fn value(&mut self) -> Option<Range<usize>> {
        self.peek()?;
        let (begin, mut depth) = (self.at, 0_usize);
        loop {
            match self.text.get(self.at)? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ if depth == 0 => {
                    let is_word = |byte: &u8| !byte.is_ascii_whitespace() && !b",]}:".contains(byte);
                    while self.text.get(self.at).is_some_and(is_word) {
                        self.at += 1;
                    }
                }
                _ => self.at += 1,
            }
            if depth == 0 {
                return Some(begin..self.at);
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.text.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_object_with_that_list_is_not_edited() {
        for text in ["", "[]", "{}", r#"{"items": {}}"#, r#"{"item": []}"#, "{\"items\": [}"] {
            assert_eq!(edited(text, "items", Edit::Insert(0, &json!(1))), None, "{text}");
        }
        for edit in [Edit::Replace(1, &json!(1)), Edit::Remove(1)] {
            assert_eq!(edited(r#"{"items": [1]}"#, "items", edit), None);
        }
    }

    #[test]
    fn everything_but_the_one_element_stays_byte_for_byte() {
        let text =
            "{ \"x\":[ 1,2 ],\n\t\"items\": [\n\t\t{\"a\" : \"]\\\"}\"},\n\t\t{ }\n\t],\n\"y\" : -0.50e1}";
        let new = json!({"n": 1});
        let element = "{\n\t\t  \"n\": 1\n\t\t}";
        for (edit, expected) in [
            (
                Edit::Insert(0, &new),
                text.replace("{\"a\" : \"]\\\"}\"}", &format!("{element},\n\t\t{{\"a\" : \"]\\\"}}\"}}")),
            ),
            (Edit::Insert(2, &new), text.replace("{ }", &format!("{{ }},\n\t\t{element}"))),
            (Edit::Replace(1, &new), text.replace("{ }", element)),
            (Edit::Remove(0), text.replace("{\"a\" : \"]\\\"}\"},\n\t\t", "")),
            (Edit::Remove(1), text.replace(",\n\t\t{ }", "")),
        ] {
            assert_eq!(edited(text, "items", edit).unwrap(), expected);
        }
    }

    #[test]
    fn an_empty_list_gets_lines_of_its_own() {
        let edit = Edit::Insert(0, &json!({"n": 1}));
        let text = edited("{\n  \"items\": []\n}\n", "items", edit).unwrap();
        assert_eq!(text, "{\n  \"items\": [\n    {\n      \"n\": 1\n    }\n  ]\n}\n");
    }

    #[test]
    fn what_was_added_and_removed_leaves_no_trace() {
        let new = json!({"n": 1});
        for text in ["{\n  \"items\": [\n    {\n      \"a\": 1\n    }\n  ]\n}\n", "{\n  \"items\": []\n}\n"] {
            for at in 0..2 {
                let more = edited(text, "items", Edit::Insert(at, &new)).unwrap();
                let last =
                    serde_json::from_str::<Value>(&more).unwrap()["items"].as_array().unwrap().len() - 1;
                assert_eq!(edited(&more, "items", Edit::Remove(at.min(last))).unwrap(), text);
            }
        }
    }

    #[test]
    fn of_two_lists_under_one_key_the_one_that_counts_is_edited() {
        let text = edited(r#"{"items":[1],"items":[2]}"#, "items", Edit::Replace(0, &json!(3))).unwrap();
        assert_eq!(text, r#"{"items":[1],"items":[3]}"#);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~\n\"\\\\{}\\[\\]]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[a-z\"{,]{0,3}", inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn an_edited_text_says_what_the_edited_value_says(
            items in proptest::collection::vec(any_json(), 0..4),
            other in any_json(),
            new in any_json(),
            at in 0_usize..5,
            pretty in any::<bool>(),
        ) {
            let value = json!({"before": other, "items": items, "after": other});
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.unwrap();
            let spliced = splice(&text, "items", Edit::Insert(at, &new)).unwrap();
            let mut expected = value;
            let list = expected["items"].as_array_mut().unwrap();
            list.insert(at.min(list.len()), new);
            prop_assert_eq!(serde_json::from_str::<Value>(&spliced).unwrap(), expected);
        }
    }
}
