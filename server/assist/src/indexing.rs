//! The workspace's index at work: filled in the background, kept current by a watch and by open documents, read by plans. What an ignore file or a name excludes never comes out of here.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak,
        atomic::AtomicBool,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use lru::LruCache;
use pilotlight_context::Texts;
use pilotlight_syntax::{
    Snapshot,
    index::{
        Exclusion, FileId, Index, Limits, Rules, ScanReport, cache, rules, scan,
        watch::{Changed, Identity, Watch, identity},
    },
};
use tokio::sync::watch;

use crate::{Workspace, propagate::Defined};

/// Texts of files that are kept at hand, and the largest that is.
const TEXTS: NonZeroUsize = NonZeroUsize::new(128).unwrap();
const LARGEST_TEXT: usize = 256 * 1024;
/// An open document is indexed again when it has not been edited for so long.
const REST: Duration = Duration::from_millis(400);
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
    /// Scans that were asked for, and the last that is done, with the time at which it began.
    asked: u64,
    done: Option<(u64, Instant)>,
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
    /// By folder: the last scan that is done.
    scanned: watch::Sender<BTreeMap<PathBuf, u64>>,
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

enum Job {
    Scan(PathBuf, u64),
    Changed(PathBuf, Changed),
    Edited(PathBuf, PathBuf, Snapshot),
    Closed(PathBuf, PathBuf),
}

impl Indexing {
    pub(crate) fn new() -> Self {
        Self::with(Shared::default())
    }

    fn with(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let (jobs, queue) = mpsc::channel();
        let (worker, again) = (Arc::clone(&shared), jobs.clone());
        let started = std::thread::Builder::new().name("index".to_owned()).spawn(move || work(&worker, &queue, &again));
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
        let now = identity(root);
        let mut roots = lock(&self.shared.roots);
        let known = roots.entry(root.to_owned()).or_default();
        if known.asked == 0 || known.identity != now {
            known.identity = now;
            self.ask(root, known);
        }
    }

    fn ask(&self, root: &Path, known: &mut Root) {
        known.asked += 1;
        // Without the thread nothing is indexed; that was told.
        let _ = self.jobs.send(Job::Scan(root.to_owned(), known.asked));
    }

    /// Indexes a folder now, on this thread, and keeps it current from then on.
    pub(crate) fn index_now(&self, root: &Path) -> ScanReport {
        let known = Root { identity: identity(root), asked: 1, ..Root::default() };
        lock(&self.shared.roots).insert(root.to_owned(), known);
        let report = self.shared.scan(root);
        self.shared.scanned.send_modify(|scanned| _ = scanned.insert(root.to_owned(), 1));
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
        self.begin(root);
        let asked = {
            let mut roots = lock(&self.shared.roots);
            let known = roots.entry(root.to_owned()).or_default();
            if known.deaf && known.done.is_some_and(|(number, begun)| number == known.asked && begun.elapsed() > FRESH)
            {
                self.ask(root, known);
            }
            known.asked
        };
        // The sender lives as long as this.
        let _ = scanned.wait_for(|scanned| scanned.get(root).is_some_and(|&done| done >= asked)).await;
    }

    /// Counts up with every change of what is known.
    pub(crate) fn revision(&self) -> u64 {
        self.shared.index.read().unwrap_or_else(PoisonError::into_inner).revision()
    }

    /// The files under `roots` in which a word stands.
    pub(crate) fn files_with(&self, roots: &[PathBuf], word: &str) -> Vec<PathBuf> {
        let index = self.shared.index.read().unwrap_or_else(PoisonError::into_inner);
        index.containing(word).iter().filter_map(|&id| full_path(&index, roots, id)).collect()
    }

    /// Where `name` is defined under `roots`.
    pub(crate) fn definitions(&self, roots: &[PathBuf], name: &str) -> Vec<Defined> {
        let index = self.shared.index.read().unwrap_or_else(PoisonError::into_inner);
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
        let index = self.shared.index.read().unwrap_or_else(PoisonError::into_inner);
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
        let index = self.shared.index.read().unwrap_or_else(PoisonError::into_inner);
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

impl Shared {
    fn scan(&self, root: &Path) -> ScanReport {
        let file = scan::cache_file(root);
        let cached = file.as_deref().and_then(|file| cache::load(root, file));
        let told = |done: usize, total: usize| {
            self.progress.send_replace(Some(IndexProgress::Running { root: root.to_owned(), done, total }));
        };
        told(0, 0);
        let report = scan::scan(root, self.limits, &self.index, cached, &told, &AtomicBool::new(false));
        // The scan has seen the disk, and the editor's state is newer.
        let open = lock(&self.open).clone();
        for (path, Open { snapshot, .. }) in open.iter().filter(|(_, open)| open.root == root) {
            self.put(root, path, snapshot);
        }
        self.progress.send_replace(Some(IndexProgress::Done { root: root.to_owned(), files: report.files }));
        if report.indexed > 0
            && let Some(file) = file
        {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = cache::save(&index, root, &file) {
                tracing::warn!(file = %file.display(), %error, "the index is not kept: the next start reads all files again");
            }
        }
        report
    }

    fn root_id(&self, root: &Path) -> u32 {
        self.index.write().unwrap_or_else(PoisonError::into_inner).root_id(root)
    }

    fn overlay(&self, root: &Path, path: &Path, snapshot: &Snapshot) {
        if self.rules.excluded(Some(root), path).is_some() || snapshot.too_large().is_some() {
            return;
        }
        let (text, snapshot) = (snapshot.rope().to_string().into(), snapshot.clone());
        lock(&self.open).insert(path.to_owned(), Open { root: root.to_owned(), text, snapshot: snapshot.clone() });
        self.put(root, path, &snapshot);
    }

    /// Puts an open document's state in, whatever the disk has.
    fn put(&self, root: &Path, path: &Path, snapshot: &Snapshot) {
        if let Some(relative) = scan::relative(root, path)
            && self.rules.excluded(Some(root), path).is_none()
        {
            scan::overlay(&self.index, self.root_id(root), &relative, snapshot);
        }
    }

    fn update(&self, root: &Path, path: &Path) {
        let Some(relative) = scan::relative(root, path) else { return };
        // The editor's state is newer than the disk's.
        if lock(&self.open).contains_key(path) {
            return;
        }
        let id = self.root_id(root);
        let there = std::fs::symlink_metadata(path);
        if there.as_ref().is_ok_and(|there| there.is_dir()) {
            // Moved here or just made: nobody tells of what is in it.
            if self.enters(root, path) {
                let news = scan::news(&self.index, root, path, self.limits);
                news.iter().filter(|file| *file != path).for_each(|file| self.update(root, file));
            }
            return;
        }
        if self.rules.excluded(Some(root), path).is_some() || self.is_full(id, &relative) {
            return;
        }
        if let Err(why) = scan::update(&self.index, id, &relative, self.limits.file_bytes) {
            // It may have been a folder: all files are looked at for that, so only where nothing is left.
            let gone = || self.index.write().unwrap_or_else(PoisonError::into_inner).remove_under(id, &relative);
            let under = if there.is_err() { gone() } else { 0 };
            tracing::debug!(path = %path.display(), %why, under, "taken out of the index");
        }
    }

    /// Whether a scan looks into a folder.
    fn enters(&self, root: &Path, folder: &Path) -> bool {
        !scan::is_closed(root, folder) && self.rules.excluded(Some(root), &folder.join("_")).is_none()
    }

    /// Has every change under `root` told as a job, or takes note that not every one is.
    fn follow(&self, watches: &mut HashMap<PathBuf, Watch>, root: &Path, jobs: &mpsc::Sender<Job>) {
        match watches.get_mut(root) {
            Some(watch) if watch.is_of_now() => watch.enter(root),
            _ => {
                watches.remove(root);
                let (told, of) = (jobs.clone(), root.to_owned());
                match Watch::start(root, move |changed| _ = told.send(Job::Changed(of.clone(), changed))) {
                    Ok(watch) => _ = watches.insert(root.to_owned(), watch),
                    Err(error) => {
                        tracing::warn!(root = %root.display(), %error, "changes by others are not seen here");
                    }
                }
            }
        }
        self.hears(root, watches);
    }

    fn hears(&self, root: &Path, watches: &HashMap<PathBuf, Watch>) {
        if let Some(known) = lock(&self.roots).get_mut(root) {
            known.deaf = !watches.get(root).is_some_and(Watch::is_whole);
        }
    }

    /// Lets go what no client has had open for a while.
    fn sweep(&self, watches: &mut HashMap<PathBuf, Watch>) {
        let mut used = BTreeSet::new();
        lock(&self.clients).retain(|client| {
            let Some(client) = client.upgrade() else { return false };
            let workspace = client.read().unwrap_or_else(PoisonError::into_inner).clone();
            used.extend(workspace.folders.iter().map(|folder| folder.root.clone()));
            true
        });
        let mut gone = Vec::new();
        let mut roots = lock(&self.roots);
        roots.retain(|root, known| {
            known.unused = (!used.contains(root)).then(|| known.unused.unwrap_or_else(Instant::now));
            let over = known.unused.is_some_and(|since| since.elapsed() >= self.linger);
            if over {
                gone.push(root.clone());
            }
            !over
        });
        // With the lock held: who begins it anew is not to find it scanned.
        self.scanned.send_if_modified(|scanned| {
            let before = scanned.len();
            scanned.retain(|root, _| !gone.contains(root));
            scanned.len() < before
        });
        drop(roots);
        for root in gone {
            tracing::info!(root = %root.display(), "no client has it open: let go");
            watches.remove(&root);
            lock(&self.open).retain(|_, open| open.root != root);
            let id = self.root_id(&root);
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            let files: Vec<_> =
                index.files().filter(|(_, file)| file.root == id).map(|(_, file)| file.path.clone()).collect();
            drop(index);
            // One at a time: others' completions read in between.
            for file in files {
                self.index.write().unwrap_or_else(PoisonError::into_inner).remove(id, &file);
            }
        }
    }

    /// Whether one more file would be more than a scan of the folder takes.
    fn is_full(&self, root: u32, path: &str) -> bool {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let files = index.roots().find(|(id, _)| *id == root).map_or(0, |(_, files)| files);
        files >= self.limits.files && index.find(root, path).is_none()
    }
}

fn work(shared: &Shared, queue: &mpsc::Receiver<Job>, jobs: &mpsc::Sender<Job>) {
    let mut watches: HashMap<PathBuf, Watch> = HashMap::new();
    let (mut swept, between) = (Instant::now(), shared.linger / 4);
    // Each with the time at which it will have rested, whatever else happens until then.
    let mut edited: HashMap<PathBuf, (Instant, PathBuf, Snapshot)> = HashMap::new();
    loop {
        let now = Instant::now();
        if now.duration_since(swept) >= between {
            shared.sweep(&mut watches);
            swept = Instant::now();
        }
        for (path, (_, root, snapshot)) in edited.extract_if(|_, (due, ..)| *due <= now) {
            shared.overlay(&root, &path, &snapshot);
        }
        let next = edited.values().map(|(due, ..)| due.saturating_duration_since(now)).min();
        match queue.recv_timeout(next.map_or(between, |next| next.min(between))) {
            Ok(Job::Scan(root, number)) => {
                let begun = Instant::now();
                // Watched first, so that nothing is missed in between.
                shared.follow(&mut watches, &root, jobs);
                shared.scan(&root);
                if let Some(known) = lock(&shared.roots).get_mut(&root) {
                    known.done = Some((number, begun));
                }
                shared.scanned.send_modify(|scanned| _ = scanned.insert(root, number));
            }
            // What was left by a watch that is no more.
            Ok(Job::Changed(root, _)) if !lock(&shared.roots).contains_key(&root) => {}
            Ok(Job::Changed(root, changed)) => {
                let lists = |path: &&PathBuf| {
                    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                    rules::IGNORE_FILES.contains(&name) || path.ends_with(".git/info/exclude")
                };
                match changed {
                    // The folder itself was removed, moved or made anew, and the watch may have gone with it.
                    Changed::Paths(paths) if paths.contains(&root) => {
                        watches.remove(&root);
                        if let Some(known) = lock(&shared.roots).get_mut(&root) {
                            known.identity = identity(&root);
                        }
                        shared.follow(&mut watches, &root, jobs);
                        shared.rules.forget();
                        shared.scan(&root);
                    }
                    Changed::Paths(paths) if !paths.iter().any(|path| lists(&path)) => {
                        for path in &paths {
                            let folder = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
                            if folder
                                && shared.enters(&root, path)
                                && let Some(watch) = watches.get_mut(&root)
                            {
                                watch.enter(path);
                            }
                            shared.update(&root, path);
                        }
                        shared.hears(&root, &watches);
                    }
                    // What is ignored has changed, or nobody knows what has.
                    _ => {
                        shared.rules.forget();
                        shared.follow(&mut watches, &root, jobs);
                        shared.scan(&root);
                    }
                }
            }
            Ok(Job::Edited(root, path, snapshot)) => {
                edited.insert(path, (Instant::now() + REST, root, snapshot));
            }
            Ok(Job::Closed(root, path)) => {
                edited.remove(&path);
                lock(&shared.open).remove(&path);
                shared.update(&root, &path);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
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
