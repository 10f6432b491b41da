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

/// A stack of `patches`, of which some conflict, some wait and some are upstream's.
fn large(patches: u32) -> Document {
    let subject = "Teach the scheduler to keep its promises when two timers end in the same tick";
    let mut last_conflict = None;
    let all = (1..=patches)
        .map(|n| {
            let commit = format!("{n:040x}").parse().unwrap();
            let patch = match n % 29 {
                7 => sample::conflict(1, subject, &["src/scheduler/timers.rs"]),
                8 | 10 | 19 if last_conflict.is_some() => Patch {
                    verdict: Verdict::Blocked,
                    blocked_by: last_conflict,
                    new_commit: None,
                    ..sample::conflict(1, subject, &[])
                },
                13 => Patch { verdict: Verdict::Upstreamed, ..sample::conflict(1, subject, &[]) },
                _ => Patch {
                    verdict: Verdict::Clean,
                    new_commit: Some(commit),
                    culprit: None,
                    ..sample::conflict(1, subject, &[])
                },
            };
            if patch.verdict == Verdict::Conflict {
                last_conflict = Some(commit);
            }
            Patch { commit, ..patch }
        })
        .collect();
    let mut document = sample::about(sample::carry(all));
    document.status = Outcome::Incomplete;
    document
}

#[test]
fn ten_thousand_patches_are_still_a_page() {
    let page = html(&large(10_000), &Extras::default());
    assert!(page.len() < 6 << 20, "{} bytes", page.len());
    let part = page.len() / 10_000;
    assert!(part < 600, "{part} bytes a patch");
}

#[test]
fn the_page_asks_nobody_for_anything() {
    let page = html(&sample::document(), &extras());
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    assert!(page.contains(policy) && !page.contains("<script"), "{page}");
    assert!(!regex::Regex::new(r#"<[^>]* on[a-z]+="#).unwrap().is_match(&page), "{page}");
    for attribute in [
        "src=",
        "srcset=",
        "<iframe",
        "<object",
        "<embed",
        "<base",
        "<form",
        "@font-face",
        "http-equiv=\"refresh",
    ] {
        assert!(!page.contains(attribute), "{attribute}");
    }
    let links = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    assert!(links.into_iter().all(|link| link.starts_with('#')), "{page}");
}

/// The relative luminance of WCAG 2.2 of a colour `#rrggbb`.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

#[test]
fn every_text_stands_out_from_its_ground_by_day_and_by_night() {
    let themes: Vec<BTreeMap<&str, &str>> = STYLE
        .split(":root {")
        .skip(1)
        .map(|rest| {
            let block = rest.split('}').next().unwrap();
            block.split(';').filter_map(|pair| pair.trim().split_once(": ")).collect()
        })
        .collect();
    assert_eq!(themes.len(), 2);
    for theme in themes {
        for (text, ground, needed) in [
            ("--ink", "--page", 7.0),
            ("--ink", "--card", 7.0),
            ("--soft", "--page", 4.5),
            ("--soft", "--card", 4.5),
            ("--soft", "--none-bg", 4.5),
            ("--soft", "--before-bg", 4.5),
            ("--good", "--page", 4.5),
            ("--good", "--card", 4.5),
            ("--good", "--good-bg", 4.5),
            ("--same", "--page", 4.5),
            ("--same", "--card", 4.5),
            ("--same", "--same-bg", 4.5),
            ("--bad", "--page", 4.5),
            ("--bad", "--card", 4.5),
            ("--bad", "--bad-bg", 4.5),
            ("--wait", "--page", 4.5),
            ("--wait", "--card", 4.5),
            ("--wait", "--wait-bg", 4.5),
            ("--ink", "--release-bg", 4.5),
            ("--ink", "--patch-bg", 4.5),
            ("--wait-mark", "--page", 3.0),
            ("--none", "--page", 3.0),
        ] {
            let (one, other) = (luminance(theme[text]), luminance(theme[ground]));
            let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
            assert!(contrast >= needed, "{text} on {ground}: {contrast:.2}, and {needed} is needed");
        }
    }
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
            ("large", large(200)),
        ] {
            std::fs::write(folder.join(format!("{name}.html")), html(&document, &extras())).unwrap();
        }
    }
}
