//! Q8_0: 32 signed bytes with one f16 scale; `w = d * q`.
//!
//! Stored block: `d` f16, `q` 32 x i8. Unit (16 rows x 32 columns, 544 bytes): 16 x `d`, 8 groups x 64 bytes of `q + 128`.

use super::{Format, Scheme, place};
use crate::cpu::simd::Simd;

pub(crate) struct Q8_0;

impl Format for Q8_0 {
    const UNIT: usize = 32 + 512;
    const BLOCKS: usize = 1;
    const SCHEME: Scheme = Scheme::Offset { shift: 0 };
    const WIDE: bool = true;
    type Head<S: Simd> = ();

    fn pack(unit: &mut [u8], row: usize, block: &[u8]) {
        unit[2 * row..2 * row + 2].copy_from_slice(&block[..2]);
        for (column, quad) in block[2..34].chunks_exact(4).enumerate() {
            let (group, byte) = place(row, 4 * column);
            let at = 32 + 64 * group + byte;
            for (to, from) in unit[at..at + 4].iter_mut().zip(quad) {
                *to = from ^ 0x80;
            }
        }
    }

    #[inline(always)]
    unsafe fn head<S: Simd>(_unit: *const u8) {}

    #[inline(always)]
    unsafe fn weights<S: Simd>(unit: *const u8, _b: usize) -> [S::B; 8] {
        let p = unit.add(32);
        let mut w = [S::load_b(p); 8];
        let mut i = 1;
        while i < 8 {
            w[i] = S::load_b(p.add(64 * i));
            i += 1;
        }
        w
    }

    #[inline(always)]
    unsafe fn scales<S: Simd>(unit: *const u8, _b: usize, _head: ()) -> [S::F; 2] {
        [S::load_f16(unit.cast()); 2]
    }
}
