//! The decoder's shape from GGUF metadata.

use super::{
    DecoderConfig, FAMILIES, Family, MlpKind, Norm, Positions, Stated, StatedExperts, StatedScales,
    rope::{self, Scaling},
};
use crate::{
    EngineError,
    weights::{Weights, gguf::Gguf},
};

impl DecoderConfig {
    /// Reads the metadata; `weights` tells the size of the vocabulary and stored RoPE divisors.
    pub fn from_gguf(gguf: &Gguf, weights: &mut Weights) -> Result<Self, EngineError> {
        let path = gguf.path();
        let architecture = gguf.text("general.architecture")?;
        let architecture = architecture.ok_or_else(|| gguf.missing("general.architecture", "a string"))?;
        let Some(family) = FAMILIES.iter().find(|family| family.name == architecture) else {
            let known = FAMILIES.iter().map(|family| family.name).collect::<Vec<_>>().join(", ");
            let expected = format!("one of {known}");
            return Err(EngineError::malformed(path, "general.architecture", expected, format!("`{architecture}`")));
        };
        let key = |name: &str| format!("{architecture}.{name}");
        let optional = |name: &str| gguf.unsigned(&key(name));
        let required = |name: &str| optional(name)?.ok_or_else(|| gguf.missing(&key(name), "a number"));

        let embedding = weights.get("embedding").ok_or_else(|| weights.missing("embedding", "a matrix"))?;
        let (hidden, heads) = (required("embedding_length")?, required("attention.head_count")?);
        let rope_dimensions = optional("rope.dimension_count")?;
        let head_dim = optional("attention.key_length")?
            .or(rope_dimensions)
            .unwrap_or_else(|| hidden.checked_div(heads).unwrap_or(0));
        if let Some(value_dim) = optional("attention.value_length")?.filter(|&d| d != head_dim) {
            let expected = format!("the same as the keys' {head_dim}");
            return Err(EngineError::malformed(path, key("attention.value_length"), expected, value_dim.to_string()));
        }
        let context_length = required("context_length")?;
        let number = |name: &str| gguf.float(&key(name));
        let eps_key = key(match family.norm {
            Norm::Layer => "attention.layer_norm_epsilon",
            Norm::Rms | Norm::RmsPlusOne => "attention.layer_norm_rms_epsilon",
        });
        let original = number("rope.scaling.original_context_length")?.unwrap_or(context_length as f64);
        let stated = Stated {
            vocab: embedding.shape[0] as u64,
            hidden,
            layers: required("block_count")?,
            heads,
            kv_heads: optional("attention.head_count_kv")?.unwrap_or(heads),
            head_dim,
            ffn: match family.mlp {
                MlpKind::Experts => required("expert_feed_forward_length")?,
                MlpKind::Gated | MlpKind::Plain => required("feed_forward_length")?,
            },
            experts: experts(gguf, family, &key)?,
            context_length,
            norm_eps: gguf.float(&eps_key)?.ok_or_else(|| gguf.missing(&eps_key, "a number"))?,
            rope: rope::Stated {
                theta: number("rope.freq_base")?.unwrap_or(10_000.0),
                dimensions: rope_dimensions,
                scaling: scaling(gguf, &key, context_length)?,
            },
            window: optional("attention.sliding_window")?.filter(|&window| window > 0),
            temperature: number("attention.temperature_scale")?.map(|beta| (beta, original)),
            // Only granite's multipliers are used by whoever runs these files; 0 stands for none there.
            scales: StatedScales {
                embedding: number("embedding_scale")?.filter(|&scale| scale != 0.0),
                residual: number("residual_scale")?.filter(|&scale| scale != 0.0),
                attention: number("attention.scale")?.filter(|&scale| scale != 0.0),
                logits: number("logit_scale")?.filter(|&scale| scale != 0.0),
            },
            biases: family.biases,
            tied: None,
            norm_without_one: false,
        };
        let mut config = stated.check(path, family, family.gguf_rope, gguf_name)?;
        if family.positions == Positions::Learned {
            config.context_length = config.context_length.min(positions(gguf, weights)?);
        }
        divide_frequencies(&mut config, weights)?;
        Ok(config)
    }
}

/// Rows of the table of learned positions.
fn positions(gguf: &Gguf, weights: &Weights) -> Result<usize, EngineError> {
    match weights.get("positions") {
        Some(table) => Ok(table.shape[0]),
        None => Err(gguf.missing("position_embd.weight", "a matrix")),
    }
}

fn experts(gguf: &Gguf, family: &Family, key: &dyn Fn(&str) -> String) -> Result<Option<StatedExperts>, EngineError> {
    if family.mlp != MlpKind::Experts {
        return Ok(None);
    }
    let optional = |name: &str| gguf.unsigned(&key(name));
    let required = |name: &str| optional(name)?.ok_or_else(|| gguf.missing(&key(name), "a number"));
    let (scale, width) = (gguf.float(&key("expert_weights_scale"))?, required("expert_feed_forward_length")?);
    if let Some(scale) = scale.filter(|scale| ![0.0, 1.0].contains(scale)) {
        let found = scale.to_string();
        return Err(EngineError::malformed(gguf.path(), key("expert_weights_scale"), "1", found));
    }
    let leading = optional("leading_dense_block_count")?.unwrap_or(0);
    Ok(Some(StatedExperts {
        count: required("expert_count")?,
        used: required("expert_used_count")?,
        normalised: gguf.bool(&key("expert_weights_norm"))?.unwrap_or(family.normalised_experts),
        shared: optional("expert_shared_count")?.unwrap_or(0).saturating_mul(width),
        leading,
        leading_ffn: if leading > 0 { required("feed_forward_length")? } else { 0 },
    }))
}

/// GGUF's name of a size, without the architecture.
fn gguf_name(size: &str) -> String {
    match size {
        "vocab" => "token_embd.weight rows",
        "hidden" => "embedding_length",
        "layers" => "block_count",
        "heads" => "attention.head_count",
        "kv_heads" => "attention.head_count_kv",
        "head_dim" => "attention.key_length",
        "ffn" => "feed_forward_length",
        "norm_eps" => "attention.layer_norm_epsilon",
        "experts" => "expert_count",
        "experts_used" => "expert_used_count",
        "experts_shared" => "expert_shared_count",
        "leading_ffn" => "feed_forward_length",
        "temperature" => "attention.temperature_scale",
        "attention_scale" => "attention.scale",
        "original_context_length" => "rope.scaling.original_context_length",
        other => other,
    }
    .to_owned()
}

fn scaling(gguf: &Gguf, key: &dyn Fn(&str) -> String, context: u64) -> Result<Scaling, EngineError> {
    let number = |name: &str| gguf.float(&key(name));
    let factor = match number("rope.scaling.factor")? {
        Some(factor) => Some(factor),
        None => number("rope.scale_linear")?, // Before `rope.scaling.*` existed.
    };
    let kind_key = key("rope.scaling.type");
    let original = number("rope.scaling.original_context_length")?.unwrap_or(context as f64);
    match (gguf.text(&kind_key)?, factor) {
        (Some("none"), _) | (Some("linear" | "yarn") | None, None | Some(0.0)) => Ok(Scaling::None),
        (Some("linear") | None, Some(factor)) => Ok(Scaling::Linear { factor }),
        (Some("yarn"), Some(factor)) => Ok(Scaling::Yarn {
            factor,
            beta_fast: number("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
            beta_slow: number("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
            original,
            magnitude: {
                // `yarn_log_multiplier` is the `mscale_all_dim` by which the magnitude is divided again; `mscale` is taken to be 1.
                let magnitude = |weight: f64| 0.1 * weight * factor.max(1.0).ln() + 1.0;
                let log = number("rope.scaling.yarn_log_multiplier")?.unwrap_or(0.0);
                let given = number("rope.scaling.attn_factor")?.unwrap_or(1.0);
                Some(given * magnitude(1.0) / magnitude(log))
            },
        }),
        (Some(other), _) => {
            Err(EngineError::malformed(gguf.path(), kind_key, "`none`, `linear` or `yarn`", format!("`{other}`")))
        }
    }
}

/// Llama 3.1's stretching comes as a tensor of divisors, one for each pair.
fn divide_frequencies(config: &mut DecoderConfig, weights: &mut Weights) -> Result<(), EngineError> {
    let Some(divisors) = weights.take("rope_factors") else {
        return Ok(());
    };
    let expected = [config.rope.frequencies.len()];
    if divisors.shape != expected {
        let (expected, found) = (format!("shape {expected:?}"), format!("shape {:?}", divisors.shape));
        return Err(EngineError::malformed(&divisors.file, &*divisors.name, expected, found));
    }
    for (frequency, divisor) in config.rope.frequencies.iter_mut().zip(divisors.to_f32()?) {
        if !(divisor.is_finite() && divisor > 0.0) {
            return Err(EngineError::malformed(
                &divisors.file,
                &*divisors.name,
                "positive divisors",
                divisor.to_string(),
            ));
        }
        *frequency /= divisor;
    }
    Ok(())
}
