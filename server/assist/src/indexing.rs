//! The workspace's index at work: filled in the background, kept current by a watch and by open documents, read by plans. What an ignore file or a name excludes never comes out of here.

mod upkeep;
mod worker;

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak, mpsc},
    time::{Duration, Instant},
};

use lru::LruCache;
use pilotlight_context::Texts;
use pilotlight_syntax::{
    Snapshot,
    index::{
        Exclusion, File, FileId, Index, Limits, Rules, ScanReport, scan,
        watch::{Identity, identity},
    },
};
use tokio::sync::watch;

use self::worker::{Job, Worker};
use crate::{Workspace, propagate::Defined};

/// Texts of files that are kept at hand, and the largest that is.
const TEXTS: NonZeroUsize = NonZeroUsize::new(128).unwrap();
const LARGEST_TEXT: usize = 256 * 1024;
/// Where changes are not heard of, a scan is believed for so long by what relies on the index.
const FRESH: Duration = Duration::from_secs(2);
/// A folder that no client has open is let go after so long.
const LINGER: Duration = Duration::from_secs(300);

/// How far a scan is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexProgress {
    /// It goes on.
    Running {
        /// The folder.
        root: PathBuf,
        /// Files read.
        done: usize,
        /// Files to read; 0 while they are being looked for.
        total: usize,
    },
    /// It is done.
    Done {
        /// The folder.
        root: PathBuf,
        /// Files in the index.
        files: usize,
    },
}

/// One index for all clients: each sees the folders of its own workspace alone.
pub(crate) struct Indexing {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
}

/// A client's project, as long as there is the client.
type Client = Weak<RwLock<Arc<Workspace>>>;

/// A folder that is indexed.
#[derive(Default)]
struct Root {
    /// What stood at its path when a scan was last asked for.
    identity: Identity,
    /// Scans that were asked for.
    asked: u64,
    /// Whether not every change in it is heard of.
    deaf: bool,
    /// Since when no client has it open.
    unused: Option<Instant>,
}

struct Shared {
    index: RwLock<Index>,
    rules: Rules,
    texts: Mutex<LruCache<FileId, (u64, Arc<str>)>>,
    /// Open documents as they are in the index, by their full path.
    open: Mutex<HashMap<PathBuf, Open>>,
    limits: Limits,
    progress: watch::Sender<Option<IndexProgress>>,
    /// By folder: the last scan that is done, with the time at which it began.
    scanned: watch::Sender<BTreeMap<PathBuf, (u64, Instant)>>,
    roots: Mutex<HashMap<PathBuf, Root>>,
    clients: Mutex<Vec<Client>>,
    linger: Duration,
}

#[derive(Clone)]
struct Open {
    root: PathBuf,
    text: Arc<str>,
    snapshot: Snapshot,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            index: RwLock::default(),
            rules: Rules::default(),
            texts: Mutex::new(LruCache::new(TEXTS)),
            open: Mutex::default(),
            limits: Limits::default(),
            progress: watch::Sender::new(None),
            scanned: watch::Sender::default(),
            roots: Mutex::default(),
            clients: Mutex::default(),
            linger: LINGER,
        }
    }
}

impl Indexing {
    pub(crate) fn new() -> Self {
        Self::with(Shared::default())
    }

    fn with(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let (jobs, queue) = mpsc::channel();
        let (worker, again) = (Arc::clone(&shared), jobs.clone());
        let started = std::thread::Builder::new()
            .name("index".to_owned())
            .spawn(move || Worker::new(&worker, &again).run(&queue));
        if let Err(error) = started {
            tracing::error!(%error, "no thread for the index: completions see the open file alone");
        }
        Self { shared, jobs }
    }

    /// Takes note of a client: the folders of its project are kept while it lives.
    pub(crate) fn serve(&self, client: Client) {
        lock(&self.shared.clients).push(client);
    }

    /// Follows the scans.
    pub(crate) fn progress(&self) -> watch::Receiver<Option<IndexProgress>> {
        self.shared.progress.subscribe()
    }

    /// Begins to index a folder, once; again where another was made at its path.
    pub(crate) fn begin(&self, root: &Path) {
        self.begun(root, |_| false);
    }

    /// Begins as [`Indexing::begin`] does, or where the last scan that was asked for is `stale`; the number of the scan to wait for.
    fn begun(&self, root: &Path, stale: impl FnOnce(&Root) -> bool) -> u64 {
        let now = identity(root);
        let mut roots = lock(&self.shared.roots);
        let known = roots.entry(root.to_owned()).or_default();
        if known.asked == 0 || known.identity != now || stale(known) {
            known.identity = now;
            known.asked += 1;
            // Without the thread nothing is indexed; that was told.
            let _ = self.jobs.send(Job::Scan(root.to_owned(), known.asked));
        }
        known.asked
    }

    /// Indexes a folder now, on this thread, and keeps it current from then on.
    pub(crate) fn index_now(&self, root: &Path) -> ScanReport {
        let known = Root { identity: identity(root), asked: 1, ..Root::default() };
        lock(&self.shared.roots).insert(root.to_owned(), known);
        let begun = Instant::now();
        let report = self.shared.scan(root);
        self.shared.scanned.send_modify(|scanned| _ = scanned.insert(root.to_owned(), (1, begun)));
        report
    }

    /// A document's new state; indexed when it rests.
    pub(crate) fn edited(&self, root: &Path, path: &Path, snapshot: Snapshot) {
        if lock(&self.shared.roots).contains_key(root) {
            let _ = self.jobs.send(Job::Edited(root.to_owned(), path.to_owned(), snapshot));
        }
    }

    /// From now on the disk has the last word on a file.
    pub(crate) fn closed(&self, root: &Path, path: &Path) {
        if lock(&self.shared.roots).contains_key(root) {
            let _ = self.jobs.send(Job::Closed(root.to_owned(), path.to_owned()));
        }
    }

    /// Why a file stays out of every prompt, if it does.
    pub(crate) fn excluded(&self, root: Option<&Path>, path: &Path) -> Option<Exclusion> {
        self.shared.rules.excluded(root, path)
    }

    /// Waits until a folder has been scanned, which begins now if it has not; and again where changes since may not have been heard of.
    pub(crate) async fn ready(&self, root: &Path) {
        let mut scanned = self.shared.scanned.subscribe();
        let done = self.shared.scanned.borrow().get(root).copied();
        let asked = self.begun(root, |known| {
            known.deaf && done.is_some_and(|(number, begun)| number == known.asked && begun.elapsed() > FRESH)
        });
        // The sender lives as long as this.
        let _ = scanned.wait_for(|scanned| scanned.get(root).is_some_and(|&(done, _)| done >= asked)).await;
    }

    /// Counts up with every change of what is known.
    pub(crate) fn revision(&self) -> u64 {
        self.shared.index().revision()
    }

    /// The files under `roots` in which a word stands.
    pub(crate) fn files_with(&self, roots: &[PathBuf], word: &str) -> Vec<PathBuf> {
        let index = self.shared.index();
        index.containing(word).iter().filter_map(|&id| full_path(&index, roots, id)).collect()
    }

    /// The files under `roots` that are `wanted`.
    pub(crate) fn files_where(&self, roots: &[PathBuf], wanted: impl Fn(&Index, &File) -> bool) -> Vec<PathBuf> {
        let index = self.shared.index();
        let files = index.files().filter(|(_, file)| wanted(&index, file));
        files.filter_map(|(id, _)| full_path(&index, roots, id)).collect()
    }

    /// Where `name` is defined under `roots`.
    pub(crate) fn definitions(&self, roots: &[PathBuf], name: &str) -> Vec<Defined> {
        let index = self.shared.index();
        let defined = index.definitions(name).filter_map(|(id, at)| {
            let definitions = &index.file(id)?.facts.definitions;
            let definition = definitions.get(at as usize)?;
            let parent = definition.parent.and_then(|parent| definitions.get(parent as usize));
            let parent = parent.map(|parent| index.text(parent.name).to_owned());
            Some(Defined { path: full_path(&index, roots, id)?, kind: definition.kind, parent })
        });
        defined.collect()
    }

    /// Whether a file or folder under `roots` goes by that name.
    pub(crate) fn is_module(&self, roots: &[PathBuf], name: &str) -> bool {
        let index = self.shared.index();
        index.named(&name.to_lowercase()).iter().any(|&id| full_path(&index, roots, id).is_some())
    }

    /// Whether a file lies under `roots` and nothing excludes it.
    pub(crate) fn may_read(&self, roots: &[PathBuf], path: &Path) -> bool {
        let root = roots.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.components().count());
        root.is_some_and(|root| self.shared.rules.excluded(Some(root), path).is_none())
    }

    /// A file's text, as it is on the disk now.
    pub(crate) fn text_of(&self, roots: &[PathBuf], path: &Path) -> Option<String> {
        let text = || scan::read_stable(path, self.shared.limits.file_bytes).ok().map(|(_, text)| text);
        self.may_read(roots, path).then(text).flatten()
    }

    /// The index and the texts of the files under `roots`.
    pub(crate) fn read(&self, roots: Vec<PathBuf>) -> Reading<'_> {
        let index = self.shared.index();
        let own = index.roots().map(|(root, _)| roots.iter().any(|own| index.root(root) == Some(own))).collect();
        Reading { index, shared: &self.shared, own }
    }
}

/// A look at the index; changes wait for its end.
pub(crate) struct Reading<'a> {
    pub(crate) index: RwLockReadGuard<'a, Index>,
    shared: &'a Shared,
    /// By the roots' numbers.
    own: Vec<bool>,
}

impl Reading<'_> {
    /// The number of an open file in the index.
    pub(crate) fn file(&self, root: &Path, path: &Path) -> Option<FileId> {
        let number =
            (0..).map_while(|number| Some((number, self.index.root(number)?))).find(|(_, known)| *known == root);
        self.index.find(number?.0, &scan::relative(root, path)?)
    }
}

impl Texts for Reading<'_> {
    fn text(&self, id: FileId) -> Option<Arc<str>> {
        let file = self.index.file(id)?;
        let root = self.index.root(file.root).filter(|_| self.owns(file.root))?;
        let full = root.join(&*file.path);
        if self.shared.rules.excluded(Some(root), &full).is_some() {
            return None;
        }
        if let Some((hash, text)) = lock(&self.shared.texts).get(&id)
            && *hash == file.stamp.hash
        {
            return Some(text.clone());
        }
        let open = lock(&self.shared.open).get(&full).map(|open| open.text.clone());
        let text = match open {
            Some(text) => text,
            None => scan::read_stable(&full, self.shared.limits.file_bytes).ok()?.1.into(),
        };
        // Where it has changed since, the index's places in it are wrong; the watch brings it up to date.
        if scan::hash(&text) != file.stamp.hash {
            return None;
        }
        if text.len() <= LARGEST_TEXT {
            lock(&self.shared.texts).put(id, (file.stamp.hash, text.clone()));
        }
        Some(text)
    }

    fn owns(&self, root: u32) -> bool {
        self.own.get(root as usize).copied().unwrap_or_default()
    }
}

/// Where a file is; `None` outside of `roots`.
fn full_path(index: &Index, roots: &[PathBuf], id: FileId) -> Option<PathBuf> {
    let file = index.file(id)?;
    let root = index.root(file.root).filter(|root| roots.iter().any(|own| own == root))?;
    Some(root.join(&*file.path))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
