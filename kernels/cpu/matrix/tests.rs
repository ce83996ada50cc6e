//! Tests of `matrix`.

use super::*;
use crate::cpu::testing::matrix;

#[test]
fn rows_come_back_as_the_format_defines_them() {
    for dtype in Dtype::ALL {
        for rows in [1, 16, 35] {
            let columns = 3 * dtype.block_columns();
            let (matrix, values) = matrix(dtype, rows, columns, 5);
            assert_eq!((matrix.rows(), matrix.columns(), matrix.dtype()), (rows, columns, dtype));
            for isa in Isa::available() {
                for (row, want) in values.chunks_exact(columns).enumerate() {
                    let mut got = vec![0.0; columns];
                    matrix.row(isa, row, &mut got);
                    for (got, want) in got.iter().zip(want) {
                        // d * sc * q - dmin * m: the same products, rounded in the same places.
                        assert!((got - want).abs() <= 1e-6 * want.abs(), "{dtype} {isa} row {row}: {got}, {want}");
                    }
                }
            }
        }
    }
}

#[test]
fn memory_is_what_the_file_takes_but_for_wider_scales() {
    for dtype in Dtype::ALL {
        let (matrix, _) = matrix(dtype, 32, 256, 1);
        let bits = matrix.bytes() as f64 * 8.0 / (32.0 * 256.0);
        let stored = dtype.block_bytes() as f64 * 8.0 / dtype.block_columns() as f64;
        let wider = if matches!(dtype, Dtype::Q4_K | Dtype::Q5_K) { 0.125 } else { 0.0 };
        assert_eq!(bits, stored + wider, "{dtype}");
    }
}

#[test]
fn bad_shapes_are_errors() {
    let columns = Matrix::new(Dtype::Q4_K, 1, 128, &[]).expect_err("half a block");
    assert_eq!(columns.to_string(), "Q4_K needs a multiple of 256 columns, found 128");
    let length = Matrix::new(Dtype::Q8_0, 2, 32, &[0; 67]).expect_err("a byte short");
    assert_eq!(length.to_string(), "2 x 32 Q8_0 weights take 68 bytes, found 67");
    assert!(Matrix::new(Dtype::F32, usize::MAX, usize::MAX, &[0; 4]).is_err());
    assert!(matches!(Matrix::new(Dtype::F32, 0, 4, &[]), Err(MatrixError::Empty { .. })));
}
