//! `y = x / sqrt(mean(x^2) + eps) * w`, row by row, quantised for the product that follows.
//!
//! Source: Zhang and Sennrich, Root Mean Square Layer Normalization (2019). The squares are summed in 16 lanes and folded in a fixed order.

use super::{
    Activations, Isa, Pool,
    simd::{Simd, entry},
};

/// Normalises `rows` rows of `x` (`[rows][columns]`, one after the other) into the first rows of `out`.
pub fn rms_norm(pool: &Pool, x: &[f32], rows: usize, weight: &[f32], eps: f32, out: &mut Activations) {
    let columns = out.columns();
    assert_eq!(weight.len(), columns, "weights of a norm");
    assert_eq!(x.len(), rows * columns, "rows to normalise");
    assert!(rows <= out.rows(), "{rows} rows into {}", out.rows());
    let isa = pool.isa();
    let to = out.as_rows();
    // Rows are short: one worker does eight at a time.
    pool.run(rows.div_ceil(8), &|chunk| {
        for row in 8 * chunk..rows.min(8 * chunk + 8) {
            // SAFETY: lengths were checked; each row belongs to one chunk.
            unsafe {
                normalise_row(isa, x[row * columns..].as_ptr(), weight.as_ptr(), columns, eps, to.from(row).values);
                to.quantise(isa, row, 0, to.stride);
            }
        }
    });
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
    use crate::cpu::testing::random;

    #[test]
    fn agrees_with_f64_and_between_instruction_sets() {
        for columns in [1, 15, 16, 33, 256, 704, 896] {
            let (rows, x, weight) = (11, random(columns as u64, 11 * columns), random(7, columns));
            let mut expected: Option<Vec<u32>> = None;
            for isa in Isa::available() {
                let pool = Pool::with_isa(2, isa);
                let mut out = Activations::new(rows, columns);
                rms_norm(&pool, &x, rows, &weight, 1e-5, &mut out);
                for (row, x) in x.chunks_exact(columns).enumerate() {
                    let mean = x.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>() / columns as f64;
                    for ((y, x), w) in out.row(row).iter().zip(x).zip(&weight) {
                        let want = f64::from(*x) / (mean + 1e-5).sqrt() * f64::from(*w);
                        assert!(
                            (f64::from(*y) - want).abs() <= 1e-6 * want.abs().max(1.0),
                            "{columns}: {y} and {want}"
                        );
                    }
                }
                let bits: Vec<u32> = (0..rows).flat_map(|r| out.row(r).iter().map(|v| v.to_bits())).collect();
                assert_eq!(*expected.get_or_insert_with(|| bits.clone()), bits, "{isa}, {columns} columns");
            }
        }
    }
}
