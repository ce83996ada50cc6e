//! Inline completion: the request, the answer, and why it is what it is.

use std::{ops::Range, time::Duration};

use crate::DocumentId;

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The person, by a key.
    Invoked,
    /// The editor, while typing.
    Automatic,
}

/// A request for ghost text.
#[derive(Clone, Debug)]
pub struct CompletionRequest {
    /// An open document.
    pub document: DocumentId,
    /// Byte offset of the cursor in the snapshot below.
    pub cursor: usize,
    /// The state the cursor belongs to.
    pub snapshot: pilotlight_syntax::Snapshot,
    /// Who asked.
    pub trigger: Trigger,
}

/// Names one completion that was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CompletionId(pub u64);

/// Ghost text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// To be named when it is shown, accepted or dismissed.
    pub id: CompletionId,
    /// The bytes it replaces; on one line, contains the cursor (empty at the cursor for a pure insertion).
    pub range: Range<usize>,
    /// The new text of `range`.
    pub text: String,
}

/// The answer to a completion request: exactly one for each.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What to show, if anything.
    pub completion: Option<Completion>,
    /// How it came about; why there is nothing to show.
    pub explanation: Explanation,
}

/// How an answer came about. The log, `--json`, the status page and "why this suggestion" all show this.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Explanation {
    /// Why nothing is shown, in words (`None` when something is).
    pub nothing_because: Option<String>,
    /// Whether the engine was not asked, because the person typed what the ghost text said.
    pub kept: bool,
    /// The prompt's segments in order.
    pub segments: Vec<SegmentReport>,
    /// Prompt tokens found in the KV cache.
    pub reused: usize,
    /// Prompt tokens computed.
    pub prefilled: usize,
    /// Tokens decoded.
    pub decoded: usize,
    /// Milliseconds by stage.
    pub millis: Stages,
}

/// One segment of a prompt.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SegmentReport {
    /// Where it comes from: `prefix`, `suffix`, ...
    pub source: String,
    /// Its size.
    pub tokens: usize,
}

/// Milliseconds by stage.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
#[allow(missing_docs)]
pub struct Stages {
    pub plan: f64,
    pub queued: f64,
    pub prefill: f64,
    pub first_token: f64,
    pub decode: f64,
    pub total: f64,
}

/// What became of a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is on the screen.
    Shown,
    /// Taken whole.
    Whole,
    /// Its first `bytes` bytes were taken.
    Partial {
        /// Of the completion's text.
        bytes: usize,
    },
    /// Dismissed by the person.
    Dismissed,
}

impl Explanation {
    /// The whole time as a duration.
    pub fn total(&self) -> Duration {
        Duration::from_secs_f64(self.millis.total / 1e3)
    }
}
