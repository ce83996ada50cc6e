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

    /// Sets what a tensor's elements are multiplied with; gives whether it is there.
    pub fn set_scale(&mut self, canonical: &str, scale: f32) -> bool {
        self.tensors.get_mut(canonical).map(|tensor| tensor.scale = scale).is_some()
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
