//! A package: its files, their index, and the lines to hide.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::{Arc, RwLock, atomic::AtomicBool},
};

use pilotlight_assist::syntax::{
    Document, Language, Snapshot,
    index::{FileId, Index, Limits, Stamp, facts, scan, words},
};
use pilotlight_context::{Surroundings, Texts};

use crate::dice::Dice;

/// One package, indexed as a workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) index: Index,
    pub(crate) texts: BTreeMap<FileId, Arc<str>>,
}

/// A line that is hidden: the file without it, the cursor where its code began, and the names it needs.
pub(crate) struct Hidden {
    pub(crate) file: FileId,
    pub(crate) path: String,
    pub(crate) snapshot: Snapshot,
    pub(crate) cursor: usize,
    pub(crate) needs: Vec<String>,
    /// What of the line's code stands there already, left of the cursor; nothing where whole lines are hidden.
    #[allow(dead_code)]
    pub(crate) typed: String,
}

impl Texts for Package {
    fn text(&self, file: FileId) -> Option<Arc<str>> {
        self.texts.get(&file).cloned()
    }
}

impl Package {
    pub(crate) fn read(folder: &Path) -> Self {
        let root = folder.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let index = RwLock::new(Index::default());
        // One thread, so that files are numbered in the order of their names: the same lines for everyone.
        scan::scan(
            &root,
            Limits { threads: 1, ..Limits::default() },
            &index,
            None,
            &|_, _| {},
            &AtomicBool::new(false),
        );
        let index = index.into_inner().unwrap();
        let texts = index
            .files()
            .map(|(id, file)| (id, std::fs::read_to_string(root.join(&*file.path)).unwrap().into()))
            .collect();
        // A package's `src` goes by the package's name.
        let inner = |name: &str| matches!(name, "src" | "main" | "lib");
        let names = root.iter().rev().map(|name| name.to_string_lossy().into_owned());
        let name = names.into_iter().find(|name| !inner(name)).unwrap_or_default();
        Self { name, index, texts }
    }

    /// The package around a hidden line, and nothing that a person did: no edits, no places.
    pub(crate) fn around(&self, hidden: &Hidden) -> Surroundings<'_> {
        let file = Some(hidden.file);
        Surroundings { index: &self.index, texts: self, file, edits: &[], viewed: &[], notes: &[] }
    }

    /// At most `most` lines, by dice: the code of each uses at least one name that stands nowhere else in its file, and that another file of the package defines.
    pub(crate) fn lines(&self, most: usize, dice: Dice) -> Vec<(FileId, usize, Vec<String>)> {
        let mut found = Vec::new();
        for (&id, text) in &self.texts {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            words::identifiers(text, |word| *counts.entry(word).or_default() += 1);
            let language = self.index.file(id).map_or(Language::Plain, |file| file.facts.language);
            let snapshot = Document::open(language, 0, text).snapshot();
            // What is imported is to be used, not to be guessed.
            let imports: HashSet<usize> =
                snapshot.imports().iter().map(|import| snapshot.rope().byte_to_line(import.range.start)).collect();
            let mut lines: BTreeMap<usize, BTreeMap<String, usize>> = BTreeMap::new();
            for used in snapshot.uses(0..usize::MAX) {
                let line = snapshot.rope().byte_to_line(used.range.start);
                if !imports.contains(&line) {
                    *lines.entry(line).or_default().entry(used.name).or_default() += 1;
                }
            }
            for (line, uses) in lines {
                let needed = |(word, count): &(&String, &usize)| {
                    counts.get(word.as_str()) == Some(count)
                        && self.index.definitions(word).any(|(file, _)| file != id)
                        && !self.index.definitions(word).any(|(file, _)| file == id)
                };
                let needs: Vec<String> = uses.iter().filter(needed).map(|(word, _)| word.clone()).collect();
                if !needs.is_empty() {
                    found.push((id, line, needs));
                }
            }
        }
        let mut lines = dice.shuffled(found);
        lines.truncate(most);
        lines
    }

    /// Hides a line but for the first `standing` characters of its code: the index has the file without the rest while `look` looks.
    pub(crate) fn hiding<R>(
        &mut self,
        file: FileId,
        line: usize,
        standing: usize,
        needs: &[String],
        look: impl FnOnce(&Self, &Hidden) -> R,
    ) -> R {
        let whole = self.texts[&file].clone();
        let entry = self.index.file(file).unwrap();
        let (path, language, root) = (entry.path.to_string(), entry.facts.language, entry.root);
        let start: usize = whole.split_inclusive('\n').take(line).map(str::len).sum();
        let content = whole[start..].lines().next().unwrap();
        let code = start + content.len() - content.trim_start().len();
        let typed: String = content.trim_start().chars().take(standing).collect();
        let cursor = code + typed.len();
        let text = format!("{}{}", &whole[..cursor], &whole[start + content.len()..]);
        let snapshot = Document::open(language, 0, &text).snapshot();
        self.index.put(root, &path, Stamp::default(), facts(&snapshot));
        self.texts.insert(file, text.into());
        let hidden = Hidden { file, path: path.clone(), snapshot, cursor, needs: needs.to_vec(), typed };
        let seen = look(self, &hidden);
        let before = Document::open(language, 0, &whole).snapshot();
        self.index.put(root, &path, Stamp::default(), facts(&before));
        self.texts.insert(file, whole);
        seen
    }
}
