//! A folder as Hugging Face lays it out: `model.safetensors`, or the shards that `model.safetensors.index.json` names.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path},
    sync::Arc,
};

use bytes::Bytes;
use safetensors::{SafeTensors, tensor::TensorView};

use super::{
    Dtype, Tensor, Weights, dtype,
    map::map,
    names::{Meaning, Spelling},
};
use crate::{EngineError, json};

/// The part of the index that is read.
#[derive(serde::Deserialize)]
struct Index {
    /// Tensor name to the shard it lies in.
    weight_map: BTreeMap<String, String>,
}

/// Maps all weights of a folder: those of `{name}.safetensors` or its shards, with tensors named as `spelling` says.
pub fn read(folder: &Path, name: &str, spelling: &'static Spelling) -> Result<Weights, EngineError> {
    let mut files = Files { spelling, weights: Weights::new(folder.into(), spelling), scales: BTreeMap::new() };
    files.read(folder, name)?;
    let Files { mut weights, scales, .. } = files;
    for (canonical, (file, name, scale)) in scales {
        if !weights.set_scale(&canonical, scale) {
            return Err(EngineError::malformed(&file, name, "the scale of a tensor that is there", "another"));
        }
    }
    let unscaled = |tensor: &Tensor| tensor.dtype == Dtype::F8E4M3 && tensor.scale == 0.0;
    if let Some((_, tensor)) = weights.iter().find(|(_, tensor)| unscaled(tensor)) {
        return Err(EngineError::malformed(&tensor.file, &*tensor.name, "a scale beside the 8-bit floats", "none"));
    }
    Ok(weights)
}

/// What has been read so far.
struct Files {
    spelling: &'static Spelling,
    weights: Weights,
    /// By the canonical name of what they scale: file, name and value.
    scales: BTreeMap<String, (Arc<Path>, String, f32)>,
}

impl Files {
    fn read(&mut self, folder: &Path, name: &str) -> Result<(), EngineError> {
        let index_path = folder.join(format!("{name}.safetensors.index.json"));
        if !index_path.exists() {
            return self.read_file(&folder.join(format!("{name}.safetensors")), |_| true);
        }
        let text = std::fs::read(&index_path).map_err(|source| EngineError::Io { path: index_path.clone(), source })?;
        let index: Index = json::parse(&index_path, &text)?;
        let mut found = BTreeSet::new();
        for shard in BTreeSet::from_iter(index.weight_map.values()) {
            // A shard is a plain file name: an index must not reach outside its folder.
            if !matches!(Path::new(shard).components().collect::<Vec<_>>()[..], [Component::Normal(_)]) {
                let expected = "names of files in the same folder";
                return Err(EngineError::malformed(&index_path, "weight_map", expected, format!("`{shard}`")));
            }
            self.read_file(&folder.join(shard), |name| {
                let here = index.weight_map.get(name) == Some(shard);
                if here {
                    found.insert(name.to_owned());
                }
                here
            })?;
        }
        match index.weight_map.iter().find(|(name, _)| !found.contains(*name)) {
            None => Ok(()),
            Some((name, shard)) => {
                let expected = format!("a tensor in {shard}, as {} says", index_path.display());
                Err(EngineError::malformed(&folder.join(shard), name, expected, "none of this name"))
            }
        }
    }

    /// Adds the tensors of one file that `wanted` wants.
    fn read_file(&mut self, path: &Path, mut wanted: impl FnMut(&str) -> bool) -> Result<(), EngineError> {
        let bytes = map(path)?;
        let shared: Arc<Path> = path.into();
        let file = SafeTensors::deserialize(&bytes).map_err(|e| {
            EngineError::malformed(path, "header", "a safetensors header that fits the file", e.to_string())
        })?;
        for (name, view) in file.iter() {
            if !wanted(name) {
                continue;
            }
            let canonical = match self.spelling.meaning(name) {
                Meaning::Tensor(canonical) => canonical,
                Meaning::Other => continue,
                Meaning::Unknown => {
                    let expected = "the name of a tensor of a supported architecture";
                    return Err(EngineError::malformed(path, name, expected, "an unknown one"));
                }
            };
            match canonical.strip_suffix("_scale") {
                None => self.weights.insert(canonical, tensor(&shared, name, &bytes, &view)?)?,
                Some(scaled) => {
                    let value = scale(path, name, &view)?;
                    self.scales.insert(scaled.to_owned(), (shared.clone(), name.to_owned(), value));
                }
            }
        }
        Ok(())
    }
}

/// The scale of a whole tensor of 8-bit floats: one number, that each element is multiplied with.
fn scale(path: &Path, name: &str, view: &TensorView<'_>) -> Result<f32, EngineError> {
    let refuse = |found: String| EngineError::malformed(path, name, "one positive number for the whole tensor", found);
    let dtype = match view.dtype() {
        safetensors::Dtype::F32 => Dtype::F32,
        safetensors::Dtype::BF16 => Dtype::BF16,
        safetensors::Dtype::F16 => Dtype::F16,
        other => return Err(refuse(other.to_string())),
    };
    if view.shape().iter().any(|&n| n != 1) {
        return Err(refuse(format!("shape {:?} (scales by row or block are not supported)", view.shape())));
    }
    match dtype::to_f32(dtype, view.data(), 1).map_err(refuse)?[..] {
        [value] if value.is_finite() && value > 0.0 => Ok(value),
        ref other => Err(refuse(format!("{other:?}"))),
    }
}

fn tensor(file: &Arc<Path>, name: &str, bytes: &Bytes, view: &TensorView<'_>) -> Result<Tensor, EngineError> {
    let dtype = match view.dtype() {
        safetensors::Dtype::F32 => Dtype::F32,
        safetensors::Dtype::F16 => Dtype::F16,
        safetensors::Dtype::BF16 => Dtype::BF16,
        safetensors::Dtype::F8_E4M3 => Dtype::F8E4M3,
        other => {
            let expected = "one of the types F32, F16, BF16, F8_E4M3";
            return Err(EngineError::malformed(file, name, expected, other.to_string()));
        }
    };
    if dtype.size_of(view.shape()) != Some(view.data().len()) {
        let found = format!("shape {:?} in {} bytes", view.shape(), view.data().len());
        return Err(EngineError::malformed(file, name, "non-zero dimensions", found));
    }
    Ok(Tensor {
        name: name.into(),
        file: file.clone(),
        shape: view.shape().to_vec(),
        dtype,
        bytes: bytes.slice_ref(view.data()),
        // To be found beside the 8-bit floats.
        scale: if dtype == Dtype::F8E4M3 { 0.0 } else { 1.0 },
    })
}
