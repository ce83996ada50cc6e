//! Products with the weights: of a layer's matrices, and the inner half of an MLP.

use super::{
    super::{
        device::{CudaError, Memory, Result},
        layout::{CHUNK, Format},
        matrix::Matrix,
    },
    Arguments, launch, named, padded,
};

#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(super) struct Product {
    weights: u64,
    bias: u64,
    out: u64,
    format: u32,
    outputs: u32,
    stride: u32,
    tiles: u32,
    scale: f32,
    add: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct LinearArgs {
    pub(super) parts: [Product; 3],
    pub(super) x: u64,
    pub(super) x_stride: u32,
    pub(super) chunks: u32,
    pub(super) rows: u32,
    pub(super) activation: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for LinearArgs {}

/// One matrix of a product, and where its outputs go: `[rows][stride]`, f32.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The weights.
    pub weight: &'a Matrix,
    /// `[outputs]` f32.
    pub bias: Option<&'a Memory>,
    /// The outputs.
    pub out: &'a Memory,
    /// Whether to add to what is there.
    pub add: bool,
}

/// The non-linearity of an MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Activation {
    /// `x * sigmoid(x)`
    Silu = 0,
    /// GELU by its tanh formula.
    GeluTanh = 1,
}

/// Rows of a product from which on shared memory pays: below, an input is read straight from the cache.
const FEW: usize = 64;

/// Tokens of a block of `wide.cu`, and its shared memory: two stages of 64 columns, the sums of 128 outputs, and what aligns them.
const WIDE_TOKENS: usize = 256;
const WIDE_SHARED: usize = 2 * WIDE_TOKENS * 128 + 4 * 128 * WIDE_TOKENS + 1024;

fn groups_of(rows: usize) -> (usize, usize) {
    let index = match rows {
        0..=8 => 0,
        9..=16 => 1,
        17..=32 => 2,
        _ => 3,
    };
    (index, 1 << index)
}

pub(super) fn product(part: Part<'_>, columns: usize, rows: usize, stride: usize, out_bytes: usize) -> Result<Product> {
    let Part { weight, bias, out, add } = part;
    if weight.columns != columns {
        return Err(CudaError::new("linear", format!("a matrix of {} columns for {columns} inputs", weight.columns)));
    }
    Ok(Product {
        weights: weight.address()?,
        bias: bias.map_or(Ok(0), |bias| bias.address("bias", 0, 4 * weight.rows))?,
        out: out.address("outputs", 0, out_bytes * rows * stride)?,
        format: weight.format as u32,
        outputs: weight.rows as u32,
        stride: stride as u32,
        tiles: weight.tiles() as u32,
        scale: weight.scale,
        add: add.into(),
    })
}

fn prefill_shared(format: Format) -> usize {
    let (head, chunk, _) = format.unit();
    3 * (8 * (head + chunk) + 128 * 128)
}

#[derive(Clone, Copy)]
#[repr(C)]
struct RoundArgs {
    x: u64,
    stride: u32,
    bytes: u32,
    inverse: f32,
    _padding: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for RoundArgs {}

/// Whether a product of so many rows reads its inputs as bytes.
fn by_bytes(weight: &Matrix, rows: usize) -> bool {
    weight.inputs.is_some() && rows > FEW && weight.memory.device().wide_bytes()
}

/// Rounds the inputs `x` (`[rows][padded columns]` bfloat16) of a matrix, and of all others that are multiplied with them, where its file prescribes that; the products of as many rows
/// expect it.
pub fn round_inputs(x: &Memory, rows: usize, weight: &Matrix) -> Result<()> {
    let Some(scale) = weight.inputs else { return Ok(()) };
    let (columns, stride) = (weight.columns, padded(weight.columns));
    // Bytes must not reach into the padding, which stays zeros for those who come later.
    if weight.format != Format::F8E4M3 || columns < stride / 2 {
        return Err(CudaError::new("round_inputs", format!("inputs of {columns} columns of {:?}", weight.format)));
    }
    let args = RoundArgs {
        x: x.address("inputs", 0, 2 * rows * stride)?,
        stride: stride as u32,
        bytes: by_bytes(weight, rows).into(),
        inverse: 1.0 / scale,
        _padding: 0,
    };
    launch(x.device(), "round_inputs", [rows, 1, 1], 256, 0, &[args.bytes()])
}

/// `out = W x (+ b) (+ out)` for each of one to three matrices; `x` is `[rows][padded columns]` bfloat16.
pub fn linear(x: &Memory, rows: usize, parts: &[Part<'_>]) -> Result<()> {
    let Some(columns) = parts.first().map(|part| part.weight.columns).filter(|_| parts.len() <= 3) else {
        return Err(CudaError::new("linear", format!("{} matrices: one to three are computed together", parts.len())));
    };
    let mut products = [Product::default(); 3];
    for (product_, part) in products.iter_mut().zip(parts) {
        *product_ = product(*part, columns, rows, part.weight.rows, 4)?;
    }
    let mut args = LinearArgs {
        parts: products,
        x: x.address("inputs", 0, 2 * rows * padded(columns))?,
        x_stride: padded(columns) as u32,
        chunks: padded(columns).div_ceil(CHUNK) as u32,
        rows: rows as u32,
        activation: 0,
    };
    if rows > FEW {
        for (product, part) in products.iter().zip(parts) {
            args.parts[0] = *product;
            many(x, part.weight, rows, false, &args)?;
        }
        return Ok(());
    }
    let (index, groups) = groups_of(rows);
    let kernel = ["linear_1", "linear_2", "linear_4", "linear_8"][index];
    let tiles: usize = parts.iter().map(|part| part.weight.tiles()).sum();
    launch(x.device(), kernel, [rows.div_ceil(8 * groups), tiles, 1], 256, groups * 4096, &[args.bytes()])
}

/// The inner half of an MLP: `out = act(gate x) * (up x)`, or `act(gate x)` without `up`; `out` is `[rows][padded outputs]` bfloat16, its padding zeros already.
pub fn gated(
    x: &Memory,
    rows: usize,
    activation: Activation,
    (gate, gate_bias): (&Matrix, Option<&Memory>),
    up: Option<(&Matrix, Option<&Memory>)>,
    out: &Memory,
) -> Result<()> {
    let stride = padded(gate.rows);
    let part = |weight, bias| Part { weight, bias, out, add: false };
    let mut parts = [Product::default(); 3];
    parts[0] = product(part(gate, gate_bias), gate.columns, rows, stride, 2)?;
    if let Some((up, bias)) = up {
        if up.rows != gate.rows {
            return Err(CudaError::new("gated", format!("{} and {} outputs", gate.rows, up.rows)));
        }
        parts[1] = product(part(up, bias), gate.columns, rows, stride, 2)?;
    }
    let args = LinearArgs {
        parts,
        x: x.address("inputs", 0, 2 * rows * padded(gate.columns))?,
        x_stride: padded(gate.columns) as u32,
        chunks: padded(gate.columns).div_ceil(CHUNK) as u32,
        rows: rows as u32,
        activation: activation as u32,
    };
    if rows > FEW && up.is_some_and(|(up, _)| up.format == gate.format) {
        return many(x, gate, rows, true, &args);
    }
    if by_bytes(gate, rows) {
        return Err(CudaError::new("gated", "inputs of bytes for one matrix"));
    }
    let (index, groups) = groups_of(rows);
    let kernel = ["gated_1", "gated_2", "gated_4", "gated_8"][index];
    launch(x.device(), kernel, [rows.div_ceil(8 * groups), gate.tiles(), 1], 256, groups * 4096, &[args.bytes()])
}

/// A product of more than [`FEW`] rows: by Hopper's asynchronous products where there are these and they multiply the format.
fn many(x: &Memory, weight: &Matrix, rows: usize, gated: bool, args: &LinearArgs) -> Result<()> {
    let (device, format) = (x.device(), weight.format);
    let wide = device.wide() && matches!(format, Format::BF16 | Format::F8E4M3);
    let (tokens, shared) = if wide { (WIDE_TOKENS, WIDE_SHARED) } else { (128, prefill_shared(format)) };
    let prefix = match (by_bytes(weight, rows), wide, gated) {
        (true, _, true) => "wide_bytes_gated",
        (true, _, false) => "wide_bytes",
        (false, true, true) => "wide_gated",
        (false, true, false) => "wide",
        (false, false, true) => "prefill_gated",
        (false, false, false) => "prefill",
    };
    let kernel = named(prefix, |rest| rest == format.name());
    let grid = [rows.div_ceil(tokens), weight.tiles().div_ceil(if gated { 4 } else { 8 }), 1];
    launch(device, kernel, grid, 256, shared, &[args.bytes()])
}
