//! The head of a git bundle, which says what is in it.
//!
//! Format: gitformat-bundle(5).

use crate::candidate::NamedRef;
use crate::candidate::refusal::{Refusal, quoted};
use crate::ids::{CommitId, ObjectId, RefName};

/// The longest head that is looked at, in bytes: a candidate has two refs and one prerequisite.
pub(crate) const LONGEST_HEAD: u64 = 64 << 10;

/// The head of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    needs: Vec<ObjectId>,
    refs: Vec<(RefName, ObjectId)>,
    /// How many objects the pack behind it says that it holds.
    pub(crate) objects: u32,
}

impl Head {
    /// Reads the beginning of a bundle.
    ///
    /// # Errors
    /// Where it is none, is longer than `bytes`, or names a ref as git would not.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let wrong = |why| Refusal::BundleHeader { why };
        let mut rest = bytes;
        let mut line = || {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            rest = after;
            Some(line)
        };
        let signature = line().ok_or(wrong("it has no first line"))?;
        let version = match signature {
            b"# v2 git bundle" => 2,
            b"# v3 git bundle" => 3,
            _ => return Err(wrong("its first line does not say so")),
        };
        let (mut needs, mut refs) = (Vec::new(), Vec::new());
        loop {
            let line = line().ok_or(wrong("its head does not end"))?;
            match line.first() {
                None => break,
                Some(b'@') if version == 3 && line == b"@object-format=sha1" => {}
                Some(b'@') => return Err(wrong("it asks for what patch-moi does not know")),
                Some(b'-') => needs.push(id(line.get(1..41)).ok_or(wrong("a prerequisite is no object id"))?),
                Some(_) => refs.push(named(line)?),
            }
        }
        let pack = rest.get(..12).filter(|pack| pack.starts_with(b"PACK")).ok_or(wrong("it has no pack"))?;
        let objects = pack[8..12].iter().fold(0, |count, byte| count << 8 | u32::from(*byte));
        Ok(Self { needs, refs, objects })
    }

    /// Checks that the bundle is for whoever has `onto`, and that it names nothing but `known`.
    ///
    /// # Errors
    /// The first thing that is not so.
    pub(crate) fn is_for(&self, known: &[RefName], onto: CommitId) -> Result<(), Refusal> {
        if let Some((name, _)) = self.refs.iter().find(|(name, _)| !known.contains(name)) {
            return Err(Refusal::BundleExtraRef { name: name.clone() });
        }
        self.needs_only(onto)
    }

    /// Checks that the bundle holds `expected` and nothing else, for whoever has `onto`.
    ///
    /// # Errors
    /// The first thing that is not so.
    pub(crate) fn holds(&self, expected: &[NamedRef], onto: CommitId) -> Result<(), Refusal> {
        for (name, found) in &self.refs {
            let Some(wanted) = expected.iter().find(|wanted| wanted.name == *name) else {
                return Err(Refusal::BundleExtraRef { name: name.clone() });
            };
            if *found != wanted.commit.object() {
                return Err(Refusal::BundleRef {
                    name: name.clone(),
                    found: *found,
                    expected: wanted.commit,
                });
            }
        }
        if let Some(lacks) =
            expected.iter().find(|wanted| !self.refs.iter().any(|(name, _)| *name == wanted.name))
        {
            return Err(Refusal::BundleNoRef { name: lacks.name.clone() });
        }
        if self.refs.len() != expected.len() {
            return Err(Refusal::BundleHeader { why: "it names a ref twice" });
        }
        self.needs_only(onto)
    }

    fn needs_only(&self, onto: CommitId) -> Result<(), Refusal> {
        if self.needs != [onto.object()] {
            let found = match &self.needs[..] {
                [] => "nothing".to_owned(),
                [one] => one.to_string(),
                several => format!("{} commits", several.len()),
            };
            return Err(Refusal::BundleNeeds { found, onto });
        }
        Ok(())
    }
}

fn id(bytes: Option<&[u8]>) -> Option<ObjectId> {
    std::str::from_utf8(bytes?).ok()?.parse().ok()
}

fn named(line: &[u8]) -> Result<(RefName, ObjectId), Refusal> {
    let id = id(line.get(..40)).filter(|_| line.get(40) == Some(&b' '));
    let id = id.ok_or(Refusal::BundleHeader { why: "a ref has no object id" })?;
    let name = String::from_utf8_lossy(&line[41..]);
    let parsed = name.parse().map_err(|_| Refusal::BundleRefName { name: quoted(&name) })?;
    Ok((parsed, id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::sample::commit;

    fn head(lines: &[&str]) -> Vec<u8> {
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let mut bytes = format!("# v2 git bundle\n{lines}\n").into_bytes();
        bytes.extend(b"PACK\0\0\0\x02\0\0\x01\x02rest");
        bytes
    }

    fn wanted() -> NamedRef {
        NamedRef { name: "refs/patch-moi/candidate/v2".parse().unwrap(), commit: commit(2) }
    }

    fn code(lines: &[&str]) -> &'static str {
        let head = Head::parse(&head(lines)).and_then(|head| head.holds(&[wanted()], commit(1)));
        head.map_or_else(|refusal| refusal.code(), |()| "")
    }

    #[test]
    fn only_the_very_refs_and_the_one_prerequisite_pass() {
        let (one, two) = (commit(1), commit(2));
        let (needs, good) = (format!("-{one} Release v2"), format!("{two} refs/patch-moi/candidate/v2"));
        assert_eq!(code(&[&needs, &good]), "");

        let other = format!("{one} refs/patch-moi/candidate/v2");
        let extra = format!("{two} refs/heads/main");
        assert_eq!(code(&[&needs]), "bundle-no-ref");
        assert_eq!(code(&[&needs, &other]), "bundle-ref");
        assert_eq!(code(&[&needs, &good, &extra]), "bundle-extra-ref");
        assert_eq!(code(&[&needs, &good, &good]), "bundle-header");
        assert_eq!(code(&[&good]), "bundle-needs");
        assert_eq!(code(&[&needs, &format!("-{two} x"), &good]), "bundle-needs");
        for name in
            ["refs/heads/../../x", "refs/heads/a b", "HEAD", "--upload-pack=x", "refs/heads/\u{1b}[31m"]
        {
            assert_eq!(code(&[&needs, &good, &format!("{two} {name}")]), "bundle-ref-name", "{name}");
        }
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        for bytes in [
            &b""[..],
            b"# v1 git bundle\n\nPACK",
            b"# v2 git bundle\n",
            b"# v2 git bundle\n\nPICK",
            b"# v2 git bundle\n@filter=blob:none\n\n",
            b"# v2 git bundle\nshort\n\n",
        ] {
            assert_eq!(Head::parse(bytes).unwrap_err().code(), "bundle-header", "{bytes:?}");
        }
        let needs = format!("-{} Release v2", commit(1));
        assert_eq!(Head::parse(&head(&[&needs])).unwrap().objects, 258);
    }
}
