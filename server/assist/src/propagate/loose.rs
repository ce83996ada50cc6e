//! Languages of which neither types nor what an import means are read: what may be a use of the changed definition there is to be confirmed, not passed over.

use std::path::Path;

use pilotlight_syntax::{Before, CommentOrString, DefinitionKind, Item, Language, Occurrence, UseKind};

use super::{
    common::is_common,
    request::stands,
    search::{Search, Verdict, is_type, parts, unsure},
    view::View,
};

/// Why an import says nothing.
pub(super) const IMPORTED: &str = "where it comes from is not told";

/// See the module.
pub(super) fn is_loose(language: Language) -> bool {
    use Language::{Go, JavaScript, Plain, Python, Rust, Tsx, TypeScript};
    !matches!(language, Rust | Python | Go | TypeScript | Tsx | JavaScript | Plain)
}

impl Search<'_> {
    /// Whether a name is that of one of PHP's variables, which `$` begins: of what is carried that is a property alone, where it is declared or reached by `::`.
    pub(super) fn is_variable(&self, view: &View, it: &Occurrence) -> bool {
        if view.snapshot.language() != Language::Php {
            return false;
        }
        let Some(lead) = view.text[..it.range.start].strip_suffix('$') else { return false };
        let declared = view.outline.iter().any(|item| item.name_range == it.range);
        self.change.kind != DefinitionKind::Field || !declared && !lead.ends_with("::")
    }

    /// What `$name` in one of Kotlin's strings means, where the text says: the grammar takes it for a part of the string.
    pub(super) fn template(&self, view: &View, it: &Occurrence) -> Option<Verdict> {
        let escaped = view.text[..it.range.start].strip_suffix('$')?.ends_with('\\');
        if escaped || view.snapshot.language() != Language::Kotlin || it.dead != Some(CommentOrString::String) {
            return None;
        }
        let meant = view.visible(&self.change.old_name, it.range.start)?;
        match meant.kind {
            DefinitionKind::Import => None,
            _ if view.path != self.home.path || meant.range.start != self.at => Some(Verdict::Other),
            _ => Some(Verdict::Same),
        }
    }

    /// What the changed definition is a member of, by its simple name: what it stands in, or what is written before its name (`function Cart:add`).
    fn of(&self) -> Option<&str> {
        let home = &self.home.outline;
        let own = home.iter().find(|item| item.name_range.start == self.at)?;
        let ruby = self.home.snapshot.language() == Language::Ruby;
        let holds = |item: &&Item| match item.kind {
            DefinitionKind::Implementation => true,
            DefinitionKind::Module => ruby,
            kind => is_type(kind),
        };
        if let Some(parent) = own.parent.map(|parent| &home[parent]).filter(holds) {
            return Some(&parent.name);
        }
        let lead = &self.home.text[..self.at];
        let lead = ["::", ".", ":"].iter().find_map(|mark| lead.strip_suffix(mark))?;
        lead.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|of| !of.is_empty())
    }

    /// Whether a member of the changed name may be a use of it in `view`. A name that many types have is told in files that name what has it; of the others it is only told that there are some ([`Search::passed`]).
    fn may_know(&self, view: &View) -> bool {
        if !is_common(&self.change.old_name) {
            return true;
        }
        let Some(of) = self.of() else { return false };
        let last = |module: &'_ str| parts(module).last().unwrap_or_default().trim_matches(['"', '\'']).to_owned();
        let tells = || {
            let imports = view.imports.iter().any(|it| self.names_home(&last(&it.module)));
            view.path == self.home.path || stands(&view.text, of) || imports
        };
        *self.told.borrow_mut().entry(view.path.clone()).or_insert_with(tells)
    }

    /// What is to be told of the files in which a member of the changed name is passed over.
    pub(super) fn passed(&self) -> Option<String> {
        let told = self.told.borrow();
        let mut passed: Vec<&Path> = told.iter().filter(|(_, told)| !**told).map(|(path, _)| &**path).collect();
        passed.sort();
        let first = passed.first()?.file_name()?.to_string_lossy().into_owned();
        let (name, of) = (&self.change.old_name, self.of()?);
        let many = match passed.len() {
            1 => first,
            more => format!("{first} and {} more", more - 1),
        };
        Some(format!("members that are called `{name}` too are not listed where `{of}` is not named: {many}"))
    }

    /// What a place means in such a language, where scopes alone would say that it is something else; `None` where they are to be asked.
    pub(super) fn loosely(&self, view: &View, it: &Occurrence, used: Option<UseKind>) -> Option<Verdict> {
        let language = view.snapshot.language();
        let within = |range: &std::ops::Range<usize>| range.start <= it.range.start && it.range.end <= range.end;
        if view.imports.iter().any(|import| within(&import.range)) {
            return Some(unsure(IMPORTED));
        }
        let home = &self.home.outline;
        let own = home.iter().position(|item| item.name_range.start == self.at)?;
        let owner = home[own].parent.map(|parent| &home[parent]).filter(|item| is_type(item.kind));
        let is_home = view.path == self.home.path;
        let defined = view.outline.iter().find(|item| within(&item.name_range));
        if let Some(item) = defined {
            // Constructors, and C++'s destructors.
            let made = item.kind == DefinitionKind::Constructor || item.name.starts_with('~');
            if is_home && made && item.parent == Some(own) {
                return Some(Verdict::Same);
            }
            if is_home && (self.overloads.contains(&item.name_range.start) || self.doubled.contains(&it.range.start)) {
                return None;
            }
            let elsewhere = matches!(&it.before, Before::Path(of) if owner.is_some_and(|owner| *of == owner.name));
            if elsewhere || self.declares(view, item) {
                return Some(unsure("it may be the same function, declared in another place"));
            }
            let member = item.parent.is_some_and(|parent| is_type(view.outline[parent].kind));
            let alike = owner.is_some() && member && item.kind == self.change.kind && self.may_know(view);
            return alike.then(|| unsure("another type has a member of that name"));
        }
        let lead = view.text[..it.range.start].trim_end();
        let marks: &[&str] = if language == Language::Lua { &[":"] } else { &["->", "::$", "\\"] };
        let reached = marks.iter().find_map(|mark| lead.strip_suffix(mark));
        let last = match &it.before {
            Before::Member(of) => of.last().map(String::as_str),
            Before::Path(of) => Some(of.as_str()),
            Before::Bare => reached.and_then(|lead| lead.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next()),
        };
        if it.before != Before::Bare || reached.is_some() {
            if last.is_some() && last == self.of() {
                return Some(unsure(IMPORTED));
            }
            // Functions and types are no members in these; what a namespace holds they may be.
            let member = matches!(it.before, Before::Member(_)) || reached.is_some_and(|_| !lead.ends_with('\\'));
            let free = matches!(language, Language::C | Language::Cpp | Language::Php) && self.of().is_none() && member;
            let known = is_type(self.change.kind) || self.may_know(view);
            return Some(if free || !known { Verdict::Other } else { unsure("what it is a member of is not known") });
        }
        let meaning = view.meaning(it.range.start).filter(|_| !is_home);
        let elsewhere = meaning.and_then(|meaning| view.outline.iter().find(|item| item.name_range == meaning.range));
        if elsewhere.is_some_and(|item| self.declares(view, item)) {
            return Some(unsure("it may be the same function, declared in another place"));
        }
        // PHP's scopes hold variables alone.
        let php = language == Language::Php && owner.is_none() && used.is_some();
        php.then(|| unsure("where it comes from is not told here"))
    }

    /// Whether a function in C may be the changed one: in a header, or where that is of.
    fn declares(&self, view: &View, item: &Item) -> bool {
        let c = |view: &View| matches!(view.snapshot.language(), Language::C | Language::Cpp);
        let function = |kind| matches!(kind, DefinitionKind::Function | DefinitionKind::Method);
        let own = |view: &View, at: usize| {
            let line = view.snapshot.line_at(at);
            view.text[line].split_whitespace().any(|word| word == "static")
        };
        c(view)
            && view.path != self.home.path
            && function(item.kind)
            && function(self.change.kind)
            && !own(view, item.name_range.start)
            && !own(self.home, self.at)
    }
}
