//! Files as shared bytes, without a copy.
#![allow(unsafe_code)]

use std::{fs::File, path::Path};

use bytes::Bytes;
use memmap2::Mmap;

use crate::EngineError;

/// Maps a file into memory. The map lives as long as the last slice of the bytes.
pub fn map(path: &Path) -> Result<Bytes, EngineError> {
    let io = |source| EngineError::Io { path: path.to_path_buf(), source };
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(EngineError::malformed(path, "path", "a file", "something else"));
    }
    if metadata.len() == 0 {
        // An empty map is an error on some systems.
        return Ok(Bytes::new());
    }
    // SAFETY: the map is read-only and private to us; what memmap2 asks for beyond that is that nobody truncates or rewrites the
    // file while it is mapped. That is the contract of every program that maps weights, and the reason that a download must be
    // renamed into place and never written over.
    let map = unsafe { Mmap::map(&file) }.map_err(io)?;
    Ok(Bytes::from_owner(map))
}
