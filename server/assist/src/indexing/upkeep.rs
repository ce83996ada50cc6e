//! How the index is brought up to date: by scans, by single files, and by open documents, which are newer than the disk.

use std::{
    path::Path,
    sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard, atomic::AtomicBool},
};

use pilotlight_syntax::{
    Snapshot,
    index::{Index, ScanReport, cache, scan},
};

use super::{IndexProgress, Open, Shared, lock};

impl Shared {
    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn scan(&self, root: &Path) -> ScanReport {
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
            let index = self.index();
            if let Err(error) = cache::save(&index, root, &file) {
                tracing::warn!(file = %file.display(), %error, "the index is not kept: the next start reads all files again");
            }
        }
        report
    }

    fn root_id(&self, root: &Path) -> u32 {
        self.index_mut().root_id(root)
    }

    pub(super) fn overlay(&self, root: &Path, path: &Path, snapshot: &Snapshot) {
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

    pub(super) fn update(&self, root: &Path, path: &Path) {
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
            let gone = || self.index_mut().remove_under(id, &relative);
            let under = if there.is_err() { gone() } else { 0 };
            tracing::debug!(path = %path.display(), %why, under, "taken out of the index");
        }
    }

    /// Whether a scan looks into a folder.
    pub(super) fn enters(&self, root: &Path, folder: &Path) -> bool {
        !scan::is_closed(root, folder) && self.rules.excluded(Some(root), &folder.join("_")).is_none()
    }

    /// Whether one more file would be more than a scan of the folder takes.
    fn is_full(&self, root: u32, path: &str) -> bool {
        let index = self.index();
        let files = index.roots().find(|(id, _)| *id == root).map_or(0, |(_, files)| files);
        files >= self.limits.files && index.find(root, path).is_none()
    }

    /// Takes out all that a folder brought.
    pub(super) fn let_go(&self, root: &Path) {
        lock(&self.open).retain(|_, open| open.root != root);
        let id = self.root_id(root);
        let index = self.index();
        let files: Vec<_> =
            index.files().filter(|(_, file)| file.root == id).map(|(_, file)| file.path.clone()).collect();
        drop(index);
        // One at a time: others' completions read in between.
        for file in files {
            self.index_mut().remove(id, &file);
        }
    }
}
