//! Other names by which files hand the changed function on: `from .core import turn as rotate` in an `__init__.py`, `export { turn as rotate }`.

use std::path::{Path, PathBuf};

use pilotlight_syntax::{Before, Language, Occurrence, Snapshot};

use super::{
    origin::{place, relative},
    related,
    search::{Search, Verdict, parts},
    view::View,
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
    /// The other names that `view` hands the changed function on by.
    pub(super) fn handed_on(&self, view: &View) -> Vec<Alias> {
        let change = self.change;
        if change.parameters.is_none() || change.container.is_some() {
            return Vec::new();
        }
        let imported = view.imports.iter().filter(|import| {
            import.name.as_deref() == Some(&*change.old_name) && self.module(view, &import.module) == Verdict::Same
        });
        let exported = view.snapshot.occurrences(&change.old_name).into_iter();
        let exported = exported.filter(|it| self.judge(view, it, None) == Verdict::Same);
        let mut all: Vec<String> = imported.filter_map(|import| import.alias.clone()).collect();
        all.extend(exported.filter_map(|it| exported_as(&view.text, &it)));
        all.into_iter().map(|alias| (alias, view.path.clone())).collect()
    }

    /// Whether `module`, as `view` writes it, is the file at `path`.
    fn is_file(&self, view: &View, module: &str, path: &Path) -> bool {
        match module.starts_with('.') {
            true => relative(view, module) == Some(place(path)),
            false => parts(module).last().is_some_and(|last| self.names(last, path)),
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
            .filter(|import| import.name.as_deref() == Some(alias) && self.is_file(view, &import.module, from));
        let local = given.filter_map(|import| import.alias.as_ref().or(import.name.as_ref()));
        let mut all: Vec<Occurrence> = Vec::new();
        for name in local {
            let bare = view
                .snapshot
                .occurrences(name)
                .into_iter()
                .filter(|it| it.before == Before::Bare && view.imported(name, it.range.start).is_some());
            all.extend(bare);
        }
        let reached = view.snapshot.occurrences(alias).into_iter().filter(|it| {
            let Before::Member(of) = &it.before else { return false };
            let [of] = of.as_slice() else { return false };
            let import = view.imported(of, it.range.start).filter(|import| import.name.is_none());
            import.is_some_and(|import| self.is_file(view, &import.module, from))
        });
        all.extend(reached);
        all.retain(|it| it.dead.is_none() && it.called);
        all
    }
}
