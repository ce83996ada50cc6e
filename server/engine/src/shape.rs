//! The shapes of well-known models with random weights, so that speed and memory are measured without a download.
//!
//! All tensors of a type are cut from one piece of random bytes: the largest tensor is all that is made, whatever the model's size. A backend makes its own copy of each.

use std::{borrow::Cow, collections::BTreeMap, path::Path, sync::Arc};

use bytes::Bytes;
use rand::{RngCore as _, SeedableRng as _, rngs::SmallRng};

use crate::{
    EngineError,
    config::{Biases, DecoderConfig, Rope, Scales, family},
    decoder::{Decoder, Gated, Layer, Linear, Mlp, Norm},
    weights::{Dtype, Tensor},
};

/// A model's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What `--random-weights` calls it.
    pub name: &'static str,
    architecture: &'static str,
    hidden: usize,
    layers: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    ffn: usize,
    vocab: usize,
    tied: bool,
}

const fn shape(name: &'static str, architecture: &'static str, sizes: [usize; 7], tied: bool) -> Shape {
    let [hidden, layers, heads, kv_heads, head_dim, ffn, vocab] = sizes;
    Shape { name, architecture, hidden, layers, heads, kv_heads, head_dim, ffn, vocab, tied }
}

/// The shapes known. Sources: the models' `config.json`s; that of Devstral 2 123B from its published sizes, its vocabulary from its tokenizer's family.
pub const SHAPES: [Shape; 8] = [
    // hidden, layers, heads, key heads, head, ffn, vocabulary
    shape("spark", "llama", [256, 6, 4, 2, 64, 704, 8192], true),
    shape("ember", "llama", [512, 12, 8, 2, 64, 1408, 8192], true),
    shape("qwen2.5-coder-0.5b", "qwen2", [896, 24, 14, 2, 64, 4864, 151_936], true),
    shape("qwen2.5-coder-1.5b", "qwen2", [1536, 28, 12, 2, 128, 8960, 151_936], true),
    shape("qwen2.5-coder-7b", "qwen2", [3584, 28, 28, 4, 128, 18944, 152_064], false),
    shape("codestral-22b", "llama", [6144, 56, 48, 8, 128, 16384, 32768], false),
    shape("devstral-small-2", "mistral3", [5120, 40, 32, 8, 128, 32768, 131_072], false),
    shape("devstral-2-123b", "mistral3", [12288, 88, 96, 8, 128, 28672, 131_072], false),
];

/// The shape of this name.
pub fn of_name(name: &str) -> Result<Shape, EngineError> {
    SHAPES.into_iter().find(|shape| shape.name == name).ok_or_else(|| EngineError::Setting {
        name: "random-weights",
        expected: format!("one of {}", SHAPES.map(|shape| shape.name).join(", ")),
        found: format!("`{name}`"),
    })
}

/// How the matrices are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mix {
    /// All alike.
    All(Dtype),
    /// As llama-quantize makes Q4_K_M: a better V and down projection in half of the layers.
    Q4KM,
    /// As Mistral ships them: 8-bit floats in the blocks, bfloat16 at both ends.
    Fp8,
}

fn mix(name: &str) -> Result<Mix, EngineError> {
    const NAMES: [(&str, Mix); 10] = [
        ("f32", Mix::All(Dtype::F32)),
        ("f16", Mix::All(Dtype::F16)),
        ("bf16", Mix::All(Dtype::BF16)),
        ("fp8", Mix::Fp8),
        ("q8_0", Mix::All(Dtype::Q8_0)),
        ("q4_0", Mix::All(Dtype::Q4_0)),
        ("q4_k", Mix::All(Dtype::Q4_K)),
        ("q4_k_m", Mix::Q4KM),
        ("q5_k", Mix::All(Dtype::Q5_K)),
        ("q6_k", Mix::All(Dtype::Q6_K)),
    ];
    let found = NAMES.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, mix)| mix).ok_or_else(|| EngineError::Setting {
        name: "dtype",
        expected: format!("one of {}", NAMES.map(|(name, _)| name).join(", ")),
        found: format!("`{name}`"),
    })
}

impl Shape {
    /// A decoder of this shape with random weights. `context_length` bounds a sequence.
    pub fn decoder(&self, dtype: &str, context_length: usize) -> Result<Decoder, EngineError> {
        let mix = mix(dtype)?;
        let mut random = Random::default();
        let layers = (0..self.layers).map(|i| self.layer(i, mix, &mut random)).collect::<Vec<_>>();
        let ends = match mix {
            Mix::All(dtype) => dtype,
            Mix::Q4KM => Dtype::Q6_K,
            Mix::Fp8 => Dtype::BF16,
        };
        let embedding = random.matrix(self.vocab, self.hidden, ends);
        let output = if self.tied { embedding.clone() } else { random.copy(&embedding) };
        let d = self.head_dim;
        let Some(family) = family(self.architecture) else {
            return Err(EngineError::Stopped(format!("no family {}", self.architecture)));
        };
        let bias = self.architecture == "qwen2";
        let mut decoder = Decoder {
            config: DecoderConfig {
                family,
                vocab: self.vocab,
                hidden: self.hidden,
                layers: self.layers,
                heads: self.heads,
                kv_heads: self.kv_heads,
                head_dim: d,
                ffn: self.ffn,
                experts: None,
                context_length,
                norm_eps: 1e-6,
                rope: Rope {
                    style: family.gguf_rope,
                    frequencies: (0..d / 2).map(|i| 1e6f32.powf(-(2.0 * i as f32) / d as f32)).collect(),
                    magnitude: 1.0,
                },
                window: None,
                temperature: None,
                scales: Scales { embedding: 1.0, residual: 1.0, attention: (d as f32).sqrt().recip(), logits: 1.0 },
                biases: if bias { Biases::Qkv } else { Biases::Optional },
                tied: Some(self.tied),
                norm_without_one: false,
            },
            output: Linear { weight: output, bias: None },
            output_norm: random.norm(self.hidden),
            embedding,
            layers,
            positions: None,
            parameters: 0,
            bytes: 0,
        };
        let counted = decoder.matrices().map(|it| (it.elements() as u64, it.bytes.len() as u64));
        (decoder.parameters, decoder.bytes) = counted.fold((0, 0), |(n, bytes), it| (n + it.0, bytes + it.1));
        Ok(decoder)
    }

    fn layer(&self, i: usize, mix: Mix, random: &mut Random) -> Layer {
        let more = i < self.layers / 8 || i >= 7 * self.layers / 8 || (i - self.layers / 8) % 3 == 2;
        let mut linear = |rows: usize, columns: usize, better: bool, biased: bool| {
            let dtype = match mix {
                Mix::All(dtype) => dtype,
                Mix::Q4KM if better && more => Dtype::Q6_K,
                Mix::Q4KM => Dtype::Q4_K,
                Mix::Fp8 => Dtype::F8E4M3,
            };
            let bias = (biased && self.architecture == "qwen2").then(|| random.floats(rows, 0.01));
            Linear { weight: random.matrix(rows, columns, dtype), bias }
        };
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let (attn_q, attn_k) = (linear(q, self.hidden, false, true), linear(kv, self.hidden, false, true));
        let (attn_v, attn_output) = (linear(kv, self.hidden, true, true), linear(self.hidden, q, false, false));
        let (gate, up) = (linear(self.ffn, self.hidden, false, false), linear(self.ffn, self.hidden, false, false));
        let down = linear(self.hidden, self.ffn, true, false);
        Layer {
            attn_norm: random.norm(self.hidden),
            attn_q,
            attn_k,
            attn_v,
            attn_q_norm: None,
            attn_k_norm: None,
            attn_output,
            ffn_norm: random.norm(self.hidden),
            mlp: Mlp::Gated(Gated { gate, up, down }),
        }
    }
}

/// Where tensors are cut from.
#[derive(Default)]
struct Random {
    /// By name of the type.
    pieces: BTreeMap<String, Bytes>,
}

impl Random {
    /// Falls back, as llama-quantize does, where blocks do not divide the columns.
    fn matrix(&mut self, rows: usize, columns: usize, dtype: Dtype) -> Tensor {
        let dtype = match dtype {
            Dtype::Q6_K if !columns.is_multiple_of(256) => Dtype::Q8_0,
            Dtype::Q4_K | Dtype::Q5_K if !columns.is_multiple_of(256) => Dtype::Q5_0,
            dtype => dtype,
        };
        let size = dtype.size_of(&[rows, columns]).unwrap_or(0);
        let piece = self.pieces.entry(dtype.to_string()).or_default();
        if piece.len() < size {
            *piece = weights(dtype, size).into();
        }
        let scale = if dtype == Dtype::F8E4M3 { 1.0 / 4096.0 } else { 1.0 };
        tensor(dtype, vec![rows, columns], piece.slice(..size), scale)
    }

    /// Another tensor of this shape, in bytes of its own.
    fn copy(&mut self, of: &Tensor) -> Tensor {
        Tensor { bytes: Bytes::copy_from_slice(&of.bytes), ..of.clone() }
    }

    fn norm(&self, width: usize) -> Norm {
        Norm { weight: self.floats(width, 1.0), bias: None }
    }

    fn floats(&self, width: usize, value: f32) -> Tensor {
        tensor(Dtype::F32, vec![width], value.to_le_bytes().repeat(width).into(), 1.0)
    }
}

fn tensor(dtype: Dtype, shape: Vec<usize>, bytes: Bytes, scale: f32) -> Tensor {
    let file: Arc<Path> = Path::new("random weights").into();
    // As large as what a norm gives.
    let input_scale = (dtype == Dtype::F8E4M3).then_some(1.0 / 64.0);
    Tensor { name: "random".into(), file, shape, dtype, bytes, scale, input_scale, blocks: None }
}

/// Blocks whose weights are any, with scales that keep sums of some thousands of them within bounds.
fn weights(dtype: Dtype, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    SmallRng::seed_from_u64(size as u64).fill_bytes(&mut bytes);
    // 2^-12 as f16, and the places of such scales in a block.
    let scale = 0x0c00u16.to_le_bytes();
    let places: Cow<'_, [usize]> = match dtype {
        Dtype::Q8_0 | Dtype::Q4_0 | Dtype::Q5_0 => [0].as_slice().into(),
        Dtype::Q4_K | Dtype::Q5_K => [0, 2].as_slice().into(),
        Dtype::Q6_K => [208].as_slice().into(),
        _ => [].as_slice().into(),
    };
    for block in bytes.chunks_exact_mut(dtype.block_bytes()) {
        for &at in &*places {
            block[at..at + 2].copy_from_slice(&scale);
        }
        match dtype {
            // Sign and mantissa stay any; the exponent makes 2^-6 to 2^-5.
            Dtype::F32 => (block[2], block[3]) = (block[2] | 0x80, block[3] & 0x80 | 0x3c),
            Dtype::BF16 => (block[0], block[1]) = (block[0] | 0x80, block[1] & 0x80 | 0x3c),
            Dtype::F16 => block[1] = block[1] & 0x83 | 0x24,
            // No NaN.
            Dtype::F8E4M3 => block[0] &= 0xf7,
            _ => {}
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::backend::{Backend as _, Logits, cpu::Cpu};
    use pilotlight_kernels::cpu::KvDtype;

    #[test]
    fn shapes_have_the_parameters_of_their_models() {
        for (name, billions) in
            [("qwen2.5-coder-0.5b", 0.494), ("qwen2.5-coder-1.5b", 1.544), ("qwen2.5-coder-7b", 7.616)]
        {
            let shape = of_name(name).unwrap();
            let (q, kv) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
            let layer = shape.hidden * (2 * q + 2 * kv + 3 * shape.ffn);
            let ends = shape.vocab * shape.hidden * if shape.tied { 1 } else { 2 };
            let all = (shape.layers * layer + ends) as f64 / 1e9;
            assert!((all - billions).abs() < 0.002 * billions, "{name}: {all}");
        }
        let error = of_name("gpt-5").unwrap_err().to_string();
        assert!(error.contains("codestral-22b") && error.contains("`gpt-5`"), "{error}");
    }

    #[test]
    fn random_weights_compute_finite_logits_in_every_dtype() {
        for dtype in ["f32", "f16", "bf16", "fp8", "q8_0", "q4_0", "q4_k", "q4_k_m", "q5_k", "q6_k"] {
            let decoder = of_name("spark").unwrap().decoder(dtype, 128).unwrap();
            let mut cpu = Cpu::new(&decoder, 128, 4, 1, KvDtype::F16).unwrap();
            let logits = cpu.forward(&[0, 1], 0, &[1, 2, 3], Logits::Last).unwrap();
            assert!(logits.iter().all(|x| x.is_finite()), "{dtype}");
            assert!(logits.iter().any(|x| *x != logits[0]), "{dtype}: all alike");
        }
        assert!(of_name("spark").unwrap().decoder("q3_k", 128).unwrap_err().to_string().contains("q4_k_m"));
    }
}
