//! What the index keeps of one file, made from its text by the queries of its language.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};

use super::words;
use crate::{DefinitionKind, Language, Snapshot};

/// The most of each kind that is kept of one file: more is data, or generated.
const MOST_DEFINITIONS: usize = 4000;
const MOST_WORDS: usize = 8000;
const MOST_USES: usize = 4000;
/// Lines of documentation that are taken with a definition.
const MOST_LEAD: usize = 24;

/// One file's facts; `N` is [`String`] when made and [`Name`](super::Name) in the index.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Facts<N> {
    /// Its language.
    pub language: Language,
    /// What it defines, in the order of the text, an outer one before those in it. Locals of functions are left out.
    pub definitions: Box<[DefinitionFact<N>]>,
    /// The names it uses that no scope in it explains as a local, once each with the zero-based line of the first use.
    pub uses: Box<[(N, u32)]>,
    /// What it takes from other files.
    pub imports: Box<[ImportFact<N>]>,
    /// Its words, sorted by number once in the index.
    pub words: Box<[N]>,
}

/// One definition.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct DefinitionFact<N> {
    /// Its last name: of `Point::get` it is `get`.
    pub name: N,
    /// What it is.
    pub kind: DefinitionKind,
    /// The definition around it, by its place in [`Facts::definitions`].
    pub parent: Option<u32>,
    /// The byte its documentation and attributes begin at; `start` without any.
    pub lead: u32,
    /// The byte it begins at.
    pub start: u32,
    /// The byte its body begins at; `end` without one.
    pub body: u32,
    /// The byte it ends at.
    pub end: u32,
    /// The zero-based line it begins at.
    pub line: u32,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct ImportFact<N> {
    /// As written.
    pub module: N,
    /// The name in that module; `None` for the module, or all it has.
    pub name: Option<N>,
    /// Its name here, where that is another.
    pub alias: Option<N>,
}

/// Makes the facts of a text.
pub fn facts(snapshot: &Snapshot) -> Facts<String> {
    let text = snapshot.rope().to_string();
    let outline = snapshot.outline();
    let comment = snapshot.language().line_comment();
    let definitions: Vec<_> = outline
        .iter()
        .take(MOST_DEFINITIONS)
        .map(|item| {
            let line = snapshot.rope().byte_to_line(item.range.start);
            let start = snapshot.rope().line_to_byte(line);
            // What stands before it on its line (`pub`, `export`, a decorator's line) belongs to it.
            let start = if text[start..item.range.start].trim().len() > 40 { item.range.start } else { start };
            let body = body_of(snapshot, &item.range).unwrap_or(item.range.end);
            DefinitionFact {
                name: last_name(&item.name).to_owned(),
                kind: item.kind,
                parent: item.parent.filter(|&parent| parent < MOST_DEFINITIONS).map(|parent| parent as u32),
                lead: lead(&text, start, comment) as u32,
                start: start as u32,
                body: body as u32,
                end: item.range.end as u32,
                line: line as u32,
            }
        })
        .collect();
    let imports = snapshot.imports().into_iter().map(|import| ImportFact {
        module: import.module,
        name: import.name,
        alias: import.alias,
    });
    let words: Box<[String]> = words::words(&text, MOST_WORDS).into_iter().collect();
    Facts {
        language: snapshot.language(),
        uses: uses(snapshot, &outline),
        definitions: definitions.into(),
        imports: imports.collect(),
        words,
    }
}

/// The names that are used and mean no local of the text.
fn uses(snapshot: &Snapshot, outline: &[crate::Item]) -> Box<[(String, u32)]> {
    let scopes = snapshot.scopes();
    let mut known: HashSet<usize> = outline.iter().map(|item| item.name_range.start).collect();
    known.extend(scopes.definitions.iter().map(|definition| definition.range.start));
    let local = |definition: &crate::Definition| {
        definition.scope != 0 && matches!(definition.kind, DefinitionKind::Variable | DefinitionKind::Parameter)
    };
    for reference in &scopes.references {
        if reference.definition.and_then(|at| scopes.definitions.get(at)).is_some_and(local) {
            known.insert(reference.range.start);
        }
    }
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for used in snapshot.uses(0..usize::MAX) {
        if found.len() < MOST_USES && used.name.len() > 1 && !known.contains(&used.range.start) {
            let line = snapshot.rope().byte_to_line(used.range.start) as u32;
            found.entry(used.name).or_insert(line);
        }
    }
    found.into_iter().collect()
}

/// Where the body of the definition at `range` begins: by the field that grammars agree on, or that of what the definition wraps.
fn body_of(snapshot: &Snapshot, range: &Range<usize>) -> Option<usize> {
    let mut node = snapshot.tree()?.root_node().descendant_for_byte_range(range.start, range.end)?;
    for _ in 0..4 {
        if let Some(body) = node.child_by_field_name("body") {
            return Some(body.start_byte());
        }
        node =
            ["value", "definition", "type", "declaration"].iter().find_map(|field| node.child_by_field_name(field))?;
    }
    None
}

/// `get` of `Point::get`, `Point.get` and `~get`.
fn last_name(name: &str) -> &str {
    let name = name.split(['<', '(', ' ']).next().filter(|name| !name.is_empty()).unwrap_or(name);
    name.rsplit([':', '.']).next().filter(|name| !name.is_empty()).unwrap_or(name)
}

/// The start of the comments, attributes and decorators on the lines directly before the line at `start`; `start` where no line begins there.
fn lead(text: &str, start: usize, comment: Option<&str>) -> usize {
    let mut lead = start;
    if !text[..start].ends_with(['\n', '\r']) {
        return start;
    }
    for _ in 0..MOST_LEAD {
        let Some(end) = lead.checked_sub(1) else { break };
        let begin = text[..end].rfind('\n').map_or(0, |at| at + 1);
        let line = text[begin..end].trim();
        let belongs = comment.is_some_and(|comment| line.starts_with(comment))
            || line.starts_with("#[")
            || line.starts_with('@')
            || line.starts_with("/*")
            || line.starts_with('*');
        if !belongs {
            break;
        }
        lead = begin;
    }
    lead
}

impl<N> Facts<N> {
    /// The same facts under other names. Words are sorted then.
    pub(super) fn map_names<M: Ord>(self, mut name: impl FnMut(N) -> M) -> Facts<M> {
        let definitions = self.definitions.into_iter().map(|definition| DefinitionFact {
            name: name(definition.name),
            kind: definition.kind,
            parent: definition.parent,
            lead: definition.lead,
            start: definition.start,
            body: definition.body,
            end: definition.end,
            line: definition.line,
        });
        let definitions = definitions.collect();
        let uses = self.uses.into_iter().map(|(used, line)| (name(used), line)).collect();
        let imports = self.imports.into_iter().map(|import| ImportFact {
            module: name(import.module),
            name: import.name.map(&mut name),
            alias: import.alias.map(&mut name),
        });
        let imports = imports.collect();
        let mut words: Box<[M]> = self.words.into_iter().map(name).collect();
        words.sort_unstable();
        Facts { language: self.language, definitions, uses, imports, words }
    }
}
