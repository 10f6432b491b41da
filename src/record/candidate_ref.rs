//! The refs that a run's result offers as its candidate.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::text;

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
/// `candidateRef`. What is neither a ref nor an object with one is passed over.
pub(crate) fn candidate_refs(artifacts: &Value) -> Vec<CandidateRef> {
    let lists = ["candidateRefs", "candidates"]
        .into_iter()
        .filter_map(|key| artifacts.get(key)?.as_array())
        .flatten();
    let mut found = Vec::new();
    add_new(&mut found, lists.chain(artifacts.get("candidateRef")).filter_map(CandidateRef::of));
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
