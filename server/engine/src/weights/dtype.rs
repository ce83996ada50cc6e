//! How weights are stored, and their way back to f32.

use std::{borrow::Cow, fmt};

use candle_core::{
    Device,
    quantized::{GgmlDType, QStorage, QTensor},
};
use half::{bf16, f16};

/// How an element, or a block of elements along the last dimension, is stored. Block layouts are ggml's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, non_camel_case_types)]
pub enum Dtype {
    F32,
    F16,
    BF16,
    Q8_0,
    Q4_0,
    Q4_K,
    Q5_K,
    Q6_K,
}

impl Dtype {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::F32, Self::F16, Self::BF16, Self::Q8_0, Self::Q4_0, Self::Q4_K, Self::Q5_K, Self::Q6_K];

    /// By GGUF's number (`ggml_type`).
    pub fn from_ggml(id: u32) -> Option<Self> {
        Some(match id {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            8 => Self::Q8_0,
            12 => Self::Q4_K,
            13 => Self::Q5_K,
            14 => Self::Q6_K,
            30 => Self::BF16,
            _ => return None,
        })
    }

    /// GGUF's number of it.
    #[cfg(test)]
    pub(crate) fn to_ggml(self) -> u32 {
        (0..64).find(|&id| Self::from_ggml(id) == Some(self)).unwrap_or(u32::MAX)
    }

    /// Elements in a block.
    pub const fn block_elements(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q8_0 | Self::Q4_0 => 32,
            Self::Q4_K | Self::Q5_K | Self::Q6_K => 256,
        }
    }

    /// Bytes of a block.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q8_0 => 2 + 32,
            Self::Q4_0 => 2 + 16,
            Self::Q4_K => 2 + 2 + 12 + 128,
            Self::Q5_K => 2 + 2 + 12 + 32 + 128,
            Self::Q6_K => 128 + 64 + 16 + 2,
        }
    }

    /// Bytes of a tensor of this shape, or `None` where rows are not whole blocks, a dimension is 0 or the size overflows.
    pub fn size_of(self, shape: &[usize]) -> Option<usize> {
        let row = *shape.last()?;
        let elements = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
        if elements == 0 || !row.is_multiple_of(self.block_elements()) {
            return None;
        }
        (elements / self.block_elements()).checked_mul(self.block_bytes())
    }

    /// candle's name for it.
    pub(crate) fn candle(self) -> GgmlDType {
        match self {
            Self::F32 => GgmlDType::F32,
            Self::F16 => GgmlDType::F16,
            Self::BF16 => GgmlDType::BF16,
            Self::Q8_0 => GgmlDType::Q8_0,
            Self::Q4_0 => GgmlDType::Q4_0,
            Self::Q4_K => GgmlDType::Q4K,
            Self::Q5_K => GgmlDType::Q5K,
            Self::Q6_K => GgmlDType::Q6K,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// `elements` values as f32. `bytes` must be of the dtype's size for them; it need not be aligned.
pub(super) fn to_f32(dtype: Dtype, bytes: &[u8], elements: usize) -> Result<Vec<f32>, String> {
    if dtype.size_of(&[elements]) != Some(bytes.len()) {
        return Err(format!("{} bytes for {elements} elements", bytes.len()));
    }
    Ok(match dtype {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
        Dtype::F16 => bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
        Dtype::BF16 => bytes.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect(),
        _ => {
            // A fresh copy: candle asserts the alignment of its blocks, which the memory map does not promise.
            let storage = QStorage::from_data(Cow::Owned(bytes.to_vec()), &Device::Cpu, dtype.candle());
            storage
                .and_then(|storage| QTensor::new(storage, elements))
                .and_then(|tensor| tensor.dequantize(&Device::Cpu)?.to_vec1())
                .map_err(|e| e.to_string())?
        }
    })
}
