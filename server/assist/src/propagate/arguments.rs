//! The arguments of one call, made to fit changed parameters.

use std::ops::Range;

use pilotlight_syntax::{Call, Given, Language};

use super::difference::ParameterChange;
use crate::changes::Edit;

/// What a call needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    /// These edits; none where it fits as it is.
    Edits(Vec<Edit>),
    /// It fits once these arguments stand there.
    Wants(Vec<Missing>),
    /// It cannot be a call of that function: the arguments do not fit.
    Foreign,
    /// A person has to say.
    Unsure(String),
}

/// An argument that a call does not have yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// The parameter.
    pub(super) name: String,
    /// Where it belongs.
    pub(super) at: usize,
    /// What stands before and behind it then.
    pub(super) around: (String, String),
}

/// `text` is the whole text of the call's file; `bound` says that the object is the first argument (`Point::get(point)`).
pub(super) fn carried(change: &ParameterChange, call: &Call, bound: bool, language: Language, text: &str) -> Carried {
    let (old, new) = (&change.old, &change.new);
    let unsure = |why: &str| Carried::Unsure(why.to_owned());
    if call.arguments.iter().any(|argument| argument.spread) {
        return unsure("its arguments are spread");
    }
    let skipped = usize::from(bound && old.receiver);
    if language == Language::Go
        && old.parameters.len() > 1
        && matches!(call.arguments.as_slice(), [one] if text[one.range.clone()].ends_with(')'))
    {
        return unsure("its arguments are what another call gives");
    }
    // Of each old parameter, the argument that gives it.
    let mut given: Vec<Option<usize>> = vec![None; old.parameters.len()];
    let mut named = vec![false; call.arguments.len()];
    let placed = (0..old.parameters.len()).filter(|&at| old.parameters[at].given != Given::Name);
    let mut places = placed;
    for (at, argument) in call.arguments.iter().enumerate().skip(skipped) {
        let parameter = match &argument.name {
            Some(name) => {
                named[at] = true;
                let known = old.parameters.iter().position(|it| it.name == text[name.clone()]);
                match known {
                    Some(known) => Some(known),
                    None if old.rest => continue,
                    None => return unsure("it names a parameter that there was not"),
                }
            }
            None => places.next(),
        };
        match parameter {
            Some(parameter) => given[parameter] = Some(at),
            None if old.rest && (change.is_reordered() || change.removed().next().is_some()) => {
                return unsure("it takes any number of arguments");
            }
            None if old.rest => {}
            None if strict(language) => return Carried::Foreign,
            None => return unsure("it has more arguments than there were parameters"),
        }
    }
    if (0..given.len()).any(|at| given[at].is_none() && !old.parameters[at].optional) {
        return if strict(language) {
            Carried::Foreign
        } else {
            unsure("it has fewer arguments than there were parameters")
        };
    }
    let mut wanted: Vec<(usize, Option<String>)> = Vec::new();
    let mut by_name = false;
    let mut absent = Vec::new();
    for (at, parameter) in new.parameters.iter().enumerate() {
        let argument = change.from[at].and_then(|old| given[old]);
        let Some(argument) = argument else {
            if !parameter.optional {
                // It will stand in its place.
                absent.push(at);
            } else if parameter.given != Given::Name {
                // What follows cannot be told by its place any more.
                by_name = true;
            }
            continue;
        };
        let name = match (named[argument], by_name || parameter.given == Given::Name) {
            (true, _) => {
                // Nothing stands by its place behind what is given by name.
                by_name |= parameter.given != Given::Name;
                Some(parameter.name.clone())
            }
            (false, true) if language == Language::Python && parameter.given != Given::Place => {
                Some(parameter.name.clone())
            }
            (false, true) => return unsure("what follows the argument that is left out would take its place"),
            (false, false) => None,
        };
        wanted.push((argument, name));
    }
    let untouched = call.arguments.iter().enumerate().filter(|(at, _)| *at < skipped || !given.contains(&Some(*at)));
    let kept: Vec<usize> = untouched.map(|(at, _)| at).collect();
    let gone = given.iter().flatten().filter(|at| !wanted.iter().any(|(it, _)| it == *at));
    for &at in gone.clone() {
        let argument = &text[call.arguments[at].range.clone()];
        if argument.contains('(') || argument.contains("=>") || argument.contains("await ") {
            return unsure("the argument that goes does something");
        }
    }
    if call.comments && (gone.count() > 0 || change.is_reordered()) {
        return unsure("a comment stands between the arguments");
    }
    let edits = edits(call, &wanted, &kept, text);
    if absent.is_empty() {
        return Carried::Edits(edits);
    }
    // Put in between what stays where it is: what else moves is a person's.
    if !edits.is_empty() || !kept.is_empty() {
        let names: Vec<&str> = absent.iter().map(|&at| new.parameters[at].name.as_str()).collect();
        return Carried::Unsure(format!("a new argument is needed: {}", names.join(", ")));
    }
    Carried::Wants(absent.into_iter().map(|at| missing(change, call, &given, at, language)).collect())
}

/// Where the argument for new parameter `at` of a call belongs.
fn missing(change: &ParameterChange, call: &Call, given: &[Option<usize>], at: usize, language: Language) -> Missing {
    let parameter = &change.new.parameters[at];
    let before = change.from[..at].iter().rev().find_map(|old| given[(*old)?]);
    let by_name = parameter.given == Given::Name || before.is_some_and(|it| call.arguments[it].name.is_some());
    let name = if by_name && language == Language::Python { format!("{}=", parameter.name) } else { String::new() };
    let (at, around) = match (before, call.arguments.first()) {
        (Some(before), _) => (call.arguments[before].range.end, (format!(", {name}"), String::new())),
        (None, Some(first)) => (first.range.start, (name, ", ".to_owned())),
        (None, None) => (call.list.start + 1, (name, String::new())),
    };
    Missing { name: parameter.name.clone(), at, around }
}

/// Languages in which a call has all its arguments.
pub(super) fn strict(language: Language) -> bool {
    matches!(language, Language::Rust | Language::Go)
}

fn edits(call: &Call, wanted: &[(usize, Option<String>)], kept: &[usize], text: &str) -> Vec<Edit> {
    let edit = |range: Range<usize>, text: String| Edit { range, text, doubt: None };
    let spelled = |&(at, ref name): &(usize, Option<String>)| {
        let argument = &call.arguments[at];
        match (name, &argument.name) {
            (Some(name), Some(old)) => name.clone() + &text[old.end..argument.range.end],
            (Some(name), None) => format!("{name}={}", &text[argument.range.clone()]),
            (None, _) => text[argument.range.clone()].to_owned(),
        }
    };
    // By name the order does not matter: what stands in its place stays there.
    let placed: Vec<usize> =
        wanted.iter().filter(|(at, _)| call.arguments[*at].name.is_none()).map(|(at, _)| *at).collect();
    let mut out = Vec::new();
    if placed.is_sorted() {
        let mut stays: Vec<usize> = wanted.iter().map(|(at, _)| *at).chain(kept.iter().copied()).collect();
        stays.sort_unstable();
        for one in wanted {
            let (range, new) = (call.arguments[one.0].range.clone(), spelled(one));
            if text[range.clone()] != new {
                // Only the name, where that is all.
                match &call.arguments[one.0].name {
                    Some(name) => out.push(edit(name.clone(), one.1.clone().unwrap_or_default())),
                    None => out.push(edit(range, new)),
                }
            }
        }
        if stays.is_empty() && !call.arguments.is_empty() {
            out.push(edit(call.list.start + 1..call.list.end - 1, String::new()));
            return out;
        }
        let ranges = |at: usize| call.arguments[at].range.clone();
        for at in (0..call.arguments.len()).filter(|at| !stays.contains(at)) {
            let first = !stays.iter().any(|stay| *stay < at);
            let range = match first {
                true => ranges(at).start..ranges(at + 1).start,
                false => ranges(at - 1).end..ranges(at).end,
            };
            out.push(edit(range, String::new()));
        }
        out.sort_by_key(|edit| edit.range.start);
        return out;
    }
    // Another order: the texts change places, and what is between them stays.
    let mut slots: Vec<usize> = wanted.iter().map(|(at, _)| *at).collect();
    slots.sort_unstable();
    for (slot, one) in slots.iter().zip(wanted) {
        let (range, new) = (call.arguments[*slot].range.clone(), spelled(one));
        if text[range.clone()] != new {
            out.push(edit(range, new));
        }
    }
    for at in (0..call.arguments.len()).filter(|at| !slots.contains(at) && !kept.contains(at)) {
        let range = call.arguments[at].range.clone();
        out.push(match at {
            0 => edit(range.start..call.arguments[1].range.start, String::new()),
            _ => edit(call.arguments[at - 1].range.end..range.end, String::new()),
        });
    }
    out.sort_by_key(|edit| edit.range.start);
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use pilotlight_syntax::Document;

    use super::*;
    use crate::propagate::difference::differences;

    /// What becomes of the last call in `call`, when the definition before it changes from `old` to `new`.
    fn check(language: Language, old: &str, new: &str, call: &str) -> String {
        let state = |text: &str| Document::open(language, 0, text).snapshot();
        let change = differences(&state(old), &state(new)).remove(0).parameters.unwrap();
        let sites = state(call).sites();
        match carried(&change, sites.calls.last().unwrap(), false, language, call) {
            Carried::Edits(edits) => {
                let mut text = call.to_owned();
                edits.iter().rev().for_each(|edit| text.replace_range(edit.range.clone(), &edit.text));
                text
            }
            Carried::Wants(all) => {
                let mut text = call.to_owned();
                for Missing { name, at, around: (before, after) } in all.iter().rev() {
                    text.insert_str(*at, &format!("{before}?{name}{after}"));
                }
                text
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn python() {
        let check = |old: &str, new: &str, call: &str| {
            check(Language::Python, &format!("def f({old}): pass\n"), &format!("def f({new}): pass\n"), call)
        };
        assert_eq!(check("a, b, c", "a, c", "f(1, 2, 3)"), "f(1, 3)");
        assert_eq!(check("a, b, c", "b, c", "f(1, 2, 3)"), "f(2, 3)");
        assert_eq!(check("a", "", "f(1,)"), "f()");
        assert_eq!(check("a, b, c", "a, c", "f(1, c=3, b=2)"), "f(1, c=3)");
        assert_eq!(check("a, b", "b, a", "f(1, 2)"), "f(2, 1)");
        assert_eq!(check("a, b", "b, a", "f(b=1, a=2)"), "f(b=1, a=2)");
        assert_eq!(check("a, b", "b, a", "f(1, b=2)"), "f(a=1, b=2)");
        assert_eq!(check("a, b=1", "a, size=1", "f(1, b=2)"), "f(1, size=2)");
        assert_eq!(check("a, b=1", "a, n=0, b=1", "f(1, 2)"), "f(1, b=2)");
        assert_eq!(check("a, b=1", "a, b=1, n=0", "f(1, 2)"), "f(1, 2)");
        assert_eq!(check("a", "a, n", "f(1)"), "f(1, ?n)");
        assert_eq!(check("a", "n, a", "f(1)"), "f(?n, 1)");
        assert_eq!(check("", "n", "f()"), "f(?n)");
        assert_eq!(check("a", "a, *, n", "f(1)"), "f(1, n=?n)");
        assert_eq!(check("a, b", "a, n, b", "f(a=1, b=2)"), "f(a=1, n=?n, b=2)");
        assert_eq!(check("a, b", "b, n, a", "f(1, 2)"), "Unsure(\"a new argument is needed: n\")");
        assert_eq!(check("a, b", "a", "f(*x)"), "Unsure(\"its arguments are spread\")");
        assert_eq!(check("a, b", "a, *, b", "f(1, 2)"), "f(1, b=2)");
    }

    #[test]
    fn rust() {
        let check = |old: &str, new: &str, call: &str| {
            let call = format!("fn g() {{ {call} }}");
            check(Language::Rust, &format!("fn f({old}) {{}}"), &format!("fn f({new}) {{}}"), &call)
        };
        assert_eq!(check("a: A, b: B", "b: B, a: A", "f(\n    1,\n    2,\n)"), "fn g() { f(\n    2,\n    1,\n) }");
        assert_eq!(check("a: A, b: B, c: C", "c: C, b: B", "f(1, 2, 3)"), "fn g() { f(3, 2) }");
        assert_eq!(check("a: A", "m: M, a: A, n: N", "f(1)"), "fn g() { f(?m, 1, ?n) }");
        assert_eq!(check("a: A, b: B", "a: A", "f(1)"), "Foreign");
        assert_eq!(
            check("a: A, b: B", "a: A", "f(1, /* b */ 2)"),
            "Unsure(\"a comment stands between the arguments\")"
        );
    }
}
