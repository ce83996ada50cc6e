//! Other names by which files hand the changed function on: `from .core import turn as rotate` in an `__init__.py`, `export { turn as rotate }`.

use std::path::{Path, PathBuf};

use pilotlight_syntax::{Before, Import, Language, Occurrence, Snapshot};

use super::{
    origin::{place, relative},
    related,
    search::{Search, Verdict, places, unsure},
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
    /// The other names that imports of `view` give the changed function.
    fn imported_as<'a>(&self, view: &'a View) -> impl Iterator<Item = &'a String> {
        let change = self.change;
        let means = move |import: &&Import| {
            import.name.as_deref() == Some(&*change.old_name) && self.module(view, &import.module) == Verdict::Same
        };
        view.imports.iter().filter(means).filter_map(|import| import.alias.as_ref())
    }

    /// Where `view` calls the function by another name, which an import gives it: the arguments may have to change there too.
    pub(super) fn aliased(&self, view: &View) -> Vec<Occurrence> {
        self.imported_as(view).flat_map(|alias| calls(view, alias)).collect()
    }

    /// The other names that `view` hands the changed function on by.
    pub(super) fn handed_on(&self, view: &View) -> Vec<Alias> {
        let occurrences = view.snapshot.occurrences(&self.change.old_name).into_iter();
        let exported = occurrences.filter_map(|it| Some((exported_as(&view.text, &it)?, it)));
        let exported = exported.filter(|(_, it)| self.judge(view, it, None) == Verdict::Same).map(|(alias, _)| alias);
        self.imported_as(view).cloned().chain(exported).map(|alias| (alias, view.path.clone())).collect()
    }

    /// Whether `name` of `module`, as `view` writes it, is that of the file at `path`.
    fn is_file(&self, view: &View, module: &str, name: &str, path: &Path) -> Verdict {
        if module.starts_with('.') {
            return if relative(view, module) == Some(place(path)) { Verdict::Same } else { Verdict::Other };
        }
        let package = self.packages.iter().any(|it| it == module);
        let within = self.packages.iter().find_map(|it| module.strip_prefix(&**it)?.strip_prefix('/'));
        let mut all: Vec<&str> = places(within.unwrap_or(module)).collect();
        // What bundlers call the top by.
        let top = all.first().is_some_and(|first| matches!(*first, "@" | "~"));
        if top {
            all.remove(0);
        }
        let named = |path: &Path| match all.as_slice() {
            _ if package => self.names(module, path),
            [] => false,
            [one] => self.names(one, path),
            all => place(path).ends_with(all.iter().collect::<PathBuf>()),
        };
        let defines = |it: &Defined| it.path != *path && it.parent.is_none() && named(&it.path);
        if !named(path) || self.lookup.definitions(name).iter().any(defines) {
            return Verdict::Other;
        }
        // One that is nearer to the top is meant rather.
        let depth = |path: &Path| path.components().count();
        let another = |it: &PathBuf| it != path && named(it) && depth(it) <= depth(path);
        if self.lookup.files().iter().any(another) {
            return unsure("more than one file goes by the name that it is imported from");
        }
        let whole = package || within.is_some() || top || all.len() > 1;
        match view.snapshot.language() == Language::Python || whole {
            true => Verdict::Same,
            false => unsure("it may be imported from a package of that name"),
        }
    }

    /// Calls of the function by a name that another file hands it on by; each with its doubt.
    pub(super) fn called_by(&self, view: &View, (alias, from): &Alias) -> Vec<(Occurrence, Option<String>)> {
        let typescript = related(view.snapshot.language(), Language::TypeScript);
        if view.path == *from || !typescript && view.snapshot.language() != Language::Python {
            return Vec::new();
        }
        let doubt = |import: &Import| match self.is_file(view, &import.module, alias, from) {
            Verdict::Same => Some(None),
            Verdict::Unsure(why) => Some(Some(why)),
            Verdict::Other => None,
        };
        let given = view.imports.iter().filter(|import| import.name.as_deref() == Some(alias));
        let local = given.filter_map(|it| Some((it.alias.as_ref().or(it.name.as_ref())?, doubt(it)?)));
        let called = local.flat_map(|(name, doubt)| calls(view, name).into_iter().map(move |it| (it, doubt.clone())));
        let reached = view.snapshot.occurrences(alias).into_iter().filter_map(|it| {
            let Before::Member(of) = &it.before else { return None };
            let [of] = of.as_slice() else { return None };
            let import = view.imported(of, it.range.start).filter(|import| import.name.is_none())?;
            let doubt = doubt(import).filter(|_| it.dead.is_none() && it.called)?;
            Some((it, doubt))
        });
        called.chain(reached).collect()
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
