//! Commits rebuilt byte for byte.

use crate::ids::{CommitId, ObjectId};
use crate::stack::{Committer, RawCommit, StackError, empty_tree};

const ID: CommitId = CommitId::new(ObjectId::from_bytes([7; 20]));
const PARENT: &str = "1111111111111111111111111111111111111111";

fn parse(content: &[u8]) -> RawCommit {
    RawCommit::parse(ID, content).unwrap()
}

/// A commit with this committer date, and these headers after the committer.
fn with(date: &str, headers: &[u8], message: &[u8]) -> Vec<u8> {
    let head =
        format!("tree {}\nparent {PARENT}\nauthor A <a@x> 5 -0330\ncommitter C <c@x> {date}\n", empty_tree());
    [head.as_bytes(), headers, b"\n", message].concat()
}

fn rebuilt(commit: &[u8], onto: &[u8]) -> String {
    let new = parse(commit).rebuild(empty_tree(), &[ID], &"Bot <bot@x>".parse().unwrap(), &parse(onto));
    String::from_utf8_lossy(&new).into_owned()
}

#[test]
fn a_commit_that_cannot_be_read_is_named() {
    for content in ["", "parent x\n\n", "tree x\n\n", &format!("tree {}\nparent x\n\n", empty_tree())] {
        let found = RawCommit::parse(ID, content.as_bytes());
        assert!(matches!(found, Err(StackError::Malformed { commit: ID, .. })), "{content:?}");
    }
}

#[test]
fn a_commit_without_an_author_can_be_read_and_is_no_patch() {
    let commit = parse(format!("tree {}\n\nsubject\n", empty_tree()).as_bytes());
    assert_eq!((commit.subject().as_str(), commit.author().as_str()), ("subject", ""));
    assert!(matches!(commit.must_be_whole(ID), Err(StackError::Malformed { why: "it has no author", .. })));
}

#[test]
fn everything_but_parents_committer_and_signatures_stays_as_it_is() {
    let odd = b"encoding ISO-8859-1\nmergetag object 1\n type commit\n \n gone\nHG:extra a\\x00b\n\
        gpgsig -----BEGIN\n gone\n -----END\nlonely\nchange-id zyx\n continued\ngpgsig-sha256 x\n";
    let message: &[u8] = b"caf\xe9\0\n\n\n body \n\ntree x\nno end";
    let content = [
        format!("tree {}\nparent {PARENT}\nparent {PARENT}\n", empty_tree()).as_bytes(),
        b"author Jos\xe9  <j@x> 5 +051800\ncommitter Jos\xe9 <j@x> 9 -0000\n",
        odd,
        b"\n",
        message,
    ]
    .concat();
    let commit = parse(&content);
    assert_eq!(commit.signatures(), 3);
    let new =
        commit.rebuild(empty_tree(), &[ID, ID], &Committer::default(), &parse(&with("1 +0000", b"", b"")));

    let expected = [
        format!("tree {}\nparent {ID}\nparent {ID}\n", empty_tree()).as_bytes(),
        b"author Jos\xe9  <j@x> 5 +051800\n",
        format!("committer {} 9 -0000\n", Committer::default()).as_bytes(),
        b"encoding ISO-8859-1\nHG:extra a\\x00b\nlonely\nchange-id zyx\n continued\n\n",
        message,
    ]
    .concat();
    assert_eq!(String::from_utf8_lossy(&new), String::from_utf8_lossy(&expected));
    assert_eq!(new, expected);
}

#[test]
fn the_committer_date_is_the_later_one_and_the_releases_on_a_tie() {
    for (own, onto, expected) in [
        ("9 +0100", "5 +0200", "9 +0100"),
        ("5 +0100", "9 +0200", "9 +0200"),
        ("9 +0100", "9 +0200", "9 +0200"),
        ("-9 +0100", "-10 +0200", "-9 +0100"),
        ("9 -7530", "5 +0000", "9 -7530"),
        ("never", "5 +0200", "5 +0200"),
        ("99999999999999999999 +0000", "5 +0200", "5 +0200"),
        ("9 +0100", "", "9 +0100"),
        ("", "", "0 +0000"),
    ] {
        let new = rebuilt(&with(own, b"", b"x\n"), &with(onto, b"", b""));
        assert!(new.contains(&format!("\ncommitter Bot <bot@x> {expected}\n")), "{own} on {onto}: {new}");
    }
}

#[test]
fn a_subject_is_the_first_paragraph_in_one_line() {
    for (message, subject) in [
        ("one\n\ntwo\n", "one"),
        ("one \ntwo\n\nthree", "one two"),
        ("\n\n one\r\n\r\ntwo", " one"),
        ("", ""),
    ] {
        assert_eq!(parse(&with("1 +0000", b"", message.as_bytes())).subject(), subject, "{message:?}");
    }
    assert_eq!(parse(&with("1 +0000", b"encoding iso-8859-1\n", b"caf\xe9")).subject(), "café");
    assert_eq!(parse(&with("1 +0000", b"", b"caf\xe9")).subject(), "caf\u{fffd}");
}

#[test]
fn a_committer_is_a_name_and_an_address_and_nothing_that_breaks_a_line() {
    for text in ["", "Name", "<a@x>", "Name <>", "Name <a@x", "N\nx <a@x>", "N <a@x> 5 +0000", "N <<a@x>>"] {
        assert!(text.parse::<Committer>().is_err(), "{text:?}");
    }
    assert_eq!(" Tea Room  < tea@x > ".parse::<Committer>().unwrap().to_string(), "Tea Room <tea@x>");
}
