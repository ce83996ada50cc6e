//! Sixteen lanes, on every instruction set.
//!
//! Kernels are written over [`Simd`] and compiled once for each [`Isa`](super::Isa) by [`entry!`]. A lane op means the same f32 or
//! integer op everywhere (fused multiply-add included), and the horizontal sums fix their order, so results agree to the bit.
//!
//! All methods are `unsafe` for two reasons: the machine must have the instruction set, and pointers must be valid for what is read or
//! written (16 elements unless said; no alignment is asked for).

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod scalar;

/// 16 lanes of f32 (`F`) and i32 (`I`), and 64 bytes (`B`) seen as 16 rows of 4.
pub(crate) trait Simd: Copy {
    type F: Copy;
    type I: Copy;
    type B: Copy;

    /// Whether [`Simd::dot_i8`] takes the weights as they are stored (plus 128) and so leaves `128 * sum(a)` in its result.
    const BIASED: bool;

    /// Rows (or queries) that share each load: as many as the registers hold.
    const ROWS: usize;

    /// Asks for the cache line of `p`, which need not be valid.
    #[inline(always)]
    unsafe fn prefetch(_p: *const u8) {}

    unsafe fn splat(x: f32) -> Self::F;
    unsafe fn load(p: *const f32) -> Self::F;
    unsafe fn store(p: *mut f32, v: Self::F);
    unsafe fn load_f16(p: *const u16) -> Self::F;
    unsafe fn load_bf16(p: *const u16) -> Self::F;
    unsafe fn load_u8(p: *const u8) -> Self::F;
    unsafe fn load_i8(p: *const i8) -> Self::F;

    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a * b`, rounded once.
    unsafe fn fnma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The greater of two numbers; neither may be NaN.
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F;
    /// The lesser of two numbers; neither may be NaN.
    unsafe fn min(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn abs(a: Self::F) -> Self::F;
    /// `((0+8)+(4+12)) + ((2+10)+(6+14))` and so on: halves are folded onto each other, 8, 4, 2, 1 lanes apart.
    unsafe fn sum(a: Self::F) -> f32;
    unsafe fn greatest(a: Self::F) -> f32;

    unsafe fn splat_i(x: i32) -> Self::I;
    /// Arithmetic shift right of each lane.
    unsafe fn shr_i(a: Self::I, bits: i32) -> Self::I;
    unsafe fn sum_i(a: Self::I) -> i32;
    /// Each lane's low byte.
    unsafe fn store_i8(p: *mut i8, a: Self::I);
    unsafe fn to_f(a: Self::I) -> Self::F;
    /// To the nearest integer, ties to even; |a| < 2^31.
    unsafe fn round(a: Self::F) -> Self::I;
    /// `2^n` for n in -126..=127.
    unsafe fn pow2(n: Self::I) -> Self::F;

    /// 64 bytes.
    unsafe fn load_b(p: *const u8) -> Self::B;
    unsafe fn store_b(p: *mut u8, v: Self::B);
    unsafe fn splat_b(x: u8) -> Self::B;
    unsafe fn and(a: Self::B, b: Self::B) -> Self::B;
    unsafe fn or(a: Self::B, b: Self::B) -> Self::B;
    /// Shift of the whole byte string's 16-bit words: bits cross byte borders, so mask the result. `bits` in 0..8.
    unsafe fn shl(a: Self::B, bits: u32) -> Self::B;
    /// As [`Simd::shl`], to the right.
    unsafe fn shr(a: Self::B, bits: u32) -> Self::B;

    /// For each row r: `acc[r] + sum over j in 0..4 of w[4r+j] * a[j]`, `w` in 0..=127 and `a` (4 bytes read) in -127..=127.
    unsafe fn dot(acc: Self::I, w: Self::B, a: *const i8) -> Self::I;
    /// The same where `w` holds an i8 plus 128; see [`Simd::BIASED`].
    unsafe fn dot_i8(acc: Self::I, w: Self::B, a: *const i8) -> Self::I;
}

/// Compiles a kernel written over [`Simd`] for every instruction set and defines the function that picks one.
///
/// `entry! { fn name(arg: Type, ..) = body; }` makes `unsafe fn name(isa, arg, ..)`, which calls `body::<S>(arg, ..)`. `body` must be
/// `#[inline(always)]` and free of closures, or it is compiled without the instruction set.
macro_rules! entry {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident;) => {
        $(#[$meta])*
        // SAFETY: callers pass only an `isa` that this machine has, and keep what the body asks for.
        #[allow(clippy::too_many_arguments)]
        pub(crate) unsafe fn $name(isa: $crate::cpu::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            #[allow(clippy::too_many_arguments)]
            unsafe fn avx2($($arg: $ty),*) $(-> $ret)? { $body::<$crate::cpu::simd::avx2::Avx2>($($arg),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,avxvnni")]
            #[allow(clippy::too_many_arguments)]
            unsafe fn avx_vnni($($arg: $ty),*) $(-> $ret)? { $body::<$crate::cpu::simd::avx2::AvxVnni>($($arg),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            #[allow(clippy::too_many_arguments)]
            unsafe fn avx512($($arg: $ty),*) $(-> $ret)? { $body::<$crate::cpu::simd::avx512::Avx512>($($arg),*) }
            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon,dotprod")]
            #[allow(clippy::too_many_arguments)]
            unsafe fn neon($($arg: $ty),*) $(-> $ret)? { $body::<$crate::cpu::simd::neon::Neon>($($arg),*) }
            match isa {
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::Isa::Avx2 => avx2($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::Isa::AvxVnni => avx_vnni($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::Isa::Avx512Vnni => avx512($($arg),*),
                #[cfg(target_arch = "aarch64")]
                $crate::cpu::Isa::NeonDot => neon($($arg),*),
                _ => $body::<$crate::cpu::simd::scalar::Scalar>($($arg),*),
            }
        }
    };
}
pub(crate) use entry;
