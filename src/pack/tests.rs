//! Stories about the lock, its hashes, and which flows may run.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::hash::content_hash;
use super::*;
use crate::flow::{Flow, ManifestError, Origin, Standing};
use crate::ids::Digest;

const MANIFEST: &str = "name = \"f\"\nversion = 1\n[[steps]]\nname = \"s\"\nrunner = \"patch-stack\"\n";

/// As codex-flows wrote it for patch.moi, with a source of each shape.
const LOCK: &str = r#"{
  "version": 1,
  "items": [
    {
      "name": "f",
      "kind": "flow",
      "source": {
        "input": "../codex-flows",
        "type": "local",
        "commit": "a96a005617d18d95d6746efdbd6a1f7bcd70ca49"
      },
      "sourcePath": "flows/f",
      "destinationPath": ".codex/flows/f",
      "contentHash": "sha256:5fcb04e9525e94c24ca319fcefc99fd05ed973e9c640a5e27629e263f13ca968",
      "installedAt": "2026-05-18T00:04:17.788Z"
    },
    {
      "name": "a",
      "kind": "skill",
      "source": {
        "input": "o/n",
        "type": "github",
        "url": "https://github.com/o/n.git",
        "ref": "v1"
      },
      "sourcePath": "skills/a",
      "destinationPath": ".agents/skills/a",
      "contentHash": "sha256:521e7766cd1888fd54fc0c10a6d2a3a7f235d9a7c8aa2577b4f4681e3a8fdabe",
      "installedAt": "2026-05-18T00:04:17.788Z"
    }
  ]
}
"#;

fn lock(text: &str) -> Lock {
    Lock::parse(text, Path::new(".codex/pack-lock.json")).unwrap()
}

fn contents(files: &[(&str, &str)]) -> Contents {
    let file = |(path, text): &(&str, &str)| ((*path).to_owned(), Digest::of(text.as_bytes()));
    Contents { files: files.iter().map(file).collect(), links: Vec::new() }
}

fn hash(contents: &Contents) -> Digest {
    content_hash(contents.files.iter().map(|(path, digest)| (path.as_str(), digest)))
}

fn found(origin: Origin, folder: &str) -> FoundFlow {
    FoundFlow {
        origin,
        folder: folder.to_owned(),
        root: PathBuf::from(folder),
        manifest_file: PathBuf::from(folder).join("flow.toml"),
        manifest: Ok(MANIFEST.to_owned()),
        contents: Ok(contents(&[("flow.toml", MANIFEST)])),
    }
}

fn lock_for(folder: &str, name: &str, hash: &Digest) -> Lock {
    let mut value: Value = serde_json::from_str(LOCK).unwrap();
    value["items"][0]["name"] = json!(name);
    value["items"][0]["destinationPath"] = json!(format!(".codex/flows/{folder}"));
    value["items"][0]["contentHash"] = json!(hash.to_string());
    lock(&value.to_string())
}

fn standing(flow: FoundFlow, lock: Option<&Lock>) -> Standing {
    active(vec![flow], lock).remove(0).standing
}

#[test]
fn a_lock_that_is_no_json_names_file_line_and_column() {
    let error = Lock::parse("{\n  \"items\": [,]\n}", Path::new(".codex/pack-lock.json")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to parse .codex/pack-lock.json: expected value at line 2 column 13"
    );
    assert!(error.hint().is_some());
}

#[test]
fn json_that_is_no_lock_is_told_apart() {
    for (text, what) in
        [("[]", "no JSON object"), ("{}", "no list called `items`"), ("{\"items\": {}}", "no list")]
    {
        let error = Lock::parse(text, Path::new("l")).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn an_item_that_cannot_be_used_is_a_warning_and_pins_nothing() {
    for (key, value, expected) in [
        ("contentHash", Value::Null, "items[0] `f` is not used: invalid type: null, expected a string"),
        ("contentHash", json!("sha256:12"), "items[0] `f` is not used: `sha256:12` is not a digest"),
        ("kind", json!("wizard"), "items[0] `f` is not used: unknown variant `wizard`"),
        ("source", json!({"input": "x"}), "items[0] `f` is not used: missing field `type`"),
    ] {
        let mut document: Value = serde_json::from_str(LOCK).unwrap();
        document["items"][0][key] = value;
        let lock = lock(&document.to_string());
        assert!(lock.warnings[0].starts_with(expected), "{:?}", lock.warnings);
        assert_eq!(lock.items.len(), 1);
        assert_eq!(standing(found(Origin::Installed, "f"), Some(&lock)), Standing::NotInLock);
    }
    let mut document: Value = serde_json::from_str(LOCK).unwrap();
    document["items"][0].as_object_mut().unwrap().remove("installedAt");
    document["version"] = json!(2);
    let lock = lock(&document.to_string());
    assert_eq!(lock.warnings[0], "the lock's version is 2, and only 1 is known");
    assert_eq!(lock.warnings[1], "items[0] `f` is not used: missing field `installedAt`");
}

#[test]
fn a_second_item_of_one_name_is_not_used() {
    let mut document: Value = serde_json::from_str(LOCK).unwrap();
    document["items"][1] = document["items"][0].clone();
    let lock = lock(&document.to_string());
    assert_eq!(lock.items.len(), 1);
    assert_eq!(lock.warnings, ["items[1] is not used: flow `f` stands in the lock before it"]);
}

#[test]
fn the_published_schema_accepts_a_lock_and_refuses_half_of_one() {
    let validator = jsonschema::validator_for(&lock_schema()).unwrap();
    let mut document: Value = serde_json::from_str(LOCK).unwrap();
    assert!(validator.is_valid(&document));
    document["items"][0].as_object_mut().unwrap().remove("contentHash");
    assert!(!validator.is_valid(&document));
}

/// The expected digests were computed by a program of another language, in an order written by hand.
#[test]
fn a_content_hash_follows_the_collation_and_not_the_bytes() {
    let two = contents(&[("sub/Z.txt", ""), ("sub/a.txt", "")]);
    assert_eq!(hash(&two).hex(), "ae90ad49c2e885f98ad7db80783a6cb6a27029664ced0fbcc5c63914ca5df0db");

    let many = contents(&[
        ("sub.txt", "beside\n"),
        ("sub/Z.txt", "large\n"),
        ("flow.toml", "name = \"x\"\n"),
        ("a-b.txt", "2\n"),
        ("sub/a.txt", "small\n"),
        ("a_b.txt", "1\n"),
    ]);
    assert_eq!(hash(&many).hex(), "840e02b3c8fbcaa84377b3b31e808f32ef9998f580bfe2dbf9e2ecc89d75c9fd");
}

#[test]
fn an_installed_flow_runs_only_where_the_lock_has_its_contents() {
    let here = hash(&contents(&[("flow.toml", MANIFEST)]));
    let other = Digest::of(b"other");
    let flow = || found(Origin::Installed, "f");

    assert_eq!(standing(flow(), None), Standing::NoLock);
    assert_eq!(standing(flow(), Some(&lock_for("g", "g", &here))), Standing::NotInLock);
    let differs = standing(flow(), Some(&lock_for("f", "f", &other)));
    assert_eq!(differs, Standing::Differs { expected: other.clone(), actual: here.clone() });
    assert!(differs.hint().is_some());
    let unread = FoundFlow { contents: Err("too many files".into()), ..flow() };
    assert_eq!(
        standing(unread, Some(&lock_for("f", "f", &here))),
        Standing::Unread { why: "too many files".into() }
    );
    assert_eq!(standing(flow(), Some(&lock_for("f", "x", &here))), Standing::Pinned, "by its destination");
    assert_eq!(standing(flow(), Some(&lock_for("x", "f", &here))), Standing::Pinned, "by its name");
}

#[test]
fn a_skill_of_the_same_name_pins_no_flow() {
    let here = hash(&contents(&[("flow.toml", MANIFEST)]));
    let mut lock = lock_for("f", "f", &here);
    lock.items[0].kind = lock.items[1].kind;
    assert_eq!(standing(found(Origin::Installed, "f"), Some(&lock)), Standing::NotInLock);
}

#[test]
fn a_source_flow_needs_no_lock() {
    let flow = active(vec![found(Origin::Source, "f")], None).remove(0);
    assert_eq!(flow.standing, Standing::SourceOwned);
    assert_eq!(flow.digest, Some(hash(&contents(&[("flow.toml", MANIFEST)]))));

    let large = FoundFlow { contents: Err("too many files".into()), ..found(Origin::Source, "f") };
    let flow = active(vec![large], None).remove(0);
    assert_eq!(flow.digest, Some(Digest::of(MANIFEST.as_bytes())), "it is known by its manifest at least");
    assert_eq!(flow.notes, ["only its flow.toml counts as its contents: too many files"]);
}

#[test]
fn a_link_that_no_hash_covers_is_noted() {
    let links = Contents { links: vec!["exec/\u{1b}x".into()], ..contents(&[("flow.toml", MANIFEST)]) };
    let flow =
        active(vec![FoundFlow { contents: Ok(links), ..found(Origin::Installed, "f") }], None).remove(0);
    assert_eq!(flow.notes, ["the content hash does not cover the link exec/\\u{1b}x"]);
}

#[test]
fn the_digest_of_all_flows_changes_with_what_may_run_and_with_nothing_else() {
    let broken = |found: FoundFlow| {
        let why = ManifestError::NoSteps { file: "flow.toml".into() };
        FoundFlow { manifest: Err(why), ..found }
    };
    let named = |name: &str, origin| {
        let text = MANIFEST.replace("\"f\"", &format!("\"{name}\""));
        FoundFlow { manifest: Ok(text), ..found(origin, name) }
    };
    let flows = |found: Vec<FoundFlow>| -> Vec<Flow> { active(found, None) };
    let base = flows_digest(&flows(vec![named("a", Origin::Source), named("b", Origin::Source)]));

    let same = [
        vec![named("b", Origin::Source), named("a", Origin::Source)],
        vec![named("a", Origin::Source), named("b", Origin::Source), broken(named("c", Origin::Source))],
        vec![named("a", Origin::Source), named("b", Origin::Source), named("b", Origin::Source)],
        vec![named("a", Origin::Source), named("b", Origin::Source), named("c", Origin::Installed)],
        vec![
            FoundFlow { root: "/elsewhere".into(), ..named("a", Origin::Source) },
            named("b", Origin::Source),
        ],
    ];
    for found in same {
        assert_eq!(flows_digest(&flows(found)), base);
    }
    let changed = FoundFlow {
        contents: Ok(contents(&[("flow.toml", MANIFEST), ("x", "")])),
        ..named("b", Origin::Source)
    };
    for found in [vec![], vec![named("a", Origin::Source)], vec![named("a", Origin::Source), changed]] {
        assert_ne!(flows_digest(&flows(found)), base);
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = Lock::parse(&text, Path::new("l")).map_err(|error| (error.to_string(), error.hint()));
    }

    #[test]
    fn no_damage_to_a_good_lock_makes_the_reader_panic(at in 0..LOCK.len(), cut in 0usize..40, put in "[\\[\\]{}:,\"0-9a-z]{0,4}") {
        let mut text = LOCK.to_owned();
        text.replace_range(at..(at + cut).min(LOCK.len()), &put);
        let _ = Lock::parse(&text, Path::new("l"));
    }

    #[test]
    fn a_content_hash_does_not_depend_on_the_order_of_discovery(
        mut files in proptest::collection::vec(("[a-bA-B]{1,2}(/[a-bA-B._-]{1,3}){0,2}", "[a-b]{0,2}"), 0..8),
        seed in any::<prop::sample::Index>(),
    ) {
        files.sort();
        files.dedup_by(|a, b| a.0 == b.0);
        let digests: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), Digest::of(text.as_bytes()))).collect();
        let mut turned: Vec<_> = digests.iter().map(|(path, digest)| (*path, digest)).collect();
        let before = content_hash(turned.clone());
        if !turned.is_empty() {
            let by = seed.index(turned.len());
            turned.rotate_left(by);
        }
        prop_assert_eq!(content_hash(turned), before);
    }
}
