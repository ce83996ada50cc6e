//! A decoder's tensors in their places, shapes checked: what every backend is built from.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    EngineError,
    config::{Biases, DecoderConfig, Experts, MlpKind, Norm as NormKind, Positions},
    weights::{Dtype, Tensor, Weights},
};

/// `y = W x + b`.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Option<Tensor>,
}

/// A normalisation's tensors.
#[derive(Clone, Debug)]
pub struct Norm {
    /// `[width]`; what is multiplied with, the 1 of Gemma's norms included.
    pub weight: Tensor,
    /// `[width]`.
    pub bias: Option<Tensor>,
}

/// `down(act(gate(x)) * up(x))`.
#[derive(Clone, Debug)]
pub struct Gated {
    /// hidden to ffn, through the activation.
    pub gate: Linear,
    /// hidden to ffn.
    pub up: Linear,
    /// ffn to hidden.
    pub down: Linear,
}

/// The MLP of a block. One a layer: nothing is gained where its variants are of one size.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Mlp {
    /// Three matrices.
    Gated(Gated),
    /// `down(act(up(x)))`.
    Plain {
        /// hidden to ffn.
        up: Linear,
        /// ffn to hidden.
        down: Linear,
    },
    /// Many gated ones.
    Experts {
        /// hidden to the number of experts.
        router: Linear,
        /// By number.
        experts: Vec<Gated>,
        /// Computes every token, whatever the router says.
        shared: Option<Gated>,
        /// How many there are, and are used.
        shape: Experts,
    },
}

/// The tensors of one block.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Before attention.
    pub attn_norm: Norm,
    /// hidden to `heads * head_dim`.
    pub attn_q: Linear,
    /// hidden to `kv_heads * head_dim`.
    pub attn_k: Linear,
    /// hidden to `kv_heads * head_dim`.
    pub attn_v: Linear,
    /// `[head_dim]`, of each query head.
    pub attn_q_norm: Option<Tensor>,
    /// `[head_dim]`, of each key head.
    pub attn_k_norm: Option<Tensor>,
    /// `heads * head_dim` to hidden.
    pub attn_output: Linear,
    /// Before the MLP.
    pub ffn_norm: Norm,
    /// hidden to hidden.
    pub mlp: Mlp,
}

/// A decoder as loaded: its shape, and its tensors as stored. `Clone` is cheap.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Its shape.
    pub config: DecoderConfig,
    /// `[vocab, hidden]`.
    pub embedding: Tensor,
    /// `[positions, hidden]`, where positions are learned.
    pub positions: Option<Tensor>,
    /// In order.
    pub layers: Vec<Layer>,
    /// Before the output.
    pub output_norm: Norm,
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
        let mut places = Places { weights, config: &config };

        let embedding = places.need("embedding", &[config.vocab, config.hidden])?;
        let positions = match config.family.positions {
            Positions::Rotary => None,
            Positions::Learned => Some(places.need("positions", &[config.context_length, config.hidden])?),
        };
        let layers = (0..config.layers).map(|i| places.layer(i)).collect::<Result<_, _>>()?;
        let output_norm = places.norm("output_norm")?;
        let tied = config.tied.unwrap_or(places.weights.get("output").is_none());
        let output = if tied {
            // A tied checkpoint may still carry a copy.
            places.weights.take("output");
            Linear { weight: embedding.clone(), bias: None }
        } else {
            let mut output = places.linear("output", config.vocab, config.hidden, false)?;
            keep_inputs(&mut output);
            output
        };
        if let Some((_, tensor)) = places.weights.iter().next() {
            let expected = format!("no such tensor in a {} model of {} layers", config.family.name, config.layers);
            return Err(EngineError::malformed(&tensor.file, &*tensor.name, expected, "one"));
        }
        Ok(Self { embedding, positions, layers, output_norm, output, parameters, bytes, config })
    }

    /// All matrices but those of experts, tied ones once.
    pub(crate) fn matrices(&self) -> impl Iterator<Item = &Tensor> {
        let layers = self.layers.iter().flat_map(|layer| {
            let mlp = match &layer.mlp {
                Mlp::Gated(gated) => vec![&gated.gate, &gated.up, &gated.down],
                Mlp::Plain { up, down } => vec![up, down],
                Mlp::Experts { router, shared, .. } => {
                    [router].into_iter().chain(shared.iter().flat_map(|s| [&s.gate, &s.up, &s.down])).collect()
                }
            };
            let all = [&layer.attn_q, &layer.attn_k, &layer.attn_v, &layer.attn_output].into_iter().chain(mlp);
            all.map(|linear| &linear.weight)
        });
        let output = (!self.is_tied()).then_some(&self.output.weight);
        layers.chain([&self.embedding]).chain(output).chain(&self.positions)
    }

    /// Whether logits are made with the embedding's matrix.
    pub(crate) fn is_tied(&self) -> bool {
        self.output.weight.bytes.as_ptr() == self.embedding.bytes.as_ptr()
    }

    /// The matrices of experts.
    pub(crate) fn experts(&self) -> impl Iterator<Item = &Tensor> {
        let experts = self.layers.iter().filter_map(|layer| match &layer.mlp {
            Mlp::Experts { experts, .. } => Some(experts),
            _ => None,
        });
        experts.flatten().flat_map(|expert| [&expert.gate.weight, &expert.up.weight, &expert.down.weight])
    }
}

impl Decoder {
    /// Whether inputs of products are to be rounded to 8-bit floats.
    pub fn rounds_inputs(&self) -> bool {
        self.layers.iter().any(|layer| layer.attn_q.weight.input_scale.is_some())
    }

    /// The same, with inputs that nobody rounds.
    pub fn without_input_scales(&self) -> Self {
        let mut decoder = self.clone();
        for layer in &mut decoder.layers {
            let Layer { attn_q, attn_k, attn_v, attn_output, mlp, .. } = layer;
            [attn_q, attn_k, attn_v, attn_output].into_iter().for_each(keep_inputs);
            if let Mlp::Gated(gated) = mlp {
                gated.all().into_iter().for_each(keep_inputs);
            }
        }
        decoder
    }
}

impl Gated {
    fn all(&mut self) -> [&mut Linear; 3] {
        [&mut self.gate, &mut self.up, &mut self.down]
    }
}

/// The tensors that have no place yet.
struct Places<'a> {
    weights: Weights,
    config: &'a DecoderConfig,
}

impl Places<'_> {
    fn layer(&mut self, number: usize) -> Result<Layer, EngineError> {
        let (c, at) = (self.config, &*format!("layers.{number}."));
        let name = |part: &str| format!("{at}{part}");
        let (q_width, kv_width) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let attn_norm = self.norm(&name("attn_norm"))?;
        let [mut attn_q, mut attn_k, mut attn_v] = if self.weights.get(&name("attn_qkv")).is_some() {
            let fused =
                self.linear(&name("attn_qkv"), q_width + 2 * kv_width, c.hidden, c.biases != Biases::Optional)?;
            [(0, q_width), (q_width, kv_width), (q_width + kv_width, kv_width)].map(|(from, n)| fused.rows(from, n))
        } else {
            let must = c.biases != Biases::Optional;
            [
                self.linear(&name("attn_q"), q_width, c.hidden, must)?,
                self.linear(&name("attn_k"), kv_width, c.hidden, must)?,
                self.linear(&name("attn_v"), kv_width, c.hidden, must)?,
            ]
        };
        let mut head_norm = |part: &str| match c.family.qk_norm {
            true => self.need(&name(part), &[c.head_dim]).map(Some),
            false => Ok(None),
        };
        let (attn_q_norm, attn_k_norm) = (head_norm("attn_q_norm")?, head_norm("attn_k_norm")?);
        share_inputs(&mut [&mut attn_q, &mut attn_k, &mut attn_v]);
        let all = c.biases == Biases::All;
        Ok(Layer {
            attn_norm,
            attn_q,
            attn_k,
            attn_v,
            attn_q_norm,
            attn_k_norm,
            attn_output: self.linear(&name("attn_output"), c.hidden, q_width, all)?,
            ffn_norm: self.norm(&name("ffn_norm"))?,
            mlp: match c.family.mlp {
                MlpKind::Gated => Mlp::Gated(self.gated(at, "", c.ffn)?),
                MlpKind::Plain => {
                    let mut up = self.linear(&name("ffn_up"), c.ffn, c.hidden, all)?;
                    let mut down = self.linear(&name("ffn_down"), c.hidden, c.ffn, all)?;
                    [&mut up, &mut down].into_iter().for_each(keep_inputs);
                    Mlp::Plain { up, down }
                }
                MlpKind::Experts => self.experts(number, at)?,
            },
        })
    }

    /// `kind` ends its tensors' names.
    fn gated(&mut self, at: &str, kind: &str, width: usize) -> Result<Gated, EngineError> {
        let c = self.config;
        let all = c.biases == Biases::All;
        let mut gate = self.linear(&format!("{at}ffn_gate{kind}"), width, c.hidden, all)?;
        let mut up = self.linear(&format!("{at}ffn_up{kind}"), width, c.hidden, all)?;
        share_inputs(&mut [&mut gate, &mut up]);
        Ok(Gated { gate, up, down: self.linear(&format!("{at}ffn_down{kind}"), c.hidden, width, all)? })
    }

    /// From one tensor for all experts (GGUF), or one for each.
    fn experts(&mut self, number: usize, at: &str) -> Result<Mlp, EngineError> {
        let c = self.config;
        let Some(shape) = c.experts else {
            return Err(self.weights.missing(&format!("{at}router"), "a number of experts"));
        };
        if number < shape.leading {
            return Ok(Mlp::Gated(self.gated(at, "", shape.leading_ffn)?));
        }
        let count = shape.count;
        let mut router = self.linear(&format!("{at}router"), count, c.hidden, false)?;
        keep_inputs(&mut router);
        let kept = |mut gated: Gated| {
            gated.all().into_iter().for_each(keep_inputs);
            gated
        };
        let shared = (shape.shared > 0).then(|| self.gated(at, "_shared", shape.shared)).transpose()?.map(kept);
        if self.weights.get(&format!("{at}ffn_gate_exps")).is_none() {
            let each = (0..count).map(|i| self.gated(&format!("{at}experts.{i}."), "", c.ffn).map(kept));
            return Ok(Mlp::Experts { router, experts: each.collect::<Result<_, _>>()?, shared, shape });
        }
        let gate = self.need(&format!("{at}ffn_gate_exps"), &[count, c.ffn, c.hidden])?;
        let up = self.need(&format!("{at}ffn_up_exps"), &[count, c.ffn, c.hidden])?;
        let down = self.need(&format!("{at}ffn_down_exps"), &[count, c.hidden, c.ffn])?;
        let part = |tensor: &Tensor, i: usize| {
            let size = tensor.bytes.len() / count;
            let bytes = tensor.bytes.slice(i * size..(i + 1) * size);
            Linear { weight: Tensor { shape: tensor.shape[1..].to_vec(), bytes, ..tensor.clone() }, bias: None }
        };
        let expert = |i| Gated { gate: part(&gate, i), up: part(&up, i), down: part(&down, i) };
        Ok(Mlp::Experts { router, experts: (0..count).map(expert).collect(), shared, shape })
    }

    fn norm(&mut self, canonical: &str) -> Result<Norm, EngineError> {
        let shape = [self.config.hidden];
        let mut weight = self.need(canonical, &shape)?;
        if self.config.norm_without_one {
            let sums = weight.to_f32()?.into_iter().flat_map(|x| (1.0 + x).to_le_bytes());
            weight = Tensor {
                dtype: Dtype::F32,
                bytes: Bytes::from_iter(sums),
                scale: 1.0,
                input_scale: None,
                blocks: None,
                ..weight
            };
        }
        let bias = match self.config.family.norm {
            NormKind::Layer => Some(self.need(&format!("{canonical}_bias"), &shape)?),
            NormKind::Rms | NormKind::RmsPlusOne => None,
        };
        Ok(Norm { weight, bias })
    }

    fn need(&mut self, canonical: &str, shape: &[usize]) -> Result<Tensor, EngineError> {
        self.optional(canonical, shape)?
            .ok_or_else(|| self.weights.missing(canonical, &format!("a tensor of shape {shape:?}")))
    }

    fn optional(&mut self, canonical: &str, shape: &[usize]) -> Result<Option<Tensor>, EngineError> {
        match self.weights.take(canonical) {
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

/// Inputs are rounded for attention and gated MLPs alone, which are nearly all of a model that prescribes it.
fn keep_inputs(linear: &mut Linear) {
    linear.weight.input_scale = None;
}

/// Matrices of one input round it by one scale: the greatest, by which nothing is cut off that the file's own would keep. Where one of them has none it is not rounded for any.
fn share_inputs(linears: &mut [&mut Linear]) {
    let scales = linears.iter().map(|linear| linear.weight.input_scale);
    let shared = scales.reduce(|a, b| Some(a?.max(b?))).flatten();
    linears.iter_mut().for_each(|linear| linear.weight.input_scale = shared);
}

impl Linear {
    /// `count` outputs from `from` on: rows are whole blocks, so they can be cut anywhere between.
    fn rows(&self, from: usize, count: usize) -> Self {
        let cut = |tensor: &Tensor| {
            let row = tensor.bytes.len() / tensor.shape[0];
            let shape = [&[count], &tensor.shape[1..]].concat();
            let name: Arc<str> = format!("{}[{from}..{}]", tensor.name, from + count).into();
            let mut blocks = tensor.blocks.clone();
            blocks.iter_mut().for_each(|blocks| blocks.first_row += from);
            Tensor {
                name,
                shape,
                bytes: tensor.bytes.slice(from * row..(from + count) * row),
                blocks,
                ..tensor.clone()
            }
        };
        Self { weight: cut(&self.weight), bias: self.bias.as_ref().map(cut) }
    }
}
