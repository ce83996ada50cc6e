//! What the CPU keeps of a model's weights: matrices in tiles, norms and biases in f32.

use std::sync::Arc;

use pilotlight_kernels::cpu::{Activations, Arena, Dtype as Stored, Gate, Matrix, Part, Pool, layer_norm, rms_norm};

use super::mlp::Mlp;
use crate::{
    EngineError,
    decoder::{self, Linear},
    weights::{self, Dtype},
};

/// The weights of a block.
pub(super) struct Layer {
    pub(super) attn_norm: Norm,
    pub(super) q: Projection,
    pub(super) k: Projection,
    pub(super) v: Projection,
    /// `[head_dim]`
    pub(super) q_norm: Option<Vec<f32>>,
    /// `[head_dim]`
    pub(super) k_norm: Option<Vec<f32>>,
    pub(super) o: Projection,
    pub(super) ffn_norm: Norm,
    pub(super) mlp: Mlp,
}

/// `[hidden]` each; with a bias it takes the mean off too.
pub(super) struct Norm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Option<Vec<f32>>,
}

/// `y = W x + b`
pub(super) struct Projection {
    pub(super) weight: Arc<Matrix>,
    pub(super) bias: Option<Vec<f32>>,
}

impl Layer {
    pub(super) fn new(arena: &mut Arena, layer: &decoder::Layer) -> Result<Self, EngineError> {
        let dense = |tensor: &Option<weights::Tensor>| tensor.as_ref().map(weights::Tensor::to_f32).transpose();
        Ok(Self {
            attn_norm: Norm::new(&layer.attn_norm)?,
            q: Projection::new(arena, &layer.attn_q)?,
            k: Projection::new(arena, &layer.attn_k)?,
            v: Projection::new(arena, &layer.attn_v)?,
            q_norm: dense(&layer.attn_q_norm)?,
            k_norm: dense(&layer.attn_k_norm)?,
            o: Projection::new(arena, &layer.attn_output)?,
            ffn_norm: Norm::new(&layer.ffn_norm)?,
            mlp: Mlp::new(arena, &layer.mlp)?,
        })
    }
}

impl Norm {
    pub(super) fn new(norm: &decoder::Norm) -> Result<Self, EngineError> {
        Ok(Self { weight: norm.weight.to_f32()?, bias: norm.bias.as_ref().map(weights::Tensor::to_f32).transpose()? })
    }

    pub(super) fn apply(&self, pool: &Pool, x: &[f32], rows: usize, eps: f32, out: &mut Activations) {
        match &self.bias {
            None => rms_norm(pool, x, rows, &self.weight, eps, out),
            Some(bias) => layer_norm(pool, x, rows, &self.weight, bias, eps, out),
        }
    }
}

impl Projection {
    pub(super) fn new(arena: &mut Arena, linear: &Linear) -> Result<Self, EngineError> {
        let bias = linear.bias.as_ref().map(weights::Tensor::to_f32).transpose()?;
        Ok(Self { weight: Arc::new(matrix(arena, &linear.weight)?), bias })
    }

    /// As the inner half of an MLP.
    pub(super) fn gate(&self) -> Gate<'_> {
        Gate { weight: &self.weight, bias: self.bias.as_deref() }
    }

    /// `out = W x + b`
    pub(super) fn part<'a>(&'a self, out: &'a mut [f32]) -> Part<'a> {
        Part { weight: &self.weight, bias: self.bias.as_deref(), out, add: false }
    }

    /// `out += W x + b`
    pub(super) fn residual<'a>(&'a self, out: &'a mut [f32]) -> Part<'a> {
        Part { add: true, ..self.part(out) }
    }
}

/// How the weights of a matrix are kept.
fn kept(stored: Dtype) -> Stored {
    match stored {
        Dtype::F32 => Stored::F32,
        Dtype::F16 => Stored::F16,
        Dtype::BF16 => Stored::BF16,
        Dtype::Q8_0 => Stored::Q8_0,
        Dtype::Q4_0 => Stored::Q4_0,
        Dtype::Q5_0 => Stored::Q5_0,
        Dtype::Q4_K => Stored::Q4_K,
        Dtype::Q5_K => Stored::Q5_K,
        Dtype::Q6_K => Stored::Q6_K,
        // To the nearest float of 16 bits, which the types of fewer than 8 bits and their scales nearly are.
        Dtype::F8E4M3 | Dtype::Q4_1 | Dtype::Q5_1 | Dtype::Q2_K | Dtype::Q3_K | Dtype::Q8_K => Stored::BF16,
    }
}

/// Bytes of a matrix that is repacked, but for the rows that fill its last tile.
pub(super) fn bytes(tensor: &weights::Tensor) -> u64 {
    let kept = kept(tensor.dtype);
    (tensor.elements() / kept.block_columns() * kept.block_bytes()) as u64
}

/// A stored matrix, repacked.
pub(super) fn matrix(arena: &mut Arena, tensor: &weights::Tensor) -> Result<Matrix, EngineError> {
    let dtype = kept(tensor.dtype);
    let malformed =
        |expected: &str, found: String| EngineError::malformed(&tensor.file, &*tensor.name, expected, found);
    let [rows, columns] = tensor.shape[..] else {
        return Err(malformed("a matrix", format!("shape {:?}", tensor.shape)));
    };
    let repacked = match (tensor.dtype, dtype) {
        (stored, Stored::BF16) if stored != Dtype::BF16 => {
            let values = tensor.to_f32()?.into_iter().flat_map(|x| half::bf16::from_f32(x).to_le_bytes());
            Matrix::new_in(arena, dtype, rows, columns, &values.collect::<Vec<u8>>())
        }
        _ => Matrix::new_in(arena, dtype, rows, columns, &tensor.bytes),
    };
    repacked.map_err(|e| malformed("whole rows of weights", e.to_string()))
}
