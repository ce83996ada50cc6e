//! Documents, incremental trees, queries and the workspace's index.
//!
//! This room knows text, positions and tree-sitter. It must not know of prompts, models, editors' protocols or settings files.

mod deadline;
pub mod document;
pub mod imports;
pub mod index;
pub mod language;
mod leaves;
mod leavings;
pub mod occasions;
pub mod occurrences;
pub mod outline;
mod parser;
mod part;
pub mod position;
mod queries;
pub mod references;
pub mod scopes;
pub mod sites;
pub mod snapshot;
pub mod structure;
mod syntax_error;

pub use document::{Change, Document, EditError};
pub use imports::Import;
pub use index::Index;
pub use language::Language;
pub use occasions::{Occasion, OccasionKind};
pub use occurrences::{Before, Occurrence};
pub use outline::{DefinitionKind, Item};
pub use position::{Position, PositionEncoding, PositionError, Span};
pub use references::{Use, UseKind};
pub use scopes::{Definition, Reference, Scope, Scopes};
pub use sites::{Argument, Call, Container, Given, Key, Parameter, Signature, Sites, Typed, TypedBy};
pub use snapshot::{Snapshot, TooLarge};
pub use structure::{CommentOrString, Unit};
