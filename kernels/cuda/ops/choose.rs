//! The next token of each row, chosen on the device.

use super::{
    super::device::{CudaError, Device, Memory, Result},
    Arguments, launch,
};
use crate::cpu::Draw;

/// Slices of a row (`choose.cu`).
const SLICES: usize = 32;
/// Bytes that say how a row is drawn from (`draw.cu`).
const DRAW: usize = 24;

#[derive(Clone, Copy)]
#[repr(C)]
struct ChooseArgs {
    step: u64,
    logits: u64,
    masks: u64,
    parts: u64,
    choices: u64,
    base: u32,
    vocab: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for ChooseArgs {}

/// Memory for the choices of a step.
#[derive(Debug)]
pub struct Choices {
    /// `[rows][vocab / 32]` words, a bit for each token: 0 for what is forbidden.
    masks: Memory,
    parts: Memory,
    chosen: Memory,
    /// `[rows]`: number, one over the temperature, top-p, top-k.
    draws: Memory,
    vocab: usize,
}

impl Choices {
    /// Bytes for so many rows.
    pub fn bytes(rows: usize, vocab: usize) -> usize {
        rows * (4 * vocab.div_ceil(32) + 16 * SLICES + 8 + DRAW)
    }

    /// Room for the choices of `rows` rows.
    pub fn new(device: &Device, rows: usize, vocab: usize) -> Result<Self> {
        let masks = device.zeros(rows * 4 * vocab.div_ceil(32))?;
        let (parts, chosen) = (device.zeros(rows * 16 * SLICES)?, device.zeros(rows * 8)?);
        Ok(Self { masks, parts, chosen, draws: device.zeros(rows * DRAW)?, vocab })
    }

    /// Sets the mask of a wanted row: a bit for each token; those past its end are forbidden.
    pub fn mask(&self, row: usize, bits: &[u32]) -> Result<()> {
        let words = self.vocab.div_ceil(32);
        if bits.len() > words {
            return Err(CudaError::new("mask", format!("{} words: expected {words}", bits.len())));
        }
        // SAFETY: words are bytes, in the order of the device's on every machine that has one.
        let bytes = unsafe { std::slice::from_raw_parts(bits.as_ptr().cast::<u8>(), size_of_val(bits)) };
        self.masks.write(4 * row * words, bytes)?;
        const NONE: [u8; 256] = [0; 256];
        let (start, end) = (4 * (row * words + bits.len()), 4 * (row + 1) * words);
        (start..end).step_by(NONE.len()).try_for_each(|at| self.masks.write(at, &NONE[..NONE.len().min(end - at)]))
    }

    /// Sets how the first wanted rows are drawn from.
    pub fn draw(&self, draws: &[Draw]) -> Result<()> {
        let mut bytes = [0; DRAW * super::STEP_ABREAST];
        let Some(bytes) = bytes.get_mut(..DRAW * draws.len()) else {
            return Err(CudaError::new("draw", format!("{} rows: expected {}", draws.len(), super::STEP_ABREAST)));
        };
        for (to, draw) in bytes.chunks_exact_mut(DRAW).zip(draws) {
            let scale = if draw.temperature > 0.0 { 1.0 / draw.temperature } else { 0.0 };
            to[..8].copy_from_slice(&draw.number.to_le_bytes());
            to[8..12].copy_from_slice(&scale.to_le_bytes());
            to[12..16].copy_from_slice(&draw.top_p.to_le_bytes());
            to[16..20].copy_from_slice(&draw.top_k.to_le_bytes());
        }
        self.draws.write(0, bytes)
    }

    /// Of the first `rows` wanted rows the most likely token and its log probability; none where no logit was a number.
    pub fn read(&self, rows: usize, to: &mut Vec<Option<(u32, f32)>>) -> Result<()> {
        let mut bytes = [0; 8 * super::STEP_PASS];
        let Some(bytes) = bytes.get_mut(..8 * rows) else {
            return Err(CudaError::new("choices", format!("{rows} rows")));
        };
        self.chosen.read(0, bytes)?;
        to.clear();
        to.extend(bytes.as_chunks().0.iter().map(|&[a, b, c, d, e, f, g, h]| {
            let id = u32::from_le_bytes([a, b, c, d]);
            (id != u32::MAX).then(|| (id, f32::from_le_bytes([e, f, g, h])))
        }));
        Ok(())
    }
}

/// Chooses after each of the step's wanted rows among `rows` rows of logits (`[rows][vocab]` f32), which begin with the wanted row `base`.
pub fn choose(step: &Memory, logits: &Memory, rows: usize, base: usize, choices: &Choices) -> Result<()> {
    let Choices { masks, parts, chosen, vocab, .. } = choices;
    let room = chosen.bytes() / 8;
    let args = ChooseArgs {
        step: step.address("step", 0, step.bytes())?,
        logits: logits.address("logits", 0, 4 * rows * vocab)?,
        masks: masks.address("masks", 0, masks.bytes())?,
        parts: parts.address("parts", 0, 16 * SLICES * rows.min(room))?,
        choices: chosen.address("choices", 0, 8 * rows.min(room))?,
        base: base as u32,
        vocab: *vocab as u32,
    };
    launch(step.device(), "choose_parts", [SLICES, rows, 1], 256, 256, &[args.bytes()])?;
    launch(step.device(), "choose_merge", [rows, 1, 1], 32, 256, &[args.bytes()])
}

#[derive(Clone, Copy)]
#[repr(C)]
struct DrawArgs {
    step: u64,
    logits: u64,
    masks: u64,
    draws: u64,
    choices: u64,
    base: u32,
    vocab: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for DrawArgs {}

/// Bytes of the kernel's shared memory: sums by bucket, by group of buckets and by warp.
const DRAW_SHARED: usize = 8 * (2048 + 32 + 16 + 2) + 4 * (16 + 2);

/// Draws in the place of [`choose`]'s choices, which must have been made; of the same rows of logits, as [`Choices::draw`] says.
pub fn draw(step: &Memory, logits: &Memory, rows: usize, base: usize, choices: &Choices) -> Result<()> {
    let Choices { masks, chosen, draws, vocab, .. } = choices;
    let room = chosen.bytes() / 8;
    let args = DrawArgs {
        step: step.address("step", 0, step.bytes())?,
        logits: logits.address("logits", 0, 4 * rows * vocab)?,
        masks: masks.address("masks", 0, masks.bytes())?,
        draws: draws.address("draws", 0, DRAW * rows.min(room))?,
        choices: chosen.address("choices", 0, 8 * rows.min(room))?,
        base: base as u32,
        vocab: *vocab as u32,
    };
    launch(step.device(), "draw", [rows, 1, 1], 512, DRAW_SHARED, &[args.bytes()])
}
