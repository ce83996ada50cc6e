//! The pinned sources that are typed: `sources.json` names each file with the hash of its content.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Lines of the files that are worth typing: there must be something before and after the cursor.
const LINES: std::ops::RangeInclusive<usize> = 60..=1600;

/// A file of the set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Source {
    /// From the sources' folder, with forward slashes.
    pub(crate) path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) sha256: String,
}

impl Source {
    /// Reads it from `folder`; an error if it is not what was pinned.
    pub(crate) fn read(&self, folder: &Path) -> Result<String> {
        let path = folder.join(&self.path);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let found = hash(text.as_bytes());
        ensure!(
            found == self.sha256,
            "{}: expected the content with SHA-256 {}, found {found}; run tests/replay/provision on an empty cache",
            path.display(),
            self.sha256
        );
        Ok(text)
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The pinned list.
pub(crate) fn pinned(list: &Path) -> Result<Vec<Source>> {
    let text = fs::read_to_string(list).with_context(|| list.display().to_string())?;
    serde_json::from_str(&text).with_context(|| list.display().to_string())
}

/// Finds every file under `folder` that is worth typing, in the order of their paths.
pub(crate) fn discover(folder: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(&inside).with_context(|| inside.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(text) = worth_typing(&path) {
                let named: Vec<_> =
                    path.strip_prefix(folder)?.iter().map(|part| part.to_string_lossy().into_owned()).collect();
                sources.push(Source { path: named.join("/"), sha256: hash(text.as_bytes()) });
            }
        }
    }
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(sources)
}

fn worth_typing(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let known = ["rs", "py", "ts", "go"].iter().any(|extension| name.ends_with(&format!(".{extension}")));
    if !known || name.ends_with(".d.ts") || path.components().any(|part| part.as_os_str() == "dist") {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let typed_by_hand = text.lines().all(|line| line.len() <= 160) && !text.contains('\r');
    (typed_by_hand && LINES.contains(&text.lines().count())).then_some(text)
}
