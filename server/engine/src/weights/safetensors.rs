//! A folder as Hugging Face lays it out: `model.safetensors`, or the shards that `model.safetensors.index.json` names.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path},
    sync::Arc,
};

use bytes::Bytes;
use safetensors::{SafeTensors, tensor::TensorView};

use super::{
    BlockScales, Dtype, Tensor, Weights, dtype,
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

/// Maps all weights of a folder: those of `{name}.safetensors` or its shards, with tensors named as `spelling` says. `block`: the rows and columns of 8-bit floats
/// that share a scale, where the config says that they have scales by blocks.
pub fn read(
    folder: &Path,
    name: &str,
    spelling: &'static Spelling,
    block: Option<[usize; 2]>,
) -> Result<Weights, EngineError> {
    let (scales, input_scales) = (BTreeMap::new(), BTreeMap::new());
    let mut files = Files { spelling, weights: Weights::new(folder.into(), spelling), scales, input_scales };
    files.read(folder, name)?;
    let Files { mut weights, scales, input_scales, .. } = files;
    for (canonical, scales) in scales {
        match weights.get_mut(&canonical) {
            Some(tensor) => scales.apply(tensor, block)?,
            None => {
                let (expected, Scales { file, name, .. }) = ("the scale of a tensor that is there", scales);
                return Err(EngineError::malformed(&file, name, expected, "another"));
            }
        }
    }
    for (canonical, Scales { values, .. }) in input_scales {
        // One for all inputs of 8-bit floats that have one scale: others are not computed so.
        let tensor = weights.get_mut(&canonical).filter(|it| it.dtype == Dtype::F8E4M3 && it.blocks.is_none());
        if let (Some(tensor), [scale]) = (tensor, &values[..]) {
            tensor.input_scale = Some(*scale);
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
    /// By the canonical name of what they scale.
    scales: BTreeMap<String, Scales>,
    /// Those of inputs.
    input_scales: BTreeMap<String, Scales>,
}

/// What the 8-bit floats of a matrix are multiplied with.
struct Scales {
    file: Arc<Path>,
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
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
            if let Some(of) = canonical.strip_suffix("_input_scale") {
                self.input_scales.insert(of.to_owned(), Scales::read(&shared, name, &view)?);
                continue;
            }
            match canonical.strip_suffix("_scale") {
                None => self.weights.insert(canonical, tensor(&shared, name, &bytes, &view)?)?,
                Some(scaled) => {
                    self.scales.insert(scaled.to_owned(), Scales::read(&shared, name, &view)?);
                }
            }
        }
        Ok(())
    }
}

impl Scales {
    fn read(file: &Arc<Path>, name: &str, view: &TensorView<'_>) -> Result<Self, EngineError> {
        let refuse = |found: String| EngineError::malformed(file, name, "positive numbers", found);
        let dtype = match view.dtype() {
            safetensors::Dtype::F32 => Dtype::F32,
            safetensors::Dtype::BF16 => Dtype::BF16,
            safetensors::Dtype::F16 => Dtype::F16,
            other => return Err(refuse(other.to_string())),
        };
        let shape = view.shape().to_vec();
        let count = shape.iter().product();
        let values = dtype::to_f32(dtype, view.data(), count).map_err(refuse)?;
        match values.iter().find(|value| !(value.is_finite() && **value > 0.0)) {
            None => Ok(Self { file: file.clone(), name: name.to_owned(), shape, values }),
            Some(value) => Err(refuse(value.to_string())),
        }
    }

    /// One for the whole matrix, one for each row, or one for each block.
    fn apply(self, tensor: &mut Tensor, block: Option<[usize; 2]>) -> Result<(), EngineError> {
        let [rows, columns] = tensor.shape[..] else {
            let (expected, found) = ("the scale of a matrix", format!("that of shape {:?}", tensor.shape));
            return Err(EngineError::malformed(&self.file, self.name, expected, found));
        };
        if tensor.dtype != Dtype::F8E4M3 {
            let (expected, found) = ("the scale of 8-bit floats", format!("that of {}", tensor.dtype));
            return Err(EngineError::malformed(&self.file, self.name, expected, found));
        }
        let of_blocks = |[high, wide]: [usize; 2]| [rows.div_ceil(high), columns.div_ceil(wide)];
        let size = match self.shape[..] {
            _ if self.values.len() == 1 => {
                tensor.scale = self.values[0];
                return Ok(());
            }
            [n] | [n, 1] if n == rows => [1, columns],
            [high, wide] if block.map(of_blocks) == Some([high, wide]) => block.unwrap_or([1, 1]),
            _ => {
                let blocks = match block {
                    Some(size) => format!("{:?} for blocks of {size:?}", of_blocks(size)),
                    None => "(no `quantization_config.weight_block_size` says that there are blocks)".to_owned(),
                };
                let expected = format!("a scale for the matrix, [{rows}] for its rows, or {blocks}");
                return Err(EngineError::malformed(&self.file, self.name, expected, format!("shape {:?}", self.shape)));
            }
        };
        tensor.scale = 1.0;
        let across = columns.div_ceil(size[1]);
        tensor.blocks = Some(Box::new(BlockScales { size, first_row: 0, across, values: self.values.into() }));
        Ok(())
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
        input_scale: None,
        blocks: None,
    })
}
