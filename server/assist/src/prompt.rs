//! From a plan to token ids: the family that fits the tokenizer, and a cache of what was tokenised before.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use pilotlight_context::{Family, PartialWords, Piece, Plan, TokenCounter, UnknownFamily, lines::plain};
use pilotlight_engine::{Engine, Tokenizer};

use crate::completion::SegmentReport;

/// Chunks of text whose tokens are remembered: a few files' worth of windows.
const CACHED_CHUNKS: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// Bytes of the longest text that is remembered: a chunk of code is a few hundred, and what is longer is seldom the same again.
const LARGEST_CACHED: usize = 8 * 1024;

/// Encodes plans for one tokenizer.
pub(crate) struct PromptEncoder {
    engine: Engine,
    tokenizer: Arc<Tokenizer>,
    family: &'static Family,
    // A std mutex: held for a look-up, never while something is encoded.
    chunks: Mutex<LruCache<Box<str>, Arc<[u32]>>>,
}

/// A plan as the engine takes it.
pub(crate) struct Prompt {
    pub(crate) ids: Vec<u32>,
    /// What the model must write first: the bytes of the last token, taken off because the person may be in the middle of a word.
    pub(crate) heal: Vec<u8>,
    pub(crate) segments: Vec<SegmentReport>,
}

impl PromptEncoder {
    /// Finds the family whose markers are all special tokens of the engine's tokenizer.
    pub(crate) fn new(engine: Engine) -> Result<Self, UnknownFamily> {
        let tokenizer = Arc::clone(engine.tokenizer());
        let family = Family::detect(|marker| tokenizer.special(marker).is_some())?;
        Ok(Self { engine, tokenizer, family, chunks: Mutex::new(LruCache::new(CACHED_CHUNKS)) })
    }

    /// The family that was found.
    pub(crate) fn family(&self) -> &'static Family {
        self.family
    }

    /// Tokens of `total` that excerpts of other files get where no setting says.
    pub(crate) fn repository_tokens(&self, total: usize) -> usize {
        self.family.repository_share.map_or(0, |share| total / share)
    }

    /// What is said where `rest` is right and `heal` must be said first; nothing where nothing is expected.
    pub(crate) fn draft(&self, heal: &[u8], rest: &str) -> Vec<u32> {
        match std::str::from_utf8(heal) {
            Ok(heal) if !rest.is_empty() => self.tokenizer.encode(&format!("{heal}{rest}")),
            _ => Vec::new(),
        }
    }

    /// Ids of the tokens that end a middle.
    pub(crate) fn stops(&self) -> Vec<u32> {
        self.specials(self.family.stops)
    }

    /// The ids of these special tokens, as far as there are such.
    pub(crate) fn specials(&self, names: &[&str]) -> Vec<u32> {
        names.iter().filter_map(|name| self.tokenizer.special(name)).collect()
    }

    /// A text of others' form: a mark that is no special token is text.
    pub(crate) fn pieces(&self, pieces: &[Piece]) -> Vec<u32> {
        let mut ids: Vec<u32> = self.engine.info().bos.into_iter().collect();
        for piece in pieces {
            match piece {
                Piece::Marker(name) => match self.tokenizer.special(name) {
                    Some(id) => ids.push(id),
                    None => ids.extend_from_slice(&self.chunk(name)),
                },
                Piece::Text(text) => ids.extend_from_slice(&self.chunk(text)),
            }
        }
        ids
    }

    /// The plan as token ids.
    pub(crate) fn encode(&self, plan: &Plan) -> Prompt {
        let mut ids = Vec::new();
        let mut segments: Vec<SegmentReport> = plan
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
                    tokens: self.tokens(ids.len() - before),
                    gain: None,
                    warm: false,
                }
            })
            .collect();
        let heal = match self.family.partial_words {
            PartialWords::Heal if self.engine.heals() => self.step_back(&mut ids),
            PartialWords::Heal | PartialWords::Trained => Vec::new(),
        };
        // What was taken off is decoded again, not read.
        if let Some(last) = segments.iter_mut().rfind(|segment| !heal.is_empty() && segment.tokens > 0) {
            last.tokens -= 1;
        }
        Prompt { ids, heal, segments }
    }

    /// The tokens that so many ids are: where a server counts them, about as many as it will.
    fn tokens(&self, ids: usize) -> usize {
        self.engine.bytes_per_token().map_or(ids, |bytes| (ids as f32 / bytes).ceil() as usize)
    }

    /// Takes the last token off, if it is text, and gives its bytes.
    fn step_back(&self, ids: &mut Vec<u32>) -> Vec<u8> {
        let last = ids.pop_if(|last| !self.tokenizer.is_special(*last));
        last.map(|id| self.tokenizer.bytes(id).to_vec()).unwrap_or_default()
    }

    /// The tokens of a text that the model reads. It is shown no returns: the plan keeps them, to know the text again, but no model was trained on them.
    fn chunk(&self, text: &str) -> Arc<[u32]> {
        let text = &*plain(text);
        let chunks = || self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ids) = chunks().get(text) {
            return ids.clone();
        }
        let ids: Arc<[u32]> = self.tokenizer.encode(text).into();
        if text.len() <= LARGEST_CACHED {
            chunks().put(text.into(), ids.clone());
        }
        ids
    }
}

impl TokenCounter for PromptEncoder {
    fn count(&self, text: &str) -> usize {
        self.tokens(self.chunk(text).len())
    }
}
