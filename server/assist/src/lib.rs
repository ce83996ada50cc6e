//! What a person asks for: completion, code actions by a model, and a changed definition carried to its uses. Byte offsets only, no editor's protocol.
//!
//! This room joins `syntax` (what is there), `context` (what the model should see) and `engine` (what it says). It must not know LSP or HTTP types.

pub mod actions;
pub mod assistant;
pub mod changes;
pub mod chat;
pub mod check;
pub mod completion;
pub mod fill;
pub mod generation;
pub mod journal;
pub mod next_edit;
pub mod options;
pub mod propagate;
pub mod status;
pub mod workspace;

mod decoded;
mod indexing;
mod machine;
mod model;
mod prompt;
mod trail;

pub use actions::{Abilities, Action, ActionError, Chosen, Diagnostic, Done, Offered};
pub use assistant::{Assistant, DocumentError, DocumentId, Origin, Prediction, Predictions};
pub use changes::{ChangeSet, Edit, FileChange, Hole, Left, Which};
pub use check::Check;
pub use completion::{
    Acceptance, Completion, CompletionId, CompletionRequest, Explanation, LeftOutReport, Outcome, RecalledReport,
    SegmentReport, Trigger,
};
pub use fill::Fill;
pub use generation::{Generation, Limits, Report};
pub use indexing::IndexProgress;
pub use journal::Journal;
pub use model::markers;
pub use next_edit::{NextEdit, NextEditId};
pub use options::Options;
pub use pilotlight_context::sources::Note;
pub use pilotlight_syntax as syntax;
pub use propagate::{DefinitionChange, Offer, PropagateError};
pub use status::Status;
pub use workspace::{Folder, Workspace};
