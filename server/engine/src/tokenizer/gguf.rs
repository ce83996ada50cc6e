//! A GGUF's own vocabulary, of the kind `gpt2` (byte-level BPE).

use super::{Kind, Tokenizer, Vocabulary, pre_tokenizer};
use crate::{EngineError, weights::gguf::Gguf};

/// `tokenizer.ggml.token_type`, of which only what matters here.
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

impl Tokenizer {
    /// Builds the tokenizer that a GGUF describes.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, EngineError> {
        const TOKENS: &str = "tokenizer.ggml.tokens";
        let file = gguf.path();
        let model = gguf.text("tokenizer.ggml.model")?;
        if model != Some("gpt2") {
            let found = model.map_or("no such metadata key".into(), |model| format!("`{model}`"));
            return Err(EngineError::malformed(file, "tokenizer.ggml.model", "`gpt2` (byte-level BPE)", found));
        }
        let (pre_tokenizer, ignore_merges) =
            pre_tokenizer::by_name(file, gguf.text("tokenizer.ggml.pre")?.unwrap_or("default"))?;

        let texts = gguf.texts(TOKENS)?.ok_or_else(|| gguf.missing(TOKENS, "an array of strings"))?;
        let kinds = gguf.integers("tokenizer.ggml.token_type")?;
        if let Some(kinds) = kinds.as_ref().filter(|kinds| kinds.len() != texts.len()) {
            let expected = format!("{} types, one for each token", texts.len());
            return Err(EngineError::malformed(file, "tokenizer.ggml.token_type", expected, kinds.len().to_string()));
        }
        let kind = |id: usize| kinds.as_ref().map_or(1, |kinds| kinds[id]);
        let tokens = texts.into_iter().enumerate().map(|(id, text)| match kind(id) {
            UNUSED => None,
            CONTROL => Some((text, Kind::Special)),
            // Markers added after training come as "user defined"; so do runs of spaces, which are text.
            USER_DEFINED if !text.trim().is_empty() => Some((text, Kind::Special)),
            _ => Some((text, Kind::Text)),
        });

        let mut merges = Vec::new();
        for (rank, merge) in gguf.texts("tokenizer.ggml.merges")?.unwrap_or_default().into_iter().enumerate() {
            let Some((left, right)) = merge.split_once(' ') else {
                let field = format!("tokenizer.ggml.merges {rank}");
                return Err(EngineError::malformed(
                    file,
                    field,
                    "two tokens with a space between",
                    format!("`{merge}`"),
                ));
            };
            merges.push((left.to_owned(), right.to_owned()));
        }
        Self::build(Vocabulary { file, tokens: tokens.collect(), merges, pre_tokenizer, ignore_merges })
    }
}
