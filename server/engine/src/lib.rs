//! The resident model: weights, tokenizers, the decoder, the KV cache, scheduling and sampling.
//!
//! This room takes token ids and gives token ids. It must never learn of documents, languages, editors or prompt formats.

pub mod actor;
pub mod error;
pub mod request;
pub mod tokenizer;

pub use actor::{Engine, ModelInfo, ModelSource};
pub use error::EngineError;
pub use request::{Done, Event, Finish, Prefill, Priority, Request, Sampling, Token};
pub use tokenizer::Tokenizer;
