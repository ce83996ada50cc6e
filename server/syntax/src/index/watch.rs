//! Follows a folder: which of its files changed, told in batches once it is quiet.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant},
};

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

/// Watches while it lives.
#[derive(Debug)]
pub struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Calls `told` on a thread of its own with every batch of changes under `root`.
    pub fn start(root: &Path, told: impl Fn(Changed) + Send + 'static) -> Result<Self, notify::Error> {
        let (sender, receiver) = mpsc::channel();
        let mut watcher = RecommendedWatcher::new(
            move |event| {
                // The receiver goes with the thread below, when the watch does.
                let _ = sender.send(event);
            },
            Config::default().with_follow_symlinks(false),
        )?;
        watcher.watch(root, RecursiveMode::Recursive)?;
        std::thread::Builder::new().name("watch".to_owned()).spawn(move || follow(&receiver, told))?;
        Ok(Self { _watcher: watcher })
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
