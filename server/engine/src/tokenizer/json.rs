//! A `tokenizer.json` of Hugging Face's tokenizers: byte-level BPE, or SentencePiece's BPE with its bytes to fall back to.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use serde::Deserialize;

use super::{Kind, Method, Tokenizer, Vocabulary, gguf, pre_tokenizer, sentence_piece};
use crate::{EngineError, json};

/// The part of the file that is read.
#[derive(Deserialize)]
struct File {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    #[serde(default)]
    pre_tokenizer: serde_json::Value,
    normalizer: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: BTreeMap<String, u32>,
    merges: Vec<Merge>,
    #[serde(default)]
    ignore_merges: bool,
    #[serde(default)]
    byte_fallback: bool,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
}

/// Both spellings are in use.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair(String, String),
    Joined(String),
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
}

/// What is put around a text, where the file says so.
#[derive(Deserialize)]
struct PostProcessing {
    post_processor: Option<PostProcessor>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum PostProcessor {
    Sequence {
        processors: Vec<PostProcessor>,
    },
    TemplateProcessing {
        single: Vec<Piece>,
    },
    #[serde(other)]
    Other,
}

/// A piece of a template: a marker by its name, or the text.
#[derive(Deserialize)]
enum Piece {
    SpecialToken { id: String },
    Sequence {},
}

/// The marker that a `tokenizer.json` puts before every text, if it does.
pub(crate) fn first_marker(file: &Path, text: &[u8]) -> Result<Option<String>, EngineError> {
    fn find(processor: PostProcessor) -> Option<String> {
        match processor {
            PostProcessor::Sequence { processors } => processors.into_iter().find_map(find),
            PostProcessor::TemplateProcessing { single } => match single.into_iter().next()? {
                Piece::SpecialToken { id } => Some(id),
                Piece::Sequence {} => None,
            },
            PostProcessor::Other => None,
        }
    }
    let parsed: PostProcessing = json::parse(file, text)?;
    Ok(parsed.post_processor.and_then(find))
}

/// The scores that the merges stand for: a piece's is better the earlier a merge makes it. Pieces that no merge makes are never made.
fn scores(
    file: &Path,
    tokens: &[Option<(String, Kind)>],
    merges: &[(String, String)],
    normalizer: Option<&serde_json::Value>,
) -> Result<Vec<f32>, EngineError> {
    // The normaliser puts U+2581 where spaces are (and before the text, which is not done here).
    let spaces = normalizer.map(serde_json::Value::to_string).is_some_and(|text| text.contains(sentence_piece::SPACE));
    if !spaces {
        let found = "a normaliser that does not";
        return Err(EngineError::malformed(file, "normalizer", "U+2581 in place of spaces", found));
    }
    let named = |(id, token): (usize, &Option<(String, Kind)>)| token.as_ref().map(|(text, _)| (text.clone(), id));
    let ids: HashMap<String, usize> = tokens.iter().enumerate().filter_map(named).collect();
    let mut scores = vec![f32::NEG_INFINITY; tokens.len()];
    for (rank, (left, right)) in merges.iter().enumerate().rev() {
        if let Some(&id) = ids.get(&format!("{left}{right}")) {
            // Ranks past 2^24 would no longer differ.
            scores[id] = -(rank as f32);
        }
    }
    Ok(scores)
}

/// More ids than any model has: a vocabulary past this is taken for corrupt before a table of its size is made.
const MOST_TOKENS: u32 = 1 << 22;

impl Tokenizer {
    /// Builds the tokenizer that the text of a `tokenizer.json` describes; `file` is for messages.
    pub fn from_json(file: &Path, text: &[u8]) -> Result<Self, EngineError> {
        let parsed: File = json::parse(file, text)?;
        let Model { kind, vocab, merges, ignore_merges, byte_fallback, continuing_subword_prefix, end_of_word_suffix } =
            parsed.model;
        if let Some(kind) = kind.filter(|kind| kind != "BPE") {
            return Err(EngineError::malformed(file, "model.type", "`BPE`", format!("`{kind}`")));
        }
        for (name, value) in [
            ("model.continuing_subword_prefix", continuing_subword_prefix),
            ("model.end_of_word_suffix", end_of_word_suffix),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                return Err(EngineError::malformed(file, name, "none in a byte-level BPE", format!("`{value}`")));
            }
        }

        let mut tokens: Vec<Option<(String, Kind)>> = Vec::new();
        let added = parsed.added_tokens.into_iter().map(|token| {
            let literal = gguf::is_literal(&token.content)
                || (byte_fallback && !token.special && !gguf::is_marker(&token.content));
            let kind = if literal { Kind::Literal } else { Kind::Special };
            (token.content, token.id, kind)
        });
        // Added tokens come last: one that the vocabulary has too is a marker.
        for (text, id, kind) in vocab.into_iter().map(|(text, id)| (text, id, Kind::Text)).chain(added) {
            if id >= MOST_TOKENS {
                let expected = format!("ids below {MOST_TOKENS}");
                return Err(EngineError::malformed(file, format!("token `{text}`"), expected, id.to_string()));
            }
            let id = id as usize;
            if tokens.len() <= id {
                tokens.resize(id + 1, None);
            }
            if let Some((other, _)) = tokens[id].replace((text, kind)) {
                let text = tokens[id].as_ref().map_or("", |(text, _)| text);
                if other != text {
                    let found = format!("`{other}` and `{text}`");
                    return Err(EngineError::malformed(file, format!("token {id}"), "one token for each id", found));
                }
            }
        }

        let mut pairs = Vec::new();
        for (rank, merge) in merges.into_iter().enumerate() {
            pairs.push(match merge {
                Merge::Pair(left, right) => (left, right),
                Merge::Joined(joined) => match joined.split_once(' ') {
                    Some((left, right)) => (left.to_owned(), right.to_owned()),
                    None => {
                        let field = format!("model.merges {rank}");
                        let expected = "two tokens with a space between";
                        return Err(EngineError::malformed(file, field, expected, format!("`{joined}`")));
                    }
                },
            });
        }
        let method = match byte_fallback {
            true => Method::SentencePiece { scores: scores(file, &tokens, &pairs, parsed.normalizer.as_ref())? },
            false => Method::ByteLevel {
                merges: pairs,
                pre_tokenizer: pre_tokenizer::by_description(file, &parsed.pre_tokenizer)?,
                ignore_merges,
            },
        };
        Self::build(Vocabulary { file, tokens, method })
    }
}
