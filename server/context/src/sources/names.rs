//! Names that the file does not have yet and may need next: of all that other files define, those that stand where code is like the code around the cursor.
//!
//! A name costs four tokens and the lines that define it thirty, so a list of the likeliest names holds most of what there is no room for as excerpts.

use std::collections::{HashMap, HashSet};

use pilotlight_syntax::index::{File, Index, Name, words};

use super::{
    Proposals, Surroundings,
    definitions::speak,
    similar::{Chunk, Words},
};
use crate::Source;

/// What the list is worth: about the needed names that it holds.
const GAIN: f32 = 2.0;
/// The share of the budget that goes to the list, in names of about so many tokens each, with what they belong to. Measured (tests/eval/context).
const SHARE: f32 = 0.4;
const TOKENS: f32 = 4.0;
/// Names of a list at most: what is less likely is worth less than any excerpt.
const MOST: usize = 150;
/// Definitions of one name looked at at most.
const MOST_MEANINGS: usize = 16;
/// Bytes of a line of the list, about.
const LINE: usize = 100;
/// What speaks for a name, as a logistic regression on packages of no evaluation weighs it, rounded: that a chunk like the code here has it at all,
const STANDS_NEAR: f32 = 1.6;
/// how many do, and how like they are;
const STANDS_OFTEN: f32 = 1.3;
/// that it belongs to a type which the file uses;
const OWNER_IS_USED: f32 = 1.3;
/// the share of its parts that are words around the cursor;
const PARTS: f32 = 1.4;
/// and the logarithm of the number of files that have it.
const FILES: f32 = 0.35;

/// Proposes the list, from the chunks that are like the code around the cursor and the words there.
pub(super) fn propose(
    around: &Surroundings<'_>,
    chunks: &[Chunk<'_>],
    words: &Words,
    budget: usize,
    proposals: &mut Proposals,
) {
    let Some(own) = around.file.and_then(|id| around.index.file(id)) else { return };
    let index = around.index;
    let used = own.facts.uses.iter().map(|(name, _)| *name);
    let defined = own.facts.definitions.iter().map(|fact| fact.name);
    let imported = own.facts.imports.iter().filter_map(|import| import.name);
    let has: HashSet<Name> = used.chain(defined).chain(imported).collect();

    let mut near: HashMap<Name, f32> = HashMap::new();
    for chunk in chunks {
        let mut seen = HashSet::new();
        words::identifiers(chunk.text, |word| {
            if let Some(name) = index.name(word).filter(|name| !has.contains(name))
                && seen.insert(name)
            {
                *near.entry(name).or_default() += chunk.alike * chunk.alike;
            }
        });
    }
    let mut ranked: Vec<(f32, &str, Option<Name>)> = Vec::new();
    for (name, chunks) in near {
        let text = index.text(name);
        let Some(owner) = owner(around, own, text, &has) else { continue };
        let (mut parts, mut known) = (0.0, 0.0);
        words::parts(text, |part| {
            parts += 1.0;
            known += if words.contains_key(&part) { 1.0 } else { 0.0 };
        });
        let score = STANDS_NEAR
            + STANDS_OFTEN * chunks.ln_1p()
            + if owner.is_some_and(|owner| has.contains(&owner)) { OWNER_IS_USED } else { 0.0 }
            + PARTS * known / f32::max(parts, 1.0)
            + FILES * (around.files_with(text) as f32).ln_1p();
        ranked.push((score, text, owner));
    }
    ranked.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.cmp(right.1)));
    ranked.truncate(MOST.min((budget as f32 * SHARE / TOKENS) as usize));
    let text = listed(index, &ranked, own.facts.language.line_comment().unwrap_or("//"));
    proposals.add(Source::Names, "names", 0, text, GAIN);
}

/// What a name belongs to where another file defines it: a type that the open file uses, if it is one of such. `None` where no other file defines it.
fn owner(around: &Surroundings<'_>, own: &File, name: &str, has: &HashSet<Name>) -> Option<Option<Name>> {
    let mut found = None;
    for (id, at) in around.definitions(name).take(MOST_MEANINGS) {
        let Some(file) = around.index.file(id).filter(|file| speak(own.facts.language, file.facts.language)) else {
            continue;
        };
        let Some(fact) = file.facts.definitions.get(at as usize).filter(|_| Some(id) != around.file) else { continue };
        let parent = fact.parent.and_then(|parent| file.facts.definitions.get(parent as usize)).map(|fact| fact.name);
        if parent.is_some_and(|parent| has.contains(&parent)) {
            return Some(parent);
        }
        found = found.or(Some(parent));
    }
    found
}

/// Comments of the names by what they belong to, the likeliest first.
fn listed(index: &Index, ranked: &[(f32, &str, Option<Name>)], comment: &str) -> String {
    let mut groups: Vec<(Option<Name>, Vec<&str>)> = Vec::new();
    for &(_, name, owner) in ranked {
        match groups.iter_mut().find(|(known, _)| *known == owner) {
            Some((_, names)) => names.push(name),
            None => groups.push((owner, vec![name])),
        }
    }
    let mut out = String::new();
    for (owner, names) in groups {
        let owner = owner.map_or(String::new(), |owner| format!("{}: ", index.text(owner)));
        let mut line = String::new();
        for name in names {
            if line.len() + name.len() > LINE {
                out += &format!("{comment} {owner}{line}\n");
                line.clear();
            }
            line += if line.is_empty() { "" } else { ", " };
            line += name;
        }
        out += &format!("{comment} {owner}{line}\n");
    }
    out
}
