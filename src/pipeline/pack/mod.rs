//! Packs: what they offer, and what of them is installed in a workspace.
//!
//! | file | what it knows |
//! |---|---|
//! | `source` | where a pack is, and which commit |
//! | `state` | the lock and the files that packs share, read and changed in one go |
//! | `add`, `change` | what is to be installed, brought up to date, taken out |
//! | `list`, `doctor` | what is there, and whether it is what the lock says |
//! | `report`, `text` | the same for programs and for people |

mod add;
mod change;
mod doctor;
mod list;
mod report;
mod source;
mod state;
mod text;

pub(crate) use add::{AddAsked, add};
pub(crate) use change::{ChangeAsked, remove, update};
pub(crate) use doctor::{doctor, pack_doctor_schema};
pub(crate) use list::{inspect, list};
pub(crate) use report::{PlanReport, pack_schema};
