//! What lasts: journals, flow-client state, the ledger.
