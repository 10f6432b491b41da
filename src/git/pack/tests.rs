use std::io::Write as _;

use super::*;

/// A pack of `objects`, each made of the one before it, read by libgit2.
fn read_back(objects: &[Vec<u8>]) -> (tempfile::TempDir, git2::Repository, Vec<git2::Oid>) {
    let dir = tempfile::tempdir().unwrap();
    let repo = git2::Repository::init_bare(dir.path()).unwrap();
    let hash = |content: &Vec<u8>| git2::Oid::hash_object(ObjectType::Blob, content).unwrap();
    let ids: Vec<git2::Oid> = objects.iter().map(hash).collect();
    let id = |at: usize| super::super::repository::object_id(ids[at]);
    let mut bytes = Vec::new();
    let mut pack = Pack::new(&mut bytes, objects.len()).unwrap();
    for (at, content) in objects.iter().enumerate() {
        let like = at.checked_sub(1).map(|at| (id(at), &objects[at][..]));
        pack.add(id(at), ObjectType::Blob, content, like).unwrap();
    }
    let (name, index) = pack.finish().unwrap();
    let folder = dir.path().join("objects/pack");
    {
        let odb = repo.odb().unwrap();
        let mut writer = odb.packwriter().unwrap();
        writer.write_all(&bytes).unwrap();
        writer.commit().unwrap();
    }
    // Its own index must say what libgit2's says.
    let theirs = std::fs::read(folder.join(format!("pack-{name}.idx"))).unwrap();
    assert_eq!(index, theirs);
    (dir, repo, ids)
}

#[test]
fn a_pack_holds_what_was_put_into_it() {
    let text =
        |line: usize| (0..4000).map(|n| format!("{} {n}\n", n == line)).collect::<String>().into_bytes();
    let mut objects: Vec<Vec<u8>> = (0..120).map(|n| text(n * 30)).collect();
    objects.extend([b"short".to_vec(), vec![b'x'; 200_000], [vec![b'x'; 200_000], b"y".to_vec()].concat()]);
    let (_dir, repo, ids) = read_back(&objects);
    for (id, content) in ids.iter().zip(&objects) {
        assert_eq!(repo.find_blob(*id).unwrap().content(), content);
    }
}

#[test]
fn a_delta_of_texts_that_share_nothing_or_all_is_right() {
    let objects = [b"a".repeat(300), b"b".repeat(300), b"b".repeat(301), b"b".repeat(299), Vec::new()];
    let (_dir, repo, ids) = read_back(&objects);
    for (id, content) in ids.iter().zip(&objects) {
        assert_eq!(repo.find_blob(*id).unwrap().content(), content);
    }
}
