//! Q4_K: 256 nibbles in 8 runs of 32, each with a 6-bit scale and a 6-bit minimum under two f16; `w = d * sc * q - dmin * m`.
//!
//! Stored block: `d` f16, `dmin` f16, 12 bytes of 6-bit scales and minima, 128 bytes: of each 32 bytes the low nibbles are one run, the high
//! ones the next. Unit (16 rows x 256 columns, 2368 bytes): 16 x `d`, 16 x `dmin`, 8 x (16 x `sc`, 16 x `m`), 8 x 256 bytes of nibbles.

use super::{Format, Scheme, nibbles, put_nibble};
use crate::cpu::simd::Simd;

pub(crate) struct Q4K;

/// The 6-bit scale and minimum of run `b`, as Q4_K and Q5_K store them in 12 bytes.
pub(crate) fn scale_and_minimum(packed: &[u8], b: usize) -> (u8, u8) {
    if b < 4 {
        (packed[b] & 63, packed[b + 4] & 63)
    } else {
        (packed[b + 4] & 15 | packed[b - 4] >> 6 << 4, packed[b + 4] >> 4 | packed[b] >> 6 << 4)
    }
}

/// Writes what Q4_K and Q5_K share: the first 320 bytes of a unit.
pub(super) fn pack_head(unit: &mut [u8], row: usize, block: &[u8]) {
    unit[2 * row..2 * row + 2].copy_from_slice(&block[..2]);
    unit[32 + 2 * row..32 + 2 * row + 2].copy_from_slice(&block[2..4]);
    for b in 0..8 {
        let (scale, minimum) = scale_and_minimum(&block[4..16], b);
        unit[64 + 32 * b + row] = scale;
        unit[64 + 32 * b + 16 + row] = minimum;
    }
}

impl Format for Q4K {
    const UNIT: usize = 320 + 8 * 256;
    const BLOCKS: usize = 8;
    const SCHEME: Scheme = Scheme::Minimum;
    const WIDE: bool = false;
    type Head<S: Simd> = [S::F; 2];

    fn pack(unit: &mut [u8], row: usize, block: &[u8]) {
        pack_head(unit, row, block);
        for column in 0..256 {
            let b = column / 32;
            let nibble = block[16 + 32 * (b / 2) + column % 32] >> (4 * (b % 2));
            put_nibble(&mut unit[320 + 256 * b..], row, column % 32, nibble);
        }
    }

    #[inline(always)]
    unsafe fn head<S: Simd>(unit: *const u8) -> [S::F; 2] {
        [S::load_f16(unit.cast()), S::load_f16(unit.add(32).cast())]
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(unit: *const u8, b: usize) -> [S::B; 8] {
        nibbles::<S>(unit.add(320 + 256 * b))
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(unit: *const u8, b: usize, head: [S::F; 2]) -> [S::F; 2] {
        [S::mul(head[0], S::load_u8(unit.add(64 + 32 * b))); 2]
    }

    #[inline(always)]
    unsafe fn minima<S: Simd>(unit: *const u8, b: usize, head: [S::F; 2]) -> S::F {
        S::mul(head[1], S::load_u8(unit.add(64 + 32 * b + 16)))
    }
}
