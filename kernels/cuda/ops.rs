//! The launchers, one an op: they check every size against the memory that is there, and say what the kernel is. The structs of arguments are
//! those of the `.cu` files, field by field.

use super::{
    device::{CudaError, Device, Launch, Memory, Result},
    layout::{CHUNK, Format},
    matrix::Matrix,
};

/// Every kernel of the module.
pub(super) const KERNELS: [&str; 36] = [
    "embed",
    "normalise",
    "rope",
    "kv_copy",
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
    "attention_split_32",
    "attention_split_64",
    "attention_split_96",
    "attention_split_128",
    "attention_split_256",
    "attention_whole_32",
    "attention_whole_64",
    "attention_whole_96",
    "attention_whole_128",
    "attention_whole_256",
    "attention_merge",
    "choose_greedy",
    "choose_sampled",
    "accept_drafted",
];

/// Positions of a page.
const PAGE: usize = crate::cpu::PAGE;
/// Tokens of a pass at most (`step.cuh`).
pub const STEP_PASS: usize = 512;
/// Rows whose pages are computed all over the GPU; more have work enough by themselves.
pub const SPLIT_ROWS: usize = 32;

/// Columns of a product's input in memory: whole chunks.
pub fn padded(columns: usize) -> usize {
    columns.next_multiple_of(CHUNK)
}

/// The widths of heads that there are kernels for.
pub fn attention_dims() -> &'static [usize] {
    &[32, 64, 96, 128, 256]
}

/// A struct of arguments as a kernel takes it.
///
/// # Safety
/// `repr(C)` without padding whose bytes are not initialised, or with padding that is never read: only numbers.
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

/// What a step is about, as words in memory: position, rows, tokens, pages.
#[derive(Clone, Copy, Debug)]
pub struct StepLayout {
    /// Pages that a sequence may have.
    pub pages: usize,
}

impl StepLayout {
    /// Bytes of it.
    pub fn bytes(self) -> usize {
        4 * (2 + STEP_PASS + self.pages)
    }

    /// Writes it. `tokens` are at most [`STEP_PASS`], pages are those of the sequence up to the last token at least.
    pub fn fill(self, words: &mut Vec<u8>, position: usize, tokens: &[u32], pages: &[u32]) -> Result<()> {
        if tokens.len() > STEP_PASS
            || pages.len() > self.pages
            || (position + tokens.len()).div_ceil(PAGE) > pages.len()
        {
            let message = format!("{} tokens at {position} in {} of {} pages", tokens.len(), pages.len(), self.pages);
            return Err(CudaError::new("step", message));
        }
        words.clear();
        words.extend((position as u32).to_le_bytes());
        words.extend((tokens.len() as u32).to_le_bytes());
        words.extend(tokens.iter().flat_map(|token| token.to_le_bytes()));
        words.resize(4 * (2 + STEP_PASS), 0);
        words.extend(pages.iter().flat_map(|page| page.to_le_bytes()));
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
        step: step.address("step", 0, 4 * (2 + STEP_PASS))?,
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
    launch(x.device(), "normalise", [rows, 1, 1], 256, 64, &[args.bytes()])
}

#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Product {
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
struct LinearArgs {
    parts: [Product; 3],
    x: u64,
    x_stride: u32,
    chunks: u32,
    rows: u32,
    activation: u32,
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

fn groups_of(rows: usize) -> (usize, usize) {
    let index = match rows {
        0..=8 => 0,
        9..=16 => 1,
        17..=32 => 2,
        _ => 3,
    };
    (index, 1 << index)
}

fn product(part: Part<'_>, columns: usize, rows: usize, stride: usize, out_bytes: usize) -> Result<Product> {
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
            let kernel = prefill_kernel(part.weight.format, false);
            let grid = [rows.div_ceil(128), part.weight.tiles().div_ceil(8), 1];
            launch(x.device(), kernel, grid, 256, prefill_shared(part.weight.format), &[args.bytes()])?;
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
        let grid = [rows.div_ceil(128), gate.tiles().div_ceil(4), 1];
        let kernel = prefill_kernel(gate.format, true);
        return launch(x.device(), kernel, grid, 256, prefill_shared(gate.format), &[args.bytes()]);
    }
    let (index, groups) = groups_of(rows);
    let kernel = ["gated_1", "gated_2", "gated_4", "gated_8"][index];
    launch(x.device(), kernel, [rows.div_ceil(8 * groups), gate.tiles(), 1], 256, groups * 4096, &[args.bytes()])
}

/// The kernel of a name made of these.
fn named(prefix: &str, what: impl std::fmt::Display) -> &'static str {
    let name = format!("{prefix}_{what}");
    KERNELS.into_iter().find(|kernel| *kernel == name).unwrap_or("")
}

fn prefill_kernel(format: Format, gated: bool) -> &'static str {
    named(if gated { "prefill_gated" } else { "prefill" }, format.name())
}

#[derive(Clone, Copy)]
#[repr(C)]
struct RopeArgs {
    step: u64,
    q: u64,
    k: u64,
    v: u64,
    q_norm: u64,
    k_norm: u64,
    frequencies: u64,
    out: u64,
    keys: u64,
    values: u64,
    heads: u32,
    kv_heads: u32,
    d: u32,
    pairs: u32,
    adjacent: u32,
    magnitude: f32,
    eps: f32,
    beta: f32,
    original: u32,
    _padding: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for RopeArgs {}

/// How a cache lies in memory: `[layers][2][pages][kv_heads][64 x head_dim]` f16, keys by position, values by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvShape {
    /// Layers.
    pub layers: usize,
    /// Pages of each.
    pub pages: usize,
    /// Key heads.
    pub kv_heads: usize,
    /// Elements of a head.
    pub head_dim: usize,
}

impl KvShape {
    /// Bytes of one page of one layer's keys, or of its values.
    pub fn page_bytes(self) -> usize {
        2 * self.kv_heads * PAGE * self.head_dim
    }

    /// Bytes of it all.
    pub fn bytes(self) -> usize {
        2 * self.layers * self.pages * self.page_bytes()
    }

    /// Where a layer's keys of a page begin, and its values.
    pub fn places(self, layer: usize, page: usize) -> [usize; 2] {
        [0, 1].map(|which| ((2 * layer + which) * self.pages + page) * self.page_bytes())
    }

    fn of_layer(self, cache: &Memory, layer: usize) -> Result<[u64; 2]> {
        let [keys, values] = self.places(layer, 0);
        let bytes = self.pages * self.page_bytes();
        Ok([cache.address("keys", keys, bytes)?, cache.address("values", values, bytes)?])
    }
}

/// How heads are turned.
#[derive(Clone, Copy, Debug)]
pub struct Rope<'a> {
    /// `[pairs]` f32, scaled; none where positions are learned.
    pub frequencies: Option<&'a Memory>,
    /// Pairs are neighbours, not halves.
    pub adjacent: bool,
    /// Of cosines and sines.
    pub magnitude: f32,
    /// Beta and the original context, where queries grow with their position.
    pub temperature: Option<(f32, usize)>,
}

/// `[head_dim]` each, where heads are normalised.
#[derive(Clone, Copy, Debug)]
pub struct HeadNorms<'a> {
    /// Of query heads.
    pub q: Option<&'a Memory>,
    /// Of key heads.
    pub k: Option<&'a Memory>,
    /// Their epsilon.
    pub eps: f32,
}

/// Turns `q` (`[rows][heads][head_dim]` f32) into `out` (f16), and stores turned `k` and `v` in a layer of the cache, for the step's rows, at most `rows`.
#[allow(clippy::too_many_arguments, reason = "a kernel's inputs and outputs")]
pub fn rope(
    step: &Memory,
    rows: usize,
    heads: usize,
    [q, k, v]: [&Memory; 3],
    norms: HeadNorms<'_>,
    rope: Rope<'_>,
    (shape, cache, layer): (KvShape, &Memory, usize),
    out: &Memory,
) -> Result<()> {
    let d = shape.head_dim;
    let [keys, values] = shape.of_layer(cache, layer)?;
    let pairs = rope.frequencies.map_or(0, |f| f.bytes() / 4);
    if 2 * pairs > d {
        return Err(CudaError::new("rope", format!("{pairs} pairs in heads of {d}")));
    }
    let norm = |norm: Option<&Memory>| norm.map_or(Ok(0), |norm| norm.address("head norm", 0, 4 * d));
    let args = RopeArgs {
        step: step.address("step", 0, step.bytes())?,
        q: q.address("q", 0, 4 * rows * heads * d)?,
        k: k.address("k", 0, 4 * rows * shape.kv_heads * d)?,
        v: v.address("v", 0, 4 * rows * shape.kv_heads * d)?,
        q_norm: norm(norms.q)?,
        k_norm: norm(norms.k)?,
        frequencies: rope.frequencies.map_or(Ok(0), |f| f.address("frequencies", 0, 4 * pairs))?,
        out: out.address("turned queries", 0, 2 * rows * heads * d)?,
        keys,
        values,
        heads: heads as u32,
        kv_heads: shape.kv_heads as u32,
        d: d as u32,
        pairs: pairs as u32,
        adjacent: rope.adjacent.into(),
        magnitude: rope.magnitude,
        eps: norms.eps,
        beta: rope.temperature.map_or(0.0, |(beta, _)| beta),
        original: rope.temperature.map_or(0, |(_, original)| original.try_into().unwrap_or(u32::MAX)),
        _padding: 0,
    };
    launch(step.device(), "rope", [rows, heads + 2 * shape.kv_heads, 1], 128, 4 * (8 + d), &[args.bytes()])
}

#[derive(Clone, Copy)]
#[repr(C)]
struct CopyArgs {
    cache: u64,
    layer: u64,
    values: u64,
    from: u32,
    to: u32,
    length: u32,
    kv_heads: u32,
    d: u32,
    _padding: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for CopyArgs {}

/// Copies the first `length` positions of page `from` to page `to` in every layer.
pub fn kv_copy(shape: KvShape, cache: &Memory, from: usize, to: usize, length: usize) -> Result<()> {
    if from.max(to) >= shape.pages || length > PAGE {
        let message = format!("{length} positions of page {from} to {to} of {}", shape.pages);
        return Err(CudaError::new("kv_copy", message));
    }
    let elements = (shape.pages * shape.page_bytes() / 2) as u64;
    let args = CopyArgs {
        cache: cache.address("cache", 0, shape.bytes())?,
        layer: 2 * elements,
        values: elements,
        from: from as u32,
        to: to as u32,
        length: length as u32,
        kv_heads: shape.kv_heads as u32,
        d: shape.head_dim as u32,
        _padding: 0,
    };
    launch(cache.device(), "kv_copy", [shape.layers, shape.kv_heads, 1], 256, 0, &[args.bytes()])
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
    scale: f32,
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
    /// Pages that the grid covers: at least those of the sequence.
    pub pages: usize,
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
        scale: a.scale * std::f32::consts::LOG2_E,
    };
    let tiles = (a.rows * (a.heads / shape.kv_heads)).div_ceil(16);
    match split.filter(|split| a.rows <= split.rows) {
        Some(split) => {
            args.parts = split.parts.address("parts", 0, 4 * a.rows * a.heads * a.pages * d)?;
            args.part_sums = split.sums.address("parts' sums", 0, 8 * a.rows * a.heads * a.pages)?;
            let grid = [a.pages.div_ceil(4), shape.kv_heads, tiles];
            launch(step.device(), named("attention_split", d), grid, 128, 0, &[args.bytes()])?;
            let width = (d as u32).to_le_bytes();
            let threads = (d as u32).next_multiple_of(32);
            launch(step.device(), "attention_merge", [a.rows, a.heads, 1], threads, 0, &[args.bytes(), &width])
        }
        None => {
            let grid = [tiles.div_ceil(4), shape.kv_heads, 1];
            launch(step.device(), named("attention_whole", d), grid, 128, 0, &[args.bytes()])
        }
    }
}

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
