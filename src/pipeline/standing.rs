//! `patch-moi status`: what is recorded, on this machine's disk and where runs keep their state.

use super::asked::Asked;
use super::context::Context;
use super::records::{self, Overview};
use super::remembering::{self, Wanted};
use super::session::Session;
use crate::failure::Result;
use crate::git::GitError;
use crate::record::Limit;
use crate::store::{DataDir, FlowClient, Lasting};

/// The newest of everything. Where a remote holds the state, it is read with what this machine knows, and
/// nothing of it stays here.
///
/// # Errors
/// Where a journal or the state cannot be read at all.
pub(crate) fn overview(context: &Context<'_>, wanted: &Wanted, limit: Limit) -> Result<Overview> {
    if remembering::is_on_disk(context, wanted) {
        return records::overview(context.data, limit);
    }
    let session = Session::open(context, &Asked::look("status"))?;
    let Some((place, files)) = remembering::known(&session, wanted)? else {
        return records::overview(context.data, limit);
    };
    let dir = context.temporary;
    let made = tempfile::Builder::new().prefix("patch-moi-status-").tempdir_in(dir);
    let made = made.map_err(|source| GitError::Temporary { dir: dir.to_owned(), source })?;
    let (data, client) = (DataDir::open(&made.path().join("data")), FlowClient::open(made.path()));
    Lasting::new(&client, &data).update(|_| files)?;
    Ok(records::overview(&data, limit)?.of(place))
}
