//! A model on disk (or in the binary), opened: decoder, tokenizer and what the file says of itself.

use std::{collections::HashMap, path::Path};

use bytes::Bytes;
use serde::Deserialize;

use crate::{
    EngineError, ModelSource, Tokenizer,
    chat::Chat,
    config::{DecoderConfig, weight_block},
    decoder::Decoder,
    json, tokenizer,
    weights::{gguf::Gguf, names, safetensors},
};

/// An opened model.
#[derive(Debug)]
pub struct Checkpoint {
    /// The file's own name for it, or the file's name.
    pub name: String,
    /// As the file says, if it does.
    pub licence: Option<String>,
    /// The next-edit form that it was trained on, by name, where the file tells one.
    pub edit_form: Option<String>,
    /// Shape and tensors.
    pub decoder: Decoder,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Beginning-of-text id, where the model wants one.
    pub bos: Option<u32>,
    /// Ids that end a text.
    pub eos: Vec<u32>,
    /// How it chats; why it does not.
    pub chat: Result<Chat, String>,
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
            ModelSource::Gguf(path) => Self::from_header(Gguf::open(path)?),
            ModelSource::SafeTensors(folder) => Self::from_folder(folder),
        }
    }

    /// Opens the bytes of a GGUF file; `path` is for messages, and for its name where it has none.
    pub fn from_gguf(path: &Path, bytes: &Bytes) -> Result<Self, EngineError> {
        Self::from_header(Gguf::parse(path, bytes)?)
    }

    fn from_header(gguf: Gguf) -> Result<Self, EngineError> {
        let path = gguf.path();
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
        let names = tokenizer.special_names();
        let named = [("bos_token", bos), ("eos_token", eos.first().copied())]
            .into_iter()
            .filter_map(|(name, id)| Some((name.to_owned(), names.get(&id?)?.clone())))
            .collect();
        let chat = chat(path, gguf.text("tokenizer.chat_template")?.map(str::to_owned), named, &tokenizer);
        Ok(Self {
            chat,
            name: gguf.text("general.name")?.map_or_else(|| stem(path), str::to_owned),
            licence: gguf.text("general.license")?.map(str::to_owned),
            edit_form: gguf.text("pilotlight.edit_form")?.map(str::to_owned),
            decoder,
            tokenizer,
            bos: bos.filter(|_| wants_bos),
            eos,
        })
    }

    fn from_folder(folder: &Path) -> Result<Self, EngineError> {
        let there = |name: &str| folder.join(name).exists();
        let stored =
            |name: &str| there(&format!("{name}.safetensors")) || there(&format!("{name}.safetensors.index.json"));
        // Mistral ships both in one folder; then either will do.
        let consolidated = there("params.json") && stored("consolidated") && !stored("model");
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| EngineError::Io { path, source })
        };
        let decoder = if consolidated {
            let config = DecoderConfig::from_params(&folder.join("params.json"), &read("params.json")?)?;
            Decoder::new(config, safetensors::read(folder, "consolidated", &names::MISTRAL, None)?)?
        } else {
            let (path, text) = (folder.join("config.json"), read("config.json")?);
            let config = DecoderConfig::from_json(&path, &text)?;
            let weights = safetensors::read(folder, "model", config.family.tensors, weight_block(&path, &text)?)?;
            Decoder::new(config, weights)?
        };
        let rows = decoder.config.vocab;
        if there("tekken.json") && (consolidated || !there("tokenizer.json")) {
            let path = folder.join("tekken.json");
            let tokenizer = Tokenizer::from_tekken(&path, &read("tekken.json")?)?;
            tokenizer.check_rows(&path, rows, MOST_PADDING)?;
            let special = |name: &str| {
                let expected = format!("a special token `{name}`");
                tokenizer.special(name).ok_or_else(|| EngineError::malformed(&path, "special_tokens", expected, "none"))
            };
            let (bos, eos) = (special("<s>")?, special("</s>")?);
            let chat = folder_chat(folder, &tokenizer)?;
            let name = stem(folder);
            return Ok(Self {
                name,
                licence: None,
                edit_form: None,
                decoder,
                tokenizer,
                bos: Some(bos),
                eos: vec![eos],
                chat,
            });
        }
        let tokenizer_path = folder.join("tokenizer.json");
        let tokenizer_text = read("tokenizer.json")?;
        let tokenizer = Tokenizer::from_json(&tokenizer_path, &tokenizer_text)?;
        tokenizer.check_rows(&tokenizer_path, rows, MOST_PADDING)?;

        // Generation's list is the fuller one where it exists: Qwen and Llama chat models end by several ids.
        let mut eos = Vec::new();
        for name in ["generation_config.json", "config.json"] {
            if eos.is_empty() && there(name) {
                eos = text_ends(&folder.join(name), &read(name)?, rows)?;
            }
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
        let chat = folder_chat(folder, &tokenizer)?;
        Ok(Self { name: stem(folder), licence: None, edit_form: None, decoder, tokenizer, bos, eos, chat })
    }
}

/// A template that cannot be read keeps a model from chatting and from nothing else.
fn chat(
    file: &Path,
    source: Option<String>,
    named: HashMap<String, String>,
    tokenizer: &Tokenizer,
) -> Result<Chat, String> {
    let source =
        source.ok_or_else(|| format!("{} has no chat template: the model was not trained to chat", file.display()))?;
    Chat::new(file, &source, named, tokenizer).map_err(|error| error.to_string())
}

/// As `tokenizer_config.json` and `chat_template.jinja` have it; the latter goes first.
fn folder_chat(folder: &Path, tokenizer: &Tokenizer) -> Result<Result<Chat, String>, EngineError> {
    let read = |name: &str| match std::fs::read(folder.join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EngineError::Io { path: folder.join(name), source }),
    };
    let config: TokenizerConfig = match read("tokenizer_config.json")? {
        Some(text) => match json::parse(&folder.join("tokenizer_config.json"), &text) {
            Ok(config) => config,
            Err(error) => return Ok(Err(error.to_string())),
        },
        // Mistral's own folders have none.
        None => TokenizerConfig {
            bos_token: Some(NamedToken::Name("<s>".into())),
            eos_token: Some(NamedToken::Name("</s>".into())),
            chat_template: None,
        },
    };
    let named = [("bos_token", config.bos_token), ("eos_token", config.eos_token)]
        .into_iter()
        .filter_map(|(name, token)| Some((name.to_owned(), token?.into_name())))
        .collect();
    let own = read("chat_template.jinja")?.map(|text| String::from_utf8_lossy(&text).into_owned());
    let source = own.or_else(|| config.chat_template?.into_source());
    Ok(chat(folder, source, named, tokenizer))
}

/// What chat needs of `tokenizer_config.json`.
#[derive(Deserialize)]
struct TokenizerConfig {
    bos_token: Option<NamedToken>,
    eos_token: Option<NamedToken>,
    chat_template: Option<TemplateText>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NamedToken {
    Name(String),
    Described { content: String },
}

impl NamedToken {
    fn into_name(self) -> String {
        match self {
            Self::Name(name) | Self::Described { content: name } => name,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TemplateText {
    One(String),
    Several(Vec<NamedTemplate>),
}

#[derive(Deserialize)]
struct NamedTemplate {
    name: String,
    template: String,
}

impl TemplateText {
    /// Of several, the one that knows tools, or the default.
    fn into_source(self) -> Option<String> {
        match self {
            Self::One(source) => Some(source),
            Self::Several(mut all) => {
                let place = |name: &str| all.iter().position(|one| one.name == name);
                let at = place("tool_use").or_else(|| place("default"))?;
                Some(all.swap_remove(at).template)
            }
        }
    }
}

/// The ids that end a text, all below `rows`.
fn text_ends(path: &Path, text: &[u8], rows: usize) -> Result<Vec<u32>, EngineError> {
    let ends: TextEnds = json::parse(path, text)?;
    let own = ends.eos_token_id.or(ends.text_config.and_then(|inner| inner.eos_token_id));
    let ids = own.map(OneOrMore::into_vec).unwrap_or_default();
    match ids.iter().find(|&&id| id as usize >= rows) {
        Some(id) => {
            let expected = format!("token ids below {rows}");
            Err(EngineError::malformed(path, "eos_token_id", expected, id.to_string()))
        }
        None => Ok(ids),
    }
}

/// The ids that end a text, in `config.json` and `generation_config.json`.
#[derive(Deserialize)]
struct TextEnds {
    eos_token_id: Option<OneOrMore>,
    /// Where the language model is one of several parts.
    text_config: Option<InnerTextEnds>,
}

#[derive(Deserialize)]
struct InnerTextEnds {
    eos_token_id: Option<OneOrMore>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(u32),
    More(Vec<u32>),
}

impl OneOrMore {
    fn into_vec(self) -> Vec<u32> {
        match self {
            Self::One(id) => vec![id],
            Self::More(ids) => ids,
        }
    }
}

/// A model's name where its file gives none.
fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
