//! The built-in model's weights. Its card stands beside them in `CARD.md`; the recipe that trained it is in `train/`.

/// Bytes at an address that SIMD loads and GGUF's own alignment can rely on.
#[repr(C, align(64))]
struct Aligned<Bytes: ?Sized>(Bytes);

static ALIGNED: &Aligned<[u8]> = &Aligned(*include_bytes!("../weights/ember.gguf"));

/// A GGUF file, 64-byte aligned.
pub static WEIGHTS: &[u8] = &ALIGNED.0;
