//! File names made of other people's words.

/// The longest piece of a subject in a file name, in bytes. With its number and ending a name stays
/// far below the 255 bytes of common file systems.
const LONGEST: usize = 60;

/// The file of patch `number` of the stack, such as `0007-Rename-the-flag.patch`.
///
/// The number is the patch's place in the stack and not in the candidate, so that a patch has one
/// number in every report; the files still sort in the order in which they apply.
pub(crate) fn patch_file_name(number: usize, subject: &str) -> String {
    numbered(number, subject) + ".patch"
}

/// The folder of the conflict of patch `number`, such as `0007-Rename-the-flag`.
pub(crate) fn conflict_dir(number: usize, subject: &str) -> String {
    numbered(number, subject)
}

/// The log of a check, such as `unit-tests.log`. `taken` are the names given before it: where two
/// checks would share one, the later gets a number.
pub(crate) fn check_log_name(name: &str, taken: &[String]) -> String {
    let stem = words(name);
    let stem = if stem.is_empty() { "check".to_owned() } else { stem };
    let is_taken = |candidate: &str| taken.iter().any(|other| other.eq_ignore_ascii_case(candidate));
    let names = std::iter::once(format!("{stem}.log")).chain((2..).map(|n| format!("{stem}-{n}.log")));
    names.into_iter().find(|name| !is_taken(name)).unwrap_or_else(|| format!("{stem}.log"))
}

/// `text` on one line, without characters that control anything.
pub(super) fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.trim().to_owned()
}

fn numbered(number: usize, subject: &str) -> String {
    let words = words(subject);
    if words.is_empty() { format!("{number:04}") } else { format!("{number:04}-{words}") }
}

/// Letters and digits of any script, with `-` for every run of anything else. Dots and underscores
/// stay inside a word, so that a version remains readable and no name begins with a dot.
fn words(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        let after_letter = name.chars().next_back().is_some_and(char::is_alphanumeric);
        let next = match c {
            c if c.is_alphanumeric() => c,
            '.' | '_' if after_letter => c,
            _ if after_letter || name.ends_with(['.', '_']) => '-',
            _ => continue,
        };
        if name.len() + next.len_utf8() > LONGEST {
            break;
        }
        name.push(next);
    }
    name.trim_end_matches(['-', '.', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RelPath;

    #[test]
    fn a_hostile_subject_gives_a_harmless_file_name() {
        for (subject, name) in [
            ("../../etc/passwd", "0001-etc-passwd.patch"),
            (".git/hooks", "0001-git-hooks.patch"),
            ("\u{202e}gnp.exe\u{0}\n::set-output::", "0001-gnp.exe-set-output.patch"),
            ("...", "0001.patch"),
            ("", "0001.patch"),
            ("-rf *", "0001-rf.patch"),
            ("Färbe die Ausgabe", "0001-Färbe-die-Ausgabe.patch"),
            ("Update to v1.2.3...", "0001-Update-to-v1.2.3.patch"),
        ] {
            assert_eq!(patch_file_name(1, subject), name, "{subject:?}");
            assert!(name.parse::<RelPath>().is_ok());
        }
    }

    #[test]
    fn a_long_subject_is_cut_between_letters() {
        let name = patch_file_name(12, &"漢字".repeat(500));
        assert!(name.len() <= LONGEST + "0012-.patch".len(), "{name}");
        assert!(name.starts_with("0012-漢字"), "{name}");
    }

    #[test]
    fn two_checks_never_share_a_log() {
        let mut taken = Vec::new();
        for name in ["unit tests", "unit/tests", "Unit tests", "///"] {
            taken.push(check_log_name(name, &taken));
        }
        assert_eq!(taken, ["unit-tests.log", "unit-tests-2.log", "Unit-tests-3.log", "check.log"]);
    }
}
