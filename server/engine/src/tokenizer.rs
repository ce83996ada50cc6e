//! Text to token ids and back.
//!
//! The pre-tokenizer and the merges are the `tokenizers` crate's. What is left out on purpose: its added tokens (text must never
//! turn into a marker), its post-processor (markers are inserted as ids, by whoever plans the prompt) and its normaliser (source code
//! is taken byte for byte).

mod alphabet;
mod gguf;
pub(crate) mod json;
mod pre_tokenizer;

use std::{collections::HashMap, path::Path};

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::{
    Model as _, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _, PreTokenizerWrapper,
};

use crate::EngineError;

/// A byte-level tokenizer: every text can be encoded, and decoding gives the bytes back.
pub struct Tokenizer {
    pre_tokenizer: PreTokenizerWrapper,
    bpe: BPE,
    /// The id of each single byte, for text on which the pre-tokenizer gives up.
    byte_ids: [u32; 256],
    /// The bytes of all tokens one after another; token i ends at `ends[i]`.
    bytes: Vec<u8>,
    ends: Vec<u32>,
    special: Vec<bool>,
    special_ids: HashMap<String, u32>,
}

/// What a token of a vocabulary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Text.
    Text,
    /// A marker: never produced from text, stands for no bytes.
    Special,
}

/// What both formats are read into.
struct Vocabulary<'a> {
    file: &'a Path,
    /// By id; `None` for an id that names nothing (padding).
    tokens: Vec<Option<(String, Kind)>>,
    /// In order of rank.
    merges: Vec<(String, String)>,
    pre_tokenizer: PreTokenizerWrapper,
    /// Whether a piece that is a token is taken whole, whatever the merges say.
    ignore_merges: bool,
}

impl Tokenizer {
    /// Encodes plain text. Marker look-alikes in `text` stay text: special tokens are never produced here.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        // Only a regular expression that runs into its backtracking limit fails: then each byte is a token, which is poor but true.
        self.encode_pieces(text).unwrap_or_else(|e| {
            tracing::warn!("the pre-tokenizer gave up on {} bytes: {e}", text.len());
            text.bytes().map(|byte| self.byte_ids[usize::from(byte)]).collect()
        })
    }

    fn encode_pieces(&self, text: &str) -> tokenizers::Result<Vec<u32>> {
        let mut pieces = PreTokenizedString::from(text);
        self.pre_tokenizer.pre_tokenize(&mut pieces)?;
        let mut ids = Vec::new();
        for (piece, ..) in pieces.get_splits(OffsetReferential::Normalized, OffsetType::None) {
            ids.extend(self.bpe.tokenize(piece)?.iter().map(|token| token.id));
        }
        Ok(ids)
    }

    /// The bytes of one token; special tokens and ids past the vocabulary give none.
    pub fn bytes(&self, id: u32) -> &[u8] {
        let end = |i: usize| self.ends.get(i).map(|&end| end as usize);
        match end(id as usize) {
            None => &[],
            Some(to) => &self.bytes[(id as usize).checked_sub(1).and_then(end).unwrap_or(0)..to],
        }
    }

    /// The id of a special token by its exact name, such as `<|fim_prefix|>`.
    pub fn special(&self, name: &str) -> Option<u32> {
        self.special_ids.get(name).copied()
    }

    /// Whether `id` is a special (control) token.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.get(id as usize).copied().unwrap_or(false)
    }

    /// How many ids there are.
    pub fn vocab_size(&self) -> usize {
        self.ends.len()
    }

    fn build(vocabulary: Vocabulary<'_>) -> Result<Self, EngineError> {
        let Vocabulary { file, tokens, merges, pre_tokenizer, ignore_merges } = vocabulary;
        let malformed =
            |field: String, expected: &str, found: String| EngineError::malformed(file, field, expected, found);

        let (mut bytes, mut ends, mut special) = (Vec::new(), Vec::new(), Vec::new());
        let mut special_ids = HashMap::new();
        let mut text_ids = HashMap::new();
        for (id, token) in (0u32..).zip(&tokens) {
            if let Some((text, kind)) = token {
                let ids = match kind {
                    Kind::Text => {
                        bytes.extend(alphabet::decode(text));
                        &mut text_ids
                    }
                    Kind::Special => &mut special_ids,
                };
                if let Some(first) = ids.insert(text.clone(), id) {
                    let found = format!("`{text}` as {first} and as {id}");
                    return Err(malformed(format!("token {id}"), "one id for each token", found));
                }
            }
            let end = u32::try_from(bytes.len()).map_err(|_| {
                malformed("vocabulary".into(), "at most 4 GiB of text", format!("{} bytes", bytes.len()))
            })?;
            ends.push(end);
            special.push(matches!(token, None | Some((_, Kind::Special))));
        }

        let mut byte_ids = [0; 256];
        for byte in 0..=255 {
            let id = text_ids.get(alphabet::encode(byte).to_string().as_str()).ok_or_else(|| {
                malformed(
                    "vocabulary".into(),
                    "a byte-level BPE: a token for each byte",
                    format!("none for byte {byte:#04x}"),
                )
            })?;
            byte_ids[usize::from(byte)] = *id;
        }

        let mut kept = Vec::with_capacity(merges.len());
        for (rank, (left, right)) in merges.into_iter().enumerate() {
            let whole = format!("{left}{right}");
            if special_ids.contains_key(&whole) {
                continue; // Text never becomes a marker, not even by merging.
            }
            // The crate would panic on a product longer than the longest token.
            if let Some(missing) = [&left, &right, &whole].into_iter().find(|part| !text_ids.contains_key(*part)) {
                return Err(malformed(format!("merge {rank}"), "tokens of the vocabulary", format!("`{missing}`")));
            }
            kept.push((left, right));
        }
        let text_ids: Vocab = text_ids.into_iter().collect();
        let bpe = BPE::builder().vocab_and_merges(text_ids, kept).ignore_merges(ignore_merges).build();
        let bpe = bpe.map_err(|e| malformed("merges".into(), "a byte-level BPE", e.to_string()))?;
        Ok(Self { pre_tokenizer, bpe, byte_ids, bytes, ends, special, special_ids })
    }

    /// Compares with the model's embedding. Models may have rows for ids that do not exist yet, up to `padding` of them.
    pub(crate) fn check_rows(&self, file: &Path, rows: usize, padding: usize) -> Result<(), EngineError> {
        let tokens = self.vocab_size();
        if tokens > rows || rows - tokens > padding {
            let expected = match padding {
                0 => format!("{tokens} embedding rows, as many as the tokenizer has tokens"),
                _ => format!("{tokens} embedding rows, as many as the tokenizer has tokens (and up to {padding} more)"),
            };
            return Err(EngineError::malformed(file, "embedding", expected, format!("{rows} rows")));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("tokens", &self.ends.len()).field("special", &self.special_ids.len()).finish()
    }
}

#[cfg(test)]
mod tests;
