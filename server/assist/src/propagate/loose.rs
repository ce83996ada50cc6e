//! Languages of which neither types nor what an import means are read: what may be a use of the changed definition there is to be confirmed, not passed over.

use pilotlight_syntax::{Before, DefinitionKind, Item, Language, Occurrence, UseKind};

use super::{
    common::is_common,
    search::{Search, Verdict, is_type, unsure},
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
        let common = is_common(&self.change.old_name);
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
            if self.declares(view, item) {
                return Some(unsure("it may be the same function, declared in another place"));
            }
            let member = item.parent.is_some_and(|parent| is_type(view.outline[parent].kind));
            let alike = owner.is_some() && member && item.kind == self.change.kind && !common;
            return alike.then(|| unsure("another type has a member of that name"));
        }
        let lead = view.text[..it.range.start].trim_end();
        let marks: &[&str] = if language == Language::Lua { &[":"] } else { &["->", "\\"] };
        let reached = marks.iter().find_map(|mark| lead.strip_suffix(mark));
        let last = match &it.before {
            Before::Member(of) => of.last().map(String::as_str),
            Before::Path(of) => Some(of.as_str()),
            Before::Bare => reached.and_then(|lead| lead.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next()),
        };
        if it.before != Before::Bare || reached.is_some() {
            if owner.is_some_and(|owner| last == Some(&*owner.name)) {
                return Some(unsure(IMPORTED));
            }
            // Functions and types are no members in these; what a namespace holds they may be.
            let member = matches!(it.before, Before::Member(_)) || reached.is_some_and(|_| !lead.ends_with('\\'));
            let free = matches!(language, Language::C | Language::Cpp | Language::Php) && owner.is_none() && member;
            let other = free || common && !is_type(self.change.kind);
            return Some(if other { Verdict::Other } else { unsure("what it is a member of is not known") });
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
