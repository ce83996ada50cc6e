//! `y = (x - mean(x)) / sqrt(var(x) + eps) * w + b`, row by row, quantised for the product that follows.
//!
//! Source: Ba, Kiros and Hinton, Layer Normalization (2016). Sums are taken in 16 lanes and folded in a fixed order; the variance is that of the
//! differences from the mean, in a second pass.

use super::{
    Activations, Pool,
    activations::by_rows,
    simd::{Simd, entry},
};

/// Normalises `rows` rows of `x` (`[rows][columns]`, one after the other) into the first rows of `out`.
pub fn layer_norm(pool: &Pool, x: &[f32], rows: usize, weight: &[f32], bias: &[f32], eps: f32, out: &mut Activations) {
    let columns = out.columns();
    assert!(weight.len() == columns && bias.len() == columns, "weights and biases of a norm");
    let isa = pool.isa();
    // SAFETY: the row and the weights have as many columns.
    by_rows(pool, x, rows, out, &|from, to| unsafe {
        normalise_row(isa, from, weight.as_ptr(), bias.as_ptr(), columns, eps, to)
    });
}

entry! { fn normalise_row(x: *const f32, weight: *const f32, bias: *const f32, count: usize, eps: f32, out: *mut f32) = normalise_body; }

#[inline(always)]
unsafe fn normalise_body<S: Simd>(
    x: *const f32,
    weight: *const f32,
    bias: *const f32,
    count: usize,
    eps: f32,
    out: *mut f32,
) {
    let whole = count / 16 * 16;
    let mut sums = S::splat(0.0);
    let mut i = 0;
    while i < whole {
        sums = S::add(sums, S::load(x.add(i)));
        i += 16;
    }
    let mut total = S::sum(sums);
    while i < count {
        total += *x.add(i);
        i += 1;
    }
    let mean = total / count as f32;
    let mut squares = S::splat(0.0);
    let mut i = 0;
    while i < whole {
        let d = S::sub(S::load(x.add(i)), S::splat(mean));
        squares = S::fma(d, d, squares);
        i += 16;
    }
    let mut total = S::sum(squares);
    while i < count {
        let d = *x.add(i) - mean;
        total += d * d;
        i += 1;
    }
    let factor = 1.0 / (total / count as f32 + eps).sqrt();
    let mut i = 0;
    while i < whole {
        let scaled = S::mul(S::sub(S::load(x.add(i)), S::splat(mean)), S::splat(factor));
        S::store(out.add(i), S::add(S::mul(scaled, S::load(weight.add(i))), S::load(bias.add(i))));
        i += 16;
    }
    while i < count {
        *out.add(i) = (*x.add(i) - mean) * factor * *weight.add(i) + *bias.add(i);
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::{norm_agrees, random};

    #[test]
    fn agrees_with_f64_and_between_instruction_sets() {
        let weights = |columns| (random(7, columns), random(8, columns));
        norm_agrees(
            3.0,
            1e-5,
            |pool, x, rows, out| {
                let (weight, bias) = weights(out.columns());
                layer_norm(pool, x, rows, &weight, &bias, 1e-5, out);
            },
            |x| {
                let (weight, bias) = weights(x.len());
                let mean = x.iter().sum::<f64>() / x.len() as f64;
                let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64;
                let scaled = x.iter().map(|v| (v - mean) / (variance + 1e-5).sqrt());
                scaled.zip(weight).zip(bias).map(|((x, w), b)| x * f64::from(w) + f64::from(b)).collect()
            },
        );
    }
}
