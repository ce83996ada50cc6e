//! The lanes as four 128-bit registers each: NEON with the dot product extension.
//!
//! Never run on such a processor as yet: QEMU's runs it in `tests/kernels/neon`, where every kernel gives the bits of the scalar lanes. There is no way by matrix products (i8mm).

use std::arch::{aarch64::*, asm};

use super::Simd;

#[derive(Clone, Copy)]
pub(crate) struct Neon;

/// `sdot`; its intrinsic is not stable yet.
#[inline(always)]
unsafe fn sdot(mut acc: int32x4_t, w: int8x16_t, a: int8x16_t) -> int32x4_t {
    asm!(
        ".arch_extension dotprod",
        "sdot {acc:v}.4s, {w:v}.16b, {a:v}.16b",
        acc = inout(vreg) acc, w = in(vreg) w, a = in(vreg) a,
        options(pure, nomem, nostack, preserves_flags)
    );
    acc
}

/// `fcvtl`; its intrinsic wants the unstable type f16.
#[inline(always)]
unsafe fn widen_f16(bits: uint16x4_t) -> float32x4_t {
    let out: float32x4_t;
    asm!(
        "fcvtl {out:v}.4s, {bits:v}.4h",
        out = lateout(vreg) out, bits = in(vreg) bits,
        options(pure, nomem, nostack, preserves_flags)
    );
    out
}

impl Simd for Neon {
    type F = [float32x4_t; 4];
    type I = [int32x4_t; 4];
    type B = [uint8x16_t; 4];
    const BIASED: bool = false;
    const ROWS: usize = 4;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::F {
        [vdupq_n_f32(x); 4]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::F {
        [vld1q_f32(p.add(0)), vld1q_f32(p.add(4)), vld1q_f32(p.add(8)), vld1q_f32(p.add(12))]
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Self::F) {
        vst1q_f32(p.add(0), v[0]);
        vst1q_f32(p.add(4), v[1]);
        vst1q_f32(p.add(8), v[2]);
        vst1q_f32(p.add(12), v[3]);
    }
    #[inline(always)]
    unsafe fn load_f16(p: *const u16) -> Self::F {
        [
            widen_f16(vld1_u16(p.add(0))),
            widen_f16(vld1_u16(p.add(4))),
            widen_f16(vld1_u16(p.add(8))),
            widen_f16(vld1_u16(p.add(12))),
        ]
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const u16) -> Self::F {
        [
            vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(p.add(0)))),
            vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(p.add(4)))),
            vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(p.add(8)))),
            vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(p.add(12)))),
        ]
    }
    #[inline(always)]
    unsafe fn load_u8(p: *const u8) -> Self::F {
        let bytes = vld1q_u8(p);
        let (low, high) = (vmovl_u8(vget_low_u8(bytes)), vmovl_u8(vget_high_u8(bytes)));
        [
            vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))),
            vcvtq_f32_u32(vmovl_u16(vget_high_u16(low))),
            vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))),
            vcvtq_f32_u32(vmovl_u16(vget_high_u16(high))),
        ]
    }
    #[inline(always)]
    unsafe fn load_i8(p: *const i8) -> Self::F {
        let bytes = vld1q_s8(p);
        let (low, high) = (vmovl_s8(vget_low_s8(bytes)), vmovl_s8(vget_high_s8(bytes)));
        [
            vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
            vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))),
            vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
            vcvtq_f32_s32(vmovl_s16(vget_high_s16(high))),
        ]
    }
    #[inline(always)]
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F {
        [vaddq_f32(a[0], b[0]), vaddq_f32(a[1], b[1]), vaddq_f32(a[2], b[2]), vaddq_f32(a[3], b[3])]
    }
    #[inline(always)]
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F {
        [vsubq_f32(a[0], b[0]), vsubq_f32(a[1], b[1]), vsubq_f32(a[2], b[2]), vsubq_f32(a[3], b[3])]
    }
    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        [vmulq_f32(a[0], b[0]), vmulq_f32(a[1], b[1]), vmulq_f32(a[2], b[2]), vmulq_f32(a[3], b[3])]
    }
    #[inline(always)]
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F {
        [vdivq_f32(a[0], b[0]), vdivq_f32(a[1], b[1]), vdivq_f32(a[2], b[2]), vdivq_f32(a[3], b[3])]
    }
    // A comparison and a selection: `fmax` would hand on a NaN where the other instruction sets give the second operand.
    #[inline(always)]
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F {
        [
            vbslq_f32(vcgtq_f32(a[0], b[0]), a[0], b[0]),
            vbslq_f32(vcgtq_f32(a[1], b[1]), a[1], b[1]),
            vbslq_f32(vcgtq_f32(a[2], b[2]), a[2], b[2]),
            vbslq_f32(vcgtq_f32(a[3], b[3]), a[3], b[3]),
        ]
    }
    #[inline(always)]
    unsafe fn min(a: Self::F, b: Self::F) -> Self::F {
        [
            vbslq_f32(vcltq_f32(a[0], b[0]), a[0], b[0]),
            vbslq_f32(vcltq_f32(a[1], b[1]), a[1], b[1]),
            vbslq_f32(vcltq_f32(a[2], b[2]), a[2], b[2]),
            vbslq_f32(vcltq_f32(a[3], b[3]), a[3], b[3]),
        ]
    }
    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        [
            vfmaq_f32(c[0], a[0], b[0]),
            vfmaq_f32(c[1], a[1], b[1]),
            vfmaq_f32(c[2], a[2], b[2]),
            vfmaq_f32(c[3], a[3], b[3]),
        ]
    }
    #[inline(always)]
    unsafe fn fnma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        [
            vfmsq_f32(c[0], a[0], b[0]),
            vfmsq_f32(c[1], a[1], b[1]),
            vfmsq_f32(c[2], a[2], b[2]),
            vfmsq_f32(c[3], a[3], b[3]),
        ]
    }
    #[inline(always)]
    unsafe fn abs(a: Self::F) -> Self::F {
        [vabsq_f32(a[0]), vabsq_f32(a[1]), vabsq_f32(a[2]), vabsq_f32(a[3])]
    }
    #[inline(always)]
    unsafe fn sum(a: Self::F) -> f32 {
        let four = vaddq_f32(vaddq_f32(a[0], a[2]), vaddq_f32(a[1], a[3]));
        let two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
        vget_lane_f32::<0>(two) + vget_lane_f32::<1>(two)
    }
    #[inline(always)]
    unsafe fn greatest(a: Self::F) -> f32 {
        vmaxvq_f32(vmaxq_f32(vmaxq_f32(a[0], a[1]), vmaxq_f32(a[2], a[3])))
    }
    #[inline(always)]
    unsafe fn splat_i(x: i32) -> Self::I {
        [vdupq_n_s32(x); 4]
    }
    #[inline(always)]
    unsafe fn shr_i(a: Self::I, bits: i32) -> Self::I {
        let bits = vdupq_n_s32(-bits);
        [vshlq_s32(a[0], bits), vshlq_s32(a[1], bits), vshlq_s32(a[2], bits), vshlq_s32(a[3], bits)]
    }
    #[inline(always)]
    unsafe fn sum_i(a: Self::I) -> i32 {
        vaddvq_s32(vaddq_s32(vaddq_s32(a[0], a[1]), vaddq_s32(a[2], a[3])))
    }
    #[inline(always)]
    unsafe fn store_i8(p: *mut i8, a: Self::I) {
        let low = vcombine_s16(vmovn_s32(a[0]), vmovn_s32(a[1]));
        let high = vcombine_s16(vmovn_s32(a[2]), vmovn_s32(a[3]));
        vst1q_s8(p, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
    }
    #[inline(always)]
    unsafe fn to_f(a: Self::I) -> Self::F {
        [vcvtq_f32_s32(a[0]), vcvtq_f32_s32(a[1]), vcvtq_f32_s32(a[2]), vcvtq_f32_s32(a[3])]
    }
    #[inline(always)]
    unsafe fn round(a: Self::F) -> Self::I {
        [vcvtnq_s32_f32(a[0]), vcvtnq_s32_f32(a[1]), vcvtnq_s32_f32(a[2]), vcvtnq_s32_f32(a[3])]
    }
    #[inline(always)]
    unsafe fn pow2(n: Self::I) -> Self::F {
        let bias = vdupq_n_s32(127);
        [
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n[0], bias))),
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n[1], bias))),
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n[2], bias))),
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n[3], bias))),
        ]
    }
    #[inline(always)]
    unsafe fn load_b(p: *const u8) -> Self::B {
        [vld1q_u8(p.add(0)), vld1q_u8(p.add(16)), vld1q_u8(p.add(32)), vld1q_u8(p.add(48))]
    }
    #[inline(always)]
    unsafe fn store_b(p: *mut u8, v: Self::B) {
        vst1q_u8(p.add(0), v[0]);
        vst1q_u8(p.add(16), v[1]);
        vst1q_u8(p.add(32), v[2]);
        vst1q_u8(p.add(48), v[3]);
    }
    #[inline(always)]
    unsafe fn splat_b(x: u8) -> Self::B {
        [vdupq_n_u8(x); 4]
    }
    #[inline(always)]
    unsafe fn and(a: Self::B, b: Self::B) -> Self::B {
        [vandq_u8(a[0], b[0]), vandq_u8(a[1], b[1]), vandq_u8(a[2], b[2]), vandq_u8(a[3], b[3])]
    }
    #[inline(always)]
    unsafe fn or(a: Self::B, b: Self::B) -> Self::B {
        [vorrq_u8(a[0], b[0]), vorrq_u8(a[1], b[1]), vorrq_u8(a[2], b[2]), vorrq_u8(a[3], b[3])]
    }
    #[inline(always)]
    unsafe fn shl(a: Self::B, bits: u32) -> Self::B {
        let bits = vdupq_n_s8(bits as i8);
        [vshlq_u8(a[0], bits), vshlq_u8(a[1], bits), vshlq_u8(a[2], bits), vshlq_u8(a[3], bits)]
    }
    #[inline(always)]
    unsafe fn shr(a: Self::B, bits: u32) -> Self::B {
        let bits = vdupq_n_s8(-(bits as i8));
        [vshlq_u8(a[0], bits), vshlq_u8(a[1], bits), vshlq_u8(a[2], bits), vshlq_u8(a[3], bits)]
    }
    #[inline(always)]
    unsafe fn dot(acc: Self::I, w: Self::B, a: *const i8) -> Self::I {
        // At most 127: an i8 as well as a u8.
        let a = vreinterpretq_s8_s32(vdupq_n_s32(a.cast::<i32>().read_unaligned()));
        [
            sdot(acc[0], vreinterpretq_s8_u8(w[0]), a),
            sdot(acc[1], vreinterpretq_s8_u8(w[1]), a),
            sdot(acc[2], vreinterpretq_s8_u8(w[2]), a),
            sdot(acc[3], vreinterpretq_s8_u8(w[3]), a),
        ]
    }
    #[inline(always)]
    unsafe fn dot_i8(acc: Self::I, w: Self::B, a: *const i8) -> Self::I {
        let bias = vdupq_n_u8(0x80);
        Self::dot(acc, [veorq_u8(w[0], bias), veorq_u8(w[1], bias), veorq_u8(w[2], bias), veorq_u8(w[3], bias)], a)
    }
}
