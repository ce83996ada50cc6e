//! What the engine has done and holds: for the status page and `pilotlight status`.

use serde::{Deserialize, Serialize};

/// Counted since the engine started. Figures that name no unit are counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Requests.
    pub requests: RequestFigures,
    /// The KV cache.
    pub cache: CacheFigures,
    /// Speculation.
    pub speculation: SpeculationFigures,
}

/// Speculation: tokens that were computed on trial. They change what an answer costs, never what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeculationFigures {
    /// Tokens drafted.
    pub drafted: u64,
    /// Those of them that were right.
    pub accepted: u64,
}

/// What became of requests; refused ones are not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFigures {
    /// Being served or waiting, now.
    pub waiting: usize,
    /// Ended by a stop or their length.
    pub completed: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Ended by their class's time limit.
    pub timed_out: u64,
    /// Failed.
    pub failed: u64,
}

/// The KV cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheFigures {
    /// Requests that hold a part of it, now.
    pub in_use: usize,
    /// Sequences held: ends of the tree, now.
    pub branches: usize,
    /// Tokens whose KV is held, shared ones once, now.
    pub tokens: usize,
    /// Pages there are.
    pub pages: usize,
    /// Pages that hold something, now.
    pub pages_used: usize,
    /// Bytes of a page.
    pub page_bytes: usize,
    /// Pages given up for others.
    pub evictions: u64,
    /// What requests found, by cause.
    pub hits: Hits,
}

impl CacheFigures {
    /// Bytes that hold something, now.
    pub fn bytes_used(&self) -> u64 {
        self.pages_used as u64 * self.page_bytes as u64
    }

    /// Bytes that it may grow to.
    pub fn bytes(&self) -> u64 {
        self.pages as u64 * self.page_bytes as u64
    }
}

/// A page of the KV cache that holds something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageFigures {
    /// The page that it goes on from, as an index of the list that this one is in; `None` where a sequence begins.
    pub parent: Option<usize>,
    /// Tokens on it.
    pub tokens: usize,
    /// Tokens before it.
    pub depth: usize,
    /// Whether a request holds it, now.
    pub in_use: bool,
    /// Who used it last (0 where nobody has): [`crate::Request::session`].
    pub session: u64,
    /// Requests that have ended since one last used it; all of them where none has.
    pub age: u64,
    /// Whether it came from the snapshot of an earlier run.
    pub restored: bool,
}

/// Requests by what they found in the KV cache when they began (or began again, after their memory was needed for a more urgent one).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hits {
    /// They went on where a held sequence ends.
    pub extension: u64,
    /// All of the prompt was held: deleted text, an undo, the same again.
    pub truncation: u64,
    /// They left a held sequence on the way.
    pub branch: u64,
    /// What they found came from the snapshot of an earlier run.
    pub restored: u64,
    /// They found nothing.
    pub none: u64,
}
