//! Documents, incremental trees, queries and (later) the workspace's symbol index.
//!
//! This room knows text, positions and tree-sitter. It must not know of prompts, models, editors' protocols or settings files.

mod deadline;
pub mod document;
pub mod language;
mod leavings;
pub mod outline;
mod parser;
mod part;
pub mod position;
mod queries;
pub mod scopes;
pub mod snapshot;
pub mod structure;
mod syntax_error;

pub use document::{Change, Document, EditError};
pub use language::Language;
pub use outline::{DefinitionKind, Item};
pub use position::{Position, PositionEncoding, PositionError, Span};
pub use scopes::{Definition, Reference, Scope, Scopes};
pub use snapshot::{Snapshot, TooLarge};
pub use structure::{Block, CommentOrString, Unit};
