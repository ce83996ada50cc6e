//! What the tests of each backend share.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::{Backend, Logits, Page, Sequence};
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

/// One token each of several sequences at once is what each gives alone. Both backends are of the same decoder and have ten pages.
pub(super) fn sequences_that_decode_together_get_the_bits_that_they_get_alone(
    what: &str,
    sequence: &[u32],
    together: &mut dyn Backend,
    alone: &mut dyn Backend,
) {
    let pages: [[Page; 2]; 3] = [[0, 1], [2, 3], [4, 5]];
    let lengths = [3, 20, 11].map(|length| length.min(sequence.len() - 2));
    for (pages, length) in pages.iter().zip(lengths) {
        together.forward(pages, 0, &sequence[..length], Logits::None).unwrap();
        alone.forward(pages, 0, &sequence[..length], Logits::None).unwrap();
    }
    for step in 0..2 {
        let at = lengths.map(|length| length + step);
        let sequences: Vec<_> = pages.iter().zip(at).map(|(pages, position)| Sequence { pages, position }).collect();
        let got = together.decode(&sequences, &at.map(|at| sequence[at])).unwrap().to_vec();
        for (i, (pages, at)) in pages.iter().zip(at).enumerate() {
            let want = alone.forward(pages, at, &[sequence[at]], Logits::Last).unwrap();
            assert_eq!(&got[i * want.len()..][..want.len()], want, "{what}: sequence {i}, step {step}");
        }
    }
}

/// In a model of one layer keys and values depend on a token and its place alone, so moved ones are those that a computation gives, but for the rounding of what was turned twice.
/// `tokens` are 200.
pub(super) fn keys_that_are_moved_are_turned_to_their_new_place(
    what: &str,
    tokens: &[u32],
    backend: &mut dyn Backend,
    tolerance: f64,
) {
    assert!(backend.shifts());
    let want = backend.forward(&A, 0, tokens, Logits::Last).unwrap().to_vec();
    // The same tokens further on, and from there back to where they belong: 30 to 63 of page 0, and 0 to 39 of page 1.
    backend.forward(&B, 0, &[&tokens[..17], tokens].concat(), Logits::None).unwrap();
    backend.forward(&A, 0, &[7; 200], Logits::None).unwrap();
    backend.forward(&A, 0, &tokens[..13], Logits::None).unwrap();
    backend.shift((B[0], 30), &A, 13, 34, -17).unwrap();
    backend.shift((B[1], 0), &A, 47, 40, -17).unwrap();
    let got = backend.forward(&A, 87, &tokens[87..], Logits::Last).unwrap();
    let far = error(got, &want);
    assert!(far < tolerance, "{what}: {far:e}");
    // Without the turn they are other keys.
    backend.shift((B[0], 30), &A, 13, 34, 0).unwrap();
    let unturned = error(backend.forward(&A, 87, &tokens[87..], Logits::Last).unwrap(), &want);
    assert!(unturned > 4.0 * tolerance, "{what}: {unturned:e}");
}
