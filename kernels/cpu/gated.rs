//! The inner half of an MLP, quantised for the product that follows, as one op: `act(W_gate x + b) * (W_up x + b)`, or `act(W x + b)`.
//! Source: Shazeer, GLU Variants Improve Transformer (2020).
//!
//! It goes by blocks of 32 outputs, two tiles of each matrix: one block of the quantised result.

use super::{
    Activation, Activations, Matrix, Pool,
    activation::activate,
    activations::Rows,
    format::TILE,
    linear::chunk_bytes,
    matmul::{Target, Tiles, matmul},
    simd::{Simd, entry},
};

/// Rows at once: their gates and ups wait on the stack.
const ROWS: usize = 32;
const BLOCK: usize = 2 * TILE;

/// A matrix and what is added to its products.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// `[out][in]`.
    pub weight: &'a Matrix,
    /// `[out]`.
    pub bias: Option<&'a [f32]>,
}

/// `act(gate x) * (up x)` over the first `rows` rows of `x`, into the first `rows` rows of `out`.
pub fn gated(
    pool: &Pool,
    activation: Activation,
    gate: Gate<'_>,
    up: Gate<'_>,
    x: &Activations,
    rows: usize,
    out: &mut Activations,
) {
    inner(pool, activation, gate, Some(up), x, rows, out);
}

/// `act(up x)` over the first `rows` rows of `x`, into the first `rows` rows of `out`.
pub fn activated(
    pool: &Pool,
    activation: Activation,
    up: Gate<'_>,
    x: &Activations,
    rows: usize,
    out: &mut Activations,
) {
    inner(pool, activation, up, None, x, rows, out);
}

fn inner(
    pool: &Pool,
    activation: Activation,
    gate: Gate<'_>,
    up: Option<Gate<'_>>,
    x: &Activations,
    rows: usize,
    out: &mut Activations,
) {
    for Gate { weight, bias } in [gate].into_iter().chain(up) {
        assert_eq!((weight.rows(), weight.columns()), (out.columns(), x.columns()), "shape of a gate");
        assert!(bias.is_none_or(|bias| bias.len() == weight.rows()), "biases of a gate");
    }
    assert!(rows <= x.rows() && rows <= out.rows(), "{rows} rows from {} into {}", x.rows(), out.rows());
    let isa = pool.isa();
    let to = out.as_rows();
    let width = gate.weight.rows();
    let blocks = width.div_ceil(BLOCK);
    let bytes = gate.weight.bytes() + up.map_or(0, |up| up.weight.bytes());
    let per_chunk = (chunk_bytes(pool, bytes) * blocks / bytes).max(1);
    pool.run(blocks.div_ceil(per_chunk), &|chunk| {
        for block in per_chunk * chunk..blocks.min(per_chunk * (chunk + 1)) {
            let (mut gates, mut ups) = ([0f32; ROWS * BLOCK], [0f32; ROWS * BLOCK]);
            let start = 2 * block;
            let count = 2.min(gate.weight.tiles() - start);
            let outputs = BLOCK.min(width - BLOCK * block);
            for row in (0..rows).step_by(ROWS) {
                let some = ROWS.min(rows - row);
                for (matrix, out) in [(Some(gate), &mut gates), (up, &mut ups)] {
                    let Some(Gate { weight, bias }) = matrix else { continue };
                    let (dtype, columns) = (weight.dtype(), weight.columns());
                    let tiles = Tiles { dtype, start: weight.tile(start), bytes: weight.tile_bytes(), count, columns };
                    let bias = bias.map_or(std::ptr::null(), |bias| bias[BLOCK * block..].as_ptr());
                    let target = Target { start: out.as_mut_ptr(), stride: BLOCK, outputs, bias, add: false };
                    // SAFETY: shapes were checked above; the target is this worker's own.
                    unsafe { matmul(isa, tiles, x.view().from(row), some, target) };
                }
                let ups = if up.is_some() { ups.as_ptr() } else { std::ptr::null() };
                // SAFETY: the block lies in the rows; no other chunk writes it.
                unsafe {
                    let to = Rows { values: to.values.add(row * to.stride + BLOCK * block), ..to };
                    combine(isa, activation, gates.as_ptr(), ups, some, outputs, to);
                }
                for m in row..row + some {
                    // SAFETY: as above.
                    unsafe { to.quantise(isa, m, BLOCK * block, BLOCK) };
                }
            }
        }
    });
}

entry! { fn combine(activation: Activation, gates: *const f32, ups: *const f32, rows: usize, outputs: usize, to: Rows) = combine_body; }

/// `to.values` points at the block in the first row. Only `outputs` elements of the block are written. Without `ups` nothing is multiplied.
#[inline(always)]
unsafe fn combine_body<S: Simd>(
    activation: Activation,
    gates: *const f32,
    ups: *const f32,
    rows: usize,
    outputs: usize,
    to: Rows,
) {
    for m in 0..rows {
        for half in 0..2 {
            let at = m * BLOCK + TILE * half;
            let mut y = activate::<S>(activation, S::load(gates.add(at)));
            if !ups.is_null() {
                y = S::mul(y, S::load(ups.add(at)));
            }
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

    fn act(activation: Activation, x: f64) -> f64 {
        match activation {
            Activation::Silu => x / (1.0 + (-x).exp()),
            Activation::GeluTanh => {
                0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
            }
        }
    }

    #[test]
    fn agrees_with_f64_between_instruction_sets_and_row_counts() {
        for (dtype, outputs, inputs, activation, biased, plain) in [
            (Dtype::F32, 7, 20, Activation::Silu, false, false),
            (Dtype::F32, 49, 33, Activation::GeluTanh, true, false),
            (Dtype::F32, 49, 33, Activation::GeluTanh, true, true),
            (Dtype::Q8_0, 704, 256, Activation::Silu, false, false),
            (Dtype::Q8_0, 40, 96, Activation::Silu, true, true),
        ] {
            let (gate, gate_values) = matrix(dtype, outputs, inputs, 1);
            let (up, up_values) = matrix(dtype, outputs, inputs, 2);
            let (gate_bias, up_bias) = (random(3, outputs), random(4, outputs));
            let bias = |bias| if biased { Some(bias) } else { None };
            let gate = Gate { weight: &gate, bias: bias(&gate_bias[..]) };
            let up = Gate { weight: &up, bias: bias(&up_bias[..]) };
            let run = |pool: &Pool, x: &Activations, rows: usize, out: &mut Activations| match plain {
                true => activated(pool, activation, gate, x, rows, out),
                false => gated(pool, activation, gate, up, x, rows, out),
            };
            let rows = 37;
            let mut bits: Option<Vec<u32>> = None;
            for isa in Isa::available() {
                let pool = Pool::with_isa(2, isa);
                let mut x = Activations::new(rows, inputs);
                let mut out = Activations::new(rows, outputs);
                for row in 0..rows {
                    x.set_row(isa, row, &random(100 + row as u64, inputs));
                }
                run(&pool, &x, rows, &mut out);
                for row in 0..rows {
                    for n in 0..outputs {
                        let product = |w: &[f32], bias: &[f32]| -> f64 {
                            let w = &w[n * inputs..][..inputs];
                            let sum: f64 =
                                x.seen(row, dtype).iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                            sum + if biased { f64::from(bias[n]) } else { 0.0 }
                        };
                        let (g, u) = (product(&gate_values, &gate_bias), product(&up_values, &up_bias));
                        let want = act(activation, g) * if plain { 1.0 } else { u };
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
                run(&pool, &last, 1, &mut alone);
                assert_eq!(alone.row(0), out.row(rows - 1));
                assert_eq!(alone.seen(0, Dtype::Q8_0), out.seen(rows - 1, Dtype::Q8_0));
            }
        }
    }
}
