//! What a command of the pipeline is given of the world.

use std::path::Path;

use super::App;
use crate::pipeline::context::Context;
use crate::store::DataDir;
use crate::workspace::Workspace;

/// Calls `act` with the surroundings of this process.
pub(super) fn context<T>(
    app: &App,
    workspace: &Workspace,
    data: &DataDir,
    sources: Option<&Path>,
    act: impl FnOnce(&Context<'_>) -> T,
) -> T {
    act(&Context {
        variables: app.environment.variables(),
        cwd: app.environment.cwd(),
        temporary: app.environment.temporary(),
        now: &|| app.environment.now(),
        ui: &app.ui,
        workspace,
        data,
        sources,
    })
}
