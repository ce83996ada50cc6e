//! The languages that have a grammar here; every other one is plain text.

use std::path::Path;

/// A source language, or plain text where no grammar is linked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Language {
    Rust,
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    Go,
    C,
    Cpp,
    Java,
    Plain,
}

impl Language {
    /// From LSP's `languageId`; unknown ids are [`Language::Plain`].
    pub fn from_id(_id: &str) -> Self {
        todo!()
    }

    /// From a file's extension (and well-known names).
    pub fn from_path(_path: &Path) -> Self {
        todo!()
    }

    /// LSP's `languageId`.
    pub fn id(self) -> &'static str {
        todo!()
    }
}
