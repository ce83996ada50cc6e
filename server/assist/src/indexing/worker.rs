//! The thread of the index: takes one job after another, watches the folders, and lets go what no client has open.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{
        PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use pilotlight_syntax::{
    Snapshot,
    index::{
        rules,
        watch::{Changed, Watch, identity},
    },
};

use super::{Shared, lock};

/// An open document is indexed again when it has not been edited for so long.
pub(super) const REST: Duration = Duration::from_millis(400);

/// What there is to do; a file is told by its folder and its full path.
pub(super) enum Job {
    Scan(PathBuf, u64),
    Changed(PathBuf, Changed),
    Edited(PathBuf, PathBuf, Snapshot),
    Closed(PathBuf, PathBuf),
}

pub(super) struct Worker<'a> {
    shared: &'a Shared,
    /// Where a watch tells of what has changed.
    jobs: &'a mpsc::Sender<Job>,
    watches: HashMap<PathBuf, Watch>,
    /// Each with the time at which it will have rested, whatever else happens until then.
    edited: HashMap<PathBuf, (Instant, PathBuf, Snapshot)>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(shared: &'a Shared, jobs: &'a mpsc::Sender<Job>) -> Self {
        Self { shared, jobs, watches: HashMap::new(), edited: HashMap::new() }
    }

    pub(super) fn run(mut self, queue: &mpsc::Receiver<Job>) {
        let (mut swept, between) = (Instant::now(), self.shared.linger / 4);
        loop {
            let now = Instant::now();
            if now.duration_since(swept) >= between {
                self.sweep();
                swept = Instant::now();
            }
            for (path, (_, root, snapshot)) in self.edited.extract_if(|_, (due, ..)| *due <= now) {
                self.shared.overlay(&root, &path, &snapshot);
            }
            let next = self.edited.values().map(|(due, ..)| due.saturating_duration_since(now)).min();
            match queue.recv_timeout(next.map_or(between, |next| next.min(between))) {
                Ok(job) => self.take(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Scan(root, number) => {
                let begun = Instant::now();
                self.follow_and_scan(&root);
                self.shared.scanned.send_modify(|scanned| _ = scanned.insert(root, (number, begun)));
            }
            // Unless a watch left it that is no more.
            Job::Changed(root, changed) => {
                if lock(&self.shared.roots).contains_key(&root) {
                    self.changed(&root, changed);
                }
            }
            Job::Edited(root, path, snapshot) => _ = self.edited.insert(path, (Instant::now() + REST, root, snapshot)),
            Job::Closed(root, path) => {
                self.edited.remove(&path);
                lock(&self.shared.open).remove(&path);
                self.shared.update(&root, &path);
            }
        }
    }

    fn changed(&mut self, root: &Path, changed: Changed) {
        let lists = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            rules::IGNORE_FILES.contains(&name) || path.ends_with(".git/info/exclude")
        };
        match changed {
            // The folder itself was removed, moved or made anew, and the watch may have gone with it.
            Changed::Paths(paths) if paths.contains(root) => {
                self.watches.remove(root);
                if let Some(known) = lock(&self.shared.roots).get_mut(root) {
                    known.identity = identity(root);
                }
            }
            Changed::Paths(paths) if !paths.iter().any(lists) => {
                for path in &paths {
                    let folder = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
                    if folder
                        && self.shared.enters(root, path)
                        && let Some(watch) = self.watches.get_mut(root)
                    {
                        watch.enter(path);
                    }
                    self.shared.update(root, path);
                }
                return self.hears(root);
            }
            // What is ignored has changed, or nobody knows what has.
            _ => {}
        }
        self.shared.rules.forget();
        self.follow_and_scan(root);
    }

    /// Watched first, so that nothing is missed in between.
    fn follow_and_scan(&mut self, root: &Path) {
        self.follow(root);
        self.shared.scan(root);
    }

    /// Has every change under `root` told as a job, or takes note that not every one is.
    fn follow(&mut self, root: &Path) {
        match self.watches.get_mut(root) {
            Some(watch) if watch.is_of_now() => watch.enter(root),
            _ => {
                self.watches.remove(root);
                let (told, of) = (self.jobs.clone(), root.to_owned());
                match Watch::start(root, move |changed| _ = told.send(Job::Changed(of.clone(), changed))) {
                    Ok(watch) => _ = self.watches.insert(root.to_owned(), watch),
                    Err(error) => {
                        tracing::warn!(root = %root.display(), %error, "changes by others are not seen here");
                    }
                }
            }
        }
        self.hears(root);
    }

    fn hears(&self, root: &Path) {
        if let Some(known) = lock(&self.shared.roots).get_mut(root) {
            known.deaf = !self.watches.get(root).is_some_and(Watch::is_whole);
        }
    }

    /// Lets go what no client has had open for a while.
    fn sweep(&mut self) {
        let mut used = BTreeSet::new();
        lock(&self.shared.clients).retain(|client| {
            let Some(client) = client.upgrade() else { return false };
            let workspace = client.read().unwrap_or_else(PoisonError::into_inner).clone();
            used.extend(workspace.folders.iter().map(|folder| folder.root.clone()));
            true
        });
        let mut gone = Vec::new();
        let mut roots = lock(&self.shared.roots);
        roots.retain(|root, known| {
            known.unused = (!used.contains(root)).then(|| known.unused.unwrap_or_else(Instant::now));
            let over = known.unused.is_some_and(|since| since.elapsed() >= self.shared.linger);
            if over {
                gone.push(root.clone());
            }
            !over
        });
        // With the lock held: who begins it anew is not to find it scanned.
        self.shared.scanned.send_if_modified(|scanned| {
            let before = scanned.len();
            scanned.retain(|root, _| !gone.contains(root));
            scanned.len() < before
        });
        drop(roots);
        for root in gone {
            tracing::info!(root = %root.display(), "no client has it open: let go");
            self.watches.remove(&root);
            self.shared.let_go(&root);
        }
    }
}
