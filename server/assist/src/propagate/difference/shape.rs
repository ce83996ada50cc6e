//! What has changed of one definition's parameters and types.

use pilotlight_syntax::{DefinitionKind, Item, Signature, Sites, Typed, TypedBy};

use super::{ParameterChange, ShapeChange, State};

/// How the parameters of the function that was `before` have changed.
pub(super) fn parameters(old: &Sites, before: &Item, new: &Sites, now: &Item) -> Option<ParameterChange> {
    let (old, new) = (old.signature(&before.name_range)?, new.signature(&now.name_range)?);
    let shape = |signature: &Signature| {
        let each = signature.parameters.iter().map(|it| (it.name.clone(), it.optional, it.given));
        (each.collect::<Vec<_>>(), signature.receiver, signature.rest)
    };
    if shape(old) == shape(new) {
        return None;
    }
    let from = correspondence(old, new);
    let change = ParameterChange { old: old.clone(), new: new.clone(), from };
    change.concerns_calls().then_some(change)
}

/// What of a definition is of another type, if it is one whose uses can be told. Of parameters those that were there before; new ones and their arguments are another matter.
pub(super) fn shape(old: &State, a: usize, new: &State, b: usize) -> Option<ShapeChange> {
    let (before, now) = (&old.items[a], &new.items[b]);
    let mut what = Vec::new();
    match (old.sites.signature(&before.name_range), new.sites.signature(&now.name_range)) {
        (Some(was), Some(is)) if now.kind != DefinitionKind::Constructor => {
            let from = correspondence(was, is);
            for (from, parameter) in from.iter().zip(&is.parameters) {
                let earlier = from.and_then(|from| was.parameters.get(from));
                if earlier.is_some_and(|earlier| !alike(&earlier.type_text, &parameter.type_text)) {
                    what.push(format!("`{}` is of another type", parameter.name));
                }
            }
            if !alike(&old.gives(a), &new.gives(b)) {
                what.push("it gives something else".to_owned());
            }
            let awaited = |state: &State, at| state.lead(at).split_whitespace().any(|word| word == "async");
            match (awaited(old, a), awaited(new, b)) {
                (false, true) => what.push("it is to be awaited".to_owned()),
                (true, false) => what.push("it is not to be awaited any more".to_owned()),
                _ => {}
            }
        }
        (None, None) => {
            let of = |state: &State, at: usize| {
                let of_name = |it: &&Typed| it.range == state.items[at].name_range && it.by == TypedBy::Type;
                let mut all = state.sites.members.iter().chain(&state.sites.typed);
                all.find(of_name).map(|it| it.text.clone())
            };
            let (was, is) = (of(old, a), of(new, b));
            if was.is_some() && is.is_some() && !alike(&was, &is) {
                what.push("it is of another type".to_owned());
            }
        }
        _ => {}
    }
    (!what.is_empty()).then(|| ShapeChange { what: what.join(", "), old: old.head(a), new: new.head(b) })
}

/// What is written, on one line.
pub(super) fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A type by what it is made of: blanks, the kind of quotes, a last comma, `;` between an object's members and a first `|` make no other one.
pub(super) fn tokens(text: &str) -> String {
    let mut all: Vec<String> = Vec::new();
    // The open brackets, and the commas in each.
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut word = false;
    for c in text.chars() {
        let in_word = c.is_alphanumeric() || matches!(c, '_' | '$');
        let begins = all.last().is_none_or(|last| matches!(&**last, "(" | "[" | "{" | "<" | ":" | "," | "="));
        let c = if c == ';' && open.last().is_some_and(|(bracket, _)| *bracket == '{') { ',' } else { c };
        match (c, all.last_mut()) {
            _ if c.is_whitespace() || c == '|' && begins => {}
            (_, Some(last)) if in_word && word => last.push(c),
            ('\'', _) => all.push("\"".to_owned()),
            _ => {
                match c {
                    '(' | '[' | '{' | '<' => open.push((c, 0)),
                    ',' => open.iter_mut().last().into_iter().for_each(|(_, commas)| *commas += 1),
                    // `=>` and `->` close nothing.
                    '>' if all.last().is_some_and(|last| matches!(&**last, "=" | "-")) => {}
                    ')' | ']' | '}' | '>' => {
                        // `(A,)` is another one than `(A)`.
                        let one = open.pop().is_some_and(|(_, commas)| commas == 1) && c == ')';
                        if !one && all.last().is_some_and(|last| last == ",") {
                            all.pop();
                        }
                    }
                    _ => {}
                }
                all.push(c.to_string());
            }
        }
        word = in_word;
    }
    all.join(" ")
}

/// Whether both are written the same, but for what a formatter changes.
fn alike(a: &Option<String>, b: &Option<String>) -> bool {
    tokens(a.as_deref().unwrap_or_default()) == tokens(b.as_deref().unwrap_or_default())
}

/// For each new parameter, which it was: by name; what is left over, where as many came as went, by place and type.
fn correspondence(old: &Signature, new: &Signature) -> Vec<Option<usize>> {
    let mut from: Vec<Option<usize>> =
        new.parameters.iter().map(|it| old.parameters.iter().position(|other| other.name == it.name)).collect();
    let gone: Vec<usize> = (0..old.parameters.len()).filter(|at| !from.contains(&Some(*at))).collect();
    let came: Vec<usize> = (0..from.len()).filter(|&at| from[at].is_none()).collect();
    for &at in &came {
        let alike = |&&old_at: &&usize| {
            let (was, is) = (&old.parameters[old_at], &new.parameters[at]);
            let in_place = gone.len() == came.len()
                && gone.iter().position(|it| *it == old_at) == came.iter().position(|it| *it == at);
            alike(&was.type_text, &is.type_text)
                && was.optional == is.optional
                && in_place
                && !from.contains(&Some(old_at))
        };
        if let Some(&was) = gone.iter().find(alike) {
            from[at] = Some(was);
        }
    }
    from
}
