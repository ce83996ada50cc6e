//! One file as the search sees it, and what else of the workspace it may ask for.

use std::{
    cell::RefCell,
    collections::HashMap,
    ops::Range,
    path::{Path, PathBuf},
    rc::Rc,
};

use pilotlight_syntax::{
    Definition, DefinitionKind, Import, Item, Key, Language, Occurrence, Scopes, Sites, Snapshot, Typed, TypedBy,
};

use super::{
    search::{is_type, parts},
    touched::Earlier,
    types::{Made, made, simple},
};

/// A text with all that is read of it.
#[derive(Debug)]
pub(super) struct View {
    pub(super) path: PathBuf,
    pub(super) snapshot: Snapshot,
    pub(super) text: String,
    pub(super) sites: Sites,
    pub(super) scopes: Scopes,
    pub(super) outline: Vec<Item>,
    pub(super) imports: Vec<Import>,
    pub(super) earlier: Earlier,
}

/// A definition that the index knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Defined {
    pub(crate) path: PathBuf,
    pub(crate) kind: DefinitionKind,
    /// The simple name of what it is in.
    pub(crate) parent: Option<String>,
}

/// The rest of the workspace.
pub(crate) trait Lookup {
    /// Where `name` is defined, in files of the family of languages in question.
    fn definitions(&self, name: &str) -> Vec<Defined>;
    /// A file of the workspace, as it is now.
    fn load(&self, path: &Path) -> Option<Snapshot>;
    /// An open file as it was when its definitions were last settled.
    fn earlier(&self, path: &Path) -> Option<Snapshot>;
    /// All files of that family.
    fn files(&self) -> Vec<PathBuf>;
    /// Whether a file or folder of the workspace goes by that name.
    fn is_module(&self, name: &str) -> bool;
}

/// How a type stands to the one that has the changed member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// It is that one, or has the member from it.
    Same,
    /// It has nothing to do with it.
    Other,
    /// It is defined elsewhere, or extends what is.
    Unknown,
}

/// The types of a workspace, as far as they are asked for.
pub(super) struct Types<'a> {
    lookup: &'a dyn Lookup,
    /// Containers by simple name, with the members that tell their types.
    known: RefCell<HashMap<String, Vec<Known>>>,
    /// What was loaded: files do not change during a search.
    views: RefCell<HashMap<PathBuf, Option<Rc<View>>>>,
}

/// One container of a name: what it extends, and its members' types.
#[derive(Clone, Debug)]
pub(super) struct Known {
    path: PathBuf,
    bases: Vec<String>,
    members: Vec<(String, Option<String>)>,
}

/// The definitions of a text, as code calls them: PHP's properties without the `$` that they are declared with.
pub(super) fn outline(snapshot: &Snapshot) -> Vec<Item> {
    let mut items = snapshot.outline();
    for item in items.iter_mut().filter(|item| item.kind == DefinitionKind::Field) {
        if let Some(name) = item.name.strip_prefix('$').filter(|_| snapshot.language() == Language::Php) {
            (item.name, item.name_range.start) = (name.to_owned(), item.name_range.start + 1);
        }
    }
    items
}

impl View {
    pub(super) fn new(path: PathBuf, snapshot: Snapshot) -> Self {
        Self {
            text: snapshot.rope().to_string(),
            sites: snapshot.sites(),
            scopes: snapshot.scopes(),
            outline: outline(&snapshot),
            imports: snapshot.imports(),
            earlier: Earlier::default(),
            path,
            snapshot,
        }
    }

    /// The same with the text that it was when it was settled.
    pub(super) fn since(self, text: Option<String>) -> Self {
        Self { earlier: Earlier::new(text), ..self }
    }

    /// What the name at `at` means here, if a scope of this text says.
    pub(super) fn meaning(&self, at: usize) -> Option<&Definition> {
        let reference = self.scopes.references.iter().find(|reference| reference.range.start == at)?;
        self.scopes.definitions.get(reference.definition?)
    }

    /// The key of a literal or a pattern at `range`, where that is the name of a field.
    pub(super) fn key(&self, range: &Range<usize>) -> Option<&Key> {
        // Go's maps, arrays and slices are given values by keys too.
        let indexed =
            |key: &Key| key.owner.as_ref().is_some_and(|owner| owner.starts_with("map[") || owner.starts_with('['));
        self.sites.keys.iter().find(|key| key.range == *range && !indexed(key))
    }

    /// Whether a name in a Rust macro's arguments, which have no tree, may be that of a field: `x` in `vec![Point { x: 1 }]`, or in `format!("{x}", x = 1)`.
    pub(super) fn may_be_key(&self, it: &Occurrence) -> bool {
        if it.around.get(1).is_none_or(|kind| kind != "token_tree") {
            return false;
        }
        let (before, after) = (self.text[..it.range.start].trim_end(), self.text[it.range.end..].trim_start());
        let mut depth = 0;
        let bracket = before.chars().rev().find(|c| {
            depth += i32::from(matches!(c, ')' | ']' | '}')) - i32::from(matches!(c, '(' | '[' | '{'));
            depth < 0
        });
        let given = after.starts_with('=') && !after.starts_with("==") && !after.starts_with("=>");
        let field = bracket == Some('{')
            && (after.starts_with([',', '}']) || after.starts_with(':') && !after.starts_with("::"));
        before.ends_with(['{', ',', '(']) && (field || given)
    }

    /// The definition in a scope whose name stands at `at`.
    pub(super) fn definition(&self, at: usize) -> Option<&Definition> {
        self.scopes.definitions.iter().find(|definition| definition.range.start == at)
    }

    /// What else is given the same name in the same scope.
    pub(super) fn namesakes<'a>(&'a self, own: &'a Definition) -> impl Iterator<Item = &'a Definition> {
        self.scopes.definitions.iter().filter(move |other| {
            other.scope == own.scope && other.name == own.name && other.range.start != own.range.start
        })
    }

    /// The nearest definition of `name` that is known at `at`.
    pub(super) fn visible(&self, name: &str, at: usize) -> Option<&Definition> {
        self.scopes.visible(at).into_iter().find(|definition| definition.name == name)
    }

    /// The import that gives the name defined at `definition`.
    pub(super) fn import_of(&self, definition: &Definition) -> Option<&Import> {
        let gives = |import: &&Import| {
            import.range == definition.range
                || (import.alias.as_deref() == Some(&*definition.name)
                    || import.name.as_deref() == Some(&*definition.name))
        };
        // Go's paths stand between quotes.
        let go = self.snapshot.language() == Language::Go;
        let exact = self.imports.iter().find(|import| {
            let (whole, own) = (&import.range, &definition.range);
            whole == own || go && whole.start <= own.start && own.end <= whole.end
        });
        exact.or_else(|| self.imports.iter().find(gives))
    }

    /// The import that gives `name` at `at`, where nothing nearer does: not all imports are definitions of a scope.
    pub(super) fn imported(&self, name: &str, at: usize) -> Option<&Import> {
        match self.visible(name, at) {
            Some(definition) if definition.kind == DefinitionKind::Import => self.import_of(definition),
            Some(_) => None,
            None => self.imports.iter().find(|import| match (&import.alias, &import.name) {
                (Some(alias), _) => alias == name,
                (None, Some(own)) => own == name,
                (None, None) => parts(&import.module).any(|part| part == name) && !self.text.contains("import *"),
            }),
        }
    }

    /// The simple name of the type around `at`.
    pub(super) fn container(&self, at: usize) -> Option<String> {
        self.sites.container(at).map(|container| simple(&container.name).0)
    }

    /// The members of this name that are given here, in whatever type.
    pub(super) fn assigned(&self, name: &str) -> Vec<Defined> {
        let given = self.sites.members.iter().filter(|member| self.text[member.range.clone()] == *name);
        let parents = given.map(|member| self.container(member.range.start));
        let defined = parents.map(|parent| Defined { path: self.path.clone(), kind: DefinitionKind::Field, parent });
        defined.collect()
    }

    /// The containers of that name in this text.
    fn known(&self, name: &str) -> Vec<Known> {
        let named = self.sites.containers.iter().filter(|container| simple(&container.name).0 == name);
        let known = named.map(|container| {
            let own = self.sites.members.iter().filter(|member| {
                container.range.contains(&member.range.start)
                    && self
                        .sites
                        .container(member.range.start)
                        .is_some_and(|smallest| smallest.range == container.range)
            });
            let members =
                own.map(|member| (self.text[member.range.clone()].to_owned(), self.read(&member.text, member.by)));
            let path = self.path.clone();
            Known {
                path,
                bases: container.bases.iter().map(|base| simple(base).0).collect(),
                members: members.collect(),
            }
        });
        known.collect()
    }

    /// The simple type that a type's or a value's text tells.
    fn read(&self, text: &str, by: TypedBy) -> Option<String> {
        let name = match by {
            TypedBy::Type => simple(text).0,
            TypedBy::Each => return None,
            TypedBy::Value => match made(text) {
                Made::Of(name) => name,
                Made::By(function) => {
                    let mut all = self.sites.returns.iter().filter(|it| self.text[it.range.clone()] == function);
                    let one = all.next()?;
                    if all.next().is_some() {
                        return None;
                    }
                    let (name, given) = simple(&one.text);
                    if name == "Self" {
                        return self.container(one.range.start);
                    }
                    given.is_empty().then_some(name)?
                }
                Made::Unknown => return None,
            },
        };
        (!name.is_empty()).then_some(name)
    }

    /// What a function gives that is imported and called for a value.
    fn returned(&self, typed: &Typed, at: usize, types: &Types) -> Option<String> {
        let called = typed.text.trim_start_matches("await ");
        let name = &called[..called.find('(')?];
        if typed.by != TypedBy::Value || made(&typed.text) != Made::By(name.to_owned()) {
            return None;
        }
        let import = self.imported(name, at)?;
        let first = parts(&import.module).next().unwrap_or_default();
        let own = import.module.starts_with('.')
            || matches!(first, "crate" | "self" | "super")
            || types.lookup.is_module(first);
        if !own {
            return None;
        }
        types.returned(
            import.name.as_deref().filter(|_| import.alias.is_none() || import.alias.as_deref() == Some(name))?,
        )
    }

    /// The simple type of `chain` (`a.b` of `a.b.name`) at `at`, and whether it is named in this text; `None` where it is not told.
    pub(super) fn type_of(&self, chain: &[String], at: usize, types: &Types) -> Option<(String, bool)> {
        let (first, rest) = chain.split_first()?;
        let mut now = self.declared(first, at, types).or_else(|| self.taken_out(first, at, types))?;
        for member in rest {
            now = types.member(self, &now.0, member)?;
        }
        Some(now)
    }

    /// The simple type of one name at `at`, by its own declaration.
    fn declared(&self, name: &str, at: usize, types: &Types) -> Option<(String, bool)> {
        let this = matches!(name, "self" | "this" | "cls" | "Self");
        if this && self.visible(name, at).is_none_or(|it| it.kind == DefinitionKind::Parameter) {
            return Some((self.container(at)?, true));
        }
        let definition = self.visible(name, at)?;
        match definition.kind {
            DefinitionKind::Variable | DefinitionKind::Parameter | DefinitionKind::Constant => {
                let typed = self.sites.typed.iter().find(|typed| typed.range == definition.range)?;
                let read = self.read(&typed.text, typed.by);
                let here = read.is_some();
                let read = read.or_else(|| self.returned(typed, at, types))?;
                Some((if read == "Self" { self.container(at)? } else { read }, here))
            }
            DefinitionKind::Import | DefinitionKind::Module | DefinitionKind::Function => None,
            // What is a type itself has its static members.
            _ => Some((name.to_owned(), true)),
        }
    }

    /// The simple type of a variable that a pattern takes out of an object: `b` of `const { b } = a`.
    fn taken_out(&self, name: &str, at: usize, types: &Types) -> Option<(String, bool)> {
        let definition = self.visible(name, at)?;
        let key = self.sites.keys.iter().find(|key| key.shorthand && key.range == definition.range)?;
        types.member(self, &self.owner(key, types)?.0, name)
    }

    /// The simple name of the type that has the key as its member, and whether it is named in this text; `None` where it is not told.
    pub(super) fn owner(&self, key: &Key, types: &Types) -> Option<(String, bool)> {
        match &key.owner {
            Some(owner) => Some((simple(owner).0, true)),
            None => self.declared(key.value.as_deref()?, key.range.start, types),
        }
    }
}

impl<'a> Types<'a> {
    pub(super) fn new(lookup: &'a dyn Lookup) -> Self {
        Self { lookup, known: RefCell::default(), views: RefCell::default() }
    }

    /// A file of the workspace.
    pub(super) fn view(&self, path: &Path) -> Option<Rc<View>> {
        if let Some(known) = self.views.borrow().get(path) {
            return known.clone();
        }
        let view = self.lookup.load(path).map(|snapshot| Rc::new(View::new(path.to_owned(), snapshot)));
        self.views.borrow_mut().insert(path.to_owned(), view.clone());
        view
    }

    /// Every container of that name in the workspace.
    pub(super) fn containers(&self, name: &str) -> Vec<Known> {
        if let Some(known) = self.known.borrow().get(name) {
            return known.clone();
        }
        let mut paths: Vec<PathBuf> = self.lookup.definitions(name).into_iter().map(|it| it.path).collect();
        paths.sort();
        paths.dedup();
        // A name of more types than this tells nothing.
        paths.truncate(8);
        let found: Vec<Known> = paths.iter().filter_map(|path| Some(self.view(path)?.known(name))).flatten().collect();
        self.known.borrow_mut().insert(name.to_owned(), found.clone());
        found
    }

    /// What the one function of that name in the workspace gives.
    fn returned(&self, function: &str) -> Option<String> {
        let defined = self.lookup.definitions(function);
        let [one] = defined.as_slice() else { return None };
        if one.kind != DefinitionKind::Function || one.parent.is_some() {
            return None;
        }
        let view = self.view(&one.path)?;
        let mut all = view.sites.returns.iter().filter(|it| view.text[it.range.clone()] == *function);
        let (only, None) = (all.next()?, all.next()) else { return None };
        let (name, given) = simple(&only.text);
        (given.is_empty() && !name.is_empty() && name != "Self").then_some(name)
    }

    /// The simple type of a member, and whether `view` names it; `None` where types of that name differ in it.
    fn member(&self, view: &View, of: &str, member: &str) -> Option<(String, bool)> {
        let told = |known: &Known| known.members.iter().find(|(name, _)| name == member).map(|(_, of)| of.clone());
        let here = view.known(of);
        if !here.is_empty() {
            return Some((here.iter().find_map(told)??, true));
        }
        let known = self.containers(of);
        let first = |path: &Path| known.iter().filter(|it| it.path == path).find_map(told);
        let mut each = known.iter().filter_map(|it| first(&it.path));
        let one = each.next()?;
        each.all(|other| other == one).then_some((one?, false))
    }

    /// How the type that is called `name` in the file `at` stands to those in `same`.
    pub(super) fn relation(&self, name: &str, at: Option<&Path>, same: &[String]) -> Relation {
        self.relation_within(name, at, same, 0)
    }

    fn relation_within(&self, name: &str, at: Option<&Path>, same: &[String], depth: usize) -> Relation {
        if same.iter().any(|it| it == name) {
            return Relation::Same;
        }
        let mut containers = self.containers(name);
        if containers.is_empty() || depth > 6 {
            return Relation::Unknown;
        }
        let mut types: Vec<PathBuf> =
            self.lookup.definitions(name).into_iter().filter(|it| is_type(it.kind)).map(|it| it.path).collect();
        // Of several the file means its own.
        if let Some(own) = at.filter(|at| types.iter().any(|it| it == at) && types.iter().any(|it| it != at)) {
            containers.retain(|it| it.path == own);
            types.retain(|it| it == own);
        }
        let relation = |it: &Known| -> Vec<Relation> {
            it.bases.iter().map(|base| self.relation_within(base, Some(&it.path), same, depth + 1)).collect()
        };
        let relations: Vec<Relation> = containers.iter().flat_map(relation).collect();
        // Of two types of one name perhaps one alone has it.
        let has = |path: &PathBuf| {
            containers.iter().filter(|it| it.path == *path).flat_map(relation).any(|it| it == Relation::Same)
        };
        let several = types.iter().any(|path| *path != types[0]);
        if several && relations.contains(&Relation::Same) && !types.iter().all(has) {
            return Relation::Unknown;
        }
        if relations.contains(&Relation::Same) {
            Relation::Same
        } else if relations.contains(&Relation::Unknown) {
            Relation::Unknown
        } else {
            Relation::Other
        }
    }
}
