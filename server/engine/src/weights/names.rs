//! Canonical tensor names, and how each format spells them.
//!
//! Canonical: `embedding`, `positions`, `output_norm`, `output`, `rope_factors`, and `layers.N.` followed by the parts below. An expert's are
//! `layers.N.experts.M.` and `ffn_gate`, `ffn_up` or `ffn_down`, or all of a kind in one tensor, `ffn_gate_exps` and so on. A bias has
//! `_bias` after the name of its weight, the scale of 8-bit floats `_scale`, that of their inputs `_input_scale`.

/// How a format, or a family in a format, names tensors.
#[derive(Debug)]
pub struct Spelling {
    /// What may stand before every name, any number of times: where the language model is a part of something larger.
    wrappers: &'static [&'static str],
    /// Beginnings of tensors that are not the language model's.
    others: &'static [&'static str],
    /// What stands before the number of a layer.
    layers: &'static str,
    /// What stands before the number of an expert; empty where experts lie in one tensor.
    experts: &'static str,
    /// (canonical, spelled) of the tensors outside the layers; the first is used in messages.
    outer: &'static [(&'static str, &'static str)],
    /// (canonical, spelled) of the tensors of a layer.
    layer: &'static [(&'static str, &'static str)],
    /// (canonical suffix, spelled).
    suffixes: &'static [(&'static str, &'static str)],
    /// Ends of names that carry nothing: they follow from the config, or are for integer arithmetic that is not done here.
    ignored: &'static [&'static str],
}

/// What a spelled name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A tensor of the decoder, by its canonical name.
    Tensor(String),
    /// Nothing that a decoder needs.
    Other,
    /// A name that no supported architecture has.
    Unknown,
}

/// GGUF's, for every architecture. A part that is fused in some is `attn_qkv`.
pub static GGUF: Spelling = Spelling {
    wrappers: &[],
    others: &[],
    layers: "blk.",
    experts: "",
    outer: &[
        ("embedding", "token_embd"),
        ("positions", "position_embd"),
        ("output_norm", "output_norm"),
        ("output", "output"),
        // Per-frequency divisors (Llama 3.1); Hugging Face computes them from the config instead.
        ("rope_factors", "rope_freqs"),
    ],
    layer: &[
        ("attn_norm", "attn_norm"),
        ("attn_q", "attn_q"),
        ("attn_k", "attn_k"),
        ("attn_v", "attn_v"),
        ("attn_qkv", "attn_qkv"),
        ("attn_q_norm", "attn_q_norm"),
        ("attn_k_norm", "attn_k_norm"),
        ("attn_output", "attn_output"),
        ("ffn_norm", "ffn_norm"),
        ("ffn_gate", "ffn_gate"),
        ("ffn_up", "ffn_up"),
        ("ffn_down", "ffn_down"),
        ("router", "ffn_gate_inp"),
        ("ffn_gate_exps", "ffn_gate_exps"),
        ("ffn_up_exps", "ffn_up_exps"),
        ("ffn_down_exps", "ffn_down_exps"),
        ("ffn_gate_shared", "ffn_gate_shexp"),
        ("ffn_up_shared", "ffn_up_shexp"),
        ("ffn_down_shared", "ffn_down_shexp"),
    ],
    suffixes: &[("", ".weight"), ("_bias", ".bias")],
    ignored: &[],
};

/// Hugging Face's, of most families.
pub static HUGGING_FACE: Spelling = Spelling {
    wrappers: &["model.", "language_model."],
    others: &["vision_tower.", "multi_modal_projector."],
    layers: "layers.",
    experts: "mlp.experts.",
    outer: &[("embedding", "embed_tokens"), ("output_norm", "norm"), ("output", "lm_head")],
    layer: &[
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
        ("attn_output", "self_attn.o_proj"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
        ("router", "mlp.gate"),
        ("ffn_gate_shared", "mlp.shared_experts.gate_proj"),
        ("ffn_up_shared", "mlp.shared_experts.up_proj"),
        ("ffn_down_shared", "mlp.shared_experts.down_proj"),
        // Of an expert.
        ("ffn_gate", "gate_proj"),
        ("ffn_up", "up_proj"),
        ("ffn_down", "down_proj"),
    ],
    suffixes: &[
        ("", ".weight"),
        ("_bias", ".bias"),
        ("_scale", ".weight_scale_inv"),
        ("_scale", ".weight_scale"),
        ("_input_scale", ".activation_scale"),
        ("_input_scale", ".input_scale"),
    ],
    ignored: &["rotary_emb.inv_freq"],
};

/// Hugging Face's StarCoder2: an MLP of two matrices.
pub static STARCODER2: Spelling = Spelling {
    layer: &[
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_up", "mlp.c_fc"),
        ("ffn_down", "mlp.c_proj"),
    ],
    ..HUGGING_FACE
};

/// Hugging Face's GPT-BigCode.
pub static GPT_BIGCODE: Spelling = Spelling {
    wrappers: &["transformer."],
    layers: "h.",
    outer: &[("embedding", "wte"), ("positions", "wpe"), ("output_norm", "ln_f"), ("output", "lm_head")],
    layer: &[
        ("attn_norm", "ln_1"),
        ("attn_qkv", "attn.c_attn"),
        ("attn_output", "attn.c_proj"),
        ("ffn_norm", "ln_2"),
        ("ffn_up", "mlp.c_fc"),
        ("ffn_down", "mlp.c_proj"),
    ],
    // The causal mask, in old files.
    ignored: &[".attn.bias", ".attn.masked_bias"],
    ..HUGGING_FACE
};

/// Mistral's own, of `consolidated.safetensors`.
pub static MISTRAL: Spelling = Spelling {
    wrappers: &[],
    others: &["vision_encoder.", "vision_language_adapter.", "patch_merger.", "pre_mm_projector_norm."],
    layers: "layers.",
    experts: "",
    outer: &[("embedding", "tok_embeddings"), ("output_norm", "norm"), ("output", "output")],
    layer: &[
        ("attn_norm", "attention_norm"),
        ("attn_q", "attention.wq"),
        ("attn_k", "attention.wk"),
        ("attn_v", "attention.wv"),
        ("attn_output", "attention.wo"),
        ("ffn_norm", "ffn_norm"),
        ("ffn_gate", "feed_forward.w1"),
        ("ffn_down", "feed_forward.w2"),
        ("ffn_up", "feed_forward.w3"),
    ],
    suffixes: &[("", ".weight"), ("_bias", ".bias"), ("_scale", ".qscale_weight"), ("_input_scale", ".qscale_act")],
    ignored: &[],
};

impl Spelling {
    /// What a tensor of this name is.
    pub fn meaning(&self, name: &str) -> Meaning {
        let mut inner = name;
        while let Some(rest) = self.wrappers.iter().find_map(|wrapper| inner.strip_prefix(wrapper)) {
            inner = rest;
        }
        let other = self.others.iter().any(|other| inner.starts_with(other));
        if other || self.ignored.iter().any(|ignored| inner.ends_with(ignored)) {
            return Meaning::Other;
        }
        self.canonical(inner).map_or(Meaning::Unknown, Meaning::Tensor)
    }

    fn canonical(&self, name: &str) -> Option<String> {
        let (suffix, stem) =
            self.suffixes.iter().find_map(|(suffix, spelled)| Some((suffix, name.strip_suffix(spelled)?)))?;
        let Some(rest) = stem.strip_prefix(self.layers) else {
            let (canonical, _) = self.outer.iter().find(|(_, spelled)| *spelled == stem)?;
            return Some(format!("{canonical}{suffix}"));
        };
        let (layer, part) = rest.split_once('.')?;
        let (expert, part) = match part.strip_prefix(self.experts) {
            Some(rest) if !self.experts.is_empty() => {
                let (expert, part) = rest.split_once('.')?;
                (format!("experts.{}.", index(expert)?), part)
            }
            _ => (String::new(), part),
        };
        let (canonical, _) = self.layer.iter().find(|(_, spelled)| *spelled == part)?;
        Some(format!("layers.{}.{expert}{canonical}{suffix}", index(layer)?))
    }

    /// A canonical name as this format spells it, for messages.
    pub fn spell(&self, canonical: &str) -> String {
        let suffixed = self.suffixes.iter().filter(|(suffix, _)| !suffix.is_empty());
        // The longest: `_scale` ends `_input_scale`. Of spellings the first.
        let (stem, suffix) = suffixed
            .filter_map(|(suffix, spelled)| Some((canonical.strip_suffix(suffix)?, *spelled)))
            .reduce(|best, next| if next.0.len() < best.0.len() { next } else { best })
            .unwrap_or((canonical, ".weight"));
        let part_of = |table: &'static [(&str, &'static str)], part: &str, last: bool| {
            let mut found = table.iter().filter(|(canonical, _)| *canonical == part).map(|(_, spelled)| *spelled);
            if last { found.next_back() } else { found.next() }.map_or_else(|| part.to_owned(), str::to_owned)
        };
        let wrapper = self.wrappers.first().copied().unwrap_or_default();
        let Some((index, part)) = stem.strip_prefix("layers.").and_then(|rest| rest.split_once('.')) else {
            // The output projection stands outside of what wraps the rest.
            let wrapper = if stem == "output" { "" } else { wrapper };
            return format!("{wrapper}{}{suffix}", part_of(self.outer, stem, false));
        };
        let (expert, part) = match part.strip_prefix("experts.").and_then(|rest| rest.split_once('.')) {
            Some((expert, part)) => (format!("{}{expert}.", self.experts), part_of(self.layer, part, true)),
            None => (String::new(), part_of(self.layer, part, false)),
        };
        format!("{wrapper}{}{index}.{expert}{part}{suffix}", self.layers)
    }
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
    fn all_spellings_meet() {
        for (spelling, spelled, canonical) in [
            (&GGUF, "token_embd.weight", "embedding"),
            (&HUGGING_FACE, "model.embed_tokens.weight", "embedding"),
            (&GPT_BIGCODE, "transformer.wte.weight", "embedding"),
            (&MISTRAL, "tok_embeddings.weight", "embedding"),
            (&GGUF, "output.weight", "output"),
            (&HUGGING_FACE, "lm_head.weight", "output"),
            (&MISTRAL, "output.weight", "output"),
            (&STARCODER2, "model.norm.bias", "output_norm_bias"),
            (&GGUF, "blk.11.attn_q.bias", "layers.11.attn_q_bias"),
            (&HUGGING_FACE, "model.layers.11.self_attn.q_proj.bias", "layers.11.attn_q_bias"),
            (&STARCODER2, "model.layers.3.mlp.c_fc.weight", "layers.3.ffn_up"),
            (&GPT_BIGCODE, "transformer.h.3.mlp.c_proj.bias", "layers.3.ffn_down_bias"),
            (&MISTRAL, "layers.3.feed_forward.w3.weight", "layers.3.ffn_up"),
            (&MISTRAL, "layers.3.attention.wq.qscale_weight", "layers.3.attn_q_scale"),
            (&HUGGING_FACE, "model.layers.3.mlp.up_proj.weight_scale_inv", "layers.3.ffn_up_scale"),
            (&MISTRAL, "layers.0.attention.wq.qscale_act", "layers.0.attn_q_input_scale"),
            (&HUGGING_FACE, "model.layers.0.self_attn.q_proj.activation_scale", "layers.0.attn_q_input_scale"),
            (&HUGGING_FACE, "model.layers.3.mlp.gate.weight", "layers.3.router"),
            (&GGUF, "blk.3.ffn_gate_inp.weight", "layers.3.router"),
            (&HUGGING_FACE, "model.layers.3.mlp.experts.12.down_proj.weight", "layers.3.experts.12.ffn_down"),
            (&GGUF, "blk.3.ffn_down_exps.weight", "layers.3.ffn_down_exps"),
            (&HUGGING_FACE, "model.layers.0.self_attn.k_norm.weight", "layers.0.attn_k_norm"),
        ] {
            assert_eq!(spelling.meaning(spelled), Meaning::Tensor(canonical.into()), "{spelled}");
            assert_eq!(spelling.spell(canonical), spelled);
        }
        for wrapper in ["language_model.model.", "model.language_model."] {
            let name = format!("{wrapper}layers.7.mlp.up_proj.weight");
            assert_eq!(HUGGING_FACE.meaning(&name), Meaning::Tensor("layers.7.ffn_up".into()));
        }
    }

    #[test]
    fn what_is_no_tensor_of_a_decoder() {
        for (spelling, name, meaning) in [
            (&HUGGING_FACE, "vision_tower.ln_pre.weight", Meaning::Other),
            (&HUGGING_FACE, "model.vision_tower.transformer.layers.0.attention.q_proj.weight", Meaning::Other),
            (&HUGGING_FACE, "model.layers.0.self_attn.rotary_emb.inv_freq", Meaning::Other),
            (&MISTRAL, "vision_encoder.patch_conv.weight", Meaning::Other),
            (&STARCODER2, "model.layers.0.mlp.up_proj.weight", Meaning::Unknown),
            (&GGUF, "", Meaning::Unknown),
            (&GGUF, "blk.1.attn_q", Meaning::Unknown),
            (&GGUF, "blk.01.attn_q.weight", Meaning::Unknown),
            (&GGUF, "blk..attn_q.weight", Meaning::Unknown),
            (&GGUF, "blk.1.other.weight", Meaning::Unknown),
            (&HUGGING_FACE, "model.layers.1.mlp.experts.01.up_proj.weight", Meaning::Unknown),
            (&HUGGING_FACE, ".weight", Meaning::Unknown),
        ] {
            assert_eq!(spelling.meaning(name), meaning, "{name}");
        }
    }
}
