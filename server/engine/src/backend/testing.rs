//! What the tests of each backend share.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::Page;
use crate::{checkpoint::Checkpoint, decoder::Decoder, fixture::Tiny, weights::Dtype};

pub(super) const CONTEXT: usize = 320;
/// Pages of two sequences.
pub(super) const A: [Page; 5] = [0, 1, 2, 3, 4];
pub(super) const B: [Page; 5] = [9, 5, 8, 6, 7];

pub(super) fn decoder(tiny: &Tiny, dtype: Dtype) -> Decoder {
    Checkpoint::from_gguf(Path::new("tiny.gguf"), &tiny.gguf(dtype).bytes()).unwrap().decoder
}

pub(super) fn tokens(decoder: &Decoder, count: usize) -> Vec<u32> {
    (0..count).map(|i| ((i * i * 31 + i * 7 + 5) % decoder.config.vocab) as u32).collect()
}

/// Root of the mean squared difference, relative to the logits' own spread.
pub(super) fn error(got: &[f32], want: &[f32]) -> f64 {
    let mean = want.iter().map(|w| f64::from(*w)).sum::<f64>() / want.len() as f64;
    let spread: f64 = want.iter().map(|w| (f64::from(*w) - mean).powi(2)).sum();
    let difference: f64 = got.iter().zip(want).map(|(g, w)| f64::from(g - w).powi(2)).sum();
    (difference / spread).sqrt()
}
