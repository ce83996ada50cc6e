//! Which definition of a text is which of its earlier state.

use pilotlight_syntax::{DefinitionKind, Item};

use super::{State, shape::tokens};

/// Pairs the children of two items that are the same one.
pub(super) fn pair(old: &State, new: &State, of: (Option<usize>, Option<usize>), pairs: &mut Vec<(usize, usize)>) {
    let (mut before, mut after) = (old.children(of.0), new.children(of.1));
    let mut found = Vec::new();
    let same = |a: usize, b: usize| {
        let (a, b) = (&old.items[a], &new.items[b]);
        a.name == b.name && family(a.kind) == family(b.kind)
    };
    // Of several of one name (methods of different types, overloads) those that are as they were first.
    for whole in [true, false] {
        let alike: Vec<usize> = before.clone();
        before.retain(|&a| {
            let name = &old.items[a].name;
            let several = alike.iter().filter(|&&other| old.items[other].name == *name).count() > 1
                || after.iter().filter(|&&other| new.items[other].name == *name).count() > 1;
            if whole && !several {
                return true;
            }
            match after.iter().position(|&b| same(a, b) && (!whole || old.rest(a) == new.rest(b))) {
                Some(at) => {
                    found.push((a, after.remove(at)));
                    false
                }
                None => true,
            }
        });
    }
    // What is left has another name now, or is gone. Where more fields came than went, or fewer, which became which is known only by what says much.
    let of_kind = |state: &State, all: &[usize], kind: DefinitionKind| {
        all.iter().filter(|&&at| family(state.items[at].kind) == family(kind)).count()
    };
    let even = |kind| of_kind(old, &before, kind) == of_kind(new, &after, kind);
    let uneven: Vec<usize> =
        before.iter().copied().filter(|&a| !has_body(old.items[a].kind) && !even(old.items[a].kind)).collect();
    for alike in [0, 1] {
        before.retain(|&a| {
            let is = |b: usize| {
                family(old.items[a].kind) == family(new.items[b].kind)
                    && likeness(old, a, new, b, &found) <= alike
                    && (!uneven.contains(&a) || old.rest(a) == new.rest(b) && says_much(&old.rest(a)))
            };
            let mut candidates = (0..after.len()).filter(|&at| is(after[at]));
            match (candidates.next(), candidates.next()) {
                (Some(at), None) => {
                    found.push((a, after.remove(at)));
                    false
                }
                _ => true,
            }
        });
    }
    for &(a, b) in &found {
        pairs.push((a, b));
        pair(old, new, (Some(a), Some(b)), pairs);
    }
}

/// Whether what stands behind a name belongs to few: it is long, or names a type that is not everybody's (`u32`, `string`).
fn says_much(rest: &str) -> bool {
    let own = |word: &str| {
        word.starts_with(char::is_uppercase)
            && !matches!(word, "Option" | "Optional" | "Vec" | "String" | "List" | "Box" | "Arc" | "Rc")
    };
    rest.len() > LONG || rest.split(|c: char| !c.is_alphanumeric() && c != '_').any(own)
}

/// A definition with so many bytes behind its name is known by them.
const LONG: usize = 40;

/// How sure it is that two items of different names are one: 0 surely, 1 probably, 2 not.
fn likeness(old: &State, a: usize, new: &State, b: usize, paired: &[(usize, usize)]) -> u8 {
    let (before, after) = (old.rest(a), new.rest(b));
    // Both stand behind the same neighbour.
    let neighbour = |items: &[Item], at: usize| (0..at).rev().find(|&other| items[other].parent == items[at].parent);
    let (left, right) = (neighbour(&old.items, a), neighbour(&new.items, b));
    let in_place = match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => paired.contains(&(left, right)),
        _ => false,
    };
    // What a trait asks for and what a type has of its own are two things.
    let same_bases = || old.bases(a) == new.bases(b);
    match (before == after, in_place) {
        (true, true) if same_bases() => 0,
        (true, false) if before.len() > LONG && same_bases() => 0,
        (true, false) if same_bases() => 1,
        // Of another type or value it is another field or constant.
        (false, true) if has_body(old.items[a].kind) && same_bases() => match (old.gives(a), new.gives(b)) {
            (Some(was), Some(is)) if tokens(&was) == tokens(&is) && words_alike(&before, &after, (2, 3)) => 1,
            (None, None) if words_alike(&before, &after, (4, 5)) => 1,
            _ => 2,
        },
        _ => 2,
    }
}

/// Kinds that have more than a type and a value behind the name.
pub(super) fn has_body(kind: DefinitionKind) -> bool {
    use DefinitionKind::{Constant, Field, Import, Parameter, Type, Variable, Variant};
    !matches!(kind, Constant | Field | Import | Parameter | Type | Variable | Variant)
}

/// Whether at least a `share` of the words of both, a fraction, are the same (Dice's coefficient).
fn words_alike(before: &str, after: &str, share: (usize, usize)) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    let (before, mut after) = (words(before), words(after));
    let all = before.len() + after.len();
    let common = before.iter().filter(|word| {
        let at = after.iter().position(|other| other == *word);
        at.map(|at| after.swap_remove(at)).is_some()
    });
    all > 0 && common.count() * 2 * share.1 >= all * share.0
}

/// Kinds that a change of a name may turn into each other.
fn family(kind: DefinitionKind) -> DefinitionKind {
    match kind {
        DefinitionKind::Constant => DefinitionKind::Variable,
        kind => kind,
    }
}
