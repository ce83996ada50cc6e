//! Inputs rounded to 8-bit floats, and products with them, as bytes and as bfloat16.

use super::*;
use products::{dot, e4m3, matrix};

/// The nearest 8-bit float, ties to the even one, by search; the greatest for all beyond.
fn nearest(x: f32) -> u8 {
    if x.is_nan() {
        return 0x7f;
    }
    let (mut best, mut least) = (0u8, f64::INFINITY);
    for byte in 0..0x7f {
        let far = (e4m3(byte) - f64::from(x.abs())).abs();
        if far < least || (far == least && byte % 2 == 0) {
            (best, least) = (byte, far);
        }
    }
    best | if x < 0.0 { 0x80 } else { 0 }
}

fn as_inputs(device: &Device, rows: usize, values: &[f32]) -> Memory {
    let columns = values.len() / rows;
    let mut bytes = vec![0; 2 * rows * padded(columns)];
    for (row, values) in bytes.chunks_exact_mut(2 * padded(columns)).zip(values.chunks_exact(columns)) {
        let each = values.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes());
        row.iter_mut().zip(each).for_each(|(to, byte)| *to = byte);
    }
    let memory = device.zeros(bytes.len()).unwrap();
    memory.write(0, &bytes).unwrap();
    memory
}

#[test]
fn inputs_are_the_nearest_eight_bit_floats() {
    // All there is of bfloat16 from 2^-12 to 2^10, of both signs, with what is special.
    let (scale, columns) = (0.5f32, 2400);
    let mut values: Vec<f32> = (0x3980..0x4480).map(|bits| bf16::from_bits(bits).to_f32()).collect();
    values.extend(values.clone().iter().map(|x| -x));
    values.extend([0.0, 1e-30, f32::INFINITY, f32::NEG_INFINITY, f32::NAN]);
    let rows = 70;
    let inputs: Vec<f32> = values.iter().copied().cycle().take(rows * columns).collect();
    let want: Vec<u8> = inputs.iter().map(|x| nearest(bf16::from_f32(*x).to_f32() / scale)).collect();
    for device in devices() {
        let (weight, _) = matrix(&device, Format::F8E4M3, 16, columns, 1);
        let weight = weight.with_rounded_inputs(scale);
        // As bytes where there are products of these.
        for (rows, bytes) in [(rows, false), (rows, true), (3, true)] {
            device.set_wide_bytes(bytes);
            let x = as_inputs(&device, rows, &inputs[..rows * columns]);
            round_inputs(&x, rows, &weight).unwrap();
            let (memory, as_bytes) = (read(&x), bytes && rows > 64 && device.wide());
            for (row, got) in memory.chunks_exact(2 * padded(columns)).enumerate() {
                for column in 0..padded(columns) {
                    let want = if column < columns { want[row * columns + column] } else { 0 };
                    if as_bytes {
                        assert_eq!(got[column], want, "row {row}, column {column}");
                        continue;
                    }
                    let got = bf16::from_le_bytes([got[2 * column], got[2 * column + 1]]).to_f64();
                    let want = if want & 0x7f == 0x7f { f64::NAN } else { e4m3(want) };
                    assert!(got == want || (got.is_nan() && want.is_nan()), "row {row}, column {column}: {got} {want}");
                }
            }
        }
        let (other, _) = matrix(&device, Format::BF16, 16, 64, 1);
        let x = as_inputs(&device, 1, &inputs[..64]);
        assert!(round_inputs(&x, 1, &other.with_rounded_inputs(1.0)).is_err());
    }
}

/// As bytes and as bfloat16, few rows and many, several blocks of tokens and of outputs: the sums of what was rounded. What a GPU does within a product of bytes is its own: 13 bits of the sum at least.
#[test]
fn products_of_rounded_inputs_are_their_sums() {
    let (outputs, columns, most, scale) = (150, 200, 300, 0.02f32);
    let values: Vec<f32> = random(21, most * columns).iter().map(|x| bf16::from_f32(*x).to_f32()).collect();
    let rounded: Vec<f64> = values.iter().map(|x| e4m3(nearest(*x * (1.0 / scale))) * f64::from(scale)).collect();
    for device in devices() {
        let [(w, weights), (up, ups)] = [5, 6]
            .map(|seed| matrix(&device, Format::F8E4M3, outputs, columns, seed))
            .map(|(matrix, values)| (matrix.with_rounded_inputs(scale), values));
        let before = random(8, most * outputs);
        let mut all: Option<(Vec<f32>, Vec<f32>)> = None;
        for (rows, wide, bytes) in [
            (most, true, true),
            (most, true, false),
            (most, false, true),
            (65, true, true),
            (8, true, true),
            (1, false, false),
        ] {
            device.set_wide(wide);
            device.set_wide_bytes(bytes);
            let x = as_inputs(&device, rows, &values[..rows * columns]);
            round_inputs(&x, rows, &w).unwrap();
            let out = device.floats(&before[..rows * outputs]).unwrap();
            linear(&x, rows, &[Part { weight: &w, bias: None, out: &out, add: true }]).unwrap();
            let inner = device.zeros(2 * rows * padded(outputs)).unwrap();
            gated(&x, rows, Activation::Silu, (&w, None), Some((&up, None)), &inner).unwrap();
            let (got, inner) = (floats(&out), brains(&inner));
            // Hopper is reported to sum products of bytes in 13 bits, cut off.
            let tolerance = if bytes && wide && !is_emulated(&device) { 1.0 / 4096.0 } else { 1e-5 };
            for (m, x) in rounded.chunks_exact(columns).enumerate().take(rows) {
                for n in 0..outputs {
                    let ((sum, magnitude), (other, _)) =
                        (dot(x, &weights[n * columns..][..columns]), dot(x, &ups[n * columns..][..columns]));
                    let want = sum + f64::from(before[m * outputs + n]);
                    let far = (f64::from(got[m * outputs + n]) - want).abs();
                    assert!(far <= tolerance * (magnitude + 1.0), "{rows} rows, {m} {n}: {far:e} from {want}");
                    let (want, got) = (sum / (1.0 + (-sum).exp()) * other, f64::from(inner[m * padded(outputs) + n]));
                    assert!((got - want).abs() <= want.abs() / 100.0 + 2e-2, "{rows} rows, {m} {n}: {got} {want}");
                }
            }
            // The emulator sums a product of bytes as two of bfloat16: the same bits, so the same columns in the same order.
            let first = all.get_or_insert_with(|| (got.clone(), inner.clone()));
            if is_emulated(&device) {
                assert!(got[..] == first.0[..got.len()], "{rows} rows, wide {wide}, bytes {bytes}");
                assert!(inner[..] == first.1[..inner.len()], "{rows} rows, wide {wide}, bytes {bytes}");
            }
        }
        device.set_wide_bytes(false);
    }
}
