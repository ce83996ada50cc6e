//! Q4_0: 32 nibbles with one f16 scale; `w = d * (q - 8)`.
//!
//! Stored block: `d` f16, 16 bytes (low nibbles are columns 0 to 15, high ones 16 to 31). Unit (16 rows x 32 columns, 288 bytes): 16 x `d`,
//! 256 bytes of nibbles.

use super::{Format, Scheme, nibbles, put_nibble};
use crate::cpu::simd::Simd;

pub(crate) struct Q4_0;

impl Format for Q4_0 {
    const UNIT: usize = 32 + 256;
    const BLOCKS: usize = 1;
    const SCHEME: Scheme = Scheme::Offset { shift: 4 };
    const WIDE: bool = false;
    type Head<S: Simd> = ();

    fn pack(unit: &mut [u8], row: usize, block: &[u8]) {
        unit[2 * row..2 * row + 2].copy_from_slice(&block[..2]);
        for (i, &byte) in block[2..18].iter().enumerate() {
            put_nibble(&mut unit[32..], row, i, byte);
            put_nibble(&mut unit[32..], row, i + 16, byte >> 4);
        }
    }

    #[inline(always)]
    unsafe fn head<S: Simd>(_unit: *const u8) {}

    #[inline(always)]
    unsafe fn weights<S: Simd>(unit: *const u8, _b: usize) -> [S::B; 8] {
        nibbles::<S>(unit.add(32))
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(unit: *const u8, _b: usize, _head: ()) -> [S::F; 2] {
        [S::load_f16(unit.cast()); 2]
    }
}
