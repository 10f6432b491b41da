//! The refs that a run's result offers as its candidate.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::text;
use crate::ids::ObjectId;

/// Where a candidate can be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CandidateRef {
    /// What kind of place it is; `ref` where nothing was said.
    pub(crate) kind: String,
    /// The ref, or what stands for one.
    #[serde(rename = "ref")]
    pub(crate) name: String,
    /// The repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repo: Option<String>,
    /// The remote's name or URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remote: Option<String>,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha: Option<String>,
    /// A page that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Whether it was pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pushed: Option<bool>,
}

impl CandidateRef {
    fn of(value: &Value) -> Option<Self> {
        if let Some(name) = value.as_str().map(str::trim).filter(|name| !name.is_empty()) {
            return Some(Self {
                kind: "ref".to_owned(),
                name: name.to_owned(),
                repo: None,
                remote: None,
                sha: None,
                url: None,
                pushed: None,
            });
        }
        Some(Self {
            name: text(value, "ref")?,
            kind: text(value, "kind").unwrap_or_else(|| "ref".to_owned()),
            repo: text(value, "repo"),
            remote: text(value, "remote"),
            sha: text(value, "sha"),
            url: text(value, "url"),
            pushed: value.get("pushed").and_then(Value::as_bool),
        })
    }

    /// A commit that nothing names yet.
    fn of_commit(commit: String) -> Self {
        Self {
            kind: "commit".to_owned(),
            name: commit.clone(),
            repo: None,
            remote: None,
            sha: Some(commit),
            url: None,
            pushed: None,
        }
    }

    /// What makes two of them one. A page or a push is news about the same candidate.
    fn identity(&self) -> (&str, &str, &str, &str, &str) {
        (
            &self.kind,
            self.repo.as_deref().unwrap_or_default(),
            self.remote.as_deref().unwrap_or_default(),
            &self.name,
            self.sha.as_deref().unwrap_or_default(),
        )
    }
}

/// The refs that a result's artifacts name: each of `candidateRefs`, each of `candidates`, then
/// `candidateRef`. What is neither a ref nor an object with one is passed over. The commit of `codexHead`,
/// else of `afterSha`, is one too, where none of these names it and it is another than `beforeSha`.
pub(crate) fn candidate_refs(artifacts: &Value) -> Vec<CandidateRef> {
    let lists = ["candidateRefs", "candidates"]
        .into_iter()
        .filter_map(|key| artifacts.get(key)?.as_array())
        .flatten();
    let mut found = Vec::new();
    add_new(&mut found, lists.chain(artifacts.get("candidateRef")).filter_map(CandidateRef::of));
    let commit = |key| text(artifacts, key).filter(|sha| sha.parse::<ObjectId>().is_ok());
    let head = commit("codexHead").or_else(|| commit("afterSha"));
    let head = head.filter(|head| commit("beforeSha").as_ref() != Some(head));
    if let Some(head) = head.filter(|head| found.iter().all(|known| known.sha.as_ref() != Some(head))) {
        found.push(CandidateRef::of_commit(head));
    }
    found
}

/// Adds those that are not there yet.
pub(super) fn add_new(known: &mut Vec<CandidateRef>, more: impl IntoIterator<Item = CandidateRef>) {
    for candidate in more {
        if !known.iter().any(|older| older.identity() == candidate.identity()) {
            known.push(candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_names_no_ref_is_passed_over() {
        for artifacts in [
            json!(null),
            json!("refs/heads/x"),
            json!({"codexHead": "abc"}),
            json!({"candidateRefs": "refs/heads/x"}),
            json!({"candidateRefs": [1, " ", {"ref": ""}, {"sha": "abc"}, null], "candidateRef": {"ref": 7}}),
        ] {
            assert_eq!(candidate_refs(&artifacts), [], "{artifacts}");
        }
    }

    #[test]
    fn a_commit_that_a_step_left_is_a_candidate_unless_a_ref_names_it_or_nothing_changed() {
        let (before, after, head) = ("a".repeat(40), "b".repeat(40), "c".repeat(40));
        let found = |artifacts: Value| {
            let refs = candidate_refs(&artifacts);
            refs.into_iter().map(|one| (one.kind, one.name, one.sha)).collect::<Vec<_>>()
        };
        let commit = |sha: &str| ("commit".to_owned(), sha.to_owned(), Some(sha.to_owned()));
        assert_eq!(found(json!({"codexHead": head, "afterSha": after})), [commit(&head)]);
        assert_eq!(found(json!({"beforeSha": before, "afterSha": after})), [commit(&after)]);
        assert_eq!(found(json!({"beforeSha": after, "afterSha": after})), []);
        assert_eq!(found(json!({"afterSha": null, "codexHead": "main"})), []);
        let named = json!({"candidateRefs": [{"ref": "refs/x", "sha": after}], "afterSha": after});
        assert_eq!(found(named).len(), 1);
    }

    #[test]
    fn refs_are_read_from_all_three_places_once_and_in_order() {
        let artifacts = json!({
            "candidateRef": " refs/heads/c ",
            "candidates": [{"ref": "refs/heads/b", "pushed": true, "sha": "1", "repo": 5}, "refs/heads/a"],
            "candidateRefs": ["refs/heads/a", {"kind": "branch", "ref": "refs/heads/a", "url": "https://x"}],
        });
        assert_eq!(
            serde_json::to_string(&candidate_refs(&artifacts)).unwrap(),
            concat!(
                r#"[{"kind":"ref","ref":"refs/heads/a"},{"kind":"branch","ref":"refs/heads/a","url":"https://x"},"#,
                r#"{"kind":"ref","ref":"refs/heads/b","sha":"1","pushed":true},{"kind":"ref","ref":"refs/heads/c"}]"#
            )
        );
    }
}
