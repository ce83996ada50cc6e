//! A weight matrix in device memory.

use super::{
    device::{CudaError, Device, Memory, Result},
    layout::{Format, TILE, pack_row},
};

/// Bytes that are repacked at a time on their way to the device.
const PIECE: usize = 64 << 20;

/// `[rows][columns]`, in tiles.
#[derive(Debug)]
pub struct Matrix {
    pub(super) memory: Memory,
    pub(super) format: Format,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// What every weight is multiplied with.
    pub(super) scale: f32,
    /// How many of this size follow each other: experts.
    pub(super) count: usize,
    /// By what its inputs are divided before they are rounded to 8-bit floats, where they are: part of `scale`.
    pub(super) inputs: Option<f32>,
}

impl Matrix {
    /// Repacks `rows` rows of `columns` weights, row after row in the format's blocks, and sends them off piece by piece: of a mapped file no more
    /// is in memory at a time than a piece. `threads` repack.
    pub fn upload(
        device: &Device,
        format: Format,
        [rows, columns]: [usize; 2],
        blocks: &[u8],
        scale: f32,
        threads: usize,
    ) -> Result<Self> {
        Self::upload_all(device, format, [rows, columns], 1, |_| Ok(blocks), scale, threads)
    }

    /// As [`Matrix::upload`], of `count` matrices of one size, one after the other.
    pub fn upload_all<E: From<CudaError>, B: AsRef<[u8]>>(
        device: &Device,
        format: Format,
        [rows, columns]: [usize; 2],
        count: usize,
        blocks: impl Fn(usize) -> std::result::Result<B, E>,
        scale: f32,
        threads: usize,
    ) -> std::result::Result<Self, E> {
        let memory = device.zeros(count * format.bytes(rows, columns))?;
        let matrix = Self { memory, format, rows, columns, scale, count, inputs: None };
        for i in 0..count {
            matrix.put(i, blocks(i)?.as_ref(), threads)?;
        }
        Ok(matrix)
    }

    fn put(&self, i: usize, blocks: &[u8], threads: usize) -> Result<()> {
        let Self { memory, format, rows, columns, .. } = self;
        let (format, rows, columns) = (*format, *rows, *columns);
        let (block, bytes) = format.block();
        let refuse = |message: String| CudaError::new("upload", message);
        if rows == 0 || columns == 0 || !columns.is_multiple_of(block) {
            return Err(refuse(format!("{rows} x {columns} {format:?}: whole blocks of {block} columns are needed")));
        }
        let row_bytes = columns / block * bytes;
        if rows.checked_mul(row_bytes) != Some(blocks.len()) {
            return Err(refuse(format!("{rows} x {columns} {format:?} in {} bytes", blocks.len())));
        }
        let tile_bytes = format.tile_bytes(columns);
        let start = i * format.bytes(rows, columns);
        let tiles = rows.div_ceil(TILE);
        let at_a_time = (PIECE / tile_bytes).max(1);
        for first in (0..tiles).step_by(at_a_time) {
            let count = at_a_time.min(tiles - first);
            let mut piece = vec![0; count * tile_bytes];
            let each = count.div_ceil(threads.max(1));
            std::thread::scope(|scope| {
                for (i, part) in piece.chunks_mut(each * tile_bytes).enumerate() {
                    let source = &blocks[(first + i * each) * TILE * row_bytes..];
                    scope.spawn(move || {
                        for (tile, source) in part.chunks_exact_mut(tile_bytes).zip(source.chunks(TILE * row_bytes)) {
                            for (row, source) in source.chunks_exact(row_bytes).enumerate() {
                                pack_row(format, tile, row, source);
                            }
                        }
                    });
                }
            });
            memory.write(start + first * tile_bytes, &piece)?;
        }
        Ok(())
    }

    /// To be multiplied with inputs that [`super::round_inputs`] has divided by `scale` and rounded to 8-bit floats. Only of 8-bit floats itself.
    pub fn with_rounded_inputs(self, scale: f32) -> Self {
        Self { scale: self.scale * scale, inputs: Some(scale), ..self }
    }

    /// Outputs of a product with it.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes on the device.
    pub fn bytes(&self) -> usize {
        self.memory.bytes()
    }

    pub(super) fn tiles(&self) -> usize {
        self.rows.div_ceil(TILE)
    }

    pub(super) fn address(&self) -> Result<u64> {
        self.memory.address("weights", 0, self.count * self.format.bytes(self.rows, self.columns))
    }
}
