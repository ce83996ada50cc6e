//! What can go wrong, with what was expected and found.

use std::path::PathBuf;

/// An error of the engine. Loading errors name the file and the field or tensor.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file that cannot be read at all.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is not what it should be.
    #[error("{path}: {field}: expected {expected}, found {found}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The header field, metadata key or tensor.
        field: String,
        /// In words.
        expected: String,
        /// In words.
        found: String,
    },
    /// The engine has stopped.
    #[error("the engine has stopped: {0}")]
    Stopped(String),
}
