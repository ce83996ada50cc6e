//! A weight matrix, repacked once at load.

use super::{
    Arena, Buffer, Dtype, Isa,
    format::{Format, Scheme, TILE, float, with_format},
    simd::{Simd, entry},
};

/// `[rows][columns]` weights in tiles of 16 rows; see [`super::format`].
#[derive(Debug)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    dtype: Dtype,
    tile_bytes: usize,
    data: Buffer<u8>,
}

/// Why blocks do not make a matrix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// The columns are not whole blocks.
    #[error("{dtype} needs a multiple of {block} columns, found {columns}")]
    Columns {
        /// The format.
        dtype: Dtype,
        /// Columns of one block.
        block: usize,
        /// What was asked for.
        columns: usize,
    },
    /// The data has another length than the shape says.
    #[error("{rows} x {columns} {dtype} weights take {expected} bytes, found {found}")]
    Length {
        /// The format.
        dtype: Dtype,
        /// Rows asked for.
        rows: usize,
        /// Columns asked for.
        columns: usize,
        /// Bytes of such a matrix.
        expected: u128,
        /// Bytes given.
        found: usize,
    },
    /// No rows or no columns.
    #[error("a matrix of {rows} x {columns} is empty")]
    Empty {
        /// Rows asked for.
        rows: usize,
        /// Columns asked for.
        columns: usize,
    },
}

impl Matrix {
    /// Repacks `rows` rows of `columns` weights each, row after row in GGUF's blocks (floats little-endian).
    pub fn new(dtype: Dtype, rows: usize, columns: usize, blocks: &[u8]) -> Result<Self, MatrixError> {
        Self::repack(Buffer::zeroed, dtype, rows, columns, blocks)
    }

    /// The same in memory of an arena.
    pub fn new_in(
        arena: &mut Arena,
        dtype: Dtype,
        rows: usize,
        columns: usize,
        blocks: &[u8],
    ) -> Result<Self, MatrixError> {
        Self::repack(|bytes| arena.zeroed(bytes), dtype, rows, columns, blocks)
    }

    fn repack(
        memory: impl FnOnce(usize) -> Buffer<u8>,
        dtype: Dtype,
        rows: usize,
        columns: usize,
        blocks: &[u8],
    ) -> Result<Self, MatrixError> {
        let (block, bytes) = (dtype.block_columns(), dtype.block_bytes());
        if rows == 0 || columns == 0 {
            return Err(MatrixError::Empty { rows, columns });
        }
        if !columns.is_multiple_of(block) {
            return Err(MatrixError::Columns { dtype, block, columns });
        }
        let expected = (rows as u128 * (columns / block) as u128).saturating_mul(bytes as u128);
        if expected != blocks.len() as u128 {
            return Err(MatrixError::Length { dtype, rows, columns, expected, found: blocks.len() });
        }
        let tile_bytes = with_format!(dtype, Q => columns / (32 * Q::BLOCKS) * Q::UNIT, else columns * TILE * bytes);
        let mut data = memory(rows.div_ceil(TILE) * tile_bytes);
        let row_bytes = columns / block * bytes;
        for (tile, source) in data.chunks_exact_mut(tile_bytes).zip(blocks.chunks(TILE * row_bytes)) {
            for (row, source) in source.chunks_exact(row_bytes).enumerate() {
                with_format!(dtype, Q => pack_row::<Q>(tile, row, source, bytes), else float::pack(dtype, tile, row, source));
            }
        }
        Ok(Self { rows, columns, dtype, tile_bytes, data })
    }

    /// Outputs of a product with it.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Inputs of a product with it.
    pub fn columns(&self) -> usize {
        self.columns
    }
    /// How its weights are stored.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }
    /// Bytes it takes in memory: what a product with one row reads.
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    pub(crate) fn tiles(&self) -> usize {
        self.rows.div_ceil(TILE)
    }
    pub(crate) fn tile_bytes(&self) -> usize {
        self.tile_bytes
    }
    pub(crate) fn tile(&self, tile: usize) -> *const u8 {
        self.data[tile * self.tile_bytes..].as_ptr()
    }

    /// Writes row `row` as f32 (an embedding look-up). Panics when `row` or `out.len()` does not fit.
    #[allow(clippy::modulo_one)] // some formats have one block a unit
    pub fn row(&self, isa: Isa, row: usize, out: &mut [f32]) {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        assert_eq!(out.len(), self.columns, "a row has as many elements as the matrix has columns");
        let tile = self.tile(row / TILE);
        let lane = row % TILE;
        with_format!(self.dtype, Q => {
            for (i, out) in out.chunks_exact_mut(32).enumerate() {
                let mut block = Decoded { weights: [0; 512], scales: [[0.0; 16]; 2], minima: [0.0; 16] };
                // SAFETY: the unit lies in the tile; a decoder for the machine's own `isa`.
                unsafe { decode(isa, self.dtype, tile.add(i / Q::BLOCKS * Q::UNIT), i % Q::BLOCKS, &mut block) };
                let offset = match Q::SCHEME {
                    Scheme::Offset { shift } | Scheme::Halves { shift } => 128 >> shift,
                    Scheme::Minimum => 0,
                };
                for (column, out) in out.iter_mut().enumerate() {
                    let (group, byte) = super::format::place(lane, column);
                    let weight = i32::from(block.weights[64 * group + byte]) - offset;
                    *out = block.scales[column / 16][lane] * weight as f32 - block.minima[lane];
                }
            }
        }, else {
            let bytes = self.dtype.block_bytes();
            for (column, out) in out.iter_mut().enumerate() {
                let mut lanes = [0.0; 16];
                // SAFETY: a column of the tile.
                unsafe { decode_column(isa, self.dtype, tile.add(column * TILE * bytes), &mut lanes) };
                *out = lanes[lane];
            }
        });
    }
}

fn pack_row<Q: Format>(tile: &mut [u8], row: usize, source: &[u8], block_bytes: usize) {
    // A stored block covers a whole unit in every format.
    for (unit, block) in tile.chunks_exact_mut(Q::UNIT).zip(source.chunks_exact(block_bytes)) {
        Q::pack(unit, row, block);
    }
}

/// A block of 16 rows x 32 columns.
pub(super) struct Decoded {
    weights: [u8; 512],
    scales: [[f32; 16]; 2],
    minima: [f32; 16],
}

entry! { fn decode(dtype: Dtype, unit: *const u8, b: usize, out: &mut Decoded) = decode_body; }

#[inline(always)]
#[allow(clippy::let_unit_value)] // some formats share nothing in a unit
unsafe fn decode_body<S: Simd>(dtype: Dtype, unit: *const u8, b: usize, out: &mut Decoded) {
    with_format!(dtype, Q => {
        let head = Q::head::<S>(unit);
        let weights = Q::weights::<S>(unit, b);
        for (i, w) in weights.into_iter().enumerate() {
            S::store_b(out.weights.as_mut_ptr().add(64 * i), w);
        }
        let scales = Q::scales::<S>(unit, b, head);
        S::store(out.scales[0].as_mut_ptr(), scales[0]);
        S::store(out.scales[1].as_mut_ptr(), scales[1]);
        S::store(out.minima.as_mut_ptr(), Q::minima::<S>(unit, b, head));
    }, else unreachable!("a quantised format"));
}

entry! { fn decode_column(dtype: Dtype, column: *const u8, out: &mut [f32; 16]) = decode_column_body; }

#[inline(always)]
unsafe fn decode_column_body<S: Simd>(dtype: Dtype, column: *const u8, out: &mut [f32; 16]) {
    use float::Float;
    let v = match dtype {
        Dtype::F16 => float::Half::load::<S>(column),
        Dtype::BF16 => float::Brain::load::<S>(column),
        _ => float::Single::load::<S>(column),
    };
    S::store(out.as_mut_ptr(), v);
}

#[cfg(test)]
mod tests;
