//! Sets of places in the stack, of which there is one for each patch.
//!
//! A copy shares what it has in common with the original, so that the sets of a long stack together
//! take little more room than the largest of them: a tree of small tables over words of 64 places.

use std::rc::Rc;

/// How many places a word holds, as a power of two.
const WORD: u32 = 6;

/// How many words or tables a table holds, as a power of two.
const TABLE: u32 = 4;

/// A set of places.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    top: Option<Rc<Node>>,
    /// How many tables lie above each word.
    height: u32,
}

#[derive(Debug, Clone)]
enum Node {
    Word(u64),
    Table([Option<Rc<Self>>; 1 << TABLE]),
}

impl Places {
    /// Adds a place.
    pub(super) fn insert(&mut self, place: usize) {
        while place >> (WORD + TABLE * self.height) > 0 {
            self.grow();
        }
        insert(&mut self.top, self.height, place);
    }

    /// Adds all places of another set.
    pub(super) fn extend(&mut self, other: &Self) {
        let mut other = other.clone();
        while self.height < other.height {
            self.grow();
        }
        while other.height < self.height {
            other.grow();
        }
        extend(&mut self.top, other.top.as_ref());
    }

    /// Whether the place is in the set.
    pub(super) fn contains(&self, place: usize) -> bool {
        let mut one = Self::default();
        one.insert(place);
        self.first_shared(&one).is_some()
    }

    /// The lowest place that is in both sets.
    pub(super) fn first_shared(&self, other: &Self) -> Option<usize> {
        let mut first = None;
        self.visit(other, &mut |place| {
            first = Some(place);
            false
        });
        first
    }

    /// The places that are in both sets, ascending.
    pub(super) fn shared(&self, other: &Self) -> Vec<usize> {
        let mut all = Vec::new();
        self.visit(other, &mut |place| {
            all.push(place);
            true
        });
        all
    }

    /// Shows the places that are in both sets, ascending, for as long as `next` asks for more.
    fn visit(&self, other: &Self, next: &mut dyn FnMut(usize) -> bool) {
        let height = self.height.min(other.height);
        if let (Some(one), Some(other)) = (self.lowest(height), other.lowest(height)) {
            visit(one, other, 0, height, next);
        }
    }

    /// What holds the lowest places, with so many tables above each word.
    fn lowest(&self, height: u32) -> Option<&Node> {
        let mut node = self.top.as_deref()?;
        for _ in height..self.height {
            match node {
                Node::Table(table) => node = table[0].as_deref()?,
                Node::Word(_) => return None,
            }
        }
        Some(node)
    }

    fn grow(&mut self) {
        self.top = self.top.take().map(|top| {
            let mut table = [const { None }; 1 << TABLE];
            table[0] = Some(top);
            Rc::new(Node::Table(table))
        });
        self.height += 1;
    }
}

fn insert(node: &mut Option<Rc<Node>>, height: u32, place: usize) {
    let empty = || match height {
        0 => Rc::new(Node::Word(0)),
        _ => Rc::new(Node::Table([const { None }; 1 << TABLE])),
    };
    match Rc::make_mut(node.get_or_insert_with(empty)) {
        Node::Word(word) => *word |= 1 << (place % (1 << WORD)),
        Node::Table(table) => {
            let slot = (place >> (WORD + TABLE * (height - 1))) % (1 << TABLE);
            insert(&mut table[slot], height - 1, place);
        }
    }
}

fn extend(node: &mut Option<Rc<Node>>, other: Option<&Rc<Node>>) {
    let Some(other) = other else { return };
    let Some(node) = node else {
        *node = Some(Rc::clone(other));
        return;
    };
    if Rc::ptr_eq(node, other) {
        return;
    }
    match (Rc::make_mut(node), &**other) {
        (Node::Word(word), Node::Word(other)) => *word |= other,
        (Node::Table(table), Node::Table(other)) => {
            table.iter_mut().zip(other).for_each(|(node, other)| extend(node, other.as_ref()));
        }
        (Node::Word(_), Node::Table(_)) | (Node::Table(_), Node::Word(_)) => {}
    }
}

/// Whether more is asked for.
fn visit(one: &Node, other: &Node, from: usize, height: u32, next: &mut dyn FnMut(usize) -> bool) -> bool {
    match (one, other) {
        (Node::Word(one), Node::Word(other)) => {
            let mut both = one & other;
            while both != 0 {
                if !next(from + both.trailing_zeros() as usize) {
                    return false;
                }
                both &= both - 1;
            }
            true
        }
        (Node::Table(one), Node::Table(other)) => {
            let width = 1_usize << (WORD + TABLE * (height - 1));
            one.iter().zip(other).enumerate().all(|(slot, pair)| match pair {
                (Some(one), Some(other)) => visit(one, other, from + slot * width, height - 1, next),
                _ => true,
            })
        }
        (Node::Word(_), Node::Table(_)) | (Node::Table(_), Node::Word(_)) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::{Node, Places};

    fn of(places: &BTreeSet<usize>) -> Places {
        let mut all = Places::default();
        places.iter().for_each(|place| all.insert(*place));
        all
    }

    proptest! {
        #[test]
        fn two_sets_share_what_they_share(
            one in prop::collection::btree_set(0..3_000_usize, 0..40),
            other in prop::collection::btree_set(0..300_usize, 0..40),
        ) {
            let both: Vec<usize> = one.intersection(&other).copied().collect();
            prop_assert_eq!(of(&one).first_shared(&of(&other)), both.first().copied());
            prop_assert_eq!(of(&one).shared(&of(&other)), both);
            prop_assert!(one.iter().all(|place| of(&one).contains(*place)));
            let mut all = of(&other);
            all.extend(&of(&one));
            let expected: Vec<usize> = one.union(&other).copied().collect();
            prop_assert_eq!(all.shared(&all), expected);
        }
    }

    /// The tables and words of a set that no set before it has.
    fn count(node: &Rc<Node>, known: &mut HashSet<*const Node>) {
        if known.insert(Rc::as_ptr(node))
            && let Node::Table(table) = &**node
        {
            table.iter().flatten().for_each(|node| count(node, known));
        }
    }

    #[test]
    fn ten_thousand_growing_sets_take_a_few_tables_each() {
        let mut sets = vec![Places::default()];
        for place in 0..10_000 {
            let mut next = sets[place].clone();
            next.insert(place);
            sets.push(next);
        }

        let mut known = HashSet::new();
        sets.iter().filter_map(|set| set.top.as_ref()).for_each(|top| count(top, &mut known));

        assert_eq!(sets[10_000].shared(&sets[5_000]).len(), 5_000);
        assert!(known.len() <= 10_000 * 4, "{} tables and words for 10,000 sets", known.len());
    }
}
