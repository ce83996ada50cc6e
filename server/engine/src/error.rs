//! What can go wrong, with what was expected and found.

use std::path::{Path, PathBuf};

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
    /// A setting that cannot be met.
    #[error("engine setting `{name}`: expected {expected}, found {found}")]
    Setting {
        /// As written in the configuration.
        name: &'static str,
        /// In words.
        expected: String,
        /// In words.
        found: String,
    },
    /// A step of the model failed.
    #[error("{backend}: {message}")]
    Compute {
        /// The way it was computed.
        backend: &'static str,
        /// The operation and the shapes.
        message: String,
    },
    /// A server does not do what it should.
    #[error("the server at {url}: {message}")]
    Remote {
        /// Its address.
        url: String,
        /// What was asked and what came.
        message: String,
    },
    /// The engine has stopped.
    #[error("the engine has stopped: {0}")]
    Stopped(String),
}

impl EngineError {
    /// A file that is not what it should be.
    pub(crate) fn malformed(
        path: &Path,
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Malformed {
            path: path.to_path_buf(),
            field: field.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}
