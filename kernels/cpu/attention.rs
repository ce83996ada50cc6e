//! Causal attention of a few query rows over a layer's keys and values, in one pass. Source: Milakov and Gimelshein, Online normalizer
//! calculation for softmax (2018); Dao et al., FlashAttention (2022).
//!
//! The query heads that share a key head, and neighbouring rows while they fit, are computed together, up to 8 queries: each key and value is loaded
//! and converted once for all of them. Positions go by in blocks of 64 from 0 on, whatever the row: scores (lanes are positions), greatest,
//! exponentials, weighted values (lanes are elements). A query's sums do not depend on which others are computed with it.

mod kernel;
#[cfg(test)]
mod tests;

use self::kernel::{Step, attend_bf16, attend_f16, attend_f32, attend_i8};
use super::{
    Activations, KvLayer, Pool,
    activations::Rows,
    kv::{PAGE, Pair, SCALED, Store},
};

/// The shape of an attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionShape {
    /// Query heads; a multiple of the layer's key heads.
    pub heads: usize,
    /// What scores are multiplied with: `1 / sqrt(head_dim)`, mostly.
    pub scale: f32,
    /// Positions that a row sees, its own included; `None` for all. At least 1.
    pub window: Option<usize>,
}

/// Neighbouring positions of a sequence.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// The sequence's pages, in order, at least up to the span's end.
    pub pages: &'a [u32],
    /// The first position.
    pub start: usize,
    /// Number of positions.
    pub rows: usize,
}

/// Queries computed together.
const TOGETHER: usize = 8;
/// Positions of a block: a page.
const BLOCK: usize = PAGE;

/// `query` is `[rows][heads * head_dim]`, already turned; row r stands at the span's position r and sees the positions of its sequence up to its own, which must
/// have been written. Writes `rows` rows of `out` (`heads * head_dim` columns), from its row `first` on.
pub fn attention(
    pool: &Pool,
    shape: AttentionShape,
    query: &[f32],
    span: Span<'_>,
    kv: &KvLayer,
    out: &mut Activations,
    first: usize,
) {
    let Span { pages, start, rows } = span;
    let (kv_heads, d) = kv.shape();
    let width = shape.heads * d;
    assert!(
        kv_heads > 0 && shape.heads.is_multiple_of(kv_heads),
        "{} query heads for {kv_heads} key heads",
        shape.heads
    );
    assert!(
        query.len() == rows * width && out.columns() == width && out.rows() >= first + rows,
        "{rows} rows of queries"
    );
    assert!(start.checked_add(rows).is_some(), "{rows} rows from position {start}");
    let pages = pages.get(..(start + rows).div_ceil(PAGE));
    let pages = pages.filter(|pages| pages.iter().all(|&page| (page as usize) < kv.pages()));
    assert!(pages.is_some(), "pages of {} positions", start + rows);
    let pages = pages.unwrap_or_default();

    let group = shape.heads / kv_heads;
    // Heads of one group and rows that go together.
    // Where there are more workers than key heads, a group is split: its keys are read twice, by two cores.
    let split = pool.workers().div_ceil(kv_heads * rows).clamp(1, group);
    let some_heads = group.div_ceil(split).min(TOGETHER);
    let some_rows = TOGETHER / some_heads;
    let (by_head, by_row) = (group.div_ceil(some_heads), rows.div_ceil(some_rows));
    // Whether each chunk's outputs are whole blocks: then it quantises them.
    let whole = (some_heads * d).is_multiple_of(32) && (group * d).is_multiple_of(32);
    let isa = pool.isa();
    let to = out.rows_from(first);
    pool.run(kv_heads * by_head * by_row, &|chunk| {
        // Later rows see more: the longest chunks go first.
        let row = (by_row - 1 - chunk / (kv_heads * by_head)) * some_rows;
        let kv_head = chunk % (kv_heads * by_head) / by_head;
        let head = kv_head * group + chunk % by_head * some_heads;
        let heads = some_heads.min((kv_head + 1) * group - head);
        let rows = some_rows.min(rows - row);
        let mut step = Step {
            heads,
            queries: rows * heads,
            width,
            head_dim: d,
            first: start + row,
            scale: shape.scale,
            window: shape.window.unwrap_or(usize::MAX),
            page: kv_heads * PAGE * d,
            pages: pages.as_ptr(),
            scales: [std::ptr::null(); 2],
            scale_page: kv_heads * PAGE * d.div_ceil(SCALED),
        };
        // SAFETY: shapes were checked above; chunks share no outputs; blocks are quantised here only if they are whole.
        unsafe {
            let query = query.as_ptr().add(row * width + head * d);
            let out = Rows { values: to.values.add(row * to.stride + head * d), ..to };
            let at = kv_head * PAGE * d;
            match &kv.store {
                Store::F16(Pair { keys, values }) => {
                    attend_f16(isa, step, query, keys[at..].as_ptr(), values[at..].as_ptr(), out);
                }
                Store::BF16(Pair { keys, values }) => {
                    attend_bf16(isa, step, query, keys[at..].as_ptr(), values[at..].as_ptr(), out);
                }
                Store::F32(Pair { keys, values }) => {
                    attend_f32(isa, step, query, keys[at..].as_ptr(), values[at..].as_ptr(), out);
                }
                Store::Q8(Pair { keys, values }, scales) => {
                    let from = kv_head * PAGE * d.div_ceil(SCALED);
                    step.scales = [scales.keys[from..].as_ptr(), scales.values[from..].as_ptr()];
                    attend_i8(isa, step, query, keys[at..].as_ptr(), values[at..].as_ptr(), out);
                }
            }
            if whole {
                for m in row..row + rows {
                    to.quantise(isa, m, head * d, heads * d);
                }
            }
        }
    });
    if !whole {
        for m in 0..rows {
            // SAFETY: the rows exist and the workers are done.
            unsafe { to.quantise(isa, m, 0, to.stride) };
        }
    }
}
