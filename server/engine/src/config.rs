//! The shape of a decoder, read from GGUF metadata, `config.json` or `params.json`.

pub mod family;
mod gguf;
mod hugging_face;
mod mistral;
pub mod rope;

use std::path::Path;

pub use family::{Activation, Biases, FAMILIES, Family, MlpKind, Norm, Positions, WindowUse, family};
pub(crate) use hugging_face::weight_block;
pub use rope::{Rope, RopeStyle};

use crate::EngineError;

/// The shape of a decoder: pre-norm blocks of grouped-query attention and an MLP, as its family has them.
#[derive(Clone, Debug)]
pub struct DecoderConfig {
    /// What it has in common with its relatives.
    pub family: &'static Family,
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
    /// Inner width of the MLP, or of each expert.
    pub ffn: usize,
    /// The experts, where the family has them.
    pub experts: Option<Experts>,
    /// The longest sequence the model was made for, in tokens.
    pub context_length: usize,
    /// The norms' epsilon.
    pub norm_eps: f32,
    /// Rotary positions; without frequencies where positions are learned.
    pub rope: Rope,
    /// Positions that a token sees, its own included; `None` for all.
    pub window: Option<usize>,
    /// How queries grow with their position.
    pub temperature: Option<Temperature>,
    /// What is multiplied with.
    pub scales: Scales,
    /// Biases that must be there.
    pub biases: Biases,
    /// Whether the output projection is the embedding: `None` where it follows from the tensors that are there.
    pub tied: Option<bool>,
    /// Whether the norms' weights are stored without the 1 of [`Norm::RmsPlusOne`].
    pub norm_without_one: bool,
}

/// The experts of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experts {
    /// How many there are.
    pub count: usize,
    /// How many compute a token.
    pub used: usize,
    /// Whether the weights of those sum to 1; else they are the router's own, of a sum over all.
    pub normalised: bool,
    /// Inner width of the MLP that computes every token besides; 0 for none.
    pub shared: usize,
    /// So many blocks at the beginning have one MLP instead.
    pub leading: usize,
    /// Its inner width; 0 where no block has it.
    pub leading_ffn: usize,
}

/// A query at `position` is multiplied with `1 + beta ln(1 + floor(position / original))` after its rotation (Llama 4's attention
/// temperature, in Ministral 3 and Devstral 2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature {
    /// How fast.
    pub beta: f32,
    /// The context that the model was first trained on.
    pub original: usize,
}

impl Temperature {
    /// What the query at `position` is multiplied with.
    pub fn at(self, position: usize) -> f32 {
        1.0 + self.beta * ((1 + position / self.original) as f32).ln()
    }
}

/// Multipliers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// Of what the embedding gives.
    pub embedding: f32,
    /// Of what attention and MLP add to the residual stream.
    pub residual: f32,
    /// Of the scores: `1 / sqrt(head_dim)`, mostly.
    pub attention: f32,
    /// Of the logits.
    pub logits: f32,
}

/// Past these a file is taken for corrupt: they bound what is allocated before the tensors have been seen.
const MOST_LAYERS: u64 = 1024;
const MOST_HEAD_DIM: u64 = 4096;
const MOST_WIDTH: u64 = 1 << 24;
const MOST_EXPERTS: u64 = 4096;

/// Sizes as a file states them, before they are known to make sense.
struct Stated {
    vocab: u64,
    hidden: u64,
    layers: u64,
    heads: u64,
    kv_heads: u64,
    head_dim: u64,
    ffn: u64,
    experts: Option<StatedExperts>,
    context_length: u64,
    norm_eps: f64,
    rope: rope::Stated,
    window: Option<u64>,
    /// Beta, original context.
    temperature: Option<(f64, f64)>,
    scales: StatedScales,
    biases: Biases,
    tied: Option<bool>,
    norm_without_one: bool,
}

/// Experts as a file states them.
#[derive(Clone, Copy, Default)]
struct StatedExperts {
    count: u64,
    used: u64,
    normalised: bool,
    shared: u64,
    leading: u64,
    leading_ffn: u64,
}

/// Multipliers as a file states them.
#[derive(Default)]
struct StatedScales {
    embedding: Option<f64>,
    residual: Option<f64>,
    attention: Option<f64>,
    /// Logits are divided by it.
    logits: Option<f64>,
}

impl Stated {
    /// Checks the sizes; `field` gives the file's own name of each.
    fn check(
        self,
        path: &Path,
        family: &'static Family,
        style: RopeStyle,
        field: fn(&str) -> String,
    ) -> Result<DecoderConfig, EngineError> {
        let refuse =
            |name: &str, expected: String, found: String| EngineError::malformed(path, field(name), expected, found);
        let size = |name: &str, value: u64, most: u64| {
            if value == 0 || value > most {
                return Err(refuse(name, format!("1 to {most}"), value.to_string()));
            }
            Ok(value as usize)
        };
        let heads = size("heads", self.heads, MOST_WIDTH)?;
        let kv_heads = size("kv_heads", self.kv_heads, MOST_WIDTH)?;
        if !heads.is_multiple_of(kv_heads) {
            return Err(refuse("kv_heads", format!("a divisor of the {heads} attention heads"), kv_heads.to_string()));
        }
        let head_dim = size("head_dim", self.head_dim, MOST_HEAD_DIM)?;
        if !head_dim.is_multiple_of(2) {
            return Err(refuse("head_dim", "an even number".into(), head_dim.to_string()));
        }
        if !(self.norm_eps.is_finite() && self.norm_eps >= 0.0 && self.norm_eps < 1.0) {
            return Err(refuse("norm_eps", "0 to 1".into(), self.norm_eps.to_string()));
        }
        let experts = match self.experts {
            None => None,
            Some(stated) => {
                let count = size("experts", stated.count, MOST_EXPERTS)?;
                let size_or_none = |name, value| if value == 0 { Ok(0) } else { size(name, value, MOST_WIDTH) };
                let leading = stated.leading.min(self.layers) as usize;
                Some(Experts {
                    count,
                    used: size("experts_used", stated.used, count as u64)?,
                    normalised: stated.normalised,
                    shared: size_or_none("experts_shared", stated.shared)?,
                    leading,
                    leading_ffn: if leading > 0 { size("leading_ffn", stated.leading_ffn, MOST_WIDTH)? } else { 0 },
                })
            }
        };
        let hidden = size("hidden", self.hidden, MOST_WIDTH)?;
        let context_length = size("context_length", self.context_length, u32::MAX.into())?;
        let window = self.window.filter(|&window| window < context_length as u64).map(|window| window as usize);
        // Within the window, full attention and windowed attention are the same.
        let (window, context_length) = match family.window {
            WindowUse::EveryLayer => (window, context_length),
            WindowUse::Bound => (None, window.unwrap_or(context_length)),
        };
        let positive = |name: &str, value: f64| {
            if value.is_finite() && value as f32 > 0.0 {
                return Ok(value as f32);
            }
            Err(refuse(name, "a positive number".into(), value.to_string()))
        };
        let scale = |name: &str, value: Option<f64>, default: f64| positive(name, value.unwrap_or(default));
        let embedding = if family.scaled_embedding { (hidden as f64).sqrt() } else { 1.0 };
        let temperature = match self.temperature.filter(|&(beta, _)| beta != 0.0) {
            None => None,
            Some((beta, original)) => {
                let original = positive("original_context_length", original)? as usize;
                Some(Temperature { beta: positive("temperature", beta)?, original: original.max(1) })
            }
        };
        Ok(DecoderConfig {
            family,
            vocab: size("vocab", self.vocab, u32::MAX.into())?,
            hidden,
            layers: size("layers", self.layers, MOST_LAYERS)?,
            heads,
            kv_heads,
            head_dim,
            ffn: size("ffn", self.ffn, MOST_WIDTH)?,
            experts,
            context_length,
            norm_eps: self.norm_eps as f32,
            rope: match family.positions {
                Positions::Rotary => self.rope.check(path, style, head_dim)?,
                Positions::Learned => Rope { style, frequencies: Vec::new(), magnitude: 1.0 },
            },
            window,
            temperature,
            scales: Scales {
                embedding: scale("embedding_scale", self.scales.embedding, embedding)?,
                residual: scale("residual_scale", self.scales.residual, 1.0)?,
                attention: scale("attention_scale", self.scales.attention, (head_dim as f64).powf(-0.5))?,
                logits: 1.0 / scale("logit_scale", self.scales.logits, 1.0)?,
            },
            biases: self.biases,
            tied: self.tied,
            norm_without_one: self.norm_without_one,
        })
    }
}
