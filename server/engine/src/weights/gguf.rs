//! GGUF, versions 2 and 3: a bounds-checked reader over the memory map.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. candle has a reader too; this one exists because a hostile
//! file must end in an error that names the field (candle's divides by a `general.alignment` of 0, multiplies dimensions
//! unchecked and names neither file nor field), and because candle copies what the memory map already holds.
//! Every count is checked against the bytes that are left before anything is allocated for it.

mod reader;

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;

use self::reader::{Reader, TEXT};
use super::{
    Tensor, Weights,
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

/// All files of the model that is split as `NAME-00001-of-00003.gguf` and so on, in order, where `path` is named as one of these.
pub(crate) fn parts(path: &Path) -> Option<Vec<PathBuf>> {
    let name = path.file_name()?.to_str()?.strip_suffix(".gguf")?;
    let (name, count) = name.rsplit_once("-of-")?;
    let (stem, number) = name.rsplit_once('-')?;
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let most: u64 = count.parse().ok().filter(|most| digits(number) && digits(count) && *most <= MOST_PARTS)?;
    Some((1..=most).map(|part| path.with_file_name(format!("{stem}-{part:05}-of-{count}.gguf"))).collect())
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
    fn join(path: &Path, count: u64) -> Result<Self> {
        let refuse = |path: &Path, field: &str, expected: String, found: String| {
            Err(EngineError::malformed(path, field, expected, found))
        };
        let Some(paths) = parts(path).filter(|paths| paths.len() as u64 == count) else {
            let expected =
                format!("a name that ends in -00001-of-{count:05}.gguf, as the file says it is one of {count}");
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            return refuse(path, "name", expected, format!("`{name}`"));
        };
        let mut whole: Option<Self> = None;
        for (part, path) in (0u64..).zip(paths) {
            let read = Self::read(&path, &map(&path)?)?;
            let number = read.unsigned("split.no")?;
            if (read.parts()?, number) != (count, Some(part)) {
                let found = format!("part {number:?} of {}", read.parts()?);
                return refuse(&path, "split.no", format!("part {part} of {count}, counted from 0"), found);
            }
            match &mut whole {
                None => whole = Some(read),
                Some(whole) => whole.tensors.extend(read.tensors),
            }
        }
        let Some(whole) = whole else {
            return refuse(path, "split.count", "at least one part".into(), count.to_string());
        };
        match whole.unsigned("split.tensors.count")? {
            Some(tensors) if tensors != whole.tensors.len() as u64 => {
                let found = format!("{} in all parts", whole.tensors.len());
                refuse(path, "split.tensors.count", format!("{tensors} tensors"), found)
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
