//! What goes into a matrix product: rows of f32, and the same quantised to 8 bits in blocks of 32.
//!
//! `q = round(x / scale)`, `scale = max|x| / 127` in f32, ties to even: |x - scale q| <= scale / 2, up to rounding. Computed once for
//! all products that share the input.

use super::{
    Buffer, Isa, Pool,
    buffer::Plain,
    simd::{Simd, entry},
};

/// What a product needs of a block besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Block {
    pub(crate) scale: f32,
    /// -128 times the sum of the bytes: takes a stored offset off the weights.
    pub(crate) offset: i32,
    /// The same for the first 16 bytes.
    pub(crate) offset_low: i32,
    /// `scale` times the sum of the bytes: what a minimum is multiplied with.
    pub(crate) weighted: f32,
}

// SAFETY: zeros are a block of zeros.
unsafe impl Plain for Block {}

/// `[rows][columns]` inputs, in f32 and quantised.
#[derive(Debug)]
pub struct Activations {
    rows: usize,
    columns: usize,
    /// Columns rounded up to whole blocks; what is beyond `columns` stays zero.
    stride: usize,
    values: Buffer<f32>,
    bytes: Buffer<i8>,
    blocks: Buffer<Block>,
}

/// `row_into(from, to)` for each of `rows` rows of `x` (`[rows][columns]`, one after the other) and of `out`, quantised.
pub(super) fn by_rows(
    pool: &Pool,
    x: &[f32],
    rows: usize,
    out: &mut Activations,
    row_into: &(dyn Fn(*const f32, *mut f32) + Sync),
) {
    let columns = out.columns();
    assert_eq!(x.len(), rows * columns, "rows to normalise");
    assert!(rows <= out.rows(), "{rows} rows into {}", out.rows());
    let isa = pool.isa();
    let to = out.as_rows();
    // Rows are short: one worker does eight at a time.
    pool.run(rows.div_ceil(8), &|chunk| {
        for row in 8 * chunk..rows.min(8 * chunk + 8) {
            // SAFETY: lengths were checked; each row belongs to one chunk.
            unsafe {
                row_into(x[row * columns..].as_ptr(), to.from(row).values);
                to.quantise(isa, row, 0, to.stride);
            }
        }
    });
}

/// Pointers to the first row, and the distance of rows in elements (blocks: `stride / 32`).
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) values: *mut f32,
    pub(crate) bytes: *mut i8,
    pub(crate) blocks: *mut Block,
    pub(crate) stride: usize,
}

// SAFETY: a set of pointers; what is done through them is the concern of the unsafe code that does it.
unsafe impl Send for Rows {}
// SAFETY: as above.
unsafe impl Sync for Rows {}

impl Activations {
    /// Room for `rows` rows, zero.
    pub fn new(rows: usize, columns: usize) -> Self {
        let stride = columns.next_multiple_of(32);
        Self {
            rows,
            columns,
            stride,
            values: Buffer::zeroed(rows.saturating_mul(stride)),
            bytes: Buffer::zeroed(rows * stride),
            blocks: Buffer::zeroed(rows * stride / 32),
        }
    }

    /// Rows it has room for.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Elements of a row.
    pub fn columns(&self) -> usize {
        self.columns
    }
    /// The f32 values of row `row`.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.stride..][..self.columns]
    }

    /// Copies `values` into row `row` and quantises it.
    pub fn set_row(&mut self, isa: Isa, row: usize, values: &[f32]) {
        assert_eq!(values.len(), self.columns, "a row of activations");
        self.values[row * self.stride..][..self.columns].copy_from_slice(values);
        let rows = self.as_rows();
        // SAFETY: the row exists, as the slice above found; exclusively borrowed.
        unsafe { rows.quantise(isa, row, 0, self.stride) };
    }

    /// As [`Activations::as_rows`], from row `row` on.
    pub(crate) fn rows_from(&mut self, row: usize) -> Rows {
        assert!(row <= self.rows, "row {row} of {}", self.rows);
        let at = row * self.stride;
        Rows {
            values: self.values[at..].as_mut_ptr(),
            bytes: self.bytes[at..].as_mut_ptr(),
            blocks: self.blocks[at / 32..].as_mut_ptr(),
            stride: self.stride,
        }
    }

    pub(crate) fn as_rows(&mut self) -> Rows {
        Rows {
            values: self.values.as_mut_ptr(),
            bytes: self.bytes.as_mut_ptr(),
            blocks: self.blocks.as_mut_ptr(),
            stride: self.stride,
        }
    }

    /// As [`Activations::as_rows`], to be read only.
    pub(crate) fn view(&self) -> Rows {
        Rows {
            values: self.values.as_ptr().cast_mut(),
            bytes: self.bytes.as_ptr().cast_mut(),
            blocks: self.blocks.as_ptr().cast_mut(),
            stride: self.stride,
        }
    }
}

impl Rows {
    /// The same, beginning at row `row`.
    ///
    /// # Safety
    /// The row exists.
    #[inline(always)]
    pub(crate) unsafe fn from(self, row: usize) -> Self {
        Self {
            values: self.values.add(row * self.stride),
            bytes: self.bytes.add(row * self.stride),
            blocks: self.blocks.add(row * self.stride / 32),
            stride: self.stride,
        }
    }

    /// Quantises `count` values of row `row` from column `start` on; both are multiples of 32.
    ///
    /// # Safety
    /// The values lie in the row, and no other worker accesses them or their bytes and blocks.
    pub(crate) unsafe fn quantise(self, isa: Isa, row: usize, start: usize, count: usize) {
        let at = row * self.stride + start;
        quantise(isa, self.values.add(at), count / 32, self.bytes.add(at), self.blocks.add(at / 32));
    }
}

entry! { fn quantise(values: *const f32, count: usize, bytes: *mut i8, blocks: *mut Block) = quantise_body; }

#[inline(always)]
unsafe fn quantise_body<S: Simd>(values: *const f32, count: usize, bytes: *mut i8, blocks: *mut Block) {
    for b in 0..count {
        let (low, high) = (S::load(values.add(32 * b)), S::load(values.add(32 * b + 16)));
        let greatest = S::greatest(S::max(S::abs(low), S::abs(high)));
        let inverse = if greatest > 0.0 { 127.0 / greatest } else { 0.0 };
        // A block of subnormals has no finite inverse: it is nothing.
        let (scale, inverse) = if inverse.is_finite() { (greatest / 127.0, inverse) } else { (0.0, 0.0) };
        let (low, high) = (S::round(S::mul(low, S::splat(inverse))), S::round(S::mul(high, S::splat(inverse))));
        S::store_i8(bytes.add(32 * b), low);
        S::store_i8(bytes.add(32 * b + 16), high);
        let sum_low = S::sum_i(low);
        let sum = sum_low + S::sum_i(high);
        *blocks.add(b) = Block { scale, offset: -128 * sum, offset_low: -128 * sum_low, weighted: scale * sum as f32 };
    }
}

#[cfg(test)]
mod tests;
