mod choosing;
mod ledger;
mod signals;
mod sources;
