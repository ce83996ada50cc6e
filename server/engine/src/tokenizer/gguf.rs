//! A GGUF's own vocabulary: `gpt2` (byte-level BPE) or `llama` (SentencePiece's BPE).

use super::{Kind, Method, Tokenizer, Vocabulary, pre_tokenizer};
use crate::{EngineError, weights::gguf::Gguf};

/// `tokenizer.ggml.token_type`, of which only what matters here.
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

/// Keys that name a marker by its id, whatever its type.
const MARKER_KEYS: [&str; 15] = [
    "bos", "eos", "eot", "eom", "unknown", "padding", "prefix", "suffix", "middle", "fim_pre", "fim_suf", "fim_mid",
    "fim_pad", "fim_rep", "fim_sep",
];

impl Tokenizer {
    /// Builds the tokenizer that a GGUF describes.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, EngineError> {
        const TOKENS: &str = "tokenizer.ggml.tokens";
        const SCORES: &str = "tokenizer.ggml.scores";
        let file = gguf.path();
        let texts = gguf.texts(TOKENS)?.ok_or_else(|| gguf.missing(TOKENS, "an array of strings"))?;
        let count = texts.len();
        let kinds = gguf.integers("tokenizer.ggml.token_type")?;
        if let Some(kinds) = kinds.as_ref().filter(|kinds| kinds.len() != count) {
            let expected = format!("{count} types, one for each token");
            return Err(EngineError::malformed(file, "tokenizer.ggml.token_type", expected, kinds.len().to_string()));
        }
        let method = match gguf.text("tokenizer.ggml.model")? {
            Some("gpt2") => {
                let (pre_tokenizer, ignore_merges) =
                    pre_tokenizer::by_name(file, gguf.text("tokenizer.ggml.pre")?.unwrap_or("default"))?;
                Method::ByteLevel { merges: merges(gguf)?, pre_tokenizer, ignore_merges }
            }
            Some("llama") => {
                let scores = gguf.floats(SCORES)?.ok_or_else(|| gguf.missing(SCORES, "an array of numbers"))?;
                if scores.len() != count {
                    let expected = format!("{count} scores, one for each token");
                    return Err(EngineError::malformed(file, SCORES, expected, scores.len().to_string()));
                }
                Method::SentencePiece { scores }
            }
            model => {
                let found = model.map_or("no such metadata key".into(), |model| format!("`{model}`"));
                let expected = "`gpt2` (byte-level BPE) or `llama` (SentencePiece)";
                return Err(EngineError::malformed(file, "tokenizer.ggml.model", expected, found));
            }
        };
        let pieces = matches!(method, Method::SentencePiece { .. });
        let mut tokens: Vec<_> = texts
            .into_iter()
            .enumerate()
            .map(|(id, text)| match kinds.as_ref().map_or(1, |kinds| kinds[id]) {
                UNUSED => None,
                CONTROL => Some((text, Kind::Special)),
                UNKNOWN if pieces => Some((text, Kind::Special)),
                USER_DEFINED if pieces && is_marker(&text) => Some((text, Kind::Special)),
                USER_DEFINED if pieces => Some((text, Kind::Literal)),
                // Markers added after training come as "user defined"; so do single characters and runs of spaces, which are text.
                USER_DEFINED if is_literal(&text) => Some((text, Kind::Literal)),
                USER_DEFINED => Some((text, Kind::Special)),
                // CodeLlama's come as plain text.
                _ if pieces && is_marker(&text) => Some((text, Kind::Special)),
                _ => Some((text, Kind::Text)),
            })
            .collect();
        for key in MARKER_KEYS {
            let id = gguf.unsigned(&format!("tokenizer.ggml.{key}_token_id"))?;
            if let Some(Some((_, kind))) = id.and_then(|id| tokens.get_mut(usize::try_from(id).ok()?)) {
                *kind = Kind::Special;
            }
        }
        Self::build(Vocabulary { file, tokens, method })
    }
}

/// Whether a token that was added to a byte-level vocabulary is text: a character, or spaces.
pub(super) fn is_literal(text: &str) -> bool {
    text.trim().is_empty() || text.chars().count() == 1
}

/// Whether a token of a SentencePiece vocabulary is spelled as a marker: `<|fim_prefix|>`, `<unused7>`, `<start_of_turn>`, `\u{2581}<PRE>`.
/// Markup that is text (`<table>`) is not.
pub(super) fn is_marker(text: &str) -> bool {
    let Some(name) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else {
        return matches!(text, "\u{2581}<PRE>" | "\u{2581}<SUF>" | "\u{2581}<MID>" | "\u{2581}<EOT>");
    };
    let piped = name.len() > 2 && name.starts_with('|') && name.ends_with('|');
    let unused = name.strip_prefix("unused").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    piped || unused || matches!(name, "start_of_turn" | "end_of_turn" | "mask" | "2mass")
}

fn merges(gguf: &Gguf) -> Result<Vec<(String, String)>, EngineError> {
    let mut merges = Vec::new();
    for (rank, merge) in gguf.texts("tokenizer.ggml.merges")?.unwrap_or_default().into_iter().enumerate() {
        let Some((left, right)) = merge.split_once(' ') else {
            let field = format!("tokenizer.ggml.merges {rank}");
            let (expected, found) = ("two tokens with a space between", format!("`{merge}`"));
            return Err(EngineError::malformed(gguf.path(), field, expected, found));
        };
        merges.push((left.to_owned(), right.to_owned()));
    }
    Ok(merges)
}
