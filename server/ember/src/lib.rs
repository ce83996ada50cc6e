//! The built-in model: weights and card. The recipe that trained it is in `train/`.

/// Bytes at an address that SIMD loads and GGUF's own alignment can rely on.
#[repr(C, align(64))]
struct Aligned<Bytes: ?Sized>(Bytes);

static ALIGNED: &Aligned<[u8]> = &Aligned(*include_bytes!("../weights/ember.gguf"));

/// A GGUF file, 64-byte aligned.
pub static WEIGHTS: &[u8] = &ALIGNED.0;

/// What it is, what it was trained on, and what it is bad at: Markdown.
pub static CARD: &str = include_str!("../CARD.md");
