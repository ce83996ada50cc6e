//! How text is cut into pieces before the merges: by name for GGUF, by description for `tokenizer.json`.

use std::path::Path;

use tokenizers::{
    PreTokenizerWrapper, SplitDelimiterBehavior,
    pre_tokenizers::{
        byte_level::ByteLevel,
        sequence::Sequence,
        split::{Split, SplitPattern},
    },
};

use crate::EngineError;

/// One cut: each match of a pattern becomes a piece, and so does what lies between.
type Cuts = &'static [&'static str];

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const SEED_CODER: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Names of `tokenizer.ggml.pre`, their cuts in order, and whether a piece that is a token is taken whole.
const BY_NAME: &[(&[&str], Cuts, bool)] = &[
    (&["gpt-2", "gpt2", "mellum", "phi-2", "olmo", "jais", "mpt", "jina-v2-code"], &[GPT2], false),
    (&["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"], &[LLAMA3], true),
    (&["qwen2", "deepseek-r1-qwen", "stablelm2", "megrez", "hunyuan"], &[QWEN2], false),
    (&["seed-coder"], &[SEED_CODER], false),
    (&["tekken"], &[TEKKEN], true),
    (&["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone"], &[r"\p{N}", GPT2], false),
    (&["deepseek-coder"], &[r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\u{d7ff}]+", r"\p{N}"], false),
    // What llama.cpp does with files from before the key existed.
    (&["default"], &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"], false),
];

/// By GGUF's name. Gives also whether a piece that is a token is taken whole.
pub(super) fn by_name(file: &Path, name: &str) -> Result<(PreTokenizerWrapper, bool), EngineError> {
    let Some((_, cuts, ignore_merges)) = BY_NAME.iter().find(|(names, ..)| names.contains(&name)) else {
        let known = BY_NAME.iter().flat_map(|(names, ..)| *names).copied().collect::<Vec<_>>().join(", ");
        let expected = format!("one of {known}");
        return Err(EngineError::malformed(file, "tokenizer.ggml.pre", expected, format!("`{name}`")));
    };
    Ok((by_cuts(file, "tokenizer.ggml.pre", cuts)?, *ignore_merges))
}

/// By one pattern that the file gives in its field `field`.
pub(super) fn by_pattern(file: &Path, field: &str, pattern: &str) -> Result<PreTokenizerWrapper, EngineError> {
    by_cuts(file, field, &[pattern])
}

fn by_cuts(file: &Path, field: &str, cuts: &[&str]) -> Result<PreTokenizerWrapper, EngineError> {
    let mut steps = Vec::new();
    for cut in cuts {
        let split = Split::new(SplitPattern::Regex((*cut).into()), SplitDelimiterBehavior::Isolated, false);
        let split = split.map_err(|e| EngineError::malformed(file, field, "a regular expression", e.to_string()))?;
        steps.push(PreTokenizerWrapper::from(split));
    }
    steps.push(ByteLevel::new(false, false, false).into());
    Ok(Sequence::new(steps).into())
}

/// By a `tokenizer.json`'s description, where it is one that loses no text and ends byte-level.
pub(super) fn by_description(file: &Path, description: &serde_json::Value) -> Result<PreTokenizerWrapper, EngineError> {
    let refuse = |expected: &str, found: String| EngineError::malformed(file, "pre_tokenizer", expected, found);
    let wrapper: PreTokenizerWrapper = serde_json::from_value(description.clone())
        .map_err(|e| refuse("a pre-tokenizer of the tokenizers crate", e.to_string()))?;
    let steps = match &wrapper {
        PreTokenizerWrapper::Sequence(sequence) => sequence.as_ref(),
        one => std::slice::from_ref(one),
    };
    for step in steps {
        match step {
            PreTokenizerWrapper::Digits(_) => {}
            PreTokenizerWrapper::Split(split) if split.behavior != SplitDelimiterBehavior::Removed => {}
            PreTokenizerWrapper::ByteLevel(level) if !level.add_prefix_space => {}
            other => {
                let expected = "Split (not Removed), Digits or ByteLevel without a prefix space";
                return Err(refuse(expected, format!("{other:?}").chars().take(120).collect()));
            }
        }
    }
    match steps.last() {
        Some(PreTokenizerWrapper::ByteLevel(_)) => Ok(wrapper),
        _ => Err(refuse("ByteLevel as the last step", description.to_string().chars().take(120).collect())),
    }
}
