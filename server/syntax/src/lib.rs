//! Documents, incremental trees, queries and (later) the workspace's symbol index.
//!
//! This room knows text, positions and tree-sitter. It must not know of prompts, models, editors' protocols or settings files.

pub mod document;
pub mod language;
pub mod position;

pub use document::{Change, Document, EditError, Snapshot};
pub use language::Language;
pub use position::{Position, PositionEncoding, PositionError, Span};
