//! A decoder's tensors in their places, shapes checked: what every backend is built from.

use crate::{
    EngineError,
    config::DecoderConfig,
    weights::{Tensor, Weights},
};

/// `y = W x + b`.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Option<Tensor>,
}

/// The tensors of one block.
#[derive(Clone, Debug)]
pub struct Layer {
    /// `[hidden]`, before attention.
    pub attn_norm: Tensor,
    /// hidden to `heads * head_dim`.
    pub attn_q: Linear,
    /// hidden to `kv_heads * head_dim`.
    pub attn_k: Linear,
    /// hidden to `kv_heads * head_dim`.
    pub attn_v: Linear,
    /// `heads * head_dim` to hidden.
    pub attn_output: Linear,
    /// `[hidden]`, before the MLP.
    pub ffn_norm: Tensor,
    /// hidden to ffn, through SiLU.
    pub ffn_gate: Linear,
    /// hidden to ffn.
    pub ffn_up: Linear,
    /// ffn to hidden.
    pub ffn_down: Linear,
}

/// A decoder as loaded: its shape, and its tensors as stored. `Clone` is cheap.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Its shape.
    pub config: DecoderConfig,
    /// `[vocab, hidden]`.
    pub embedding: Tensor,
    /// In order.
    pub layers: Vec<Layer>,
    /// `[hidden]`, before the output.
    pub output_norm: Tensor,
    /// hidden to vocab; the embedding itself where they are tied.
    pub output: Linear,
    /// Number of weights, tied ones once.
    pub parameters: u64,
    /// Their bytes as stored.
    pub bytes: u64,
}

impl Decoder {
    /// Puts the tensors in their places. A missing one, a wrong shape and one that has no place are errors: a model computed
    /// without one of its tensors would be silently wrong.
    pub fn new(config: DecoderConfig, weights: Weights) -> Result<Self, EngineError> {
        let (parameters, bytes) = weights
            .iter()
            .fold((0, 0), |(n, bytes), (_, tensor)| (n + tensor.elements() as u64, bytes + tensor.bytes.len() as u64));
        let c = config.clone();
        let (q_width, kv_width) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let mut places = Places(weights);

        let embedding = places.need("embedding", &[c.vocab, c.hidden])?;
        let mut layers = Vec::new();
        for i in 0..c.layers {
            let name = |part: &str| format!("layers.{i}.{part}");
            let qkv = |places: &mut Places, part, out| places.linear(&name(part), out, c.hidden, c.qkv_bias);
            layers.push(Layer {
                attn_norm: places.need(&name("attn_norm"), &[c.hidden])?,
                attn_q: qkv(&mut places, "attn_q", q_width)?,
                attn_k: qkv(&mut places, "attn_k", kv_width)?,
                attn_v: qkv(&mut places, "attn_v", kv_width)?,
                attn_output: places.linear(&name("attn_output"), c.hidden, q_width, false)?,
                ffn_norm: places.need(&name("ffn_norm"), &[c.hidden])?,
                ffn_gate: places.linear(&name("ffn_gate"), c.ffn, c.hidden, false)?,
                ffn_up: places.linear(&name("ffn_up"), c.ffn, c.hidden, false)?,
                ffn_down: places.linear(&name("ffn_down"), c.hidden, c.ffn, false)?,
            });
        }
        let output_norm = places.need("output_norm", &[c.hidden])?;
        let tied = c.tied.unwrap_or(places.0.get("output").is_none());
        let output = if tied {
            // A tied checkpoint may still carry a copy.
            places.0.take("output");
            Linear { weight: embedding.clone(), bias: None }
        } else {
            places.linear("output", c.vocab, c.hidden, false)?
        };
        if let Some((_, tensor)) = places.0.iter().next() {
            let expected = format!("no such tensor in a {} model of {} layers", c.architecture, c.layers);
            return Err(EngineError::malformed(&tensor.file, &*tensor.name, expected, "one"));
        }
        Ok(Self { config, embedding, layers, output_norm, output, parameters, bytes })
    }
}

/// The tensors that have no place yet.
struct Places(Weights);

impl Places {
    fn need(&mut self, canonical: &str, shape: &[usize]) -> Result<Tensor, EngineError> {
        self.optional(canonical, shape)?
            .ok_or_else(|| self.0.missing(canonical, &format!("a tensor of shape {shape:?}")))
    }

    fn optional(&mut self, canonical: &str, shape: &[usize]) -> Result<Option<Tensor>, EngineError> {
        match self.0.take(canonical) {
            Some(tensor) if tensor.shape != shape => {
                let (expected, found) = (format!("shape {shape:?}"), format!("shape {:?}", tensor.shape));
                Err(EngineError::malformed(&tensor.file, &*tensor.name, expected, found))
            }
            found => Ok(found),
        }
    }

    fn linear(&mut self, canonical: &str, out: usize, input: usize, bias: bool) -> Result<Linear, EngineError> {
        let weight = self.need(canonical, &[out, input])?;
        let bias_name = format!("{canonical}_bias");
        let bias = if bias { Some(self.need(&bias_name, &[out])?) } else { self.optional(&bias_name, &[out])? };
        Ok(Linear { weight, bias })
    }
}
