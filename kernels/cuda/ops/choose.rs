//! The next token of each row, chosen on the device.

use super::{
    super::device::{CudaError, Device, Memory, Result},
    Arguments, launch,
};

/// Slices of a row (`choose.cu`).
const SLICES: usize = 32;

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
    vocab: usize,
}

impl Choices {
    /// Bytes for so many rows.
    pub fn bytes(rows: usize, vocab: usize) -> usize {
        rows * (4 * vocab.div_ceil(32) + 16 * SLICES + 8)
    }

    /// Room for the choices of `rows` rows.
    pub fn new(device: &Device, rows: usize, vocab: usize) -> Result<Self> {
        let masks = device.zeros(rows * 4 * vocab.div_ceil(32))?;
        Ok(Self { masks, parts: device.zeros(rows * 16 * SLICES)?, chosen: device.zeros(rows * 8)?, vocab })
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
    let Choices { masks, parts, chosen, vocab } = choices;
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
struct SampleArgs {
    logits: u64,
    mask: u64,
    choices: u64,
    uniforms: u64,
    vocab: u32,
    top_k: u32,
    temperature: f32,
    top_p: f32,
}
// SAFETY: numbers.
unsafe impl Arguments for SampleArgs {}

/// Rows of logits to draw from.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// `[rows][vocab]` f32
    pub logits: &'a Memory,
    /// `[vocab]` bytes, 0 for what is forbidden.
    pub mask: Option<&'a Memory>,
    /// `[rows]`
    pub choices: &'a Memory,
    /// How many rows.
    pub rows: usize,
    /// Logits of a row.
    pub vocab: usize,
}

/// Of each row's `top_k` greatest, those that make up `top_p`, one by a uniform number.
pub fn choose_sampled(sample: Sample<'_>, uniforms: &Memory, temperature: f32, top_k: usize, top_p: f32) -> Result<()> {
    if !(1..=4096).contains(&top_k) || temperature.is_nan() || temperature <= 0.0 {
        let message = format!("top-k {top_k} (1 to 4096), temperature {temperature} (positive)");
        return Err(CudaError::new("choose_sampled", message));
    }
    let Sample { logits, mask, choices, rows, vocab } = sample;
    let args = SampleArgs {
        logits: logits.address("logits", 0, 4 * rows * vocab)?,
        mask: mask.map_or(Ok(0), |mask| mask.address("mask", 0, vocab))?,
        choices: choices.address("choices", 0, 4 * rows)?,
        uniforms: uniforms.address("uniform numbers", 0, 4 * rows)?,
        vocab: vocab as u32,
        top_k: top_k as u32,
        temperature,
        top_p,
    };
    launch(logits.device(), "choose_sampled", [rows, 1, 1], 1024, 256 + 8 * top_k, &[args.bytes()])
}

#[derive(Clone, Copy)]
#[repr(C)]
struct AcceptArgs {
    choices: u64,
    drafted: u64,
    accepted: u64,
    rows: u32,
    _padding: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for AcceptArgs {}

/// How many of `drafted` (`[rows - 1]`) the `choices` (`[rows]`) confirm, from the first on.
pub fn accept(choices: &Memory, drafted: &Memory, rows: usize, accepted: &Memory) -> Result<()> {
    let args = AcceptArgs {
        choices: choices.address("choices", 0, 4 * rows)?,
        drafted: drafted.address("drafted", 0, 4 * rows.saturating_sub(1))?,
        accepted: accepted.address("accepted", 0, 4)?,
        rows: rows as u32,
        _padding: 0,
    };
    launch(choices.device(), "accept_drafted", [1, 1, 1], 32, 0, &[args.bytes()])
}
