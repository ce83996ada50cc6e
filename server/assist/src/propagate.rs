//! A change of a definition carried to its uses: a person changes a name or the parameters of a function by hand, and everything that has to follow is found and edited, without a model.
//!
//! `difference` sees what has changed, `restored` puts the old names back, so that everything resolves as it did, `parameters` renames those in their function. Elsewhere `search` says what each
//! place where the name stands means (`origin` which of several types of one name, `loose` what there is to say where types and imports are not read), `uses` edits it, `arguments` makes a call fit,
//! unless `touched` says that a person has. `settling` says when nothing waits any more. What is not certain carries its reason; what nothing can be done about is listed.

mod aliases;
mod arguments;
mod common;
pub mod difference;
mod loose;
mod origin;
mod parameters;
mod quiet;
mod regions;
mod remembered;
mod request;
mod restored;
mod search;
pub(crate) mod settling;
mod touched;
mod types;
mod uses;
mod view;
mod written;

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use pilotlight_syntax::{DefinitionKind, Document, Item, Language, Snapshot};
use tokio_util::sync::CancellationToken;

use crate::{
    DocumentId,
    changes::{ChangeSet, FileChange, Left},
};
pub use difference::DefinitionChange;
pub(crate) use remembered::Remembered;
pub use request::{Offer, PropagateError};
use restored::Restored;
use search::Search;
use uses::{Work, separate};
pub(crate) use view::{Defined, Lookup};
use view::{Relation, Types, View};

/// A file that may have uses.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    pub(crate) document: Option<DocumentId>,
    pub(crate) snapshot: Snapshot,
    /// If it is open: its text when its calls were settled.
    pub(crate) settled: Option<String>,
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
        let language = self.home.snapshot.language();
        let restored = Restored::new(&self.home.snapshot.rope().to_string(), language, &change);
        let function = change.name_range.start..change.name_range.start + change.old_name.len();
        let mut at = function.start;
        let back = Document::open(language, 0, &restored.text).snapshot();
        let home = View::new(self.home.path.clone(), back).since(self.home.settled.clone());
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
        let mut others: Vec<View> = Vec::new();
        for other in &self.others {
            if cancel.is_cancelled() {
                return Err(None);
            }
            others.push(View::new(other.path.clone(), other.snapshot.clone()).since(other.settled.clone()));
        }
        // Members that only an assignment tells of are in no outline.
        let assigned = std::iter::once(&home).chain(&others).filter(|_| change.container.is_some());
        let assigned =
            assigned.flat_map(|view| view.assigned(&change.old_name)).filter(|it| it.parent != change.container);
        let types = Types::new(self.lookup);
        change.meets |= self.meets(&change, &owners, &types);
        let known = self.rivals.iter().flat_map(|rival| self.receivers(rival, &change.old_name, &types));
        let rivals: Vec<Defined> = known.chain(own_rivals).chain(assigned).collect();
        let search = Search {
            change: &change,
            home: &home,
            at,
            rivals,
            packages: self.packages.clone(),
            types,
            meant: Default::default(),
            lookup: self.lookup,
            owners,
            told: Default::default(),
            shared: shared(&home, at, &overloads),
            arity: arity(&change, &home, at),
            doubled: doubled(&home, at, &overloads),
            overloads,
        };
        let views = std::iter::once(&home).chain(&others).filter(|_| change.changes_calls_of_any_name());
        let aliases = views.flat_map(|view| search.handed_on(view)).collect();
        let work = Work { search: &search, constructor, definition_too: self.definition_too, aliases };
        let mut found = work.found(&home, &self.home, &mut set);
        for (parameter, new) in &restored.parameters {
            parameters::renamed(&home, &function, parameter, new, &mut found);
            let modifiers = parameters::modifiers(&home, &function, parameter);
            if !modifiers.is_empty() && !modifiers.contains(&"private") {
                let line = home.snapshot.rope().byte_to_line(parameter.start);
                let because =
                    "the parameter is a member too: what other files call it is to be changed by hand".to_owned();
                set.left.push(Left { path: home.path.clone(), line, because });
            }
        }
        let mut edits = separate(found, &home, &mut set.left);
        edits.retain(|edit| {
            let stale = restored.holds(&edit.range);
            if stale {
                let line = home.snapshot.rope().byte_to_line(edit.range.start);
                let because = "the changed definition stands in it: it is to be changed by hand".to_owned();
                set.left.push(Left { path: home.path.clone(), line, because });
            }
            !stale
        });
        let now = |range: &Range<usize>| restored.now(range.start)..restored.now(range.end);
        edits.iter_mut().for_each(|edit| edit.range = now(&edit.range));
        set.holes.iter_mut().for_each(|hole| hole.range = now(&hole.range));
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
            let found = work.found(view, other, &mut set);
            let edits = separate(found, view, &mut set.left);
            set.files.push(FileChange {
                creates: false,
                path: Some(other.path.clone()),
                document: other.document.clone(),
                before: other.snapshot.clone(),
                edits,
            });
        }
        if let Some(because) = search.passed() {
            let line = self.home.snapshot.rope().byte_to_line(self.change.name_range.start);
            set.left.push(Left { path: home.path.clone(), line, because });
        }
        set.files.retain(|file| !file.edits.is_empty());
        set.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(set)
    }

    /// Whether something else has the new name where the changed definition has it now, beside what its own text tells: of a member what it is inherited with, in Go what else the package holds.
    fn meets(&self, change: &DefinitionChange, owners: &[String], types: &Types) -> bool {
        if !change.is_renamed() || change.local {
            return false;
        }
        let name = &change.new_name;
        let inherits = |of: &String, from: &String, path: Option<&Path>| {
            types.relation(of, path, std::slice::from_ref(from)) == Relation::Same
        };
        let go = self.home.snapshot.language() == Language::Go;
        let beside = |it: &Defined| match (&change.container, &it.parent) {
            (Some(own), Some(of)) => {
                let mut owners = owners.iter();
                of != own && owners.any(|own| inherits(of, own, Some(&it.path)) || inherits(own, of, None))
            }
            (None, None) => {
                let member = matches!(it.kind, DefinitionKind::Method | DefinitionKind::Field);
                go && !member && it.path != self.home.path && it.path.parent() == self.home.path.parent()
            }
            _ => false,
        };
        // What follows by hand is called so already.
        let was = |it: &Defined| {
            let earlier = self.lookup.earlier(&it.path);
            earlier.is_none_or(|earlier| earlier.outline().iter().any(|item| item.name == *name))
        };
        let known = self.lookup.definitions(name);
        let mut known = known.iter().flat_map(|it| self.receivers(it, name, types));
        known.any(|it| beside(&it) && was(&it))
    }

    /// A definition with what it is a member of: of Go's methods the index does not know it.
    fn receivers(&self, rival: &Defined, name: &str, types: &Types) -> Vec<Defined> {
        let method = rival.kind == DefinitionKind::Method && rival.parent.is_none() && !common::is_common(name);
        if !method || self.home.snapshot.language() != Language::Go {
            return vec![rival.clone()];
        }
        let Some(view) = types.view(&rival.path) else { return vec![rival.clone()] };
        let methods = view.outline.iter().filter(|item| item.name == name && item.kind == rival.kind);
        let of = methods.map(|item| Defined { parent: view.container(item.name_range.start), ..rival.clone() });
        of.collect()
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

/// Where else `home` gives the name at `at` the same meaning: TypeScript takes functions of one name for one, and what Python assigns or defines again is still called so.
fn overloads(home: &View, at: usize) -> Vec<usize> {
    if home.snapshot.language() == Language::Python {
        let Some(own) = home.definition(at) else { return Vec::new() };
        let again = home.namesakes(own).filter(|other| other.kind == own.kind);
        return again.map(|other| other.range.start).collect();
    }
    if matches!(home.snapshot.language(), Language::C | Language::Cpp) {
        return declarations(home, at);
    }
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

/// Of a function in C: its prototypes, or what they are of.
fn declarations(home: &View, at: usize) -> Vec<usize> {
    let Some(own) = home.outline.iter().find(|item| item.name_range.start == at) else { return Vec::new() };
    let body = |item: &Item| home.text[item.range.clone()].trim_end().ends_with('}');
    let takes = |item: &Item| {
        let rest = &home.text[item.name_range.end..item.range.end.max(item.name_range.end)];
        let end = rest.find(['{', ';']).unwrap_or(rest.len());
        rest[..end].split_whitespace().collect::<String>()
    };
    let all = || again(home, own);
    let function = matches!(own.kind, DefinitionKind::Function | DefinitionKind::Method);
    if !function || usize::from(body(own)) + all().filter(|it| body(it)).count() > 1 {
        return Vec::new();
    }
    // C++ tells functions of one name apart by what they take.
    let same = all().filter(|it| home.snapshot.language() == Language::C || takes(it) == takes(own));
    same.map(|it| it.name_range.start).collect()
}

/// What else in `home` is of the name and kind of an item, in the same place.
fn again<'a>(home: &'a View, own: &'a Item) -> impl Iterator<Item = &'a Item> {
    let of = |item: &Item| home.sites.container(item.name_range.start).map(|it| (&it.name, &it.bases));
    home.outline.iter().filter(move |it| {
        it.name == own.name
            && it.kind == own.kind
            && it.name_range.start != own.name_range.start
            && of(it) == of(own)
            && (it.parent == own.parent || of(own).is_some() && own.kind != DefinitionKind::Field)
    })
}

/// Where else `home` defines what is called like the definition at `at`, so that a call may mean either: overloads, and twins under conditions of which one is compiled. Of Python and TypeScript see [`overloads`].
fn doubled(home: &View, at: usize, overloads: &[usize]) -> Vec<usize> {
    let language = home.snapshot.language();
    if matches!(language, Language::Python | Language::Go) || related(language, Language::TypeScript) {
        return Vec::new();
    }
    let Some(own) = home.outline.iter().find(|item| item.name_range.start == at) else { return Vec::new() };
    let starts = again(home, own).map(|it| it.name_range.start);
    starts.filter(|start| !overloads.contains(start)).collect()
}

/// The scope of the definition at `at`, where the name has another meaning in it too. Rust tells by their place what is a type, a module or a value; Go has one meaning for one name.
fn shared(home: &View, at: usize, overloads: &[usize]) -> Option<usize> {
    let language = home.snapshot.language();
    let own =
        home.definition(at).filter(|_| language == Language::Python || related(language, Language::TypeScript))?;
    let another = home.namesakes(own).any(|other| !overloads.contains(&other.range.start));
    let imported = home.imports.iter().any(|it| it.alias.as_ref().or(it.name.as_ref()) == Some(&own.name));
    (another || imported).then_some(own.scope)
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
