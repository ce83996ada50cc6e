//! Tests of `matmul`.

use crate::cpu::{
    Activations, Dtype, Isa, Matrix, Part, Pool, linear,
    testing::{matrix, random},
};

/// All instruction sets, against f64 sums of what the kernel is given, and against each other by equality.
///
/// Tolerance against f64: K f32 additions, each within 2^-24 of a partial sum.
fn check(dtype: Dtype, outputs: usize, inputs: usize, rows: usize) {
    let (weight, values) = matrix(dtype, outputs, inputs, (outputs + inputs) as u64);
    let bias = random(9, outputs);
    let mut bits: Option<Vec<u32>> = None;
    for isa in Isa::available() {
        let x = activations(isa, rows, inputs);
        let pool = Pool::with_isa(2, isa);
        let y = product(&pool, &weight, Some(&bias), &x, 0, rows);
        for m in 0..rows {
            let x = x.seen(m, dtype);
            for n in 0..outputs {
                let terms = x.iter().zip(&values[n * inputs..]).map(|(x, w)| f64::from(*x) * f64::from(*w));
                let (sum, size) =
                    terms.fold((f64::from(bias[n]), 1e-3 + f64::from(bias[n]).abs()), |(s, a), t| (s + t, a + t.abs()));
                let got = f64::from(y[m * outputs + n]);
                assert!((got - sum).abs() <= 2e-6 * size, "{dtype} {isa} [{m}][{n}]: {got}, {sum}");
            }
        }
        let here: Vec<u32> = y.iter().map(|v| v.to_bits()).collect();
        assert_eq!(*bits.get_or_insert_with(|| here.clone()), here, "{dtype} {outputs} x {inputs}: {isa}");
        // Each row alone: the very same bits.
        for m in 0..rows {
            let alone = product(&pool, &weight, Some(&bias), &x, m, 1);
            assert_eq!(alone, y[m * outputs..][..outputs], "{dtype} {isa}: row {m} of {rows} alone");
        }
    }
}

fn activations(isa: Isa, rows: usize, inputs: usize) -> Activations {
    let mut x = Activations::new(rows, inputs);
    for m in 0..rows {
        x.set_row(isa, m, &random(1000 + m as u64, inputs));
    }
    x
}

fn product(pool: &Pool, weight: &Matrix, bias: Option<&[f32]>, x: &Activations, from: usize, rows: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; rows * weight.rows()];
    linear(pool, x, from, rows, &mut [Part { weight, bias, out: &mut out, add: false }]);
    out
}

#[test]
fn every_format_at_odd_sizes() {
    for dtype in Dtype::ALL {
        let block = dtype.block_columns();
        for (outputs, blocks, rows) in
            [(1, 1, 1), (15, 2, 2), (16, 3, 3), (17, 1, 5), (33, 5, 8), (50, 7, 15), (130, 2, 70)]
        {
            check(dtype, outputs, blocks * block, rows);
        }
    }
}

#[test]
fn the_shapes_of_real_models() {
    for (outputs, inputs) in [(256, 704), (704, 256), (128, 896)] {
        for dtype in [Dtype::Q8_0, Dtype::Q4_0, Dtype::Q5_0, Dtype::F16] {
            check(dtype, outputs, inputs, 4);
        }
    }
    for dtype in [Dtype::Q4_K, Dtype::Q5_K, Dtype::Q6_K] {
        check(dtype, 40, 4864, 3);
    }
}

/// The largest weights and inputs there are: sums must not saturate.
#[test]
fn extremes_do_not_saturate() {
    for byte in [0x80u8, 0x7f] {
        let mut block = half::f16::ONE.to_le_bytes().to_vec();
        block.extend([byte; 32]);
        let weight = Matrix::new(Dtype::Q8_0, 16, 64, &block.repeat(32)).expect("whole blocks");
        for isa in Isa::available() {
            for sign in [1.0, -1.0] {
                let mut x = Activations::new(1, 64);
                x.set_row(isa, 0, &[127.0 * sign; 64]);
                let y = product(&Pool::with_isa(1, isa), &weight, None, &x, 0, 1);
                assert_eq!(y, [f32::from(byte as i8) * 127.0 * 64.0 * sign; 16], "{isa}");
            }
        }
    }
}

#[test]
fn several_parts_and_residuals() {
    let pool = Pool::new(3);
    let (a, _) = matrix(Dtype::Q8_0, 300, 256, 1);
    let (b, _) = matrix(Dtype::F32, 33, 256, 2);
    let (c, _) = matrix(Dtype::Q6_K, 64, 256, 3);
    let x = activations(pool.isa(), 9, 256);
    let bias = random(4, 33);
    let residual = random(5, 9 * 64);
    let (mut ya, mut yb, mut yc) = (vec![0.0; 9 * 300], vec![0.0; 9 * 33], residual.clone());
    linear(
        &pool,
        &x,
        0,
        9,
        &mut [
            Part { weight: &a, bias: None, out: &mut ya, add: false },
            Part { weight: &b, bias: Some(&bias), out: &mut yb, add: false },
            Part { weight: &c, bias: None, out: &mut yc, add: true },
        ],
    );
    assert_eq!(ya, product(&pool, &a, None, &x, 0, 9));
    assert_eq!(yb, product(&pool, &b, Some(&bias), &x, 0, 9));
    let sum: Vec<f32> = product(&pool, &c, None, &x, 0, 9).iter().zip(&residual).map(|(y, r)| y + r).collect();
    assert_eq!(yc, sum);
}
