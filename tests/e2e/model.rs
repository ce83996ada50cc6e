//! A model small enough to be written by hand, through the real engine: a Markov chain over bytes.
//!
//! Its layers add nothing, so the last token alone decides: the embedding is the identity, and row t of the output projection has a one wherever t is what
//! follows. What it will say is thereby known: `=` is followed by ` 1;`, `(` by `);`, and so on ([`CHAINS`]); whatever is in no chain ends the text.

use std::{collections::BTreeMap, fs, path::Path};

use pilotlight_engine::{Engine, EngineError, EngineOptions, ModelSource};
use serde_json::{Map, Value, json};

/// Each character is followed by the next one; the last ends the text. `lo` goes round for ever, and so does what follows a tab.
const CHAINS: [&str; 6] = ["= 1;", ".push();", "@𝄞!", "{\n}", "lol", "\tl"];

/// By them the prompt format is found; the first ends a text.
pub(crate) type Markers = &'static [&'static str];
/// Ember's: the suffix comes first.
pub(crate) const EMBER: Markers = &["<|eot|>", "<|bos|>", "<|file|>", "<|suffix|>", "<|prefix|>", "<|recent|>"];
/// Qwen2.5-Coder's: the prefix comes first, so that the middle is anchored.
pub(crate) const QWEN: Markers = &[
    "<|endoftext|>",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
];
const EOT: usize = 256;

const WIDTH: usize = 288;
const HEAD: usize = 32;

/// Writes the model's files into `folder` and loads them.
pub(crate) fn load(folder: &Path, markers: Markers) -> Result<Engine, EngineError> {
    write(folder, markers).unwrap();
    Engine::load_with(&ModelSource::SafeTensors(folder.to_owned()), &EngineOptions { threads: 1, ..Default::default() })
}

/// Loads from `folder`, in which there is nothing.
pub(crate) fn missing(folder: &Path) -> Result<Engine, EngineError> {
    Engine::load(&ModelSource::SafeTensors(folder.to_owned()))
}

/// Writes the model's files.
pub(crate) fn write(folder: &Path, markers: Markers) -> std::io::Result<()> {
    let config = json!({
        "model_type": "llama", "vocab_size": WIDTH, "hidden_size": WIDTH, "num_hidden_layers": 1,
        "num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": HEAD, "intermediate_size": HEAD,
        "max_position_embeddings": 16384, "rms_norm_eps": 1e-6, "hidden_act": "silu", "rope_theta": 1e4,
        "tie_word_embeddings": false, "eos_token_id": EOT,
    });
    fs::write(folder.join("config.json"), config.to_string())?;
    fs::write(folder.join("tokenizer.json"), tokenizer(markers).to_string())?;
    fs::write(folder.join("model.safetensors"), safetensors(&tensors()))
}

/// One token a byte, in GPT-2's alphabet: printable bytes are their own character, the others those from U+0100 on.
fn tokenizer(markers: Markers) -> Value {
    let mut others = (256u32..).map_while(char::from_u32);
    let vocab: Map<String, Value> = (0u32..256)
        .map(|byte| {
            let own = matches!(byte, 33..=126 | 161..=172 | 174..=255);
            let character = char::from_u32(byte).filter(|_| own).or_else(|| others.next()).unwrap();
            (character.to_string(), json!(byte))
        })
        .collect();
    let added: Vec<_> = markers
        .iter()
        .enumerate()
        .map(|(i, marker)| json!({ "id": 256 + i, "content": marker, "special": true }))
        .collect();
    json!({
        "model": { "type": "BPE", "vocab": vocab, "merges": [] },
        "added_tokens": added,
        "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
    })
}

/// Names, shapes and values of the tensors, row by row.
fn tensors() -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let zeros = |rows: usize, columns: usize| (vec![rows, columns], vec![0.0; rows * columns]);
    let ones = || (vec![WIDTH], vec![1.0; WIDTH]);
    let mut identity = zeros(WIDTH, WIDTH);
    (0..WIDTH).for_each(|i| identity.1[i * WIDTH + i] = 1.0);
    let mut output = zeros(WIDTH, WIDTH);
    for (from, to) in follows().into_iter().enumerate() {
        output.1[to * WIDTH + from] = 1.0;
    }
    let layer = |name: &str| format!("model.layers.0.{name}.weight");
    BTreeMap::from([
        ("model.embed_tokens.weight".to_owned(), identity),
        (layer("input_layernorm"), ones()),
        (layer("self_attn.q_proj"), zeros(HEAD, WIDTH)),
        (layer("self_attn.k_proj"), zeros(HEAD, WIDTH)),
        (layer("self_attn.v_proj"), zeros(HEAD, WIDTH)),
        (layer("self_attn.o_proj"), zeros(WIDTH, HEAD)),
        (layer("post_attention_layernorm"), ones()),
        (layer("mlp.gate_proj"), zeros(HEAD, WIDTH)),
        (layer("mlp.up_proj"), zeros(HEAD, WIDTH)),
        (layer("mlp.down_proj"), zeros(WIDTH, HEAD)),
        ("model.norm.weight".to_owned(), ones()),
        ("lm_head.weight".to_owned(), output),
    ])
}

fn follows() -> [usize; WIDTH] {
    let mut follows = [EOT; WIDTH];
    for chain in CHAINS {
        for pair in chain.as_bytes().windows(2) {
            follows[usize::from(pair[0])] = usize::from(pair[1]);
        }
    }
    follows
}

/// The safetensors format: the header's length (u64, little-endian), the header as JSON, the values.
fn safetensors(tensors: &BTreeMap<String, (Vec<usize>, Vec<f32>)>) -> Vec<u8> {
    let mut header = Map::new();
    let mut values = Vec::new();
    for (name, (shape, tensor)) in tensors {
        let start = values.len();
        values.extend(tensor.iter().flat_map(|value| value.to_le_bytes()));
        header.insert(name.clone(), json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, values.len()] }));
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &values].concat()
}
