//! The families of decoders, as one table: what differs between them is data.
//!
//! Source of each row: the family's modelling code in transformers, and llama.cpp's for how GGUF lays it out.

use super::RopeStyle;
use crate::weights::names::{GPT_BIGCODE, HUGGING_FACE, STARCODER2, Spelling};

/// A family of decoders.
#[derive(Debug)]
pub struct Family {
    /// GGUF's `general.architecture`, and our name for it.
    pub name: &'static str,
    /// `model_type` of the `config.json`s that are this family.
    pub model_types: &'static [&'static str],
    /// How its `model.safetensors` names the tensors.
    pub tensors: &'static Spelling,
    /// How GGUF stores the rows of Q and K. Hugging Face always stores them half-split.
    pub gguf_rope: RopeStyle,
    /// How a token learns its position.
    pub positions: Positions,
    /// What stands before attention, the MLP and the output.
    pub norm: Norm,
    /// The MLP of each block.
    pub mlp: MlpKind,
    /// Its non-linearity.
    pub activation: Activation,
    /// The biases that must be there; where they need not, those that are there are used.
    pub biases: Biases,
    /// Whether each head of Q and K is normalised before it is rotated.
    pub qk_norm: bool,
    /// Whether embeddings are multiplied with the square root of the hidden width.
    pub scaled_embedding: bool,
    /// What a stated sliding window means.
    pub window: WindowUse,
    /// Whether the weights of the experts that compute a token sum to 1 where a GGUF does not say.
    pub normalised_experts: bool,
}

/// How a token learns its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// Queries and keys are rotated.
    Rotary,
    /// A learned vector for each position is added to the embedding.
    Learned,
}

/// A normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// `x / rms(x) * w` (arXiv 1910.07467).
    Rms,
    /// The same with `1 + w`. GGUF stores the sum, safetensors `w`; loading makes it [`Norm::Rms`] for what follows.
    RmsPlusOne,
    /// `(x - mean) / deviation * w + b` (arXiv 1607.06450).
    Layer,
}

/// What stands between the two widths of an MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MlpKind {
    /// `down(act(gate(x)) * up(x))` (arXiv 2002.05202).
    Gated,
    /// `down(act(up(x)))`.
    Plain,
    /// A router picks a few of many gated MLPs, and their outputs are added by its weights.
    Experts,
}

/// A non-linearity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// GELU by its tanh formula (arXiv 1606.08415): `x * sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3))`.
    GeluTanh,
}

/// Biases that must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Biases {
    /// None.
    Optional,
    /// Those of Q, K and V.
    Qkv,
    /// Those of all linear layers of the blocks.
    All,
}

/// What a stated sliding window means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowUse {
    /// Every layer sees as many positions, its own included.
    EveryLayer,
    /// Some layers do: the context ends where they would differ.
    Bound,
}

const LLAMA: Family = Family {
    name: "llama",
    model_types: &["llama", "mistral"],
    tensors: &HUGGING_FACE,
    gguf_rope: RopeStyle::AdjacentPairs,
    positions: Positions::Rotary,
    norm: Norm::Rms,
    mlp: MlpKind::Gated,
    activation: Activation::Silu,
    biases: Biases::Optional,
    qk_norm: false,
    scaled_embedding: false,
    window: WindowUse::EveryLayer,
    normalised_experts: true,
};

/// The families known.
pub static FAMILIES: &[Family] = &[
    // CodeLlama, DeepSeek-Coder v1, Seed-Coder, Zeta, Mellum, Codestral, Granite Code 3B and 8B (with biases), ember.
    LLAMA,
    // Devstral 2, Devstral Small 2, Ministral 3: YaRN, and queries that grow with their position.
    Family { name: "mistral3", model_types: &["ministral3"], ..LLAMA },
    // Qwen2.5-Coder, sweep-next-edit.
    Family {
        name: "qwen2",
        model_types: &["qwen2"],
        gguf_rope: RopeStyle::HalfSplit,
        biases: Biases::Qkv,
        window: WindowUse::Bound,
        ..LLAMA
    },
    Family {
        name: "qwen3",
        model_types: &["qwen3"],
        gguf_rope: RopeStyle::HalfSplit,
        qk_norm: true,
        window: WindowUse::Bound,
        ..LLAMA
    },
    // Qwen3-Coder-30B-A3B.
    Family {
        name: "qwen3moe",
        model_types: &["qwen3_moe"],
        gguf_rope: RopeStyle::HalfSplit,
        mlp: MlpKind::Experts,
        qk_norm: true,
        window: WindowUse::Bound,
        ..LLAMA
    },
    // DeepSeek's first mixture of experts (arXiv 2401.06066): shared experts, and blocks without any at the beginning. DeepSeek-Coder v1 is llama.
    Family { name: "deepseek", model_types: &["deepseek"], mlp: MlpKind::Experts, normalised_experts: false, ..LLAMA },
    Family {
        name: "starcoder2",
        model_types: &["starcoder2"],
        tensors: &STARCODER2,
        gguf_rope: RopeStyle::HalfSplit,
        norm: Norm::Layer,
        mlp: MlpKind::Plain,
        activation: Activation::GeluTanh,
        biases: Biases::All,
        ..LLAMA
    },
    // StarCoder, Granite Code 20B and 34B: one key head, learned positions, Q, K and V in one matrix.
    Family {
        name: "starcoder",
        model_types: &["gpt_bigcode"],
        tensors: &GPT_BIGCODE,
        positions: Positions::Learned,
        norm: Norm::Layer,
        mlp: MlpKind::Plain,
        activation: Activation::GeluTanh,
        biases: Biases::All,
        ..LLAMA
    },
    // CodeGemma.
    Family {
        name: "gemma",
        model_types: &["gemma"],
        gguf_rope: RopeStyle::HalfSplit,
        norm: Norm::RmsPlusOne,
        activation: Activation::GeluTanh,
        scaled_embedding: true,
        ..LLAMA
    },
    // Granite 3: llama with four multipliers.
    Family { name: "granite", model_types: &["granite"], ..LLAMA },
];

/// The family of this name.
pub fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}
