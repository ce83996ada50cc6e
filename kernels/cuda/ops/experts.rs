//! The experts of a block.

use super::{
    super::{
        device::{CudaError, Device, Memory, Result},
        layout::CHUNK,
        matrix::Matrix,
    },
    Activation, Arguments, Part, launch, linear,
    linear::{LinearArgs, Product, product},
    padded,
};

/// Experts of a block at most (`experts.cu`).
pub const MOST_EXPERTS: usize = 512;
/// Rows from which on an expert has many tokens.
const MANY: usize = 64;

#[derive(Clone, Copy)]
#[repr(C)]
struct RouteArgs {
    step: u64,
    router: u64,
    chosen: u64,
    shares: u64,
    experts: u32,
    used: u32,
    normalised: u32,
    _padding: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for RouteArgs {}

#[derive(Clone, Copy)]
#[repr(C)]
struct GroupArgs {
    step: u64,
    chosen: u64,
    order: u64,
    work: u64,
    experts: u32,
    used: u32,
    at_once: u32,
    _padding: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for GroupArgs {}

#[derive(Clone, Copy)]
#[repr(C)]
struct ExpertArgs {
    of: LinearArgs,
    order: u64,
    work: u64,
    bytes: [u64; 2],
    used: u32,
    _padding: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for ExpertArgs {}

#[derive(Clone, Copy)]
#[repr(C)]
struct AddArgs {
    step: u64,
    x: u64,
    outer: u64,
    shares: u64,
    columns: u32,
    used: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for AddArgs {}

/// How many experts there are, how many a token takes, and their sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpertShape {
    /// How many there are.
    pub count: usize,
    /// How many a token takes.
    pub used: usize,
    /// Whether a token's shares sum to 1; else they are the router's own.
    pub normalised: bool,
    /// Columns of the residual stream.
    pub hidden: usize,
    /// Outputs of an expert's inner half.
    pub ffn: usize,
}

impl ExpertShape {
    /// Pieces of work for so many rows at most, and entries of each.
    fn work(self, rows: usize) -> (usize, usize) {
        let at_once = if rows > MANY { 32 } else { 8 };
        let entries = rows * self.used;
        (self.count.min(entries) + entries / at_once, at_once)
    }
}

/// Memory for the experts of a step.
#[derive(Debug)]
pub struct ExpertScratch {
    router: Memory,
    chosen: Memory,
    shares: Memory,
    order: Memory,
    work: Memory,
    inner: Memory,
    outer: Memory,
}

impl ExpertScratch {
    fn sizes(rows: usize, s: ExpertShape) -> [usize; 7] {
        let entries = rows * s.used;
        let items = s.work(rows).0.max(s.work(rows.min(MANY)).0);
        [
            4 * rows * s.count,
            4 * entries,
            4 * entries,
            4 * entries,
            4 * (1 + 3 * items),
            2 * entries * padded(s.ffn),
            4 * entries * s.hidden,
        ]
    }

    /// Bytes for so many rows.
    pub fn bytes(rows: usize, shape: ExpertShape) -> usize {
        Self::sizes(rows, shape).into_iter().sum()
    }

    /// Room for so many rows.
    pub fn new(device: &Device, rows: usize, shape: ExpertShape) -> Result<Self> {
        let [router, chosen, shares, order, work, inner, outer] =
            Self::sizes(rows, shape).map(|bytes| device.zeros(bytes));
        Ok(Self {
            router: router?,
            chosen: chosen?,
            shares: shares?,
            order: order?,
            work: work?,
            inner: inner?,
            outer: outer?,
        })
    }
}

/// The weights of a block's experts: `count` matrices one after the other in each of `gate`, `up` and `down`.
#[derive(Clone, Copy, Debug)]
pub struct Experts<'a> {
    /// `[count][hidden]`
    pub router: &'a Matrix,
    /// `[ffn][hidden]` each.
    pub gate: &'a Matrix,
    /// `[ffn][hidden]` each.
    pub up: &'a Matrix,
    /// `[hidden][ffn]` each.
    pub down: &'a Matrix,
}

/// Adds to the first `rows` rows of `x` (`[rows][hidden]` f32), as far as the step has so many, what their experts make of `normed` (`[rows][padded hidden]` bfloat16).
pub fn experts(
    step: &Memory,
    normed: &Memory,
    rows: usize,
    activation: Activation,
    (weights, shape): (Experts<'_>, ExpertShape),
    scratch: &ExpertScratch,
    x: &Memory,
) -> Result<()> {
    let ExpertShape { count, used, normalised, hidden, ffn } = shape;
    let Experts { router, gate, up, down } = weights;
    let fits = |m: &Matrix, rows, columns, count| (m.rows, m.columns, m.count) == (rows, columns, count);
    let all = fits(router, count, hidden, 1)
        && fits(gate, ffn, hidden, count)
        && fits(up, ffn, hidden, count)
        && fits(down, hidden, ffn, count);
    if !all || count > MOST_EXPERTS || used == 0 || used > count {
        let message = format!(
            "{used} of {count} experts (at most {MOST_EXPERTS}) of {hidden} to {ffn}, or matrices of other sizes"
        );
        return Err(CudaError::new("experts", message));
    }
    let device = x.device();
    linear(normed, rows, &[Part { weight: router, bias: None, out: &scratch.router, add: false }])?;
    let about = step.address("step", 0, step.bytes())?;
    let entries = rows * used;
    let chosen = scratch.chosen.address("chosen", 0, 4 * entries)?;
    let shares = scratch.shares.address("shares", 0, 4 * entries)?;
    let route = RouteArgs {
        step: about,
        router: scratch.router.address("router", 0, 4 * rows * count)?,
        chosen,
        shares,
        experts: count as u32,
        used: used as u32,
        normalised: normalised.into(),
        _padding: 0,
    };
    launch(device, "experts_route", [rows, 1, 1], 32, 256, &[route.bytes()])?;
    let (items, at_once) = shape.work(rows);
    let order = scratch.order.address("order", 0, 4 * entries)?;
    let work = scratch.work.address("work", 0, 4 * (1 + 3 * items))?;
    let (experts, used) = (count as u32, used as u32);
    let group = GroupArgs { step: about, chosen, order, work, experts, used, at_once: at_once as u32, _padding: 0 };
    launch(device, "experts_group", [1, 1, 1], 512, 3 * 4 * MOST_EXPERTS, &[group.bytes()])?;

    let stride = padded(ffn);
    let of = |parts: [Product; 3], input: &Memory, input_rows: usize, columns: usize| {
        Ok(LinearArgs {
            parts,
            x: input.address("inputs", 0, 2 * input_rows * padded(columns))?,
            x_stride: padded(columns) as u32,
            chunks: padded(columns).div_ceil(CHUNK) as u32,
            rows: input_rows as u32,
            activation: activation as u32,
        })
    };
    let each = |m: &Matrix| m.format.bytes(m.rows, m.columns) as u64;
    let part = |weight, out| Part { weight, bias: None, out, add: false };
    let [inner, outer, groups] = match at_once {
        8 => ["experts_inner_1", "experts_outer_1", "1"],
        _ => ["experts_inner_4", "experts_outer_4", "4"],
    };
    let shared = if groups == "1" { 4096 } else { 4 * 4096 };
    let parts = [
        product(part(gate, &scratch.inner), hidden, entries, stride, 2)?,
        product(part(up, &scratch.inner), hidden, entries, stride, 2)?,
        Product::default(),
    ];
    let bytes = [each(gate), each(up)];
    let args = ExpertArgs { of: of(parts, normed, rows, hidden)?, order, work, bytes, used, _padding: 0 };
    launch(device, inner, [items, gate.tiles(), 1], 256, shared, &[args.bytes()])?;
    let parts = [product(part(down, &scratch.outer), ffn, entries, hidden, 4)?, Product::default(), Product::default()];
    let bytes = [each(down), 0];
    let args = ExpertArgs { of: of(parts, &scratch.inner, entries, ffn)?, order, work, bytes, used, _padding: 0 };
    launch(device, outer, [items, down.tiles(), 1], 256, shared, &[args.bytes()])?;
    let add = AddArgs {
        step: about,
        x: x.address("x", 0, 4 * rows * hidden)?,
        outer: scratch.outer.address("outer", 0, 4 * entries * hidden)?,
        shares,
        columns: hidden as u32,
        used,
    };
    launch(device, "experts_add", [rows, 1, 1], 256, 0, &[add.bytes()])
}
