//! Models by name: a catalogue of known ones, pulled from the Hugging Face hub (or what `HF_ENDPOINT` names in its place) into the user's cache, and checked.
//!
//! A branch is resolved to its commit first, and every file is taken from that; a commit that the catalogue pins must be the one that the hub has. Files are written beside their places and
//! moved there when their size and checksum are right: SHA-256 of large files, and of small ones, that lie in the repository itself, git's own. What a broken connection leaves is gone on with.

pub mod catalogue;
mod pull;
pub mod store;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use catalogue::Entry;
pub use pull::{Hub, Progress};
pub use store::{Manifest, PulledFile, Store};

/// What keeps a model from being pulled or found.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum HubError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path}: expected a manifest, found {error}; `pilotlight models pull` writes it anew")]
    Manifest { path: PathBuf, error: serde_json::Error },
    #[error("{} is known and not here: `pilotlight models pull {}` fetches its {:.1} GB from {}", .0.name, .0.name, .0.bytes as f64 / 1e9, .0.repository)]
    NotPulled(Box<Entry>),
    #[error("{0}: {1}")]
    Answer(String, String),
    #[error(
        "{repository} wants to know who asks (HTTP {status}): accept its conditions at {endpoint}/{repository}, make a token there, and put it into the environment variable HF_TOKEN"
    )]
    Gated { repository: String, endpoint: String, status: u16 },
    #[error("{repository}: there is no revision {revision} at {endpoint} (HTTP 404)")]
    Missing { repository: String, revision: String, endpoint: String },
    #[error("{repository}: expected commit {expected}, which the catalogue pins, found {found}: nothing is pulled")]
    OtherCommit { repository: String, expected: String, found: String },
    #[error("{repository}: none of its files is {wanted}")]
    NoFiles { repository: String, wanted: String },
    #[error("{path}: expected {expected}, found {found}: what came is deleted; pull again")]
    Checksum { path: PathBuf, expected: String, found: String },
    #[error("{0}: another pull is under way there: wait for it, or end it")]
    Busy(PathBuf),
    #[error("{path}: the disk is too full: {needed} more bytes are needed, {free} are free")]
    DiskFull { path: PathBuf, needed: u64, free: u64 },
}
