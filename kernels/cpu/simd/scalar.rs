//! The lanes as plain arrays: what the other instruction sets are tested against.

use half::{bf16, f16};

use super::Simd;

#[derive(Clone, Copy)]
pub(crate) struct Scalar;

macro_rules! lanes {
    ($($i:ident)? => $e:expr) => { std::array::from_fn(|$($i)?| $e) };
}

impl Simd for Scalar {
    type F = [f32; 16];
    type I = [i32; 16];
    type B = [u8; 64];
    const BIASED: bool = false;
    const ROWS: usize = 1;

    #[inline]
    unsafe fn splat(x: f32) -> Self::F {
        [x; 16]
    }
    #[inline]
    unsafe fn load(p: *const f32) -> Self::F {
        p.cast::<Self::F>().read_unaligned()
    }
    #[inline]
    unsafe fn store(p: *mut f32, v: Self::F) {
        p.cast::<Self::F>().write_unaligned(v);
    }
    #[inline]
    unsafe fn load_f16(p: *const u16) -> Self::F {
        lanes!(i => f16::from_bits(p.add(i).read_unaligned()).to_f32())
    }
    #[inline]
    unsafe fn load_bf16(p: *const u16) -> Self::F {
        lanes!(i => bf16::from_bits(p.add(i).read_unaligned()).to_f32())
    }
    #[inline]
    unsafe fn load_u8(p: *const u8) -> Self::F {
        lanes!(i => f32::from(*p.add(i)))
    }
    #[inline]
    unsafe fn load_i8(p: *const i8) -> Self::F {
        lanes!(i => f32::from(*p.add(i)))
    }
    #[inline]
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => a[i] + b[i])
    }
    #[inline]
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => a[i] - b[i])
    }
    #[inline]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => a[i] * b[i])
    }
    #[inline]
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => a[i] / b[i])
    }
    #[inline]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        lanes!(i => a[i].mul_add(b[i], c[i]))
    }
    #[inline]
    unsafe fn fnma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        lanes!(i => (-a[i]).mul_add(b[i], c[i]))
    }
    #[inline]
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline]
    unsafe fn min(a: Self::F, b: Self::F) -> Self::F {
        lanes!(i => if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline]
    unsafe fn abs(a: Self::F) -> Self::F {
        lanes!(i => a[i].abs())
    }
    #[inline]
    unsafe fn sum(a: Self::F) -> f32 {
        let eight: [f32; 8] = lanes!(i => a[i] + a[i + 8]);
        let four: [f32; 4] = lanes!(i => eight[i] + eight[i + 4]);
        (four[0] + four[2]) + (four[1] + four[3])
    }
    #[inline]
    unsafe fn greatest(a: Self::F) -> f32 {
        a.into_iter().fold(f32::NEG_INFINITY, |m, x| if x > m { x } else { m })
    }
    #[inline]
    unsafe fn splat_i(x: i32) -> Self::I {
        [x; 16]
    }
    #[inline]
    unsafe fn shr_i(a: Self::I, bits: i32) -> Self::I {
        lanes!(i => a[i] >> bits)
    }
    #[inline]
    unsafe fn sum_i(a: Self::I) -> i32 {
        a.into_iter().fold(0, i32::wrapping_add)
    }
    #[inline]
    unsafe fn store_i8(p: *mut i8, a: Self::I) {
        for (i, x) in a.into_iter().enumerate() {
            *p.add(i) = x as i8;
        }
    }
    #[inline]
    unsafe fn to_f(a: Self::I) -> Self::F {
        lanes!(i => a[i] as f32)
    }
    #[inline]
    unsafe fn round(a: Self::F) -> Self::I {
        lanes!(i => a[i].round_ties_even() as i32)
    }
    #[inline]
    unsafe fn pow2(n: Self::I) -> Self::F {
        lanes!(i => f32::from_bits(((n[i] + 127) as u32) << 23))
    }
    #[inline]
    unsafe fn load_b(p: *const u8) -> Self::B {
        p.cast::<Self::B>().read_unaligned()
    }
    #[inline]
    unsafe fn store_b(p: *mut u8, v: Self::B) {
        p.cast::<Self::B>().write_unaligned(v);
    }
    #[inline]
    unsafe fn splat_b(x: u8) -> Self::B {
        [x; 64]
    }
    #[inline]
    unsafe fn and(a: Self::B, b: Self::B) -> Self::B {
        lanes!(i => a[i] & b[i])
    }
    #[inline]
    unsafe fn or(a: Self::B, b: Self::B) -> Self::B {
        lanes!(i => a[i] | b[i])
    }
    // The bits that would cross into the neighbour are masked by every caller: dropping them gives the same result.
    #[inline]
    unsafe fn shl(a: Self::B, bits: u32) -> Self::B {
        lanes!(i => a[i] << bits)
    }
    #[inline]
    unsafe fn shr(a: Self::B, bits: u32) -> Self::B {
        lanes!(i => a[i] >> bits)
    }
    #[inline]
    unsafe fn dot(acc: Self::I, w: Self::B, a: *const i8) -> Self::I {
        lanes!(r => (0..4).fold(acc[r], |sum, j| sum + i32::from(w[4 * r + j]) * i32::from(*a.add(j))))
    }
    #[inline]
    unsafe fn dot_i8(acc: Self::I, w: Self::B, a: *const i8) -> Self::I {
        lanes!(r => (0..4).fold(acc[r], |sum, j| sum + i32::from((w[4 * r + j] ^ 0x80) as i8) * i32::from(*a.add(j))))
    }
}
