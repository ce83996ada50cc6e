//! The launchers, one an op: they check every size against the memory that is there, and say what the kernel is. The structs of arguments are
//! those of the `.cu` files, field by field.

mod attention;
mod choose;
mod experts;
mod kv;
mod linear;

use super::{
    device::{CudaError, Device, Launch, Memory, Result},
    layout::CHUNK,
    matrix::Matrix,
};
pub use attention::{Attention, SPLIT_ROWS, Split, attention, attention_dims};
pub use choose::{Choices, choose, draw};
pub use experts::{ExpertScratch, ExpertShape, Experts, MOST_EXPERTS, experts};
pub use kv::{HeadNorms, KvShape, Moved, Rope, kv_copy, kv_rotate, rope};
pub use linear::{Activation, Part, gated, linear, round_inputs};

/// Every kernel of the module.
pub(super) const KERNELS: [&str; 47] = [
    "embed",
    "normalise",
    "rope",
    "round_inputs",
    "kv_copy",
    "kv_rotate",
    "linear_1",
    "linear_2",
    "linear_4",
    "linear_8",
    "gated_1",
    "gated_2",
    "gated_4",
    "gated_8",
    "prefill_bf16",
    "prefill_f8",
    "prefill_q8_0",
    "prefill_q4_k",
    "prefill_q6_k",
    "prefill_gated_bf16",
    "prefill_gated_f8",
    "prefill_gated_q8_0",
    "prefill_gated_q4_k",
    "prefill_gated_q6_k",
    "experts_route",
    "experts_group",
    "experts_inner_1",
    "experts_inner_4",
    "experts_outer_1",
    "experts_outer_4",
    "experts_add",
    "attention_split_16",
    "attention_split_32",
    "attention_split_64",
    "attention_split_96",
    "attention_split_128",
    "attention_split_256",
    "attention_whole_16",
    "attention_whole_32",
    "attention_whole_64",
    "attention_whole_96",
    "attention_whole_128",
    "attention_whole_256",
    "attention_merge",
    "choose_parts",
    "choose_merge",
    "draw",
];

/// Those of `wide.cu`.
pub(super) const WIDE_KERNELS: [&str; 6] =
    ["wide_bf16", "wide_f8", "wide_gated_bf16", "wide_gated_f8", "wide_bytes_f8", "wide_bytes_gated_f8"];

/// Positions of a page.
const PAGE: usize = crate::cpu::PAGE;
/// Tokens of a pass at most (`step.cuh`).
pub const STEP_PASS: usize = 512;
/// Sequences that a step may be of.
pub const STEP_ABREAST: usize = 16;
/// Words before the tokens.
const STEP_HEAD: usize = 6;
/// Columns of a product's input in memory: whole chunks.
pub fn padded(columns: usize) -> usize {
    columns.next_multiple_of(CHUNK)
}

/// A struct of arguments as a kernel takes it.
///
/// # Safety
/// `repr(C)`, numbers only, without padding (a `_padding` field fills it): every byte is initialised.
unsafe trait Arguments: Copy {
    fn bytes(&self) -> &[u8] {
        // SAFETY: the trait's promise; the driver and the emulator only copy them.
        unsafe { std::slice::from_raw_parts((&raw const *self).cast(), size_of::<Self>()) }
    }
}

fn launch(
    device: &Device,
    kernel: &'static str,
    grid: [usize; 3],
    threads: u32,
    shared: usize,
    arguments: &[&[u8]],
) -> Result<()> {
    let grid = grid.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    if grid.contains(&0) || grid[1] > 65535 || grid[2] > 65535 {
        return Err(CudaError::new(kernel, format!("a grid of {grid:?}")));
    }
    // SAFETY: each launcher has checked the sizes of what its kernel touches; arguments are of the kernel's own struct (the emulator compares sizes).
    unsafe { device.launch(&Launch { kernel, grid, threads, shared: shared as u32, arguments }) }
}

/// The kernel whose name is the prefix and what `fits`.
fn named(prefix: &str, fits: impl Fn(&str) -> bool) -> &'static str {
    let is = |kernel: &&str| kernel.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).is_some_and(&fits);
    KERNELS.into_iter().chain(WIDE_KERNELS).find(is).unwrap_or("")
}

/// What a step is about, as words in memory: rows, positions, wanted choices, tokens, pages.
#[derive(Clone, Copy, Debug)]
pub struct StepLayout {
    /// Pages that a sequence may have.
    pub pages: usize,
}

/// The rows of logits whose choice is wanted, and how many of the first of them have masks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// The first of them, of the rows of logits that there will be.
    pub first: usize,
    /// How many.
    pub rows: usize,
    /// How many have masks.
    pub masked: usize,
}

impl StepLayout {
    /// Bytes of it.
    pub fn bytes(self) -> usize {
        4 * (STEP_HEAD + STEP_PASS + STEP_ABREAST * (1 + self.pages))
    }

    /// Writes it: the next tokens of one sequence, at most [`STEP_PASS`], or one each of several, at most [`STEP_ABREAST`]. Of each sequence the position of its next token and
    /// its pages, up to that of its last token at least.
    pub fn fill(
        self,
        words: &mut Vec<u8>,
        sequences: &[(usize, &[u32])],
        tokens: &[u32],
        wanted: Wanted,
    ) -> Result<()> {
        let abreast = sequences.len() > 1;
        let most = if abreast { STEP_ABREAST } else { STEP_PASS };
        let each = if abreast { 1 } else { tokens.len() };
        let room = |&(position, pages): &(usize, &[u32])| {
            pages.len() <= self.pages && (position + each).div_ceil(PAGE) <= pages.len()
        };
        if tokens.len() > most || sequences.len() * each != tokens.len() || !sequences.iter().all(room) {
            let of = |&(position, pages): &(usize, &[u32])| format!("{position} in {} pages", pages.len());
            let all: Vec<String> = sequences.iter().map(of).collect();
            let message = format!("{} tokens at {}; {} pages at most", tokens.len(), all.join(", "), self.pages);
            return Err(CudaError::new("step", message));
        }
        let stride = if abreast { self.pages } else { 0 };
        let first = sequences.first().map_or(0, |(position, _)| *position);
        words.clear();
        let mut put = |word: usize| words.extend((word as u32).to_le_bytes());
        [tokens.len(), first, stride, wanted.first, wanted.rows, wanted.masked].into_iter().for_each(&mut put);
        tokens.iter().for_each(|token| put(*token as usize));
        (tokens.len()..STEP_PASS).for_each(|_| put(0));
        sequences.iter().for_each(|(position, _)| put(*position));
        (sequences.len()..STEP_ABREAST).for_each(|_| put(0));
        for (i, (_, pages)) in sequences.iter().enumerate() {
            pages.iter().for_each(|page| put(*page as usize));
            if i + 1 < sequences.len() {
                (pages.len()..stride).for_each(|_| put(0));
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
#[repr(C)]
struct EmbedArgs {
    step: u64,
    embedding: u64,
    positions: u64,
    x: u64,
    format: u32,
    positions_format: u32,
    chunks: u32,
    columns: u32,
    scale: f32,
    positions_scale: f32,
}
// SAFETY: numbers.
unsafe impl Arguments for EmbedArgs {}

/// What `embed` reads.
#[derive(Clone, Copy, Debug)]
pub struct Embed<'a> {
    /// `[vocab][hidden]`
    pub embedding: &'a Matrix,
    /// `[positions][hidden]`, where positions are learned.
    pub positions: Option<&'a Matrix>,
    /// Of what the embedding gives.
    pub scale: f32,
}

/// `x[m] = scale * embedding[token m] (+ positions[position m])` for the step's rows, at most `rows`. Tokens and positions must be rows of theirs.
pub fn embed(step: &Memory, what: Embed<'_>, rows: usize, x: &Memory) -> Result<()> {
    let Embed { embedding, positions, scale } = what;
    let columns = embedding.columns;
    if positions.is_some_and(|p| p.columns != columns) {
        return Err(CudaError::new("embed", "positions of another width"));
    }
    let args = EmbedArgs {
        step: step.address("step", 0, step.bytes())?,
        embedding: embedding.address()?,
        positions: positions.map_or(Ok(0), Matrix::address)?,
        x: x.address("x", 0, 4 * rows * columns)?,
        format: embedding.format as u32,
        positions_format: positions.map_or(0, |p| p.format as u32),
        chunks: embedding.format.chunks(columns) as u32,
        columns: columns as u32,
        scale: embedding.scale * scale,
        positions_scale: positions.map_or(0.0, |p| p.scale),
    };
    launch(step.device(), "embed", [rows, 1, 1], 256, 0, &[args.bytes()])
}

#[derive(Clone, Copy)]
#[repr(C)]
struct NormArgs {
    x: u64,
    weight: u64,
    bias: u64,
    y: u64,
    columns: u32,
    stride: u32,
    eps: f32,
    first: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for NormArgs {}

/// Normalises rows `first..first + rows` of `x` (`[..][columns]` f32) into rows `0..rows` of `y` (`[..][padded]` bfloat16). With a bias the mean is taken off.
pub fn normalise(
    x: &Memory,
    first: usize,
    rows: usize,
    weight: &Memory,
    bias: Option<&Memory>,
    eps: f32,
    y: &Memory,
) -> Result<()> {
    let columns = weight.bytes() / 4;
    let args = NormArgs {
        x: x.address("x", 0, 4 * (first + rows) * columns)?,
        weight: weight.address("weight", 0, 4 * columns)?,
        bias: bias.map_or(Ok(0), |bias| bias.address("bias", 0, 4 * columns))?,
        y: y.address("y", 0, 2 * rows * padded(columns))?,
        columns: columns as u32,
        stride: padded(columns) as u32,
        eps,
        first: first as u32,
    };
    launch(x.device(), "normalise", [rows, 1, 1], 1024, 4 * 33, &[args.bytes()])
}
