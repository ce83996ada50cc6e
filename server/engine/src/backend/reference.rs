//! The oracle: the decoder in candle tensors, f32 throughout, written to be read. The other backends are tested against it, and it
//! against transformers.
//!
//! Weights are dequantised at load: 4 bytes for each. Shapes in comments: `t` tokens, `n` positions in the cache.

use candle_core::{D, DType, Device, Result, Tensor};

use super::{Backend, Logits, PAGE, Page};
use crate::{
    EngineError,
    config::{DecoderConfig, Rope, RopeStyle},
    decoder::{Decoder, Layer, Linear},
    weights,
};

/// See the module.
pub struct Reference {
    model: Model,
    /// candle's matrix products run in the rayon pool that they are called from.
    threads: rayon::ThreadPool,
}

struct Model {
    config: DecoderConfig,
    /// `[vocab, hidden]`.
    embedding: Tensor,
    blocks: Vec<Block>,
    output_norm: Tensor,
    output: Projection,
    context_length: usize,
    /// By layer.
    cache: Vec<KeyValues>,
    pages: usize,
    /// What the last step gave.
    logits: Vec<f32>,
}

struct Block {
    attn_norm: Tensor,
    q: Projection,
    k: Projection,
    v: Projection,
    o: Projection,
    ffn_norm: Tensor,
    gate: Projection,
    up: Projection,
    down: Projection,
}

impl Reference {
    /// Dequantises the weights. `context_length` bounds a sequence, `pages` all of them together, `threads` the matrix products.
    pub fn new(
        decoder: &Decoder,
        context_length: usize,
        pages: usize,
        threads: usize,
    ) -> std::result::Result<Self, EngineError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("reference-{i}"));
        let c = &decoder.config;
        let layer = |_| KeyValues::new(pages, c.kv_heads, c.head_dim).map_err(|e| compute(e.to_string()));
        let model = Model {
            embedding: dense(&decoder.embedding)?,
            blocks: decoder.layers.iter().map(Block::new).collect::<std::result::Result<_, _>>()?,
            output_norm: dense(&decoder.output_norm)?,
            output: Projection::new(&decoder.output)?,
            context_length,
            cache: (0..c.layers).map(layer).collect::<std::result::Result<_, _>>()?,
            pages,
            logits: Vec::new(),
            config: decoder.config.clone(),
        };
        Ok(Self { model, threads: pool.build().map_err(|e| compute(e.to_string()))? })
    }
}

impl Model {
    fn step(&mut self, pages: &[Page], position: usize, tokens: &[u32], logits: Logits) -> Result<()> {
        let c = &self.config;
        let t = tokens.len();
        let rotation = Rotation::new(&c.rope, position, t)?;
        let mask = causal_mask(position, t)?;
        let rows = rows(pages, position + t);

        let mut x = self.embedding.index_select(&Tensor::new(tokens, &Device::Cpu)?, 0)?; // [t, hidden]
        for (block, cache) in self.blocks.iter().zip(&self.cache) {
            let h = rms_norm(&x, &block.attn_norm, c.norm_eps)?;
            x = (x + block.attention(c, &h, &rotation, &mask, cache, &rows)?)?;
            let h = rms_norm(&x, &block.ffn_norm, c.norm_eps)?;
            x = (x + block.mlp(&h)?)?;
        }
        let wanted = logits.rows(t);
        if wanted == 0 {
            self.logits.clear();
            return Ok(());
        }
        let x = x.narrow(0, t - wanted, wanted)?;
        let x = rms_norm(&x, &self.output_norm, c.norm_eps)?;
        self.logits = self.output.forward(&x)?.flatten_all()?.to_vec1()?;
        Ok(())
    }
}

impl Backend for Reference {
    fn name(&self) -> String {
        "reference".into()
    }

    fn pages(&self) -> usize {
        self.model.pages
    }

    fn page_bytes(&self) -> usize {
        let c = &self.model.config;
        c.layers * 2 * PAGE * c.kv_heads * c.head_dim * size_of::<f32>()
    }

    fn context_length(&self) -> usize {
        self.model.context_length
    }

    fn forward(
        &mut self,
        pages: &[Page],
        position: usize,
        tokens: &[u32],
        logits: Logits,
    ) -> std::result::Result<&[f32], EngineError> {
        let Self { model, threads } = self;
        threads.install(|| model.step(pages, position, tokens, logits)).map_err(|e| compute(e.to_string()))?;
        Ok(&model.logits)
    }

    fn copy(&mut self, from: Page, to: Page, length: usize) -> std::result::Result<(), EngineError> {
        let copied = self.model.cache.iter().try_for_each(|layer| layer.copy(from, to, length));
        copied.map_err(|e| compute(e.to_string()))
    }
}

impl Block {
    fn new(layer: &Layer) -> std::result::Result<Self, EngineError> {
        Ok(Self {
            attn_norm: dense(&layer.attn_norm)?,
            q: Projection::new(&layer.attn_q)?,
            k: Projection::new(&layer.attn_k)?,
            v: Projection::new(&layer.attn_v)?,
            o: Projection::new(&layer.attn_output)?,
            ffn_norm: dense(&layer.ffn_norm)?,
            gate: Projection::new(&layer.ffn_gate)?,
            up: Projection::new(&layer.ffn_up)?,
            down: Projection::new(&layer.ffn_down)?,
        })
    }

    /// Grouped-query attention. `h`: `[t, hidden]` to the same.
    fn attention(
        &self,
        c: &DecoderConfig,
        h: &Tensor,
        rotation: &Rotation,
        mask: &Tensor,
        cache: &KeyValues,
        rows: &[u32],
    ) -> Result<Tensor> {
        let t = h.dim(0)?;
        let heads = |x: Tensor, n: usize| x.reshape((t, n, c.head_dim));
        let q = rotation.apply(&heads(self.q.forward(h)?, c.heads)?)?;
        let k = rotation.apply(&heads(self.k.forward(h)?, c.kv_heads)?)?;
        let v = heads(self.v.forward(h)?, c.kv_heads)?;

        let by_head = |x: Tensor| x.transpose(0, 1)?.contiguous();
        let (k, v) = cache.append(rows, &k, &v)?; // [n, kv_heads, head_dim]
        let (k, v) = (by_head(k)?, by_head(v)?);
        let n = rows.len();

        // The query heads of a group share one key head: stack them as rows.
        let group = c.heads / c.kv_heads;
        let q = by_head(q)?.reshape((c.kv_heads, group * t, c.head_dim))?;
        let scores = (q.matmul(&k.transpose(1, 2)?)? * (c.head_dim as f64).powf(-0.5))?;
        let scores = scores.reshape((c.kv_heads, group, t, n))?.broadcast_add(mask)?;
        let weights = softmax(&scores)?.reshape((c.kv_heads, group * t, n))?;
        let out = weights.matmul(&v)?.reshape((c.heads, t, c.head_dim))?;
        self.o.forward(&out.transpose(0, 1)?.reshape((t, c.heads * c.head_dim))?)
    }

    /// SwiGLU. `h`: `[t, hidden]` to the same.
    fn mlp(&self, h: &Tensor) -> Result<Tensor> {
        self.down.forward(&(self.gate.forward(h)?.silu()? * self.up.forward(h)?)?)
    }
}

/// A linear layer, dequantised.
struct Projection {
    /// `[in, out]`, a transposed view.
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Projection {
    fn new(linear: &Linear) -> std::result::Result<Self, EngineError> {
        let weight = dense(&linear.weight)?.t().map_err(|e| compute(e.to_string()))?;
        Ok(Self { weight, bias: linear.bias.as_ref().map(dense).transpose()? })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = x.matmul(&self.weight)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

/// The keys and values of one layer, all pages one after another: `[pages * PAGE, kv_heads, head_dim]` each.
struct KeyValues {
    keys: Tensor,
    values: Tensor,
}

/// Where the first `n` positions of a sequence with these pages lie.
fn rows(pages: &[Page], n: usize) -> Vec<u32> {
    (0..n).map(|position| pages[position / PAGE] * PAGE as u32 + (position % PAGE) as u32).collect()
}

impl KeyValues {
    fn new(pages: usize, kv_heads: usize, head_dim: usize) -> Result<Self> {
        let zeros = || Tensor::zeros((pages * PAGE, kv_heads, head_dim), DType::F32, &Device::Cpu);
        Ok(Self { keys: zeros()?, values: zeros()? })
    }

    /// Stores `k` and `v`, `[t, kv_heads, head_dim]`, at the last `t` of a sequence's `rows`; gives what lies at all of these.
    fn append(&self, rows: &[u32], k: &Tensor, v: &Tensor) -> Result<(Tensor, Tensor)> {
        let old = rows.len() - k.dim(0)?;
        for (i, &row) in rows[old..].iter().enumerate() {
            self.keys.slice_set(&k.narrow(0, i, 1)?.contiguous()?, 0, row as usize)?;
            self.values.slice_set(&v.narrow(0, i, 1)?.contiguous()?, 0, row as usize)?;
        }
        let rows = Tensor::new(rows, &Device::Cpu)?;
        Ok((self.keys.index_select(&rows, 0)?, self.values.index_select(&rows, 0)?))
    }

    /// Copies the first `length` positions of a page to another.
    fn copy(&self, from: Page, to: Page, length: usize) -> Result<()> {
        for all in [&self.keys, &self.values] {
            let rows = all.narrow(0, from as usize * PAGE, length)?.force_contiguous()?;
            all.slice_set(&rows, 0, to as usize * PAGE)?;
        }
        Ok(())
    }
}

/// cos and sin for a run of positions, `[t, 1, pairs]` each.
struct Rotation {
    style: RopeStyle,
    cos: Tensor,
    sin: Tensor,
}

impl Rotation {
    fn new(rope: &Rope, position: usize, t: usize) -> Result<Self> {
        let (cos, sin): (Vec<f32>, Vec<f32>) = (position..position + t).flat_map(|p| rope.at(p)).unzip();
        let shape = (t, 1, rope.frequencies.len());
        let tensor = |x| Tensor::from_vec(x, shape, &Device::Cpu);
        Ok(Self { style: rope.style, cos: tensor(cos)?, sin: tensor(sin)? })
    }

    /// `x`: `[t, heads, head_dim]` to the same.
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let (t, heads, head_dim) = x.dims3()?;
        let pairs = self.cos.dim(2)?;
        let rotated = x.narrow(2, 0, 2 * pairs)?;
        // The dimension along which the two elements of a pair lie side by side.
        let (paired, side) = match self.style {
            RopeStyle::AdjacentPairs => (rotated.reshape((t, heads, pairs, 2))?, 3),
            RopeStyle::HalfSplit => (rotated.reshape((t, heads, 2, pairs))?, 2),
        };
        let element = |i| paired.narrow(side, i, 1)?.squeeze(side);
        let (a, b) = (element(0)?, element(1)?);
        let turn = |x: &Tensor, y: &Tensor| x.broadcast_mul(&self.cos)? + y.broadcast_mul(&self.sin)?;
        let (a, b) = (turn(&a, &b.neg()?)?, turn(&b, &a)?);
        let rotated = Tensor::stack(&[a, b], side)?.reshape((t, heads, 2 * pairs))?;
        match head_dim - 2 * pairs {
            0 => Ok(rotated),
            rest => Tensor::cat(&[rotated, x.narrow(2, 2 * pairs, rest)?], 2),
        }
    }
}

/// `[t, position + t]`: 0 where a token may look, minus infinity where it may not.
fn causal_mask(position: usize, t: usize) -> Result<Tensor> {
    let n = position + t;
    let mask = (0..t).flat_map(|i| (0..n).map(move |j| if j <= position + i { 0.0 } else { f32::NEG_INFINITY }));
    Tensor::from_iter(mask, &Device::Cpu)?.reshape((t, n))
}

fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(mean + f64::from(eps))?.sqrt()?)?.broadcast_mul(weight)
}

/// Over the last dimension.
fn softmax(x: &Tensor) -> Result<Tensor> {
    let x = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
    x.broadcast_div(&x.sum_keepdim(D::Minus1)?)
}

/// A stored tensor as f32.
fn dense(tensor: &weights::Tensor) -> std::result::Result<Tensor, EngineError> {
    Tensor::from_vec(tensor.to_f32()?, tensor.shape.as_slice(), &Device::Cpu).map_err(|e| compute(e.to_string()))
}

fn compute(message: String) -> EngineError {
    EngineError::Compute { backend: "reference", message }
}

#[cfg(test)]
mod tests;
