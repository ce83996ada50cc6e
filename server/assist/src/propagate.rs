//! A change of a definition carried to its uses: a person changes a name or the parameters of a function by hand, and everything that has to follow is found and edited, without a model.
//!
//! `difference` sees what has changed, `search` says what each place where the name stands means, `uses` edits it, `arguments` makes a call fit. What is not certain carries its reason; what nothing can be
//! done about is listed.

mod arguments;
mod common;
pub mod difference;
mod regions;
mod remembered;
mod request;
mod search;
mod types;
mod uses;
mod view;
mod written;

use std::path::{Path, PathBuf};

use pilotlight_syntax::{DefinitionKind, Document, Language, Snapshot};
use tokio_util::sync::CancellationToken;

use crate::{
    DocumentId,
    changes::{ChangeSet, Edit, FileChange},
};
pub use difference::DefinitionChange;
pub(crate) use remembered::Remembered;
pub use request::{Offer, PropagateError};
use search::Search;
use uses::{Work, separate};
pub(crate) use view::{Defined, Lookup};
use view::{Types, View};

/// A file that may have uses.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    pub(crate) document: Option<DocumentId>,
    pub(crate) snapshot: Snapshot,
}

/// Everything a search looks at.
pub(crate) struct Scene<'a> {
    pub(crate) change: DefinitionChange,
    /// The definition itself is still to be edited.
    pub(crate) definition_too: bool,
    pub(crate) home: Candidate,
    pub(crate) others: Vec<Candidate>,
    /// Other definitions of the name, outside of the changed file.
    pub(crate) rivals: Vec<Defined>,
    pub(crate) packages: Vec<String>,
    pub(crate) lookup: &'a dyn Lookup,
}

/// Whether both belong to one family of languages, whose files use each other's definitions.
pub(crate) fn related(a: Language, b: Language) -> bool {
    use Language::{C, Cpp, JavaScript, Tsx, TypeScript};
    let family = |language| match language {
        TypeScript | Tsx => JavaScript,
        Cpp => C,
        other => other,
    };
    a != Language::Plain && family(a) == family(b)
}

impl Scene<'_> {
    /// Finds and edits the uses. The edits are not checked yet ([`ChangeSet::check`]).
    ///
    /// # Errors
    ///
    /// Why the change cannot be carried at all, in words; `None` when cancelled.
    pub(crate) fn carry(self, cancel: &CancellationToken) -> Result<ChangeSet, Option<String>> {
        let mut change = self.change.clone();
        let mut set = ChangeSet::default();
        let constructor = change.kind == DefinitionKind::Constructor;
        // With the old name back in its place everything resolves as it did.
        let now = self.home.snapshot.rope().to_string();
        let mut text = now.clone();
        text.replace_range(change.name_range.clone(), &change.old_name);
        let mut at = change.name_range.start;
        let back = Document::open(self.home.snapshot.language(), 0, &text).snapshot();
        let home = View::new(self.home.path.clone(), back);
        if constructor {
            let Some(of) = change.container.take() else { return Ok(set) };
            let around = home.outline.iter().find(|item| item.name == of && item.range.contains(&at));
            let Some(around) = around else { return Ok(set) };
            at = around.name_range.start;
            (change.old_name, change.new_name, change.kind) = (of.clone(), of, DefinitionKind::Class);
        }
        let owners = self.owners(&change, &home)?;
        let overloads = overloads(&home, at);
        let own_rivals = home
            .outline
            .iter()
            .filter(|item| {
                item.name == change.old_name
                    && item.name_range.start != at
                    && !overloads.contains(&item.name_range.start)
                    && item.kind != DefinitionKind::Implementation
            })
            .map(|item| {
                let in_type = change.container.is_some() || item.parent.is_some();
                let parent = home.container(item.name_range.start).filter(|_| in_type);
                Defined { path: home.path.clone(), kind: item.kind, parent }
            });
        let others: Vec<View> =
            self.others.iter().map(|other| View::new(other.path.clone(), other.snapshot.clone())).collect();
        // Members that only an assignment tells of are in no outline.
        let assigned = std::iter::once(&home).chain(&others).filter(|_| change.container.is_some());
        let assigned =
            assigned.flat_map(|view| view.assigned(&change.old_name)).filter(|it| it.parent != change.container);
        let rivals: Vec<Defined> = self.rivals.iter().cloned().chain(own_rivals).chain(assigned).collect();
        let search = Search {
            change: &change,
            home: &home,
            at,
            rivals,
            packages: self.packages.clone(),
            types: Types::new(self.lookup),
            lookup: self.lookup,
            owners,
            arity: arity(&change, &home, at),
            overloads,
        };
        let work = Work { search: &search, constructor, definition_too: self.definition_too };
        let mut edits = work.edits(&home, &self.home, &mut set);
        let delta = |offset: usize| {
            let (old_end, len) =
                (self.change.name_range.start + self.change.old_name.len(), self.change.new_name.len());
            // Where the definition itself is still to be edited nothing has moved.
            if offset >= old_end && !self.definition_too { offset - self.change.old_name.len() + len } else { offset }
        };
        for edit in &mut edits {
            edit.range = delta(edit.range.start)..delta(edit.range.end);
        }
        set.holes.iter_mut().for_each(|hole| hole.range = delta(hole.range.start)..delta(hole.range.end));
        if let Some(parameters) = &self.change.parameters {
            edits.extend(body(&self.home.snapshot, &now, &self.change, parameters.renamed()));
            separate(&mut edits, &self.home, &mut set.left);
        }
        set.files.push(FileChange {
            creates: false,
            path: Some(self.home.path.clone()),
            document: self.home.document.clone(),
            before: self.home.snapshot.clone(),
            edits,
        });
        for (other, view) in self.others.iter().zip(&others) {
            if cancel.is_cancelled() {
                return Err(None);
            }
            let edits = work.edits(view, other, &mut set);
            set.files.push(FileChange {
                creates: false,
                path: Some(other.path.clone()),
                document: other.document.clone(),
                before: other.snapshot.clone(),
                edits,
            });
        }
        set.files.retain(|file| !file.edits.is_empty());
        set.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(set)
    }

    /// The types whose member it is: where a trait asks for it, the trait.
    fn owners(&self, change: &DefinitionChange, home: &View) -> Result<Vec<String>, Option<String>> {
        let Some(container) = &change.container else { return Ok(Vec::new()) };
        if home.snapshot.language() != Language::Rust
            || home.sites.container(change.name_range.start).is_none_or(|it| it.bases.is_empty())
        {
            return Ok(vec![container.clone()]);
        }
        let name = &change.old_name;
        let asks = |of: &&String| {
            self.rivals.iter().any(|rival| rival.parent.as_ref() == Some(of))
                || home
                    .sites
                    .signatures
                    .iter()
                    .any(|it| it.name == *name && home.container(it.name_range.start).as_ref() == Some(of))
        };
        match change.bases.iter().find(asks) {
            Some(of) => Ok(vec![of.clone()]),
            None => {
                let of = change.bases.join(", ");
                Err(Some(format!("`{name}` belongs to {of}, which is not defined in this workspace")))
            }
        }
    }
}

/// How many arguments each call of the function at `at` had, in languages in which that is always the same.
fn arity(change: &DefinitionChange, home: &View, at: usize) -> Option<usize> {
    let signature = home.sites.signature(&(at..at + change.old_name.len()))?;
    let old = change.parameters.as_ref().map_or(signature, |parameters| &parameters.old);
    (arguments::strict(home.snapshot.language()) && !old.rest).then_some(old.parameters.len())
}

/// Where the names of the function at `at` stand that TypeScript takes for one function.
fn overloads(home: &View, at: usize) -> Vec<usize> {
    let function =
        home.outline.iter().find(|item| item.name_range.start == at && item.kind == DefinitionKind::Function);
    let Some(function) = function.filter(|_| related(home.snapshot.language(), Language::TypeScript)) else {
        return Vec::new();
    };
    let same = home.outline.iter().filter(|it| {
        it.name == function.name
            && it.kind == function.kind
            && it.parent == function.parent
            && it.name_range.start != at
    });
    same.map(|it| it.name_range.start).collect()
}

/// Renamed parameters in the function's own body.
fn body<'a>(
    now: &Snapshot,
    text: &str,
    change: &DefinitionChange,
    renamed: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<Edit> {
    let (scopes, sites) = (now.scopes(), now.sites());
    let mut edits = Vec::new();
    for (old, new) in renamed {
        for reference in scopes.references.iter().filter(|it| it.name == old && change.range.contains(&it.range.start))
        {
            let meaning = reference.definition.map(|at| &scopes.definitions[at]);
            if meaning.is_some_and(|meaning| change.range.contains(&meaning.range.start)) {
                continue;
            }
            let key = sites.keys.iter().find(|key| key.range == reference.range);
            let text = match key {
                Some(key) if key.shorthand => format!("{old}: {new}"),
                Some(_) => continue,
                None => new.to_owned(),
            };
            edits.push(Edit { range: reference.range.clone(), text, doubt: None });
        }
        for it in now.occurrences(old) {
            let mentions =
                it.dead.is_some() && change.range.contains(&it.range.start) && text.is_char_boundary(it.range.start);
            if mentions {
                let doubt = Some("in a comment or a string".to_owned());
                edits.push(Edit { range: it.range, text: new.to_owned(), doubt });
            }
        }
    }
    edits
}

/// The name of the package that `path` is in, by the manifest of its language, as code calls it.
pub(crate) fn packages(path: &Path, language: Language) -> Vec<String> {
    let manifest = match language {
        Language::Rust => "Cargo.toml",
        Language::Go => "go.mod",
        Language::TypeScript | Language::Tsx | Language::JavaScript => "package.json",
        _ => return Vec::new(),
    };
    let found = path.ancestors().skip(1).map(|folder| folder.join(manifest)).find(|file| file.is_file());
    let text = found.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let name = match language {
        Language::Rust => {
            let manifest: Option<toml::Table> = text.parse().ok();
            let name =
                |table: &str| manifest.as_ref()?.get(table)?.get("name")?.as_str().map(|name| name.replace('-', "_"));
            name("lib").or_else(|| name("package"))
        }
        Language::Go => text.lines().find_map(|line| line.strip_prefix("module ")).map(|name| name.trim().to_owned()),
        _ => {
            serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|it| it["name"].as_str().map(str::to_owned))
        }
    };
    name.into_iter().collect()
}

#[cfg(test)]
mod tests;
