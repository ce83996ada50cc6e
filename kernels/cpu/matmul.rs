//! `y[m][n] = sum over k of x[m][k] * w[n][k]`, for a run of tiles: the kernel under [`linear`](super::linear()) and [`gated`](super::gated()).
//!
//! A tile gives 16 outputs, one a lane. Quantised: the 32 columns of a block are summed in i32 (exactly), and the sum goes to the lane's f32
//! accumulator by one fused multiply-add, block after block. Float: even and odd columns have an accumulator each. Either way a row's
//! sums never depend on how many rows are computed with it, nor on the instruction set: prefill, verification and decoding agree to the bit.
//! Up to 8 rows share each load of weights.

use super::{
    Dtype,
    activations::Rows,
    format::{Format, Scheme, TILE, float, with_format},
    simd::{Simd, entry},
};

/// A run of tiles of one matrix.
#[derive(Clone, Copy)]
pub(crate) struct Tiles {
    pub(crate) dtype: Dtype,
    pub(crate) start: *const u8,
    pub(crate) bytes: usize,
    pub(crate) count: usize,
    pub(crate) columns: usize,
}

/// Where results go: output `n` of row `m` to `start[m * stride + n]`.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) start: *mut f32,
    pub(crate) stride: usize,
    /// Outputs of the run: at most 16 a tile; the rest of the last tile is padding.
    pub(crate) outputs: usize,
    /// Added to the outputs; null for none.
    pub(crate) bias: *const f32,
    /// Whether to add to what is there (a residual) instead of overwriting it.
    pub(crate) add: bool,
}

entry! {
    /// Multiplies `rows` rows of `x` with the tiles.
    ///
    /// # Safety
    /// All rows of `x` have the tiles' columns; the target holds `rows` rows; no other worker touches its elements.
    fn matmul(tiles: Tiles, x: Rows, rows: usize, target: Target) = matmul_body;
}

#[inline(always)]
unsafe fn matmul_body<S: Simd>(tiles: Tiles, x: Rows, rows: usize, target: Target) {
    with_format!(tiles.dtype, Q => run::<S, Quantised<Q>>(tiles, x, rows, target), else match tiles.dtype {
        Dtype::F16 => run::<S, Plain<float::Half>>(tiles, x, rows, target),
        Dtype::BF16 => run::<S, Plain<float::Brain>>(tiles, x, rows, target),
        _ => run::<S, Plain<float::Single>>(tiles, x, rows, target),
    });
}

/// How far ahead weights are asked for: what arrives in the time that memory takes to answer. Left alone, the processor keeps too few reads under way
/// while it decodes the formats of 4 to 6 bits.
const AHEAD: usize = 4096;

/// Asks for the `bytes` bytes that come [`AHEAD`] of `p`.
#[inline(always)]
unsafe fn prefetch<S: Simd>(p: *const u8, bytes: usize) {
    let mut at = 0;
    while at < bytes {
        S::prefetch(p.wrapping_add(AHEAD + at));
        at += 64;
    }
}

trait Product {
    /// `first`: the first rows of a pass, which find the weights in memory; later ones find them in the cache.
    unsafe fn tile<S: Simd, const M: usize>(tile: *const u8, columns: usize, x: Rows, first: bool) -> [S::F; M];
}

#[inline(always)]
unsafe fn run<S: Simd, P: Product>(tiles: Tiles, x: Rows, rows: usize, target: Target) {
    for t in 0..tiles.count {
        let tile = tiles.start.add(t * tiles.bytes);
        let mut m = 0;
        while S::ROWS >= 8 && rows - m >= 8 {
            emit::<S, 8>(target, t, m, P::tile::<S, 8>(tile, tiles.columns, x.from(m), m == 0));
            m += 8;
        }
        while S::ROWS >= 4 && rows - m >= 4 {
            emit::<S, 4>(target, t, m, P::tile::<S, 4>(tile, tiles.columns, x.from(m), m == 0));
            m += 4;
        }
        while S::ROWS >= 2 && rows - m >= 2 {
            emit::<S, 2>(target, t, m, P::tile::<S, 2>(tile, tiles.columns, x.from(m), m == 0));
            m += 2;
        }
        while rows > m {
            emit::<S, 1>(target, t, m, P::tile::<S, 1>(tile, tiles.columns, x.from(m), m == 0));
            m += 1;
        }
    }
}

#[inline(always)]
unsafe fn emit<S: Simd, const M: usize>(target: Target, tile: usize, row: usize, sums: [S::F; M]) {
    let n = TILE * tile;
    for m in 0..M {
        let out = target.start.add((row + m) * target.stride + n);
        if target.outputs - n >= TILE {
            let mut y = sums[m];
            if !target.bias.is_null() {
                y = S::add(y, S::load(target.bias.add(n)));
            }
            if target.add {
                y = S::add(y, S::load(out));
            }
            S::store(out, y);
        } else {
            let mut lanes = [0.0; TILE];
            S::store(lanes.as_mut_ptr(), sums[m]);
            for i in 0..target.outputs - n {
                if !target.bias.is_null() {
                    lanes[i] += *target.bias.add(n + i);
                }
                *out.add(i) = if target.add { lanes[i] + *out.add(i) } else { lanes[i] };
            }
        }
    }
}

struct Quantised<Q>(std::marker::PhantomData<Q>);

impl<Q: Format> Product for Quantised<Q> {
    #[inline(always)]
    unsafe fn tile<S: Simd, const M: usize>(tile: *const u8, columns: usize, x: Rows, first: bool) -> [S::F; M] {
        let mut sums = [S::splat(0.0); M];
        for u in 0..columns / (32 * Q::BLOCKS) {
            let unit = tile.add(u * Q::UNIT);
            let head = Q::head::<S>(unit);
            for b in 0..Q::BLOCKS {
                if first {
                    prefetch::<S>(unit.add(Q::UNIT / Q::BLOCKS * b), Q::UNIT / Q::BLOCKS);
                }
                let w = Q::weights::<S>(unit, b);
                let scales = Q::scales::<S>(unit, b, head);
                let minima = Q::minima::<S>(unit, b, head);
                let at = u * Q::BLOCKS + b;
                for m in 0..M {
                    let bytes = x.bytes.add(m * x.stride + 32 * at);
                    let block = x.blocks.add(m * (x.stride / 32) + at);
                    let scale = S::splat((*block).scale);
                    match Q::SCHEME {
                        Scheme::Offset { shift } => {
                            let start =
                                if Q::WIDE && !S::BIASED { S::splat_i(0) } else { offset::<S>((*block).offset, shift) };
                            let sum = S::to_f(dot::<S, Q, 0, 8>(start, w, bytes));
                            sums[m] = S::fma(sum, S::mul(scales[0], scale), sums[m]);
                        }
                        Scheme::Minimum => {
                            let sum = S::to_f(dot::<S, Q, 0, 8>(S::splat_i(0), w, bytes));
                            sums[m] = S::fma(sum, S::mul(scales[0], scale), sums[m]);
                            sums[m] = S::fnma(minima, S::splat((*block).weighted), sums[m]);
                        }
                        Scheme::Halves { shift } => {
                            let low = (*block).offset_low;
                            let low_sum = S::to_f(dot::<S, Q, 0, 4>(offset::<S>(low, shift), w, bytes));
                            let high = (*block).offset - low;
                            let high_sum = S::to_f(dot::<S, Q, 4, 8>(offset::<S>(high, shift), w, bytes));
                            sums[m] = S::fma(low_sum, S::mul(scales[0], scale), sums[m]);
                            sums[m] = S::fma(high_sum, S::mul(scales[1], scale), sums[m]);
                        }
                    }
                }
            }
        }
        sums
    }
}

#[inline(always)]
unsafe fn offset<S: Simd>(offset: i32, shift: i32) -> S::I {
    if shift == 0 { S::splat_i(offset) } else { S::shr_i(S::splat_i(offset), shift) }
}

/// Groups `FROM..TO` of a block.
#[inline(always)]
unsafe fn dot<S: Simd, Q: Format, const FROM: usize, const TO: usize>(
    mut acc: S::I,
    w: [S::B; 8],
    x: *const i8,
) -> S::I {
    let mut g = FROM;
    while g < TO {
        acc = if Q::WIDE { S::dot_i8(acc, w[g], x.add(4 * g)) } else { S::dot(acc, w[g], x.add(4 * g)) };
        g += 1;
    }
    acc
}

struct Plain<W>(std::marker::PhantomData<W>);

impl<W: float::Float> Product for Plain<W> {
    #[inline(always)]
    unsafe fn tile<S: Simd, const M: usize>(tile: *const u8, columns: usize, x: Rows, first: bool) -> [S::F; M] {
        let (mut even, mut odd) = ([S::splat(0.0); M], [S::splat(0.0); M]);
        let mut k = 0;
        while k + 1 < columns {
            if first {
                prefetch::<S>(tile.add(k * TILE * W::BYTES), 2 * TILE * W::BYTES);
            }
            let w = W::load::<S>(tile.add(k * TILE * W::BYTES));
            let next = W::load::<S>(tile.add((k + 1) * TILE * W::BYTES));
            for m in 0..M {
                let value = x.values.add(m * x.stride + k);
                even[m] = S::fma(w, S::splat(*value), even[m]);
                odd[m] = S::fma(next, S::splat(*value.add(1)), odd[m]);
            }
            k += 2;
        }
        if k < columns {
            let w = W::load::<S>(tile.add(k * TILE * W::BYTES));
            for m in 0..M {
                even[m] = S::fma(w, S::splat(*x.values.add(m * x.stride + k)), even[m]);
            }
        }
        for m in 0..M {
            even[m] = S::add(even[m], odd[m]);
        }
        even
    }
}

#[cfg(test)]
mod tests;
