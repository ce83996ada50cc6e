//! What the engine has done and holds: for the status page and `pilotlight status`.

use serde::{Deserialize, Serialize};

/// Counted since the engine started. Figures that name no unit are counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Requests.
    pub requests: RequestFigures,
    /// The KV cache.
    pub cache: CacheFigures,
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
    /// Held for requests in progress, now.
    pub in_use: usize,
}
