//! Q6_K: 256 six-bit weights in 16 runs of 16, each with an i8 scale under one f16; `w = d * sc * (q - 32)`.
//!
//! Stored block: 128 bytes of low nibbles, 64 bytes of high pairs, 16 x i8 scales, `d` f16. Of each half (128 columns), column `32 a + i`
//! has its nibble in `low[32 (a % 2) + i]` (high nibble for a = 2, 3) and its pair in `high[i]`, bits 2a. Unit (16 rows x 256 columns, 3360 bytes): 16 x `d`,
//! 16 x (16 x `sc`), 8 x (128 bytes of high pairs, 256 bytes of nibbles).

use super::{Format, Scheme, nibbles, place, put_nibble};
use crate::cpu::simd::Simd;

pub(crate) struct Q6K;

impl Format for Q6K {
    const UNIT: usize = 32 + 256 + 8 * 384;
    const BLOCKS: usize = 8;
    const SCHEME: Scheme = Scheme::Halves { shift: 2 };
    const WIDE: bool = false;
    type Head<S: Simd> = S::F;

    fn pack(unit: &mut [u8], row: usize, block: &[u8]) {
        unit[2 * row..2 * row + 2].copy_from_slice(&block[208..210]);
        for run in 0..16 {
            unit[32 + 16 * run + row] = block[192 + run];
        }
        for column in 0..256 {
            let (half, a, i) = (column / 128, column % 128 / 32, column % 32);
            let low = block[64 * half + 32 * (a % 2) + i] >> (4 * (a / 2));
            let high = block[128 + 32 * half + i] >> (2 * a) & 3;
            let run = &mut unit[288 + 384 * (column / 32)..];
            let (group, byte) = place(row, i);
            run[64 * (group / 4) + byte] |= high << (2 * (group % 4));
            put_nibble(&mut run[128..], row, i, low);
        }
    }

    #[inline(always)]
    unsafe fn head<S: Simd>(unit: *const u8) -> S::F {
        S::load_f16(unit.cast())
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(unit: *const u8, b: usize) -> [S::B; 8] {
        let run = unit.add(288 + 384 * b);
        let mut w = nibbles::<S>(run.add(128));
        let mask = S::splat_b(0x30);
        let mut half = 0;
        while half < 2 {
            let pairs = S::load_b(run.add(64 * half));
            let moved = [S::shl(pairs, 4), S::shl(pairs, 2), pairs, S::shr(pairs, 2)];
            let mut i = 0;
            while i < 4 {
                w[4 * half + i] = S::or(w[4 * half + i], S::and(moved[i], mask));
                i += 1;
            }
            half += 1;
        }
        w
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(unit: *const u8, b: usize, head: S::F) -> [S::F; 2] {
        let p = unit.add(32 + 32 * b).cast::<i8>();
        [S::mul(head, S::load_i8(p)), S::mul(head, S::load_i8(p.add(16)))]
    }
}
