//! Canonical tensor names, and how each format spells them.
//!
//! Canonical: `embedding`, `output_norm`, `output`, `rope_factors`, and `layers.N.` followed by `attn_norm`, `attn_q`, `attn_k`,
//! `attn_v`, `attn_output`, `ffn_norm`, `ffn_gate`, `ffn_up`, `ffn_down`. A bias has `_bias` after the name of its weight.

/// (canonical, GGUF, Hugging Face) of the tensors outside the layers.
const OUTER: [(&str, &str, &str); 4] = [
    ("embedding", "token_embd", "embed_tokens"),
    ("output_norm", "output_norm", "norm"),
    ("output", "output", "lm_head"),
    // Per-frequency divisors (Llama 3.1); Hugging Face computes them from the config instead.
    ("rope_factors", "rope_freqs", ""),
];

/// (canonical and GGUF, Hugging Face) of the tensors of a layer.
const LAYER: [(&str, &str); 9] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// The canonical form of a GGUF tensor name, or `None` for one that no supported architecture has.
pub fn from_gguf(name: &str) -> Option<String> {
    let (stem, suffix) = split(name)?;
    if let Some(rest) = stem.strip_prefix("blk.") {
        let (layer, part) = rest.split_once('.')?;
        let (canonical, _) = LAYER.iter().find(|(gguf, _)| *gguf == part)?;
        return Some(format!("layers.{}.{canonical}{suffix}", index(layer)?));
    }
    let (canonical, ..) = OUTER.iter().find(|(_, gguf, _)| *gguf == stem)?;
    Some(format!("{canonical}{suffix}"))
}

/// The canonical form of a Hugging Face tensor name, or `None` for one that no supported architecture has.
pub fn from_hugging_face(name: &str) -> Option<String> {
    let name = name.strip_prefix("model.").unwrap_or(name);
    let (stem, suffix) = split(name)?;
    if let Some(rest) = stem.strip_prefix("layers.") {
        let (layer, part) = rest.split_once('.')?;
        let (canonical, _) = LAYER.iter().find(|(_, hf)| *hf == part)?;
        return Some(format!("layers.{}.{canonical}{suffix}", index(layer)?));
    }
    let (canonical, ..) = OUTER.iter().find(|(.., hf)| !hf.is_empty() && *hf == stem)?;
    Some(format!("{canonical}{suffix}"))
}

/// A canonical name as GGUF spells it.
pub fn to_gguf(canonical: &str) -> String {
    spell(canonical, |outer| outer.1, |layer| layer.0, "blk.", "")
}

/// A canonical name as Hugging Face spells it.
pub fn to_hugging_face(canonical: &str) -> String {
    spell(canonical, |outer| outer.2, |layer| layer.1, "layers.", "model.")
}

fn spell(
    canonical: &str,
    outer: fn(&(&'static str, &'static str, &'static str)) -> &'static str,
    layer: fn(&(&'static str, &'static str)) -> &'static str,
    layers: &str,
    model: &str,
) -> String {
    let (stem, suffix) = match canonical.strip_suffix("_bias") {
        Some(stem) => (stem, ".bias"),
        None => (canonical, ".weight"),
    };
    if let Some((index, part)) = stem.strip_prefix("layers.").and_then(|rest| rest.split_once('.')) {
        let part = LAYER.iter().find(|names| names.0 == part).map_or(part, layer);
        return format!("{model}{layers}{index}.{part}{suffix}");
    }
    let name = OUTER.iter().find(|names| names.0 == stem).map_or(stem, outer);
    // The output projection stands outside of Hugging Face's `model`.
    let model = if stem == "output" { "" } else { model };
    format!("{model}{name}{suffix}")
}

/// `x.weight` is `("x", "")`, `x.bias` is `("x", "_bias")`.
fn split(name: &str) -> Option<(&str, &str)> {
    name.strip_suffix(".weight")
        .map(|stem| (stem, ""))
        .or_else(|| name.strip_suffix(".bias").map(|stem| (stem, "_bias")))
}

/// A layer's number in its one spelling: `07` or `+7` would make two names for one tensor.
fn index(text: &str) -> Option<usize> {
    let number: usize = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_meet() {
        for (gguf, hf, canonical) in [
            ("token_embd.weight", "model.embed_tokens.weight", "embedding"),
            ("output.weight", "lm_head.weight", "output"),
            ("output_norm.weight", "model.norm.weight", "output_norm"),
            ("blk.11.attn_q.bias", "model.layers.11.self_attn.q_proj.bias", "layers.11.attn_q_bias"),
            ("blk.0.ffn_norm.weight", "model.layers.0.post_attention_layernorm.weight", "layers.0.ffn_norm"),
        ] {
            assert_eq!(from_gguf(gguf).as_deref(), Some(canonical));
            assert_eq!(from_hugging_face(hf).as_deref(), Some(canonical));
            assert_eq!((to_gguf(canonical).as_str(), to_hugging_face(canonical).as_str()), (gguf, hf));
        }
        for unknown in
            ["", "blk.1.attn_q", "blk.01.attn_q.weight", "blk..attn_q.weight", "blk.1.other.weight", ".weight"]
        {
            assert_eq!(from_gguf(unknown), None, "{unknown}");
        }
        assert_eq!(from_hugging_face(".weight"), None);
    }
}
