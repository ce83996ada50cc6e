//! The decoder's shape from `config.json`.

use std::path::Path;

use serde::Deserialize;

use super::{
    DecoderConfig, FAMILIES, RopeStyle, Stated,
    rope::{self, Scaling},
};
use crate::{EngineError, json};

/// The part of `config.json` that is read.
#[derive(Deserialize)]
struct Config {
    model_type: String,
    vocab_size: u64,
    hidden_size: u64,
    num_hidden_layers: u64,
    num_attention_heads: u64,
    num_key_value_heads: Option<u64>,
    head_dim: Option<u64>,
    intermediate_size: u64,
    max_position_embeddings: u64,
    rms_norm_eps: f64,
    hidden_act: Option<String>,
    tie_word_embeddings: Option<bool>,
    sliding_window: Option<u64>,
    /// Qwen2 states a window and then says that it is not used. Mistral has no such switch.
    use_sliding_window: Option<bool>,
    /// transformers up to 4.
    rope_theta: Option<f64>,
    /// transformers up to 4.
    rope_scaling: Option<RopeParameters>,
    /// transformers 5: both of the above in one.
    rope_parameters: Option<RopeParameters>,
}

/// `rope_scaling` and `rope_parameters`.
#[derive(Default, Deserialize)]
struct RopeParameters {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
    partial_rotary_factor: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
    beta_fast: Option<f64>,
    beta_slow: Option<f64>,
    attention_factor: Option<f64>,
    mscale: Option<f64>,
    mscale_all_dim: Option<f64>,
}

impl DecoderConfig {
    /// Reads the text of a `config.json`; `path` is for messages.
    pub fn from_json(path: &Path, text: &[u8]) -> Result<Self, EngineError> {
        let config: Config = json::parse(path, text)?;
        let Some(family) = FAMILIES.iter().find(|family| family.model_types.contains(&config.model_type.as_str()))
        else {
            let known = FAMILIES.iter().flat_map(|family| family.model_types).copied().collect::<Vec<_>>().join(", ");
            let found = format!("`{}`", config.model_type);
            return Err(EngineError::malformed(path, "model_type", format!("one of {known}"), found));
        };
        if let Some(act) = config.hidden_act.as_deref().filter(|&act| act != "silu") {
            return Err(EngineError::malformed(path, "hidden_act", "`silu`", format!("`{act}`")));
        }
        let head_dim =
            config.head_dim.unwrap_or_else(|| config.hidden_size.checked_div(config.num_attention_heads).unwrap_or(0));
        let window = config.sliding_window.filter(|&w| w > 0 && config.use_sliding_window.unwrap_or(true));
        let parameters = config.rope_parameters.or(config.rope_scaling).unwrap_or_default();
        let stated = Stated {
            vocab: config.vocab_size,
            hidden: config.hidden_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            kv_heads: config.num_key_value_heads.unwrap_or(config.num_attention_heads),
            head_dim,
            ffn: config.intermediate_size,
            // Within the window, full attention and windowed attention are the same.
            context_length: window.map_or(config.max_position_embeddings, |w| w.min(config.max_position_embeddings)),
            norm_eps: config.rms_norm_eps,
            rope: rope::Stated {
                theta: parameters.rope_theta.or(config.rope_theta).unwrap_or(10_000.0),
                dimensions: parameters.partial_rotary_factor.map(|share| (share * head_dim as f64) as u64),
                scaling: parameters.scaling(path, config.max_position_embeddings)?,
            },
            tied: config.tie_word_embeddings,
        };
        stated.check(path, family, RopeStyle::HalfSplit, config_name)
    }
}

/// `config.json`'s name of a size.
fn config_name(size: &str) -> String {
    match size {
        "vocab" => "vocab_size",
        "hidden" => "hidden_size",
        "layers" => "num_hidden_layers",
        "heads" => "num_attention_heads",
        "kv_heads" => "num_key_value_heads",
        "ffn" => "intermediate_size",
        "context_length" => "max_position_embeddings",
        "norm_eps" => "rms_norm_eps",
        other => other,
    }
    .to_owned()
}

impl RopeParameters {
    fn scaling(&self, path: &Path, context: u64) -> Result<Scaling, EngineError> {
        let need = |name: &str, value: Option<f64>| {
            value.ok_or_else(|| EngineError::malformed(path, format!("rope_scaling.{name}"), "a number", "nothing"))
        };
        let original = self.original_max_position_embeddings;
        Ok(match self.rope_type.as_deref() {
            None | Some("default") => Scaling::None,
            Some("linear") => Scaling::Linear { factor: need("factor", self.factor)? },
            Some("llama3") => Scaling::Llama3 {
                factor: need("factor", self.factor)?,
                low: need("low_freq_factor", self.low_freq_factor)?,
                high: need("high_freq_factor", self.high_freq_factor)?,
                original: need("original_max_position_embeddings", original)?,
            },
            Some("yarn") => {
                let factor = need("factor", self.factor)?;
                Scaling::Yarn {
                    factor,
                    beta_fast: self.beta_fast.unwrap_or(32.0),
                    beta_slow: self.beta_slow.unwrap_or(1.0),
                    original: original.unwrap_or(context as f64),
                    magnitude: self.attention_factor.or_else(|| self.relative_magnitude(factor)),
                }
            }
            Some(other) => {
                let expected = "`default`, `linear`, `llama3` or `yarn`";
                return Err(EngineError::malformed(path, "rope_scaling.rope_type", expected, format!("`{other}`")));
            }
        })
    }

    /// DeepSeek's and Mistral's spelling: the quotient of two magnitudes, which is 1 where both weights are the same.
    fn relative_magnitude(&self, factor: f64) -> Option<f64> {
        let magnitude = |weight: f64| if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 };
        match (self.mscale, self.mscale_all_dim) {
            (Some(a), Some(b)) if a != 0.0 && b != 0.0 => Some(magnitude(a) / magnitude(b)),
            _ => None,
        }
    }
}
