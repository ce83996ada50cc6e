//! The engine's handle, and the thread that owns the model.

use std::{path::PathBuf, sync::Arc};

use tokio::sync::mpsc;

use crate::{EngineError, Event, Request, Tokenizer};

/// Where the weights are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// The built-in model.
    Ember,
    /// A `.gguf` file.
    Gguf(PathBuf),
    /// A folder with `config.json`, `tokenizer.json` and `*.safetensors`.
    SafeTensors(PathBuf),
}

/// What was loaded.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// The file's own name for it (`general.name`), or the file's.
    pub name: String,
    /// `llama`, `qwen2`, ...
    pub architecture: String,
    /// Number of weights.
    pub parameters: u64,
    /// Bytes of the weights as stored.
    pub bytes: u64,
    /// The longest sequence, in tokens.
    pub context_length: usize,
    /// As the file says, if it does.
    pub licence: Option<String>,
    /// The way it is computed: `reference`, `cpu (avx512-vnni)`, ...
    pub backend: String,
    /// Beginning-of-text id, where the model wants one.
    pub bos: Option<u32>,
    /// Ids that end a text.
    pub eos: Vec<u32>,
}

/// A handle to the engine. `Clone` is cheap; the last handle's drop ends the engine's thread.
#[derive(Clone, Debug)]
pub struct Engine {}

impl Engine {
    /// Loads the model and starts the thread that owns it. Blocking.
    pub fn load(_source: &ModelSource) -> Result<Self, EngineError> {
        todo!()
    }
    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        todo!()
    }
    /// Its tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        todo!()
    }
    /// Queues a request. Events arrive in order; dropping the receiver cancels.
    pub fn submit(&self, _request: Request) -> mpsc::UnboundedReceiver<Event> {
        todo!()
    }
}
