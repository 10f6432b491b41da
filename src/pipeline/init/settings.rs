//! What a person has to switch on, and what each kind of token gives.

use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use super::files::WORKFLOW;
use super::layout::{Kind, Layout};
use crate::pipeline::fork::public_name;

/// Where a token of one's own is made.
const NEW_TOKEN: &str = "https://github.com/settings/personal-access-tokens/new";

/// One setting of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Setting {
    /// What to do.
    what: String,
    /// Why.
    why: String,
    /// Where.
    link: String,
}

/// What one kind of token gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::pipeline) struct Gives {
    /// The token.
    pub(in crate::pipeline) token: String,
    /// What comes of a run with it.
    pub(in crate::pipeline) gives: String,
}

impl Setting {
    /// For people: what, why, where.
    pub(super) fn parts(&self) -> (&str, &str, &str) {
        (&self.what, &self.why, &self.link)
    }
}

/// The page of a repository on its forge, by the URL it is fetched from; none where it has no page.
pub(in crate::pipeline) fn web_of(url: &str) -> Option<String> {
    let name = public_name(url)?;
    let host = match Url::parse(url) {
        Ok(parsed) => parsed.host_str()?.to_owned(),
        Err(_) => {
            let host = url.split_once(':')?.0;
            host.rsplit_once('@').map_or(host, |(_, host)| host).to_owned()
        }
    };
    Some(format!("https://{host}/{name}"))
}

/// The name of the workflow's file.
pub(in crate::pipeline) fn workflow_file() -> &'static str {
    WORKFLOW.rsplit('/').next().unwrap_or(WORKFLOW)
}

/// What to look at in the settings of the repository at `web`.
pub(super) fn of(web: Option<&str>, layout: &Layout) -> Vec<Setting> {
    let base = web.unwrap_or("https://github.com/YOU/REPOSITORY");
    let setting = |what: &str, why: &str, path: &str| Setting {
        what: what.to_owned(),
        why: why.to_owned(),
        link: format!("{base}{path}"),
    };
    let mut settings = vec![
        setting("Enable Actions", "in a fork they are off until somebody says so", "/actions"),
        setting(
            "Enable the workflow “Upstream release”",
            "in a fork schedules are off until then, and in a public repository again after 60 days without activity",
            &format!("/actions/workflows/{}", workflow_file()),
        ),
        setting(
            "Allow GitHub Actions to create and approve pull requests",
            "without it a finished candidate is an issue instead of a draft pull request",
            "/settings/actions",
        ),
        setting("Switch Issues on", "in a fork they are off, and a conflict is reported in one", "/settings"),
    ];
    if layout.kind == Kind::OwnRepository {
        settings.push(setting(
            "Add a token for the fork as the secret PATCH_MOI_TOKEN",
            "the token of this repository's workflows cannot write to another repository",
            "/settings/secrets/actions/new",
        ));
    }
    settings
}

/// The table of tokens.
pub(super) fn tokens(layout: &Layout) -> Vec<Gives> {
    let own = match layout.kind {
        Kind::OwnRepository => "artifact, summary, state; nothing in the fork, which it cannot write to",
        Kind::MaintainedBranch | Kind::DefaultBranch => {
            "artifact, summary, state; branch and pull request too, as long as no workflow file of upstream's is new to the fork"
        }
    };
    vec![
        Gives { token: "the workflow's own (default)".to_owned(), gives: own.to_owned() },
        Gives {
            token: format!(
                "secret PATCH_MOI_TOKEN: a fine-grained token for the fork with Contents, Pull requests and Workflows, read and write ({NEW_TOKEN})"
            ),
            gives: "artifact, summary, state, branch, pull request".to_owned(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_for_a_forge_and_for_no_folder() {
        for (url, page) in [
            ("https://github.com/you/fork.git", Some("https://github.com/you/fork")),
            ("git@github.com:you/fork.git", Some("https://github.com/you/fork")),
            ("ssh://git@ghe.example.org/you/fork", Some("https://ghe.example.org/you/fork")),
            ("https://user:token@github.com/you/fork", Some("https://github.com/you/fork")),
            ("/srv/fork.git", None),
            ("file:///srv/fork", None),
        ] {
            assert_eq!(web_of(url).as_deref(), page, "{url}");
        }
    }
}
