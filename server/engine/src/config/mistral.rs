//! The decoder's shape from `params.json`, which Mistral ships beside `consolidated.safetensors`.
//!
//! Source: mistral-inference's `ModelArgs`, and vLLM's reading of the later fields (`yarn`, `llama_4_scaling`, `quantization`).

use std::path::Path;

use serde::Deserialize;

use super::{
    DecoderConfig, RopeStyle, Stated, StatedScales, family,
    rope::{self, Scaling},
};
use crate::{EngineError, json};

/// The part of `params.json` that is read.
#[derive(Deserialize)]
struct Params {
    dim: u64,
    n_layers: u64,
    n_heads: u64,
    n_kv_heads: Option<u64>,
    head_dim: Option<u64>,
    hidden_dim: u64,
    vocab_size: u64,
    norm_eps: f64,
    rope_theta: Option<f64>,
    max_position_embeddings: Option<u64>,
    max_seq_len: Option<u64>,
    sliding_window: Option<u64>,
    tied_embeddings: Option<bool>,
    yarn: Option<Yarn>,
    llama_4_scaling: Option<AttentionTemperature>,
    quantization: Option<Quantization>,
    moe: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Yarn {
    factor: f64,
    original_max_position_embeddings: f64,
    /// Turns within the original context from which a pair is kept as it is.
    beta: f64,
    /// Turns below which a pair is stretched in full.
    alpha: f64,
    /// Whether cos and sin grow with the factor.
    apply_scale: Option<bool>,
}

#[derive(Deserialize)]
struct AttentionTemperature {
    original_max_position_embeddings: f64,
    beta: f64,
}

#[derive(Deserialize)]
struct Quantization {
    qformat_weight: String,
}

/// The context of models from before `params.json` told it: Codestral 22B's.
const UNTOLD_CONTEXT: u64 = 32768;

impl DecoderConfig {
    /// Reads the text of a `params.json`; `path` is for messages.
    pub fn from_params(path: &Path, text: &[u8]) -> Result<Self, EngineError> {
        let params: Params = json::parse(path, text)?;
        let refuse = |field: &str, expected: &str, found: String| EngineError::malformed(path, field, expected, found);
        if params.moe.is_some() {
            return Err(refuse("moe", "a model without experts", "experts".into()));
        }
        if let Some(format) = params.quantization.map(|q| q.qformat_weight).filter(|format| format != "fp8_e4m3") {
            return Err(refuse("quantization.qformat_weight", "`fp8_e4m3`", format!("`{format}`")));
        }
        let name = if params.yarn.is_some() || params.llama_4_scaling.is_some() { "mistral3" } else { "llama" };
        let family = family(name).ok_or_else(|| refuse("family", name, "no such family".into()))?;
        let stated = Stated {
            vocab: params.vocab_size,
            hidden: params.dim,
            layers: params.n_layers,
            heads: params.n_heads,
            kv_heads: params.n_kv_heads.unwrap_or(params.n_heads),
            head_dim: params.head_dim.unwrap_or_else(|| params.dim.checked_div(params.n_heads).unwrap_or(0)),
            ffn: params.hidden_dim,
            experts: None,
            context_length: params.max_position_embeddings.or(params.max_seq_len).unwrap_or(UNTOLD_CONTEXT),
            norm_eps: params.norm_eps,
            rope: rope::Stated {
                theta: params.rope_theta.unwrap_or(10_000.0),
                dimensions: None,
                scaling: params.yarn.map_or(Scaling::None, |yarn| Scaling::Yarn {
                    factor: yarn.factor,
                    beta_fast: yarn.beta,
                    beta_slow: yarn.alpha,
                    original: yarn.original_max_position_embeddings,
                    magnitude: if yarn.apply_scale == Some(true) { None } else { Some(1.0) },
                }),
            },
            window: params.sliding_window.filter(|&window| window > 0),
            temperature: params.llama_4_scaling.map(|t| (t.beta, t.original_max_position_embeddings)),
            scales: StatedScales::default(),
            biases: family.biases,
            tied: params.tied_embeddings,
            norm_without_one: false,
        };
        stated.check(path, family, RopeStyle::AdjacentPairs, params_name)
    }
}

/// `params.json`'s name of a size.
fn params_name(size: &str) -> String {
    match size {
        "vocab" => "vocab_size",
        "hidden" => "dim",
        "layers" => "n_layers",
        "heads" => "n_heads",
        "kv_heads" => "n_kv_heads",
        "ffn" => "hidden_dim",
        "context_length" => "max_position_embeddings",
        "temperature" => "llama_4_scaling.beta",
        "original_context_length" => "llama_4_scaling.original_max_position_embeddings",
        other => other,
    }
    .to_owned()
}
