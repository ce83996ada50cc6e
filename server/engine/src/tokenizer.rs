//! Text to token ids and back.
//!
//! Byte-level BPE is the `tokenizers` crate's, SentencePiece's is [`sentence_piece`]. What is left out on purpose: its added tokens (text must never
//! turn into a marker), its post-processor (markers are inserted as ids, by whoever plans the prompt) and its normaliser (source code
//! is taken byte for byte).

mod alphabet;
mod gguf;
pub(crate) mod json;
mod literals;
mod pre_tokenizer;
mod sentence_piece;
mod special;
mod tekken;

use std::{collections::HashMap, path::Path};

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::{
    Model as _, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _, PreTokenizerWrapper,
};

use self::{
    literals::{Literals, Part},
    sentence_piece::SentencePiece,
};
use crate::EngineError;

/// A tokenizer that loses nothing: every text can be encoded, and decoding gives the bytes back.
pub struct Tokenizer {
    literals: Literals,
    encoder: Encoder,
    /// The bytes of all tokens one after another; token i ends at `ends[i]`.
    bytes: Vec<u8>,
    ends: Vec<u32>,
    special: Vec<bool>,
    special_ids: HashMap<String, u32>,
}

enum Encoder {
    ByteLevel {
        pre_tokenizer: Box<PreTokenizerWrapper>,
        bpe: Box<BPE>,
        /// The id of each single byte, for text on which the pre-tokenizer gives up.
        byte_ids: [u32; 256],
    },
    SentencePiece(SentencePiece),
    /// A token a byte: see [`Tokenizer::of_bytes`].
    Bytes,
}

/// What a token of a vocabulary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Text.
    Text,
    /// Text that is a token wherever it stands; spelled as it is, but for spaces in SentencePiece.
    Literal,
    /// A marker: never produced from text, stands for no bytes.
    Special,
}

/// How text becomes tokens.
enum Method {
    /// Tokens are spelled in the byte-level alphabet.
    ByteLevel {
        /// In order of rank.
        merges: Vec<(String, String)>,
        pre_tokenizer: PreTokenizerWrapper,
        /// Whether a piece that is a token is taken whole, whatever the merges say.
        ignore_merges: bool,
    },
    /// Tokens are spelled with U+2581 for spaces, single bytes as `<0x0A>`.
    SentencePiece {
        /// Of each token, by id: the greatest merges first.
        scores: Vec<f32>,
    },
}

/// What both formats are read into.
struct Vocabulary<'a> {
    file: &'a Path,
    /// By id; `None` for an id that names nothing (padding).
    tokens: Vec<Option<(String, Kind)>>,
    method: Method,
}

impl Tokenizer {
    /// The vocabulary of a model whose own is elsewhere: the 256 bytes, and markers by name. A prompt in it can be written out again, as text between markers.
    pub(crate) fn of_bytes(markers: impl IntoIterator<Item = String>) -> Self {
        let special_ids: HashMap<String, u32> = markers.into_iter().zip(256..).collect();
        let ends = (1..=256).chain(special_ids.iter().map(|_| 256)).collect();
        let special = (0..256 + special_ids.len()).map(|id| id >= 256).collect();
        Self {
            literals: Literals::default(),
            encoder: Encoder::Bytes,
            bytes: (0..=255).collect(),
            ends,
            special,
            special_ids,
        }
    }

    /// The special tokens' names by id.
    pub(crate) fn special_names(&self) -> HashMap<u32, String> {
        self.special_ids.iter().map(|(name, &id)| (id, name.clone())).collect()
    }

    /// Encodes plain text, byte for byte: no space or marker is put before it. Marker look-alikes in `text` stay text: special tokens are never
    /// produced here.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let encoded: tokenizers::Result<()> = self.literals.cut(text, |part| {
            match (part, &self.encoder) {
                (Part::Token(id), _) => ids.push(id),
                (Part::Text(text), Encoder::SentencePiece(pieces)) => pieces.encode(text, &mut ids),
                (Part::Text(text), Encoder::Bytes) => ids.extend(text.bytes().map(u32::from)),
                (Part::Text(text), Encoder::ByteLevel { pre_tokenizer, bpe, .. }) => {
                    encode_pieces(pre_tokenizer, bpe, text, &mut ids)?;
                }
            }
            Ok(())
        });
        match (encoded, &self.encoder) {
            // Only a regular expression that runs into its backtracking limit fails: then each byte is a token, which is poor but true.
            (Err(e), Encoder::ByteLevel { byte_ids, .. }) => {
                tracing::warn!("the pre-tokenizer gave up on {} bytes: {e}", text.len());
                text.bytes().map(|byte| byte_ids[usize::from(byte)]).collect()
            }
            _ => ids,
        }
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

    /// The name of a special token.
    pub fn special_name(&self, id: u32) -> Option<&str> {
        let mut names = self.special_ids.iter().filter(|_| self.is_special(id));
        names.find(|(_, known)| **known == id).map(|(name, _)| name.as_str())
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
        let Vocabulary { file, tokens, method } = vocabulary;
        let malformed =
            |field: String, expected: &str, found: String| EngineError::malformed(file, field, expected, found);
        let byte_level = matches!(method, Method::ByteLevel { .. });
        let plain = |text: &str| if byte_level { text.to_owned() } else { text.replace(sentence_piece::SPACE, " ") };

        let (mut bytes, mut ends, mut special) = (Vec::new(), Vec::new(), Vec::new());
        let mut special_ids = HashMap::new();
        let mut text_ids: HashMap<String, u32> = HashMap::new();
        let mut literal_ids: HashMap<String, u32> = HashMap::new();
        for (id, token) in (0u32..).zip(&tokens) {
            if let Some((text, kind)) = token {
                let ids = match kind {
                    Kind::Text if byte_level => {
                        bytes.extend(alphabet::decode(text));
                        &mut text_ids
                    }
                    Kind::Text => {
                        match sentence_piece::byte(text) {
                            Some(byte) => bytes.push(byte),
                            None => bytes.extend(plain(text).into_bytes()),
                        }
                        &mut text_ids
                    }
                    Kind::Literal => {
                        bytes.extend(plain(text).into_bytes());
                        &mut literal_ids
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
            let spelled = if byte_level { alphabet::encode(byte).to_string() } else { format!("<0x{byte:02X}>") };
            // Where SentencePiece has no token for a byte it may have one for the character.
            let character = (!byte_level && byte.is_ascii()).then(|| char::from(byte).to_string());
            let found = text_ids.get(&spelled).or_else(|| text_ids.get(character.as_ref()?));
            if found.is_none() && matches!(byte, 0xc0 | 0xc1 | 0xf1..) {
                // No UTF-8 text has it, or none but private and unassigned characters, which are lost then. DeepSeek-Coder's and StarCoder's
                // vocabularies leave these out.
                continue;
            }
            let id = found.ok_or_else(|| {
                let expected =
                    if byte_level { "a byte-level BPE: a token for each byte" } else { "a token for each byte" };
                malformed("vocabulary".into(), expected, format!("none for byte {byte:#04x}"))
            })?;
            byte_ids[usize::from(byte)] = *id;
        }
        let encoder = match method {
            Method::ByteLevel { merges, pre_tokenizer, ignore_merges } => {
                let bpe = merge_rules(file, &special_ids, text_ids, merges, ignore_merges)?;
                Encoder::ByteLevel { pre_tokenizer: Box::new(pre_tokenizer), bpe: Box::new(bpe), byte_ids }
            }
            Method::SentencePiece { scores } => {
                let scored = |(text, id): (String, u32)| {
                    let score = scores.get(id as usize).copied().unwrap_or(f32::NEG_INFINITY);
                    (text, (id, score))
                };
                let pieces = text_ids.into_iter().filter(|(text, _)| sentence_piece::byte(text).is_none());
                Encoder::SentencePiece(SentencePiece::new(pieces.map(scored).collect(), byte_ids))
            }
        };
        let literals = Literals::new(literal_ids.into_iter().map(|(text, id)| (plain(&text), id)));
        Ok(Self { literals, encoder, bytes, ends, special, special_ids })
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

fn encode_pieces(
    pre_tokenizer: &PreTokenizerWrapper,
    bpe: &BPE,
    text: &str,
    ids: &mut Vec<u32>,
) -> tokenizers::Result<()> {
    let mut pieces = PreTokenizedString::from(text);
    pre_tokenizer.pre_tokenize(&mut pieces)?;
    for (piece, ..) in pieces.get_splits(OffsetReferential::Normalized, OffsetType::None) {
        ids.extend(bpe.tokenize(piece)?.iter().map(|token| token.id));
    }
    Ok(())
}

/// The merges of a byte-level BPE, checked.
fn merge_rules(
    file: &Path,
    special_ids: &HashMap<String, u32>,
    text_ids: HashMap<String, u32>,
    merges: Vec<(String, String)>,
    ignore_merges: bool,
) -> Result<BPE, EngineError> {
    let malformed = |field: String, expected: &str, found: String| EngineError::malformed(file, field, expected, found);
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
    bpe.map_err(|e| malformed("merges".into(), "a byte-level BPE", e.to_string()))
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("tokens", &self.ends.len()).field("special", &self.special_ids.len()).finish()
    }
}

#[cfg(test)]
pub(crate) mod tests;
