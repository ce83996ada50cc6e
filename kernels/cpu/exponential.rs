//! `e^x` in lanes: range reduction to |r| <= ln 2 / 2 and a polynomial of degree 6 (the coefficients of Cephes' `expf`).
//!
//! Relative error at most 2e-7 for x in -87..88 (tested); x is clamped to that range. `e^0` is exactly 1.

use super::simd::Simd;

#[inline(always)]
pub(crate) unsafe fn exp<S: Simd>(x: S::F) -> S::F {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = S::min(S::max(x, S::splat(-87.0)), S::splat(88.0));
    let n = S::round(S::mul(x, S::splat(std::f32::consts::LOG2_E)));
    let whole = S::to_f(n);
    let r = S::fnma(whole, S::splat(LN2_LOW), S::fnma(whole, S::splat(LN2_HIGH), x));
    let mut p = S::splat(1.987_569_1e-4);
    p = S::fma(p, r, S::splat(1.398_199_9e-3));
    p = S::fma(p, r, S::splat(8.333_452e-3));
    p = S::fma(p, r, S::splat(4.166_579_6e-2));
    p = S::fma(p, r, S::splat(1.666_666_5e-1));
    p = S::fma(p, r, S::splat(0.5));
    let one_more = S::add(S::fma(S::mul(p, r), r, r), S::splat(1.0));
    S::mul(one_more, S::pow2(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::{Isa, simd::entry};

    entry! { fn run(x: *mut f32) = body; }
    #[inline(always)]
    unsafe fn body<S: Simd>(x: *mut f32) {
        S::store(x, exp::<S>(S::load(x)));
    }

    #[test]
    fn close_to_f64_and_the_same_everywhere() {
        let mut worst = 0f64;
        for i in 0..200_000 {
            let x: [f32; 16] = std::array::from_fn(|lane| -87.0 + 175.0 * ((16 * i + lane) as f32 / 3_200_000.0));
            let mut scalar = x;
            // SAFETY: 16 elements.
            unsafe { run(Isa::Scalar, scalar.as_mut_ptr()) };
            for (x, y) in x.iter().zip(scalar) {
                worst = worst.max(((f64::from(y) - f64::from(*x).exp()) / f64::from(*x).exp()).abs());
            }
            if i % 100 == 0 {
                for isa in Isa::available() {
                    let mut y = x;
                    // SAFETY: as above.
                    unsafe { run(isa, y.as_mut_ptr()) };
                    assert_eq!(y.map(f32::to_bits), scalar.map(f32::to_bits), "{isa}");
                }
            }
        }
        assert!(worst < 2e-7, "relative error {worst:e}");
    }

    #[test]
    fn zero_gives_exactly_one_and_ends_are_finite() {
        let mut x = [
            0.0,
            -0.0,
            f32::NEG_INFINITY,
            f32::INFINITY,
            -1e9,
            1e9,
            88.0,
            -87.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
        ];
        // SAFETY: 16 elements.
        unsafe { run(Isa::best(), x.as_mut_ptr()) };
        assert_eq!((x[0], x[1]), (1.0, 1.0));
        assert!(x.iter().all(|y| y.is_finite() && *y > 0.0), "{x:?}");
    }
}
