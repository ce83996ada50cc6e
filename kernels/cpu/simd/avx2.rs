//! The lanes as two 256-bit registers each: AVX2 with FMA and F16C, with or without AVX-VNNI.

use std::arch::x86_64::*;

use super::Simd;

/// `vpmaddubsw` does the dot products.
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// `vpdpbusd` does the dot products.
#[derive(Clone, Copy)]
pub(crate) struct AvxVnni;

/// The end of [`Simd::sum`]: eight lanes, folded 4, 2 and 1 apart.
#[inline(always)]
pub(super) unsafe fn sum8(a: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

#[inline(always)]
unsafe fn maddubs(acc: __m256i, unsigned: __m256i, signed: __m256i) -> __m256i {
    _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned, signed), _mm256_set1_epi16(1)))
}

#[inline(always)]
unsafe fn four(a: *const i8) -> __m256i {
    _mm256_set1_epi32(a.cast::<i32>().read_unaligned())
}

macro_rules! shared {
    () => {
        type F = [__m256; 2];
        type I = [__m256i; 2];
        type B = [__m256i; 2];

        #[inline(always)]
        unsafe fn prefetch(p: *const u8) {
            _mm_prefetch::<_MM_HINT_T0>(p.cast());
        }
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self::F {
            [_mm256_set1_ps(x); 2]
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self::F {
            [_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8))]
        }
        #[inline(always)]
        unsafe fn store(p: *mut f32, v: Self::F) {
            _mm256_storeu_ps(p, v[0]);
            _mm256_storeu_ps(p.add(8), v[1]);
        }
        #[inline(always)]
        unsafe fn load_f16(p: *const u16) -> Self::F {
            [_mm256_cvtph_ps(_mm_loadu_si128(p.cast())), _mm256_cvtph_ps(_mm_loadu_si128(p.add(8).cast()))]
        }
        #[inline(always)]
        unsafe fn load_bf16(p: *const u16) -> Self::F {
            let low = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
            let high = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.add(8).cast()));
            [_mm256_castsi256_ps(_mm256_slli_epi32::<16>(low)), _mm256_castsi256_ps(_mm256_slli_epi32::<16>(high))]
        }
        #[inline(always)]
        unsafe fn load_u8(p: *const u8) -> Self::F {
            let low = _mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast()));
            let high = _mm256_cvtepu8_epi32(_mm_loadl_epi64(p.add(8).cast()));
            [_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high)]
        }
        #[inline(always)]
        unsafe fn load_i8(p: *const i8) -> Self::F {
            let low = _mm256_cvtepi8_epi32(_mm_loadl_epi64(p.cast()));
            let high = _mm256_cvtepi8_epi32(_mm_loadl_epi64(p.add(8).cast()));
            [_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high)]
        }
        #[inline(always)]
        unsafe fn add(a: Self::F, b: Self::F) -> Self::F {
            [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn sub(a: Self::F, b: Self::F) -> Self::F {
            [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
            [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn div(a: Self::F, b: Self::F) -> Self::F {
            [_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn max(a: Self::F, b: Self::F) -> Self::F {
            [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn min(a: Self::F, b: Self::F) -> Self::F {
            [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
            [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])]
        }
        #[inline(always)]
        unsafe fn fnma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
            [_mm256_fnmadd_ps(a[0], b[0], c[0]), _mm256_fnmadd_ps(a[1], b[1], c[1])]
        }
        #[inline(always)]
        unsafe fn abs(a: Self::F) -> Self::F {
            let sign = _mm256_set1_ps(-0.0);
            [_mm256_andnot_ps(sign, a[0]), _mm256_andnot_ps(sign, a[1])]
        }
        #[inline(always)]
        unsafe fn sum(a: Self::F) -> f32 {
            sum8(_mm256_add_ps(a[0], a[1]))
        }
        #[inline(always)]
        unsafe fn greatest(a: Self::F) -> f32 {
            let eight = _mm256_max_ps(a[0], a[1]);
            let four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        }
        #[inline(always)]
        unsafe fn splat_i(x: i32) -> Self::I {
            [_mm256_set1_epi32(x); 2]
        }
        #[inline(always)]
        unsafe fn shr_i(a: Self::I, bits: i32) -> Self::I {
            let bits = _mm256_set1_epi32(bits);
            [_mm256_srav_epi32(a[0], bits), _mm256_srav_epi32(a[1], bits)]
        }
        #[inline(always)]
        unsafe fn sum_i(a: Self::I) -> i32 {
            let eight = _mm256_add_epi32(a[0], a[1]);
            let four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
            let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
            _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
        }
        #[inline(always)]
        unsafe fn store_i8(p: *mut i8, a: Self::I) {
            // Only values within i8 are stored, so the saturating packs lose nothing.
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(a[0], a[1]));
            let bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(p.cast(), bytes);
        }
        #[inline(always)]
        unsafe fn to_f(a: Self::I) -> Self::F {
            [_mm256_cvtepi32_ps(a[0]), _mm256_cvtepi32_ps(a[1])]
        }
        #[inline(always)]
        unsafe fn round(a: Self::F) -> Self::I {
            // The rounding mode of a Rust program is always to nearest even.
            [_mm256_cvtps_epi32(a[0]), _mm256_cvtps_epi32(a[1])]
        }
        #[inline(always)]
        unsafe fn pow2(n: Self::I) -> Self::F {
            let bias = _mm256_set1_epi32(127);
            [
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(n[0], bias))),
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(n[1], bias))),
            ]
        }
        #[inline(always)]
        unsafe fn load_b(p: *const u8) -> Self::B {
            [_mm256_loadu_si256(p.cast()), _mm256_loadu_si256(p.add(32).cast())]
        }
        #[inline(always)]
        unsafe fn store_b(p: *mut u8, v: Self::B) {
            _mm256_storeu_si256(p.cast(), v[0]);
            _mm256_storeu_si256(p.add(32).cast(), v[1]);
        }
        #[inline(always)]
        unsafe fn splat_b(x: u8) -> Self::B {
            [_mm256_set1_epi8(x as i8); 2]
        }
        #[inline(always)]
        unsafe fn and(a: Self::B, b: Self::B) -> Self::B {
            [_mm256_and_si256(a[0], b[0]), _mm256_and_si256(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn or(a: Self::B, b: Self::B) -> Self::B {
            [_mm256_or_si256(a[0], b[0]), _mm256_or_si256(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn shl(a: Self::B, bits: u32) -> Self::B {
            let bits = _mm_cvtsi32_si128(bits as i32);
            [_mm256_sll_epi16(a[0], bits), _mm256_sll_epi16(a[1], bits)]
        }
        #[inline(always)]
        unsafe fn shr(a: Self::B, bits: u32) -> Self::B {
            let bits = _mm_cvtsi32_si128(bits as i32);
            [_mm256_srl_epi16(a[0], bits), _mm256_srl_epi16(a[1], bits)]
        }
    };
}

impl Simd for Avx2 {
    const BIASED: bool = false;
    const ROWS: usize = 4;
    shared!();

    #[inline(always)]
    unsafe fn dot(acc: Self::I, w: Self::B, a: *const i8) -> Self::I {
        // 127 * 127 * 2 fits i16: nothing saturates.
        let a = four(a);
        [maddubs(acc[0], w[0], a), maddubs(acc[1], w[1], a)]
    }
    #[inline(always)]
    unsafe fn dot_i8(acc: Self::I, w: Self::B, a: *const i8) -> Self::I {
        // |w| * (a with w's sign): 128 * 127 * 2 = 32512 fits i16, where (w + 128) * a would saturate.
        let a = four(a);
        let bias = _mm256_set1_epi8(-128);
        let w = [_mm256_xor_si256(w[0], bias), _mm256_xor_si256(w[1], bias)];
        [
            maddubs(acc[0], _mm256_abs_epi8(w[0]), _mm256_sign_epi8(a, w[0])),
            maddubs(acc[1], _mm256_abs_epi8(w[1]), _mm256_sign_epi8(a, w[1])),
        ]
    }
}

impl Simd for AvxVnni {
    const BIASED: bool = true;
    const ROWS: usize = 4;
    shared!();

    #[inline(always)]
    unsafe fn dot(acc: Self::I, w: Self::B, a: *const i8) -> Self::I {
        let a = four(a);
        [_mm256_dpbusd_avx_epi32(acc[0], w[0], a), _mm256_dpbusd_avx_epi32(acc[1], w[1], a)]
    }
    #[inline(always)]
    unsafe fn dot_i8(acc: Self::I, w: Self::B, a: *const i8) -> Self::I {
        Self::dot(acc, w, a)
    }
}
