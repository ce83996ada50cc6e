//! The decoder's blocks as launches: what of a model lies on the device, what a step reads and writes besides, and the order of the ops.

use std::sync::Arc;

use pilotlight_kernels::cuda::{
    self, Attention, Choices, CudaError, Embed, ExpertScratch, Experts, HeadNorms, KvShape, Matrix, Memory, Part, Rope,
    Split, StepLayout,
};

use super::load::{Inner, Layer, Mlp, Norm, Projection};
use crate::config::{self, DecoderConfig, RopeStyle};

/// What a graph was recorded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) pages: usize,
    /// Of several sequences, a row each.
    pub(super) abreast: bool,
    pub(super) wanted: Wanted,
}

/// What is to be known of the rows after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    Nothing,
    Logits,
    /// The most likely tokens.
    Choices,
    /// Tokens drawn as is said beside the step.
    Draws,
}

impl Wanted {
    /// Whether tokens are wanted, not logits.
    pub(super) fn tokens(self) -> bool {
        matches!(self, Self::Choices | Self::Draws)
    }
}

pub(super) struct Model {
    pub(super) config: DecoderConfig,
    /// `[vocab, hidden]`
    pub(super) embedding: Arc<Matrix>,
    /// `[positions, hidden]`
    pub(super) positions: Option<Matrix>,
    pub(super) activation: cuda::Activation,
    pub(super) layers: Vec<Layer>,
    /// Scaled by what the logits are scaled by.
    pub(super) output_norm: Norm,
    /// Of the norms of the residual stream, which is kept divided by the residual scale.
    pub(super) norm_eps: f32,
    /// `[vocab, hidden]`: the embedding itself where they are tied.
    pub(super) output: Projection,
    /// `[pairs]`
    pub(super) frequencies: Option<Memory>,
}

/// What a step reads and writes besides weights.
pub(super) struct Step {
    pub(super) layout: StepLayout,
    /// Position, rows, tokens, pages.
    pub(super) about: Memory,
    /// `[PASS, hidden]` f32: the residual stream.
    pub(super) x: Memory,
    /// `[PASS, padded hidden]` bfloat16
    pub(super) normed: Memory,
    /// `[PASS, heads * head_dim]` f32
    pub(super) q: Memory,
    /// `[PASS, kv_heads * head_dim]` f32
    pub(super) k: Memory,
    /// `[PASS, kv_heads * head_dim]` f32
    pub(super) v: Memory,
    /// `[PASS, heads * head_dim]` f16
    pub(super) turned: Memory,
    /// `[PASS, padded heads * head_dim]` bfloat16
    pub(super) attended: Memory,
    /// `[PASS, padded width]` bfloat16: of a block without experts, and of what every token takes beside its experts.
    pub(super) gated: Memory,
    pub(super) shared: Memory,
    /// `[LOGIT_ROWS, vocab]` f32
    pub(super) logits: Memory,
    /// Of [`LOGIT_ROWS`] rows.
    pub(super) choices: Choices,
    pub(super) experts: Option<ExpertScratch>,
    pub(super) split: Split,
    pub(super) shape: KvShape,
    pub(super) cache: Memory,
}

impl Model {
    /// A step as it is recorded.
    pub(super) fn short(&self, step: &Step, shape: Shape) -> Result<(), CudaError> {
        self.blocks(step, shape.rows, shape.pages, shape.abreast, shape.wanted != Wanted::Nothing)?;
        if shape.wanted != Wanted::Nothing {
            self.logits(step, 0, shape.rows)?;
        }
        if shape.wanted.tokens() {
            self.choose(step, shape.wanted, shape.rows, 0)?;
        }
        Ok(())
    }

    /// The tokens after rows of logits, the first of which is the wanted row `base`.
    pub(super) fn choose(&self, s: &Step, wanted: Wanted, rows: usize, base: usize) -> Result<(), CudaError> {
        cuda::choose(&s.about, &s.logits, rows, base, &s.choices)?;
        match wanted {
            Wanted::Draws => cuda::draw(&s.about, &s.logits, rows, base, &s.choices),
            _ => Ok(()),
        }
    }

    /// Embedding and blocks. `rows` and `pages` are at least the step's. Without `whole` it ends when all that later tokens need is stored.
    pub(super) fn blocks(
        &self,
        s: &Step,
        rows: usize,
        pages: usize,
        abreast: bool,
        whole: bool,
    ) -> Result<(), CudaError> {
        let c = &self.config;
        let scale = c.scales.embedding / c.scales.residual;
        cuda::embed(
            &s.about,
            Embed { embedding: &self.embedding, positions: self.positions.as_ref(), scale },
            rows,
            &s.x,
        )?;
        let (rope, window) = (self.rope(), c.window);
        let attention = Attention { heads: c.heads, scale: c.scales.attention, window, first: 0, rows, pages, abreast };
        for (i, layer) in self.layers.iter().enumerate() {
            let kv = (s.shape, &s.cache, i);
            layer.attn_norm.apply(&s.x, 0, rows, self.norm_eps, &s.normed)?;
            cuda::round_inputs(&s.normed, rows, &layer.q.weight)?;
            cuda::linear(&s.normed, rows, &[layer.q.part(&s.q), layer.k.part(&s.k), layer.v.part(&s.v)])?;
            let norms = HeadNorms { q: layer.q_norm.as_ref(), k: layer.k_norm.as_ref(), eps: c.norm_eps };
            cuda::rope(&s.about, rows, c.heads, [&s.q, &s.k, &s.v], norms, rope, kv, &s.turned)?;
            if !whole && i + 1 == self.layers.len() {
                return Ok(());
            }
            cuda::attention(&s.about, attention, &s.turned, kv, Some(&s.split), &s.attended)?;
            cuda::round_inputs(&s.attended, rows, &layer.o.weight)?;
            cuda::linear(&s.attended, rows, &[layer.o.residual(&s.x)])?;

            layer.ffn_norm.apply(&s.x, 0, rows, self.norm_eps, &s.normed)?;
            let down = match &layer.mlp {
                Mlp::Experts { router, gate, up, down, shape, shared } => {
                    if let Some(Inner { gate, up, down }) = shared {
                        cuda::gated(&s.normed, rows, self.activation, gate.half(), Some(up.half()), &s.shared)?;
                        cuda::linear(&s.shared, rows, &[down.residual(&s.x)])?;
                    }
                    if let Some(scratch) = &s.experts {
                        let weights = Experts { router, gate, up, down };
                        cuda::experts(&s.about, &s.normed, rows, self.activation, (weights, *shape), scratch, &s.x)?;
                    }
                    continue;
                }
                Mlp::Gated(Inner { gate, up, down }) => {
                    cuda::round_inputs(&s.normed, rows, &gate.weight)?;
                    cuda::gated(&s.normed, rows, self.activation, gate.half(), Some(up.half()), &s.gated)?;
                    down
                }
                Mlp::Plain { up, down } => {
                    cuda::gated(&s.normed, rows, self.activation, up.half(), None, &s.gated)?;
                    down
                }
            };
            cuda::round_inputs(&s.gated, rows, &down.weight)?;
            cuda::linear(&s.gated, rows, &[down.residual(&s.x)])?;
        }
        Ok(())
    }

    /// How heads are turned.
    pub(super) fn rope(&self) -> Rope<'_> {
        let c = &self.config;
        Rope {
            frequencies: self.frequencies.as_ref(),
            adjacent: c.rope.style == RopeStyle::AdjacentPairs,
            magnitude: c.rope.magnitude,
            temperature: c.temperature.map(|t| (t.beta, t.original)),
        }
    }

    /// Logits of rows `first..first + rows` of the residual stream, at most [`LOGIT_ROWS`].
    pub(super) fn logits(&self, s: &Step, first: usize, rows: usize) -> Result<(), CudaError> {
        self.output_norm.apply(&s.x, first, rows, self.norm_eps, &s.normed)?;
        cuda::linear(&s.normed, rows, &[self.output.part(&s.logits)])
    }
}

impl Norm {
    fn apply(&self, x: &Memory, first: usize, rows: usize, eps: f32, out: &Memory) -> Result<(), CudaError> {
        cuda::normalise(x, first, rows, &self.weight, self.bias.as_ref(), eps, out)
    }
}

impl Projection {
    /// `out = W x + b`
    fn part<'a>(&'a self, out: &'a Memory) -> Part<'a> {
        Part { weight: &self.weight, bias: self.bias.as_ref(), out, add: false }
    }

    /// `out += W x + b`
    fn residual<'a>(&'a self, out: &'a Memory) -> Part<'a> {
        Part { add: true, ..self.part(out) }
    }

    /// As the inner half of an MLP.
    fn half(&self) -> (&Matrix, Option<&Memory>) {
        (&self.weight, self.bias.as_ref())
    }
}

/// The non-linearity's name in `kernels`.
pub(super) fn activation(c: &DecoderConfig) -> cuda::Activation {
    match c.family.activation {
        config::Activation::Silu => cuda::Activation::Silu,
        config::Activation::GeluTanh => cuda::Activation::GeluTanh,
    }
}
