//! What a person asks for: completion now; next edit, code action and refactor to come. Byte offsets only, no editor's protocol.
//!
//! This room joins `syntax` (what is there), `context` (what the model should see) and `engine` (what it says). It must not know LSP or HTTP types.

pub mod assistant;
pub mod chat;
pub mod check;
pub mod completion;
pub mod fill;
pub mod generation;
pub mod options;
pub mod status;
pub mod workspace;

mod decoded;
mod indexing;
mod model;
mod prompt;
mod trail;

pub use assistant::{Assistant, DocumentError, DocumentId};
pub use check::Check;
pub use completion::{
    Acceptance, Completion, CompletionId, CompletionRequest, Explanation, LeftOutReport, Outcome, SegmentReport,
    Trigger,
};
pub use fill::Fill;
pub use generation::{Generation, Limits, Report};
pub use indexing::IndexProgress;
pub use model::markers;
pub use options::Options;
pub use pilotlight_syntax as syntax;
pub use status::Status;
pub use workspace::{Folder, Workspace};
