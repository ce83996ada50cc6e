//! The kernels on the host emulator, against sums in f64 of exactly their inputs; and each against itself at other numbers of rows and other
//! orders of threads, bit for bit. Where there is a GPU the same bodies run there too.
#![allow(clippy::unwrap_used)]

mod attention;
mod choices;
mod devices;
mod products;
mod rounding;

use half::{bf16, f16};

use super::*;
use crate::cpu::testing::random;

/// The emulator with its threads in two orders; and the GPU, where there is one.
fn devices() -> Vec<Device> {
    devices::devices(&[1, 7])
}

/// As bfloat16, rows padded with zeros; and what they are as numbers.
fn inputs(device: &Device, rows: usize, columns: usize, seed: u64) -> (Memory, Vec<f64>) {
    let values: Vec<bf16> = random(seed, rows * columns).into_iter().map(bf16::from_f32).collect();
    let mut bytes = vec![0; 2 * rows * padded(columns)];
    for (row, values) in bytes.chunks_exact_mut(2 * padded(columns)).zip(values.chunks_exact(columns)) {
        for (to, value) in row.chunks_exact_mut(2).zip(values) {
            to.copy_from_slice(&value.to_le_bytes());
        }
    }
    let memory = device.zeros(bytes.len()).unwrap();
    memory.write(0, &bytes).unwrap();
    (memory, values.into_iter().map(f64::from).collect())
}

/// Memory whose every element is a NaN: what is not written is seen.
fn poisoned(device: &Device, bytes: usize) -> Memory {
    let memory = device.zeros(bytes).unwrap();
    memory.write(0, &vec![0xff; bytes]).unwrap();
    memory
}

fn read(memory: &Memory) -> Vec<u8> {
    let mut bytes = vec![0; memory.bytes()];
    memory.read(0, &mut bytes).unwrap();
    bytes
}

fn floats(memory: &Memory) -> Vec<f32> {
    read(memory).as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
}

fn brains(memory: &Memory) -> Vec<f32> {
    read(memory).as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect()
}

fn halves(memory: &Memory) -> Vec<f32> {
    read(memory).as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect()
}

/// A step of one sequence's next tokens, or of one each of several.
fn about(device: &Device, sequences: &[(usize, &[u32])], tokens: &[u32], wanted: Wanted) -> Memory {
    let layout = StepLayout { pages: sequences.iter().map(|(_, pages)| pages.len()).max().unwrap() };
    let mut words = Vec::new();
    layout.fill(&mut words, sequences, tokens, wanted).unwrap();
    let memory = device.zeros(layout.bytes()).unwrap();
    memory.write(0, &words).unwrap();
    memory
}

/// Whose products of a warpgroup sum as all others: of Hopper that is not promised, and the engine looks (`prove`).
fn is_emulated(device: &Device) -> bool {
    device.name() == "host emulator"
}

fn step(device: &Device, position: usize, tokens: &[u32], pages: &[u32]) -> Memory {
    about(device, &[(position, pages)], tokens, Wanted::default())
}

#[test]
fn norms_agree() {
    for (columns, biased) in [(96, false), (1000, false), (257, true), (9000, false), (8200, true)] {
        let (x, weight, bias) = (random(1, 3 * columns), random(2, columns), random(3, columns));
        for device in devices() {
            let (dx, dw, db) =
                (device.floats(&x).unwrap(), device.floats(&weight).unwrap(), device.floats(&bias).unwrap());
            let y = poisoned(&device, 2 * 2 * padded(columns));
            normalise(&dx, 1, 2, &dw, biased.then_some(&db), 1e-5, &y).unwrap();
            for (row, got) in brains(&y).chunks_exact(padded(columns)).enumerate() {
                let x: Vec<f64> = x[(row + 1) * columns..][..columns].iter().map(|x| f64::from(*x)).collect();
                let mean = if biased { x.iter().sum::<f64>() / columns as f64 } else { 0.0 };
                let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / columns as f64;
                for (i, got) in got.iter().enumerate() {
                    let want = if i < columns {
                        let scaled = (x[i] - mean) / (variance + 1e-5).sqrt() * f64::from(weight[i]);
                        scaled + if biased { f64::from(bias[i]) } else { 0.0 }
                    } else {
                        0.0
                    };
                    assert!(
                        (f64::from(*got) - want).abs() <= want.abs() / 256.0 + 1e-6,
                        "{columns} {row} {i}: {got} {want}"
                    );
                }
            }
        }
    }
}

#[test]
fn emulated_what_does_not_fit_is_refused_before_it_is_launched() {
    let device = Device::emulated(&devices::emulator(), 0).unwrap();
    let (x, _) = inputs(&device, 2, 64, 1);
    let matrix = Matrix::upload(&device, Format::BF16, [16, 64], &[0; 2 * 16 * 64], 1.0, 1).unwrap();
    let out = device.zeros(4 * 16).unwrap();
    let error = linear(&x, 2, &[Part { weight: &matrix, bias: None, out: &out, add: false }]).unwrap_err();
    assert_eq!(error.to_string(), "outputs: 128 bytes at 0 of 64");
    let error = Matrix::upload(&device, Format::Q4_K, [16, 64], &[], 1.0, 1).unwrap_err();
    assert_eq!(error.to_string(), "upload: 16 x 64 Q4_K: whole blocks of 256 columns are needed");
    assert!(StepLayout { pages: 1 }.fill(&mut Vec::new(), &[(64, &[0])], &[1], Wanted::default()).is_err());
}

/// What a source is used for next must not reach the device.
#[test]
fn what_was_uploaded_may_be_written_over_at_once() {
    for device in devices() {
        for bytes in [1000, 64 << 10, (64 << 10) + 1, 4 << 20] {
            let (memory, mut got) = (device.zeros(bytes).unwrap(), vec![0; bytes]);
            let mut source = vec![0; bytes];
            for i in 0..100 {
                source.fill(i);
                memory.write(0, &source).unwrap();
                source.fill(0xff);
                memory.read(0, &mut got).unwrap();
                assert!(got.iter().all(|byte| *byte == i), "{bytes} bytes, time {i}, on {device:?}");
            }
        }
    }
}

#[test]
fn a_graph_runs_again_what_was_recorded() {
    for device in devices() {
        let (x, _) = inputs(&device, 1, 64, 4);
        let matrix = Matrix::upload(&device, Format::BF16, [16, 64], &[0x3f; 2 * 16 * 64], 1.0, 1).unwrap();
        let out = device.zeros(4 * 16).unwrap();
        let add = || linear(&x, 1, &[Part { weight: &matrix, bias: None, out: &out, add: true }]);
        let graph = device.graph(add).unwrap();
        assert!(floats(&out).iter().all(|y| *y == 0.0), "recording runs nothing");
        add().unwrap();
        let once = floats(&out);
        // SAFETY: all of its memory is here.
        unsafe { graph.run().unwrap() };
        assert!(once[0] != 0.0 && floats(&out).iter().zip(once).all(|(twice, once)| *twice == 2.0 * once));
    }
}
