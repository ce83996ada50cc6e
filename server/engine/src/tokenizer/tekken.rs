//! Mistral's `tekken.json`: a byte-level vocabulary in the order of its merges, as tiktoken has them. An id is a token's rank behind the special
//! tokens.
//!
//! Source: mistral-common's `Tekkenizer`.

use std::{collections::HashMap, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use serde::Deserialize;

use super::{Kind, Method, Tokenizer, Vocabulary, alphabet, pre_tokenizer};
use crate::{EngineError, json};

#[derive(Deserialize)]
struct File {
    config: Config,
    vocab: Vec<Token>,
    special_tokens: Option<Vec<Special>>,
}

#[derive(Deserialize)]
struct Config {
    pattern: String,
    /// Special tokens included.
    default_vocab_size: usize,
    default_num_special_tokens: usize,
}

#[derive(Deserialize)]
struct Token {
    rank: usize,
    /// Base64.
    token_bytes: String,
}

#[derive(Deserialize)]
struct Special {
    rank: usize,
    token_str: String,
}

/// What files from before they named their special tokens mean.
const UNNAMED: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

/// More than any vocabulary has: sizes past it are taken for corrupt.
const MOST_TOKENS: usize = 1 << 22;

impl Tokenizer {
    /// Builds the tokenizer that the text of a `tekken.json` describes; `file` is for messages.
    pub fn from_tekken(file: &Path, text: &[u8]) -> Result<Self, EngineError> {
        let File { config, vocab, special_tokens } = json::parse(file, text)?;
        let refuse =
            |field: String, expected: &str, found: String| EngineError::malformed(file, field, expected, found);
        let (size, specials) = (config.default_vocab_size, config.default_num_special_tokens);
        if size > MOST_TOKENS || specials > size {
            let found = format!("{size}, of which {specials} are special");
            return Err(refuse("config.default_vocab_size".into(), "a size up to 2^22", found));
        }
        let used = size - specials;
        if vocab.len() < used {
            let found = format!("{} for a size of {size} with {specials} special ones", vocab.len());
            return Err(refuse("vocab".into(), "a token for each id", found));
        }
        let mut tokens: Vec<Option<(String, Kind)>> = vec![None; specials];
        let named = match special_tokens {
            Some(named) => named.into_iter().map(|special| (special.rank, special.token_str)).collect(),
            None => UNNAMED.iter().map(|&name| name.to_owned()).enumerate().collect::<Vec<_>>(),
        };
        for (rank, name) in named {
            let Some(slot) = tokens.get_mut(rank) else {
                return Err(refuse(format!("special token `{name}`"), "a rank below their number", rank.to_string()));
            };
            *slot = Some((name, Kind::Special));
        }
        let mut ranks: HashMap<Vec<u8>, usize> = HashMap::with_capacity(used);
        for (rank, token) in vocab.into_iter().take(used).enumerate() {
            if token.rank != rank {
                return Err(refuse(format!("vocab[{rank}].rank"), "ranks in order", token.rank.to_string()));
            }
            let bytes = STANDARD
                .decode(&token.token_bytes)
                .ok()
                .filter(|bytes| !bytes.is_empty())
                .ok_or_else(|| refuse(format!("vocab[{rank}].token_bytes"), "base64", token.token_bytes.clone()))?;
            tokens.push(Some((spell(&bytes), Kind::Text)));
            if ranks.insert(bytes, rank).is_some() {
                return Err(refuse(format!("vocab[{rank}].token_bytes"), "a token of its own", token.token_bytes));
            }
        }
        Self::build(Vocabulary {
            file,
            tokens,
            method: Method::ByteLevel {
                merges: merges(&ranks),
                pre_tokenizer: pre_tokenizer::by_pattern(file, "config.pattern", &config.pattern)?,
                ignore_merges: true,
            },
        })
    }
}

/// Every pair of tokens that makes a token, in the order of what it makes: tiktoken merges any such pair.
fn merges(ranks: &HashMap<Vec<u8>, usize>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (bytes, rank) in ranks {
        for cut in 1..bytes.len() {
            let (left, right) = bytes.split_at(cut);
            if let (Some(left), Some(right)) = (ranks.get(left), ranks.get(right)) {
                pairs.push((*rank, *left, *right, bytes, cut));
            }
        }
    }
    pairs.sort_unstable_by_key(|&(rank, left, right, ..)| (rank, left, right));
    pairs.into_iter().map(|(.., bytes, cut)| (spell(&bytes[..cut]), spell(&bytes[cut..]))).collect()
}

/// In the byte-level alphabet.
fn spell(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| alphabet::encode(byte)).collect()
}
