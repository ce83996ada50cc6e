//! Rotary position embedding. Source: Su et al., RoFormer (2021).
//!
//! Pair `i` of a head turns by `position * frequency[i]`. Cosines and sines of the rows at hand are computed once a step, for all layers. Turned keys go into the cache in the
//! same op.

use super::{
    Isa, KvLayer, PAGE, Pool, Span,
    kv::{MOST_DIM, SIDE},
    normalise,
    shared::Shared,
    simd::{Simd, entry},
};

/// Which elements of a head make a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RopePairs {
    /// `(2i, 2i + 1)`: GGUF's llama and mistral3.
    Adjacent,
    /// `(i, i + half)`: Qwen, and Hugging Face's layout.
    Halves,
}

/// The angles of some positions.
#[derive(Debug)]
pub struct Rope {
    pairs: RopePairs,
    factor: f32,
    /// [half]
    frequencies: Box<[f32]>,
    /// [rows][half]
    cos: Box<[f32]>,
    /// [rows][half]
    sin: Box<[f32]>,
}

impl Rope {
    /// For up to `rows` rows; `frequencies` holds a frequency for each pair, scaling included; `factor` multiplies cosines and sines (YaRN's
    /// attention factor; else 1).
    pub fn new(pairs: RopePairs, frequencies: &[f32], factor: f32, rows: usize) -> Self {
        let table = vec![0.0; rows * frequencies.len()].into_boxed_slice();
        Self { pairs, factor, frequencies: frequencies.into(), cos: table.clone(), sin: table }
    }

    /// Computes the angles of row `row`, which stands at `position`.
    pub fn prepare(&mut self, row: usize, position: usize) {
        self.prepare_turn(row, position as isize);
    }

    /// Computes the angles by which row `row` turns where it is moved by so many positions.
    pub fn prepare_turn(&mut self, row: usize, position: isize) {
        let half = self.frequencies.len();
        for (i, frequency) in self.frequencies.iter().enumerate() {
            // The angle is rounded to f32 as the reference implementations do; its sine is taken in f64.
            let (sin, cos) = f64::from(position as f32 * frequency).sin_cos();
            self.cos[row * half + i] = cos as f32 * self.factor;
            self.sin[row * half + i] = sin as f32 * self.factor;
        }
    }

    /// Turns each head of `heads` (`[heads][head_dim]`) by the angles of row `row`. Elements past the pairs stay.
    pub fn apply(&self, isa: Isa, row: usize, head_dim: usize, heads: &mut [f32]) {
        let half = self.frequencies.len();
        assert!(2 * half <= head_dim && heads.len().is_multiple_of(head_dim), "{half} pairs in heads of {head_dim}");
        let (cos, sin) = (&self.cos[row * half..][..half], &self.sin[row * half..][..half]);
        // SAFETY: safe code, compiled for an instruction set that is here.
        unsafe { turn(isa, self.pairs, cos, sin, head_dim, heads) };
    }
}

entry! { fn turn(pairs: RopePairs, cos: &[f32], sin: &[f32], head_dim: usize, heads: &mut [f32]) = turn_body; }

#[inline(always)]
unsafe fn turn_body<S: Simd>(pairs: RopePairs, cos: &[f32], sin: &[f32], head_dim: usize, heads: &mut [f32]) {
    let half = cos.len();
    for head in heads.chunks_exact_mut(head_dim) {
        match pairs {
            RopePairs::Halves => {
                let (low, high) = head[..2 * half].split_at_mut(half);
                for i in 0..half {
                    let (a, b) = (low[i], high[i]);
                    low[i] = a * cos[i] - b * sin[i];
                    high[i] = a * sin[i] + b * cos[i];
                }
            }
            RopePairs::Adjacent => {
                for i in 0..half {
                    let (a, b) = (head[2 * i], head[2 * i + 1]);
                    head[2 * i] = a * cos[i] - b * sin[i];
                    head[2 * i + 1] = a * sin[i] + b * cos[i];
                }
            }
        }
    }
}

/// What the products of a layer gave: `[rows][heads * head_dim]` queries, `[rows][kv_heads * head_dim]` keys and values.
#[derive(Debug)]
pub struct Projected<'a> {
    /// To be turned in place.
    pub q: &'a mut [f32],
    /// As above.
    pub k: &'a mut [f32],
    /// As it is to be stored.
    pub v: &'a [f32],
}

/// What is done to queries and keys besides turning them.
#[derive(Clone, Copy, Default)]
pub struct Adjusted<'a> {
    /// `[head_dim]` each: weights of the norms of every query head and every key head before they are turned.
    pub norms: [Option<&'a [f32]>; 2],
    /// Of these norms.
    pub eps: f32,
    /// By position, what its query is multiplied with at the end.
    pub temperature: Option<&'a (dyn Fn(usize) -> f32 + Sync)>,
}

/// Norms and turns queries and keys of the span's rows (the rope's rows, from `first_row` on) and stores keys and values in their pages.
pub fn turn_and_store(
    pool: &Pool,
    rope: &Rope,
    first_row: usize,
    adjusted: Adjusted<'_>,
    projected: Projected<'_>,
    span: Span<'_>,
    kv: &mut KvLayer,
) {
    let Span { pages, start, rows } = span;
    let (kv_heads, d) = kv.shape();
    let width = kv_heads * d;
    let Projected { q, k, v } = projected;
    assert!(rows > 0 && k.len() == rows * width && v.len() == rows * width, "{rows} rows of {width} keys and values");
    assert!(q.len().is_multiple_of(rows * d), "{rows} rows of queries in heads of {d}");
    assert!(start.checked_add(rows).is_some(), "{rows} rows from position {start}");
    assert!(pages.len() >= (start + rows).div_ceil(PAGE), "pages of {} positions", start + rows);
    let q_width = q.len() / rows;
    let used = &pages[start / PAGE..(start + rows).div_ceil(PAGE)];
    assert!(used.iter().all(|&page| (page as usize) < kv.pages()), "pages of {}", kv.pages());
    let once = |(i, page)| !used[..i].contains(page);
    assert!(used.iter().enumerate().all(once), "a page for each run of positions: two would be written as one");
    let page_len = width * PAGE;
    let isa = pool.isa();
    let (q, k, view) = (Shared::new(q), Shared::new(k), kv.view());
    // By runs of positions that lie side by side in the keys: no cache line has two writers.
    let first = start / SIDE;
    pool.run((start + rows).div_ceil(SIDE) - first, &|chunk| {
        let from = start.max((first + chunk) * SIDE);
        for position in from..(start + rows).min((first + chunk + 1) * SIDE) {
            let row = position - start;
            // SAFETY: rows of the slices, as the lengths were checked; each belongs to one chunk.
            let (q, k) = unsafe {
                (
                    std::slice::from_raw_parts_mut(q.at(row * q_width), q_width),
                    std::slice::from_raw_parts_mut(k.at(row * width), width),
                )
            };
            for (heads, norm) in [&mut *q, &mut *k].into_iter().zip(adjusted.norms) {
                let Some(weight) = norm else { continue };
                for head in heads.chunks_exact_mut(d) {
                    let mut before = [0f32; MOST_DIM];
                    before[..d].copy_from_slice(head);
                    normalise(isa, &before[..d], weight, adjusted.eps, head);
                }
            }
            rope.apply(isa, first_row + row, d, q);
            rope.apply(isa, first_row + row, d, k);
            if let Some(temperature) = adjusted.temperature {
                let factor = temperature(position);
                q.iter_mut().for_each(|q| *q *= factor);
            }
            let page = pages[position / PAGE] as usize * page_len;
            // SAFETY: the page was looked up, widths were checked, and the position is this chunk's.
            unsafe { view.write(page, position % PAGE, k, &v[row * width..][..width]) };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::random;

    fn frequencies(half: usize) -> Vec<f32> {
        (0..half).map(|i| 1e4f32.powf(-(i as f32) / half as f32)).collect()
    }

    /// The rotation as multiplication of complex numbers, in f64.
    fn expected(pairs: RopePairs, position: usize, head: &[f32]) -> Vec<f64> {
        let half = head.len() / 2;
        let mut out = vec![0.0; head.len()];
        for (i, f) in frequencies(half).into_iter().enumerate() {
            let (a, b) = match pairs {
                RopePairs::Adjacent => (2 * i, 2 * i + 1),
                RopePairs::Halves => (i, i + half),
            };
            let angle = f64::from(position as f32 * f);
            let (x, y) = (f64::from(head[a]), f64::from(head[b]));
            out[a] = x * angle.cos() - y * angle.sin();
            out[b] = x * angle.sin() + y * angle.cos();
        }
        out
    }

    #[test]
    fn turns_pairs() {
        for pairs in [RopePairs::Adjacent, RopePairs::Halves] {
            let mut rope = Rope::new(pairs, &frequencies(32), 1.0, 3);
            (0..3).for_each(|row| rope.prepare(row, 1000 + row));
            for row in 0..3 {
                let before = random(row as u64, 2 * 64);
                let mut heads = before.clone();
                rope.apply(Isa::best(), row, 64, &mut heads);
                for (head, before) in heads.chunks_exact(64).zip(before.chunks_exact(64)) {
                    for (y, want) in head.iter().zip(expected(pairs, 1000 + row, before)) {
                        assert!((f64::from(*y) - want).abs() < 1e-6, "{pairs:?}: {y} and {want}");
                    }
                }
            }
        }
    }
}
