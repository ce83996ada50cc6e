//! Products with every format, and look-ups of rows.

use super::*;
use crate::cpu::{Dtype, testing::blocks};

/// The value of an 8-bit float by the letter of the format (OCP E4M3: bias 7, no infinities).
pub(super) fn e4m3(byte: u8) -> f64 {
    let (exponent, mantissa) = (i32::from(byte >> 3 & 15), f64::from(byte & 7));
    let magnitude =
        if exponent == 0 { mantissa / 8.0 / 64.0 } else { (1.0 + mantissa / 8.0) * 2f64.powi(exponent - 7) };
    if byte & 0x80 == 0 { magnitude } else { -magnitude }
}

/// A matrix of random blocks on the device, and its values.
pub(super) fn matrix(device: &Device, format: Format, rows: usize, columns: usize, seed: u64) -> (Matrix, Vec<f64>) {
    let (bytes, values) = match format {
        Format::F8E4M3 => {
            // All but the two NaNs.
            let any = (0..rows * columns).map(|i| (i * 7919 + seed as usize) as u8);
            let bytes: Vec<u8> = any.map(|b| if b & 0x7f == 0x7f { 0 } else { b }).collect();
            let values = bytes.clone().into_iter().map(e4m3).collect();
            (bytes, values)
        }
        Format::BF16 => wide(Dtype::BF16, rows, columns, seed),
        Format::Q8_0 => wide(Dtype::Q8_0, rows, columns, seed),
        Format::Q4_K => wide(Dtype::Q4_K, rows, columns, seed),
        Format::Q6_K => wide(Dtype::Q6_K, rows, columns, seed),
    };
    let scale = if format == Format::F8E4M3 { 0.25 } else { 1.0 };
    let matrix = Matrix::upload(device, format, [rows, columns], &bytes, scale, 2).unwrap();
    assert_eq!(matrix.bytes(), format.bytes(rows, columns));
    (matrix, values.into_iter().map(|w| w * f64::from(scale)).collect())
}

fn wide(dtype: Dtype, rows: usize, columns: usize, seed: u64) -> (Vec<u8>, Vec<f64>) {
    let (bytes, values) = blocks(dtype, rows, columns, seed);
    (bytes, values.into_iter().map(f64::from).collect())
}

/// Columns that are no whole number of chunks where the format allows it, and fewer and more chunks than a block has warps.
fn columns(format: Format) -> [usize; 2] {
    match format {
        Format::BF16 | Format::F8E4M3 => [100, 1050],
        Format::Q8_0 => [96, 1056],
        Format::Q4_K | Format::Q6_K => [256, 1280],
    }
}

/// Sum and sum of magnitudes of a row's product.
pub(super) fn dot(x: &[f64], w: &[f64]) -> (f64, f64) {
    x.iter().zip(w).fold((0.0, 0.0), |(sum, all), (x, w)| (sum + x * w, all + (x * w).abs()))
}

/// Whether products must have the bits of others. Of Hopper's asynchronous ones that is not promised: `many_rows_by_asynchronous_products_are_the_same_bits` alone asks for it, and
/// the engine goes without them where it does not hold.
fn same_bits(device: &Device, rows: usize, wide: bool) -> bool {
    !wide || rows <= 64 || is_emulated(device)
}

#[test]
fn products_are_the_sums_of_their_inputs_whatever_the_rows() {
    for format in Format::ALL {
        for (i, columns) in columns(format).into_iter().enumerate() {
            let (outputs, most) = (37, if i == 0 { 140 } else { 66 });
            let mut all: Option<Vec<f32>> = None;
            for device in devices() {
                let (w, weights) = matrix(&device, format, outputs, columns, 5);
                let (x, values) = inputs(&device, most, columns, 6);
                let bias = random(7, outputs);
                let memory = device.floats(&bias).unwrap();
                // Many rows by both of their ways, where the device and the format have two.
                for (rows, wide) in
                    [1, 2, 8, 9, 17, 40, 64, 65, most].map(|rows| (rows, true)).into_iter().chain([(most, false)])
                {
                    device.set_wide(wide);
                    let out = poisoned(&device, 4 * rows * outputs);
                    linear(&x, rows, &[Part { weight: &w, bias: Some(&memory), out: &out, add: false }]).unwrap();
                    let got = floats(&out);
                    match &all {
                        Some(all) if same_bits(&device, rows, wide) => {
                            assert_eq!(got[..], all[..got.len()], "{format:?} {columns}: {rows} rows on {device:?}")
                        }
                        _ => {
                            for (m, x) in values.chunks_exact(columns).enumerate().take(rows) {
                                for (n, w) in weights.chunks_exact(columns).enumerate() {
                                    let (sum, magnitude) = dot(x, w);
                                    let (got, want) = (f64::from(got[m * outputs + n]), sum + f64::from(bias[n]));
                                    assert!(
                                        (got - want).abs() <= 1e-5 * (magnitude + 1.0),
                                        "{format:?} {columns} {m} {n}: {got} {want}"
                                    );
                                }
                            }
                        }
                    }
                    if rows == most && all.is_none() && same_bits(&device, rows, wide) {
                        all = Some(got);
                    }
                }
                // The first device went from few rows to many; now the few against the many.
                let all = all.as_ref().unwrap();
                for rows in [1, 3, 9, 33] {
                    let out = poisoned(&device, 4 * rows * outputs);
                    linear(&x, rows, &[Part { weight: &w, bias: Some(&memory), out: &out, add: false }]).unwrap();
                    assert_eq!(floats(&out)[..], all[..rows * outputs], "{format:?} {columns}: {rows} rows");
                }
            }
        }
    }
}

#[test]
fn several_matrices_of_an_input_go_together_and_residuals_are_added() {
    for device in devices() {
        let columns = 256;
        let [(q, wq), (k, wk), (v, wv)] = [(Format::Q4_K, 50), (Format::BF16, 20), (Format::Q6_K, 16)]
            .map(|(format, rows)| matrix(&device, format, rows, columns, rows as u64));
        for rows in [1, 12, 66] {
            let (x, values) = inputs(&device, rows, columns, 9);
            let before = random(10, rows * 50);
            let outs =
                [device.floats(&before).unwrap(), poisoned(&device, 4 * rows * 20), poisoned(&device, 4 * rows * 16)];
            let part = |weight, out, add| Part { weight, bias: None, out, add };
            linear(&x, rows, &[part(&q, &outs[0], true), part(&k, &outs[1], false), part(&v, &outs[2], false)])
                .unwrap();
            for (i, (w, outputs)) in [(&wq, 50), (&wk, 20), (&wv, 16)].into_iter().enumerate() {
                let got = floats(&outs[i]);
                for (m, x) in values.chunks_exact(columns).enumerate() {
                    for (n, w) in w.chunks_exact(columns).enumerate() {
                        let (sum, magnitude) = dot(x, w);
                        let want = sum + if i == 0 { f64::from(before[m * outputs + n]) } else { 0.0 };
                        let got = f64::from(got[m * outputs + n]);
                        assert!(
                            (got - want).abs() <= 1e-5 * (magnitude + 1.0),
                            "matrix {i} row {m} output {n}: {got} {want}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_inner_half_of_an_mlp_agrees_whatever_the_rows() {
    for (format, other, activation) in [
        (Format::Q8_0, Some(Format::Q8_0), Activation::Silu),
        (Format::Q4_K, Some(Format::Q4_K), Activation::Silu),
        (Format::F8E4M3, Some(Format::F8E4M3), Activation::GeluTanh),
        (Format::Q6_K, Some(Format::Q4_K), Activation::Silu),
        (Format::BF16, None, Activation::GeluTanh),
    ] {
        let (columns, outputs, most) = (256, 72, 130);
        let mut all: Option<Vec<f32>> = None;
        for device in devices() {
            let (gate, wg) = matrix(&device, format, outputs, columns, 11);
            let up = other.map(|other| matrix(&device, other, outputs, columns, 12));
            let (x, values) = inputs(&device, most, columns, 13);
            for (rows, wide) in [(most, false), (1, true), (7, true), (16, true), (30, true), (64, true), (most, true)]
            {
                device.set_wide(wide);
                // The padding must stay zero.
                let out = device.zeros(2 * rows * padded(outputs)).unwrap();
                gated(&x, rows, activation, (&gate, None), up.as_ref().map(|(up, _)| (up, None)), &out).unwrap();
                let got = brains(&out);
                if let Some(all) = all.as_ref().filter(|_| same_bits(&device, rows, wide)) {
                    assert_eq!(got[..], all[..got.len()], "{format:?}: {rows} rows on {device:?}");
                    continue;
                }
                for (m, x) in values.chunks_exact(columns).enumerate() {
                    for n in 0..padded(outputs) {
                        let want = if n < outputs {
                            let g = dot(x, &wg[n * columns..][..columns]).0;
                            let g = match activation {
                                Activation::Silu => g / (1.0 + (-g).exp()),
                                Activation::GeluTanh => {
                                    let inner = (2.0 / std::f64::consts::PI).sqrt() * (g + 0.044715 * g.powi(3));
                                    0.5 * g * (1.0 + inner.tanh())
                                }
                            };
                            g * up.as_ref().map_or(1.0, |(_, w)| dot(x, &w[n * columns..][..columns]).0)
                        } else {
                            0.0
                        };
                        let got = f64::from(got[m * padded(outputs) + n]);
                        assert!((got - want).abs() <= want.abs() / 200.0 + 1e-3, "{format:?} {m} {n}: {got} {want}");
                    }
                }
                all.get_or_insert(got);
            }
        }
    }
}

#[test]
fn rows_are_looked_up_by_token_and_position() {
    for format in Format::ALL {
        let columns = columns(format)[0];
        for device in devices() {
            let (embedding, values) = matrix(&device, format, 45, columns, 14);
            let (positions, placed) = matrix(&device, Format::BF16, 90, columns, 15);
            let step = step(&device, 70, &[44, 0, 17], &[3, 1]);
            let x = poisoned(&device, 4 * 4 * columns);
            embed(&step, Embed { embedding: &embedding, positions: Some(&positions), scale: 2.0 }, 4, &x).unwrap();
            let got = floats(&x);
            for (row, token) in [44, 0, 17].into_iter().enumerate() {
                for i in 0..columns {
                    let want = 2.0 * values[token * columns + i] + placed[(70 + row) * columns + i];
                    let got = f64::from(got[row * columns + i]);
                    assert!(
                        (got - want).abs() <= 1e-5 * (want.abs() + 1.0),
                        "{format:?} token {token} {i}: {got} {want}"
                    );
                }
            }
            assert!(got[3 * columns..].iter().all(|x| x.is_nan()), "padding is left alone");
        }
    }
}

/// Several blocks of tokens and of outputs, and an edge at each.
#[test]
fn many_rows_by_asynchronous_products_are_the_same_bits() {
    let (outputs, columns, rows) = (150, 200, 300);
    for format in [Format::BF16, Format::F8E4M3] {
        for device in devices() {
            let (w, _) = matrix(&device, format, outputs, columns, 5);
            let (up, _) = matrix(&device, format, outputs, columns, 6);
            let (x, _) = inputs(&device, rows, columns, 7);
            let before = random(8, rows * outputs);
            let [wide, plain] = [true, false].map(|wide| {
                device.set_wide(wide);
                let out = device.floats(&before).unwrap();
                linear(&x, rows, &[Part { weight: &w, bias: None, out: &out, add: true }]).unwrap();
                let inner = device.zeros(2 * rows * padded(outputs)).unwrap();
                gated(&x, rows, Activation::Silu, (&w, None), Some((&up, None)), &inner).unwrap();
                (floats(&out), brains(&inner))
            });
            assert!(wide.0 == plain.0, "{format:?} on {device:?}");
            assert!(wide.1 == plain.1, "{format:?} on {device:?}: the inner half of an MLP");
        }
    }
}
