//! Plans as token ids, for evaluations that ask an engine without an assistant.

use std::sync::Arc;

use anyhow::Result;
use pilotlight_context::{Family, PartialWords, Piece, Plan, TokenCounter};
use pilotlight_engine::Tokenizer;

/// Plans as ids, as the assistant writes them.
pub(crate) struct Encoder {
    pub(crate) tokenizer: Arc<Tokenizer>,
    pub(crate) family: &'static Family,
    pub(crate) stops: Vec<u32>,
}

impl Encoder {
    pub(crate) fn new(tokenizer: Arc<Tokenizer>) -> Result<Self> {
        let family = Family::detect(|marker| tokenizer.special(marker).is_some())?;
        let stops = family.stops.iter().filter_map(|marker| tokenizer.special(marker)).collect();
        Ok(Self { tokenizer, family, stops })
    }

    /// What would be shown of it at most.
    pub(crate) fn first_line(&self, ids: &[u32]) -> Vec<u8> {
        let text: Vec<u8> = ids.iter().flat_map(|&id| self.tokenizer.bytes(id).to_vec()).collect();
        text.split(|&byte| byte == b'\n').next().unwrap_or_default().to_vec()
    }

    /// Ids, the bytes to heal, and the tokens of each segment.
    pub(crate) fn encode(&self, plan: &Plan) -> (Vec<u32>, Vec<u8>, Vec<usize>) {
        let mut ids = Vec::new();
        let mut tokens = Vec::new();
        for segment in &plan.segments {
            let before = ids.len();
            for piece in &segment.pieces {
                match piece {
                    Piece::Marker(name) => ids.extend(self.tokenizer.special(name)),
                    Piece::Text(text) => ids.extend(self.tokenizer.encode(text)),
                }
            }
            tokens.push(ids.len() - before);
        }
        let heals = self.family.partial_words == PartialWords::Heal;
        let last = if heals { ids.pop_if(|last| !self.tokenizer.is_special(*last)) } else { None };
        if let Some(tokens) = tokens.iter_mut().rfind(|tokens| last.is_some() && **tokens > 0) {
            *tokens -= 1;
        }
        let heal = last.map(|id| self.tokenizer.bytes(id).to_vec()).unwrap_or_default();
        (ids, heal, tokens)
    }
}

impl TokenCounter for Encoder {
    fn count(&self, text: &str) -> usize {
        self.tokenizer.encode(text).len()
    }
}
