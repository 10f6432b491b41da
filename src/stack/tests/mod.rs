//! The engine on a small object database of its own: what does not need git to be proved.

mod answers;
mod commit;
mod crash;
mod inventory;
mod memory;
mod replay;
mod tree;
