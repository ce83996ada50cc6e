//! From a plan to token ids: the family that fits the tokenizer, and a cache of what was tokenised before.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use pilotlight_context::{Family, Piece, Plan, TokenCounter, UnknownFamily};
use pilotlight_engine::Tokenizer;

use crate::completion::SegmentReport;

/// Chunks of text whose tokens are remembered: a few files' worth of windows.
const CACHED_CHUNKS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// Encodes plans for one tokenizer.
pub(crate) struct PromptEncoder {
    tokenizer: Arc<Tokenizer>,
    family: &'static Family,
    // A std mutex: held for a look-up or for one chunk's encoding, never across an await.
    chunks: Mutex<LruCache<Box<str>, Arc<[u32]>>>,
}

impl PromptEncoder {
    /// Finds the family whose markers are all special tokens of `tokenizer`.
    pub(crate) fn new(tokenizer: Arc<Tokenizer>) -> Result<Self, UnknownFamily> {
        let family = Family::detect(|marker| tokenizer.special(marker).is_some())?;
        Ok(Self { tokenizer, family, chunks: Mutex::new(LruCache::new(CACHED_CHUNKS)) })
    }

    /// The family that was found.
    pub(crate) fn family(&self) -> &'static Family {
        self.family
    }

    /// Ids of the tokens that end a middle.
    pub(crate) fn stops(&self) -> Vec<u32> {
        self.family.stops.iter().filter_map(|marker| self.tokenizer.special(marker)).collect()
    }

    /// The plan's token ids, and the tokens of each of its segments.
    pub(crate) fn encode(&self, plan: &Plan) -> (Vec<u32>, Vec<SegmentReport>) {
        let mut ids = Vec::new();
        let reports = plan
            .segments
            .iter()
            .map(|segment| {
                let before = ids.len();
                for piece in &segment.pieces {
                    match piece {
                        // `detect` found every marker of the family, so none is dropped here.
                        Piece::Marker(name) => ids.extend(self.tokenizer.special(name)),
                        Piece::Text(text) => ids.extend_from_slice(&self.chunk(text)),
                    }
                }
                let id = &segment.id;
                SegmentReport {
                    source: id.source.name().to_owned(),
                    path: id.path.clone(),
                    line: id.line,
                    tokens: ids.len() - before,
                }
            })
            .collect();
        (ids, reports)
    }

    fn chunk(&self, text: &str) -> Arc<[u32]> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ids) = chunks.get(text) {
            return ids.clone();
        }
        let ids: Arc<[u32]> = self.tokenizer.encode(text).into();
        chunks.put(text.into(), ids.clone());
        ids
    }
}

impl TokenCounter for PromptEncoder {
    fn count(&self, text: &str) -> usize {
        self.chunk(text).len()
    }
}
