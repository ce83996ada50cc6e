//! The oracle: the decoder in candle tensors, f32 throughout, written to be read. The other backends are tested against it, and it
//! against transformers.
//!
//! Weights are dequantised at load: 4 bytes for each. Shapes in comments: `t` tokens, `n` positions in the cache.

use candle_core::{D, DType, Device, Result, Tensor};
use float8::F8E4M3;

use super::{Backend, Logits, PAGE, Page};
use crate::{
    EngineError,
    config::{self, Activation, DecoderConfig, Experts, Rope, RopeStyle},
    decoder::{self, Decoder, Layer, Linear},
    weights,
};

type Loaded<T> = std::result::Result<T, EngineError>;

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
    /// `[positions, hidden]`.
    positions: Option<Tensor>,
    blocks: Vec<Block>,
    output_norm: Norm,
    output: Projection,
    context_length: usize,
    /// By layer.
    cache: Vec<KeyValues>,
    pages: usize,
    /// What the last step gave.
    logits: Vec<f32>,
}

struct Block {
    attn_norm: Norm,
    q: Projection,
    k: Projection,
    v: Projection,
    q_norm: Option<Norm>,
    k_norm: Option<Norm>,
    o: Projection,
    ffn_norm: Norm,
    mlp: Mlp,
}

enum Mlp {
    Gated(Gated),
    Plain { up: Projection, down: Projection },
    Experts { router: Projection, experts: Vec<Gated>, shared: Option<Gated>, shape: Experts },
}

struct Gated {
    gate: Projection,
    up: Projection,
    down: Projection,
}

impl Reference {
    /// Dequantises the weights. `context_length` bounds a sequence, `pages` all of them together, `threads` the matrix products.
    pub fn new(decoder: &Decoder, context_length: usize, pages: usize, threads: usize) -> Loaded<Self> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("reference-{i}"));
        let c = &decoder.config;
        let layer = |_| KeyValues::new(pages, c.kv_heads, c.head_dim).map_err(|e| compute(e.to_string()));
        let embedding = dense(&decoder.embedding)?;
        let output = if decoder.is_tied() { embedding.clone() } else { dense(&decoder.output.weight)? };
        let model = Model {
            embedding,
            positions: decoder.positions.as_ref().map(dense).transpose()?,
            blocks: decoder.layers.iter().map(|layer| Block::new(c, layer)).collect::<Loaded<_>>()?,
            output_norm: Norm::new(c, &decoder.output_norm)?,
            output: Projection::of(&output, &decoder.output)?,
            context_length,
            cache: (0..c.layers).map(layer).collect::<Loaded<_>>()?,
            pages,
            logits: Vec::new(),
            config: c.clone(),
        };
        Ok(Self { model, threads: pool.build().map_err(|e| compute(e.to_string()))? })
    }
}

impl Model {
    fn step(&mut self, pages: &[Page], position: usize, tokens: &[u32], logits: Logits) -> Result<()> {
        let c = &self.config;
        let t = tokens.len();
        let at = At {
            rows: rows(pages, position + t),
            rotation: Rotation::new(&c.rope, position, t)?,
            mask: causal_mask(position, t, c.window)?,
            temperature: temperature(c, position, t)?,
        };
        let residual = f64::from(c.scales.residual);

        let mut x = self.embedding.index_select(&Tensor::new(tokens, &Device::Cpu)?, 0)?; // [t, hidden]
        x = (x * f64::from(c.scales.embedding))?;
        if let Some(positions) = &self.positions {
            x = (x + positions.narrow(0, position, t)?)?;
        }
        for (block, cache) in self.blocks.iter().zip(&self.cache) {
            let h = block.attn_norm.forward(&x)?;
            x = (x + (block.attention(c, &h, &at, cache)? * residual)?)?;
            let h = block.ffn_norm.forward(&x)?;
            x = (x + (block.mlp.forward(&h, c.family.activation)? * residual)?)?;
        }
        let wanted = logits.rows(t);
        if wanted == 0 {
            self.logits.clear();
            return Ok(());
        }
        let x = self.output_norm.forward(&x.narrow(0, t - wanted, wanted)?)?;
        self.logits = (self.output.forward(&x)? * f64::from(c.scales.logits))?.flatten_all()?.to_vec1()?;
        Ok(())
    }
}

/// What depends on the positions of a step.
struct At {
    /// Where the sequence's positions lie in the cache, the new ones last.
    rows: Vec<u32>,
    rotation: Rotation,
    /// `[t, position + t]`.
    mask: Tensor,
    /// `[t, 1, 1]`, for queries.
    temperature: Option<Tensor>,
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

    fn forward(&mut self, pages: &[Page], position: usize, tokens: &[u32], logits: Logits) -> Loaded<&[f32]> {
        let Self { model, threads } = self;
        threads.install(|| model.step(pages, position, tokens, logits)).map_err(|e| compute(e.to_string()))?;
        Ok(&model.logits)
    }

    fn copy(&mut self, from: Page, to: Page, length: usize) -> Loaded<()> {
        let copied = self.model.cache.iter().try_for_each(|layer| layer.copy(from, to, length));
        copied.map_err(|e| compute(e.to_string()))
    }
}

impl Block {
    fn new(c: &DecoderConfig, layer: &Layer) -> Loaded<Self> {
        let head_norm =
            |weight: &Option<weights::Tensor>| weight.as_ref().map(|weight| Norm::rms(c, weight)).transpose();
        Ok(Self {
            attn_norm: Norm::new(c, &layer.attn_norm)?,
            q: Projection::new(&layer.attn_q)?,
            k: Projection::new(&layer.attn_k)?,
            v: Projection::new(&layer.attn_v)?,
            q_norm: head_norm(&layer.attn_q_norm)?,
            k_norm: head_norm(&layer.attn_k_norm)?,
            o: Projection::new(&layer.attn_output)?,
            ffn_norm: Norm::new(c, &layer.ffn_norm)?,
            mlp: Mlp::new(c, &layer.mlp)?,
        })
    }

    /// Grouped-query attention. `h`: `[t, hidden]` to the same.
    fn attention(&self, c: &DecoderConfig, h: &Tensor, at: &At, cache: &KeyValues) -> Result<Tensor> {
        let t = h.dim(0)?;
        let heads = |x: Tensor, n: usize, norm: &Option<Norm>| {
            let x = x.reshape((t, n, c.head_dim))?;
            match norm {
                Some(norm) => norm.forward(&x),
                None => Ok(x),
            }
        };
        let mut q = at.rotation.apply(&heads(self.q.forward(h)?, c.heads, &self.q_norm)?)?;
        let k = at.rotation.apply(&heads(self.k.forward(h)?, c.kv_heads, &self.k_norm)?)?;
        let v = heads(self.v.forward(h)?, c.kv_heads, &None)?;
        if let Some(temperature) = &at.temperature {
            q = q.broadcast_mul(temperature)?;
        }

        let by_head = |x: Tensor| x.transpose(0, 1)?.contiguous();
        let (k, v) = cache.append(&at.rows, &k, &v)?; // [n, kv_heads, head_dim]
        let (k, v) = (by_head(k)?, by_head(v)?);
        let n = at.rows.len();

        // The query heads of a group share one key head: stack them as rows.
        let group = c.heads / c.kv_heads;
        let q = by_head(q)?.reshape((c.kv_heads, group * t, c.head_dim))?;
        let scores = (q.matmul(&k.transpose(1, 2)?)? * f64::from(c.scales.attention))?;
        let scores = scores.reshape((c.kv_heads, group, t, n))?.broadcast_add(&at.mask)?;
        let weights = softmax(&scores)?.reshape((c.kv_heads, group * t, n))?;
        let out = weights.matmul(&v)?.reshape((c.heads, t, c.head_dim))?;
        self.o.forward(&out.transpose(0, 1)?.reshape((t, c.heads * c.head_dim))?)
    }
}

impl Mlp {
    fn new(c: &DecoderConfig, mlp: &decoder::Mlp) -> Loaded<Self> {
        Ok(match (mlp, c.experts) {
            (decoder::Mlp::Gated(gated), _) => Self::Gated(Gated::new(gated)?),
            (decoder::Mlp::Plain { up, down }, _) => {
                Self::Plain { up: Projection::new(up)?, down: Projection::new(down)? }
            }
            (decoder::Mlp::Experts { router, experts, shared }, Some(shape)) => Self::Experts {
                router: Projection::new(router)?,
                experts: experts.iter().map(Gated::new).collect::<Loaded<_>>()?,
                shared: shared.as_ref().map(Gated::new).transpose()?,
                shape,
            },
            (decoder::Mlp::Experts { .. }, None) => return Err(compute("experts without their number".into())),
        })
    }

    /// `h`: `[t, hidden]` to the same.
    fn forward(&self, h: &Tensor, activation: Activation) -> Result<Tensor> {
        match self {
            Self::Gated(gated) => gated.forward(h, activation),
            Self::Plain { up, down } => down.forward(&act(&up.forward(h)?, activation)?),
            Self::Experts { router, experts, shared, shape } => {
                let weights: Vec<Vec<f32>> = softmax(&router.forward(h)?)?.to_vec2()?; // [t, experts]
                let chosen: Vec<Vec<(usize, f32)>> = weights.iter().map(|row| choose(row, *shape)).collect();
                let mut out = match shared {
                    Some(shared) => shared.forward(h, activation)?,
                    None => Tensor::zeros_like(h)?,
                };
                for (i, expert) in experts.iter().enumerate() {
                    // The tokens that chose it, and how much of it they take.
                    let took = |(token, chosen): (usize, &Vec<(usize, f32)>)| {
                        chosen.iter().find(|(expert, _)| *expert == i).map(|(_, weight)| (token as u32, *weight))
                    };
                    let (tokens, weights): (Vec<u32>, Vec<f32>) = chosen.iter().enumerate().filter_map(took).unzip();
                    if tokens.is_empty() {
                        continue;
                    }
                    let weights = Tensor::from_vec(weights, (tokens.len(), 1), &Device::Cpu)?;
                    let tokens = Tensor::new(tokens, &Device::Cpu)?;
                    let y = expert.forward(&h.index_select(&tokens, 0)?, activation)?.broadcast_mul(&weights)?;
                    out = out.index_add(&tokens, &y, 0)?;
                }
                Ok(out)
            }
        }
    }
}

/// The experts that a router's probabilities choose for a token, and their weights.
fn choose(probabilities: &[f32], shape: Experts) -> Vec<(usize, f32)> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    order.truncate(shape.used);
    let sum = if shape.normalised { order.iter().map(|&i| probabilities[i]).sum() } else { 1.0 };
    order.into_iter().map(|i| (i, probabilities[i] / sum)).collect()
}

impl Gated {
    fn new(gated: &decoder::Gated) -> Loaded<Self> {
        Ok(Self {
            gate: Projection::new(&gated.gate)?,
            up: Projection::new(&gated.up)?,
            down: Projection::new(&gated.down)?,
        })
    }

    /// `h`: `[t, hidden]` to the same.
    fn forward(&self, h: &Tensor, activation: Activation) -> Result<Tensor> {
        self.down.forward(&(act(&self.gate.forward(h)?, activation)? * self.up.forward(h)?)?)
    }
}

fn act(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Silu => x.silu(),
        // candle's `gelu` is the tanh formula.
        Activation::GeluTanh => x.gelu(),
    }
}

/// A linear layer, dequantised.
struct Projection {
    /// `[in, out]`, a transposed view.
    weight: Tensor,
    bias: Option<Tensor>,
    /// By what an input is divided before it is rounded to 8-bit floats, and multiplied after.
    input_scale: Option<f32>,
}

/// `x` as 8-bit floats (E4M3) times `scale`; values beyond the greatest are the greatest.
fn rounded(x: &Tensor, scale: f32) -> Result<Tensor> {
    let values: Vec<f32> = x.flatten_all()?.to_vec1()?;
    let round = |x: f32| F8E4M3::from_f32((x * (1.0 / scale)).clamp(-448.0, 448.0)).to_f32() * scale;
    Tensor::from_vec(values.into_iter().map(round).collect::<Vec<_>>(), x.shape(), &Device::Cpu)
}

impl Projection {
    fn new(linear: &Linear) -> Loaded<Self> {
        Self::of(&dense(&linear.weight)?, linear)
    }

    /// Over the matrix of `linear` as it was read.
    fn of(matrix: &Tensor, linear: &Linear) -> Loaded<Self> {
        let weight = matrix.t().map_err(|e| compute(e.to_string()))?;
        let bias = linear.bias.as_ref().map(dense).transpose()?;
        Ok(Self { weight, bias, input_scale: linear.weight.input_scale })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = match self.input_scale {
            Some(scale) => rounded(x, scale)?.matmul(&self.weight)?,
            None => x.matmul(&self.weight)?,
        };
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
        if pairs == 0 {
            return Ok(x.clone()); // Positions are learned.
        }
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
fn causal_mask(position: usize, t: usize, window: Option<usize>) -> Result<Tensor> {
    let n = position + t;
    let sees = move |i: usize, j: usize| j <= position + i && window.is_none_or(|window| j + window > position + i);
    let mask = (0..t).flat_map(|i| (0..n).map(move |j| if sees(i, j) { 0.0 } else { f32::NEG_INFINITY }));
    Tensor::from_iter(mask, &Device::Cpu)?.reshape((t, n))
}

/// `[t, 1, 1]`: what queries are multiplied with.
fn temperature(c: &DecoderConfig, position: usize, t: usize) -> Result<Option<Tensor>> {
    let tensor = |temperature: config::Temperature| {
        Tensor::from_iter((position..position + t).map(|p| temperature.at(p)), &Device::Cpu)?.reshape((t, 1, 1))
    };
    c.temperature.map(tensor).transpose()
}

/// A normalisation over the last dimension.
struct Norm {
    weight: Tensor,
    /// Of a LayerNorm, which takes the mean off too.
    bias: Option<Tensor>,
    eps: f64,
}

impl Norm {
    fn new(c: &DecoderConfig, norm: &decoder::Norm) -> Loaded<Self> {
        let bias = norm.bias.as_ref().map(dense).transpose()?;
        Ok(Self { bias, ..Self::rms(c, &norm.weight)? })
    }

    fn rms(c: &DecoderConfig, weight: &weights::Tensor) -> Loaded<Self> {
        Ok(Self { weight: dense(weight)?, bias: None, eps: f64::from(c.norm_eps) })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = match &self.bias {
            Some(_) => x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?,
            None => x.clone(),
        };
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        let y = x.broadcast_div(&(mean + self.eps)?.sqrt()?)?.broadcast_mul(&self.weight)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

/// Over the last dimension.
fn softmax(x: &Tensor) -> Result<Tensor> {
    let x = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
    x.broadcast_div(&x.sum_keepdim(D::Minus1)?)
}

/// A stored tensor as f32.
fn dense(tensor: &weights::Tensor) -> Loaded<Tensor> {
    Tensor::from_vec(tensor.to_f32()?, tensor.shape.as_slice(), &Device::Cpu).map_err(|e| compute(e.to_string()))
}

fn compute(message: String) -> EngineError {
    EngineError::Compute { backend: "reference", message }
}

#[cfg(test)]
mod tests;
