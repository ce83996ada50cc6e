//! A way to compute the decoder: one step over one KV-cache slot.

pub mod cpu;
pub mod reference;

use pilotlight_kernels::cpu::KvDtype;

use crate::{EngineError, EngineOptions, decoder::Decoder, options::BackendChoice};

/// Which rows of logits a step gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logits {
    /// None: more of the prompt is to come.
    None,
    /// Those after the last token.
    Last,
    /// Those after each token.
    All,
}

/// A decoder with the keys and values (KV) of a few sequences, its slots.
///
/// A slot knows no tokens and no length: whoever drives the backend says at which position the new tokens stand, and what a slot
/// held from there on is forgotten. Truncation therefore costs nothing and needs no call.
pub trait Backend: Send {
    /// The way it is computed: `reference`, `cpu (avx512-vnni)`, ...
    fn name(&self) -> String;

    /// Number of slots.
    fn slots(&self) -> usize;

    /// The longest sequence a slot can hold.
    fn context_length(&self) -> usize;

    /// Runs `tokens` at positions `position..` of `slot`, and stores their KV there. The KV of `0..position` must have been stored by
    /// earlier steps. Gives the wanted rows of logits, row-major `[rows, vocab]`; the slice is valid until the next step.
    ///
    /// `tokens` is not empty, each id is below the vocabulary's size, and `position + tokens.len()` is at most `context_length()`:
    /// the caller has checked. After an error the slot holds nothing.
    fn forward(&mut self, slot: usize, position: usize, tokens: &[u32], logits: Logits) -> Result<&[f32], EngineError>;

    /// Copies the KV of the first `length` positions from one slot to another, a different one.
    fn copy(&mut self, from: usize, to: usize, length: usize) -> Result<(), EngineError>;
}

/// The backend that the options ask for.
pub fn build(
    decoder: &Decoder,
    context_length: usize,
    options: &EngineOptions,
) -> Result<Box<dyn Backend>, EngineError> {
    let threads = options.thread_count();
    let reference = || -> Result<Box<dyn Backend>, EngineError> {
        Ok(Box::new(reference::Reference::new(decoder, context_length, options.kv_slots, threads)?))
    };
    let cpu = || -> Result<Box<dyn Backend>, EngineError> {
        Ok(Box::new(cpu::Cpu::new(decoder, context_length, options.kv_slots, threads, KvDtype::F16)?))
    };
    match (options.backend, cpu::Cpu::supports(decoder)) {
        (BackendChoice::Reference, _) => reference(),
        (BackendChoice::Auto, Err(why)) => {
            tracing::warn!(why, "the slow reference backend computes this model");
            reference()
        }
        (BackendChoice::Auto | BackendChoice::Cpu, _) => cpu(),
    }
}
