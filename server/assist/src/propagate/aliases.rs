//! Other names by which files hand the changed function on: `from .core import turn as rotate` in an `__init__.py`, `export { turn as rotate }`.

use std::path::{Path, PathBuf};

use pilotlight_syntax::{Before, Import, Language, Occurrence, Snapshot};

use super::{
    origin::{place, relative},
    related,
    search::{Search, Verdict, places},
    view::{Defined, View},
};

/// A name, and the file that hands the function on by it.
pub(super) type Alias = (String, PathBuf);

/// The other names that a text may give `name`, whatever that means there.
pub(super) fn given(snapshot: &Snapshot, name: &str) -> Vec<String> {
    let imported = snapshot.imports().into_iter().filter(|import| import.name.as_deref() == Some(name));
    let text = snapshot.rope().to_string();
    let exported = snapshot.occurrences(name).into_iter().filter_map(|it| exported_as(&text, &it));
    let mut all: Vec<String> = imported.filter_map(|import| import.alias).chain(exported).collect();
    all.retain(|alias| alias != name && alias != "default");
    all.sort();
    all.dedup();
    all
}

/// `b` of `export { a as b }`.
fn exported_as(text: &str, it: &Occurrence) -> Option<String> {
    it.around.get(1).filter(|kind| *kind == "export_specifier")?;
    let rest = text[it.range.end..].trim_start().strip_prefix("as ")?.trim_start();
    let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$'))).unwrap_or(rest.len());
    (end > 0).then(|| rest[..end].to_owned())
}

impl Search<'_> {
    /// The other names that imports of `view` give the changed function, if its calls have to change.
    fn imported_as<'a>(&self, view: &'a View) -> impl Iterator<Item = &'a String> {
        let change = self.change;
        let means = move |import: &&Import| {
            change.changes_calls_of_any_name()
                && import.name.as_deref() == Some(&*change.old_name)
                && self.module(view, &import.module) == Verdict::Same
        };
        view.imports.iter().filter(means).filter_map(|import| import.alias.as_ref())
    }

    /// Where `view` calls the function by another name, which an import gives it: the arguments may have to change there too.
    pub(super) fn aliased(&self, view: &View) -> Vec<Occurrence> {
        self.imported_as(view).flat_map(|alias| calls(view, alias)).collect()
    }

    /// The other names that `view` hands the changed function on by.
    pub(super) fn handed_on(&self, view: &View) -> Vec<Alias> {
        let change = self.change;
        if !change.changes_calls_of_any_name() {
            return Vec::new();
        }
        let occurrences = view.snapshot.occurrences(&change.old_name).into_iter();
        let exported = occurrences.filter_map(|it| Some((exported_as(&view.text, &it)?, it)));
        let exported = exported.filter(|(_, it)| self.judge(view, it, None) == Verdict::Same).map(|(alias, _)| alias);
        self.imported_as(view).cloned().chain(exported).map(|alias| (alias, view.path.clone())).collect()
    }

    /// Whether `name` of `module`, as `view` writes it, is that of the file at `path`.
    fn is_file(&self, view: &View, module: &str, name: &str, path: &Path) -> bool {
        match module.starts_with('.') {
            true => relative(view, module) == Some(place(path)),
            false => {
                let all: Vec<&str> = places(module).collect();
                let own = |first: &str| self.packages.iter().any(|package| package == first);
                let named = |path: &Path| match all.as_slice() {
                    [] => false,
                    [one] => self.names(one, path),
                    [first, rest @ ..] if own(first) => place(path).ends_with(rest.iter().collect::<PathBuf>()),
                    all => place(path).ends_with(all.iter().collect::<PathBuf>()),
                };
                let other = |it: &Defined| it.path != *path && it.parent.is_none() && named(&it.path);
                named(path) && !self.lookup.definitions(name).iter().any(other)
            }
        }
    }

    /// Calls of the function by a name that another file hands it on by.
    pub(super) fn called_by(&self, view: &View, (alias, from): &Alias) -> Vec<Occurrence> {
        let typescript = related(view.snapshot.language(), Language::TypeScript);
        if view.path == *from || !typescript && view.snapshot.language() != Language::Python {
            return Vec::new();
        }
        let given = view
            .imports
            .iter()
            .filter(|import| import.name.as_deref() == Some(alias) && self.is_file(view, &import.module, alias, from));
        let local = given.filter_map(|import| import.alias.as_ref().or(import.name.as_ref()));
        let mut all: Vec<Occurrence> = local.flat_map(|name| calls(view, name)).collect();
        let reached = view.snapshot.occurrences(alias).into_iter().filter(|it| {
            let Before::Member(of) = &it.before else { return false };
            let [of] = of.as_slice() else { return false };
            let import = view.imported(of, it.range.start).filter(|import| import.name.is_none());
            let given = import.is_some_and(|import| self.is_file(view, &import.module, alias, from));
            given && it.dead.is_none() && it.called
        });
        all.extend(reached);
        all
    }
}

/// The calls of what an import of `view` gives the name.
fn calls(view: &View, name: &String) -> Vec<Occurrence> {
    let mut all = view.snapshot.occurrences(name);
    all.retain(|it| {
        let import = view.imported(name, it.range.start);
        it.dead.is_none()
            && it.called
            && it.before == Before::Bare
            && import.is_some_and(|import| import.alias.as_ref().or(import.name.as_ref()) == Some(name))
    });
    all
}
