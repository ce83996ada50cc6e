//! The resident CPU path: quantised weights in tiles, fused steps, buffers made once. A decode step allocates nothing.
//!
//! Weights stay as they are stored; what goes into a product with quantised ones is quantised to 8 bits in blocks of 32 first, so logits
//! differ from the reference by that rounding. A token's logits never depend on how many tokens were computed with it, nor on the
//! number of threads or the instruction set: prefill, verification and decoding agree to the bit.
//!
//! Shapes in comments: `t` tokens of a pass, at most [`PASS`].

use std::sync::Arc;

use pilotlight_kernels::cpu::{
    Activations, AttentionShape, Buffer, KvDtype, KvLayer, Matrix, Part, Pool, Rope, RopePairs, Span, attention, gated,
    linear, rms_norm,
};

use super::{Backend, Logits, Page};
use crate::{
    EngineError,
    config::{DecoderConfig, RopeStyle},
    decoder::{self, Decoder, Linear},
    weights::{self, Dtype},
};

/// Tokens computed together at most: longer runs go in passes of this many. The weights of a pass are read once; its rows stay in the cache.
const PASS: usize = 128;

/// See the module.
pub struct Cpu {
    pool: Pool,
    config: DecoderConfig,
    context_length: usize,
    /// `[vocab, hidden]`
    embedding: Arc<Matrix>,
    layers: Vec<Layer>,
    /// `[hidden]`
    output_norm: Vec<f32>,
    /// `[vocab, hidden]`: the embedding itself where they are tied.
    output: Projection,
    kv: KvDtype,
    /// By layer.
    cache: Vec<KvLayer>,
    step: Step,
    /// `[rows, vocab]`
    logits: Vec<f32>,
}

struct Layer {
    attn_norm: Vec<f32>,
    q: Projection,
    k: Projection,
    v: Projection,
    o: Projection,
    ffn_norm: Vec<f32>,
    gate: Projection,
    up: Projection,
    down: Projection,
}

struct Projection {
    weight: Arc<Matrix>,
    bias: Option<Vec<f32>>,
}

/// The buffers of a pass.
struct Step {
    rope: Rope,
    /// `[PASS, hidden]`: the residual stream.
    x: Buffer<f32>,
    /// `[PASS, hidden]`
    normed: Activations,
    /// `[PASS, heads * head_dim]`
    q: Buffer<f32>,
    /// `[PASS, kv_heads * head_dim]`
    k: Buffer<f32>,
    /// `[PASS, kv_heads * head_dim]`
    v: Buffer<f32>,
    /// `[PASS, heads * head_dim]`
    attended: Activations,
    /// `[PASS, ffn]`
    gated: Activations,
}

impl Cpu {
    /// Whether this backend can compute the decoder; where not, why.
    pub fn supports(decoder: &Decoder) -> Result<(), String> {
        match decoder.config.head_dim {
            d if d % 16 == 0 && d <= 256 => Ok(()),
            d => Err(format!("heads of {d} elements: a multiple of 16 up to 256 is computed")),
        }
    }

    /// Repacks the weights; the mapped file is not needed afterwards. `context_length` bounds a sequence, `pages` all of them together.
    pub fn new(
        decoder: &Decoder,
        context_length: usize,
        pages: usize,
        threads: usize,
        kv: KvDtype,
    ) -> Result<Self, EngineError> {
        Self::supports(decoder).map_err(|message| EngineError::Compute { backend: "cpu", message })?;
        let c = &decoder.config;
        let embedding = Arc::new(matrix(&decoder.embedding)?);
        let tied = decoder.output.weight.bytes.as_ptr() == decoder.embedding.bytes.as_ptr();
        let output = if tied {
            Projection { weight: Arc::clone(&embedding), bias: None }
        } else {
            Projection::new(&decoder.output)?
        };
        let pairs = match c.rope.style {
            RopeStyle::AdjacentPairs => RopePairs::Adjacent,
            RopeStyle::HalfSplit => RopePairs::Halves,
        };
        let (q_width, kv_width) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let step = Step {
            rope: Rope::new(pairs, &c.rope.frequencies, c.rope.magnitude, PASS),
            x: Buffer::zeroed(PASS * c.hidden),
            normed: Activations::new(PASS, c.hidden),
            q: Buffer::zeroed(PASS * q_width),
            k: Buffer::zeroed(PASS * kv_width),
            v: Buffer::zeroed(PASS * kv_width),
            attended: Activations::new(PASS, q_width),
            gated: Activations::new(PASS, c.ffn),
        };
        Ok(Self {
            pool: Pool::new(threads),
            context_length,
            embedding,
            layers: decoder.layers.iter().map(Layer::new).collect::<Result<_, _>>()?,
            output_norm: decoder.output_norm.to_f32()?,
            output,
            kv,
            cache: (0..c.layers).map(|_| KvLayer::new(kv, c.kv_heads, c.head_dim, pages)).collect(),
            step,
            logits: vec![0.0; c.vocab],
            config: c.clone(),
        })
    }

    /// One pass: `t = tokens.len() <= PASS`. Leaves the last `wanted` rows, normed, at the start of `step.normed`; gives their number.
    fn pass(&mut self, pages: &[Page], mut position: usize, tokens: &[u32], wanted: usize) -> usize {
        let Self { pool, config: c, step: s, .. } = self;
        let (hidden, q_width, kv_width) = (c.hidden, c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let shape = AttentionShape { heads: c.heads, scale: (c.head_dim as f32).sqrt().recip() };
        let mut t = tokens.len();

        for (x, token) in s.x.chunks_exact_mut(hidden).zip(tokens) {
            self.embedding.row(pool.isa(), *token as usize, x);
        }
        s.rope.prepare(position, t);
        let last = self.layers.len() - 1;
        for (i, (layer, kv)) in self.layers.iter().zip(&mut self.cache).enumerate() {
            rms_norm(pool, &s.x[..t * hidden], t, &layer.attn_norm, c.norm_eps, &mut s.normed);
            let mut qkv = [
                layer.q.part(&mut s.q[..t * q_width]),
                layer.k.part(&mut s.k[..t * kv_width]),
                layer.v.part(&mut s.v[..t * kv_width]),
            ];
            linear(pool, &s.normed, 0, t, &mut qkv);
            for row in 0..t {
                let k = &mut s.k[row * kv_width..][..kv_width];
                s.rope.apply(row, c.head_dim, &mut s.q[row * q_width..][..q_width]);
                s.rope.apply(row, c.head_dim, k);
                kv.write(pages, position + row, k, &s.v[row * kv_width..][..kv_width]);
            }
            if i == last {
                // All that later tokens need of this pass is stored: go on with the wanted rows alone.
                let before = t - wanted.min(t);
                if before == t {
                    return 0;
                }
                s.x.copy_within(before * hidden..t * hidden, 0);
                s.q.copy_within(before * q_width..t * q_width, 0);
                position += before;
                t -= before;
            }
            let span = Span { pages, start: position, rows: t };
            attention(pool, shape, &s.q[..t * q_width], span, kv, &mut s.attended);
            linear(pool, &s.attended, 0, t, &mut [layer.o.residual(&mut s.x[..t * hidden])]);

            rms_norm(pool, &s.x[..t * hidden], t, &layer.ffn_norm, c.norm_eps, &mut s.normed);
            gated(pool, &layer.gate.weight, &layer.up.weight, &s.normed, t, &mut s.gated);
            linear(pool, &s.gated, 0, t, &mut [layer.down.residual(&mut s.x[..t * hidden])]);
        }
        rms_norm(pool, &s.x[..t * hidden], t, &self.output_norm, c.norm_eps, &mut s.normed);
        t
    }
}

impl Backend for Cpu {
    fn name(&self) -> String {
        format!("cpu ({})", self.pool.isa())
    }

    fn pages(&self) -> usize {
        self.cache.first().map_or(0, KvLayer::pages)
    }

    fn page_bytes(&self) -> usize {
        let c = &self.config;
        c.layers * KvLayer::page_bytes(self.kv, c.kv_heads, c.head_dim)
    }

    fn context_length(&self) -> usize {
        self.context_length
    }

    fn forward(
        &mut self,
        pages: &[Page],
        position: usize,
        tokens: &[u32],
        logits: Logits,
    ) -> Result<&[f32], EngineError> {
        let vocab = self.config.vocab;
        let rows = logits.rows(tokens.len());
        if self.logits.len() < rows * vocab {
            self.logits.resize(rows * vocab, 0.0);
        }
        let all = tokens.len();
        let mut given = 0;
        for (i, tokens) in tokens.chunks(PASS).enumerate() {
            // Of the last rows of all, those that are the last of this pass.
            let wanted = rows.saturating_sub(all - i * PASS - tokens.len());
            let rows = self.pass(pages, position + i * PASS, tokens, wanted);
            if rows > 0 {
                let out = &mut self.logits[given * vocab..][..rows * vocab];
                linear(&self.pool, &self.step.normed, 0, rows, &mut [self.output.part(out)]);
                given += rows;
            }
        }
        Ok(&self.logits[..rows * vocab])
    }

    fn copy(&mut self, from: Page, to: Page, length: usize) -> Result<(), EngineError> {
        self.cache.iter_mut().for_each(|layer| layer.copy(from, to, length));
        Ok(())
    }
}

impl Layer {
    fn new(layer: &decoder::Layer) -> Result<Self, EngineError> {
        Ok(Self {
            attn_norm: layer.attn_norm.to_f32()?,
            q: Projection::new(&layer.attn_q)?,
            k: Projection::new(&layer.attn_k)?,
            v: Projection::new(&layer.attn_v)?,
            o: Projection::new(&layer.attn_output)?,
            ffn_norm: layer.ffn_norm.to_f32()?,
            gate: Projection::new(&layer.ffn_gate)?,
            up: Projection::new(&layer.ffn_up)?,
            down: Projection::new(&layer.ffn_down)?,
        })
    }
}

impl Projection {
    fn new(linear: &Linear) -> Result<Self, EngineError> {
        let bias = linear.bias.as_ref().map(weights::Tensor::to_f32).transpose()?;
        Ok(Self { weight: Arc::new(matrix(&linear.weight)?), bias })
    }

    /// `out = W x + b`
    fn part<'a>(&'a self, out: &'a mut [f32]) -> Part<'a> {
        Part { weight: &self.weight, bias: self.bias.as_deref(), out, add: false }
    }

    /// `out += W x + b`
    fn residual<'a>(&'a self, out: &'a mut [f32]) -> Part<'a> {
        Part { add: true, ..self.part(out) }
    }
}

/// A stored matrix, repacked.
fn matrix(tensor: &weights::Tensor) -> Result<Matrix, EngineError> {
    use pilotlight_kernels::cpu::Dtype as Stored;
    let dtype = match tensor.dtype {
        Dtype::F32 => Stored::F32,
        Dtype::F16 => Stored::F16,
        Dtype::BF16 => Stored::BF16,
        Dtype::Q8_0 => Stored::Q8_0,
        Dtype::Q4_0 => Stored::Q4_0,
        Dtype::Q5_0 => Stored::Q5_0,
        Dtype::Q4_K => Stored::Q4_K,
        Dtype::Q5_K => Stored::Q5_K,
        Dtype::Q6_K => Stored::Q6_K,
    };
    let malformed =
        |expected: &str, found: String| EngineError::malformed(&tensor.file, &*tensor.name, expected, found);
    let [rows, columns] = tensor.shape[..] else {
        return Err(malformed("a matrix", format!("shape {:?}", tensor.shape)));
    };
    Matrix::new(dtype, rows, columns, &tensor.bytes).map_err(|e| malformed("whole rows of weights", e.to_string()))
}

#[cfg(test)]
mod tests;
