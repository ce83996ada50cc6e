//! Tests of `activations`.

use super::*;
use crate::cpu::{Dtype, testing::random};

#[test]
fn quantised_within_half_a_step_and_the_same_everywhere() {
    for columns in [1, 31, 32, 100, 896] {
        let mut values = random(columns as u64, columns);
        values[columns / 2] = -40.0;
        let mut first: Option<Activations> = None;
        for isa in Isa::available() {
            let mut x = Activations::new(2, columns);
            x.set_row(isa, 1, &values);
            assert_eq!(x.row(1), values);
            for (b, (chunk, seen)) in values.chunks(32).zip(x.seen(1, Dtype::Q8_0).chunks(32)).enumerate() {
                let step = chunk.iter().fold(0f32, |m, v| m.max(v.abs())) / 127.0;
                for (value, seen) in chunk.iter().zip(seen) {
                    assert!((value - seen).abs() <= 0.5001 * step, "{isa} block {b}: {value} became {seen}");
                }
            }
            let blocks = x.stride / 32;
            for (block, bytes) in x.blocks[blocks..].iter().zip(x.bytes[x.stride..].chunks_exact(32)) {
                let sum = |bytes: &[i8]| bytes.iter().map(|b| i32::from(*b)).sum::<i32>();
                assert_eq!((block.offset, block.offset_low), (-128 * sum(bytes), -128 * sum(&bytes[..16])));
                assert_eq!(block.weighted, block.scale * sum(bytes) as f32);
            }
            let first = first.get_or_insert_with(|| {
                let mut first = Activations::new(2, columns);
                first.set_row(Isa::Scalar, 1, &values);
                first
            });
            assert_eq!((&first.bytes[..], &first.blocks[..]), (&x.bytes[..], &x.blocks[..]), "{isa}");
        }
    }
}

#[test]
fn nothing_and_next_to_nothing_are_zero() {
    for isa in Isa::available() {
        for value in [0.0, 1e-45, -1e-40] {
            let mut x = Activations::new(1, 32);
            x.set_row(isa, 0, &[value; 32]);
            assert!(x.seen(0, Dtype::Q8_0).iter().all(|v| v.abs() <= 1e-38), "{isa}");
            assert!(x.blocks[0].scale.is_finite());
        }
    }
}
