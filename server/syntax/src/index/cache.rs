//! The index on disk: one file a workspace folder, believed only where the file's time and size are still the same.
//!
//! A header names the format, the build and the folder; the body is `postcard`; its hash stands at the end. Whatever does not fit is no error but no cache.

use std::{
    collections::HashMap,
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Facts, Index, Name, Stamp};

/// Where Pilotlight keeps what can be made again: `$XDG_CACHE_HOME/pilotlight`, or `~/.cache/pilotlight`; in `%LOCALAPPDATA%` on Windows. A relative path in a variable is ignored
/// (XDG Base Directory Specification). `None` where there is no such folder.
pub fn folder() -> Option<PathBuf> {
    let named = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = named("XDG_CACHE_HOME").or_else(|| named("LOCALAPPDATA"));
    Some(base.or_else(|| Some(named("HOME")?.join(".cache")))?.join("pilotlight"))
}

/// Changes with every change of what is written, and with the queries' own.
const FORMAT: u32 = 1;
/// A larger file is no cache of ours.
const MOST_BYTES: u64 = 1 << 30;

/// What was read, with names of its own.
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Cached {
    header: Header,
    names: Vec<String>,
    files: Vec<CachedFile>,
}

#[derive(Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
struct Header {
    format: u32,
    build: String,
    queries: u64,
    root: String,
}

#[derive(Debug, serde::Deserialize, serde::Serialize)]
struct CachedFile {
    path: String,
    stamp: Stamp,
    facts: Facts<u32>,
}

impl Header {
    fn of(root: &Path) -> Self {
        Self {
            format: FORMAT,
            build: env!("CARGO_PKG_VERSION").to_owned(),
            queries: crate::queries::fingerprint(),
            root: root.to_string_lossy().into_owned(),
        }
    }
}

/// Writes what the index has of `root` to `file`: a new file beside it first, then one rename. A file whose state is an editor's and not the disk's is left out.
pub fn save(index: &Index, root: &Path, file: &Path) -> io::Result<()> {
    let folder = file.parent().ok_or_else(|| io::Error::other("the cache has no folder"))?;
    fs::create_dir_all(folder)?;
    let mut numbers: HashMap<Name, u32> = HashMap::new();
    let mut names = Vec::new();
    let mut files = Vec::new();
    for (_, kept) in index.files().filter(|(_, file)| index.root(file.root) == Some(root) && file.stamp.modified != 0) {
        let facts = kept.facts.clone().map_names(|name| {
            *numbers.entry(name).or_insert_with(|| {
                names.push(index.text(name).to_owned());
                names.len() as u32 - 1
            })
        });
        files.push(CachedFile { path: kept.path.to_string(), stamp: kept.stamp, facts });
    }
    let cached = Cached { header: Header::of(root), names, files };
    let mut bytes = postcard::to_stdvec(&cached).map_err(io::Error::other)?;
    bytes.extend(sum(&bytes).to_le_bytes());
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(&bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    Ok(())
}

/// Reads a cache of `root`; `None` where there is none that can be trusted.
pub fn load(root: &Path, file: &Path) -> Option<Cached> {
    let size = fs::metadata(file).ok()?.len();
    if size > MOST_BYTES {
        tracing::warn!(file = %file.display(), size, "too large for an index cache: left alone, all is indexed anew");
        return None;
    }
    let bytes = fs::read(file).ok()?;
    let (body, told) = bytes.split_last_chunk::<8>()?;
    if sum(body) != u64::from_le_bytes(*told) {
        tracing::warn!(file = %file.display(), "the index cache is damaged: all is indexed anew");
        return None;
    }
    let cached: Cached = match postcard::from_bytes(body) {
        Ok(cached) => cached,
        Err(error) => {
            tracing::info!(file = %file.display(), %error, "the index cache is of another version: all is indexed anew");
            return None;
        }
    };
    (cached.header == Header::of(root)).then_some(cached)
}

/// A cache whose names are the index's.
pub(super) struct Adopted {
    names: Vec<Name>,
    files: HashMap<String, (Stamp, Facts<u32>)>,
}

impl Cached {
    /// How many files it has.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(super) fn adopt(self, index: &mut Index) -> Adopted {
        let names = self.names.iter().map(|name| index.names.intern(name)).collect();
        let files = self.files.into_iter().map(|file| (file.path, (file.stamp, file.facts))).collect();
        Adopted { names, files }
    }
}

impl Adopted {
    /// The facts of a file that has not been written since.
    pub(super) fn take(&mut self, path: &str, modified: u64, size: u64) -> Option<(Stamp, Facts<Name>)> {
        let (stamp, facts) = self.files.remove(path)?;
        let same = stamp.modified == modified && stamp.size == size;
        // Numbers past the names are a cache that lies: its file is read anew.
        let sound = |facts: &Facts<u32>| {
            let mut sound = true;
            let _ = facts.clone().map_names(|name| {
                sound &= (name as usize) < self.names.len();
                name
            });
            sound
        };
        (same && sound(&facts)).then(|| (stamp, facts.map_names(|name| self.names[name as usize])))
    }
}

fn sum(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
