//! Q5_0: 32 five-bit weights with one f16 scale; `w = d * (q - 16)`. llama-quantize falls back to it where 256 does not divide K (896).
//!
//! Stored block: `d` f16, fifth bits u32 (bit i is column i), 16 bytes of nibbles as in Q4_0. Unit (16 rows x 32 columns, 352 bytes):
//! 16 x `d`, 64 bytes of fifth bits, 256 bytes of nibbles.

use super::{Format, Scheme, fifth_bits, nibbles, put_fifth, put_nibble};
use crate::cpu::simd::Simd;

pub(crate) struct Q5_0;

impl Format for Q5_0 {
    const UNIT: usize = 32 + 64 + 256;
    const BLOCKS: usize = 1;
    const SCHEME: Scheme = Scheme::Offset { shift: 3 };
    const WIDE: bool = false;
    type Head<S: Simd> = ();

    fn pack(unit: &mut [u8], row: usize, block: &[u8]) {
        unit[2 * row..2 * row + 2].copy_from_slice(&block[..2]);
        let fifth = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
        for column in 0..32 {
            let nibble = block[6 + column % 16] >> (4 * (column / 16));
            put_nibble(&mut unit[96..], row, column, nibble);
            put_fifth(&mut unit[32..], row, column, ((fifth >> column & 1) as u8) << 4);
        }
    }

    #[inline(always)]
    unsafe fn head<S: Simd>(_unit: *const u8) {}

    #[inline(always)]
    unsafe fn weights<S: Simd>(unit: *const u8, _b: usize) -> [S::B; 8] {
        fifth_bits::<S>(nibbles::<S>(unit.add(96)), unit.add(32))
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(unit: *const u8, _b: usize, _head: ()) -> [S::F; 2] {
        [S::load_f16(unit.cast()); 2]
    }
}
