//! A change of a definition carried to its uses: a person changes a name or the parameters of a function by hand, and everything that has to follow is found and edited, without a model.
//!
//! `difference` sees what has changed, `search` says what each place where the name stands means, `arguments` makes a call fit. What is not certain carries its reason; what nothing can be
//! done about is listed.

mod arguments;
mod common;
pub mod difference;
mod regions;
mod remembered;
mod request;
mod search;
mod types;
mod view;
mod written;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use pilotlight_syntax::{
    Before, Call, Definition, DefinitionKind, Document, Item, Language, Occurrence, Snapshot, UseKind,
};
use tokio_util::sync::CancellationToken;

use crate::{
    DocumentId,
    changes::{ChangeSet, Edit, FileChange, Hole, Left},
};
use arguments::Carried;
pub use difference::DefinitionChange;
use difference::ShapeChange;
pub(crate) use remembered::Remembered;
pub use request::{Offer, PropagateError};
use search::{Search, Verdict};
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

struct Work<'a> {
    search: &'a Search<'a>,
    constructor: bool,
    definition_too: bool,
}

impl Work<'_> {
    /// The edits of one file, in its own bytes (of the changed one: with the old name back in place).
    fn edits(&self, view: &View, candidate: &Candidate, set: &mut ChangeSet) -> Vec<Edit> {
        let change = self.search.change;
        let home = view.path == self.search.home.path;
        let occurrences = view.snapshot.occurrences(&change.old_name);
        let uses: HashMap<usize, UseKind> =
            view.snapshot.uses(0..usize::MAX).into_iter().map(|used| (used.range.start, used.kind)).collect();
        let mut edits = Vec::new();
        for it in occurrences {
            if home && it.range.start == self.search.at {
                if self.definition_too {
                    edits.push(Edit { range: it.range, text: change.new_name.clone(), doubt: None });
                }
                continue;
            }
            let doubt = match self.search.judge(view, &it, uses.get(&it.range.start).copied()) {
                Verdict::Other => continue,
                Verdict::Same => None,
                Verdict::Unsure(why) => Some(why),
            };
            self.site((view, candidate), &it, doubt, true, &mut edits, set);
        }
        for it in self.aliased(view) {
            self.site((view, candidate), &it, None, false, &mut edits, set);
        }
        separate(&mut edits, candidate, &mut set.left);
        regions::joined(&mut set.holes);
        edits
    }

    /// Where the function is called by another name, which an import gives it: the arguments may have to change there too.
    fn aliased(&self, view: &View) -> Vec<Occurrence> {
        let change = self.search.change;
        let aliases = view.imports.iter().filter(|import| {
            change.parameters.is_some()
                && change.container.is_none()
                && import.name.as_deref() == Some(&*change.old_name)
                && self.search.module(view, &import.module) == Verdict::Same
        });
        let of = |alias: &String| {
            let all = view.snapshot.occurrences(alias).into_iter();
            let means = |it: &Occurrence| {
                let import = view.imported(alias, it.range.start);
                it.dead.is_none()
                    && it.called
                    && it.before == Before::Bare
                    && import.is_some_and(|it| it.alias.as_ref() == Some(alias))
            };
            all.filter(means).collect::<Vec<_>>()
        };
        aliases.filter_map(|import| import.alias.as_ref()).flat_map(of).collect()
    }

    /// One place that means the definition, or may; `named` by its own name.
    fn site(
        &self,
        (view, candidate): (&View, &Candidate),
        it: &Occurrence,
        doubt: Option<String>,
        named: bool,
        edits: &mut Vec<Edit>,
        set: &mut ChangeSet,
    ) {
        let line = view.snapshot.rope().byte_to_line(it.range.start);
        let mut left = |because: String| set.left.push(Left { path: view.path.clone(), line, because });
        let change = self.search.change;
        let mut found = Vec::new();
        if let Some(parameters) = &change.parameters
            && it.dead.is_none()
        {
            let definition = view
                .outline
                .iter()
                .any(|item| item.name_range == it.range && item.kind != DefinitionKind::Implementation);
            let import = view.imports.iter().any(|import| import.range == it.range);
            match self.call(view, it) {
                Some(call) => match arguments::carried(
                    parameters,
                    &call,
                    self.bound(view, it),
                    view.snapshot.language(),
                    &view.text,
                ) {
                    Carried::Edits(edits) => found = edits,
                    Carried::Wants(all) => {
                        let because = |name: &str| format!("a new argument is needed: {name}");
                        all.iter().for_each(|missing| left(because(&missing.name)));
                        // Of a place that may mean something else nothing is written.
                        let all = all.into_iter().filter(|_| doubt.is_none());
                        set.holes.extend(all.map(|missing| Hole {
                            path: view.path.clone(),
                            document: candidate.document.clone(),
                            before: candidate.snapshot.clone(),
                            range: missing.at..missing.at,
                            anew: false,
                            around: missing.around,
                            because: because(&missing.name),
                            what: format!("the new argument `{}`", missing.name),
                        }));
                    }
                    Carried::Foreign => return,
                    Carried::Unsure(why) => left(why),
                },
                None if definition => {
                    left("another definition of it: its parameters are to be changed by hand".to_owned())
                }
                None if import || self.constructor => {}
                None => left("it is used as a value: what calls it is not seen".to_owned()),
            }
        }
        if let Some(shape) = &change.shape
            && it.dead.is_none()
        {
            self.follows((view, candidate), it, shape, doubt.as_deref(), set);
        }
        if change.is_renamed() && named {
            found.push(Edit { range: it.range.clone(), text: self.spelled(view, it), doubt: None });
        }
        let taken =
            (doubt.is_none() && change.is_renamed() && matches!(it.before, Before::Bare) && change.container.is_none())
                .then(|| view.visible(&change.new_name, it.range.start))
                .flatten();
        let local =
            |definition: &Definition| matches!(definition.kind, DefinitionKind::Variable | DefinitionKind::Parameter);
        let doubt = doubt.or_else(|| {
            taken.filter(|it| local(it)).map(|_| format!("`{}` means something else here", change.new_name))
        });
        edits.extend(found.into_iter().map(|edit| Edit { doubt: doubt.clone(), ..edit }));
    }

    /// What a use of something that is of another type now has to follow with: its lines are to be written anew, or looked at.
    fn follows(
        &self,
        (view, candidate): (&View, &Candidate),
        it: &Occurrence,
        shape: &ShapeChange,
        doubt: Option<&str>,
        set: &mut ChangeSet,
    ) {
        let line = view.snapshot.rope().byte_to_line(it.range.start);
        let mut left = |because: String| set.left.push(Left { path: view.path.clone(), line, because });
        let defines = |item: &&Item| item.name_range == it.range && item.kind != DefinitionKind::Implementation;
        let call = self.call(view, it);
        let signature = self.search.home.sites.signature(&(self.search.at..self.search.at + it.range.len()));
        if view.imports.iter().any(|import| import.range == it.range) {
            return;
        }
        if view.outline.iter().any(|item| defines(&item)) {
            return left(format!("another definition of it: {}", shape.what));
        }
        if let Some(doubt) = doubt {
            return left(format!("{} now, and this may be a use of it: {doubt}", shape.what));
        }
        if signature.is_some() && call.is_none() {
            return left(format!("{} now, and it is used as a value: what calls it is not seen", shape.what));
        }
        // Where an argument is missing that comes first.
        let missing = |hole: &Hole| {
            let inside = |call: &Call| call.list.start <= hole.range.start && hole.range.end <= call.list.end;
            !hole.anew && hole.path == view.path && call.as_ref().is_some_and(inside)
        };
        let because = format!("{} now: this may have to follow", shape.what);
        if set.holes.iter().any(missing) {
            return left(because);
        }
        let end = call.as_ref().map_or(it.range.end, |call| call.list.end);
        left(because.clone());
        if let Some(range) = regions::around(&view.snapshot, it.range.start..end) {
            set.holes.push(Hole {
                path: view.path.clone(),
                document: candidate.document.clone(),
                before: candidate.snapshot.clone(),
                range,
                anew: true,
                around: Default::default(),
                because,
                what: "these lines anew".to_owned(),
            });
        }
    }

    /// The new name, with the old one beside it where that stood for a variable too.
    fn spelled(&self, view: &View, it: &Occurrence) -> String {
        let change = self.search.change;
        let shorthand = view.sites.keys.iter().any(|key| key.range == it.range && key.shorthand);
        match (shorthand, change.container.is_some()) {
            (false, _) => change.new_name.clone(),
            (true, true) => format!("{}: {}", change.new_name, change.old_name),
            (true, false) => format!("{}: {}", change.old_name, change.new_name),
        }
    }

    /// Whether the object is given as the first argument.
    fn bound(&self, view: &View, it: &Occurrence) -> bool {
        match &it.before {
            Before::Path(_) => true,
            Before::Member(of) => match of.as_slice() {
                [one] => view.visible(one, it.range.start).is_some_and(|definition| {
                    definition.kind == DefinitionKind::Class
                        || definition.kind == DefinitionKind::Import && self.search.owners.contains(one)
                }),
                _ => false,
            },
            Before::Bare => false,
        }
    }

    /// The call of the name; in a macro's arguments it is read from its text.
    fn call(&self, view: &View, it: &Occurrence) -> Option<Call> {
        if let Some(call) = view.sites.call(&it.range) {
            return Some(call.clone());
        }
        if !it.called
            || view.snapshot.language() != Language::Rust
            || !it.around.iter().any(|kind| kind == "token_tree")
        {
            return None;
        }
        let list = view.snapshot.brackets_after(it.range.end)?;
        let (lead, name) = ("fn f() { ", "g");
        let text = format!("{lead}{name}{}; }}", &view.text[list.clone()]);
        let sites = Document::open(Language::Rust, 0, &text).snapshot();
        if sites.syntax_errors(0..text.len()) > 0 {
            return None;
        }
        let sites = sites.sites();
        let mut call = sites.call(&(lead.len()..lead.len() + name.len()))?.clone();
        let shift = |range: &mut std::ops::Range<usize>| {
            let by = lead.len() + name.len();
            *range = range.start - by + list.start..range.end - by + list.start;
        };
        shift(&mut call.list);
        call.arguments.iter_mut().for_each(|argument| shift(&mut argument.range));
        call.name = it.range.clone();
        Some(call)
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

/// Sorts the edits; of calls in each other's arguments only the inner ones are changed, and the outer are told.
fn separate(edits: &mut Vec<Edit>, candidate: &Candidate, left: &mut Vec<Left>) {
    edits.sort_by_key(|edit| (edit.range.start, usize::MAX - edit.range.end));
    edits.dedup_by(|later, kept| later.range == kept.range && later.text == kept.text);
    let mut outer: Vec<usize> = Vec::new();
    for at in 0..edits.len() {
        let end = edits[at].range.end;
        if edits[at + 1..].iter().take_while(|next| next.range.start < end).next().is_some() {
            outer.push(at);
        }
    }
    for at in outer.into_iter().rev() {
        let edit = edits.remove(at);
        let line = candidate.snapshot.rope().byte_to_line(edit.range.start.min(candidate.snapshot.rope().len_bytes()));
        let because = "calls stand in each other's arguments: the outer one is to be changed by hand".to_owned();
        left.push(Left { path: candidate.path.clone(), line, because });
    }
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
