//! Which of the places where a name stands mean the definition that has changed: surely, surely not, or for a person to say.

mod member;

use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Path, PathBuf},
};

use pilotlight_syntax::{Before, CommentOrString, DefinitionKind, Import, Language, Occurrence, UseKind};

use super::{
    common::is_common,
    difference::DefinitionChange,
    loose::{IMPORTED, is_loose},
    view::{Defined, Lookup, Relation, Types, View},
};

/// What a place means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The definition in question.
    Same,
    /// Something else.
    Other,
    /// Not known, and why.
    Unsure(String),
}

/// Why a name that a text defines more than once is not certain.
const DOUBLED: &str = "it is defined more than once here";

/// One change, and what the workspace has of that name besides.
pub(super) struct Search<'a> {
    pub(super) change: &'a DefinitionChange,
    /// The changed file, with the old name put back.
    pub(super) home: &'a View,
    /// Where the name stands in `home`.
    pub(super) at: usize,
    /// Other definitions of the name.
    pub(super) rivals: Vec<Defined>,
    /// Where `home` defines the same function again.
    pub(super) overloads: Vec<usize>,
    /// Where `home` has another definition of the name that a call may mean as well.
    pub(super) doubled: Vec<usize>,
    /// The scope of `home` in which it is defined, where something that is not the same has its name there too: a type and a value, say.
    pub(super) shared: Option<usize>,
    /// How many arguments every call of it has, in languages in which that is so.
    pub(super) arity: Option<usize>,
    /// What the code's own package is called from outside.
    pub(super) packages: Vec<String>,
    pub(super) types: Types<'a>,
    /// What files mean by the names of types that are not the only ones of theirs.
    pub(super) meant: RefCell<HashMap<(PathBuf, String), Relation>>,
    pub(super) lookup: &'a dyn Lookup,
    /// The simple names of the types whose member it is.
    pub(super) owners: Vec<String>,
    /// Of files in which something is called as a member that many types have: whether it is told there.
    pub(super) told: RefCell<HashMap<PathBuf, bool>>,
}

impl Search<'_> {
    /// What the occurrence means; `used` says as what it is used.
    pub(super) fn judge(&self, view: &View, it: &Occurrence, used: Option<UseKind>) -> Verdict {
        if self.is_variable(view, it) {
            return Verdict::Other;
        }
        let template = self.template(view, it);
        match it.dead.filter(|_| template.is_none()) {
            Some(CommentOrString::Comment) => return unsure("in a comment"),
            Some(CommentOrString::String) => return unsure("in a string"),
            None => {}
        }
        if view.snapshot.language() == Language::Rust && it.around.iter().any(|kind| kind == "macro_definition") {
            return unsure("in the definition of a macro");
        }
        if let (Some(arity), Some(call)) = (self.arity, view.sites.call(&it.range))
            && call.arguments.len() != arity
            && !(matches!(it.before, Before::Path(_)) && call.arguments.len() == arity + 1)
            && !call.arguments.iter().any(|argument| argument.spread || view.text[argument.range.clone()].contains('('))
        {
            return Verdict::Other;
        }
        let by_meaning = || match self.change.container {
            _ if self.change.local && it.before != Before::Bare => Verdict::Other,
            _ if self.change.local => self.by_scope(view, it).unwrap_or(Verdict::Other),
            Some(_) => self.member(view, it),
            None => self.top_level(view, it, used),
        };
        match template.unwrap_or_else(by_meaning) {
            Verdict::Same if it.before == Before::Bare && view.may_be_key(it) => {
                unsure("it may be the name of a field")
            }
            Verdict::Same if !self.doubled.is_empty() => unsure(DOUBLED),
            verdict => verdict,
        }
    }

    fn is_home(&self, view: &View) -> bool {
        view.path == self.home.path
    }

    /// By the scopes of the text alone; `None` where they do not say.
    fn by_scope(&self, view: &View, it: &Occurrence) -> Option<Verdict> {
        if let Some(definition) = view.meaning(it.range.start) {
            let own = definition.range.start == self.at || self.overloads.contains(&definition.range.start);
            let here = self.is_home(view) && own;
            return match (here, definition.kind) {
                _ if self.is_home(view) && self.shared == Some(definition.scope) => {
                    Some(unsure("something else has this name in the same scope"))
                }
                (true, _) => Some(Verdict::Same),
                _ if self.is_home(view) && self.doubled.contains(&definition.range.start) => Some(unsure(DOUBLED)),
                (false, DefinitionKind::Import) => None,
                (false, _) => Some(Verdict::Other),
            };
        }
        if self.is_home(view) && self.overloads.contains(&it.range.start) {
            return Some(Verdict::Same);
        }
        // Twins under conditions are changed together, overloads are not.
        let twins = matches!(view.snapshot.language(), Language::Rust | Language::C);
        if twins && self.is_home(view) && self.doubled.contains(&it.range.start) {
            return Some(unsure(DOUBLED));
        }
        let mut definitions = view.scopes.definitions.iter();
        let defines = definitions.any(|one| one.range == it.range && one.kind != DefinitionKind::Import);
        defines.then_some(Verdict::Other)
    }

    fn top_level(&self, view: &View, it: &Occurrence, used: Option<UseKind>) -> Verdict {
        if is_loose(view.snapshot.language())
            && let Some(verdict) = self.loosely(view, it, used)
        {
            return verdict;
        }
        let macros = self.change.kind == DefinitionKind::Macro;
        let bang = view.snapshot.language() == Language::Rust
            && view.text[it.range.end..].starts_with('!')
            && !view.text[it.range.end..].starts_with("!=");
        let imported = view.imports.iter().find(|import| import.range == it.range && import.name.is_some());
        if imported.is_none() && macros != bang {
            return Verdict::Other;
        }
        if let Some(import) = imported {
            return self.module(view, &import.module);
        }
        let function =
            matches!(self.change.kind, DefinitionKind::Function | DefinitionKind::Constant | DefinitionKind::Variable);
        if function && view.snapshot.language() == Language::Rust && used == Some(UseKind::Type) {
            return Verdict::Other;
        }
        match &it.before {
            Before::Path(of) => self.qualified(view, of),
            Before::Member(_) if view.snapshot.language() == Language::Rust => Verdict::Other,
            Before::Member(of) => match of.last() {
                None => Verdict::Other,
                Some(_)
                    if view.snapshot.language() == Language::Go && view.imported(&of[0], it.range.start).is_none() =>
                {
                    self.embedded(view.type_of(of, it.range.start, &self.types).map(|(name, _)| name))
                }
                Some(of) if matches!(&**of, "exports" | "window" | "globalThis" | "self") => {
                    unsure("it may be another of that name")
                }
                Some(_) => self.of_module(view, of, it.range.start),
            },
            Before::Bare => self.bare(view, it),
        }
    }

    fn bare(&self, view: &View, it: &Occurrence) -> Verdict {
        if let Some(key) = view.key(&it.range).filter(|key| !key.shorthand) {
            let owner = view.owner(key, &self.types).map(|(owner, _)| owner);
            return match view.snapshot.language() {
                Language::Go if owner.as_ref().is_some_and(|owner| self.hides(owner)) => {
                    unsure("it may be the key of a map or an array")
                }
                Language::Go => self.embedded(owner),
                _ => Verdict::Other,
            };
        }
        if it.around.get(1).is_some_and(|kind| kind == "attribute") && view.snapshot.language() == Language::Rust {
            return unsure("it is the name of an attribute");
        }
        if let Some(verdict) = self.by_scope(view, it) {
            return verdict;
        }
        if let Some(definition) = view.meaning(it.range.start) {
            return match view.import_of(definition) {
                Some(import) => self.module(view, &import.module),
                None => unsure("what it is imported from is not told"),
            };
        }
        // A name of a definition that scopes do not hold: a method of the same name, say.
        if view.outline.iter().any(|item| item.name_range == it.range && item.kind != DefinitionKind::Implementation) {
            return Verdict::Other;
        }
        // What is no name of a scope: a field, an attribute, a label, text.
        let known = view.scopes.references.iter().any(|reference| reference.range == it.range);
        // A shell takes names as words: `unset NAME`, `trap NAME EXIT`.
        if !known && self.is_home(view) && view.snapshot.language() == Language::Bash {
            return unsure("it may be the name, given as a word");
        }
        if !known {
            return Verdict::Other;
        }
        if let Some(import) =
            view.imported(&self.change.old_name, it.range.start).filter(|import| import.name.is_some())
        {
            return self.module(view, &import.module);
        }
        // Its import has followed already. Names that many have may be the language's own.
        let by_new_name = |import: &Import| {
            import.alias.is_none()
                && import.name.as_ref() == Some(&self.change.new_name)
                && self.module(view, &import.module) == Verdict::Same
        };
        if self.change.is_renamed() && !is_common(&self.change.old_name) && view.imports.iter().any(by_new_name) {
            return Verdict::Same;
        }
        if self.is_home(view) {
            return unsure("it is not in the scope of the definition");
        }
        match view.snapshot.language() {
            Language::Go => match self.home.path.parent() == view.path.parent() {
                true if self.alone(|rival| rival.path.parent() == view.path.parent()) => Verdict::Same,
                true => unsure("the package defines more than one of that name"),
                false => Verdict::Other,
            },
            Language::Rust | Language::Python => {
                let star = view.imports.iter().filter(|import| import.name.is_none() && import.alias.is_none());
                let from =
                    star.map(|import| self.module(view, &import.module)).find(|verdict| *verdict == Verdict::Same);
                let star =
                    from.is_some() && (view.snapshot.language() == Language::Rust || view.text.contains("import *"));
                if star || self.change.kind == DefinitionKind::Macro && self.alone(|_| true) {
                    Verdict::Same
                } else {
                    unsure("where it comes from is not told here")
                }
            }
            _ => unsure("where it comes from is not told here"),
        }
    }

    /// Whether a type, in Go, is another one by a name of its own: a struct, of which keys are fields, or a map or an array, of which they are values.
    fn hides(&self, owner: &str) -> bool {
        let of_go = self.home.snapshot.language() == Language::Go;
        of_go && self.lookup.definitions(owner).iter().any(|it| it.kind == DefinitionKind::Type)
    }

    /// A field of this name, in Go: what embeds a type has a field that is called as the type.
    fn embedded(&self, of: Option<String>) -> Verdict {
        let name = &self.change.old_name;
        let embeds =
            |of: &String| of != name && self.types.relation(of, None, std::slice::from_ref(name)) == Relation::Same;
        if !is_type(self.change.kind) || !of.as_ref().is_some_and(embeds) {
            return Verdict::Other;
        }
        let types = |of: &String| self.lookup.definitions(of).iter().filter(|it| is_type(it.kind)).count();
        match self.alone(|_| true) && of.as_ref().map_or(0, types) < 2 {
            true => Verdict::Same,
            false => unsure("the field may be of another type"),
        }
    }

    /// Whether there is no rival that counts.
    fn alone(&self, counts: impl Fn(&Defined) -> bool) -> bool {
        !self.rivals.iter().any(|rival| rival.parent.is_none() && counts(rival))
    }

    /// `of::name`, the definition being no member.
    fn qualified(&self, view: &View, of: &str) -> Verdict {
        let of = self.unaliased(view, of);
        let module = matches!(&*of, "crate" | "self" | "super") || self.names_home(&of);
        if self.lookup.definitions(&of).iter().any(|it| is_type(it.kind)) && !module {
            return Verdict::Other;
        }
        if module
            && self.alone(|rival| {
                self.names(&of, &rival.path) && !self.names_home(&of) || of == "crate" || of == "self" || of == "super"
            })
        {
            return Verdict::Same;
        }
        if self.alone(|_| true) && (self.lookup.is_module(&of) || self.packages.contains(&of)) {
            return Verdict::Same;
        }
        if module || of.is_empty() {
            return unsure("more than one module defines it");
        }
        Verdict::Other
    }

    /// `module.name`: whether the chain names the module of the definition.
    fn of_module(&self, view: &View, chain: &[String], at: usize) -> Verdict {
        let Some(first) = chain.first() else { return Verdict::Other };
        let Some(import) = view.imported(first, at) else { return Verdict::Other };
        let parts = [Some(import.module.as_str()), import.name.as_deref()];
        let path = parts.into_iter().flatten().collect::<Vec<_>>().join(".");
        let tail = chain.get(1..).unwrap_or_default().join(".");
        let whole = if tail.is_empty() || path.ends_with(&tail) { path } else { format!("{path}.{tail}") };
        self.module(view, &whole)
    }

    /// Whether a module, as `view` writes it, is from elsewhere.
    pub(super) fn foreign(&self, view: &View, module: &str) -> bool {
        let parts: Vec<&str> = parts(module).collect();
        let relative =
            module.starts_with('.') || parts.first().is_some_and(|first| matches!(*first, "crate" | "self" | "super"));
        let first = parts.first().copied().unwrap_or_default();
        let own = relative
            || self
                .packages
                .iter()
                .any(|package| package == first || module.starts_with(&format!("{package}/")) || module == package);
        match view.snapshot.language() {
            Language::Rust => {
                matches!(first, "std" | "core" | "alloc" | "proc_macro") || !own && !self.lookup.is_module(first)
            }
            Language::Python => !own && !self.lookup.is_module(first),
            // Of Go's packages the last name says it.
            Language::Go => false,
            _ => !own,
        }
    }

    /// Whether a module, as an import in `view` writes it, is the one that defines it.
    pub(super) fn module(&self, view: &View, module: &str) -> Verdict {
        let language = view.snapshot.language();
        if is_loose(language) {
            return unsure(IMPORTED);
        }
        let last = places(module).last().unwrap_or_default();
        if self.foreign(view, module) {
            return Verdict::Other;
        }
        if language == Language::Go {
            // A package is its folder.
            return if self.names_home(last) { Verdict::Same } else { Verdict::Other };
        }
        if self.alone(|_| true) {
            return Verdict::Same;
        }
        let this = matches!(last, "crate" | "self" | "super") || self.names_home(last);
        let that = self.rivals.iter().any(|rival| rival.parent.is_none() && self.names(last, &rival.path));
        match (this, that) {
            (true, false) if !matches!(last, "crate" | "self" | "super") => Verdict::Same,
            (false, true) => Verdict::Other,
            _ => unsure("more than one module defines it"),
        }
    }

    pub(super) fn names_home(&self, module: &str) -> bool {
        self.names(module, &self.home.path)
    }

    /// Whether a module's last name is that of a file, or of its folder where the file's name says nothing.
    pub(super) fn names(&self, module: &str, path: &Path) -> bool {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let stem = stem.split('.').next().unwrap_or_default();
        let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|extension| extension == "go") {
            return folder == module
                || self.packages.iter().any(|package| package.rsplit('/').next() == Some(module)) && self.at_top(path);
        }
        stem == module
            || matches!(stem, "mod" | "lib" | "main" | "index" | "__init__")
                && (folder == module || self.packages.iter().any(|it| it == module))
    }

    fn at_top(&self, path: &Path) -> bool {
        path.parent().is_some_and(|folder| folder.join("go.mod").exists())
    }

    /// The name that `alias` stands for in this text.
    pub(super) fn unaliased(&self, view: &View, alias: &str) -> String {
        let import = view.imports.iter().find(|import| import.alias.as_deref() == Some(alias));
        import.and_then(|import| import.name.clone()).unwrap_or_else(|| alias.to_owned())
    }
}

/// The names of a module's path.
pub(super) fn parts(module: &str) -> impl Iterator<Item = &str> {
    module.split([':', '.', '/']).filter(|part| !part.is_empty())
}

/// Those of them that name a folder or a file, which JavaScript's imports may name with their endings.
pub(super) fn places(module: &str) -> impl Iterator<Item = &str> {
    parts(module).filter(|part| !matches!(*part, "js" | "ts" | "mjs" | "index"))
}

pub(super) fn is_type(kind: DefinitionKind) -> bool {
    use DefinitionKind::{Class, Enum, Interface, Struct, Trait, Type, Union};
    matches!(kind, Class | Enum | Interface | Struct | Trait | Type | Union)
}

pub(super) fn unsure(why: &str) -> Verdict {
    Verdict::Unsure(why.to_owned())
}
