//! A folder as Hugging Face lays it out: `model.safetensors`, or the shards that `model.safetensors.index.json` names.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path},
    sync::Arc,
};

use bytes::Bytes;
use safetensors::SafeTensors;

use super::{Dtype, Tensor, Weights, map::map, names};
use crate::{EngineError, json};

/// The part of the index that is read.
#[derive(serde::Deserialize)]
struct Index {
    /// Tensor name to the shard it lies in.
    weight_map: BTreeMap<String, String>,
}

/// Maps all weights of a folder.
pub fn read(folder: &Path) -> Result<Weights, EngineError> {
    let index_path = folder.join("model.safetensors.index.json");
    let mut weights = Weights::new(folder.into(), names::to_hugging_face);
    if !index_path.exists() {
        read_file(&folder.join("model.safetensors"), &mut weights, |_| true)?;
        return Ok(weights);
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
        read_file(&folder.join(shard), &mut weights, |name| {
            let here = index.weight_map.get(name) == Some(shard);
            if here {
                found.insert(name.to_owned());
            }
            here
        })?;
    }
    match index.weight_map.iter().find(|(name, _)| !found.contains(*name)) {
        None => Ok(weights),
        Some((name, shard)) => {
            let expected = format!("a tensor in {shard}, as {} says", index_path.display());
            Err(EngineError::malformed(&folder.join(shard), name, expected, "none of this name"))
        }
    }
}

/// Adds the tensors of one file that `wanted` wants.
fn read_file(path: &Path, weights: &mut Weights, mut wanted: impl FnMut(&str) -> bool) -> Result<(), EngineError> {
    let bytes = map(path)?;
    let shared: Arc<Path> = path.into();
    let file = SafeTensors::deserialize(&bytes).map_err(|e| {
        EngineError::malformed(path, "header", "a safetensors header that fits the file", e.to_string())
    })?;
    for (name, view) in file.iter() {
        // Old checkpoints carry the rotary table, which follows from the config.
        if !wanted(name) || name.ends_with("rotary_emb.inv_freq") {
            continue;
        }
        let canonical = names::from_hugging_face(name).ok_or_else(|| {
            EngineError::malformed(path, name, "the name of a tensor of a supported architecture", "an unknown one")
        })?;
        let tensor = tensor(&shared, name, &bytes, &view)?;
        weights.insert(canonical, tensor)?;
    }
    Ok(())
}

fn tensor(
    file: &Arc<Path>,
    name: &str,
    bytes: &Bytes,
    view: &safetensors::tensor::TensorView<'_>,
) -> Result<Tensor, EngineError> {
    let dtype = match view.dtype() {
        safetensors::Dtype::F32 => Dtype::F32,
        safetensors::Dtype::F16 => Dtype::F16,
        safetensors::Dtype::BF16 => Dtype::BF16,
        other => return Err(EngineError::malformed(file, name, "one of the types F32, F16, BF16", other.to_string())),
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
    })
}
