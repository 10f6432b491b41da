//! Whether an attribute may say how a path is merged.
//!
//! git merges lines unless an attribute `merge` names another way (gitattributes(5)); `binary` is a macro
//! that holds it, and a repository may define more. Whether a pattern means a path is decided only where
//! that is plain. In doubt it does.

use std::collections::HashMap;

/// What the attributes files of a tree say, as far as it was asked. By directory; the root's path is empty.
#[derive(Debug, Default)]
pub(super) struct Known(pub(super) HashMap<Vec<u8>, Vec<Vec<u8>>>);

/// A file in a folder that may say something about the paths below it.
pub(super) const FILE: &[u8] = b".gitattributes";

/// The patterns of an attributes file whose lines may say how to merge.
pub(super) fn patterns(content: &[u8]) -> Vec<Vec<u8>> {
    let lines = content.split(|byte| *byte == b'\n').map(words);
    lines.filter_map(|line| pattern(&line)).collect()
}

/// The words of a line, as git separates them: other white space is part of a word.
fn words(line: &[u8]) -> Vec<&[u8]> {
    line.split(|byte| b" \t\r\n".contains(byte)).filter(|word| !word.is_empty()).collect()
}

fn pattern(line: &[&[u8]]) -> Option<Vec<u8>> {
    let (pattern, attributes) = line.split_first()?;
    if pattern.starts_with(b"#") {
        return None;
    }
    let is_about_merging = |word: &&[u8]| {
        let name = word.strip_prefix(b"-").or(word.strip_prefix(b"!")).unwrap_or(word);
        let name = name.split(|byte| *byte == b'=').next().unwrap_or(name);
        name == b"merge" || name == b"binary"
    };
    // A quoted pattern may hold spaces. What a macro means counts for whoever names it.
    let is_any = pattern.starts_with(b"\"") || pattern.starts_with(b"[attr]");
    let pattern = if is_any { b"*" } else { *pattern };
    attributes.iter().any(is_about_merging).then(|| pattern.to_vec())
}

/// Whether `pattern` may mean a path that ends with `name`: whether the name begins and ends as the
/// pattern's last part does.
pub(super) fn may_mean(pattern: &[u8], name: &[u8]) -> bool {
    let last = pattern.rsplit(|byte| *byte == b'/').next().unwrap_or(pattern);
    if last.is_empty() || pattern.iter().any(|byte| b"[]\\!".contains(byte)) {
        return true;
    }
    let is_wild = |byte: &u8| b"*?".contains(byte);
    let Some(first) = last.iter().position(is_wild) else { return last.eq_ignore_ascii_case(name) };
    let start = &last[..first];
    let end = last.rsplit(is_wild).next().unwrap_or_default();
    let fits = |part: Option<&[u8]>, want: &[u8]| part.is_some_and(|part| part.eq_ignore_ascii_case(want));
    fits(name.get(..start.len()), start)
        && fits(name.len().checked_sub(end.len()).map(|from| &name[from..]), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_about_merging_counts_and_only_for_the_paths_that_it_may_mean() {
        let file = b"# *.c merge=union\n*.png binary\n*.sh text eol=lf\n/docs/merge.txt whitespace\nCHANGES.md -merge\n";
        assert_eq!(patterns(file), [b"*.png".to_vec(), b"CHANGES.md".to_vec()]);
        assert!(may_mean(b"*.png", b"logo.PNG") && !may_mean(b"*.png", b"main.c"));
        assert!(may_mean(b"docs/CHANGES.md", b"CHANGES.md") && !may_mean(b"CHANGES.md", b"OLD-CHANGES.md"));
        assert!(
            may_mean(b"t/url-*", b"url-1") && !may_mean(b"t/url-*", b"main.c") && !may_mean(b"a?", b"ba")
        );
        for pattern in [&b"*"[..], b"doc/**", b"*.[ch]", b"m?in.c", b"dir/", b"**/m*c", b"\\main.c"] {
            assert!(may_mean(pattern, b"main.c"), "{pattern:?}");
        }
    }

    #[test]
    fn a_macro_and_a_quoted_pattern_count_for_every_path() {
        for line in [&b"[attr]ours merge=ours"[..], b"\"a b\" merge=union", b"[attr]bin binary"] {
            assert_eq!(patterns(line), [b"*".to_vec()]);
        }
    }
}
