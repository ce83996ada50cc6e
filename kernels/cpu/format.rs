//! Weight formats: how GGUF's blocks are repacked, and how sixteen rows of them are decoded at once.
//!
//! A *tile* is 16 rows. Along the columns it is cut into *units* (32 columns, or 256 for the k-quants), one file a format here. Inside a
//! unit, sixteen scales lie side by side, then the weights by groups of 4 columns: 64 values, row 0's four first. One `vpdpbusd`
//! then multiplies 16 rows by 4 columns. Scales keep their stored width, so a repacked matrix is as large as the file's, but for
//! Q4_K and Q5_K, whose 6-bit scales take a byte each: 4.625 and 5.625 bits a weight instead of 4.5 and 5.5.
//!
//! Source of the block layouts: the GGUF specification and ggml's `block_*` structures.

pub(crate) mod float;
pub(crate) mod q4_0;
pub(crate) mod q4_k;
pub(crate) mod q5_0;
pub(crate) mod q5_k;
pub(crate) mod q6_k;
pub(crate) mod q8_0;

use std::fmt;

use super::simd::Simd;

/// Rows of a tile.
pub(crate) const TILE: usize = 16;

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, non_camel_case_types)]
pub enum Dtype {
    F32,
    F16,
    BF16,
    Q8_0,
    Q4_0,
    Q5_0,
    Q4_K,
    Q5_K,
    Q6_K,
}

impl Dtype {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::F32, Self::F16, Self::BF16, Self::Q8_0, Self::Q4_0, Self::Q5_0, Self::Q4_K, Self::Q5_K, Self::Q6_K];

    /// Columns of one stored block.
    pub fn block_columns(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q8_0 | Self::Q4_0 | Self::Q5_0 => 32,
            Self::Q4_K | Self::Q5_K | Self::Q6_K => 256,
        }
    }

    /// Bytes of one stored block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q8_0 => 34,
            Self::Q4_0 => 18,
            Self::Q5_0 => 22,
            Self::Q4_K => 144,
            Self::Q5_K => 176,
            Self::Q6_K => 210,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How a block's dot product becomes f32.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `scale * (w - 128 >> shift)`: the offset is taken off the integer sum, exactly.
    Offset { shift: i32 },
    /// `scale * w - min`.
    Minimum,
    /// As `Offset`, with one scale for each 16 columns.
    Halves { shift: i32 },
}

/// A quantised format.
pub(crate) trait Format {
    /// Bytes of a unit of 16 rows.
    const UNIT: usize;
    /// Runs of 32 columns in a unit.
    const BLOCKS: usize;
    const SCHEME: Scheme;
    /// Whether weights span all 8 bits (an i8 plus 128); else they are at most 127.
    const WIDE: bool;
    /// What a unit's blocks share.
    type Head<S: Simd>: Copy;

    /// Writes one stored block of row `row` into its unit.
    fn pack(unit: &mut [u8], row: usize, block: &[u8]);

    unsafe fn head<S: Simd>(unit: *const u8) -> Self::Head<S>;
    /// The weights of block `b`, group by group.
    unsafe fn weights<S: Simd>(unit: *const u8, b: usize) -> [S::B; 8];
    /// The scales of block `b`; with [`Scheme::Halves`], of its first and second 16 columns, else twice the same.
    unsafe fn scales<S: Simd>(unit: *const u8, b: usize, head: Self::Head<S>) -> [S::F; 2];
    /// The minima of block `b`; zero but for [`Scheme::Minimum`].
    unsafe fn minima<S: Simd>(_unit: *const u8, _b: usize, _head: Self::Head<S>) -> S::F {
        S::splat(0.0)
    }
}

/// Low nibbles are groups 0 to 3, high nibbles groups 4 to 7.
#[inline(always)]
pub(crate) unsafe fn nibbles<S: Simd>(p: *const u8) -> [S::B; 8] {
    let mask = S::splat_b(0x0f);
    let stored = [S::load_b(p), S::load_b(p.add(64)), S::load_b(p.add(128)), S::load_b(p.add(192))];
    let mut w = [mask; 8];
    let mut i = 0;
    while i < 4 {
        w[i] = S::and(stored[i], mask);
        w[i + 4] = S::and(S::shr(stored[i], 4), mask);
        i += 1;
    }
    w
}

/// Adds bit 4 to each weight: bit `g` of byte `j` belongs to byte `j` of group `g`.
#[inline(always)]
pub(crate) unsafe fn fifth_bits<S: Simd>(mut w: [S::B; 8], p: *const u8) -> [S::B; 8] {
    let mask = S::splat_b(0x10);
    let stored = S::load_b(p);
    let mut g = 0;
    while g < 8 {
        let moved = if g < 4 { S::shl(stored, 4 - g as u32) } else { S::shr(stored, g as u32 - 4) };
        w[g] = S::or(w[g], S::and(moved, mask));
        g += 1;
    }
    w
}

/// Where the weight of (`row`, `column` in 0..32) lies: group and byte in its 64.
pub(crate) fn place(row: usize, column: usize) -> (usize, usize) {
    (column / 4, 4 * row + column % 4)
}

/// Writes a nibble as [`nibbles`] reads it.
pub(crate) fn put_nibble(packed: &mut [u8], row: usize, column: usize, value: u8) {
    let (group, byte) = place(row, column);
    packed[64 * (group % 4) + byte] |= (value & 0x0f) << (4 * (group / 4));
}

/// Writes bit 4 of `value` as [`fifth_bits`] reads it.
pub(crate) fn put_fifth(packed: &mut [u8], row: usize, column: usize, value: u8) {
    let (group, byte) = place(row, column);
    packed[byte] |= (value >> 4 & 1) << group;
}

/// Calls a generic function with the format of a quantised dtype.
macro_rules! with_format {
    ($dtype:expr, $name:ident => $call:expr, else $other:expr) => {
        match $dtype {
            $crate::cpu::Dtype::Q8_0 => {
                type $name = $crate::cpu::format::q8_0::Q8_0;
                $call
            }
            $crate::cpu::Dtype::Q4_0 => {
                type $name = $crate::cpu::format::q4_0::Q4_0;
                $call
            }
            $crate::cpu::Dtype::Q5_0 => {
                type $name = $crate::cpu::format::q5_0::Q5_0;
                $call
            }
            $crate::cpu::Dtype::Q4_K => {
                type $name = $crate::cpu::format::q4_k::Q4K;
                $call
            }
            $crate::cpu::Dtype::Q5_K => {
                type $name = $crate::cpu::format::q5_k::Q5K;
                $call
            }
            $crate::cpu::Dtype::Q6_K => {
                type $name = $crate::cpu::format::q6_k::Q6K;
                $call
            }
            _ => $other,
        }
    };
}
pub(crate) use with_format;
