//! The shape of a decoder, read from GGUF metadata or from `config.json`. What differs between families is data.

mod gguf;
mod hugging_face;
pub mod rope;

use std::path::Path;

pub use rope::{Rope, RopeStyle};

use crate::EngineError;

/// A family of decoders.
#[derive(Debug)]
pub struct Family {
    /// GGUF's `general.architecture`, and our name for it.
    pub name: &'static str,
    /// `model_type` of the `config.json`s that are this family.
    pub model_types: &'static [&'static str],
    /// How GGUF stores the rows of Q and K. Hugging Face always stores them half-split.
    pub gguf_rope: RopeStyle,
    /// Whether Q, K and V must have biases; where they need not, those that are there are used.
    pub qkv_bias: bool,
}

/// The families known.
pub const FAMILIES: &[Family] = &[
    Family { name: "llama", model_types: &["llama", "mistral"], gguf_rope: RopeStyle::AdjacentPairs, qkv_bias: false },
    Family { name: "qwen2", model_types: &["qwen2"], gguf_rope: RopeStyle::HalfSplit, qkv_bias: true },
];

/// The shape of a decoder: pre-norm blocks of RMSNorm, grouped-query attention with RoPE, and a SwiGLU MLP.
#[derive(Clone, Debug)]
pub struct DecoderConfig {
    /// Its family's name.
    pub architecture: &'static str,
    /// Rows of the embedding: one for each token id, padding included.
    pub vocab: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head; independent of `hidden / heads`. Even.
    pub head_dim: usize,
    /// Inner width of the MLP.
    pub ffn: usize,
    /// The longest sequence the model was made for, in tokens.
    pub context_length: usize,
    /// RMSNorm's epsilon.
    pub norm_eps: f32,
    /// Rotary positions.
    pub rope: Rope,
    /// Whether Q, K and V must have biases.
    pub qkv_bias: bool,
    /// Whether the output projection is the embedding: `None` where it follows from the tensors that are there.
    pub tied: Option<bool>,
}

/// Past these a file is taken for corrupt: they bound what is allocated before the tensors have been seen.
const MOST_LAYERS: u64 = 1024;
const MOST_HEAD_DIM: u64 = 4096;
const MOST_WIDTH: u64 = 1 << 24;

/// Sizes as a file states them, before they are known to make sense.
struct Stated {
    vocab: u64,
    hidden: u64,
    layers: u64,
    heads: u64,
    kv_heads: u64,
    head_dim: u64,
    ffn: u64,
    context_length: u64,
    norm_eps: f64,
    rope: rope::Stated,
    tied: Option<bool>,
}

impl Stated {
    /// Checks the sizes; `field` gives the file's own name of each.
    fn check(
        self,
        path: &Path,
        family: &Family,
        style: RopeStyle,
        field: fn(&str) -> String,
    ) -> Result<DecoderConfig, EngineError> {
        let size = |name: &str, value: u64, most: u64| {
            if value == 0 || value > most {
                return Err(EngineError::malformed(path, field(name), format!("1 to {most}"), value.to_string()));
            }
            Ok(value as usize)
        };
        let heads = size("heads", self.heads, MOST_WIDTH)?;
        let kv_heads = size("kv_heads", self.kv_heads, MOST_WIDTH)?;
        if !heads.is_multiple_of(kv_heads) {
            let expected = format!("a divisor of the {heads} attention heads");
            return Err(EngineError::malformed(path, field("kv_heads"), expected, kv_heads.to_string()));
        }
        let head_dim = size("head_dim", self.head_dim, MOST_HEAD_DIM)?;
        if !head_dim.is_multiple_of(2) {
            return Err(EngineError::malformed(path, field("head_dim"), "an even number", head_dim.to_string()));
        }
        if !(self.norm_eps.is_finite() && self.norm_eps >= 0.0 && self.norm_eps < 1.0) {
            return Err(EngineError::malformed(path, field("norm_eps"), "0 to 1", self.norm_eps.to_string()));
        }
        Ok(DecoderConfig {
            architecture: family.name,
            vocab: size("vocab", self.vocab, u32::MAX.into())?,
            hidden: size("hidden", self.hidden, MOST_WIDTH)?,
            layers: size("layers", self.layers, MOST_LAYERS)?,
            heads,
            kv_heads,
            head_dim,
            ffn: size("ffn", self.ffn, MOST_WIDTH)?,
            context_length: size("context_length", self.context_length, u32::MAX.into())?,
            norm_eps: self.norm_eps as f32,
            rope: self.rope.check(path, style, head_dim)?,
            qkv_bias: family.qkv_bias,
            tied: self.tied,
        })
    }
}
