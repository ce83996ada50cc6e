//! `silu(W_gate x) * (W_up x)`, quantised for the product that follows, as one op. Source: Shazeer, GLU Variants Improve Transformer (2020).
//!
//! A chunk is 32 outputs, two tiles of each matrix: one block of the quantised result.

use super::{
    Activations, Matrix, Pool,
    activations::Rows,
    exponential::exp,
    format::TILE,
    matmul::{Target, Tiles, matmul},
    simd::{Simd, entry},
};

/// Rows at once: their gates and ups wait on the stack.
const ROWS: usize = 32;
const BLOCK: usize = 2 * TILE;

/// Over the first `rows` rows of `x`, into the first `rows` rows of `out`.
pub fn gated(pool: &Pool, gate: &Matrix, up: &Matrix, x: &Activations, rows: usize, out: &mut Activations) {
    for matrix in [gate, up] {
        assert_eq!((matrix.rows(), matrix.columns()), (out.columns(), x.columns()), "shape of a gate");
    }
    assert!(rows <= x.rows() && rows <= out.rows(), "{rows} rows from {} into {}", x.rows(), out.rows());
    let isa = pool.isa();
    let to = out.as_rows();
    pool.run(gate.rows().div_ceil(BLOCK), &|chunk| {
        let (mut gates, mut ups) = ([0f32; ROWS * BLOCK], [0f32; ROWS * BLOCK]);
        let start = 2 * chunk;
        let count = 2.min(gate.tiles() - start);
        let outputs = BLOCK.min(gate.rows() - BLOCK * chunk);
        for row in (0..rows).step_by(ROWS) {
            let some = ROWS.min(rows - row);
            for (matrix, out) in [(gate, &mut gates), (up, &mut ups)] {
                let (dtype, columns) = (matrix.dtype(), matrix.columns());
                let tiles = Tiles { dtype, start: matrix.tile(start), bytes: matrix.tile_bytes(), count, columns };
                let start = out.as_mut_ptr();
                let target = Target { start, stride: BLOCK, outputs, bias: std::ptr::null(), add: false };
                // SAFETY: shapes were checked above; the target is this worker's own.
                unsafe { matmul(isa, tiles, x.view().from(row), some, target) };
            }
            // SAFETY: the block lies in the rows; no other chunk writes it.
            unsafe {
                let to = Rows { values: to.values.add(row * to.stride + BLOCK * chunk), ..to };
                combine(isa, gates.as_ptr(), ups.as_ptr(), some, outputs, to);
            }
            for m in row..row + some {
                // SAFETY: as above.
                unsafe { to.quantise(isa, m, BLOCK * chunk, BLOCK) };
            }
        }
    });
}

entry! { fn combine(gates: *const f32, ups: *const f32, rows: usize, outputs: usize, to: Rows) = combine_body; }

/// `to.values` points at the block in the first row. Only `outputs` elements of the block are written.
#[inline(always)]
unsafe fn combine_body<S: Simd>(gates: *const f32, ups: *const f32, rows: usize, outputs: usize, to: Rows) {
    for m in 0..rows {
        for half in 0..2 {
            let at = m * BLOCK + TILE * half;
            let gate = S::load(gates.add(at));
            let one = S::splat(1.0);
            let silu = S::div(gate, S::add(one, exp::<S>(S::sub(S::splat(0.0), gate))));
            let y = S::mul(silu, S::load(ups.add(at)));
            let out = to.values.add(m * to.stride + TILE * half);
            if outputs >= TILE * (half + 1) {
                S::store(out, y);
            } else if outputs > TILE * half {
                let mut lanes = [0.0; TILE];
                S::store(lanes.as_mut_ptr(), y);
                std::ptr::copy_nonoverlapping(lanes.as_ptr(), out, outputs - TILE * half);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::{
        Dtype, Isa,
        testing::{matrix, random},
    };

    #[test]
    fn agrees_with_f64_between_instruction_sets_and_row_counts() {
        for (dtype, outputs, inputs) in
            [(Dtype::F32, 7, 20), (Dtype::F32, 49, 33), (Dtype::Q8_0, 704, 256), (Dtype::Q8_0, 40, 96)]
        {
            let (gate, gate_values) = matrix(dtype, outputs, inputs, 1);
            let (up, up_values) = matrix(dtype, outputs, inputs, 2);
            let rows = 37;
            let mut bits: Option<Vec<u32>> = None;
            for isa in Isa::available() {
                let pool = Pool::with_isa(2, isa);
                let mut x = Activations::new(rows, inputs);
                let mut out = Activations::new(rows, outputs);
                for row in 0..rows {
                    x.set_row(isa, row, &random(100 + row as u64, inputs));
                }
                gated(&pool, &gate, &up, &x, rows, &mut out);
                for row in 0..rows {
                    for n in 0..outputs {
                        let product = |w: &[f32]| -> f64 {
                            let w = &w[n * inputs..][..inputs];
                            x.seen(row, dtype).iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum()
                        };
                        let (g, u) = (product(&gate_values), product(&up_values));
                        let want = g / (1.0 + (-g).exp()) * u;
                        let got = f64::from(out.row(row)[n]);
                        assert!((got - want).abs() < 1e-4 * want.abs().max(1.0), "{dtype} {isa}: {got} and {want}");
                    }
                }
                let here: Vec<u32> = (0..rows).flat_map(|r| out.row(r).iter().map(|v| v.to_bits())).collect();
                assert_eq!(*bits.get_or_insert_with(|| here.clone()), here, "{dtype} {isa}");
                // One row alone gives the same, quantised too.
                let mut alone = Activations::new(1, outputs);
                let mut last = Activations::new(1, inputs);
                last.set_row(isa, 0, x.row(rows - 1));
                gated(&pool, &gate, &up, &last, 1, &mut alone);
                assert_eq!(alone.row(0), out.row(rows - 1));
                assert_eq!(alone.seen(0, Dtype::Q8_0), out.seen(rows - 1, Dtype::Q8_0));
            }
        }
    }
}
