//! Definitions of what the code around the cursor uses, resolved through the file's imports; the type the cursor is in; usages of what is being written.

use std::collections::BTreeMap;

use pilotlight_syntax::{
    DefinitionKind, Language, UseKind,
    index::{DefinitionFact, File, FileId, Name, words},
};

use super::{ABOVE, BELOW, Here, OWN, Proposals, Surroundings, module::affinity, read, render};
use crate::Source;

/// Names looked up at most.
const MOST_NAMES: usize = 48;
/// Definitions of one name looked at at most.
const MOST_MEANINGS: usize = 64;
/// Meanings of one name that are shown at most.
const MOST_SHOWN: usize = 3;
/// The gain of what is imported and not used nearby.
const IMPORTED: f32 = 0.25;
/// Proposals whose signatures are followed.
const MOST_SECOND: usize = 6;
/// Files that use what is being written, and lines shown of each.
const MOST_USERS: usize = 2;
const USER_LINES: usize = 6;

pub(super) fn propose(here: &Here<'_>, around: &Surroundings<'_>, line: usize, proposals: &mut Proposals) {
    for ((name, kind), weight) in names(here, line) {
        for (id, at, sure) in meanings(around, &name, kind) {
            show(here, around, id, at, weight * sure, Source::Definition, proposals);
        }
    }
    second(here, around, proposals);
    imported(here, around, proposals);
    enclosing(here, around, proposals);
}

/// The names used around the cursor, and how near they are. The cursor's line counts most.
fn names(here: &Here<'_>, line: usize) -> Vec<((String, UseKind), f32)> {
    let rope = here.snapshot.rope();
    let first = rope.line_to_byte(line.saturating_sub(ABOVE));
    let end = rope.line_to_byte((line + BELOW + 1).min(rope.len_lines()));
    let mut found: BTreeMap<String, (UseKind, f32)> = BTreeMap::new();
    for used in here.snapshot.uses(first..end) {
        if used.name.len() < 3 || (used.range.start..=used.range.end).contains(&here.cursor) {
            continue;
        }
        let at = rope.byte_to_line(used.range.start);
        let weight =
            if at <= line { 1.0 / (1.0 + (line - at) as f32 / 10.0) } else { 0.5 / (1.0 + (at - line) as f32 / 4.0) };
        // A lone word may be a local: no scope is asked here, the index decides whether it is anything.
        let weight = if used.kind == UseKind::Value { weight * 0.5 } else { weight };
        let known = found.entry(used.name).or_insert((used.kind, 0.0));
        if weight > known.1 {
            *known = (used.kind, weight);
        }
    }
    let mut names: Vec<_> = found.into_iter().map(|(name, (kind, weight))| ((name, kind), weight)).collect();
    names.sort_by(|left, right| right.1.total_cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    names.truncate(MOST_NAMES);
    names
}

/// What a name may mean: where it is defined, and how sure that is; the surest first.
fn meanings(around: &Surroundings<'_>, name: &str, kind: UseKind) -> Vec<(FileId, u32, f32)> {
    let index = around.index;
    let own = around.file.and_then(|id| index.file(id));
    let text = |name: Option<Name>| name.map(|name| index.text(name));
    let import = own.and_then(|own| {
        let named = |import: &&pilotlight_syntax::index::ImportFact<Name>| {
            text(import.alias).or(text(import.name)) == Some(name)
        };
        own.facts.imports.iter().find(named)
    });
    // What it is called where it is defined.
    let original = import.and_then(|import| text(import.name)).unwrap_or(name);
    let mut found: Vec<(FileId, u32, f32)> = Vec::new();
    for (id, at) in around.definitions(original).take(MOST_MEANINGS) {
        let Some(file) = index.file(id) else { continue };
        let Some(fact) = file.facts.definitions.get(at as usize) else { continue };
        if own.is_some_and(|own| !speak(own.facts.language, file.facts.language)) {
            continue;
        }
        let near = match import {
            Some(import) => 0.2 + 0.8 * affinity(index.text(import.module), &file.path, own.map(|own| &*own.path)),
            None if Some(id) == around.file => 0.9,
            None => own.map_or(0.3, |own| 0.35 + 0.35 * nearness(&own.path, &file.path)),
        };
        let sure = near * fits(kind, fact.kind) * known_owner(own, file, fact.parent);
        if sure > 0.02 {
            found.push((id, at, sure));
        }
    }
    let total: f32 = found.iter().map(|(.., sure)| sure).sum();
    for (.., sure) in &mut found {
        *sure *= *sure / total;
    }
    found.sort_by(|left, right| right.2.total_cmp(&left.2).then_with(|| (left.0, left.1).cmp(&(right.0, right.1))));
    found.truncate(MOST_SHOWN);
    found
}

/// A member counts for less where nothing in the open file names the type it belongs to: `len` and `push` are everybody's.
fn known_owner(own: Option<&File>, file: &File, parent: Option<u32>) -> f32 {
    let Some(parent) = parent.and_then(|parent| file.facts.definitions.get(parent as usize)) else { return 1.0 };
    let Some(own) = own else { return 0.5 };
    if own.facts.words.binary_search(&parent.name).is_ok() { 1.0 } else { 0.25 }
}

fn fits(used: UseKind, defined: DefinitionKind) -> f32 {
    use DefinitionKind as K;
    let good = match used {
        UseKind::Call => render::is_function(defined) || matches!(defined, K::Class | K::Struct | K::Variant),
        UseKind::Type => render::is_type(defined) || matches!(defined, K::Module),
        UseKind::Member => matches!(defined, K::Field | K::Method | K::Variant | K::Function),
        UseKind::Macro => defined == K::Macro,
        UseKind::Value => !matches!(defined, K::Field | K::Method),
    };
    if good { 1.0 } else { 0.2 }
}

/// Whether code of one language can use definitions of the other.
pub(super) fn speak(left: Language, right: Language) -> bool {
    let group = |language: Language| match language {
        Language::TypeScript | Language::Tsx | Language::JavaScript => 1,
        Language::C | Language::Cpp => 2,
        other => 10 + other as usize,
    };
    group(left) == group(right)
}

/// How many folders two paths share, from 0 to 1.
fn nearness(left: &str, right: &str) -> f32 {
    let folders = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let (left, right) = (folders(left), folders(right));
    let (left, right): (Vec<_>, Vec<_>) = (left.split('/').collect(), right.split('/').collect());
    let common = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    common as f32 / left.len().max(right.len()).max(1) as f32
}

/// Proposes a definition, unless the window has it. A member brings its type along, for less.
fn show(
    here: &Here<'_>,
    around: &Surroundings<'_>,
    id: FileId,
    at: u32,
    gain: f32,
    source: Source,
    proposals: &mut Proposals,
) {
    let Some((file, text)) = read(around, id) else { return };
    let Some(fact) = file.facts.definitions.get(at as usize) else { return };
    if of_a_trait(&text, fact) {
        return;
    }
    let path: &str = &file.path;
    // What the open file has, if not in the window, the person has seen; what it has not is what the next line needs.
    let gain = if Some(id) == around.file { gain * OWN } else { gain };
    let shown = |line: std::ops::Range<usize>| Some(id) == around.file && here.shows(line);
    let owner = fact.parent.filter(|_| matches!(fact.kind, DefinitionKind::Field | DefinitionKind::Variant));
    let (at, fact) = match owner.and_then(|owner| Some((owner, file.facts.definitions.get(owner as usize)?))) {
        Some(owner) => owner,
        None => (at, fact),
    };
    if !shown(render::lines(fact, &text))
        && let Some(body) = render::definition(around.index, file, &text, at)
    {
        proposals.add(source, path, fact.line as usize, body, gain * worth(fact.kind));
    }
    if render::is_type(fact.kind) {
        implementations(here, around, id, at, gain * 0.8, proposals);
    } else if let Some(parent) = fact.parent
        && let Some(owner) = file.facts.definitions.get(parent as usize)
        && render::is_type(owner.kind)
        && !shown(render::lines(owner, &text))
    {
        let mut body = String::new();
        if let Some(signature) = render::signature(&text, owner) {
            body = signature + "\n";
        }
        render::members(around.index, file, &text, parent, &mut body);
        proposals.add(source, path, owner.line as usize, body, gain * 0.8);
    }
}

/// What showing a definition is worth: a type tells the names of all it has, a function that is in use already only those of its parameters.
fn worth(kind: DefinitionKind) -> f32 {
    use DefinitionKind as K;
    match kind {
        K::Constant | K::Variable | K::Field => 0.15,
        kind if render::is_function(kind) => 0.3,
        _ => 1.0,
    }
}

/// Whether an implementation is one of a trait: its names are the trait's, and most of them everybody's.
fn of_a_trait(text: &str, fact: &DefinitionFact<Name>) -> bool {
    let header = text.get(fact.start as usize..fact.body as usize).unwrap_or_default();
    fact.kind == DefinitionKind::Implementation && header.contains(" for ")
}

/// What a type can do where that is written apart from it: Rust's `impl`, in the same file.
fn implementations(
    here: &Here<'_>,
    around: &Surroundings<'_>,
    id: FileId,
    of: u32,
    gain: f32,
    proposals: &mut Proposals,
) {
    let Some((file, text)) = read(around, id) else { return };
    let Some(name) = file.facts.definitions.get(of as usize).map(|fact| fact.name) else { return };
    for (at, fact) in file.facts.definitions.iter().enumerate() {
        let other = at as u32 != of && fact.name == name && fact.kind == DefinitionKind::Implementation;
        if !other || of_a_trait(&text, fact) || (Some(id) == around.file && here.shows(render::lines(fact, &text))) {
            continue;
        }
        if let Some(body) = render::definition(around.index, file, &text, at as u32) {
            proposals.add(Source::Definition, &file.path, fact.line as usize, body, gain);
        }
    }
}

/// What the best proposals so far name in their signatures: a call's result is used next.
fn second(here: &Here<'_>, around: &Surroundings<'_>, proposals: &mut Proposals) {
    let mut best: Vec<(f32, String)> =
        proposals.best.values().map(|candidate| (candidate.gain, candidate.text.clone())).collect();
    best.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
    let mut names: BTreeMap<String, f32> = BTreeMap::new();
    for (gain, text) in best.into_iter().take(MOST_SECOND) {
        words::identifiers(&text, |word| {
            // Types, by the convention of nearly every language.
            if word.starts_with(|c: char| c.is_uppercase()) {
                let known = names.entry(word.to_owned()).or_default();
                *known = known.max(gain);
            }
        });
    }
    for (name, gain) in names {
        for (id, at, sure) in meanings(around, &name, UseKind::Type) {
            show(here, around, id, at, 0.3 * gain * sure, Source::Definition, proposals);
        }
    }
}

/// What the file imports and may be about to use.
fn imported(here: &Here<'_>, around: &Surroundings<'_>, proposals: &mut Proposals) {
    let Some(own) = around.file.and_then(|id| around.index.file(id)) else { return };
    let index = around.index;
    for import in own.facts.imports.iter().take(64) {
        let Some(name) = import.name.map(|name| index.text(name)) else { continue };
        let mut best: Option<(f32, FileId, u32)> = None;
        for (id, at) in around.definitions(name).take(MOST_MEANINGS) {
            let Some(file) = index.file(id).filter(|file| speak(own.facts.language, file.facts.language)) else {
                continue;
            };
            let Some(fact) = file.facts.definitions.get(at as usize).filter(|fact| fact.parent.is_none()) else {
                continue;
            };
            let kind = if fact.kind == DefinitionKind::Implementation { 0.5 } else { 1.0 };
            let near = affinity(index.text(import.module), &file.path, Some(&own.path)) * kind;
            if near > 0.3 && best.is_none_or(|(known, ..)| near > known) {
                best = Some((near, id, at));
            }
        }
        if let Some((near, id, at)) = best.filter(|(_, id, _)| Some(*id) != around.file) {
            show(here, around, id, at, IMPORTED * near, Source::Definition, proposals);
        }
    }
}

/// The definitions that the cursor is in: what their headers name, the rest of the type, and who uses what is being written.
fn enclosing(here: &Here<'_>, around: &Surroundings<'_>, proposals: &mut Proposals) {
    let Some((id, own)) = around.file.and_then(|id| Some((id, around.index.file(id)?))) else { return };
    let cursor = here.cursor as u32;
    let inside: Vec<(usize, &DefinitionFact<Name>)> = own
        .facts
        .definitions
        .iter()
        .enumerate()
        .filter(|(_, fact)| fact.start <= cursor && cursor <= fact.end)
        .collect();
    for (_, fact) in &inside {
        if !render::is_type(fact.kind) {
            continue;
        }
        // `impl Trait for Type`, `class A extends B`: what the header names.
        let name = around.index.text(fact.name).to_owned();
        let header = here.snapshot.uses(fact.start as usize..fact.body as usize);
        let named = header.into_iter().filter(|used| used.kind == UseKind::Type).map(|used| used.name);
        for name in named.chain([name]) {
            for (other, at, sure) in meanings(around, &name, UseKind::Type) {
                show(here, around, other, at, 0.9 * sure, Source::Enclosing, proposals);
            }
        }
    }
    let function = inside.iter().rev().find(|(_, fact)| render::is_function(fact.kind));
    if let Some((_, fact)) = function {
        users(around, id, fact.name, proposals);
    }
}

/// Places of other files that use `name`.
fn users(around: &Surroundings<'_>, own: FileId, name: Name, proposals: &mut Proposals) {
    let text = around.index.text(name);
    if text.len() < 4 || around.files_with(text) > 50 {
        return;
    }
    let mut shown = 0;
    for id in around.containing(text).filter(|&id| id != own) {
        let Some(file) = around.index.file(id) else { continue };
        let Some(&(_, line)) = file.facts.uses.iter().find(|(used, _)| *used == name) else { continue };
        let Some(body) = around.texts.text(id) else { continue };
        let first = (line as usize).saturating_sub(USER_LINES / 2);
        let lines: String = body.split_inclusive('\n').skip(first).take(USER_LINES).collect();
        proposals.add(Source::Usage, &file.path, first, lines, 0.4);
        shown += 1;
        if shown == MOST_USERS {
            return;
        }
    }
}
