//! `y = (x - mean(x)) / sqrt(var(x) + eps) * w + b`, row by row, quantised for the product that follows.
//!
//! Source: Ba, Kiros and Hinton, Layer Normalization (2016). Sums are taken in 16 lanes and folded in a fixed order; the variance is that of the
//! differences from the mean, in a second pass.

use super::{
    Activations, Pool,
    simd::{Simd, entry},
};

/// Normalises `rows` rows of `x` (`[rows][columns]`, one after the other) into the first rows of `out`.
pub fn layer_norm(pool: &Pool, x: &[f32], rows: usize, weight: &[f32], bias: &[f32], eps: f32, out: &mut Activations) {
    let columns = out.columns();
    assert!(weight.len() == columns && bias.len() == columns, "weights and biases of a norm");
    assert_eq!(x.len(), rows * columns, "rows to normalise");
    assert!(rows <= out.rows(), "{rows} rows into {}", out.rows());
    let isa = pool.isa();
    let to = out.as_rows();
    // Rows are short: one worker does eight at a time.
    pool.run(rows.div_ceil(8), &|chunk| {
        for row in 8 * chunk..rows.min(8 * chunk + 8) {
            // SAFETY: lengths were checked; each row belongs to one chunk.
            unsafe {
                let from = x[row * columns..].as_ptr();
                normalise_row(isa, from, weight.as_ptr(), bias.as_ptr(), columns, eps, to.from(row).values);
                to.quantise(isa, row, 0, to.stride);
            }
        }
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
    use crate::cpu::{Isa, testing::random};

    #[test]
    fn agrees_with_f64_and_between_instruction_sets() {
        for columns in [1, 15, 16, 33, 256, 704] {
            let (rows, weight, bias) = (11, random(7, columns), random(8, columns));
            let x: Vec<f32> = random(columns as u64, 11 * columns).into_iter().map(|x| x + 3.0).collect();
            let mut expected: Option<Vec<u32>> = None;
            for isa in Isa::available() {
                let pool = Pool::with_isa(2, isa);
                let mut out = Activations::new(rows, columns);
                layer_norm(&pool, &x, rows, &weight, &bias, 1e-5, &mut out);
                for (row, x) in x.chunks_exact(columns).enumerate() {
                    let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / columns as f64;
                    let variance = x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / columns as f64;
                    for (i, y) in out.row(row).iter().enumerate() {
                        let scaled = (f64::from(x[i]) - mean) / (variance + 1e-5).sqrt();
                        let want = scaled * f64::from(weight[i]) + f64::from(bias[i]);
                        assert!((f64::from(*y) - want).abs() < 1e-5, "{columns}: {y} and {want}");
                    }
                }
                let bits: Vec<u32> = (0..rows).flat_map(|r| out.row(r).iter().map(|v| v.to_bits())).collect();
                assert_eq!(*expected.get_or_insert_with(|| bits.clone()), bits, "{isa}, {columns} columns");
            }
        }
    }
}
