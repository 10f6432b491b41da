use super::*;
use crate::candidate::sample;
use crate::report::tests::hostile;

const EXCERPT: &str = "fn main() {\n<<<<<<< v1.1.0\n    let args = Args::parse_strict();\n||||||| base\n    let args = \
                       Args::parse();\n=======\n    let arguments = Args::parse();\n>>>>>>> Rename the flag\n}\n";

fn extras() -> Extras {
    let key = (sample::commit(7), "src/args.rs".to_owned());
    Extras { excerpts: [(key, EXCERPT.to_owned())].into() }
}

#[test]
fn the_page_holds_every_patch_once_and_loads_nothing() {
    let page = html(&sample::document(), &extras());
    for number in 1..=12 {
        assert_eq!(page.matches(&format!("<td class=\"number\">{number:04}</td>")).count(), 1, "{number}");
    }
    for word in ["<script", "<link", "<img", "src=", "@import", "url("] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn a_conflict_shows_its_lines_and_who_waits_for_it() {
    let page = html(&sample::document(), &extras());
    assert!(page.contains(r#"<span class="release">    let args = Args::parse_strict();"#), "{page}");
    assert!(page.contains(r#"<span class="before">    let args = Args::parse();"#), "{page}");
    assert!(page.contains(r#"<span class="patch">    let arguments = Args::parse();"#), "{page}");
    assert!(page.contains("Waiting for it: "), "{page}");
}

#[test]
fn hostile_words_are_text_on_the_page() {
    let run = hostile();
    let document = run.events[0].steps[0].document.as_deref().unwrap();
    let excerpts = [((sample::commit(1), sample::HOSTILE.to_owned()), sample::HOSTILE.repeat(500))].into();
    let page = html(document, &Extras { excerpts });
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'), "{page}");
}

#[test]
fn a_page_about_nothing_is_a_page() {
    let mut document = sample::about(sample::carry(Vec::new()));
    document.status = Outcome::Adopted;
    document.checks.clear();
    let page = html(&document, &Extras::default());
    assert!(page.contains("there is nothing to carry") && !page.contains("<table"), "{page}");
}

mod picture_for_people {
    #![expect(clippy::disallowed_methods, reason = "writes pages to look at, only where a folder is named")]
    use super::*;

    /// `LOOK_AT=/tmp/pages cargo test --lib pages_to_look_at` leaves pages for a browser.
    #[test]
    fn pages_to_look_at() {
        let Some(folder) = std::env::var_os("LOOK_AT") else { return };
        let folder = std::path::PathBuf::from(folder);
        let run = hostile();
        let hostile = run.events[0].steps[0].document.as_deref().unwrap().clone();
        for (name, document) in [
            ("conflict", sample::document()),
            ("complete", sample::about(sample::complete())),
            ("hostile", hostile),
        ] {
            std::fs::write(folder.join(format!("{name}.html")), html(&document, &extras())).unwrap();
        }
    }
}
