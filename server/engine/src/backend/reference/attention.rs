//! Attention: rotation, the cache of keys and values, who sees whom.

use candle_core::{DType, Device, Result, Tensor};

use super::{Block, Norm, PAGE, Page, softmax};
use crate::config::{self, DecoderConfig, Rope, RopeStyle};

/// What depends on the positions of a step.
pub(super) struct At {
    /// Where the sequence's positions lie in the cache, the new ones last.
    rows: Vec<u32>,
    rotation: Rotation,
    /// `[t, position + t]`.
    mask: Tensor,
    /// `[t, 1, 1]`, for queries.
    temperature: Option<Tensor>,
}

impl At {
    /// Of the next `t` tokens of a sequence with these pages, from `position` on.
    pub(super) fn new(c: &DecoderConfig, pages: &[Page], position: usize, t: usize) -> Result<Self> {
        Ok(Self {
            rows: rows(pages, position + t),
            rotation: Rotation::new(&c.rope, position, t)?,
            mask: causal_mask(position, t, c.window)?,
            temperature: temperature(c, position, t)?,
        })
    }
}

impl Block {
    /// Grouped-query attention. `h`: `[t, hidden]` to the same.
    pub(super) fn attention(&self, c: &DecoderConfig, h: &Tensor, at: &At, cache: &KeyValues) -> Result<Tensor> {
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

/// The keys and values of one layer, all pages one after another: `[pages * PAGE, kv_heads, head_dim]` each.
pub(super) struct KeyValues {
    keys: Tensor,
    values: Tensor,
}

/// Where the first `n` positions of a sequence with these pages lie.
fn rows(pages: &[Page], n: usize) -> Vec<u32> {
    (0..n).map(|position| pages[position / PAGE] * PAGE as u32 + (position % PAGE) as u32).collect()
}

impl KeyValues {
    pub(super) fn new(pages: usize, kv_heads: usize, head_dim: usize) -> Result<Self> {
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
    pub(super) fn copy(&self, from: Page, to: Page, length: usize) -> Result<()> {
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
