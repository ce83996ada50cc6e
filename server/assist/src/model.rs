//! The loaded engine, and how prompts are written for it.

use std::sync::Arc;

use pilotlight_context::UnknownFamily;
use pilotlight_engine::Engine;

use crate::prompt::PromptEncoder;

/// An engine whose fill-in-the-middle format is known.
pub(crate) struct Model {
    pub(crate) engine: Engine,
    pub(crate) encoder: PromptEncoder,
}

impl Model {
    pub(crate) fn new(engine: Engine) -> Result<Self, UnknownFamily> {
        let encoder = PromptEncoder::new(Arc::clone(engine.tokenizer()))?;
        Ok(Self { engine, encoder })
    }
}
