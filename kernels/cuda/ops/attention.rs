//! Attention over the KV cache.

use super::{
    super::device::{CudaError, Device, Memory, Result},
    Arguments,
    kv::KvShape,
    launch, named, padded,
};

/// Rows whose pages are computed all over the GPU; more have work enough by themselves (at 128 rows of 32 heads over 8 whole tiles are 64 blocks).
pub const SPLIT_ROWS: usize = 128;

/// The widths of heads that there are kernels for.
pub fn attention_dims() -> &'static [usize] {
    &[16, 32, 64, 96, 128, 256]
}

#[derive(Clone, Copy)]
#[repr(C)]
struct AttentionArgs {
    step: u64,
    q: u64,
    keys: u64,
    values: u64,
    out: u64,
    parts: u64,
    part_sums: u64,
    heads: u32,
    kv_heads: u32,
    rows: u32,
    first: u32,
    pages: u32,
    out_stride: u32,
    window: u32,
    abreast: u32,
    scale: f32,
    _padding: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for AttentionArgs {}

/// Memory for the pages' parts of a few rows.
#[derive(Debug)]
pub struct Split {
    parts: Memory,
    sums: Memory,
    /// Rows that there is room for.
    pub rows: usize,
}

impl Split {
    /// Bytes for so many rows.
    pub fn bytes(rows: usize, heads: usize, pages: usize, head_dim: usize) -> usize {
        4 * rows * heads * pages * (head_dim + 2)
    }

    /// Room for `rows` rows of a sequence of up to `pages` pages.
    pub fn new(device: &Device, rows: usize, heads: usize, pages: usize, head_dim: usize) -> Result<Self> {
        let parts = device.zeros(4 * rows * heads * pages * head_dim)?;
        Ok(Self { parts, sums: device.zeros(8 * rows * heads * pages)?, rows })
    }
}

/// One attention.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// Query heads.
    pub heads: usize,
    /// What scores are multiplied with.
    pub scale: f32,
    /// Positions that a row sees, its own included.
    pub window: Option<usize>,
    /// The first of the step's rows that is wanted, which is also the first of `q`.
    pub first: usize,
    /// How many.
    pub rows: usize,
    /// Pages that the grid covers: at least those of each sequence.
    pub pages: usize,
    /// Whether the step is of several sequences.
    pub abreast: bool,
}

/// Attends rows `first..first + rows` of `q` (`[..][heads][head_dim]` f16) to a layer of the cache; writes rows `0..rows` of `out` (`[..][padded]` bfloat16, its padding zeros already).
pub fn attention(
    step: &Memory,
    a: Attention,
    q: &Memory,
    (shape, cache, layer): (KvShape, &Memory, usize),
    split: Option<&Split>,
    out: &Memory,
) -> Result<()> {
    let d = shape.head_dim;
    if !attention_dims().contains(&d) || !a.heads.is_multiple_of(shape.kv_heads) {
        let message = format!("{} heads of {d} elements over {}", a.heads, shape.kv_heads);
        return Err(CudaError::new("attention", message));
    }
    let [keys, values] = shape.of_layer(cache, layer)?;
    let stride = padded(a.heads * d);
    let mut args = AttentionArgs {
        step: step.address("step", 0, step.bytes())?,
        q: q.address("queries", 2 * a.first * a.heads * d, 2 * a.rows * a.heads * d)?,
        keys,
        values,
        out: out.address("attended", 0, 2 * a.rows * stride)?,
        parts: 0,
        part_sums: 0,
        heads: a.heads as u32,
        kv_heads: shape.kv_heads as u32,
        rows: a.rows as u32,
        first: a.first as u32,
        pages: a.pages as u32,
        out_stride: stride as u32,
        window: a.window.map_or(0, |window| window.try_into().unwrap_or(u32::MAX)),
        abreast: a.abreast.into(),
        scale: a.scale * std::f32::consts::LOG2_E,
        _padding: 0,
    };
    let of_dim = |rest: &str| rest.parse() == Ok(d);
    let group = a.heads / shape.kv_heads;
    let tiles = if a.abreast { a.rows * group.div_ceil(16) } else { (a.rows * group).div_ceil(16) };
    match split.filter(|split| a.rows <= split.rows) {
        Some(split) => {
            args.parts = split.parts.address("parts", 0, 4 * a.rows * a.heads * a.pages * d)?;
            args.part_sums = split.sums.address("parts' sums", 0, 8 * a.rows * a.heads * a.pages)?;
            let grid = [a.pages.div_ceil(4), shape.kv_heads, tiles];
            launch(step.device(), named("attention_split", of_dim), grid, 128, 0, &[args.bytes()])?;
            let width = (d as u32).to_le_bytes();
            let threads = (d as u32).next_multiple_of(32);
            launch(step.device(), "attention_merge", [a.rows, a.heads, 1], threads, 0, &[args.bytes(), &width])
        }
        None => {
            let grid = [tiles.div_ceil(4), shape.kv_heads, 1];
            launch(step.device(), named("attention_whole", of_dim), grid, 128, 0, &[args.bytes()])
        }
    }
}
