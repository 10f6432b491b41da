//! What to say of an object that is missing for good: what needs it, why it is not there, and what mends that.

use std::collections::HashSet;

use git2::ObjectType;

use super::Workbench;
use super::settling::loose;
use super::supply::Lack;
use crate::ids::{CommitId, ObjectId, TreeId};
use crate::report::shell_quote;
use crate::stack::{PortError, RawCommit, differ, empty_tree};

impl Workbench {
    /// What to say of an object that is missing for good.
    pub(super) fn lost(
        &self,
        id: ObjectId,
        kind: ObjectType,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> PortError {
        let (place, needed) = (self.supply.path.to_string_lossy(), self.needed_by(id));
        let needed = needed.map_or_else(String::new, |(commit, path)| {
            let path = String::from_utf8_lossy(&path).escape_debug().to_string();
            match path.is_empty() {
                true => format!(", the root of commit {commit}"),
                false => format!(" ({path} of commit {commit})"),
            }
        });
        let lists: Vec<String> = self.supply.remotes.iter().map(ToString::to_string).collect();
        let had = match lists.is_empty() {
            true => "and it has no remote to fetch it from".to_owned(),
            false if self.supply.is_spent() => "and remotes were asked often enough".to_owned(),
            false => format!("and it could not be fetched from {}", lists.join(" or ")),
        };
        let (cause, option) = match self.supply.lack {
            Lack::Partial => ("a partial clone", "--refetch"),
            Lack::Shallow => ("a shallow clone", "--unshallow"),
            Lack::Damage => ("damaged", "--refetch"),
        };
        let loose = loose(&self.supply.objects, id);
        let remove = match loose.exists() {
            true => format!("rm -f {} && ", shell_quote(&loose.to_string_lossy())),
            false => String::new(),
        };
        let advice = format!(
            "`{remove}git -C {} fetch {option} REMOTE`, with a remote or URL that has it, mends the clone",
            shell_quote(&place)
        );
        let action = format!("{kind} {id}{needed} is missing: {place} is {cause}, {had}");
        PortError::lost(action, advice, source)
    }

    /// The commit of the errand, and the path in it, that an object is needed for.
    fn needed_by(&self, id: ObjectId) -> Option<(CommitId, Vec<u8>)> {
        let (stack, onto) = {
            let errand = self.errand.borrow();
            (errand.stack.clone(), errand.onto)
        };
        // What two commits share is looked through once.
        let mut seen = HashSet::new();
        stack.into_iter().chain(onto).find_map(|commit| {
            let content = self.plainly(commit.object())?;
            let tree = RawCommit::parse(commit, &content).ok()?.tree;
            let mut at = vec![(tree.object(), Vec::new())];
            while let Some((tree, path)) = at.pop() {
                if tree == id {
                    return Some((commit, path));
                }
                let Some(content) = self.plainly(tree).filter(|_| seen.insert(tree)) else { continue };
                let Ok(all) = differ((empty_tree(), &[]), (TreeId::new(tree), &content)) else { continue };
                for spot in all {
                    let Some((mode, own)) = spot.after else { continue };
                    let path = match path.is_empty() {
                        true => spot.name.to_vec(),
                        false => [&path[..], b"/", spot.name].concat(),
                    };
                    if own == id {
                        return Some((commit, path));
                    }
                    if mode.is_tree() {
                        at.push((own, path));
                    }
                }
            }
            None
        })
    }
}
