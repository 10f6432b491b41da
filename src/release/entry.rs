//! One entry of a feed, and the tag that it stands for.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::ids::TagName;

/// What a feed says about one release or push. Texts are bounded and hold no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The entry's id, the same for ever.
    pub(crate) id: String,
    /// What people call it. It is free text and never a tag.
    pub(crate) title: String,
    /// The page about it.
    pub(crate) url: Option<String>,
    /// Who made it.
    pub(crate) author: Option<String>,
    /// When it was published, where the feed says so in a way that can be read.
    pub(crate) published: Option<Timestamp>,
    /// When it was last changed, by the same condition.
    pub(crate) updated: Option<Timestamp>,
    /// The git tag, where id or link name one.
    pub(crate) tag: Option<TagName>,
}

impl Entry {
    /// When it came out: its first date, else its last change.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        self.published.or(self.updated)
    }
}

/// The git tag that an entry's id or link names. The title is never asked: it is free text.
///
/// - GitHub: `tag:github.com,2008:Repository/<number>/<tag>`, the tag raw, slashes included
/// - Gitea, Forgejo: `<number>: <page>`
/// - GitLab: the page itself
///
/// and a page is `…/releases/tag/<tag>` or `…/-/releases/<tag>`, percent-encoded.
pub(crate) fn tag_of(id: &str, link: Option<&str>) -> Option<TagName> {
    let raw = || {
        let (_, rest) = id.strip_prefix("tag:")?.split_once(":Repository/")?;
        let (number, tag) = rest.split_once('/')?;
        (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then(|| tag.parse().ok())?
    };
    let in_id = || match id.split_once(": ") {
        Some((number, page)) if number.bytes().all(|b| b.is_ascii_digit()) => tag_of_page(page),
        _ => tag_of_page(id),
    };
    raw().or_else(in_id).or_else(|| tag_of_page(link?))
}

fn tag_of_page(page: &str) -> Option<TagName> {
    let page = page.split(['?', '#']).next()?;
    let after = |marker: &str| page.split_once(marker).map(|(_, tag)| tag);
    let tag = after("/releases/tag/").or_else(|| after("/-/releases/"))?;
    percent_decode_str(tag.trim_end_matches('/')).decode_utf8().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_tag_comes_from_the_id_or_the_link_of_each_forge() {
        for (id, link, tag) in [
            ("tag:github.com,2008:Repository/965415649/rust-v0.130.0", None, Some("rust-v0.130.0")),
            ("tag:github.com,2008:Repository/1/pios/1.0", None, Some("pios/1.0")),
            (
                "tag:ghe.example.com,2008:Repository/7/v1%20",
                Some("https://ghe.example.com/o/r/releases/tag/v1"),
                Some("v1%20"),
            ),
            ("x", Some("https://github.com/o/r/releases/tag/pios%2F1.0"), Some("pios/1.0")),
            ("x", Some("/o/r/releases/tag/v1.0?a=b#c"), Some("v1.0")),
            ("4711: https://codeberg.org/forgejo/forgejo/releases/tag/v7.0.0", None, Some("v7.0.0")),
            ("https://gitlab.com/g/p/-/releases/v17%2B1", None, Some("v17+1")),
        ] {
            assert_eq!(tag_of(id, link).map(|tag| tag.to_string()).as_deref(), tag, "{id} {link:?}");
        }
    }

    #[test]
    fn what_names_no_tag_gives_none() {
        for (id, link) in [
            ("", None),
            ("0.130.0", None),
            ("tag:github.com,2008:Repository/965415649", None),
            ("tag:github.com,2008:Repository/965415649/", None),
            ("tag:github.com,2008:Grit::Commit/0123456789", Some("https://github.com/o/r/commit/0123456789")),
            ("12: https://example.com/v1", None),
            ("x", Some("https://github.com/o/r/releases/tag/..%2F..%2Fetc")),
            ("x", Some("https://github.com/o/r/releases/tag/a%0Ab")),
            ("x", Some("https://github.com/o/r/releases/tag/%ff")),
            ("tag:github.com,2008:Repository/1/--upload-pack=x", None),
        ] {
            assert_eq!(tag_of(id, link), None, "{id} {link:?}");
        }
    }

    proptest! {
        #[test]
        fn any_id_and_link_are_read_without_a_panic(id in any::<String>(), link in any::<Option<String>>()) {
            let _ = tag_of(&id, link.as_deref());
        }

        #[test]
        fn a_tag_survives_the_link(tag in "[a-z0-9]([+%_ü.-]?[a-z0-9]){0,5}(/[a-z0-9]{1,4})?") {
            prop_assume!(tag.parse::<TagName>().is_ok());
            let encoded = percent_encoding::utf8_percent_encode(&tag, percent_encoding::NON_ALPHANUMERIC);
            let link = format!("https://github.com/o/r/releases/tag/{encoded}");
            prop_assert_eq!(tag_of("x", Some(&link)).map(|tag| tag.to_string()), Some(tag));
        }
    }
}
