//! A definition as a prompt shows it: its documentation's first lines, its signature, what it has; its body where that is small.

use pilotlight_syntax::{
    DefinitionKind,
    index::{DefinitionFact, File, Name},
};

/// A definition of so many lines is shown whole.
const SMALL: usize = 5;
/// A type of so many lines is.
const SMALL_TYPE: usize = 24;
/// Lines of documentation.
const LEAD: usize = 2;
/// Members that are listed.
const MEMBERS: usize = 40;
/// Bytes of one signature.
const SIGNATURE: usize = 320;

type Fact = DefinitionFact<Name>;

pub(super) fn is_type(kind: DefinitionKind) -> bool {
    use DefinitionKind as K;
    matches!(kind, K::Class | K::Struct | K::Union | K::Enum | K::Interface | K::Trait | K::Implementation | K::Type)
}

pub(super) fn is_function(kind: DefinitionKind) -> bool {
    matches!(
        kind,
        DefinitionKind::Function | DefinitionKind::Method | DefinitionKind::Constructor | DefinitionKind::Macro
    )
}

/// The lines that a definition has, the end excluded.
pub(super) fn lines(fact: &Fact, text: &str) -> std::ops::Range<usize> {
    let whole = text.get(fact.start as usize..fact.end as usize).unwrap_or_default();
    fact.line as usize..fact.line as usize + whole.lines().count().max(1)
}

/// One definition.
pub(super) fn definition(file: &File, text: &str, at: u32) -> Option<String> {
    let fact = file.facts.definitions.get(at as usize)?;
    let mut out = String::new();
    if let Some(lead) = text.get(fact.lead as usize..fact.start as usize) {
        lead.lines().take(LEAD).for_each(|line| push_line(&mut out, line));
    }
    let whole = text.get(fact.start as usize..fact.end as usize)?;
    let count = whole.lines().count();
    if is_type(fact.kind) {
        if count <= SMALL_TYPE && fact.kind != DefinitionKind::Implementation {
            push_lines(&mut out, whole);
        } else {
            push_line(&mut out, &signature(text, fact)?);
            members(file, text, at, &mut out);
        }
    } else if count <= SMALL {
        push_lines(&mut out, whole);
    } else {
        let mut signature = signature(text, fact)?;
        if is_function(fact.kind) {
            signature.push_str(" …");
        }
        push_line(&mut out, &signature);
    }
    Some(out)
}

/// The signatures of what is directly in a definition.
pub(super) fn members(file: &File, text: &str, of: u32, out: &mut String) {
    let inside = file.facts.definitions.iter().filter(|fact| fact.parent == Some(of)).take(MEMBERS);
    for fact in inside {
        if let Some(signature) = signature(text, fact) {
            push_line(out, &signature);
        }
    }
}

/// What stands before a definition's body, on as few lines as it was written.
pub(super) fn signature(text: &str, fact: &Fact) -> Option<String> {
    let mut signature = text.get(fact.start as usize..fact.body as usize)?.trim_end();
    if fact.body == fact.end {
        // Without a body: a declaration, of which the first lines say enough.
        let end = signature.match_indices('\n').nth(2).map_or(signature.len(), |(at, _)| at);
        signature = &signature[..end];
    }
    let mut end = signature.len().min(SIGNATURE);
    while !signature.is_char_boundary(end) {
        end -= 1;
    }
    Some(signature[..end].trim_end_matches(['{', ' ', '\n', '\t']).to_owned())
}

fn push_line(out: &mut String, line: &str) {
    if !line.trim().is_empty() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn push_lines(out: &mut String, text: &str) {
    text.lines().for_each(|line| push_line(out, line));
}
