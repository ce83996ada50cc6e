//! Matrix products of the same input, as one op: `y = W x + b`, or `y += W x` for a residual.

use super::{
    Activations, Matrix, Pool,
    format::TILE,
    matmul::{Target, Tiles, matmul},
    shared::Shared,
};

/// One product of several that share their input.
#[derive(Debug)]
pub struct Part<'a> {
    /// `[out][in]`.
    pub weight: &'a Matrix,
    /// `[out]`.
    pub bias: Option<&'a [f32]>,
    /// `[rows][out]`.
    pub out: &'a mut [f32],
    /// Whether to add to `out` (a residual) instead of overwriting it.
    pub add: bool,
}

/// A part as the workers see it.
#[derive(Clone, Copy)]
struct Seen<'a> {
    weight: &'a Matrix,
    bias: Option<&'a [f32]>,
    add: bool,
    out: Shared<'a, f32>,
    /// Tiles of a chunk.
    per_chunk: usize,
    /// Its first chunk.
    first: usize,
}

/// The most parts of one op.
const PARTS: usize = 4;

/// The least a worker takes at once: below it, taking chunks costs more than it balances.
const LEAST_BYTES: usize = 16 << 10;

/// The most a worker takes at once when many rows go over it: what stays in a core's second-level cache beside the rows.
const MOST_BYTES: usize = 256 << 10;

/// Rows that go over a chunk's weights together; their bytes stay in the second-level cache too.
pub(crate) const ROWS: usize = 64;

/// Bytes of weights that a worker takes at once of so many in all.
pub(crate) fn chunk_bytes(pool: &Pool, all: usize) -> usize {
    (all / (8 * pool.workers())).clamp(LEAST_BYTES, MOST_BYTES)
}

/// Multiplies rows `from..from + rows` of `x` with each part's weights (at most 4 parts).
pub fn linear(pool: &Pool, x: &Activations, from: usize, rows: usize, parts: &mut [Part<'_>]) {
    assert!(parts.len() <= PARTS, "at most {PARTS} products in one op");
    assert!(from.checked_add(rows).is_some_and(|end| end <= x.rows()), "{rows} rows from {from} of {}", x.rows());
    let bytes: usize = parts.iter().map(|part| part.weight.bytes()).sum();
    let chunk_bytes = chunk_bytes(pool, bytes);

    let mut seen: [Option<Seen<'_>>; PARTS] = [const { None }; PARTS];
    let mut chunks = 0;
    for (slot, part) in seen.iter_mut().zip(parts) {
        assert_eq!(part.weight.columns(), x.columns(), "inputs of a product");
        assert_eq!(part.out.len(), rows * part.weight.rows(), "outputs of a product");
        assert!(part.bias.is_none_or(|bias| bias.len() == part.weight.rows()), "biases of a product");
        let (weight, bias, add) = (part.weight, part.bias, part.add);
        let per_chunk = (chunk_bytes / weight.tile_bytes()).max(1);
        *slot = Some(Seen { weight, bias, add, out: Shared::new(part.out), per_chunk, first: chunks });
        chunks += weight.tiles().div_ceil(per_chunk);
    }

    let isa = pool.isa();
    let seen = &seen;
    pool.run(chunks, &|chunk| {
        let part = seen.iter().flatten().take_while(|part| part.first <= chunk).last();
        let Some(&Seen { weight, bias, add, out, per_chunk, first }) = part else { return };
        let start = (chunk - first) * per_chunk;
        let count = per_chunk.min(weight.tiles() - start);
        let tiles = Tiles {
            dtype: weight.dtype(),
            start: weight.tile(start),
            bytes: weight.tile_bytes(),
            count,
            columns: weight.columns(),
        };
        let (stride, n) = (weight.rows(), TILE * start);
        for row in (0..rows).step_by(ROWS) {
            // SAFETY: shapes were checked above; chunks share no output.
            unsafe {
                let target = Target {
                    start: out.at(row * stride + n),
                    stride,
                    outputs: stride - n,
                    bias: bias.map_or(std::ptr::null(), |bias| bias[n..].as_ptr()),
                    add,
                };
                matmul(isa, tiles, x.view().from(from + row), ROWS.min(rows - row), target);
            }
        }
    });
}
