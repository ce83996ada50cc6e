//! What a person might do to a definition, done mechanically: the rest of the package is left to be carried.

use std::path::{Path, PathBuf};

use pilotlight_assist::syntax::{DefinitionKind, Document, Item, Language, Signature, Snapshot};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Rename,
    Field,
    Remove,
    Reorder,
    Add,
}

/// One definition, changed.
#[derive(Clone, Debug)]
pub(crate) struct Mutation {
    pub(crate) kind: Kind,
    pub(crate) path: PathBuf,
    /// The whole file, changed.
    pub(crate) text: String,
    /// The definition's name before.
    pub(crate) name: String,
    /// For a person.
    pub(crate) what: String,
    /// The lines of the definition afterwards, from 1.
    lines: std::ops::RangeInclusive<usize>,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Rename, Self::Field, Self::Remove, Self::Reorder, Self::Add];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rename => "rename",
            Self::Field => "rename a field",
            Self::Remove => "remove a parameter",
            Self::Reorder => "reorder parameters",
            Self::Add => "add an optional parameter",
        }
    }

    /// Only a name is changed.
    pub(crate) fn is_a_name(self) -> bool {
        matches!(self, Self::Rename | Self::Field)
    }

    /// The checker should have nothing against it.
    pub(crate) fn is_harmless(self) -> bool {
        self == Self::Add
    }
}

impl Mutation {
    /// Whether a line is the definition's own.
    pub(crate) fn holds(&self, path: &Path, line: usize) -> bool {
        *path == self.path && self.lines.contains(&line)
    }
}

/// Every mutation of a kind in a package.
pub(crate) fn all(folder: &Path, language: &str, kind: Kind) -> Vec<Mutation> {
    let mut found = Vec::new();
    // A build script is run, and what was done to it may not end.
    let is_script = |path: &PathBuf| path.ends_with("build.rs");
    for path in crate::files(folder, language).into_iter().filter(|path| !is_script(path)) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let snapshot = Document::open(Language::from_path(&path), 0, &text).snapshot();
        let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
        let sites = snapshot.sites();
        for item in snapshot.outline().iter().filter(|item| item.range.start < tests) {
            let signature = sites.signature(&item.name_range);
            let Some((range, new)) = changed(&snapshot, &text, item, signature, kind) else { continue };
            let mut after = text.clone();
            let mut edits = vec![(range, new)];
            if kind == Kind::Remove {
                match body(&text, item, signature) {
                    Some(edit) => edits.push(edit(&text[edits[0].0.clone()])),
                    None => continue,
                }
            }
            let grown: isize = edits.iter().map(|(range, new)| new.len() as isize - range.len() as isize).sum();
            for (range, new) in edits.into_iter().rev() {
                after.replace_range(range, &new);
            }
            let end = (item.range.end as isize + grown) as usize;
            let line = |at: usize| after[..at].matches('\n').count() + 1;
            let lines =
                line(item.range.start)..=if kind == Kind::Field { line(item.name_range.start) } else { line(end) };
            let relative = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            let what = format!("{}: {} of {}", relative, kind.name(), item.name);
            found.push(Mutation { kind, path: path.clone(), text: after, name: item.name.clone(), what, lines });
        }
    }
    found
}

type Replacement = (std::ops::Range<usize>, String);

fn changed(
    snapshot: &Snapshot,
    text: &str,
    item: &Item,
    signature: Option<&Signature>,
    kind: Kind,
) -> Option<Replacement> {
    use DefinitionKind::{Class, Constant, Constructor, Enum, Field, Function, Interface, Method, Struct, Trait, Type};
    let language = snapshot.language();
    let plain = item.name.len() > 2
        && item.name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !item.name.starts_with("__");
    match kind {
        Kind::Rename => {
            matches!(item.kind, Function | Method | Class | Struct | Enum | Interface | Trait | Type | Constant)
                .then(|| (item.name_range.clone(), format!("{}Zz", item.name)))
                .filter(|_| plain)
        }
        Kind::Field => (item.kind == Field && plain).then(|| (item.name_range.clone(), format!("{}Zz", item.name))),
        _ if item.kind == Constructor || !plain => None,
        Kind::Remove | Kind::Reorder => {
            let signature = signature?;
            let chunks = chunks(text, signature);
            let named = |chunk: &std::ops::Range<usize>| {
                let parameter = signature.parameters.iter().find(|it| chunk.contains(&it.range.start))?;
                let typed = parameter.type_text.clone().or_else(|| (language == Language::Python).then(String::new))?;
                let word = parameter.name.chars().all(|c| c.is_alphanumeric() || c == '_') && parameter.name != "_";
                (word && !parameter.optional && text[chunk.clone()].contains(&typed)).then_some(typed)
            };
            let two: Vec<_> = chunks.iter().filter_map(|chunk| Some((chunk.clone(), named(chunk)?))).collect();
            if kind == Kind::Remove {
                // A type that only the parameter told: no call could be mended.
                if language == Language::Rust && text[signature.name_range.end..signature.list.start].contains('<') {
                    return None;
                }
                return two.first().map(|(chunk, _)| (chunk.clone(), String::new()));
            }
            let [(a, of_a), (b, of_b), ..] = two.as_slice() else { return None };
            let beside = text[a.end..b.start].trim() == ",";
            (beside && of_a != of_b && !of_a.is_empty() && !of_b.is_empty())
                .then(|| (a.start..b.end, format!("{}{}{}", &text[b.clone()], &text[a.end..b.start], &text[a.clone()])))
        }
        Kind::Add => {
            let signature = signature?;
            let new = match language {
                Language::Python => "zz=None",
                Language::TypeScript | Language::Tsx => "zz?: number",
                _ => return None,
            };
            let plain = !signature.rest
                && signature.parameters.iter().all(|it| it.given == pilotlight_assist::syntax::Given::Either);
            let last = chunks(text, signature).last()?.end;
            plain.then(|| (last..last, format!(", {new}")))
        }
    }
}

/// The parameters with all that belongs to each, the object not among them.
fn chunks(text: &str, signature: &Signature) -> Vec<std::ops::Range<usize>> {
    let (mut depth, mut start) = (0, signature.list.start + 1);
    let mut found = Vec::new();
    for (at, c) in text[signature.list.clone()].char_indices() {
        let at = signature.list.start + at;
        depth += i32::from(matches!(c, '(' | '[' | '{' | '<'));
        let arrow = c == '>' && matches!(text.as_bytes()[at - 1], b'-' | b'=');
        depth -= i32::from(matches!(c, ')' | ']' | '}' | '>') && !arrow);
        if (c == ',' && depth == 1) || (depth == 0 && c == ')') {
            let chunk = &text[start..at];
            let lead = chunk.len() - chunk.trim_start().len();
            let range = start + lead..start + chunk.trim_end().len();
            if signature.parameters.iter().any(|it| range.contains(&it.range.start)) {
                found.push(range);
            }
            start = at + 1;
        }
    }
    found
}

type Body = Box<dyn Fn(&str) -> Replacement>;

/// What keeps a body whole whose parameter goes: a variable in its place.
fn body(text: &str, item: &Item, signature: Option<&Signature>) -> Option<Body> {
    let signature = signature?;
    let rest = &text[signature.list.end..signature.range.end.max(item.range.end)];
    let language = match text {
        _ if rest.contains(":\n") && !rest.trim_start().starts_with('{') && !rest.contains('{') => Language::Python,
        _ => Language::Rust,
    };
    if language == Language::Python
        || rest.trim_start().starts_with("->") && rest.contains(":\n") && !rest[..rest.find(":\n")?].contains('{')
    {
        let at = signature.list.end + rest.find(":\n")? + 2;
        let indent: String = text[at..].chars().take_while(|c| *c == ' ').collect();
        return Some(Box::new(move |chunk| {
            let name = chunk.split([':', '=']).next().unwrap_or_default().trim().to_owned();
            (at..at, format!("{indent}{name}: object = None  # type: ignore\n"))
        }));
    }
    let at = signature.list.end + rest.find('{')? + 1;
    let kind = text[..signature.name_range.start].trim_end().to_owned();
    Some(Box::new(move |chunk| {
        let declared = if kind.ends_with("fn") {
            format!(" let {chunk} = loop {{}}; ")
        } else if kind.ends_with("func") || kind.ends_with(')') && chunk.contains(' ') && !chunk.contains(':') {
            let name = chunk.split(' ').next().unwrap_or_default();
            format!(" var {chunk}; _ = {name}; ")
        } else {
            let name = chunk.split(':').next().unwrap_or_default();
            format!(" let {name}: any = undefined; ")
        };
        (at..at, declared)
    }))
}
