//! A feed's entries to releases; filters; what the ledger says is still to do.
