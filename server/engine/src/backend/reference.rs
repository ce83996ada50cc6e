//! The oracle: the decoder in candle tensors, f32 throughout, written to be read. The other backends are tested against it, and it
//! against transformers.
//!
//! Weights are dequantised at load: 4 bytes for each. Shapes in comments: `t` tokens, `n` positions in the cache.

mod attention;
mod mlp;

use candle_core::{D, Device, Result, Tensor};
use float8::F8E4M3;

use self::{
    attention::{At, KeyValues},
    mlp::Mlp,
};
use super::{Backend, Logits, PAGE, Page};
use crate::{
    EngineError,
    config::DecoderConfig,
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
        let at = At::new(c, pages, position, t)?;
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
            mlp: Mlp::new(&layer.mlp)?,
        })
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
