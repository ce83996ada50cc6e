//! Which type a file means, where the workspace has more than one of that name: by the places where the name stands there. All have to agree.

use std::path::{Component, Path, PathBuf};

use pilotlight_syntax::{Before, Container, DefinitionKind, Item, Language, Occurrence};

use super::{
    search::{Search, is_type, places},
    view::{Defined, Relation, View},
};

/// What one place means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meant {
    /// This one of those that go by the name.
    One(usize),
    /// None of them.
    Elsewhere,
    Unknown,
}

impl Search<'_> {
    /// How the type that `view` calls `name` stands to those that have the changed member; `here`: the name was read in `view`, not in a file that it takes something from.
    pub(super) fn relation(&self, view: &View, name: &str, here: bool) -> Relation {
        let relation = self.types.relation(name, here.then_some(&*view.path), &self.owners);
        let owner = |name: &str| self.owners.iter().any(|owner| owner == name);
        if relation != Relation::Same || !self.owners.iter().any(|owner| self.namesakes(owner).len() > 1) {
            return relation;
        }
        if owner(name) {
            return match here {
                true => self.means(view, name),
                false if self.namesakes(name).len() < 2 => Relation::Same,
                false => Relation::Unknown,
            };
        }
        // By what it extends, where that is named.
        let mut paths: Vec<PathBuf> = self.lookup.definitions(name).into_iter().map(|it| it.path).collect();
        paths.dedup();
        let views = paths.iter().filter_map(|path| self.types.view(path));
        let each: Vec<Relation> =
            views.map(|view| agreed(self.owners.iter().map(|owner| self.means(&view, owner)))).collect();
        agreed(each.into_iter())
    }

    /// Whether a definition of the name is a member of another type that is called like an owner.
    pub(super) fn is_namesakes(&self, rival: &Defined) -> bool {
        let Some(parent) = rival.parent.as_ref().filter(|parent| self.owners.contains(parent)) else { return false };
        let all = self.namesakes(parent);
        let own = self.own(parent, &all);
        let of = |it: &Defined| same_place(it, &rival.path);
        all.len() > 1 && all.iter().enumerate().any(|(at, it)| Some(at) != own && of(it))
    }

    /// The types of this name, one a place.
    fn namesakes(&self, name: &str) -> Vec<Defined> {
        let mut all: Vec<Defined> = Vec::new();
        // An associated type is a member, and no other type.
        let associated = |it: &Defined| {
            it.kind == DefinitionKind::Type && it.parent.is_some() && self.home.snapshot.language() == Language::Rust
        };
        for it in self.lookup.definitions(name).into_iter().filter(|it| is_type(it.kind) && !associated(it)) {
            if !all.iter().any(|other| same_place(other, &it.path) && other.parent == it.parent) {
                all.push(it);
            }
        }
        all
    }

    /// Which of them has the changed member.
    fn own(&self, name: &str, all: &[Defined]) -> Option<usize> {
        let home = self.home;
        let here: Vec<&Item> = home.outline.iter().filter(|item| is_type(item.kind) && item.name == *name).collect();
        let one = match &*here {
            [] => match self.agreed(home, name, all) {
                Meant::One(one) => return Some(one),
                _ => return None,
            },
            [one] => one,
            several => {
                let around = home.outline.iter().filter(|item| item.range.contains(&self.at) && item.name == *name);
                let of = around.min_by_key(|item| item.range.len())?;
                several.iter().find(|item| item.name_range == of.name_range || item.parent == of.parent)?
            }
        };
        self.defined_at(home, one.name_range.start, all)
    }

    /// Whether what `view` calls `name` has the changed member.
    fn means(&self, view: &View, name: &str) -> Relation {
        if let Some(known) = self.meant.borrow().get(&(view.path.clone(), name.to_owned())) {
            return *known;
        }
        let all = self.namesakes(name);
        let relation = match (all.len(), self.own(name, &all), self.agreed(view, name, &all)) {
            (0 | 1, ..) => Relation::Same,
            (_, Some(own), Meant::One(one)) if own == one => Relation::Same,
            (_, Some(_), Meant::One(_)) | (_, _, Meant::Elsewhere) => Relation::Other,
            _ => Relation::Unknown,
        };
        self.meant.borrow_mut().insert((view.path.clone(), name.to_owned()), relation);
        relation
    }

    /// What all places of `name` in `view` mean.
    fn agreed(&self, view: &View, name: &str, all: &[Defined]) -> Meant {
        let live = view.snapshot.occurrences(name).into_iter().filter(|it| it.dead.is_none());
        let mut meant = live.filter_map(|it| self.resolved(view, &it, all));
        let Some(first) = meant.next() else { return Meant::Unknown };
        if meant.all(|it| it == first) { first } else { Meant::Unknown }
    }

    /// What one place means; `None` where no type is named: a variant, a member, an associated type.
    fn resolved(&self, view: &View, it: &Occurrence, all: &[Defined]) -> Option<Meant> {
        let at = it.range.start;
        let named = |module: &str| self.of_path(view, module, all);
        let types = |name: &str| self.lookup.definitions(name).iter().any(|it| is_type(it.kind));
        if let Some(import) = view.imports.iter().find(|import| import.range == it.range) {
            return Some(named(&import.module));
        }
        let meant = match &it.before {
            Before::Path(of) if of.is_empty() => Meant::Unknown,
            Before::Path(of) if of == "Self" || types(of) => return None,
            Before::Path(of) => named(&self.unaliased(view, of)),
            Before::Member(of) => {
                let last = of.last()?;
                let import = view.imported(last, at)?;
                match &import.name {
                    Some(_) if types(last) => return None,
                    Some(name) => named(&format!("{}.{name}", import.module)),
                    None => named(&import.module),
                }
            }
            Before::Bare => {
                let definition = view.definition(at).or_else(|| view.meaning(at));
                let known = definition.is_some() || view.scopes.references.iter().any(|one| one.range == it.range);
                match definition {
                    _ if !known => return None,
                    Some(it) if it.kind != DefinitionKind::Import => {
                        self.defined_at(view, it.range.start, all).map_or(Meant::Unknown, Meant::One)
                    }
                    Some(it) => view.import_of(it).map_or(Meant::Unknown, |import| named(&import.module)),
                    None => {
                        // Go's packages are folders.
                        let go = view.snapshot.language() == Language::Go;
                        let here = all.iter().position(|it| go && same_place(it, &view.path));
                        let import = view.imported(&view.text[it.range.clone()], at);
                        match (here, import.filter(|import| import.name.is_some())) {
                            (Some(here), _) => Meant::One(here),
                            (None, Some(import)) => named(&import.module),
                            _ => Meant::Unknown,
                        }
                    }
                }
            }
        };
        Some(meant)
    }

    /// Which of them is the type whose name stands at `at` in `view`.
    fn defined_at(&self, view: &View, at: usize, all: &[Defined]) -> Option<usize> {
        let item = view.outline.iter().find(|item| item.name_range.start == at && is_type(item.kind))?;
        let parent = item.parent.map(|parent| &view.outline[parent].name);
        all.iter().position(|it| {
            same_place(it, &view.path) && (it.parent.as_ref() == parent || view.snapshot.language() == Language::Go)
        })
    }

    /// Which of them stands in a module, as `view` writes it.
    fn of_path(&self, view: &View, module: &str, all: &[Defined]) -> Meant {
        let relative = module.starts_with('.').then(|| relative(view, module)).flatten();
        let mut exact = all.iter().enumerate().filter(|(_, it)| relative.as_ref() == Some(&place(&it.path)));
        if let (Some((one, _)), None) = (exact.next(), exact.next()) {
            return Meant::One(one);
        }
        if self.foreign(view, module) {
            return Meant::Elsewhere;
        }
        let said = |part: &&str| !matches!(*part, "crate" | "self" | "super");
        let parts: Vec<&str> = places(module).filter(said).collect();
        let likeness = |it: &Defined| {
            let place = place(&it.path);
            let mut pieces: Vec<&str> = place.iter().filter_map(|piece| piece.to_str()).collect();
            pieces.extend(it.parent.as_deref());
            let same = parts.iter().rev().zip(pieces.iter().rev()).take_while(|(a, b)| a == b).count();
            let by_name = parts.last().is_some_and(|last| it.parent.is_none() && self.names(last, &it.path));
            same.max(usize::from(by_name))
        };
        let likest = all.iter().map(likeness).max().unwrap_or_default();
        let mut like = all.iter().enumerate().filter(|(_, it)| likest > 0 && likeness(it) == likest);
        match (like.next(), like.next()) {
            (Some((one, _)), None) => Meant::One(one),
            _ => Meant::Unknown,
        }
    }

    /// Whether both stand in one class of the changed file.
    pub(super) fn in_own_class(&self, view: &View, at: usize) -> bool {
        let range = |it: &Container| it.range.clone();
        let own = self.home.sites.container(self.at).map(range);
        view.path == self.home.path && own.is_some() && own == view.sites.container(at).map(range)
    }
}

/// What all of them are; unknown where they differ.
fn agreed(mut all: impl Iterator<Item = Relation>) -> Relation {
    let Some(first) = all.next() else { return Relation::Unknown };
    if all.all(|it| it == first) { first } else { Relation::Unknown }
}

/// Whether a type and a file belong to one place: the file, in Go the folder.
fn same_place(it: &Defined, path: &Path) -> bool {
    match path.extension().is_some_and(|extension| extension == "go") {
        true => it.path.parent() == path.parent(),
        false => it.path == path,
    }
}

/// A file as modules name it: without what its name ends in, and where that says nothing, its folder. In Go always its folder.
pub(super) fn place(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let stem = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = stem.split('.').next().unwrap_or_default();
    let go = path.extension().is_some_and(|extension| extension == "go");
    if go || matches!(stem, "mod" | "lib" | "main" | "index" | "__init__") { folder } else { folder.join(stem) }
}

/// The place that a module beginning with a dot names from `view`.
pub(super) fn relative(view: &View, module: &str) -> Option<PathBuf> {
    let folder = view.path.parent()?;
    if view.snapshot.language() == Language::Python {
        let rest = module.trim_start_matches('.');
        let mut folder = folder.to_owned();
        for _ in 1..module.len() - rest.len() {
            folder.pop();
        }
        folder.extend(rest.split('.').filter(|part| !part.is_empty()));
        return Some(folder);
    }
    let mut whole = PathBuf::new();
    for part in folder.join(module).components() {
        match part {
            Component::ParentDir => _ = whole.pop(),
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    Some(place(&whole))
}
