//! A decoder's tensors on their way to the device.

use std::{borrow::Cow, sync::Arc};

use half::bf16;
use pilotlight_kernels::cuda::{Device, ExpertShape, Format, Matrix, Memory};

use super::model::{Model, activation};
use crate::{
    EngineError,
    config::{DecoderConfig, Experts},
    decoder::{self, Decoder, Gated, Linear},
    weights::{Dtype, Tensor},
};

pub(super) struct Layer {
    pub(super) attn_norm: Norm,
    pub(super) q: Projection,
    pub(super) k: Projection,
    pub(super) v: Projection,
    /// `[head_dim]`
    pub(super) q_norm: Option<Memory>,
    /// `[head_dim]`
    pub(super) k_norm: Option<Memory>,
    pub(super) o: Projection,
    pub(super) ffn_norm: Norm,
    pub(super) mlp: Mlp,
}

/// One a layer: nothing is gained where its variants are of one size.
#[allow(clippy::large_enum_variant)]
pub(super) enum Mlp {
    Gated(Inner),
    Plain { up: Projection, down: Projection },
    Experts { router: Matrix, gate: Matrix, up: Matrix, down: Matrix, shape: ExpertShape, shared: Option<Inner> },
}

/// `down(act(gate(x)) * up(x))`
pub(super) struct Inner {
    pub(super) gate: Projection,
    pub(super) up: Projection,
    pub(super) down: Projection,
}

/// The sizes of a decoder's experts, where it has them.
pub(super) fn expert_shape(c: &DecoderConfig) -> Option<ExpertShape> {
    c.experts.map(|experts| expert_sizes(c, experts))
}

fn expert_sizes(c: &DecoderConfig, experts: Experts) -> ExpertShape {
    let Experts { count, used, normalised, .. } = experts;
    ExpertShape { count, used, normalised, hidden: c.hidden, ffn: c.ffn }
}

/// `[hidden]` each; with a bias it takes the mean off too.
pub(super) struct Norm {
    pub(super) weight: Memory,
    pub(super) bias: Option<Memory>,
}

pub(super) struct Projection {
    pub(super) weight: Arc<Matrix>,
    pub(super) bias: Option<Memory>,
}

/// How a stored matrix is multiplied: as it is, or as what it is widened to.
pub(super) fn format(tensor: &Tensor) -> Format {
    match tensor.dtype {
        Dtype::F8E4M3 if tensor.blocks.is_none() => Format::F8E4M3,
        // Four or five bits under one scale are eight under the same scale, exactly.
        Dtype::Q8_0 | Dtype::Q4_0 | Dtype::Q5_0 => Format::Q8_0,
        Dtype::Q4_K => Format::Q4_K,
        Dtype::Q6_K => Format::Q6_K,
        // To the nearest.
        _ => Format::BF16,
    }
}

/// Sends tensors off, and says how far it is.
pub(super) struct Loader<'a> {
    device: &'a Device,
    config: &'a DecoderConfig,
    threads: usize,
    all: u64,
    sent: u64,
}

impl<'a> Loader<'a> {
    pub(super) fn new(device: &'a Device, decoder: &'a Decoder) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { device, config: &decoder.config, threads, all: decoder.bytes.max(1), sent: 0 }
    }

    pub(super) fn model(mut self, decoder: &Decoder) -> Result<Model, EngineError> {
        let c = &decoder.config;
        let embedding = Arc::new(self.matrix(&decoder.embedding)?);
        let output = match decoder.is_tied() {
            true => Projection { weight: Arc::clone(&embedding), bias: None },
            false => self.projection(&decoder.output)?,
        };
        let layers = decoder.layers.iter().map(|layer| self.layer(layer)).collect::<Result<_, _>>()?;
        // Granite multiplies what each block adds by `m`: see `cpu`.
        let m = c.scales.residual;
        let scaled = |tensor: &Tensor| -> Result<Memory, EngineError> {
            let values: Vec<f32> = tensor.to_f32()?.into_iter().map(|x| x * c.scales.logits).collect();
            Ok(self.device.floats(&values)?)
        };
        let output_norm = Norm {
            weight: scaled(&decoder.output_norm.weight)?,
            bias: decoder.output_norm.bias.as_ref().map(scaled).transpose()?,
        };
        let frequencies = match &c.rope.frequencies[..] {
            [] => None,
            all => Some(self.device.floats(all)?),
        };
        let positions = decoder.positions.as_ref().map(|positions| self.matrix(positions)).transpose()?;
        Ok(Model {
            activation: activation(c),
            embedding,
            positions,
            layers,
            output_norm,
            norm_eps: c.norm_eps / (m * m),
            output,
            frequencies,
            config: c.clone(),
        })
    }

    fn layer(&mut self, layer: &decoder::Layer) -> Result<Layer, EngineError> {
        Ok(Layer {
            attn_norm: self.norm(&layer.attn_norm)?,
            q: self.projection(&layer.attn_q)?,
            k: self.projection(&layer.attn_k)?,
            v: self.projection(&layer.attn_v)?,
            q_norm: self.floats(&layer.attn_q_norm)?,
            k_norm: self.floats(&layer.attn_k_norm)?,
            o: self.projection(&layer.attn_output)?,
            ffn_norm: self.norm(&layer.ffn_norm)?,
            mlp: match &layer.mlp {
                decoder::Mlp::Gated(gated) => Mlp::Gated(self.inner(gated)?),
                decoder::Mlp::Plain { up, down } => {
                    Mlp::Plain { up: self.projection(up)?, down: self.projection(down)? }
                }
                decoder::Mlp::Experts { router, experts, shared, shape } => Mlp::Experts {
                    router: self.matrix(&router.weight)?,
                    gate: self.stack(experts, |expert| &expert.gate)?,
                    up: self.stack(experts, |expert| &expert.up)?,
                    down: self.stack(experts, |expert| &expert.down)?,
                    shape: expert_sizes(self.config, *shape),
                    shared: shared.as_ref().map(|shared| self.inner(shared)).transpose()?,
                },
            },
        })
    }

    fn inner(&mut self, gated: &Gated) -> Result<Inner, EngineError> {
        Ok(Inner {
            gate: self.projection(&gated.gate)?,
            up: self.projection(&gated.up)?,
            down: self.projection(&gated.down)?,
        })
    }

    fn floats(&self, tensor: &Option<Tensor>) -> Result<Option<Memory>, EngineError> {
        let Some(tensor) = tensor else { return Ok(None) };
        Ok(Some(self.device.floats(&tensor.to_f32()?)?))
    }

    fn norm(&self, norm: &decoder::Norm) -> Result<Norm, EngineError> {
        Ok(Norm { weight: self.device.floats(&norm.weight.to_f32()?)?, bias: self.floats(&norm.bias)? })
    }

    fn projection(&mut self, linear: &Linear) -> Result<Projection, EngineError> {
        let mut weight = self.matrix(&linear.weight)?;
        if let (Some(scale), Format::F8E4M3) = (linear.weight.input_scale, format(&linear.weight)) {
            weight = weight.with_rounded_inputs(scale);
        }
        Ok(Projection { weight: Arc::new(weight), bias: self.floats(&linear.bias)? })
    }

    fn matrix(&mut self, tensor: &Tensor) -> Result<Matrix, EngineError> {
        let (format, scale) = (format(tensor), scale(tensor));
        let blocks = blocks(tensor, format)?;
        let matrix = Matrix::upload(self.device, format, sides(tensor)?, &blocks, scale, self.threads)?;
        self.sent(tensor);
        Ok(matrix)
    }

    /// One of the matrices of all experts.
    fn stack(&mut self, experts: &[Gated], which: impl Fn(&Gated) -> &Linear) -> Result<Matrix, EngineError> {
        let tensors: Vec<&Tensor> = experts.iter().map(|expert| &which(expert).weight).collect();
        let Some(&first) = tensors.first() else {
            return Err(EngineError::Compute { backend: "cuda", message: "a block without experts".into() });
        };
        let (format, scale, sides) = (stack_format(&tensors), scale(first), sides(first)?);
        // What is widened has its scale in it.
        let scale = if format == self::format(first) { scale } else { 1.0 };
        let of = |i: usize| blocks(tensors[i], format);
        let matrix = Matrix::upload_all(self.device, format, sides, tensors.len(), of, scale, self.threads)?;
        tensors.into_iter().for_each(|tensor| self.sent(tensor));
        Ok(matrix)
    }

    /// Says how far it is.
    fn sent(&mut self, tensor: &Tensor) {
        let tenth = |sent: u64| 10 * sent / self.all;
        let before = tenth(self.sent);
        self.sent += tensor.bytes.len() as u64;
        if tenth(self.sent) > before {
            tracing::info!("weights on the GPU: {} %", (100 * self.sent / self.all).min(100));
        }
    }
}

/// How the matrices of all experts are multiplied: alike.
pub(super) fn stack_format(tensors: &[&Tensor]) -> Format {
    let of = |tensor: &&Tensor| (format(tensor), scale(tensor));
    match tensors.first().map(of) {
        Some(first) if tensors.iter().all(|tensor| of(tensor) == first) => first.0,
        _ => Format::BF16,
    }
}

fn sides(tensor: &Tensor) -> Result<[usize; 2], EngineError> {
    tensor.shape[..].try_into().map_err(|_| {
        let found = format!("shape {:?}", tensor.shape);
        EngineError::malformed(&tensor.file, &*tensor.name, "a matrix", found)
    })
}

/// What is multiplied with every weight: widened ones have it in them.
fn scale(tensor: &Tensor) -> f32 {
    match tensor.dtype {
        _ if tensor.blocks.is_some() => 1.0,
        Dtype::BF16 | Dtype::F8E4M3 | Dtype::Q8_0 | Dtype::Q4_K | Dtype::Q6_K => tensor.scale,
        _ => 1.0,
    }
}

/// A matrix in the format's blocks: as it is stored, or widened.
fn blocks(tensor: &Tensor, to: Format) -> Result<Cow<'_, [u8]>, EngineError> {
    Ok(match tensor.dtype {
        // By the blocks that are scaled alike there is no kernel.
        _ if format(tensor) != to || (to == Format::BF16 && tensor.dtype != Dtype::BF16) => bfloats(tensor)?,
        Dtype::BF16 | Dtype::F8E4M3 | Dtype::Q8_0 | Dtype::Q4_K | Dtype::Q6_K => Cow::Borrowed(&tensor.bytes),
        Dtype::Q4_0 => Cow::Owned(widened(&tensor.bytes, 18, |block| {
            let low = |i: usize| block[2 + i] & 15;
            let high = |i: usize| block[2 + i] >> 4;
            std::array::from_fn(|i| if i < 16 { low(i) } else { high(i - 16) }.wrapping_sub(8))
        })),
        Dtype::Q5_0 => Cow::Owned(widened(&tensor.bytes, 22, |block| {
            let fifth = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
            std::array::from_fn(|i| {
                let nibble = block[6 + i % 16] >> (4 * (i / 16)) & 15;
                (nibble | ((fifth >> i & 1) as u8) << 4).wrapping_sub(16)
            })
        })),
        _ => bfloats(tensor)?,
    })
}

fn bfloats(tensor: &Tensor) -> Result<Cow<'static, [u8]>, EngineError> {
    let values = tensor.to_f32()?;
    Ok(Cow::Owned(values.into_iter().flat_map(|x| bf16::from_f32(x).to_le_bytes()).collect()))
}

/// Blocks of 32 with an f16 scale before them, as Q8_0.
fn widened(bytes: &[u8], block_bytes: usize, weights: impl Fn(&[u8]) -> [u8; 32]) -> Vec<u8> {
    bytes.chunks_exact(block_bytes).flat_map(|block| [block[0], block[1]].into_iter().chain(weights(block))).collect()
}
