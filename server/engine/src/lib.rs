//! The resident model: weights, tokenizers, the decoder, the KV cache, scheduling and sampling.
//!
//! This room takes token ids and gives token ids. It must never learn of documents, languages, editors or prompt formats.
//!
//! A file becomes [`weights`] and a [`config`], they become a [`decoder`] (every tensor in its place, shapes checked), and a
//! [`backend`] computes that. The [`actor`] owns the backend on its own thread and serves [`request`]s. [`remote`] serves the same requests by asking a server.

pub mod actor;
#[cfg(test)]
mod allocations;
pub mod backend;
pub mod bench;
mod cache;
pub mod chat;
pub mod checkpoint;
pub mod config;
pub mod decoder;
pub mod error;
pub mod figures;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod fixture;
pub mod hub;
mod json;
pub mod options;
pub mod remote;
pub mod request;
mod sampling;
pub mod shape;
mod snapshot;
mod speculation;
pub mod tokenizer;
pub mod weights;

pub use actor::{Engine, ModelInfo, ModelSource, Score};
pub use error::EngineError;
pub use figures::{Figures, PageFigures};
pub use options::{BackendChoice, EngineOptions, KvChoice, TimeLimits, machine_memory};
pub use remote::{RemoteKind, RemoteOptions};
pub use request::{Done, Event, Finish, Prefill, Priority, Request, Sampling, Token};
pub use tokenizer::Tokenizer;
