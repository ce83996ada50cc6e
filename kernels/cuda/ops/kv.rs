//! What goes into the KV cache: turned heads, and copies of pages.

use super::{
    super::device::{CudaError, Memory, Result},
    Arguments, PAGE, launch,
};

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

    pub(super) fn of_layer(self, cache: &Memory, layer: usize) -> Result<[u64; 2]> {
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
struct RotateArgs {
    cache: u64,
    frequencies: u64,
    layer: u64,
    values: u64,
    from: u32,
    offset: u32,
    to: [u32; 2],
    slot: u32,
    length: u32,
    kv_heads: u32,
    d: u32,
    pairs: u32,
    adjacent: u32,
    by: f32,
    _padding: u32,
}
// SAFETY: numbers.
unsafe impl Arguments for RotateArgs {}

/// Positions of a page that are wanted elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Moved<'a> {
    /// The page they are on.
    pub from: usize,
    /// The first of them, in that page.
    pub offset: usize,
    /// The pages of the sequence that they are wanted in.
    pub pages: &'a [u32],
    /// Where in it.
    pub position: usize,
    /// How many, on one page.
    pub length: usize,
    /// Positions by which their keys are turned.
    pub by: isize,
}

/// Copies positions of a page to another place, in every layer, with the keys turned. Of `how` the frequencies and their pairs are used. The two places must not overlap.
pub fn kv_rotate(shape: KvShape, cache: &Memory, moved: Moved<'_>, how: Rope<'_>) -> Result<()> {
    let Moved { from, offset, pages, position, length, by } = moved;
    let needed = (position + length).div_ceil(PAGE);
    let pages = pages.get(position / PAGE..needed).unwrap_or_default();
    let slot = position % PAGE;
    let refuse = |why: &str| {
        let message = format!("{length} positions of page {from} from {offset} on to {position}: {why}");
        Err(CudaError::new("kv_rotate", message))
    };
    if length == 0 || offset + length > PAGE || pages.len() != needed - position / PAGE {
        return refuse("they are not on one page, or the sequence has none for them");
    }
    if from.max(pages.iter().copied().max().unwrap_or(0) as usize) >= shape.pages {
        return refuse("no such page");
    }
    let first = pages[0];
    let last = pages.last().copied().unwrap_or(first);
    let overlaps =
        |page: u32, start: usize, end: usize| page as usize == from && start < offset + length && offset < end;
    if overlaps(first, slot, slot + length) || (pages.len() == 2 && overlaps(last, 0, slot + length - PAGE)) {
        return refuse("onto themselves");
    }
    let pairs = how.frequencies.map_or(0, |f| f.bytes() / 4);
    if 2 * pairs > shape.head_dim {
        return refuse("more pairs than a head has");
    }
    let elements = (shape.pages * shape.page_bytes() / 2) as u64;
    let args = RotateArgs {
        cache: cache.address("cache", 0, shape.bytes())?,
        frequencies: how.frequencies.map_or(Ok(0), |f| f.address("frequencies", 0, 4 * pairs))?,
        layer: 2 * elements,
        values: elements,
        from: from as u32,
        offset: offset as u32,
        to: [first, last],
        slot: slot as u32,
        length: length as u32,
        kv_heads: shape.kv_heads as u32,
        d: shape.head_dim as u32,
        pairs: pairs as u32,
        adjacent: how.adjacent.into(),
        by: by as f32,
        _padding: 0,
    };
    launch(cache.device(), "kv_rotate", [length, shape.kv_heads, shape.layers], 128, 0, &[args.bytes()])
}
