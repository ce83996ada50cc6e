//! A folder into the index: which files, several at once.

use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant, UNIX_EPOCH},
};

use super::{
    Exclusion, Index,
    cache::{self, Cached},
    rules,
};
use crate::Language;

pub(super) mod file;

pub use file::{Updated, overlay, read_stable, update};

/// What bounds a scan's time and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A larger file is left out.
    pub file_bytes: u64,
    /// Past so many files the rest is left out.
    pub files: usize,
    /// Past so many entries of folders the walk ends.
    pub entries: usize,
    /// Files parsed at once.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { file_bytes: 512 * 1024, files: 100_000, entries: 2_000_000, threads: cores.clamp(1, 4) }
    }
}

/// Told while a scan goes on, from any of its threads.
pub trait Progress: Sync {
    /// `done` of `total` files; `total` is 0 while they are still being looked for, and `done` then says how many were found.
    fn at(&self, done: usize, total: usize);
}

impl<F: Fn(usize, usize) + Sync> Progress for F {
    fn at(&self, done: usize, total: usize) {
        self(done, total);
    }
}

/// What a scan did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Files of the folder in the index now.
    pub files: usize,
    /// Of them, read and parsed.
    pub indexed: usize,
    /// Of them, taken from the cache or from the index as it was.
    pub reused: usize,
    /// Files that were seen and left out, by [`Exclusion::kind`]. What ignore files exclude is not looked at, and not counted.
    pub left_out: BTreeMap<&'static str, usize>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
    /// From start to end.
    pub took: Duration,
}

/// Brings the index up to date with all of `root`: files that are as `cached` (or the index) has them are not read. What is not there any more is taken out.
pub fn scan(
    root: &Path,
    limits: Limits,
    index: &RwLock<Index>,
    cached: Option<Cached>,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> ScanReport {
    let started = Instant::now();
    let report = Mutex::new(ScanReport::default());
    let leave_out = |path: &Path, why: &Exclusion| {
        tracing::debug!(path = %path.display(), %why, "left out of the index");
        *lock(&report).left_out.entry(why.kind()).or_default() += 1;
    };
    let root_id = write(index).root_id(root);
    let found = candidates(root, root, limits, progress, stop, &leave_out);

    // Stale entries go first, so that the index never holds more than its limit.
    {
        let here: std::collections::HashSet<&str> = found.iter().map(|file| file.path.as_str()).collect();
        let mut index = write(index);
        let gone: Vec<Box<str>> = index
            .files()
            .filter(|(_, file)| file.root == root_id && !here.contains(&*file.path))
            .map(|(_, file)| file.path.clone())
            .collect();
        for path in gone {
            index.remove(root_id, &path);
        }
    }
    let mut cached = cached.map(|cached| cached.adopt(&mut write(index)));
    let mut rest = Vec::new();
    for file in found {
        let facts = cached.as_mut().and_then(|cached| cached.take(&file.path, file.modified, file.size));
        if let Some((stamp, facts)) = facts {
            write(index).put_named(root_id, &file.path, stamp, facts);
            lock(&report).reused += 1;
        } else {
            rest.push(file);
        }
    }
    let (next, total) = (AtomicUsize::new(0), rest.len());
    let work = || {
        while let Some(file) = rest.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            match update(index, root_id, &file.path, limits.file_bytes) {
                Ok(Updated::Indexed) => lock(&report).indexed += 1,
                Ok(Updated::Same) => lock(&report).reused += 1,
                Err(why) => leave_out(&root.join(&file.path), &why),
            }
            progress.at(next.load(Ordering::Relaxed).min(total), total);
        }
    };
    std::thread::scope(|threads| {
        for _ in 1..limits.threads.max(1) {
            threads.spawn(work);
        }
        work();
    });
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.files = read(index).files().filter(|(_, file)| file.root == root_id).count();
    report.stopped = stop.load(Ordering::Relaxed);
    report.took = started.elapsed();
    tracing::info!(root = %root.display(), files = report.files, indexed = report.indexed, reused = report.reused, left_out = ?report.left_out, took = ?report.took, "indexed");
    report
}

/// A file that may be indexed.
struct Candidate {
    path: String,
    modified: u64,
    size: u64,
}

/// The files under a folder of a root that are not in the index as they are now: what a folder brings that was moved here, or filled before anybody watched it.
pub fn news(index: &RwLock<Index>, root: &Path, folder: &Path, limits: Limits) -> Vec<PathBuf> {
    if is_closed(root, folder) {
        return Vec::new();
    }
    let found = candidates(root, folder, limits, &|_, _| {}, &AtomicBool::new(false), &|_, _| {});
    let id = write(index).root_id(root);
    let index = read(index);
    let known = |file: &Candidate| {
        let stamp = index.find(id, &file.path).and_then(|id| index.file(id)).map(|known| known.stamp);
        stamp.is_some_and(|stamp| (stamp.modified, stamp.size) == (file.modified, file.size))
    };
    found.iter().filter(|file| !known(file)).map(|file| root.join(&file.path)).collect()
}

/// Whether a scan of `root` stays out of a folder, whatever ignore files say.
pub fn is_closed(root: &Path, folder: &Path) -> bool {
    let vendored = relative(root, &folder.join("_")).is_none_or(|path| rules::vendored(&path).is_some());
    vendored || folder.ancestors().take_while(|above| *above != root).any(rules::is_cache)
}

/// What may be indexed of the folder `from` of `root`.
fn candidates(
    root: &Path,
    from: &Path,
    limits: Limits,
    progress: &dyn Progress,
    stop: &AtomicBool,
    leave_out: &dyn Fn(&Path, &Exclusion),
) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (entries, entry) in rules::walk(from).build().enumerate() {
        if entries >= limits.entries || stop.load(Ordering::Relaxed) {
            tracing::warn!(root = %root.display(), entries, "the walk ends here: more than the index is made for");
            break;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                tracing::warn!(%error, "part of the workspace cannot be read");
                leave_out(root, &Exclusion::Unreadable(error.to_string()));
                continue;
            }
        };
        // Neither folders nor links, sockets and the like.
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Some(path) = relative(root, entry.path()) else {
            tracing::warn!(path = %entry.path().display(), "a name that is not UTF-8");
            leave_out(entry.path(), &Exclusion::Name);
            continue;
        };
        let why = if rules::holds_credentials(entry.path()) {
            Some(Exclusion::Credentials)
        } else if Language::from_path(entry.path()) == Language::Plain {
            Some(Exclusion::Plain)
        } else if found.len() >= limits.files {
            Some(Exclusion::Full)
        } else {
            None
        };
        if let Some(why) = why {
            leave_out(entry.path(), &why);
            continue;
        }
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => {
                leave_out(entry.path(), &Exclusion::Unreadable(error.to_string()));
                continue;
            }
        };
        if metadata.len() > limits.file_bytes {
            let why = Exclusion::Large { size: metadata.len(), limit: limits.file_bytes };
            tracing::info!(path, %why, "left out of the index");
            leave_out(entry.path(), &why);
            continue;
        }
        found.push(Candidate { path, modified: modified(&metadata), size: metadata.len() });
        if found.len().is_multiple_of(64) {
            progress.at(found.len(), 0);
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

/// A path as the index has it; `None` outside of `root`, and where it is not UTF-8.
pub fn relative(root: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        path.strip_prefix(root).ok()?.components().map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/"))
}

/// The text that [`Stamp::hash`] stands for.
pub fn hash(text: &str) -> u64 {
    // SipHash with fixed keys: the same in every process of one build, and the cache belongs to one build.
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn modified(metadata: &fs::Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos() as u64)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn read(index: &RwLock<Index>) -> RwLockReadGuard<'_, Index> {
    index.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write(index: &RwLock<Index>) -> RwLockWriteGuard<'_, Index> {
    index.write().unwrap_or_else(PoisonError::into_inner)
}

/// Where a folder's cache file is; `None` where there is no folder for caches.
pub fn cache_file(root: &Path) -> Option<PathBuf> {
    Some(cache::folder()?.join("index").join(format!("{:016x}.bin", hash(&root.to_string_lossy()))))
}
