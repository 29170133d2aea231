//! YAML text to what is desired: spans kept, every problem found, nothing asked of a remote.

pub mod yaml;
