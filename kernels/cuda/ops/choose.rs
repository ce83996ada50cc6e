//! The next token of each row, chosen on the device.

use super::{
    super::device::{CudaError, Memory, Result},
    Arguments, launch,
};

#[derive(Clone, Copy)]
#[repr(C)]
struct ChooseArgs {
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
unsafe impl Arguments for ChooseArgs {}

/// Rows of logits to choose from.
#[derive(Clone, Copy, Debug)]
pub struct Choose<'a> {
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

impl Choose<'_> {
    fn args(self) -> Result<ChooseArgs> {
        Ok(ChooseArgs {
            logits: self.logits.address("logits", 0, 4 * self.rows * self.vocab)?,
            mask: self.mask.map_or(Ok(0), |mask| mask.address("mask", 0, self.vocab))?,
            choices: self.choices.address("choices", 0, 4 * self.rows)?,
            uniforms: 0,
            vocab: self.vocab as u32,
            top_k: 0,
            temperature: 1.0,
            top_p: 1.0,
        })
    }
}

/// The greatest logit of each row.
pub fn choose_greedy(choose: Choose<'_>) -> Result<()> {
    let args = choose.args()?;
    launch(choose.logits.device(), "choose_greedy", [choose.rows, 1, 1], 1024, 256, &[args.bytes()])
}

/// Of each row's `top_k` greatest, those that make up `top_p`, one by a uniform number.
pub fn choose_sampled(choose: Choose<'_>, uniforms: &Memory, temperature: f32, top_k: usize, top_p: f32) -> Result<()> {
    if !(1..=4096).contains(&top_k) || temperature.is_nan() || temperature <= 0.0 {
        let message = format!("top-k {top_k} (1 to 4096), temperature {temperature} (positive)");
        return Err(CudaError::new("choose_sampled", message));
    }
    let uniforms = uniforms.address("uniform numbers", 0, 4 * choose.rows)?;
    let args = ChooseArgs { uniforms, top_k: top_k as u32, temperature, top_p, ..choose.args()? };
    launch(choose.logits.device(), "choose_sampled", [choose.rows, 1, 1], 1024, 256 + 8 * top_k, &[args.bytes()])
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
