//! Renamed parameters in the body of their own function.

use std::ops::Range;

use pilotlight_syntax::{Before, Language};

use super::{uses::Found, view::View};
use crate::changes::Edit;

/// Edits what means the parameter whose old name stands at `at` in `home`, the file with the old names put back; `function` is where the name of its function stands there.
pub(super) fn renamed(home: &View, function: &Range<usize>, at: &Range<usize>, new: &str, found: &mut Found) {
    let Some(signature) = home.sites.signature(function) else { return };
    let old = &home.text[at.clone()];
    let (definitions, references) = (&home.scopes.definitions, &home.scopes.references);
    let Some(own) = definitions.iter().position(|definition| definition.range == *at) else { return };
    // What is assigned to a parameter is no new variable in Python.
    let again = |it: usize| {
        let (one, other) = (&definitions[own], &definitions[it]);
        home.snapshot.language() == Language::Python && one.scope == other.scope && one.name == other.name
    };
    let property = !modifiers(home, function, at).is_empty();
    for it in home.snapshot.occurrences(old) {
        if let Before::Member(of) = &it.before
            && property
            && it.dead.is_none()
        {
            let class = |at: usize| home.sites.container(at).map(|it| it.range.clone());
            let own = of.as_slice() == ["this"] && class(it.range.start) == class(at.start);
            let doubt = (!own).then(|| "the type of what it is a member of is not known".to_owned());
            found.edits.push(Edit { range: it.range, text: new.to_owned(), doubt });
            continue;
        }
        // What stands in Python's list of parameters is of the scope around it.
        let outside = home.snapshot.language() == Language::Python && signature.list.contains(&it.range.start);
        if it.range == *at || !signature.range.contains(&it.range.start) || outside {
            continue;
        }
        if it.dead.is_some() {
            let doubt = Some("in a comment or a string".to_owned());
            found.edits.push(Edit { range: it.range, text: new.to_owned(), doubt });
            continue;
        }
        let reference = references.iter().find(|reference| reference.range == it.range);
        let meaning = match reference {
            Some(reference) => reference.definition,
            None => definitions.iter().position(|definition| definition.range == it.range),
        };
        if it.before != Before::Bare || meaning.is_none_or(|meaning| meaning != own && !again(meaning)) {
            continue;
        }
        let text = match home.key(&it.range) {
            Some(key) if key.shorthand => format!("{old}: {new}"),
            Some(_) => continue,
            None => new.to_owned(),
        };
        let hidden =
            home.visible(new, it.range.start).is_some_and(|nearer| signature.range.contains(&nearer.range.start));
        let doubt = match hidden {
            true => Some(format!("`{new}` means something else here")),
            false => home.may_be_key(&it).then(|| "it may be the name of a field".to_owned()),
        };
        found.edits.push(Edit { range: it.range, text, doubt });
    }
}

/// What makes the parameter at `at` a member of its class too, if something does: `private` of `constructor(private x: number)` in TypeScript.
pub(super) fn modifiers<'a>(home: &'a View, function: &Range<usize>, at: &Range<usize>) -> Vec<&'a str> {
    let typescript = matches!(home.snapshot.language(), Language::TypeScript | Language::Tsx);
    if !typescript || home.text[function.clone()] != *"constructor" {
        return Vec::new();
    }
    let mut said = Vec::new();
    for leaf in home.snapshot.leaves(function.end..at.start) {
        match leaf.kind() {
            "(" | "," => said.clear(),
            kind @ ("private" | "public" | "protected" | "readonly") => said.push(kind),
            _ => {}
        }
    }
    said
}
