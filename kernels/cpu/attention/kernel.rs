//! The loops over keys and values, for every element type and instruction set.

use half::{bf16, f16};

use super::{
    super::{
        activations::Rows,
        exponential::exp,
        kv::{Element, MOST_DIM, PAGE, SCALED, SIDE},
        simd::{Simd, entry},
    },
    BLOCK,
};

/// Queries that are computed together: query i is head `i % heads` of row `i / heads`.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(super) heads: usize,
    pub(super) queries: usize,
    /// Elements from a row's queries to the next row's.
    pub(super) width: usize,
    pub(super) head_dim: usize,
    /// The first row's position.
    pub(super) first: usize,
    pub(super) scale: f32,
    pub(super) window: usize,
    /// Elements of a page.
    pub(super) page: usize,
    /// Those of the positions seen.
    pub(super) pages: *const u32,
    /// Of keys and values, where they have scales.
    pub(super) scales: [*const f16; 2],
    /// Scales of a page.
    pub(super) scale_page: usize,
}

entry! { fn attend_f32(step: Step, query: *const f32, keys: *const f32, values: *const f32, out: Rows) = pick_f32; }
entry! { fn attend_f16(step: Step, query: *const f32, keys: *const f16, values: *const f16, out: Rows) = pick_f16; }
entry! { fn attend_bf16(step: Step, query: *const f32, keys: *const bf16, values: *const bf16, out: Rows) = pick_bf16; }
entry! { fn attend_i8(step: Step, query: *const f32, keys: *const i8, values: *const i8, out: Rows) = pick_i8; }

#[inline(always)]
unsafe fn pick_f32<S: Simd>(step: Step, query: *const f32, keys: *const f32, values: *const f32, out: Rows) {
    pick::<S, f32>(step, query, keys, values, out);
}
#[inline(always)]
unsafe fn pick_f16<S: Simd>(step: Step, query: *const f32, keys: *const f16, values: *const f16, out: Rows) {
    pick::<S, f16>(step, query, keys, values, out);
}
#[inline(always)]
unsafe fn pick_bf16<S: Simd>(step: Step, query: *const f32, keys: *const bf16, values: *const bf16, out: Rows) {
    pick::<S, bf16>(step, query, keys, values, out);
}
#[inline(always)]
unsafe fn pick_i8<S: Simd>(step: Step, query: *const f32, keys: *const i8, values: *const i8, out: Rows) {
    pick::<S, i8>(step, query, keys, values, out);
}

/// Kernels for just this many queries, with as many independent sums as fill the pipelines.
#[inline(always)]
unsafe fn pick<S: Simd, E: Element>(step: Step, query: *const f32, keys: *const E, values: *const E, out: Rows) {
    let mut at = 0;
    while at < step.queries {
        at += match step.queries - at {
            8 if S::ROWS >= 8 => attend::<S, E, 8, 2>(step, at, query, keys, values, out),
            7 if S::ROWS >= 8 => attend::<S, E, 7, 2>(step, at, query, keys, values, out),
            6 if S::ROWS >= 8 => attend::<S, E, 6, 2>(step, at, query, keys, values, out),
            4.. if S::ROWS >= 8 => attend::<S, E, 4, 4>(step, at, query, keys, values, out),
            2.. if S::ROWS >= 8 => attend::<S, E, 2, 4>(step, at, query, keys, values, out),
            4.. if S::ROWS >= 4 => attend::<S, E, 4, 2>(step, at, query, keys, values, out),
            2.. if S::ROWS >= 4 => attend::<S, E, 2, 2>(step, at, query, keys, values, out),
            _ => attend::<S, E, 1, 4>(step, at, query, keys, values, out),
        };
    }
}

/// The `Q` queries from `at` on, `W` registers of 16 positions (scores) or 16 elements (values) side by side. Gives `Q`.
#[inline(always)]
unsafe fn attend<S: Simd, E: Element, const Q: usize, const W: usize>(
    step: Step,
    at: usize,
    query: *const f32,
    keys: *const E,
    values: *const E,
    out: Rows,
) -> usize {
    let d = step.head_dim;
    let mut scaled = [[0f32; MOST_DIM]; Q];
    let mut sums = [[0f32; MOST_DIM]; Q];
    let mut scores = [[0f32; BLOCK]; Q];
    let mut greatest = [f32::NEG_INFINITY; Q];
    let mut totals = [S::splat(0.0); Q];
    for i in 0..Q {
        let from = query.add((at + i) / step.heads * step.width + (at + i) % step.heads * d);
        let mut j = 0;
        while j < d {
            S::store(scaled[i].as_mut_ptr().add(j), S::mul(S::load(from.add(j)), S::splat(step.scale)));
            j += 16;
        }
    }
    // Positions that the last query sees; query i sees up to `first + (at + i) / heads`, itself included.
    let end = step.first + (at + Q - 1) / step.heads + 1;
    // Blocks that no query sees are left out; one that a query does not see leaves that query's sums as they are.
    let mut block = (step.first + at / step.heads + 1).saturating_sub(step.window) / BLOCK * BLOCK;
    while block < end {
        let count = BLOCK.min(end - block);
        let number = *step.pages.add(block / PAGE) as usize;
        let from = keys;
        let (keys, values) = (keys.add(number * step.page), values.add(number * step.page));
        let [key_scales, value_scales] = step.scales.map(|scales| scales.wrapping_add(number * step.scale_page));
        let mut side = 0;
        while side < BLOCK / SIDE {
            let ahead = values.add(SIDE * side * d);
            score::<S, E, Q, W>(
                keys.add(SIDE * side * d),
                ahead,
                key_scales,
                d,
                &scaled,
                &mut scores,
                SIDE * side,
                count,
            );
            side += W;
        }
        let mut factors = [0f32; Q];
        for i in 0..Q {
            // Of this block, the positions this query sees.
            let behind = step.first + (at + i) / step.heads + 1;
            let from = behind.saturating_sub(step.window).saturating_sub(block);
            let sees = behind.saturating_sub(block).min(BLOCK);
            factors[i] = weigh::<S>(&mut scores[i], from, sees, &mut greatest[i], &mut totals[i]);
        }
        // The next block's keys are asked for while the first elements are gathered.
        let next = if block + BLOCK < end { *step.pages.add(block / PAGE + 1) as usize } else { number };
        let next = from.add(next * step.page);
        let mut j = 0;
        while E::SCALED && j < d {
            // The scales of these elements go into the weights.
            let weights = times::<S, Q>(&scores, value_scales.add(j / SCALED * PAGE));
            if j + SCALED <= d {
                gather::<S, E, Q, 2>(values.add(j), d, count, &weights, &factors, &mut sums, j, next);
            } else {
                gather::<S, E, Q, 1>(values.add(j), d, count, &weights, &factors, &mut sums, j, next);
            }
            j += SCALED;
        }
        while j + 16 * W <= d {
            gather::<S, E, Q, W>(values.add(j), d, count, &scores, &factors, &mut sums, j, next);
            j += 16 * W;
        }
        while j < d {
            gather::<S, E, Q, 1>(values.add(j), d, count, &scores, &factors, &mut sums, j, next);
            j += 16;
        }
        block += BLOCK;
    }
    for i in 0..Q {
        let to = out.values.add((at + i) / step.heads * out.stride + (at + i) % step.heads * d);
        let total = S::splat(S::sum(totals[i]));
        let mut j = 0;
        while j < d {
            S::store(to.add(j), S::div(S::load(sums[i].as_ptr().add(j)), total));
            j += 16;
        }
    }
    Q
}

/// Scores of `16 W` positions, whose values, at `ahead`, are asked for meanwhile. Past `count` they are not computed (the layer may end there) but for the rest of a group of 16.
#[inline(always)]
unsafe fn score<S: Simd, E: Element, const Q: usize, const W: usize>(
    keys: *const E,
    ahead: *const E,
    scales: *const f16,
    d: usize,
    query: &[[f32; MOST_DIM]; Q],
    scores: &mut [[f32; BLOCK]; Q],
    at: usize,
    count: usize,
) {
    if at + SIDE * (W - 1) < count {
        let mut s = [[S::splat(0.0); W]; Q];
        let mut from = 0;
        while from < d {
            let to = if E::SCALED && from + SCALED < d { from + SCALED } else { d };
            let mut part = if E::SCALED { [[S::splat(0.0); W]; Q] } else { s };
            for j in from..to {
                prefetch::<S, E>(ahead.wrapping_add(W * SIDE * j), W * SIDE);
                let mut w = 0;
                while w < W {
                    let key = E::load::<S>(keys.add(w * SIDE * d + j * SIDE));
                    for i in 0..Q {
                        part[i][w] = S::fma(key, S::splat(query[i][j]), part[i][w]);
                    }
                    w += 1;
                }
            }
            if E::SCALED {
                for w in 0..W {
                    let scale = S::load_f16(scales.add(from / SCALED * PAGE + at + SIDE * w).cast());
                    for i in 0..Q {
                        s[i][w] = S::fma(part[i][w], scale, s[i][w]);
                    }
                }
            } else {
                s = part;
            }
            from = to;
        }
        for i in 0..Q {
            for w in 0..W {
                S::store(scores[i].as_mut_ptr().add(at + SIDE * w), s[i][w]);
            }
        }
    } else if W > 1 {
        for w in 0..W {
            if at + SIDE * w < count {
                score::<S, E, Q, 1>(
                    keys.add(w * SIDE * d),
                    ahead.wrapping_add(w * SIDE * d),
                    scales,
                    d,
                    query,
                    scores,
                    at + SIDE * w,
                    count,
                );
            }
        }
    }
}

/// Asks for the cache lines of `count` elements.
#[inline(always)]
unsafe fn prefetch<S: Simd, E: Element>(p: *const E, count: usize) {
    let mut at = 0;
    while at < count * size_of::<E>() {
        S::prefetch(p.cast::<u8>().wrapping_add(at));
        at += 64;
    }
}

/// Weights times the scales of their positions.
#[inline(always)]
unsafe fn times<S: Simd, const Q: usize>(weights: &[[f32; BLOCK]; Q], scales: *const f16) -> [[f32; BLOCK]; Q] {
    let mut out = [[0f32; BLOCK]; Q];
    let mut at = 0;
    while at < BLOCK {
        let scale = S::load_f16(scales.add(at).cast());
        for i in 0..Q {
            S::store(out[i].as_mut_ptr().add(at), S::mul(S::load(weights[i].as_ptr().add(at)), scale));
        }
        at += 16;
    }
    out
}

/// Turns the scores `from..sees` of a block into weights relative to the greatest score so far, and the rest into zeros. Gives what earlier sums
/// must be multiplied with.
#[inline(always)]
unsafe fn weigh<S: Simd>(
    scores: &mut [f32; BLOCK],
    from: usize,
    sees: usize,
    greatest: &mut f32,
    total: &mut S::F,
) -> f32 {
    if from >= sees {
        *scores = [0.0; BLOCK];
        return 1.0;
    }
    let p = scores.as_mut_ptr();
    let mut j = 0;
    while j < from {
        *p.add(j) = f32::NEG_INFINITY;
        j += 1;
    }
    let mut j = sees;
    while j < BLOCK {
        *p.add(j) = f32::NEG_INFINITY;
        j += 1;
    }
    let mut most = S::load(p);
    let mut j = 16;
    while j < BLOCK {
        most = S::max(most, S::load(p.add(j)));
        j += 16;
    }
    let most = S::greatest(most);
    let before = *greatest;
    let now = if most > before { most } else { before };
    *greatest = now;
    let mut j = 0;
    while j < BLOCK {
        S::store(p.add(j), exp::<S>(S::sub(S::load(p.add(j)), S::splat(now))));
        j += 16;
    }
    let mut j = 0;
    while j < from {
        *p.add(j) = 0.0;
        j += 1;
    }
    let mut j = sees;
    while j < BLOCK {
        *p.add(j) = 0.0;
        j += 1;
    }
    // In the first block there is nothing before: 0 times a tiny factor.
    let mut lanes = [0f32; 16];
    S::store(lanes.as_mut_ptr(), exp::<S>(S::splat(before - now)));
    let factor = lanes[0];
    *total = S::mul(*total, S::splat(factor));
    let mut j = 0;
    while j < BLOCK {
        *total = S::add(*total, S::load(p.add(j)));
        j += 16;
    }
    factor
}

/// Adds the weighted values of `count` positions (`ahead`: the keys of the next block) to `16 W` elements of each query's sums.
#[inline(always)]
unsafe fn gather<S: Simd, E: Element, const Q: usize, const W: usize>(
    values: *const E,
    d: usize,
    count: usize,
    weights: &[[f32; BLOCK]; Q],
    factors: &[f32; Q],
    sums: &mut [[f32; MOST_DIM]; Q],
    at: usize,
    ahead: *const E,
) {
    let mut s = [[S::splat(0.0); W]; Q];
    for i in 0..Q {
        for w in 0..W {
            s[i][w] = S::mul(S::load(sums[i].as_ptr().add(at + 16 * w)), S::splat(factors[i]));
        }
    }
    for position in 0..count {
        if at == 0 {
            prefetch::<S, E>(ahead.wrapping_add(position * d), d);
        }
        let mut w = 0;
        while w < W {
            let value = E::load::<S>(values.add(position * d + 16 * w));
            for i in 0..Q {
                s[i][w] = S::fma(value, S::splat(weights[i][position]), s[i][w]);
            }
            w += 1;
        }
    }
    for i in 0..Q {
        for w in 0..W {
            S::store(sums[i].as_mut_ptr().add(at + 16 * w), s[i][w]);
        }
    }
}
