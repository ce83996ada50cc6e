//! Random inputs for the tests, and what a matrix holds by the letter of the format, decoded without this room's kernels.

use half::{bf16, f16};
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{Activations, Dtype, Isa, Matrix, Pool};

/// Values in -1..1, the same for the same seed.
pub(crate) fn random(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = SmallRng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// A matrix of random blocks (every bit pattern of weights and small scales occurs), and its values, row after row.
pub(crate) fn matrix(dtype: Dtype, rows: usize, columns: usize, seed: u64) -> (Matrix, Vec<f32>) {
    let (bytes, values) = blocks(dtype, rows, columns, seed);
    (Matrix::new(dtype, rows, columns, &bytes).expect("a whole matrix"), values)
}

/// The same as stored.
pub(crate) fn blocks(dtype: Dtype, rows: usize, columns: usize, seed: u64) -> (Vec<u8>, Vec<f32>) {
    let mut rng = SmallRng::seed_from_u64(seed);
    let count = rows * columns / dtype.block_columns();
    let mut bytes: Vec<u8> = (0..count * dtype.block_bytes()).map(|_| rng.random()).collect();
    let mut scale = |at: &mut [u8]| at.copy_from_slice(&f16::from_f32(rng.random_range(-0.01..0.01)).to_le_bytes());
    for block in bytes.chunks_exact_mut(dtype.block_bytes()) {
        match dtype {
            Dtype::F32 => {
                let x = f16::from_bits(u16::from_le_bytes([block[0], block[1]])).to_f32();
                let x = if x.is_finite() { x % 1.0 } else { 0.5 };
                block.copy_from_slice(&x.to_le_bytes());
            }
            Dtype::F16 => scale(block),
            Dtype::BF16 => {
                let sign = block[0] & 0x80;
                block.copy_from_slice(
                    &bf16::from_f32(f32::from(block[1]) / 256.0 - f32::from(sign) / 256.0).to_le_bytes(),
                );
            }
            Dtype::Q8_0 | Dtype::Q4_0 | Dtype::Q5_0 => scale(&mut block[..2]),
            Dtype::Q4_K | Dtype::Q5_K => {
                scale(&mut block[..2]);
                scale(&mut block[2..4]);
            }
            Dtype::Q6_K => scale(&mut block[208..]),
        }
    }
    let values = bytes.chunks_exact(dtype.block_bytes()).flat_map(|block| dequantise(dtype, block)).collect();
    (bytes, values)
}

/// A block's weights, written after the formats' definitions.
fn dequantise(dtype: Dtype, block: &[u8]) -> Vec<f32> {
    let half = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f32();
    let six_bits = |table: &[u8], b: usize| -> (f32, f32) {
        let (scale, min) = if b < 4 {
            (table[b] & 63, table[b + 4] & 63)
        } else {
            ((table[b + 4] & 0xf) | ((table[b - 4] >> 6) << 4), (table[b + 4] >> 4) | ((table[b] >> 6) << 4))
        };
        (f32::from(scale), f32::from(min))
    };
    match dtype {
        Dtype::F32 => vec![f32::from_le_bytes([block[0], block[1], block[2], block[3]])],
        Dtype::F16 => vec![half(0)],
        Dtype::BF16 => vec![bf16::from_le_bytes([block[0], block[1]]).to_f32()],
        Dtype::Q8_0 => block[2..].iter().map(|q| half(0) * f32::from(*q as i8)).collect(),
        Dtype::Q4_0 => {
            let low = block[2..].iter().map(|q| half(0) * (f32::from(q & 15) - 8.0));
            low.chain(block[2..].iter().map(|q| half(0) * (f32::from(q >> 4) - 8.0))).collect()
        }
        Dtype::Q5_0 => {
            let fifth = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
            let bit = |i: usize| ((fifth >> i) & 1) as f32 * 16.0;
            let low = (0..16).map(|i| half(0) * (f32::from(block[6 + i] & 15) + bit(i) - 16.0));
            low.chain((0..16).map(|i| half(0) * (f32::from(block[6 + i] >> 4) + bit(i + 16) - 16.0))).collect()
        }
        Dtype::Q4_K => {
            let mut out = Vec::new();
            for pair in 0..4 {
                for high in 0..2 {
                    let (scale, min) = six_bits(&block[4..16], 2 * pair + high);
                    for q in &block[16 + 32 * pair..][..32] {
                        let q = f32::from(if high == 1 { q >> 4 } else { q & 15 });
                        out.push(half(0) * scale * q - half(2) * min);
                    }
                }
            }
            out
        }
        Dtype::Q5_K => {
            let mut out = Vec::new();
            for b in 0..8 {
                let (scale, min) = six_bits(&block[4..16], b);
                for i in 0..32 {
                    let nibble = block[48 + 32 * (b / 2) + i];
                    let q = (if b % 2 == 1 { nibble >> 4 } else { nibble & 15 })
                        + if block[16 + i] & (1 << b) != 0 { 16 } else { 0 };
                    out.push(half(0) * scale * f32::from(q) - half(2) * min);
                }
            }
            out
        }
        Dtype::Q6_K => {
            let mut out = vec![0.0; 256];
            for h in 0..2 {
                for l in 0..32 {
                    let (low, next, high) = (block[64 * h + l], block[64 * h + 32 + l], block[128 + 32 * h + l]);
                    let q = [
                        (low & 15) | ((high & 3) << 4),
                        (next & 15) | (((high >> 2) & 3) << 4),
                        (low >> 4) | (((high >> 4) & 3) << 4),
                        (next >> 4) | ((high >> 6) << 4),
                    ];
                    for (a, q) in q.into_iter().enumerate() {
                        let scale = f32::from(block[192 + 8 * h + 2 * a + l / 16] as i8);
                        out[128 * h + 32 * a + l] = half(208) * scale * (f32::from(q) - 32.0);
                    }
                }
            }
            out
        }
    }
}

/// A norm of rows of several widths, their numbers around `around`: `want` of each row, and the same bits on every instruction set.
pub(crate) fn norm_agrees(
    around: f32,
    tolerance: f64,
    norm: impl Fn(&Pool, &[f32], usize, &mut Activations),
    want: impl Fn(&[f64]) -> Vec<f64>,
) {
    for columns in [1, 15, 16, 33, 256, 704, 896] {
        let rows = 11;
        let x: Vec<f32> = random(columns as u64, rows * columns).into_iter().map(|x| x + around).collect();
        let mut expected: Option<Vec<u32>> = None;
        for isa in Isa::available() {
            let mut out = Activations::new(rows, columns);
            norm(&Pool::with_isa(2, isa), &x, rows, &mut out);
            for (row, x) in x.chunks_exact(columns).enumerate() {
                let want = want(&x.iter().map(|x| f64::from(*x)).collect::<Vec<_>>());
                for (y, want) in out.row(row).iter().zip(want) {
                    let far = (f64::from(*y) - want).abs();
                    assert!(far <= tolerance * want.abs().max(1.0), "{columns}: {y} and {want}");
                }
            }
            let bits: Vec<u32> = (0..rows).flat_map(|r| out.row(r).iter().map(|v| v.to_bits())).collect();
            assert_eq!(*expected.get_or_insert_with(|| bits.clone()), bits, "{isa}, {columns} columns");
        }
    }
}

impl Activations {
    /// What a product with weights of `dtype` sees of a row: the values, or what was quantised of them.
    pub(crate) fn seen(&self, row: usize, dtype: Dtype) -> Vec<f32> {
        // Weights in blocks take quantised activations.
        if dtype.block_columns() == 1 {
            return self.row(row).to_vec();
        }
        let rows = self.view();
        (0..self.columns())
            .map(|k| {
                // SAFETY: within the row.
                unsafe {
                    let rows = rows.from(row);
                    (*rows.blocks.add(k / 32)).scale * f32::from(*rows.bytes.add(k))
                }
            })
            .collect()
    }
}
