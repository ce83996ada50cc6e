//! What surfaces ask: which changes wait to be carried, and what carrying one does.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use pilotlight_syntax::{
    DefinitionKind, Document, Language, Snapshot,
    index::{File, Index, words},
};
use tokio_util::sync::CancellationToken;

use super::{
    Candidate, Defined, DefinitionChange, Lookup, Scene, aliases,
    difference::{differences, rename},
    packages, related,
    remembered::Key,
};
use crate::{Assistant, DocumentId, changes::ChangeSet, indexing::Indexing};

/// A change that can be carried, and what that does.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The change.
    pub change: DefinitionChange,
    /// What carrying it does, checked.
    pub set: ChangeSet,
}

/// Why nothing was carried; nothing is changed then.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PropagateError {
    /// Never opened, or closed.
    #[error("{0} is not open")]
    NotOpen(DocumentId),
    /// It has been edited since the question.
    #[error("the document has been edited since: ask again")]
    MovedOn,
    /// It is in no folder of the workspace, or in no file.
    #[error("{0}: it is not in a folder of the workspace, so its uses are not known")]
    Outside(String),
    /// No definition's name.
    #[error(
        "there is no definition's name here: put the cursor on the name where it is defined (parameters and local variables are not renamed)"
    )]
    NoDefinition,
    /// Not a name of the language.
    #[error("expected a name for `{old}`, found {new:?}")]
    BadName {
        /// The name now.
        old: String,
        /// What was given.
        new: String,
    },
    /// The search says why.
    #[error("{0}")]
    Cannot(String),
    /// By the caller.
    #[error("cancelled")]
    Cancelled,
}

impl Assistant {
    /// The changes of definitions since the document was opened or settled; nothing is searched.
    ///
    /// # Errors
    ///
    /// [`PropagateError::NotOpen`].
    pub fn changes_of(&self, document: &DocumentId) -> Result<Vec<DefinitionChange>, PropagateError> {
        let (before, now, _) = self.states(document)?;
        Ok(if before.revision() == now.revision() { Vec::new() } else { differences(&before, &now) })
    }

    /// What carrying `change`, seen in state `revision` of the document, does. Waits for the index.
    ///
    /// # Errors
    ///
    /// See [`PropagateError`].
    pub async fn propagate(
        &self,
        document: &DocumentId,
        revision: u64,
        change: DefinitionChange,
        cancel: CancellationToken,
    ) -> Result<Offer, PropagateError> {
        self.carry(document, revision, change, Reach::Uses, cancel).await
    }

    /// The same of what is open. Of most names the index tells where they stand; for the others the workspace is not read.
    pub(crate) async fn propagate_open(
        &self,
        document: &DocumentId,
        revision: u64,
        change: DefinitionChange,
        cancel: CancellationToken,
    ) -> Result<Offer, PropagateError> {
        self.carry(document, revision, change, Reach::OpenUses, cancel).await
    }

    /// What giving the definition at byte `offset` another name does, in its own file and wherever it is used.
    ///
    /// # Errors
    ///
    /// See [`PropagateError`].
    pub async fn rename(
        &self,
        document: &DocumentId,
        offset: usize,
        name: &str,
        cancel: CancellationToken,
    ) -> Result<Offer, PropagateError> {
        let (_, now, _) = self.states(document)?;
        // PHP's properties are declared with a `$` that their uses do not have.
        let name = if now.language() == Language::Php { name.trim_start_matches('$') } else { name };
        let change = rename(&now, offset, name).ok_or(PropagateError::NoDefinition)?;
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(word) || name.starts_with(char::is_numeric) || name == change.old_name {
            return Err(PropagateError::BadName { old: change.old_name, new: name.to_owned() });
        }
        self.carry(document, now.revision(), change, Reach::DefinitionToo, cancel).await
    }

    async fn carry(
        &self,
        document: &DocumentId,
        revision: u64,
        change: DefinitionChange,
        reach: Reach,
        cancel: CancellationToken,
    ) -> Result<Offer, PropagateError> {
        let (_, now, path) = self.states(document)?;
        if now.revision() != revision {
            return Err(PropagateError::MovedOn);
        }
        // One search does for both.
        let reach = if reach == Reach::OpenUses && is_indexed(called(&change)) { Reach::Uses } else { reach };
        let workspace = self.workspace();
        let outside = || PropagateError::Outside(document.to_string());
        let path = path.ok_or_else(outside)?;
        workspace.root_of(&path).ok_or_else(outside)?;
        let roots: Vec<PathBuf> = workspace.folders.iter().map(|folder| folder.root.clone()).collect();
        tokio::select! {
            () = self.indexing_ready(&roots) => {}
            () = cancel.cancelled() => return Err(PropagateError::Cancelled),
        }
        let open = self.open_files();
        let states = |(id, state): &(DocumentId, Snapshot)| {
            let settled = self.calls_settled(id).map_or(0, |settled| settled.revision());
            (id.clone(), settled, state.revision())
        };
        let mut revisions: Vec<_> = open.values().map(states).collect();
        revisions.sort();
        let index = self.indexing_of().revision();
        let (of, searched) = (document.clone(), change.clone());
        let key = Key { document: of, change: searched, reach, roots: roots.clone(), revisions, index };
        if let Some(offer) = self.remembered().find(&key, self.indexing_of()) {
            return Ok(offer);
        }
        let assistant = self.clone();
        let document = document.clone();
        let searched = tokio::task::spawn_blocking(move || {
            let settled = assistant.settled_text(&document);
            let home = Candidate { path, document: Some(document), snapshot: now, settled };
            let mut set = assistant.search(&roots, home, open, change.clone(), reach, &cancel)?;
            set.check();
            set.left.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
            set.left.dedup();
            Ok(Offer { change, set })
        });
        let offer = searched.await.map_err(|error| PropagateError::Cannot(error.to_string()))??;
        self.still(&offer)?;
        self.remembered().add(key, offer.clone());
        Ok(offer)
    }

    /// Refuses an offer one of whose documents has been edited or closed since.
    pub(super) fn still(&self, offer: &Offer) -> Result<(), PropagateError> {
        let moved = offer.set.files.iter().any(|file| {
            let now = file.document.as_ref().map(|document| self.snapshot(document));
            now.is_some_and(|now| now.map_or(true, |now| now.revision() != file.before.revision()))
        });
        if moved { Err(PropagateError::MovedOn) } else { Ok(()) }
    }

    fn settled_text(&self, document: &DocumentId) -> Option<String> {
        self.calls_settled(document).map(|settled| settled.rope().to_string())
    }

    fn candidate(
        &self,
        path: PathBuf,
        snapshot: Snapshot,
        open: &HashMap<PathBuf, (DocumentId, Snapshot)>,
    ) -> Candidate {
        let document = open.get(&path).map(|(document, _)| document.clone());
        let settled = document.as_ref().and_then(|document| self.settled_text(document));
        Candidate { path, document, snapshot, settled }
    }

    fn search(
        &self,
        roots: &[PathBuf],
        home: Candidate,
        open: HashMap<PathBuf, (DocumentId, Snapshot)>,
        change: DefinitionChange,
        reach: Reach,
        cancel: &CancellationToken,
    ) -> Result<ChangeSet, PropagateError> {
        let language = home.snapshot.language();
        let word = called(&change).to_owned();
        let (loaded, modules) = Default::default();
        let lookup = Files { assistant: self, roots, open: &open, language, loaded, modules };
        let mut others: Vec<Candidate> = Vec::new();
        let add = |word: &str, paths: Vec<PathBuf>, others: &mut Vec<Candidate>| {
            for path in paths {
                if cancel.is_cancelled() {
                    return Err(PropagateError::Cancelled);
                }
                let known = path == home.path || others.iter().any(|other| other.path == path);
                if known || !related(language, Language::from_path(&path)) {
                    continue;
                }
                if let Some(snapshot) = lookup.load_with(&path, word) {
                    others.push(self.candidate(path, snapshot, &open));
                }
            }
            Ok(())
        };
        let unknown = || if reach == Reach::OpenUses { Vec::new() } else { lookup.all(|_, _| true) };
        add(&word, lookup.containing(&word, unknown), &mut others)?;
        // Files that know the function by another name alone.
        let aliases = others.iter().chain([&home]).filter(|_| change.changes_calls_of_any_name());
        let aliases: HashSet<String> = aliases.flat_map(|it| aliases::given(&it.snapshot, &word)).collect();
        for alias in aliases {
            // Names like `_` stand everywhere.
            let paths = lookup.containing(&alias, || lookup.all(|index, file| imports(index, file, &alias)));
            add(&alias, paths, &mut others)?;
        }
        let rivals = lookup
            .definitions(&word)
            .into_iter()
            .filter(|it| it.path != home.path && it.kind != DefinitionKind::Implementation);
        let rivals = rivals.collect();
        let packages = packages(&home.path, language);
        let definition_too = reach == Reach::DefinitionToo;
        let scene = Scene { change, definition_too, home, others, rivals, packages, lookup: &lookup };
        scene.carry(cancel).map_err(|why| why.map_or(PropagateError::Cancelled, PropagateError::Cannot))
    }
}

/// How far a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To all uses.
    Uses,
    /// To those of which a next edit is made.
    OpenUses,
    /// To all, and the definition itself.
    DefinitionToo,
}

/// The workspace's files: open ones as they are in the editor, the rest from the disk.
struct Files<'a> {
    assistant: &'a Assistant,
    roots: &'a [PathBuf],
    open: &'a HashMap<PathBuf, (DocumentId, Snapshot)>,
    language: Language,
    loaded: Mutex<HashMap<PathBuf, Snapshot>>,
    /// What files are called, also where that says nothing or is that of a test; of folders, where modules are named from the top.
    modules: OnceLock<HashSet<String>>,
}

impl Files<'_> {
    fn indexing(&self) -> &Indexing {
        self.assistant.indexing_of()
    }

    /// Files in which a word may stand, sorted; of closed ones those that `unknown` gives, where the index does not tell.
    fn containing(&self, word: &str, unknown: impl Fn() -> Vec<PathBuf>) -> Vec<PathBuf> {
        let mut paths = if is_indexed(word) { self.indexing().files_with(self.roots, word) } else { unknown() };
        let here = |path: &&PathBuf| self.roots.iter().any(|root| path.starts_with(root));
        let open = self.open.iter().filter(|(path, (_, state))| here(path) && state.rope().to_string().contains(word));
        paths.extend(open.map(|(path, _)| path.clone()));
        paths.sort();
        paths.dedup();
        paths
    }

    /// Every file of the index that is `wanted`.
    fn all(&self, wanted: impl Fn(&Index, &File) -> bool) -> Vec<PathBuf> {
        self.indexing().files_where(self.roots, wanted)
    }

    /// A file, if `word` stands in it.
    fn load_with(&self, path: &Path, word: &str) -> Option<Snapshot> {
        let mut loaded = self.loaded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = loaded.get(path) {
            return Some(known.clone());
        }
        let snapshot = match self.open.get(path) {
            Some((_, snapshot)) => self.indexing().may_read(self.roots, path).then(|| snapshot.clone())?,
            None => {
                let text = self.indexing().text_of(self.roots, path).filter(|text| stands(text, word))?;
                Document::open(Language::from_path(path), 0, &text).snapshot()
            }
        };
        loaded.insert(path.to_owned(), snapshot.clone());
        Some(snapshot)
    }

    fn modules(&self) -> HashSet<String> {
        let mut names = HashSet::new();
        for path in self.files() {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            names.extend(name.split('.').next().map(str::to_owned));
            if self.language == Language::Python {
                let folders =
                    path.ancestors().skip(1).take_while(|folder| !self.roots.iter().any(|root| root == folder));
                names.extend(folders.filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned())));
            }
        }
        names
    }
}

/// What stands where it is used: a constructor is called by the name of its class.
fn called(change: &DefinitionChange) -> &str {
    match (&change.container, change.kind) {
        (Some(of), DefinitionKind::Constructor) => of,
        _ => &change.old_name,
    }
}

/// Whether the index tells where a name stands. Of short ones, very long ones and those with a `$` it says nothing.
fn is_indexed(name: &str) -> bool {
    let mut indexed = false;
    words::identifiers(name, |found| indexed |= found == name);
    indexed
}

/// Whether a file takes what is called `name` from another.
fn imports(index: &Index, file: &File, name: &str) -> bool {
    file.facts.imports.iter().any(|import| import.name.is_some_and(|own| index.text(own) == name))
}

/// Whether a name stands in a text by itself.
pub(super) fn stands(text: &str, name: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || c == '_';
    let alone = |at: usize| !text[..at].ends_with(goes_on) && !text[at + name.len()..].starts_with(goes_on);
    name.is_empty() || text.match_indices(name).any(|(at, _)| alone(at))
}

impl Lookup for Files<'_> {
    fn definitions(&self, name: &str) -> Vec<Defined> {
        let mut found = self.indexing().definitions(self.roots, name);
        found.retain(|it| related(self.language, Language::from_path(&it.path)));
        found
    }

    fn load(&self, path: &Path) -> Option<Snapshot> {
        self.load_with(path, "")
    }

    fn earlier(&self, path: &Path) -> Option<Snapshot> {
        let (document, _) = self.open.get(path)?;
        self.assistant.states(document).ok().map(|(settled, ..)| settled)
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut paths = self.all(|_, _| true);
        paths.retain(|path| related(self.language, Language::from_path(path)));
        paths
    }

    fn is_module(&self, name: &str) -> bool {
        self.indexing().is_module(self.roots, name) || self.modules.get_or_init(|| self.modules()).contains(name)
    }
}

#[cfg(test)]
mod tests;
