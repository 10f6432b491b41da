//! What lasts between two machines that have no memory, as files: how two versions of it become one.
