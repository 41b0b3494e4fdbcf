//! What is wrong with a command line or a configuration, in words for whoever wrote it.

/// A usage or configuration error: its first line names the option and the value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);
