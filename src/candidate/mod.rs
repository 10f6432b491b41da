//! What a carried stack becomes: artifact and refs, as a plan (data).
