use super::lines::merge;

fn merged(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let text =
        |letters: &str| letters.chars().map(|letter| format!("{letter}\n")).collect::<String>().into_bytes();
    let merged = merge(&text(base), &text(ours), &text(theirs))?;
    Some(String::from_utf8(merged).unwrap().replace('\n', ""))
}

#[test]
fn changes_that_meet_are_gits() {
    assert_eq!(merged("abc", "aBc", "abC"), None, "nothing lies between them");
    assert_eq!(merged("abcd", "aXbcd", "aYbcd"), None);
}

#[test]
fn what_both_sides_did_is_done_once() {
    assert_eq!(merged("abc", "aBc", "aBc"), Some("aBc".to_owned()));
    assert_eq!(merged("abcde", "aBcde", "aBcdE"), Some("aBcdE".to_owned()));
    assert_eq!(merged("abcde", "AbXcde", "abXcdE"), Some("AbXcdE".to_owned()));
    assert_eq!(merged("abcd", "abd", "abD"), None, "the other change lies beside it");
    assert_eq!(merged("abcdef", "Abdef", "abdeF"), Some("AbdeF".to_owned()));
    assert_eq!(
        merged("abxcde", "abxxcde", "abxxcdE"),
        None,
        "one more x may stand before or behind the other"
    );
}

#[test]
fn a_change_that_can_slide_to_the_other_side_is_gits() {
    // One more x may stand anywhere among the others, the last of which theirs changes the neighbour of.
    assert_eq!(merged("abxxxc", "abxxxxc", "abxxxC"), None);
    assert_eq!(merged("abxxxc", "abxxxxc", "Abxxxc"), Some("Abxxxxc".to_owned()));
    // xqx slides up to p and down to the last x but one, and no further.
    assert_eq!(merged("pxqxqxr", "pxqxxqxqxr", "pxqxqxR"), Some("pxqxxqxqxR".to_owned()));
}

#[test]
fn changes_with_a_line_in_between_are_merged() {
    assert_eq!(merged("abc", "Abc", "abC"), Some("AbC".to_owned()));
    assert_eq!(merged("abcdefg", "XabceFg", "abcdefgZ"), Some("XabceFgZ".to_owned()));
    assert_eq!(merged("abcdefgh", "abdefgh", "abcdefgXh"), Some("abdefgXh".to_owned()));
}

#[test]
fn a_last_line_without_its_end_is_another_line() {
    assert_eq!(merge(b"a\nb\nc", b"a\nb\nc\n", b"A\nb\nc"), Some(b"A\nb\nc\n".to_vec()));
    assert_eq!(merge(b"a\nb\nc", b"a\nb\nc\n", b"a\nb\nC"), None);
}
