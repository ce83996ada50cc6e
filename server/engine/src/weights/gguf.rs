//! GGUF, versions 2 and 3: a bounds-checked reader over the memory map.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. candle has a reader too; this one exists because a hostile
//! file must end in an error that names the field (candle's divides by a `general.alignment` of 0, multiplies dimensions
//! unchecked and names neither file nor field), and because candle copies what the memory map already holds.
//! Every count is checked against the bytes that are left before anything is allocated for it.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;

use super::{
    Dtype, Tensor, Weights,
    map::map,
    names::{GGUF, Meaning},
};
use crate::EngineError;

type Result<T> = std::result::Result<T, EngineError>;

/// A metadata value. Arrays stay encoded until they are asked for.
#[derive(Clone, Debug)]
pub enum Value {
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// f32 or f64.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A string.
    Text(String),
    /// Elements of one kind.
    Array {
        /// Their type number.
        kind: u32,
        /// How many.
        count: usize,
        /// Encoded, already checked to hold `count` elements.
        data: Bytes,
    },
}

/// A file's header: metadata, and the tensors by the names they have there.
#[derive(Debug)]
pub struct Gguf {
    path: Arc<Path>,
    metadata: BTreeMap<String, Value>,
    tensors: Vec<Tensor>,
}

/// The most files a model may be split into: more than anyone makes.
const MOST_PARTS: u64 = 1024;

const TEXT: u32 = 8;
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

impl Gguf {
    /// Maps a file, or all parts of a model that is split as `NAME-00001-of-00003.gguf` and so on; `path` is any of them.
    pub fn open(path: &Path) -> Result<Self> {
        let gguf = Self::read(path, &map(path)?)?;
        match gguf.parts()? {
            1 => Ok(gguf),
            parts => Self::join(path, parts),
        }
    }

    /// Reads the header of a model in one file. `path` is for messages only.
    pub fn parse(path: &Path, bytes: &Bytes) -> Result<Self> {
        let gguf = Self::read(path, bytes)?;
        match gguf.parts()? {
            1 => Ok(gguf),
            parts => Err(EngineError::malformed(path, "split.count", "a file in one part", format!("{parts} parts"))),
        }
    }

    /// How many files the model is split into.
    fn parts(&self) -> Result<u64> {
        Ok(self.unsigned("split.count")?.unwrap_or(1).max(1))
    }

    /// Reads all parts: the first has the metadata, every one its own tensors.
    fn join(path: &Path, parts: u64) -> Result<Self> {
        let refuse = |path: &Path, field: &str, expected: String, found: String| {
            Err(EngineError::malformed(path, field, expected, found))
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = name.strip_suffix(".gguf").and_then(|stem| stem.strip_suffix(&format!("-of-{parts:05}")));
        let Some(stem) = stem.and_then(|stem| stem.get(..stem.len().checked_sub(6)?)).filter(|_| parts <= MOST_PARTS)
        else {
            let expected =
                format!("a name that ends in -00001-of-{parts:05}.gguf, as the file says it is one of {parts}");
            return refuse(path, "name", expected, format!("`{name}`"));
        };
        let mut whole: Option<Self> = None;
        for part in 1..=parts {
            let path = path.with_file_name(format!("{stem}-{part:05}-of-{parts:05}.gguf"));
            let read = Self::read(&path, &map(&path)?)?;
            let number = read.unsigned("split.no")?;
            if (read.parts()?, number) != (parts, Some(part - 1)) {
                let found = format!("part {number:?} of {}", read.parts()?);
                return refuse(&path, "split.no", format!("part {} of {parts}, counted from 0", part - 1), found);
            }
            match &mut whole {
                None => whole = Some(read),
                Some(whole) => whole.tensors.extend(read.tensors),
            }
        }
        let Some(whole) = whole else {
            return refuse(path, "split.count", "at least one part".into(), parts.to_string());
        };
        match whole.unsigned("split.tensors.count")? {
            Some(count) if count != whole.tensors.len() as u64 => {
                let found = format!("{} in all parts", whole.tensors.len());
                refuse(path, "split.tensors.count", format!("{count} tensors"), found)
            }
            _ => Ok(whole),
        }
    }

    /// Reads one file's header.
    fn read(path: &Path, bytes: &Bytes) -> Result<Self> {
        let path: Arc<Path> = path.into();
        let mut reader = Reader { path: &path, bytes, at: 0 };
        let magic = reader.take(4, "magic")?;
        if magic != b"GGUF" {
            let found = format!("`{}`", magic.escape_ascii());
            return Err(EngineError::malformed(&path, "magic", "`GGUF`", found));
        }
        let version = reader.u32("version")?;
        if !(2..=3).contains(&version) {
            let found =
                if version.swap_bytes() <= 3 { "a big-endian file".into() } else { format!("version {version}") };
            return Err(EngineError::malformed(&path, "version", "a little-endian file of version 2 or 3", found));
        }
        // Least sizes: a tensor is name length + rank + type + offset, an entry is key length + type + one byte.
        let tensor_count = reader.count("tensor count", 8 + 4 + 4 + 8)?;
        let entry_count = reader.count("metadata count", 8 + 4 + 1)?;

        let mut metadata = BTreeMap::new();
        for i in 0..entry_count {
            let key = reader.text(&format!("metadata key {i}"))?;
            let kind = reader.u32(&key)?;
            let value = reader.value(&key, kind)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(EngineError::malformed(&path, key, "one entry of this name", "a second one"));
            }
        }
        let mut gguf = Self { path: path.clone(), metadata, tensors: Vec::new() };
        let alignment = match gguf.unsigned("general.alignment")? {
            None => 32,
            Some(n) if n.is_power_of_two() && n <= 1 << 20 => n as usize,
            Some(n) => {
                let found = n.to_string();
                return Err(EngineError::malformed(&path, "general.alignment", "a power of two up to 2^20", found));
            }
        };

        let mut infos = Vec::new();
        let mut seen = HashSet::new();
        for i in 0..tensor_count {
            let info = reader.tensor_info(&format!("tensor {i}"))?;
            if !seen.insert(info.name.clone()) {
                return Err(EngineError::malformed(&path, info.name, "one tensor of this name", "a second one"));
            }
            infos.push(info);
        }
        let data_start = reader.at.next_multiple_of(alignment);
        for info in infos {
            gguf.tensors.push(info.locate(&path, bytes, data_start)?);
        }
        Ok(gguf)
    }

    /// The file.
    pub fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// A metadata value.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    /// A metadata value that must be a non-negative integer, if it is there.
    pub fn unsigned(&self, key: &str) -> Result<Option<u64>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Unsigned(n)) => Ok(Some(*n)),
            Some(Value::Signed(n)) if *n >= 0 => Ok(Some(*n as u64)),
            Some(other) => Err(self.wrong(key, "a non-negative integer", other)),
        }
    }

    /// A metadata value that must be a number, if it is there.
    pub fn float(&self, key: &str) -> Result<Option<f64>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Float(x)) => Ok(Some(*x)),
            Some(Value::Unsigned(n)) => Ok(Some(*n as f64)),
            Some(Value::Signed(n)) => Ok(Some(*n as f64)),
            Some(other) => Err(self.wrong(key, "a number", other)),
        }
    }

    /// A metadata value that must be a boolean, if it is there.
    pub fn bool(&self, key: &str) -> Result<Option<bool>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(other) => Err(self.wrong(key, "a boolean", other)),
        }
    }

    /// A metadata value that must be a string, if it is there.
    pub fn text(&self, key: &str) -> Result<Option<&str>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Text(s)) => Ok(Some(s)),
            Some(other) => Err(self.wrong(key, "a string", other)),
        }
    }

    /// A metadata value that must be an array of strings, if it is there.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<String>>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Array { kind: TEXT, count, data }) => {
                let mut reader = Reader { path: &self.path, bytes: data, at: 0 };
                (0..*count).map(|_| reader.text(key)).collect::<Result<_>>().map(Some)
            }
            Some(other) => Err(self.wrong(key, "an array of strings", other)),
        }
    }

    /// A metadata value that must be an array of 32-bit integers, if it is there.
    pub fn integers(&self, key: &str) -> Result<Option<Vec<i32>>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Array { kind: 4 | 5, data, .. }) => {
                Ok(Some(data.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b)).collect()))
            }
            Some(other) => Err(self.wrong(key, "an array of 32-bit integers", other)),
        }
    }

    /// A metadata value that must be an array of f32, if it is there.
    pub fn floats(&self, key: &str) -> Result<Option<Vec<f32>>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Array { kind: 6, data, .. }) => {
                Ok(Some(data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()))
            }
            Some(other) => Err(self.wrong(key, "an array of 32-bit floats", other)),
        }
    }

    /// The error for a key that must be there.
    pub fn missing(&self, key: &str, expected: &str) -> EngineError {
        EngineError::malformed(&self.path, key, expected, "no such metadata key")
    }

    fn wrong(&self, key: &str, expected: &str, found: &Value) -> EngineError {
        let found = match found {
            Value::Array { kind, count, .. } => format!("an array of {count} values of type {kind}"),
            Value::Text(text) => format!("the string `{}`", text.chars().take(40).collect::<String>()),
            other => format!("{other:?}"),
        };
        EngineError::malformed(&self.path, key, expected, found)
    }

    /// Its tensors by canonical name; one with an unknown name is an error.
    pub fn weights(&self) -> Result<Weights> {
        let mut weights = Weights::new(self.path.clone(), &GGUF);
        for tensor in &self.tensors {
            let Meaning::Tensor(canonical) = GGUF.meaning(&tensor.name) else {
                let expected = "the name of a tensor of a supported architecture";
                return Err(EngineError::malformed(&self.path, &*tensor.name, expected, "an unknown one"));
            };
            weights.insert(canonical, tensor.clone())?;
        }
        Ok(weights)
    }
}

/// A tensor's entry in the header.
struct TensorInfo {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    offset: usize,
}

impl TensorInfo {
    /// Finds its bytes in the file.
    fn locate(self, path: &Arc<Path>, bytes: &Bytes, data_start: usize) -> Result<Tensor> {
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
struct Reader<'a> {
    path: &'a Path,
    bytes: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take(&mut self, n: usize, field: &str) -> Result<&[u8]> {
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

    fn u32(&mut self, field: &str) -> Result<u32> {
        self.array(field).map(u32::from_le_bytes)
    }

    fn u64(&mut self, field: &str) -> Result<u64> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// A count of things that take at least `least` bytes each.
    fn count(&mut self, field: &str, least: usize) -> Result<usize> {
        let n = self.u64(field)?;
        let most = self.left() / least;
        usize::try_from(n).ok().filter(|&n| n <= most).ok_or_else(|| {
            let expected = format!("at most {most} (as many as fit in the {} bytes that follow)", self.left());
            EngineError::malformed(self.path, field, expected, n.to_string())
        })
    }

    fn text(&mut self, field: &str) -> Result<String> {
        let n = self.count(field, 1)?;
        let path = self.path;
        let bytes = self.take(n, field)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(e) => Err(EngineError::malformed(path, field, "UTF-8 text", e.to_string())),
        }
    }

    fn value(&mut self, key: &str, kind: u32) -> Result<Value> {
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

    fn tensor_info(&mut self, field: &str) -> Result<TensorInfo> {
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
