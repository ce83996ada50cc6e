//! A change set written to disk: all of it or nothing.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use super::{ChangeSet, Which};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody else wrote it.
    #[error("{0} has changed since it was read: nothing is written; ask again")]
    Changed(PathBuf),
    /// It lies elsewhere.
    #[error("{0} is outside of the workspace: nothing is written")]
    Outside(PathBuf),
    /// The system says no.
    #[error("{path}: {error}; nothing is written")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// The system says no, and then no again.
    #[error("{path}: {error}, and these could not be put back as they were: {left:?}")]
    Torn {
        /// Which file failed first.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
        /// The files that have the new text.
        left: Vec<PathBuf>,
    },
}

impl ChangeSet {
    /// Writes the files, each by a new file in its place; all of them are still as they were read, and lie under one of `roots` (links followed), or none is written.
    ///
    /// # Errors
    ///
    /// See [`WriteError`].
    pub fn write(&self, roots: &[PathBuf], which: Which) -> Result<usize, WriteError> {
        let roots: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
        let mut staged = Vec::new();
        for file in &self.files {
            let Some(path) = &file.path else { continue };
            let before = file.before.rope().to_string();
            let after = file.after(which);
            if before == after {
                continue;
            }
            let failed = |error| WriteError::Io { path: path.clone(), error };
            // Of a file that is to be made, the folder must be there.
            let real = match (file.creates, path.parent(), path.file_name()) {
                (true, Some(folder), Some(name)) => folder.canonicalize().map_err(failed)?.join(name),
                _ => path.canonicalize().map_err(failed)?,
            };
            if !roots.iter().any(|root| real.starts_with(root)) {
                return Err(WriteError::Outside(path.clone()));
            }
            let same = match fs::read(&real) {
                Err(error) if file.creates && error.kind() == io::ErrorKind::NotFound => true,
                read => !file.creates && read.map_err(failed)? == before.as_bytes(),
            };
            if !same {
                return Err(WriteError::Changed(path.clone()));
            }
            let new = stage(&real, &after).map_err(failed)?;
            staged.push((real, (!file.creates).then_some(before), new));
        }
        let mut done: Vec<(PathBuf, Option<String>)> = Vec::new();
        for (path, before, new) in staged {
            // What somebody else has made meanwhile stays.
            let persisted = if before.is_some() { new.persist(&path) } else { new.persist_noclobber(&path) };
            if let Err(error) = persisted {
                let back = |(path, text): &(PathBuf, Option<String>)| {
                    let done = match text {
                        Some(text) => stage(path, text).ok().and_then(|new| new.persist(path).ok()).is_some(),
                        None => fs::remove_file(path).is_ok(),
                    };
                    (!done).then(|| path.clone())
                };
                let left: Vec<PathBuf> = done.iter().filter_map(back).collect();
                let error = error.error;
                return Err(match left.is_empty() {
                    true => WriteError::Io { path, error },
                    false => WriteError::Torn { path, error, left },
                });
            }
            done.push((path, before));
        }
        Ok(done.len())
    }
}

/// The new text beside the old, with its permissions.
fn stage(path: &Path, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".pilotlight-").tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(path) {
        new.as_file().set_permissions(old.permissions())?;
    }
    new.as_file().sync_all()?;
    Ok(new)
}
