//! The arguments of one call, made to fit changed parameters.

use std::ops::Range;

use pilotlight_syntax::{Argument, Call, Given, Language};

use super::{difference::ParameterChange, quiet::quiet};
use crate::changes::Edit;

/// What a call needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    /// These edits, of names alone; none where it fits as it is.
    Edits(Vec<Edit>),
    /// Its arguments written anew.
    Anew(Rewrite),
    /// It fits once these arguments stand there.
    Wants(Vec<Missing>),
    /// It cannot be a call of that function: the arguments do not fit.
    Foreign,
    /// A person has to say.
    Unsure(String),
}

/// A stretch of a call's arguments, made anew as a whole out of what stands there: half of it would be another call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rewrite {
    /// The bytes that are replaced.
    pub(super) range: Range<usize>,
    pub(super) pieces: Vec<Piece>,
    /// As of an [`Edit`].
    pub(super) doubt: Option<String>,
}

/// What a [`Rewrite`] is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// These bytes of the file, with what is done in them.
    Kept(Range<usize>),
    New(String),
}

impl Rewrite {
    /// What stands in its place, with the edits `inner` made in what is kept; those of what is not kept go with it.
    pub(super) fn text(&self, text: &str, inner: &[Edit]) -> String {
        let kept = |range: &Range<usize>| {
            let mut kept = text[range.clone()].to_owned();
            let within = |edit: &&Edit| range.start <= edit.range.start && edit.range.end <= range.end;
            for edit in inner.iter().rev().filter(within) {
                kept.replace_range(edit.range.start - range.start..edit.range.end - range.start, &edit.text);
            }
            kept
        };
        let each = self.pieces.iter().map(|piece| match piece {
            Piece::Kept(range) => kept(range),
            Piece::New(text) => text.clone(),
        });
        each.collect()
    }
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
        let Argument { range, name, .. } = &call.arguments[at];
        let value = text[name.as_ref().map_or(range.start, |name| name.end)..range.end].trim_start();
        let value = value.strip_prefix(['=', ':']).filter(|_| name.is_some()).unwrap_or(value);
        // Rust's `?` may leave the function.
        if !quiet(value) || language == Language::Rust && value.contains('?') {
            return unsure("the argument that goes does something");
        }
    }
    if call.comments && (gone.count() > 0 || change.is_reordered()) {
        return unsure("a comment stands between the arguments");
    }
    let fitted = fitted(call, &wanted, &kept, text);
    if absent.is_empty() {
        return fitted;
    }
    // Put in between what stays where it is: what else moves is a person's.
    if fitted != Carried::Edits(Vec::new()) || !kept.is_empty() {
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

/// The `wanted` arguments, each with the name it is given by, in the places of those that were there; what is not `kept` either goes.
fn fitted(call: &Call, wanted: &[(usize, Option<String>)], kept: &[usize], text: &str) -> Carried {
    let ranges = |at: usize| call.arguments[at].range.clone();
    // By name the order does not matter: what stands in its place stays there.
    let placed: Vec<usize> =
        wanted.iter().filter(|(at, _)| call.arguments[*at].name.is_none()).map(|(at, _)| *at).collect();
    let reordered = !placed.is_sorted();
    let mut parts: Vec<(Range<usize>, Vec<Piece>)> = Vec::new();
    let mut stays: Vec<usize> = wanted.iter().map(|(at, _)| *at).collect();
    if reordered {
        // The texts change places, and what is between them stays.
        stays.sort_unstable();
        for (&slot, (at, name)) in stays.iter().zip(wanted) {
            let argument = &call.arguments[*at];
            let pieces = match (name, &argument.name) {
                (Some(name), Some(old)) => vec![Piece::New(name.clone()), Piece::Kept(old.end..argument.range.end)],
                (Some(name), None) => vec![Piece::New(format!("{name}=")), Piece::Kept(ranges(*at))],
                (None, _) => vec![Piece::Kept(ranges(*at))],
            };
            let part = Rewrite { range: ranges(slot), pieces, doubt: None };
            if text[ranges(slot)] != part.text(text, &[]) {
                parts.push((part.range, part.pieces));
            }
        }
    } else {
        for (at, name) in wanted.iter().filter_map(|(at, name)| Some((*at, name.as_ref()?))) {
            match &call.arguments[at].name {
                Some(old) if text[old.clone()] == *name => {}
                Some(old) => parts.push((old.clone(), vec![Piece::New(name.clone())])),
                None => parts.push((ranges(at).start..ranges(at).start, vec![Piece::New(format!("{name}="))])),
            }
        }
    }
    stays.extend(kept);
    let goes: Vec<usize> = (0..call.arguments.len()).filter(|at| !stays.contains(at)).collect();
    if !reordered && goes.is_empty() {
        let edit = |(range, pieces)| {
            let text = Rewrite { range: 0..0, pieces, doubt: None }.text(text, &[]);
            Edit { range, text, doubt: None }
        };
        return Carried::Edits(parts.into_iter().map(edit).collect());
    }
    for &at in &goes {
        let first = !stays.iter().any(|stay| *stay < at);
        let range = match first {
            _ if stays.is_empty() => call.list.start + 1..call.list.end - 1,
            true => ranges(at).start..ranges(at + 1).start,
            false => ranges(at - 1).end..ranges(at).end,
        };
        parts.push((range, Vec::new()));
    }
    parts.sort_by_key(|(range, _)| (range.start, range.end));
    parts.dedup();
    let Some((first, _)) = parts.first() else { return Carried::Edits(Vec::new()) };
    let (start, mut end) = (first.start, first.start);
    let mut pieces = Vec::new();
    for (range, part) in parts {
        pieces.push(Piece::Kept(end..range.start));
        pieces.extend(part);
        end = range.end;
    }
    Carried::Anew(Rewrite { range: start..end, pieces, doubt: None })
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
            Carried::Anew(rewrite) => {
                let mut text = call.to_owned();
                text.replace_range(rewrite.range.clone(), &rewrite.text(call, &[]));
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
        assert_eq!(check("a, b", "a", "f(1, b=x[0])"), "f(1)");
        assert_eq!(check("a, b", "a", "f(1, b=(x := 3))"), "Unsure(\"the argument that goes does something\")");
    }

    #[test]
    fn rust() {
        let check = |old: &str, new: &str, call: &str| {
            let call = format!("fn g() {{ {call} }}");
            check(Language::Rust, &format!("fn f({old}) {{}}"), &format!("fn f({new}) {{}}"), &call)
        };
        assert_eq!(check("a: A, b: B", "b: B, a: A", "f(\n    1,\n    2,\n)"), "fn g() { f(\n    2,\n    1,\n) }");
        assert_eq!(check("a: A, b: B, c: C", "c: C, b: B", "f(1, 2, 3)"), "fn g() { f(3, 2) }");
        assert_eq!(check("a: A, b: B, c: C, d: D", "d: D, c: C", "f(1, 2, 3, 4)"), "fn g() { f(4, 3) }");
        assert_eq!(check("a: A, b: B, c: C, d: D", "c: C, a: A", "f(1, 2, 3, 4)"), "fn g() { f(3, 1) }");
        assert_eq!(check("a: A", "m: M, a: A, n: N", "f(1)"), "fn g() { f(?m, 1, ?n) }");
        assert_eq!(check("a: A, b: B", "a: A", "f(1)"), "Foreign");
        let does = "Unsure(\"the argument that goes does something\")";
        assert_eq!(check("a: A, b: B", "a: A", "f(1, x?.y)"), does);
        assert_eq!(check("a: A, b: B", "a: A", "f(1, if a { return 3 } else { 4 })"), does);
        assert_eq!(check("a: A, b: B", "a: A", "f(1, &x.y)"), "fn g() { f(1) }");
        assert_eq!(
            check("a: A, b: B", "a: A", "f(1, /* b */ 2)"),
            "Unsure(\"a comment stands between the arguments\")"
        );
    }
}
