//! The workspace's index: what each file defines, uses and imports, found again by name.
//!
//! This file is the index itself, in memory: it reads no files and has no threads. `facts` makes a file's entry from its text, `names` interns, `scan` walks a folder, `cache` keeps
//! it on disk, `watch` follows changes, `rules` says what is left out. Memory is bounded by interned names and by the limits of [`Limits`](scan::Limits).

pub mod cache;
pub mod facts;
mod names;
pub mod rules;
pub mod scan;
pub mod watch;
pub mod words;

use std::{collections::HashMap, ops::Range};

pub use facts::{DefinitionFact, Facts, ImportFact, facts};
pub use names::Name;
use names::Names;
pub use rules::{Exclusion, Rules};
pub use scan::{Limits, ScanReport};

/// Numbers a file as long as the index lives, also over changes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(u32);

/// What tells whether a file is still the one that was indexed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Stamp {
    /// Nanoseconds since 1970.
    pub modified: u64,
    /// Bytes.
    pub size: u64,
    /// Of the text.
    pub hash: u64,
}

/// A file of the index.
#[derive(Clone, Debug)]
pub struct File {
    /// From its workspace folder, with forward slashes: as prompts name it.
    pub path: Box<str>,
    /// The folder's number ([`Index::root`]).
    pub root: u32,
    /// The state that was indexed.
    pub stamp: Stamp,
    /// What is in it.
    pub facts: Facts<Name>,
}

/// All files of a workspace.
#[derive(Debug, Default)]
pub struct Index {
    names: Names,
    roots: Vec<std::path::PathBuf>,
    files: Vec<Option<File>>,
    free: Vec<FileId>,
    by_path: HashMap<(u32, Box<str>), FileId>,
    /// By name: the files with a definition of it, and its place among the file's definitions.
    definitions: Vec<Vec<(FileId, u32)>>,
    /// By name: the files in whose text it is a word.
    words: Vec<Vec<FileId>>,
    /// By [`stem`], and by the name of the folder: what modules may be called by.
    stems: HashMap<Box<str>, Vec<FileId>>,
    /// Counts up with every change.
    revision: u64,
    /// Files, by root.
    live: Vec<usize>,
}

impl Index {
    /// The number of the workspace folder `root`.
    pub fn root_id(&mut self, root: &std::path::Path) -> u32 {
        let known = self.roots.iter().position(|known| known == root);
        known.unwrap_or_else(|| {
            self.roots.push(root.to_owned());
            self.live.push(0);
            self.roots.len() - 1
        }) as u32
    }

    /// The workspace folder of that number.
    pub fn root(&self, root: u32) -> Option<&std::path::Path> {
        self.roots.get(root as usize).map(std::path::PathBuf::as_path)
    }

    /// Files in it.
    pub fn len(&self) -> usize {
        self.live.iter().sum()
    }

    /// How many files a root has, by its number.
    pub fn roots(&self) -> impl Iterator<Item = (u32, usize)> {
        (0..).zip(self.live.iter().copied())
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts up with every change: equal revisions answer equally.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// A file; `None` once it is removed.
    pub fn file(&self, id: FileId) -> Option<&File> {
        self.files.get(id.0 as usize)?.as_ref()
    }

    /// Every file.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &File)> {
        self.files.iter().enumerate().filter_map(|(id, file)| Some((FileId(id as u32), file.as_ref()?)))
    }

    /// The file at a path of a root.
    pub fn find(&self, root: u32, path: &str) -> Option<FileId> {
        // A tuple of borrowed parts cannot look a tuple of owned ones up.
        self.by_path.get(&(root, path.into())).copied()
    }

    /// A name's text.
    pub fn text(&self, name: Name) -> &str {
        self.names.text(name)
    }

    /// The number of a name that is in use.
    pub fn name(&self, text: &str) -> Option<Name> {
        self.names.find(text)
    }

    /// Where `name` is defined.
    pub fn definitions(&self, name: &str) -> impl Iterator<Item = (FileId, u32)> {
        self.names.find(name).and_then(|name| self.definitions.get(name.index())).into_iter().flatten().copied()
    }

    /// The files in whose text `word` (a name, or a part of one in lower case) stands.
    pub fn containing(&self, word: &str) -> &[FileId] {
        self.names.find(word).and_then(|name| self.words.get(name.index())).map_or(&[], Vec::as_slice)
    }

    /// The files that a module of that name may be: by [`stem`], or by their folder.
    pub fn named(&self, stem: &str) -> &[FileId] {
        self.stems.get(stem).map_or(&[], Vec::as_slice)
    }

    /// Puts a file in, in place of what was known of it.
    pub fn put(&mut self, root: u32, path: &str, stamp: Stamp, facts: Facts<String>) -> FileId {
        let facts = facts.map_names(|name| self.names.intern(&name));
        self.put_named(root, path, stamp, facts)
    }

    fn put_named(&mut self, root: u32, path: &str, stamp: Stamp, facts: Facts<Name>) -> FileId {
        self.revision += 1;
        let names = self.names.len();
        self.definitions.resize_with(names, Vec::new);
        self.words.resize_with(names, Vec::new);
        let id = match self.find(root, path) {
            Some(id) => id,
            None => {
                let id = self.free.pop().unwrap_or_else(|| {
                    self.files.push(None);
                    FileId(self.files.len() as u32 - 1)
                });
                self.by_path.insert((root, path.into()), id);
                self.live[root as usize] += 1;
                for stem in stems(path) {
                    self.stems.entry(stem.into()).or_default().push(id);
                }
                id
            }
        };
        let old = self.files[id.0 as usize].take();
        let (old_words, old_definitions) =
            old.as_ref().map_or((&[][..], &[][..]), |old| (&*old.facts.words, &*old.facts.definitions));
        for definition in old_definitions {
            self.definitions[definition.name.index()].retain(|(file, _)| *file != id);
        }
        for (at, definition) in facts.definitions.iter().enumerate() {
            self.definitions[definition.name.index()].push((id, at as u32));
        }
        // Both are sorted: only what differs is touched.
        for &gone in old_words.iter().filter(|word| facts.words.binary_search(word).is_err()) {
            let posting = &mut self.words[gone.index()];
            if let Ok(at) = posting.binary_search(&id) {
                posting.remove(at);
            }
        }
        for &new in facts.words.iter().filter(|word| old_words.binary_search(word).is_err()) {
            let posting = &mut self.words[new.index()];
            if let Err(at) = posting.binary_search(&id) {
                posting.insert(at, id);
            }
        }
        self.files[id.0 as usize] = Some(File { path: path.into(), root, stamp, facts });
        id
    }

    /// Sets the stamp of a file that was touched and not changed.
    pub fn restamp(&mut self, id: FileId, stamp: Stamp) {
        if let Some(Some(file)) = self.files.get_mut(id.0 as usize) {
            file.stamp = stamp;
        }
    }

    /// Takes a file out; whether it was in.
    pub fn remove(&mut self, root: u32, path: &str) -> bool {
        let Some(id) = self.by_path.remove(&(root, path.into())) else { return false };
        self.revision += 1;
        if let Some(file) = self.files[id.0 as usize].take() {
            for definition in &file.facts.definitions {
                self.definitions[definition.name.index()].retain(|(file, _)| *file != id);
            }
            for word in &file.facts.words {
                if let Ok(at) = self.words[word.index()].binary_search(&id) {
                    self.words[word.index()].remove(at);
                }
            }
            for stem in stems(path) {
                if let Some(files) = self.stems.get_mut(stem.as_str()) {
                    files.retain(|file| *file != id);
                }
            }
            self.live[root as usize] -= 1;
            self.free.push(id);
        }
        true
    }

    /// Takes out what is under the folder `path` of a root; how many files that were.
    pub fn remove_under(&mut self, root: u32, path: &str) -> usize {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let under = |file: &File| file.root == root && (path.is_empty() || file.path.starts_with(&folder));
        let gone: Vec<Box<str>> =
            self.files().filter(|(_, file)| under(file)).map(|(_, file)| file.path.clone()).collect();
        gone.iter().filter(|path| self.remove(root, path)).count()
    }
}

/// A file's name in lower case, without its extensions and without what tells a test or a header from what it belongs to; empty where the name says nothing (`mod`, `index`).
pub fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = name.split('.').next().unwrap_or_default().to_lowercase();
    let mut name = name.as_str();
    for end in ["_tests", "_test", "-test", "tests", "test", "_spec", "_impl"] {
        name = name.strip_suffix(end).unwrap_or(name);
    }
    match name.strip_prefix("test_").unwrap_or(name) {
        "mod" | "lib" | "main" | "index" | "__init__" | "conftest" => String::new(),
        name => name.to_owned(),
    }
}

/// Under what names a file may be meant.
fn stems(path: &str) -> Vec<String> {
    let mut names = vec![stem(path)];
    names.extend(path.rsplit('/').skip(1).find(|folder| *folder != "src").map(str::to_lowercase));
    names.retain(|name| !name.is_empty());
    names.dedup();
    names
}

impl File {
    /// Where a definition and its documentation stand.
    pub fn whole(definition: &DefinitionFact<Name>) -> Range<usize> {
        definition.lead as usize..definition.end as usize
    }
}

#[cfg(test)]
mod tests;
