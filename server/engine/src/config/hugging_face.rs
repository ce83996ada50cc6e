//! The decoder's shape from `config.json`.

use std::path::Path;

use serde::Deserialize;

use super::{
    Activation, Biases, DecoderConfig, FAMILIES, Family, MlpKind, Norm, Positions, RopeStyle, Stated, StatedExperts,
    StatedScales,
    rope::{self, Scaling},
};
use crate::{EngineError, json};

/// The part of `config.json` that is read.
#[derive(Deserialize)]
struct Config {
    model_type: String,
    vocab_size: u64,
    #[serde(alias = "n_embd")]
    hidden_size: u64,
    #[serde(alias = "n_layer")]
    num_hidden_layers: u64,
    #[serde(alias = "n_head")]
    num_attention_heads: u64,
    num_key_value_heads: Option<u64>,
    head_dim: Option<u64>,
    #[serde(alias = "n_inner")]
    intermediate_size: Option<u64>,
    #[serde(alias = "n_positions")]
    max_position_embeddings: u64,
    /// Some of StarCoder2's offspring have a second name for it, with the same number.
    norm_epsilon: Option<f64>,
    layer_norm_epsilon: Option<f64>,
    rms_norm_eps: Option<f64>,
    #[serde(alias = "activation_function")]
    hidden_act: Option<String>,
    /// Gemma's own; where it is missing, its `gelu` means the tanh formula too.
    hidden_activation: Option<String>,
    tie_word_embeddings: Option<bool>,
    sliding_window: Option<u64>,
    /// Qwen states a window and then says that it is not used. Mistral has no such switch.
    use_sliding_window: Option<bool>,
    /// StarCoder2.
    use_bias: Option<bool>,
    /// GPT-BigCode: whether there is only one key head.
    multi_query: Option<bool>,
    /// transformers up to 4.
    rope_theta: Option<f64>,
    /// transformers up to 4.
    rope_scaling: Option<RopeParameters>,
    /// transformers 5: both of the above in one.
    rope_parameters: Option<RopeParameters>,
    num_experts: Option<u64>,
    /// transformers 5.
    num_local_experts: Option<u64>,
    num_experts_per_tok: Option<u64>,
    moe_intermediate_size: Option<u64>,
    norm_topk_prob: Option<bool>,
    /// DeepSeek's names, and what only it has.
    n_routed_experts: Option<u64>,
    n_shared_experts: Option<u64>,
    first_k_dense_replace: Option<u64>,
    moe_layer_freq: Option<u64>,
    routed_scaling_factor: Option<f64>,
    scoring_func: Option<String>,
    /// Layers without experts, by number and by step.
    mlp_only_layers: Option<Vec<u64>>,
    decoder_sparse_step: Option<u64>,
    embedding_multiplier: Option<f64>,
    residual_multiplier: Option<f64>,
    attention_multiplier: Option<f64>,
    logits_scaling: Option<f64>,
}

/// A `config.json` whose language model is one of several parts.
#[derive(Deserialize)]
struct Wrapper {
    text_config: Option<serde_json::Value>,
    tie_word_embeddings: Option<bool>,
}

/// How weights are stored, where that is not said by the tensors' types.
#[derive(Deserialize)]
struct Stored {
    quantization_config: Option<Quantization>,
    text_config: Option<InnerStored>,
}

#[derive(Deserialize)]
struct InnerStored {
    quantization_config: Option<Quantization>,
}

#[derive(Deserialize)]
struct Quantization {
    quant_method: Option<String>,
    weight_block_size: Option<[usize; 2]>,
}

/// The rows and columns of 8-bit floats that share a scale (`quantization_config.weight_block_size`, as in Qwen's and DeepSeek's FP8 releases); `None` where no blocks are named.
///
/// # Errors
///
/// The weights are stored in a way that is not read here.
pub(crate) fn weight_block(path: &Path, text: &[u8]) -> Result<Option<[usize; 2]>, EngineError> {
    let stored: Stored = json::parse(path, text)?;
    let inner = stored.text_config.and_then(|inner| inner.quantization_config);
    let Some(quantization) = stored.quantization_config.or(inner) else { return Ok(None) };
    match quantization.quant_method.as_deref() {
        None | Some("fp8" | "compressed-tensors") => {}
        Some(other) => {
            let expected = "8-bit floats (`fp8`), or no quantization (most models are on the hub as .gguf files too)";
            let field = "quantization_config.quant_method";
            return Err(EngineError::malformed(path, field, expected, format!("`{other}`")));
        }
    }
    match quantization.weight_block_size {
        Some([0, _] | [_, 0]) => {
            let field = "quantization_config.weight_block_size";
            Err(EngineError::malformed(path, field, "two numbers above 0", "a 0"))
        }
        block => Ok(block),
    }
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
    llama_4_scaling_beta: Option<f64>,
}

impl DecoderConfig {
    /// Reads the text of a `config.json`; `path` is for messages.
    pub fn from_json(path: &Path, text: &[u8]) -> Result<Self, EngineError> {
        let wrapper: Wrapper = json::parse(path, text)?;
        let mut config: Config = match wrapper.text_config {
            None => json::parse(path, text)?,
            Some(inner) => json::parse(path, inner.to_string().as_bytes())?,
        };
        config.tie_word_embeddings = config.tie_word_embeddings.or(wrapper.tie_word_embeddings);
        let Some(family) = FAMILIES.iter().find(|family| family.model_types.contains(&config.model_type.as_str()))
        else {
            let known = FAMILIES.iter().flat_map(|family| family.model_types).copied().collect::<Vec<_>>().join(", ");
            let found = format!("`{}`", config.model_type);
            return Err(EngineError::malformed(path, "model_type", format!("one of {known}"), found));
        };
        config.check_activation(path, family)?;
        let head_dim =
            config.head_dim.unwrap_or_else(|| config.hidden_size.checked_div(config.num_attention_heads).unwrap_or(0));
        let (experts, ffn) = config.mlp(path, family)?;
        let norm_eps = config.norm_eps(path, family)?;
        let kv_heads = match (family.positions, config.multi_query) {
            (Positions::Learned, None | Some(true)) => 1,
            (Positions::Learned, Some(false)) => {
                // Q, K and V of each head lie together there.
                return Err(EngineError::malformed(path, "multi_query", "true", "false"));
            }
            (Positions::Rotary, _) => config.num_key_value_heads.unwrap_or(config.num_attention_heads),
        };
        let parameters = config.rope_parameters.or(config.rope_scaling).unwrap_or_default();
        let context = config.max_position_embeddings;
        let original = parameters.original_max_position_embeddings.unwrap_or(context as f64);
        let stated = Stated {
            vocab: config.vocab_size,
            hidden: config.hidden_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            kv_heads,
            head_dim,
            ffn,
            experts,
            context_length: context,
            norm_eps,
            rope: rope::Stated {
                theta: parameters.rope_theta.or(config.rope_theta).unwrap_or(10_000.0),
                dimensions: parameters.partial_rotary_factor.map(|share| (share * head_dim as f64) as u64),
                scaling: parameters.scaling(path, context)?,
            },
            window: config.sliding_window.filter(|&w| w > 0 && config.use_sliding_window.unwrap_or(true)),
            temperature: parameters.llama_4_scaling_beta.map(|beta| (beta, original)),
            scales: StatedScales {
                embedding: config.embedding_multiplier,
                residual: config.residual_multiplier,
                attention: config.attention_multiplier,
                logits: config.logits_scaling,
            },
            biases: if config.use_bias == Some(false) { Biases::Optional } else { family.biases },
            tied: config.tie_word_embeddings.or(family.norm.eq(&Norm::RmsPlusOne).then_some(true)),
            norm_without_one: family.norm == Norm::RmsPlusOne,
        };
        stated.check(path, family, RopeStyle::HalfSplit, config_name)
    }
}

impl Config {
    fn check_activation(&self, path: &Path, family: &Family) -> Result<(), EngineError> {
        let gelu = family.scaled_embedding || family.positions == Positions::Learned;
        let known: &[&str] = match (family.activation, gelu) {
            (Activation::Silu, _) => &["silu"],
            (Activation::GeluTanh, false) => &["gelu_pytorch_tanh"],
            // Gemma's first configs say `gelu` and mean this one; so do StarCoder's, whose weights llama.cpp computes with this formula too.
            (Activation::GeluTanh, true) => &["gelu_pytorch_tanh", "gelu"],
        };
        match self.hidden_activation.as_deref().or(self.hidden_act.as_deref()) {
            Some(act) if !known.contains(&act) => {
                Err(EngineError::malformed(path, "hidden_act", format!("`{}`", known[0]), format!("`{act}`")))
            }
            _ => Ok(()),
        }
    }

    /// What is added in a norm: `rms_norm_eps` is an RMS norm's own name for it, the others a layer norm's.
    fn norm_eps(&self, path: &Path, family: &Family) -> Result<f64, EngineError> {
        let layer = self.norm_epsilon.or(self.layer_norm_epsilon);
        let stated = if family.norm == Norm::Layer { layer.or(self.rms_norm_eps) } else { self.rms_norm_eps.or(layer) };
        stated.ok_or_else(|| EngineError::malformed(path, "rms_norm_eps", "a number", "nothing"))
    }

    /// The experts, and the inner width of an MLP.
    fn mlp(&self, path: &Path, family: &Family) -> Result<(Option<StatedExperts>, u64), EngineError> {
        let need = |name: &str, value: Option<u64>| {
            value.ok_or_else(|| EngineError::malformed(path, name, "a number", "nothing"))
        };
        if family.mlp != MlpKind::Experts {
            // GPT-BigCode leaves it out where it is four times the width.
            let default = (family.positions == Positions::Learned).then(|| self.hidden_size.saturating_mul(4));
            return Ok((None, need("intermediate_size", self.intermediate_size.or(default))?));
        }
        let dense = self.mlp_only_layers.as_ref().is_some_and(|layers| !layers.is_empty());
        if dense || self.decoder_sparse_step.is_some_and(|step| step != 1) {
            let expected = "experts in every layer";
            return Err(EngineError::malformed(path, "mlp_only_layers", expected, "layers without"));
        }
        let scaled = self.routed_scaling_factor.is_some_and(|factor| factor != 1.0);
        let other_scores = self.scoring_func.as_ref().is_some_and(|function| function != "softmax");
        if scaled || other_scores || self.moe_layer_freq.is_some_and(|step| step != 1) {
            let expected = "weights of experts that are a softmax's, in every layer behind the first ones";
            let found = "another `routed_scaling_factor`, `scoring_func` or `moe_layer_freq`";
            return Err(EngineError::malformed(path, "scoring_func", expected, found));
        }
        let width = need("moe_intermediate_size", self.moe_intermediate_size)?;
        let leading = self.first_k_dense_replace.unwrap_or(0);
        let experts = StatedExperts {
            count: need("num_experts", self.num_experts.or(self.num_local_experts).or(self.n_routed_experts))?,
            used: need("num_experts_per_tok", self.num_experts_per_tok)?,
            normalised: self.norm_topk_prob.unwrap_or(false),
            shared: self.n_shared_experts.unwrap_or(0).saturating_mul(width),
            leading,
            leading_ffn: if leading > 0 { need("intermediate_size", self.intermediate_size)? } else { 0 },
        };
        Ok((Some(experts), width))
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
        "experts" => "num_experts",
        "experts_used" => "num_experts_per_tok",
        "experts_shared" => "n_shared_experts",
        "leading_ffn" => "intermediate_size",
        "temperature" => "rope_parameters.llama_4_scaling_beta",
        "original_context_length" => "rope_parameters.original_max_position_embeddings",
        "embedding_scale" => "embedding_multiplier",
        "residual_scale" => "residual_multiplier",
        "attention_scale" => "attention_multiplier",
        "logit_scale" => "logits_scaling",
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// As bigcode's StarCoderBase and a fine-tuned StarCoder2 have it on the hub, but for what is not read.
    #[test]
    fn configs_of_the_star_coders_are_read() {
        let read = |text: &str| DecoderConfig::from_json(Path::new("config.json"), text.as_bytes());
        let starcoder = r#"{
            "activation_function": "gelu", "architectures": ["GPTBigCodeForCausalLM"], "layer_norm_epsilon": 1e-05, "model_type": "gpt_bigcode",
            "multi_query": true, "n_embd": 2048, "n_head": 16, "n_inner": 8192, "n_layer": 24, "n_positions": 8192, "vocab_size": 49152
        }"#;
        let config = read(starcoder).unwrap();
        assert_eq!((config.hidden, config.norm_eps), (2048, 1e-5));
        let dolphin = r#"{
            "architectures": ["Starcoder2ForCausalLM"], "hidden_act": "gelu_pytorch_tanh", "hidden_size": 6144, "intermediate_size": 24576,
            "max_position_embeddings": 16384, "model_type": "starcoder2", "norm_epsilon": 1e-05, "num_attention_heads": 48, "num_hidden_layers": 40,
            "num_key_value_heads": 4, "rms_norm_eps": 1e-06, "rope_theta": 100000, "sliding_window": 4096, "use_bias": true, "vocab_size": 49160
        }"#;
        // Its norms are layer norms.
        assert_eq!(read(dolphin).unwrap().norm_eps, 1e-5);
        let none = dolphin.replace(r#""norm_epsilon": 1e-05,"#, "").replace(r#""rms_norm_eps": 1e-06,"#, "");
        assert!(read(&none).unwrap_err().to_string().contains("rms_norm_eps: expected a number, found nothing"));
    }
}
