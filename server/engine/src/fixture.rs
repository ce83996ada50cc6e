//! Tiny models for tests: the same weights, from a formula, in every format.

pub(crate) mod golden;

use std::{collections::BTreeMap, path::Path};

use bytes::Bytes;
use candle_core::{Device, Tensor, quantized::QTensor};

use crate::weights::{
    Dtype,
    names::{GGUF, HUGGING_FACE},
};

/// A tiny decoder's shape. Rows of 256 so that every block format fits; a head width that is not hidden / heads.
#[derive(Clone, Debug)]
pub(crate) struct Tiny {
    pub(crate) architecture: &'static str,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) ffn: usize,
    pub(crate) context_length: usize,
    pub(crate) tied: bool,
}

pub(crate) const LLAMA: Tiny = Tiny {
    architecture: "llama",
    hidden: 256,
    layers: 2,
    heads: 4,
    kv_heads: 2,
    head_dim: 64,
    ffn: 256,
    context_length: 512,
    tied: false,
};

/// Wider heads than hidden / heads, tied, with biases.
pub(crate) const QWEN2: Tiny =
    Tiny { architecture: "qwen2", heads: 4, kv_heads: 1, head_dim: 128, tied: true, ..LLAMA };

/// Small enough to be written and read a thousand times; too narrow for the block formats of 256.
pub(crate) const SMALL: Tiny =
    Tiny { hidden: 32, heads: 2, kv_heads: 1, head_dim: 16, ffn: 32, context_length: 128, ..LLAMA };

/// Markers that come first in the vocabulary, as in ember's.
pub(crate) const SPECIAL: [&str; 6] =
    ["<|eot|>", "<|bos|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|file_sep|>"];
/// Their number, reserved ones included.
pub(crate) const SPECIALS: usize = 32;
/// Merges, each of tokens that are there by then.
const MERGES: [(&str, &str); 8] =
    [("i", "n"), ("Ġ", "t"), ("r", "e"), ("Ġ", "Ġ"), ("in", "t"), ("ĠĠ", "ĠĠ"), ("re", "t"), ("Ġt", "re")];

/// The vocabulary: markers, bytes, merges.
pub(crate) fn vocabulary() -> (Vec<String>, Vec<(String, String)>) {
    let mut tokens: Vec<String> = SPECIAL.iter().map(|&s| s.to_owned()).collect();
    tokens.extend((tokens.len()..SPECIALS).map(|i| format!("<|reserved_{i}|>")));
    let mut alphabet = Vec::from_iter(tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet());
    alphabet.sort_unstable();
    tokens.extend(alphabet.into_iter().map(String::from));
    let merges: Vec<_> = MERGES.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect();
    tokens.extend(merges.iter().map(|(a, b)| format!("{a}{b}")));
    (tokens, merges)
}

/// Pseudo-random numbers in [-1, 1) that depend on the name alone: SplitMix64 seeded by FNV-1a.
fn noise(name: &str, n: usize) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    (1..=n as u64).map(move |i| {
        let mut z = seed.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

/// A tensor in f32.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

fn dense(name: &str, shape: &[usize]) -> Dense {
    let (offset, scale) = match name {
        _ if name.ends_with("norm") => (1.0, 0.1),
        _ if name.ends_with("bias") => (0.0, 0.5),
        "embedding" => (0.0, 0.0625),
        _ => (0.0, (3.0 / shape[1] as f64).sqrt()),
    };
    let data = noise(name, shape.iter().product()).map(|x| (offset + scale * x) as f32).collect();
    Dense { shape: shape.to_vec(), data }
}

impl Tiny {
    pub(crate) fn vocab(&self) -> usize {
        vocabulary().0.len()
    }

    /// All tensors by canonical name, Q and K half-split.
    pub(crate) fn tensors(&self) -> BTreeMap<String, Dense> {
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let mut shapes = vec![("embedding".to_owned(), vec![self.vocab(), self.hidden])];
        for i in 0..self.layers {
            for (part, shape) in [
                ("attn_norm", vec![self.hidden]),
                ("attn_q", vec![q, self.hidden]),
                ("attn_k", vec![kv, self.hidden]),
                ("attn_v", vec![kv, self.hidden]),
                ("attn_output", vec![self.hidden, q]),
                ("ffn_norm", vec![self.hidden]),
                ("ffn_gate", vec![self.ffn, self.hidden]),
                ("ffn_up", vec![self.ffn, self.hidden]),
                ("ffn_down", vec![self.hidden, self.ffn]),
            ] {
                shapes.push((format!("layers.{i}.{part}"), shape));
            }
            if self.architecture == "qwen2" {
                for (part, out) in [("attn_q_bias", q), ("attn_k_bias", kv), ("attn_v_bias", kv)] {
                    shapes.push((format!("layers.{i}.{part}"), vec![out]));
                }
            }
        }
        shapes.push(("output_norm".to_owned(), vec![self.hidden]));
        if !self.tied {
            shapes.push(("output".to_owned(), vec![self.vocab(), self.hidden]));
        }
        shapes.into_iter().map(|(name, shape)| (name.clone(), dense(&name, &shape))).collect()
    }

    /// As a GGUF whose matrices are of `dtype`.
    pub(crate) fn gguf(&self, dtype: Dtype) -> Gguf {
        let mut gguf = Gguf::default();
        let arch = self.architecture;
        gguf.set("general.architecture", Meta::Text(arch.into()));
        gguf.set("general.name", Meta::Text(format!("tiny {arch}")));
        gguf.set("general.license", Meta::Text("MIT".into()));
        for (key, value) in [
            ("block_count", self.layers),
            ("embedding_length", self.hidden),
            ("feed_forward_length", self.ffn),
            ("context_length", self.context_length),
            ("attention.head_count", self.heads),
            ("attention.head_count_kv", self.kv_heads),
            ("attention.key_length", self.head_dim),
            ("attention.value_length", self.head_dim),
            ("rope.dimension_count", self.head_dim),
        ] {
            gguf.set(&format!("{arch}.{key}"), Meta::U32(value as u32));
        }
        gguf.set(&format!("{arch}.attention.layer_norm_rms_epsilon"), Meta::F32(1e-5));
        gguf.set(&format!("{arch}.rope.freq_base"), Meta::F32(10_000.0));

        gguf.set_tokenizer();

        for (canonical, mut tensor) in self.tensors() {
            if arch == "llama" && (canonical.ends_with("attn_q") || canonical.ends_with("attn_k")) {
                tensor = adjacent_pairs(&tensor, self.head_dim);
            }
            let dtype = if tensor.shape.len() == 1 { Dtype::F32 } else { dtype };
            gguf.tensors.push((GGUF.spell(&canonical), tensor.shape.clone(), dtype, quantise(dtype, &tensor)));
        }
        gguf
    }
}

/// Permutes the rows of Q or K from half-split to adjacent pairs, as llama.cpp's converter does.
pub(crate) fn adjacent_pairs(tensor: &Dense, head_dim: usize) -> Dense {
    let width: usize = tensor.shape[1..].iter().product();
    let row = |out: usize| {
        let (head, i) = (out / head_dim, out % head_dim);
        let from = head * head_dim + i / 2 + (i % 2) * head_dim / 2;
        &tensor.data[from * width..(from + 1) * width]
    };
    Dense { shape: tensor.shape.clone(), data: (0..tensor.shape[0]).flat_map(row).copied().collect() }
}

/// The bytes of a tensor in a format, by candle.
pub(crate) fn quantise(dtype: Dtype, tensor: &Dense) -> Vec<u8> {
    let data = &tensor.data;
    match dtype {
        Dtype::F32 => data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Dtype::F16 => data.iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect(),
        Dtype::BF16 => data.iter().flat_map(|&x| half::bf16::from_f32(x).to_le_bytes()).collect(),
        _ => {
            let dense = Tensor::from_slice(data, tensor.shape.as_slice(), &Device::Cpu).unwrap();
            QTensor::quantize(&dense, dtype.candle().unwrap()).unwrap().data().unwrap().into_owned()
        }
    }
}

/// A metadata value.
#[derive(Clone, Debug)]
pub(crate) enum Meta {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    I32s(Vec<i32>),
    F32s(Vec<f32>),
}

/// A GGUF file to be written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gguf {
    pub(crate) metadata: Vec<(String, Meta)>,
    /// Name, shape (outermost first), type, bytes.
    pub(crate) tensors: Vec<(String, Vec<usize>, Dtype, Vec<u8>)>,
}

impl Gguf {
    pub(crate) fn set(&mut self, key: &str, value: Meta) {
        self.metadata.retain(|(k, _)| k != key);
        self.metadata.push((key.to_owned(), value));
    }

    /// The tokenizer of [`vocabulary`].
    pub(crate) fn set_tokenizer(&mut self) {
        let gguf = self;
        let (tokens, merges) = vocabulary();
        let kinds = (0..tokens.len()).map(|id| if id < SPECIALS { 3 } else { 1 }).collect();
        gguf.set("tokenizer.ggml.model", Meta::Text("gpt2".into()));
        gguf.set("tokenizer.ggml.pre", Meta::Text("qwen2".into()));
        gguf.set("tokenizer.ggml.tokens", Meta::Texts(tokens));
        gguf.set("tokenizer.ggml.token_type", Meta::I32s(kinds));
        gguf.set("tokenizer.ggml.merges", Meta::Texts(merges.iter().map(|(a, b)| format!("{a} {b}")).collect()));
        gguf.set("tokenizer.ggml.eos_token_id", Meta::U32(0));
        gguf.set("tokenizer.ggml.bos_token_id", Meta::U32(1));
        gguf.set("tokenizer.ggml.add_bos_token", Meta::Bool(true));
    }

    /// The whole file, version 3.
    pub(crate) fn bytes(&self) -> Bytes {
        let mut out = b"GGUF".to_vec();
        let u32 = |out: &mut Vec<u8>, x: usize| out.extend((x as u32).to_le_bytes());
        let u64 = |out: &mut Vec<u8>, x: usize| out.extend((x as u64).to_le_bytes());
        let text = |out: &mut Vec<u8>, s: &str| {
            u64(out, s.len());
            out.extend(s.as_bytes());
        };
        u32(&mut out, 3);
        u64(&mut out, self.tensors.len());
        u64(&mut out, self.metadata.len());
        for (key, value) in &self.metadata {
            text(&mut out, key);
            match value {
                Meta::U32(x) => {
                    u32(&mut out, 4);
                    u32(&mut out, *x as usize);
                }
                Meta::F32(x) => {
                    u32(&mut out, 6);
                    out.extend(x.to_le_bytes());
                }
                Meta::Bool(b) => {
                    u32(&mut out, 7);
                    out.push(u8::from(*b));
                }
                Meta::Text(s) => {
                    u32(&mut out, 8);
                    text(&mut out, s);
                }
                Meta::Texts(all) => {
                    u32(&mut out, 9);
                    u32(&mut out, 8);
                    u64(&mut out, all.len());
                    all.iter().for_each(|s| text(&mut out, s));
                }
                Meta::F32s(all) => {
                    u32(&mut out, 9);
                    u32(&mut out, 6);
                    u64(&mut out, all.len());
                    out.extend(all.iter().flat_map(|x| x.to_le_bytes()));
                }
                Meta::I32s(all) => {
                    u32(&mut out, 9);
                    u32(&mut out, 5);
                    u64(&mut out, all.len());
                    out.extend(all.iter().flat_map(|x| x.to_le_bytes()));
                }
            }
        }
        let mut offset = 0;
        for (name, shape, dtype, bytes) in &self.tensors {
            text(&mut out, name);
            u32(&mut out, shape.len());
            shape.iter().rev().for_each(|&d| u64(&mut out, d));
            u32(&mut out, dtype.to_ggml() as usize);
            u64(&mut out, offset);
            offset = (offset + bytes.len()).next_multiple_of(32);
        }
        for (.., bytes) in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(bytes);
        }
        out.into()
    }

    pub(crate) fn write(&self, path: &Path) {
        std::fs::write(path, self.bytes()).unwrap();
    }
}

impl Tiny {
    /// As a Hugging Face folder: `config.json` as given, weights in `dtype` over `shards` files.
    pub(crate) fn folder(&self, folder: &Path, config: &serde_json::Value, dtype: Dtype, shards: usize) {
        let tensors = self.tensors().into_iter().map(|(canonical, tensor)| (HUGGING_FACE.spell(&canonical), tensor));
        write_folder(folder, config, &tensors.collect(), dtype, shards);
    }

    /// A `config.json` as transformers 4 wrote it.
    pub(crate) fn config_json(&self) -> serde_json::Value {
        serde_json::json!({
            "architectures": ["..."], "model_type": self.architecture, "vocab_size": self.vocab(),
            "hidden_size": self.hidden, "num_hidden_layers": self.layers, "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads, "head_dim": self.head_dim, "intermediate_size": self.ffn,
            "max_position_embeddings": self.context_length, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
            "hidden_act": "silu", "tie_word_embeddings": self.tied, "bos_token_id": 1, "eos_token_id": 0,
        })
    }
}

/// The vocabulary as a `tokenizer.json`, with Qwen2's pre-tokenizer as Qwen2's file describes it.
pub(crate) fn tokenizer_json() -> serde_json::Value {
    let (tokens, merges) = vocabulary();
    let added = tokens[..SPECIALS].iter().enumerate();
    let added: Vec<_> = added
        .map(|(id, content)| serde_json::json!({ "id": id, "content": content, "special": true, "normalized": false }))
        .collect();
    let vocab: serde_json::Map<_, _> =
        tokens.iter().enumerate().skip(SPECIALS).map(|(id, token)| (token.clone(), id.into())).collect();
    let regex = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    serde_json::json!({
        "version": "1.0",
        "normalizer": { "type": "NFC" },
        "added_tokens": added,
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated", "invert": false },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        ]},
        "post_processor": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "model": { "type": "BPE", "dropout": null, "unk_token": null, "vocab": vocab, "merges": merges,
            "continuing_subword_prefix": "", "end_of_word_suffix": "" },
    })
}

/// Writes a Hugging Face folder; tensors by the names they have there.
pub(crate) fn write_folder(
    folder: &Path,
    config: &serde_json::Value,
    tensors: &BTreeMap<String, Dense>,
    dtype: Dtype,
    shards: usize,
) {
    use safetensors::tensor::TensorView;
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    std::fs::write(folder.join("tokenizer.json"), tokenizer_json().to_string()).unwrap();
    let kind = match dtype {
        Dtype::F32 => safetensors::Dtype::F32,
        Dtype::F16 => safetensors::Dtype::F16,
        Dtype::BF16 => safetensors::Dtype::BF16,
        other => panic!("no {other} in safetensors"),
    };
    let stored: Vec<_> = tensors.iter().map(|(name, tensor)| (name, quantise(dtype, tensor), &tensor.shape)).collect();
    let mut weight_map = serde_json::Map::new();
    for shard in 0..shards {
        let file = match shards {
            1 => "model.safetensors".to_owned(),
            _ => format!("model-{:05}-of-{shards:05}.safetensors", shard + 1),
        };
        let part = stored.iter().skip(shard).step_by(shards);
        let views = part.map(|(name, bytes, shape)| {
            weight_map.insert((*name).clone(), file.clone().into());
            (name.as_str(), TensorView::new(kind, shape.to_vec(), bytes).unwrap())
        });
        let views: Vec<_> = views.collect();
        safetensors::serialize_to_file(views, None, &folder.join(&file)).unwrap();
    }
    if shards > 1 {
        let index = serde_json::json!({ "metadata": {}, "weight_map": weight_map });
        std::fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    }
}
