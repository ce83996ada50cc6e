//! F32, F16 and BF16: 16 rows side by side for each column.
//!
//! Unit (16 rows x 1 column): 64 or 32 bytes.

use crate::cpu::{Dtype, simd::Simd};

/// A float format.
pub(crate) trait Float {
    /// Bytes of a weight.
    const BYTES: usize;
    /// The 16 weights of a column.
    unsafe fn load<S: Simd>(column: *const u8) -> S::F;
}

pub(crate) struct Single;
pub(crate) struct Half;
pub(crate) struct Brain;

impl Float for Single {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn load<S: Simd>(column: *const u8) -> S::F {
        S::load(column.cast())
    }
}

impl Float for Half {
    const BYTES: usize = 2;
    #[inline(always)]
    unsafe fn load<S: Simd>(column: *const u8) -> S::F {
        S::load_f16(column.cast())
    }
}

impl Float for Brain {
    const BYTES: usize = 2;
    #[inline(always)]
    unsafe fn load<S: Simd>(column: *const u8) -> S::F {
        S::load_bf16(column.cast())
    }
}

/// Writes the row `row` of a tile: `source` holds its weights, little-endian.
pub(crate) fn pack(dtype: Dtype, tile: &mut [u8], row: usize, source: &[u8]) {
    let bytes = dtype.block_bytes();
    for (column, weight) in source.chunks_exact(bytes).enumerate() {
        let at = (16 * column + row) * bytes;
        tile[at..at + bytes].copy_from_slice(weight);
    }
}
