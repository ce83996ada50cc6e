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

pub use device::{CudaError, Device, Graph, Memory};
pub use driver::{Found, found};
pub use layout::Format;
pub use matrix::Matrix;
pub use ops::{
    Activation, Attention, Choose, Embed, HeadNorms, KvShape, Part, Rope, SPLIT_ROWS, STEP_PASS, Split, StepLayout,
    accept, attention, attention_dims, choose_greedy, choose_sampled, embed, gated, kv_copy, linear, normalise, padded,
    rope,
};
