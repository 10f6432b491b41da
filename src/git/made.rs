//! What was made on the workbench and lies in memory.
//!
//! Most of what a carry makes is read again by the next patch and by nobody else before the end. So it is
//! written when git or libgit2 is to see it, when it grows large, and at the end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use git2::ObjectType;
use sha1::{Digest as _, Sha1};

use crate::ids::ObjectId;

/// More than this is not kept in memory, in bytes.
const MOST: usize = 16 << 20;

/// So much of what was read is remembered, in bytes.
const REMEMBERED: usize = 16 << 20;

/// An object in memory.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) kind: ObjectType,
    pub(super) content: Rc<[u8]>,
    /// What it was made of.
    pub(super) like: Option<ObjectId>,
}

/// Objects that are on no disk yet, and trees that were read.
#[derive(Debug, Default)]
pub(super) struct Made {
    objects: RefCell<Vec<ObjectId>>,
    by_id: RefCell<HashMap<ObjectId, Object>>,
    size: RefCell<usize>,
    /// What each object was made of, also when it has been written.
    likes: RefCell<HashMap<ObjectId, ObjectId>>,
    trees: RefCell<Remembered>,
}

/// Trees that were read: two generations, of which the older one goes.
#[derive(Debug, Default)]
struct Remembered {
    young: HashMap<ObjectId, Rc<[u8]>>,
    old: HashMap<ObjectId, Rc<[u8]>>,
    size: usize,
}

impl Made {
    /// Keeps an object. Whether there is so much now that it should be written.
    pub(super) fn put(&self, object: Object) -> (ObjectId, bool) {
        let id = id(object.kind, &object.content);
        let size = object.content.len();
        if let Some(like) = object.like.filter(|like| *like != id) {
            self.likes.borrow_mut().entry(id).or_insert(like);
        }
        if self.by_id.borrow_mut().insert(id, object).is_none() {
            self.objects.borrow_mut().push(id);
            *self.size.borrow_mut() += size;
        }
        (id, *self.size.borrow() > MOST)
    }

    /// The object `id`, where it is in memory.
    pub(super) fn get(&self, id: ObjectId) -> Option<Object> {
        self.by_id.borrow().get(&id).cloned()
    }

    /// Whether the object `id` is in memory.
    pub(super) fn has(&self, id: ObjectId) -> bool {
        self.by_id.borrow().contains_key(&id)
    }

    /// What the object `id` was made of.
    pub(super) fn like(&self, id: ObjectId) -> Option<ObjectId> {
        self.likes.borrow().get(&id).copied()
    }

    /// Everything, in the order in which it was made.
    pub(super) fn all(&self) -> Vec<ObjectId> {
        self.objects.borrow().clone()
    }

    /// Forgets what has been written.
    pub(super) fn written(&self) {
        for (id, object) in self.by_id.borrow_mut().drain() {
            if object.kind == ObjectType::Tree {
                self.remember(id, object.content);
            }
        }
        self.objects.borrow_mut().clear();
        *self.size.borrow_mut() = 0;
    }

    /// A tree that was read lately.
    pub(super) fn tree(&self, id: ObjectId) -> Option<Rc<[u8]>> {
        let trees = self.trees.borrow();
        trees.young.get(&id).or_else(|| trees.old.get(&id)).cloned()
    }

    /// Remembers a tree that was read.
    pub(super) fn remember(&self, id: ObjectId, content: Rc<[u8]>) {
        let mut trees = self.trees.borrow_mut();
        trees.size += content.len();
        trees.young.insert(id, content);
        if trees.size > REMEMBERED / 2 {
            trees.old = std::mem::take(&mut trees.young);
            trees.size = 0;
        }
    }
}

/// The id of an object of this content.
fn id(kind: ObjectType, content: &[u8]) -> ObjectId {
    let head = format!("{kind} {}\0", content.len());
    ObjectId::from_bytes(Sha1::new().chain_update(head).chain_update(content).finalize().into())
}
