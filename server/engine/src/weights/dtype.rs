//! How weights are stored, and their way back to f32.

use std::{borrow::Cow, fmt};

use candle_core::{
    Device,
    quantized::{GgmlDType, QStorage, QTensor},
};
use float8::F8E4M3;
use half::{bf16, f16};

/// How an element, or a block of elements along the last dimension, is stored. Block layouts are ggml's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, non_camel_case_types)]
pub enum Dtype {
    F32,
    F16,
    BF16,
    /// 8-bit floats of 4 exponent bits without infinities; each tensor has a scale beside it. Not in GGUF.
    F8E4M3,
    Q8_0,
    Q4_0,
    Q4_1,
    /// llama-quantize falls back to it where 256 does not divide the columns.
    Q5_0,
    Q5_1,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    /// Only between products in llama.cpp; some old files have it.
    Q8_K,
}

impl Dtype {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::F8E4M3,
        Self::Q8_0,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q2_K,
        Self::Q3_K,
        Self::Q4_K,
        Self::Q5_K,
        Self::Q6_K,
        Self::Q8_K,
    ];

    /// By GGUF's number (`ggml_type`).
    pub fn from_ggml(id: u32) -> Option<Self> {
        Some(match id {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            10 => Self::Q2_K,
            11 => Self::Q3_K,
            12 => Self::Q4_K,
            13 => Self::Q5_K,
            14 => Self::Q6_K,
            15 => Self::Q8_K,
            30 => Self::BF16,
            _ => return None,
        })
    }

    /// The name of a GGUF type that is not supported, for messages.
    pub fn foreign(id: u32) -> String {
        let name = match id {
            9 => "Q8_1",
            16 => "IQ2_XXS",
            17 => "IQ2_XS",
            18 => "IQ3_XXS",
            19 => "IQ1_S",
            20 => "IQ4_NL",
            21 => "IQ3_S",
            22 => "IQ2_S",
            23 => "IQ4_XS",
            24..=28 => "integers or f64",
            29 => "IQ1_M",
            34 => "TQ1_0",
            35 => "TQ2_0",
            39 => "MXFP4",
            40 => "NVFP4",
            _ => return format!("ggml type {id}"),
        };
        format!("{name} (ggml type {id})")
    }

    /// GGUF's number of it.
    #[cfg(test)]
    pub(crate) fn to_ggml(self) -> u32 {
        (0..64).find(|&id| Self::from_ggml(id) == Some(self)).unwrap_or(u32::MAX)
    }

    /// Elements in a block.
    pub const fn block_elements(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 | Self::F8E4M3 => 1,
            Self::Q8_0 | Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 => 32,
            Self::Q2_K | Self::Q3_K | Self::Q4_K | Self::Q5_K | Self::Q6_K | Self::Q8_K => 256,
        }
    }

    /// Bytes of a block.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::F8E4M3 => 1,
            Self::Q8_0 => 2 + 32,
            Self::Q4_0 => 2 + 16,
            Self::Q4_1 => 2 + 2 + 16,
            Self::Q5_0 => 2 + 4 + 16,
            Self::Q5_1 => 2 + 2 + 4 + 16,
            Self::Q2_K => 16 + 64 + 2 + 2,
            Self::Q3_K => 32 + 64 + 12 + 2,
            Self::Q4_K => 2 + 2 + 12 + 128,
            Self::Q5_K => 2 + 2 + 12 + 32 + 128,
            Self::Q6_K => 128 + 64 + 16 + 2,
            Self::Q8_K => 4 + 256 + 32,
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

    /// candle's name for it; `None` where candle has no blocks of it.
    pub(crate) fn candle(self) -> Option<GgmlDType> {
        Some(match self {
            Self::F8E4M3 => return None,
            Self::F32 => GgmlDType::F32,
            Self::F16 => GgmlDType::F16,
            Self::BF16 => GgmlDType::BF16,
            Self::Q8_0 => GgmlDType::Q8_0,
            Self::Q4_0 => GgmlDType::Q4_0,
            Self::Q4_1 => GgmlDType::Q4_1,
            Self::Q5_0 => GgmlDType::Q5_0,
            Self::Q5_1 => GgmlDType::Q5_1,
            Self::Q2_K => GgmlDType::Q2K,
            Self::Q3_K => GgmlDType::Q3K,
            Self::Q4_K => GgmlDType::Q4K,
            Self::Q5_K => GgmlDType::Q5K,
            Self::Q6_K => GgmlDType::Q6K,
            Self::Q8_K => GgmlDType::Q8K,
        })
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
        Dtype::F8E4M3 => bytes.iter().map(|&b| F8E4M3::from_bits(b).to_f32()).collect(),
        _ => {
            let candle = dtype.candle().ok_or("a type without blocks")?;
            // A fresh copy: candle asserts the alignment of its blocks, which the memory map does not promise.
            let storage = QStorage::from_data(Cow::Owned(bytes.to_vec()), &Device::Cpu, candle);
            storage
                .and_then(|storage| QTensor::new(storage, elements))
                .and_then(|tensor| tensor.dequantize(&Device::Cpu)?.to_vec1())
                .map_err(|e| e.to_string())?
        }
    })
}
