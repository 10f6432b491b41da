//! The second push: what is remembered, whatever came of the first.

use super::super::remembering::{self, Kept, Wanted};
use super::super::session::Session;
use super::super::words::problem;
use super::remote::is_upstream;
use crate::candidate::Refusal;
use crate::failure::Kind;
use crate::report::{KeptReport, Memory};

/// Writes what is remembered, and says with which kind that ends.
pub(super) fn keep(session: &Session<'_>, wanted: &Wanted, memory: &Memory) -> (KeptReport, Kind) {
    let report = |outcome: &str, commit, why| KeptReport { outcome: outcome.to_owned(), commit, why };
    if let Memory::None { why } = memory {
        return (report("none", None, Some(why.clone())), Kind::Done);
    }
    if let Some(target) = upstreams(session, wanted, memory) {
        let why = Refusal::Upstream { target }.to_string();
        return (report("refused", None, Some(why)), Kind::Blocked);
    }
    match remembering::keep(session, wanted) {
        Ok(Kept::Written { commit }) => (report("written", Some(commit), None), Kind::Done),
        Ok(Kept::Unchanged) => (report("unchanged", None, None), Kind::Done),
        Ok(Kept::Local) => (report("local", None, None), Kind::Done),
        Ok(Kept::Nowhere { why }) => (report("none", None, Some(why)), Kind::Done),
        Ok(Kept::Refused { why }) => (report("refused", None, Some(why)), Kind::Blocked),
        Err(failure) => (report("refused", None, Some(problem(&failure).message)), failure.kind),
    }
}

/// The remote that the state would go to, where that is upstream's own repository.
fn upstreams(session: &Session<'_>, wanted: &Wanted, memory: &Memory) -> Option<String> {
    if !matches!(memory, Memory::Ref { .. }) {
        return None;
    }
    let url = remembering::remote(session, wanted)?;
    let is_upstreams = session.sources().ok()?.iter().any(|source| {
        let upstream = source.repo.web_url.as_str().parse();
        upstream.is_ok_and(|upstream| is_upstream(&url, &upstream, &source.repo.name))
    });
    is_upstreams.then(|| url.to_string())
}
