//! The same ops on an NVIDIA GPU: `cuda/<op>.cu`, how weights lie for them, and their launchers.
//!
//! [`Device`] is a GPU found at run time through the driver, or, in tests, the host emulator that runs the very same kernel sources on the
//! CPU (`cuda/emulator`). Everything a launcher needs is checked before it launches; what a kernel may then touch is said there.

mod device;
mod driver;
mod emulator;
mod image;
mod layout;
mod matrix;
mod ops;
#[cfg(test)]
mod tests;

pub use device::{Asked, CudaError, Device, Graph, Memory};
pub use driver::{Found, found};
pub use layout::Format;
pub use matrix::Matrix;
pub use ops::{
    Activation, Attention, Choices, Embed, ExpertScratch, ExpertShape, Experts, HeadNorms, KvShape, MOST_EXPERTS,
    Moved, Part, Rope, SPLIT_ROWS, STEP_ABREAST, STEP_PASS, Split, StepLayout, Wanted, attention, attention_dims,
    choose, draw, embed, experts, gated, kv_copy, kv_rotate, linear, normalise, padded, rope, round_inputs,
};
