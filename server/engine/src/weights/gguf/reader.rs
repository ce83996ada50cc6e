//! A cursor over a GGUF header: numbers, texts, arrays and the entries of tensors, all counted before they are read.

use std::{path::Path, sync::Arc};

use bytes::Bytes;

use super::{Result, Value};
use crate::{
    EngineError,
    weights::{Dtype, Tensor},
};

/// The type number of a string.
pub(super) const TEXT: u32 = 8;
/// That of an array.
const ARRAY: u32 = 9;

/// Smallest encoding of a value of this type, or `None` for an unknown type.
fn least_bytes(kind: u32) -> Option<usize> {
    Some(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        TEXT => 8,
        ARRAY => 12,
        _ => return None,
    })
}

/// A tensor's entry in the header.
pub(super) struct TensorInfo {
    pub(super) name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    offset: usize,
}

impl TensorInfo {
    /// Finds its bytes in the file.
    pub(super) fn locate(self, path: &Arc<Path>, bytes: &Bytes, data_start: usize) -> Result<Tensor> {
        let Self { name, shape, dtype, offset } = self;
        let size = dtype.size_of(&shape).ok_or_else(|| {
            let expected = format!("non-zero dimensions in rows of whole {dtype} blocks of {}", dtype.block_elements());
            EngineError::malformed(path, &*name, expected, format!("shape {shape:?}"))
        })?;
        let start = data_start.checked_add(offset).filter(|&start| start <= bytes.len());
        let range = start.and_then(|start| Some(start..start.checked_add(size).filter(|&end| end <= bytes.len())?));
        let Some(range) = range else {
            let expected = format!("{size} bytes of {dtype} data at offset {offset} from {data_start}");
            let found = format!("a file of {} bytes (truncated?)", bytes.len());
            return Err(EngineError::malformed(path, name, expected, found));
        };
        Ok(Tensor {
            name: name.into(),
            file: path.clone(),
            shape,
            dtype,
            bytes: bytes.slice(range),
            scale: 1.0,
            input_scale: None,
            blocks: None,
        })
    }
}

/// A cursor over the header; every read names the field it is for.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) bytes: &'a Bytes,
    pub(super) at: usize,
}

impl Reader<'_> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn take(&mut self, n: usize, field: &str) -> Result<&[u8]> {
        if n > self.left() {
            let expected = format!("{n} bytes at offset {}", self.at);
            let found = format!("the end of the file after {}", self.left());
            return Err(EngineError::malformed(self.path, field, expected, found));
        }
        let taken = &self.bytes[self.at..self.at + n];
        self.at += n;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &str) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, field)?);
        Ok(out)
    }

    pub(super) fn u32(&mut self, field: &str) -> Result<u32> {
        self.array(field).map(u32::from_le_bytes)
    }

    fn u64(&mut self, field: &str) -> Result<u64> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// A count of things that take at least `least` bytes each.
    pub(super) fn count(&mut self, field: &str, least: usize) -> Result<usize> {
        let n = self.u64(field)?;
        let most = self.left() / least;
        usize::try_from(n).ok().filter(|&n| n <= most).ok_or_else(|| {
            let expected = format!("at most {most} (as many as fit in the {} bytes that follow)", self.left());
            EngineError::malformed(self.path, field, expected, n.to_string())
        })
    }

    pub(super) fn text(&mut self, field: &str) -> Result<String> {
        let n = self.count(field, 1)?;
        let path = self.path;
        let bytes = self.take(n, field)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(e) => Err(EngineError::malformed(path, field, "UTF-8 text", e.to_string())),
        }
    }

    pub(super) fn value(&mut self, key: &str, kind: u32) -> Result<Value> {
        Ok(match kind {
            0 => Value::Unsigned(self.array::<1>(key)?[0].into()),
            1 => Value::Signed(i8::from_le_bytes(self.array(key)?).into()),
            2 => Value::Unsigned(u16::from_le_bytes(self.array(key)?).into()),
            3 => Value::Signed(i16::from_le_bytes(self.array(key)?).into()),
            4 => Value::Unsigned(self.u32(key)?.into()),
            5 => Value::Signed(i32::from_le_bytes(self.array(key)?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array(key)?).into()),
            7 => Value::Bool(self.array::<1>(key)?[0] != 0),
            TEXT => Value::Text(self.text(key)?),
            ARRAY => self.array_value(key)?,
            10 => Value::Unsigned(self.u64(key)?),
            11 => Value::Signed(i64::from_le_bytes(self.array(key)?)),
            12 => Value::Float(f64::from_le_bytes(self.array(key)?)),
            other => return Err(self.unknown_type(key, other)),
        })
    }

    fn array_value(&mut self, key: &str) -> Result<Value> {
        let kind = self.u32(key)?;
        let least = match least_bytes(kind) {
            None => return Err(self.unknown_type(key, kind)),
            Some(_) if kind == ARRAY => {
                return Err(EngineError::malformed(self.path, key, "a flat array", "an array of arrays"));
            }
            Some(least) => least,
        };
        let count = self.count(key, least)?;
        let start = self.at;
        if kind == TEXT {
            for _ in 0..count {
                let n = self.count(key, 1)?;
                self.take(n, key)?;
            }
        } else {
            self.take(count * least, key)?;
        }
        Ok(Value::Array { kind, count, data: self.bytes.slice(start..self.at) })
    }

    fn unknown_type(&self, key: &str, kind: u32) -> EngineError {
        EngineError::malformed(self.path, key, "a value type from 0 to 12", kind.to_string())
    }

    pub(super) fn tensor_info(&mut self, field: &str) -> Result<TensorInfo> {
        let name = self.text(field)?;
        let rank = self.u32(&name)?;
        if !(1..=4).contains(&rank) {
            return Err(EngineError::malformed(self.path, name, "1 to 4 dimensions", rank.to_string()));
        }
        let mut shape = Vec::new();
        for _ in 0..rank {
            let dimension = self.u64(&name)?;
            shape.push(usize::try_from(dimension).unwrap_or(usize::MAX));
        }
        shape.reverse(); // GGUF stores the innermost dimension first.
        let id = self.u32(&name)?;
        let dtype = Dtype::from_ggml(id).ok_or_else(|| {
            let known = Dtype::ALL.iter().filter(|&&d| d != Dtype::F8E4M3).map(Dtype::to_string).collect::<Vec<_>>();
            let expected = format!("one of the types {}", known.join(", "));
            EngineError::malformed(self.path, &*name, expected, Dtype::foreign(id))
        })?;
        let offset = usize::try_from(self.u64(&name)?).unwrap_or(usize::MAX);
        Ok(TensorInfo { name, shape, dtype, offset })
    }
}
