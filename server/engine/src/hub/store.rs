//! Pulled models on disk: a folder for each, with a manifest of what was pulled.

use std::{
    fs,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Entry, HubError, catalogue};
use crate::ModelSource;

const MANIFEST: &str = "pilotlight.json";
const SHOWN: &str = "licence-shown";

/// Where pulled models are.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// What was pulled, and from where.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Manifest {
    /// As the catalogue has it.
    pub name: String,
    /// On the hub.
    pub repository: String,
    /// As it was asked for.
    pub revision: String,
    /// The commit that this was.
    pub commit: String,
    /// What it consists of.
    pub files: Vec<PulledFile>,
}

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct PulledFile {
    /// Its name in the folder.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// In hexadecimal; as the hub says for large files, as it came for small ones.
    pub sha256: String,
}

impl Store {
    /// In this folder, which need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder of one model.
    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What was pulled of a model; `None` if it was not, or not to the end.
    ///
    /// # Errors
    ///
    /// Its manifest is none.
    pub fn manifest(&self, name: &str) -> Result<Option<Manifest>, HubError> {
        let path = self.place(name).join(MANIFEST);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| HubError::Manifest { path, error }),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(source) => Err(HubError::Io { path, source }),
        }
    }

    pub(super) fn keep(&self, manifest: &Manifest) -> Result<(), HubError> {
        let path = self.place(&manifest.name).join(MANIFEST);
        // A manifest is plain data: it always prints.
        let text = serde_json::to_vec_pretty(manifest).unwrap_or_default();
        fs::write(&path, text).map_err(|source| HubError::Io { path, source })
    }

    /// Where the weights of the model that a catalogue's name names are; `None` for a name that is not in it.
    ///
    /// # Errors
    ///
    /// It has not been pulled.
    pub fn source(&self, name: &str) -> Result<Option<ModelSource>, HubError> {
        let Some(entry) = catalogue::find(name) else { return Ok(None) };
        let Some(manifest) = self.manifest(name)? else { return Err(HubError::NotPulled(Box::new(entry))) };
        let place = self.place(name);
        let gguf = manifest.files.iter().find(|file| file.path.ends_with(".gguf"));
        Ok(Some(gguf.map_or(ModelSource::SafeTensors(place.clone()), |file| ModelSource::Gguf(place.join(&file.path)))))
    }

    /// Reads every file of a model again. Gives the files that are not what was pulled, with what is wrong.
    ///
    /// # Errors
    ///
    /// It has not been pulled.
    pub fn verify(&self, entry: &Entry, mut done: impl FnMut(u64)) -> Result<Vec<(String, String)>, HubError> {
        let manifest = self.manifest(&entry.name)?.ok_or_else(|| HubError::NotPulled(Box::new(entry.clone())))?;
        let mut wrong = Vec::new();
        for file in &manifest.files {
            match digest(&self.place(&entry.name).join(&file.path), &mut done) {
                Err(error) => wrong.push((file.path.clone(), error.to_string())),
                Ok((size, sha256)) if (size, &sha256) != (file.size, &file.sha256) => {
                    let why = format!("expected {} bytes, sha256 {}; found {size}, {sha256}", file.size, file.sha256);
                    wrong.push((file.path.clone(), why));
                }
                Ok(_) => {}
            }
        }
        Ok(wrong)
    }

    /// Deletes a model, a half-pulled one too. Gives the bytes that were freed.
    ///
    /// # Errors
    ///
    /// A file cannot be deleted.
    pub fn remove(&self, name: &str) -> Result<u64, HubError> {
        let place = self.place(name);
        let files = match fs::read_dir(&place) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(source) => return Err(HubError::Io { path: place, source }),
        };
        let bytes = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum();
        fs::remove_dir_all(&place).map_err(|source| HubError::Io { path: place, source })?;
        Ok(bytes)
    }

    /// Whether the licence of a pulled model has not been shown yet; from then on it has.
    pub fn shows_licence(&self, name: &str) -> bool {
        let mark = self.place(name).join(SHOWN);
        !mark.exists() && fs::write(mark, "").is_ok()
    }
}

/// A file's size and SHA-256.
pub(super) fn digest(path: &Path, done: &mut impl FnMut(u64)) -> std::io::Result<(u64, String)> {
    let mut file = fs::File::open(path)?;
    let (mut hash, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((size, hex(&hash.finalize())));
        }
        hash.update(&buffer[..read]);
        size += read as u64;
        done(read as u64);
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
