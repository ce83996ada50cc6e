//! Quantised matrix products, attention and what lies between them, on the CPU.

mod activation;
mod activations;
mod attention;
mod buffer;
mod draw;
mod exponential;
mod format;
mod gated;
mod isa;
mod kv;
mod layer_norm;
mod linear;
mod logits;
mod matmul;
mod matrix;
mod pool;
mod rms_norm;
mod rope;
mod shared;
pub(crate) mod simd;
#[cfg(test)]
pub(crate) mod testing;

pub use activation::Activation;
pub use activations::Activations;
pub use attention::{AttentionShape, Span, attention};
pub use buffer::{Arena, Buffer};
pub use draw::{Draw, draw};
pub use format::Dtype;
pub(crate) use format::q4_k::scale_and_minimum;
pub use gated::{Gate, activated, gated};
pub use isa::Isa;
pub use kv::{KvDtype, KvLayer, PAGE};
pub use layer_norm::layer_norm;
pub use linear::{Part, linear};
pub use logits::{argmax, log_softmax_at};
pub use matrix::{Matrix, MatrixError};
pub use pool::{Pool, give_way, physical_cores};
pub use rms_norm::{normalise, rms_norm};
pub use rope::{Adjusted, Projected, Rope, RopePairs, turn_and_store};
