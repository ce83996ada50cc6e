//! A model on disk (or in the binary), opened: decoder, tokenizer and what the file says of itself.

use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;

use crate::{
    EngineError, ModelSource, Tokenizer,
    config::DecoderConfig,
    decoder::Decoder,
    json, tokenizer,
    weights::{gguf::Gguf, map::map, safetensors},
};

/// An opened model.
#[derive(Debug)]
pub struct Checkpoint {
    /// The file's own name for it, or the file's name.
    pub name: String,
    /// As the file says, if it does.
    pub licence: Option<String>,
    /// Shape and tensors.
    pub decoder: Decoder,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Beginning-of-text id, where the model wants one.
    pub bos: Option<u32>,
    /// Ids that end a text.
    pub eos: Vec<u32>,
}

/// Embedding rows that a Hugging Face model may have past its tokenizer's ids: sizes are padded to multiples of up to 512, and some
/// families reserve a few hundred ids.
const MOST_PADDING: usize = 1024;

impl Checkpoint {
    /// Opens a model. Weights are mapped, not read.
    pub fn open(source: &ModelSource) -> Result<Self, EngineError> {
        match source {
            ModelSource::Ember => {
                Self::from_gguf(Path::new("the built-in model"), &Bytes::from_static(pilotlight_ember::WEIGHTS))
            }
            ModelSource::Gguf(path) => Self::from_gguf(path, &map(path)?),
            ModelSource::SafeTensors(folder) => Self::from_folder(folder),
        }
    }

    /// Opens the bytes of a GGUF file; `path` is for messages, and for its name where it has none.
    pub fn from_gguf(path: &Path, bytes: &Bytes) -> Result<Self, EngineError> {
        let gguf = Gguf::parse(path, bytes)?;
        let mut weights = gguf.weights()?;
        let config = DecoderConfig::from_gguf(&gguf, &mut weights)?;
        let decoder = Decoder::new(config, weights)?;
        let tokenizer = Tokenizer::from_gguf(&gguf)?;
        let rows = decoder.config.vocab;
        tokenizer.check_rows(path, rows, 0)?;

        let id = |key: &str| match gguf.unsigned(key)? {
            Some(id) if id >= rows as u64 => {
                Err(EngineError::malformed(path, key, format!("a token id below {rows}"), id.to_string()))
            }
            id => Ok(id.map(|id| id as u32)),
        };
        let bos = id("tokenizer.ggml.bos_token_id")?;
        // Where the key is missing, two of the byte-level families want it.
        let pre = gguf.text("tokenizer.ggml.pre")?.unwrap_or_default();
        let default = matches!(pre, "llama-bpe" | "llama3" | "llama-v3" | "tekken");
        let wants_bos = gguf.bool("tokenizer.ggml.add_bos_token")?.unwrap_or(default);
        let mut eos = Vec::new();
        for key in ["eos", "eot", "eom"] {
            eos.extend(id(&format!("tokenizer.ggml.{key}_token_id"))?.filter(|id| !eos.contains(id)));
        }
        Ok(Self {
            name: gguf.text("general.name")?.map_or_else(|| stem(path), str::to_owned),
            licence: gguf.text("general.license")?.map(str::to_owned),
            decoder,
            tokenizer,
            bos: bos.filter(|_| wants_bos),
            eos,
        })
    }

    fn from_folder(folder: &Path) -> Result<Self, EngineError> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| EngineError::Io { path, source })
        };
        let config_path = folder.join("config.json");
        let config_text = read("config.json")?;
        let config = DecoderConfig::from_json(&config_path, &config_text)?;
        let decoder = {
            let weights = safetensors::read(folder, "model", config.family.tensors)?;
            Decoder::new(config, weights)?
        };
        let tokenizer_path = folder.join("tokenizer.json");
        let tokenizer_text = read("tokenizer.json")?;
        let tokenizer = Tokenizer::from_json(&tokenizer_path, &tokenizer_text)?;
        let rows = decoder.config.vocab;
        tokenizer.check_rows(&tokenizer_path, rows, MOST_PADDING)?;

        let ids = |name: &str, text: &[u8]| {
            let path = folder.join(name);
            let ends: TextEnds = json::parse(&path, text)?;
            match ends.eos().iter().find(|&&id| id as usize >= rows) {
                Some(id) => {
                    let expected = format!("token ids below {rows}");
                    Err(EngineError::malformed(&path, "eos_token_id", expected, id.to_string()))
                }
                None => Ok(ends.eos().to_vec()),
            }
        };
        // Generation's list is the fuller one where it exists: Qwen and Llama chat models end by several ids.
        let mut eos = ids("config.json", &config_text)?;
        if folder.join("generation_config.json").exists() {
            let generation = ids("generation_config.json", &read("generation_config.json")?)?;
            eos = if generation.is_empty() { eos } else { generation };
        }
        // The config's `bos_token_id` says nothing: Qwen2 has one and never uses it. What the tokenizer puts before a text counts.
        let first = tokenizer::json::first_marker(&tokenizer_path, &tokenizer_text)?;
        let bos = match first {
            None => None,
            Some(name) => Some(tokenizer.special(&name).ok_or_else(|| {
                let expected = "a marker among `added_tokens`";
                EngineError::malformed(&tokenizer_path, "post_processor", expected, format!("`{name}`"))
            })?),
        };
        Ok(Self { name: stem(folder), licence: None, decoder, tokenizer, bos, eos })
    }
}

/// The ids that end a text, in `config.json` and `generation_config.json`.
#[derive(Deserialize)]
struct TextEnds {
    eos_token_id: Option<OneOrMore>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(u32),
    More(Vec<u32>),
}

impl TextEnds {
    fn eos(&self) -> &[u32] {
        match &self.eos_token_id {
            None => &[],
            Some(OneOrMore::One(id)) => std::slice::from_ref(id),
            Some(OneOrMore::More(ids)) => ids,
        }
    }
}

/// A model's name where its file gives none.
fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
