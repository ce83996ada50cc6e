//! The built-in model: weights and card. The recipe that trained it is in `train/`.

/// Bytes at an address that SIMD loads and the memory-mapped formats' own alignment can rely on.
#[repr(C, align(64))]
struct Aligned<Bytes: ?Sized>(Bytes);

static ALIGNED: &Aligned<[u8]> = &Aligned(*include_bytes!(env!("EMBER_GGUF")));

/// A GGUF file, 64-byte aligned. Empty in a build without the weights.
pub static WEIGHTS: &[u8] = &ALIGNED.0;
