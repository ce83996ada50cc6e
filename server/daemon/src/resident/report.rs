//! What a daemon says of itself: `pilotlight status`.

use std::path::PathBuf;

use pilotlight_assist::Predictions;
use pilotlight_engine::Figures;
use serde::{Deserialize, Serialize};

/// One daemon.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Report {
    pub(crate) pid: u32,
    pub(crate) version: String,
    pub(crate) uptime_seconds: u64,
    pub(crate) socket: PathBuf,
    /// The model's name, or what was asked for while it is loading.
    pub(crate) model: String,
    /// `loading`, `ready`, `busy`, or why it does not work.
    pub(crate) state: String,
    pub(crate) connections: Vec<Connection>,
    /// The folders of all connections.
    pub(crate) workspaces: Vec<PathBuf>,
    /// Resident memory.
    pub(crate) memory_bytes: u64,
    /// Where it listens for HTTP, or why it does not; `None` where it is not to, and from daemons that did not tell.
    #[serde(default)]
    pub(crate) http: Option<String>,
    /// It ends after so long without a connection.
    pub(crate) idle_exit_seconds: u64,
    /// Another one has its place: it ends when its last client leaves.
    pub(crate) retired: bool,
    pub(crate) log: Option<PathBuf>,
    /// What the engine has done and holds; `None` while the model is loading, and from daemons that did not tell.
    #[serde(default)]
    pub(crate) figures: Option<Figures>,
    /// What was computed in idle time, and how much of it was of use.
    #[serde(default)]
    pub(crate) predictions: Predictions,
}

/// One client.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Connection {
    /// The bridge's process.
    pub(crate) pid: Option<i32>,
    pub(crate) version: String,
    pub(crate) seconds: u64,
    pub(crate) workspaces: Vec<PathBuf>,
}
