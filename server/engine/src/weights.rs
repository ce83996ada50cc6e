//! The tensors of a checkpoint, whatever its format: canonical names, shapes and raw bytes that stay in the memory map.
//!
//! [`gguf`] and [`safetensors`] read the two formats and rename their tensors by [`names`]; nothing after this module knows which
//! of them a model came from.

pub mod dtype;
pub mod gguf;
pub mod map;
pub mod names;
pub mod safetensors;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bytes::Bytes;

pub use dtype::Dtype;

use self::names::Spelling;
use crate::EngineError;

/// A tensor as stored. `Clone` is cheap: the bytes are shared.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// The name it has in its file, for messages.
    pub name: Arc<str>,
    /// The file it lies in, for messages.
    pub file: Arc<Path>,
    /// Row-major, outermost first: a linear layer is `[out, in]`. All dimensions are at least 1.
    pub shape: Vec<usize>,
    /// How an element, or a block of them along the last dimension, is stored.
    pub dtype: Dtype,
    /// Little-endian, exactly `dtype.size_of(shape)` bytes. A part of the memory map: not necessarily aligned.
    pub bytes: Bytes,
    /// What every element is multiplied with: 1 but for 8-bit floats.
    pub scale: f32,
    /// By what the inputs of a product are to be divided before they are rounded to 8-bit floats, where the file prescribes that (static activation scales).
    pub input_scale: Option<f32>,
    /// What the elements of each block are multiplied with besides, where 8-bit floats are scaled by blocks.
    pub blocks: Option<Box<BlockScales>>,
}

/// Scales of a matrix by blocks of rows and columns, those at its ends perhaps smaller. `Clone` is cheap.
#[derive(Clone, Debug)]
pub struct BlockScales {
    /// Rows and columns of a block.
    pub size: [usize; 2],
    /// The row of the whole matrix that this part of it begins with.
    pub first_row: usize,
    /// Blocks side by side.
    pub across: usize,
    /// `[blocks of rows, across]`, of the whole matrix.
    pub values: Arc<[f32]>,
}

impl BlockScales {
    /// Multiplies the rows of a matrix of so many columns.
    fn apply(&self, values: &mut [f32], columns: usize) {
        for (row, values) in (self.first_row..).zip(values.chunks_exact_mut(columns)) {
            let scales = &self.values[row / self.size[0] * self.across..][..self.across];
            for (values, scale) in values.chunks_mut(self.size[1]).zip(scales) {
                values.iter_mut().for_each(|value| *value *= scale);
            }
        }
    }
}

impl Tensor {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// All elements as f32, row-major.
    pub fn to_f32(&self) -> Result<Vec<f32>, EngineError> {
        let mut values = dtype::to_f32(self.dtype, &self.bytes, self.elements())
            .map_err(|e| EngineError::malformed(&self.file, &*self.name, format!("{} data", self.dtype), e))?;
        if self.scale != 1.0 {
            values.iter_mut().for_each(|value| *value *= self.scale);
        }
        if let (Some(blocks), Some(&columns)) = (&self.blocks, self.shape.last()) {
            blocks.apply(&mut values, columns);
        }
        Ok(values)
    }
}

/// The tensors of a checkpoint by canonical name, such as `layers.3.attn_q`.
#[derive(Debug)]
pub struct Weights {
    file: Arc<Path>,
    spelling: &'static Spelling,
    tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// An empty set. `file` and `spelling`, which gives the file's own name of a tensor, are for messages.
    pub fn new(file: Arc<Path>, spelling: &'static Spelling) -> Self {
        Self { file, spelling, tensors: BTreeMap::new() }
    }

    /// The error for a tensor that must be there.
    pub fn missing(&self, canonical: &str, expected: &str) -> EngineError {
        EngineError::malformed(&self.file, self.spelling.spell(canonical), expected, "no such tensor")
    }

    /// Adds a tensor; two of the same name are an error.
    pub fn insert(&mut self, canonical: String, tensor: Tensor) -> Result<(), EngineError> {
        use std::collections::btree_map::Entry;
        match self.tensors.entry(canonical) {
            Entry::Vacant(slot) => {
                slot.insert(tensor);
                Ok(())
            }
            Entry::Occupied(other) => Err(EngineError::malformed(
                &tensor.file,
                &*tensor.name,
                "one tensor of this name",
                format!("a second one, `{}` in {}", other.get().name, other.get().file.display()),
            )),
        }
    }

    /// Looks at a tensor.
    pub fn get(&self, canonical: &str) -> Option<&Tensor> {
        self.tensors.get(canonical)
    }

    /// A tensor, to be completed.
    pub fn get_mut(&mut self, canonical: &str) -> Option<&mut Tensor> {
        self.tensors.get_mut(canonical)
    }

    /// Takes a tensor out, if it is there.
    pub fn take(&mut self, canonical: &str) -> Option<Tensor> {
        self.tensors.remove(canonical)
    }

    /// What has not been taken.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }
}
