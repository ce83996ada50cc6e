//! `y = x / sqrt(mean(x^2) + eps) * w`, row by row, quantised for the product that follows.
//!
//! Source: Zhang and Sennrich, Root Mean Square Layer Normalization (2019). The squares are summed in 16 lanes and folded in a fixed order.

use super::{
    Activations, Isa, Pool,
    activations::by_rows,
    simd::{Simd, entry},
};

/// Normalises `rows` rows of `x` (`[rows][columns]`, one after the other) into the first rows of `out`.
pub fn rms_norm(pool: &Pool, x: &[f32], rows: usize, weight: &[f32], eps: f32, out: &mut Activations) {
    let columns = out.columns();
    assert_eq!(weight.len(), columns, "weights of a norm");
    let isa = pool.isa();
    // SAFETY: the row and the weights have as many columns.
    by_rows(pool, x, rows, out, &|from, to| unsafe { normalise_row(isa, from, weight.as_ptr(), columns, eps, to) });
}

/// Normalises one row into `out`, unquantised (per-head norms of Q and K).
pub fn normalise(isa: Isa, x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    assert!(x.len() == weight.len() && x.len() == out.len(), "a norm of {} elements", x.len());
    // SAFETY: lengths were checked.
    unsafe { normalise_row(isa, x.as_ptr(), weight.as_ptr(), x.len(), eps, out.as_mut_ptr()) };
}

entry! { fn normalise_row(x: *const f32, weight: *const f32, count: usize, eps: f32, out: *mut f32) = normalise_body; }

#[inline(always)]
unsafe fn normalise_body<S: Simd>(x: *const f32, weight: *const f32, count: usize, eps: f32, out: *mut f32) {
    let whole = count / 16 * 16;
    let mut squares = [S::splat(0.0); 2];
    let mut i = 0;
    while i < whole {
        let v = S::load(x.add(i));
        squares[i / 16 % 2] = S::fma(v, v, squares[i / 16 % 2]);
        i += 16;
    }
    let mut total = S::sum(S::add(squares[0], squares[1]));
    while i < count {
        total += *x.add(i) * *x.add(i);
        i += 1;
    }
    let factor = 1.0 / (total / count as f32 + eps).sqrt();
    let mut i = 0;
    while i < whole {
        let scaled = S::mul(S::load(x.add(i)), S::splat(factor));
        S::store(out.add(i), S::mul(scaled, S::load(weight.add(i))));
        i += 16;
    }
    while i < count {
        *out.add(i) = *x.add(i) * factor * *weight.add(i);
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::{norm_agrees, random};

    #[test]
    fn agrees_with_f64_and_between_instruction_sets() {
        norm_agrees(
            0.0,
            1e-6,
            |pool, x, rows, out| rms_norm(pool, x, rows, &random(7, out.columns()), 1e-5, out),
            |x| {
                let mean = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
                x.iter().zip(random(7, x.len())).map(|(x, w)| x / (mean + 1e-5).sqrt() * f64::from(w)).collect()
            },
        );
    }
}
