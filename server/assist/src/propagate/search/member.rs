//! Members: by the type of what they are members of, and where that is not told by their name alone.

use pilotlight_syntax::{Before, Container, DefinitionKind, Import, Key, Language, Occurrence, Signature};

use super::{Search, Verdict, is_type, parts, unsure};
use crate::propagate::{
    common::is_common,
    view::{Relation, View},
};

impl Search<'_> {
    pub(super) fn member(&self, view: &View, it: &Occurrence) -> Verdict {
        if let Some(import) = view.imports.iter().find(|import| import.range == it.range) {
            let last = parts(&import.module).last().unwrap_or_default();
            return match self.owners.iter().find(|owner| *owner == last) {
                Some(owner) => self.said(self.relation(view, owner, true)),
                None => Verdict::Other,
            };
        }
        if let Some(key) = view.key(&it.range) {
            return self.key(view, key);
        }
        if let Some(why) = self.beside(view, it) {
            return unsure(why);
        }
        let method = matches!(self.change.kind, DefinitionKind::Method | DefinitionKind::Constructor);
        if view.snapshot.language() == Language::Rust && matches!(it.before, Before::Member(_)) && method != it.called {
            // Here methods are called, and fields are not.
            return Verdict::Other;
        }
        match &it.before {
            Before::Path(of) => self.path(view, it, of),
            Before::Member(of) => self.receiver(view, it, of),
            Before::Bare => self.bare_member(view, it),
        }
    }

    /// Why a name may be that of a member, where what has it is not written beside it: an attribute of JSX, a Python pattern, a method of an object.
    fn beside(&self, view: &View, it: &Occurrence) -> Option<&'static str> {
        let around = |at: usize| it.around.get(at).map(String::as_str).unwrap_or_default();
        let why = match (around(1), around(2)) {
            ("jsx_attribute", _) => "it may be an attribute of another component",
            ("keyword_pattern", _) => "the type of the pattern is not told",
            ("method_definition", "object") => "the type of the object is not known",
            _ => return None,
        };
        // Of names that many have, those in files that know the changed one.
        let knows = || {
            let from = |import: &Import| self.module(view, &import.module) == Verdict::Same;
            self.is_home(view) || view.imports.iter().any(from)
        };
        (!is_common(&self.change.old_name) || knows()).then_some(why)
    }

    fn path(&self, view: &View, it: &Occurrence, of: &str) -> Verdict {
        let of = self.unaliased(view, of);
        let of = match of.as_str() {
            "Self" => match view.container(it.range.start) {
                Some(of) => of,
                None => return unsure("what Self is here is not told"),
            },
            "" => return unsure("it is reached through a trait or a type that is not named"),
            _ => of,
        };
        match self.relation(view, &of, true) {
            Relation::Same => Verdict::Same,
            Relation::Other => Verdict::Other,
            // A type parameter, or a type from elsewhere.
            Relation::Unknown if self.lookup.definitions(&of).is_empty() && of.len() > 2 => Verdict::Other,
            Relation::Unknown => self.by_name("what it is a member of is not known"),
        }
    }

    fn receiver(&self, view: &View, it: &Occurrence, of: &[String]) -> Verdict {
        if let Some(first) = of.first().filter(|_| of.len() == 1)
            && view.imported(first, it.range.start).is_some()
        {
            // A class that is imported has its own members; a module's names are no members.
            let name = self.unaliased(view, first);
            return match self.relation(view, &name, true) {
                Relation::Same => Verdict::Same,
                Relation::Other => Verdict::Other,
                Relation::Unknown if self.lookup.definitions(&name).is_empty() => Verdict::Other,
                Relation::Unknown => self.by_name("the type of what it is a member of is not known"),
            };
        }
        let own = matches!(of, [this] if matches!(&**this, "self" | "this" | "cls"));
        match view.type_of(of, it.range.start, &self.types) {
            Some((name, _)) if own && self.owners.contains(&name) && self.in_own_class(view, it.range.start) => {
                Verdict::Same
            }
            Some((name, here)) => match self.relation(view, &name, here) {
                Relation::Same => Verdict::Same,
                Relation::Other if self.may_implement(&name) => unsure("it may be the same method of an interface"),
                Relation::Other if self.through(view) => self.by_name("it may come through another type"),
                Relation::Other => Verdict::Other,
                Relation::Unknown if of == ["self"] || of == ["this"] => {
                    self.by_name("what its class extends is not known")
                }
                Relation::Unknown => self.by_name("the type of what it is a member of is not known"),
            },
            None => self.by_name("the type of what it is a member of is not known"),
        }
    }

    /// Whether a method of a type in Go may be there for the changed interface, or the changed one for that interface: neither is written there.
    fn may_implement(&self, of: &str) -> bool {
        let interface =
            |name: &str| self.lookup.definitions(name).iter().any(|it| it.kind == DefinitionKind::Interface);
        self.home.snapshot.language() == Language::Go
            && self.change.kind == DefinitionKind::Method
            && (interface(of) || self.owners.iter().any(|own| interface(own)))
    }

    /// What the type says that is named at a place.
    fn said(&self, relation: Relation) -> Verdict {
        match relation {
            Relation::Same => Verdict::Same,
            Relation::Other => Verdict::Other,
            Relation::Unknown => unsure("there is more than one type of that name"),
        }
    }

    /// Whether the type at hand may hand a member on that it does not have itself.
    fn through(&self, view: &View) -> bool {
        view.snapshot.language() == Language::Rust && !self.change.bases.is_empty()
    }

    /// Where the type is not known: by the name alone, if that says enough.
    fn by_name(&self, why: &str) -> Verdict {
        if self.rivals.iter().any(|rival| self.is_namesakes(rival)) {
            return unsure("more than one type of that name has it");
        }
        let rival = self.rivals.iter().find(|rival| {
            rival
                .parent
                .as_deref()
                .is_some_and(|parent| self.types.relation(parent, Some(&rival.path), &self.owners) != Relation::Same)
        });
        if rival.is_some() || is_common(&self.change.old_name) {
            return unsure(why);
        }
        Verdict::Same
    }

    fn key(&self, view: &View, key: &Key) -> Verdict {
        let Some((owner, here)) = view.owner(key, &self.types) else {
            return match self.change.kind {
                DefinitionKind::Field => unsure("the type of the object is not known"),
                _ => Verdict::Other,
            };
        };
        let owner = self.unaliased(view, &owner);
        let owner = if owner == "Self" { view.container(key.range.start).unwrap_or(owner) } else { owner };
        match self.relation(view, &owner, here) {
            Relation::Same => Verdict::Same,
            Relation::Unknown if self.owners.contains(&owner) => self.said(Relation::Unknown),
            Relation::Unknown if self.hides(&owner) => unsure("the type of the literal is not known"),
            // Copies with other values.
            Relation::Unknown
                if view.snapshot.language() == Language::Python
                    && matches!(&*owner, "replace" | "_replace" | "evolve")
                    && !is_common(&self.change.old_name) =>
            {
                unsure("the type of what is copied is not known")
            }
            Relation::Unknown
                if view.snapshot.language() != Language::Python
                    && self.lookup.definitions(&owner).iter().any(|it| is_type(it.kind)) =>
            {
                self.by_name("the type of the literal is not known")
            }
            _ => Verdict::Other,
        }
    }

    fn bare_member(&self, view: &View, it: &Occurrence) -> Verdict {
        let defined =
            view.outline.iter().find(|item| item.name_range == it.range && item.kind != DefinitionKind::Implementation);
        if defined.is_some() {
            let Some(of) = view.container(it.range.start) else { return Verdict::Other };
            if self.in_own_class(view, it.range.start) {
                return Verdict::Same;
            }
            return match self.relation(view, &of, true) {
                Relation::Same => Verdict::Same,
                _ if self.may_implement(&of) => unsure("it may be the same method of an interface"),
                Relation::Unknown if !self.owners.contains(&of) => Verdict::Other,
                relation => self.said(relation),
            };
        }
        if self.in_class_body(view, it.range.start) && view.meaning(it.range.start).is_none() {
            return Verdict::Same;
        }
        let variant = self.change.kind == DefinitionKind::Variant && view.meaning(it.range.start).is_none();
        let star = |module: &str| self.owners.iter().find(|owner| module.rsplit("::").next() == Some(owner));
        let glob = view.imports.iter().filter(|import| variant && import.name.is_none());
        if let Some(owner) = glob.filter_map(|import| star(&import.module)).next() {
            return self.said(self.relation(view, owner, true));
        }
        let imported = view.meaning(it.range.start).filter(|meaning| meaning.kind == DefinitionKind::Import);
        if let Some(import) = imported.and_then(|meaning| view.import_of(meaning)) {
            return star(&import.module).map_or(Verdict::Other, |owner| self.said(self.relation(view, owner, true)));
        }
        Verdict::Other
    }

    /// Whether byte `at` stands in the changed class and in none of its functions: in Python the names of a class are known there without it.
    fn in_class_body(&self, view: &View, at: usize) -> bool {
        let own = |it: &&Container| it.range.contains(&at) && it.range.contains(&self.at);
        view.snapshot.language() == Language::Python
            && self.is_home(view)
            && view.sites.container(at).filter(own).is_some_and(|class| {
                let own = view.sites.container(self.at).is_some_and(|of| of.range == class.range);
                let inside = |it: &Signature| class.range.contains(&it.range.start) && it.range.contains(&at);
                own && !view.sites.signatures.iter().any(inside)
            })
    }
}
