//! Q5_K: Q4_K with a fifth bit.
//!
//! Stored block: `d`, `dmin` and 12 bytes as in Q4_K, 32 bytes of fifth bits (bit b of byte i is column i of run b), 128 bytes of nibbles. Unit
//! (16 rows x 256 columns, 2880 bytes): Q4_K's first 320 bytes, 8 x (64 bytes of fifth bits, 256 bytes of nibbles).

use super::{Format, Scheme, fifth_bits, nibbles, put_fifth, put_nibble, q4_k::pack_head};
use crate::cpu::simd::Simd;

pub(crate) struct Q5K;

impl Format for Q5K {
    const UNIT: usize = 320 + 8 * 320;
    const BLOCKS: usize = 8;
    const SCHEME: Scheme = Scheme::Minimum;
    const WIDE: bool = false;
    type Head<S: Simd> = [S::F; 2];

    fn pack(unit: &mut [u8], row: usize, block: &[u8]) {
        pack_head(unit, row, block);
        for column in 0..256 {
            let (b, i) = (column / 32, column % 32);
            let run = &mut unit[320 + 320 * b..];
            put_fifth(run, row, i, (block[16 + i] >> b & 1) << 4);
            put_nibble(&mut run[64..], row, i, block[48 + 32 * (b / 2) + i] >> (4 * (b % 2)));
        }
    }

    #[inline(always)]
    unsafe fn head<S: Simd>(unit: *const u8) -> [S::F; 2] {
        [S::load_f16(unit.cast()), S::load_f16(unit.add(32).cast())]
    }

    #[inline(always)]
    unsafe fn weights<S: Simd>(unit: *const u8, b: usize) -> [S::B; 8] {
        let run = unit.add(320 + 320 * b);
        fifth_bits::<S>(nibbles::<S>(run.add(64)), run)
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
