//! Follows a folder: which of its files changed, told in batches once it is quiet. Where the system watches folder by folder (Linux, with a limit for all of a user's programs), only
//! those are watched that a scan enters; whoever hears of a new one has the watch [`enter`](Watch::enter) it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant, SystemTime},
};

use super::{Limits, rules};
use notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// A batch is told when nothing has changed for so long,
const QUIET: Duration = Duration::from_millis(200);
/// or after so long whatever happens.
const LONGEST: Duration = Duration::from_secs(2);
/// More changes at once (a checkout, a build) are told as one: look at everything.
const MOST_PATHS: usize = 4096;

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// These paths: written, made, renamed or removed.
    Paths(BTreeSet<PathBuf>),
    /// Too much to say, or the system lost count.
    Anything,
}

/// Whether each folder needs a watch of its own.
const BY_FOLDER: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Tells a folder from another that was made at its path later; `None` where there is none.
pub type Identity = Option<(u64, u64, Option<SystemTime>)>;

/// The folder that is at `root` now.
pub fn identity(root: &Path) -> Identity {
    let found = std::fs::metadata(root).ok()?;
    #[cfg(unix)]
    let (device, inode) = (std::os::unix::fs::MetadataExt::dev(&found), std::os::unix::fs::MetadataExt::ino(&found));
    #[cfg(not(unix))]
    let (device, inode) = (0, 0);
    // Numbers of inodes are given out again at once.
    Some((device, inode, found.created().ok()))
}

/// Watches while it lives.
#[derive(Debug)]
pub struct Watch {
    watcher: RecommendedWatcher,
    root: PathBuf,
    identity: Identity,
    whole: bool,
}

impl Watch {
    /// Calls `told` on a thread of its own with every batch of changes under `root`.
    pub fn start(root: &Path, told: impl Fn(Changed) + Send + 'static) -> Result<Self, notify::Error> {
        let identity = identity(root);
        let (sender, receiver) = mpsc::channel();
        let mut watcher = RecommendedWatcher::new(
            move |event| {
                // The receiver goes with the thread below, when the watch does.
                let _ = sender.send(event);
            },
            Config::default().with_follow_symlinks(false),
        )?;
        watcher.watch(root, if BY_FOLDER { RecursiveMode::NonRecursive } else { RecursiveMode::Recursive })?;
        std::thread::Builder::new().name("watch".to_owned()).spawn(move || follow(&receiver, told))?;
        let mut watch = Self { watcher, root: root.to_owned(), identity, whole: true };
        watch.enter(root);
        Ok(watch)
    }

    /// Watches what a scan enters of `folder`, which is the root or lies under it: it is new, or may hold what is. The caller has seen to it that a scan enters it.
    pub fn enter(&mut self, folder: &Path) {
        if !BY_FOLDER {
            return;
        }
        // A look at all of it may make good what failed before.
        self.whole |= folder == self.root;
        let entries = rules::walk(folder).build().take(Limits::default().entries).flatten();
        for entry in entries.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir())) {
            // Its own list of what is ignored lies in a folder that no scan enters.
            let list = Some(entry.path().join(".git/info")).filter(|info| info.is_dir());
            for folder in [Some(entry.path().to_owned()), list].into_iter().flatten() {
                match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                    Err(error) if folder.is_dir() => {
                        let first = std::mem::replace(&mut self.whole, false);
                        if first {
                            tracing::warn!(folder = %folder.display(), %error, "changes by others are not all seen here");
                        }
                        return;
                    }
                    // What was removed meanwhile needs no watch.
                    _ => {}
                }
            }
        }
    }

    /// Whether it hears of every change under what is at the root's path now.
    pub fn is_whole(&self) -> bool {
        self.whole && self.is_of_now()
    }

    /// Whether the folder at the root's path is still the one that is watched.
    pub fn is_of_now(&self) -> bool {
        self.identity.is_some() && self.identity == identity(&self.root)
    }
}

fn follow(events: &mpsc::Receiver<notify::Result<notify::Event>>, told: impl Fn(Changed)) {
    loop {
        let Ok(first) = events.recv() else { return };
        let begun = Instant::now();
        let mut batch = Batch::default();
        batch.take(first);
        let gone = loop {
            if begun.elapsed() > LONGEST {
                break false;
            }
            match events.recv_timeout(QUIET) {
                Ok(event) => batch.take(event),
                Err(RecvTimeoutError::Timeout) => break false,
                Err(RecvTimeoutError::Disconnected) => break true,
            }
        };
        if let Some(changed) = batch.done() {
            told(changed);
        }
        if gone {
            return;
        }
    }
}

#[derive(Default)]
struct Batch {
    paths: BTreeSet<PathBuf>,
    anything: bool,
}

impl Batch {
    fn take(&mut self, event: notify::Result<notify::Event>) {
        match event {
            Ok(event) if event.need_rescan() => self.anything = true,
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
            Ok(event) => self.paths.extend(event.paths),
            Err(error) => {
                tracing::warn!(%error, "the watch of the workspace stumbled: looking at everything");
                self.anything = true;
            }
        }
        self.anything |= self.paths.len() > MOST_PATHS;
    }

    fn done(self) -> Option<Changed> {
        if self.anything {
            return Some(Changed::Anything);
        }
        (!self.paths.is_empty()).then_some(Changed::Paths(self.paths))
    }
}
