//! What a person has changed of a text's definitions: names, parameters and types, found by comparing two states of the text.

mod waiting;

use std::ops::Range;

use pilotlight_syntax::{DefinitionKind, Item, Language, Parameter, Signature, Sites, Snapshot, Typed, TypedBy};

pub use waiting::still_waiting;
pub(crate) use waiting::{names, settled};

/// A definition whose name, parameters or types have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionChange {
    /// What it is.
    pub kind: DefinitionKind,
    /// Its name before.
    pub old_name: String,
    /// Its name now; the same where only its parameters have changed.
    pub new_name: String,
    /// The bytes of the name now.
    pub name_range: Range<usize>,
    /// The bytes of the whole definition now.
    pub range: Range<usize>,
    /// What it is a member of, by its simple name: the type, class or interface around it.
    pub container: Option<String>,
    /// The trait or classes that the container implements or extends where it holds this definition, by their simple names.
    pub bases: Vec<String>,
    /// It is known in a function alone.
    pub local: bool,
    /// How its parameters have changed, if they have.
    pub parameters: Option<ParameterChange>,
    /// What of it is of another type now, if something is.
    pub shape: Option<ShapeChange>,
}

/// What a definition is, takes or gives is of another type: uses may have to say something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeChange {
    /// What, in words.
    pub what: String,
    /// The definition's head before, as written, on one line.
    pub old: String,
    /// Now.
    pub new: String,
}

/// How parameters have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterChange {
    /// Before.
    pub old: Signature,
    /// Now.
    pub new: Signature,
    /// For each parameter now, which it was before; `None` for a new one.
    pub from: Vec<Option<usize>>,
}

impl DefinitionChange {
    /// Whether the name is another.
    pub fn is_renamed(&self) -> bool {
        self.old_name != self.new_name
    }

    /// Where what tells the change ends: the name, or the parameters.
    pub fn head_end(&self) -> usize {
        let list = self.parameters.as_ref().map_or(0, |parameters| parameters.new.list.end);
        list.max(self.name_range.end)
    }
}

impl ParameterChange {
    /// Old parameters that are gone.
    pub fn removed(&self) -> impl Iterator<Item = usize> {
        (0..self.old.parameters.len()).filter(|old| !self.from.contains(&Some(*old)))
    }

    /// Whether parameters that were there before stand in another order.
    pub fn is_reordered(&self) -> bool {
        !self.from.iter().flatten().is_sorted()
    }

    /// Whether calls may have to change.
    pub fn concerns_calls(&self) -> bool {
        self.removed().next().is_some()
            || self.is_reordered()
            || self.from.iter().any(Option::is_none)
            || self.renamed().next().is_some()
            || self.pairs().any(|(old, new)| old.given != new.given || old.optional && !new.optional)
    }

    /// Parameters that were there before, as they were and as they are.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&Parameter, &Parameter)> {
        let pairs = self.from.iter().zip(&self.new.parameters);
        pairs.filter_map(|(old, new)| Some((self.old.parameters.get((*old)?)?, new)))
    }

    /// Old and new name of those that are called otherwise.
    pub fn renamed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs().map(|(old, new)| (&*old.name, &*new.name)).filter(|(old, new)| old != new)
    }
}

/// What has changed from `old` to `new`, in the order of the text. Definitions that came, went or moved are no changes.
pub fn differences(old: &Snapshot, new: &Snapshot) -> Vec<DefinitionChange> {
    let changed = changed(&State::new(old), &State::new(new));
    let mut found: Vec<DefinitionChange> = changed.into_iter().map(|(_, _, change)| change).collect();
    found.sort_by_key(|change| change.name_range.start);
    found
}

/// The same with the places of each definition among the items before and after.
fn changed(before: &State, after: &State) -> Vec<(usize, usize, DefinitionChange)> {
    let mut pairs = Vec::new();
    pair(before, after, (None, None), &mut pairs);
    let changed = pairs.into_iter().filter_map(|(from, to)| {
        let (item, now) = (&before.items[from], &after.items[to]);
        let parameters = parameters(&before.sites, item, &after.sites, now);
        let shape = shape(before, from, after, to);
        let renamed = item.name != now.name && now.kind != DefinitionKind::Implementation;
        let changed = renamed || parameters.is_some() || shape.is_some();
        changed.then(|| (from, to, DefinitionChange { shape, ..change(after, item, to, parameters) }))
    });
    changed.collect()
}

/// A change that was not made yet: the item at byte `offset` of `now` is to be called `name`. `None` where no definition's name is.
pub fn rename(now: &Snapshot, offset: usize, name: &str) -> Option<DefinitionChange> {
    let state = State::new(now);
    let at = state.items.iter().position(|item| {
        item.kind != DefinitionKind::Implementation && item.name_range.start <= offset && offset <= item.name_range.end
    })?;
    let item = state.items[at].clone();
    let change = change(&state, &item, at, None);
    Some(DefinitionChange { new_name: name.to_owned(), ..change })
}

fn change(after: &State, before: &Item, to: usize, parameters: Option<ParameterChange>) -> DefinitionChange {
    let now = &after.items[to];
    let around = after.sites.containers.iter().filter(|it| {
        it.range.contains(&now.name_range.start) && it.range.end >= now.range.end && it.range != now.range
            // A type is no member of itself.
            || it.range == now.range && now.kind == DefinitionKind::Method
    });
    let container = around.min_by_key(|it| it.range.len()).filter(|_| !matches!(now.kind, DefinitionKind::Module));
    // The members of a class in a function are known by the class.
    let of_class = matches!(
        now.kind,
        DefinitionKind::Method | DefinitionKind::Constructor | DefinitionKind::Field | DefinitionKind::Variant
    );
    let local = !of_class
        && std::iter::successors(now.parent, |&parent| after.items[parent].parent).any(|parent| {
            matches!(
                after.items[parent].kind,
                DefinitionKind::Function | DefinitionKind::Method | DefinitionKind::Constructor
            )
        });
    let member = container.filter(|_| now.kind != DefinitionKind::Module && !local);
    DefinitionChange {
        kind: now.kind,
        old_name: before.name.clone(),
        new_name: now.name.clone(),
        name_range: now.name_range.clone(),
        range: now.range.clone(),
        container: member.map(|it| super::types::simple(&it.name).0),
        bases: member.map_or(Vec::new(), |it| it.bases.iter().map(|base| super::types::simple(base).0).collect()),
        local,
        parameters,
        shape: None,
    }
}

struct State<'a> {
    snapshot: &'a Snapshot,
    items: Vec<Item>,
    sites: Sites,
}

impl<'a> State<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, items: snapshot.outline(), sites: snapshot.sites() }
    }

    fn children(&self, of: Option<usize>) -> Vec<usize> {
        (0..self.items.len()).filter(|&at| self.items[at].parent == of).collect()
    }

    /// The text behind the name: parameters, type, body.
    fn rest(&self, at: usize) -> String {
        let item = &self.items[at];
        self.snapshot.slice(item.name_range.end..item.range.end)
    }

    /// What the container of an item extends or implements.
    fn bases(&self, at: usize) -> &[String] {
        let item = &self.items[at];
        let around = self.sites.containers.iter().filter(|it| {
            it.range.contains(&item.name_range.start) && it.range.end >= item.range.end && it.range != item.range
        });
        around.min_by_key(|it| it.range.len()).map_or(&[], |it| &it.bases)
    }

    /// What stands before the name on its line.
    fn lead(&self, at: usize) -> String {
        let name = self.items[at].name_range.start;
        self.snapshot.slice(self.snapshot.line_at(name).start..name)
    }

    /// The definition without its body, on one line.
    fn head(&self, at: usize) -> String {
        let item = &self.items[at];
        let end = match self.sites.signature(&item.name_range) {
            Some(signature) => {
                let behind = self.snapshot.slice(signature.list.end..item.range.end.max(signature.list.end));
                signature.list.end + self.head_end(&behind)
            }
            None => self.snapshot.line_at(item.name_range.end).end,
        };
        let head = self.lead(at) + &self.snapshot.slice(item.name_range.start..end);
        plain(&Some(head)).trim_end_matches([',', ';']).to_owned()
    }

    /// Where, in what stands behind a function's parameters, its head ends.
    fn head_end(&self, rest: &str) -> usize {
        let python = self.snapshot.language() == Language::Python;
        let (mut depth, mut last) = (0, ' ');
        let found = rest.char_indices().find(|&(at, c)| {
            // `->` and `=>` close nothing.
            let closes = matches!(c, ')' | ']') || c == '>' && !matches!(last, '-' | '=');
            depth += i32::from(matches!(c, '(' | '[' | '<')) - i32::from(closes);
            last = c;
            match c {
                '\n' => depth <= 0,
                ':' => python && depth <= 0,
                ';' => !python && depth <= 0,
                '{' => !python,
                _ => !python && rest[at..].starts_with("=>"),
            }
        });
        found.map_or(rest.len(), |(at, _)| at)
    }

    /// Of a function: what stands between its parameters and its body, without blanks at the ends.
    fn gives(&self, at: usize) -> Option<String> {
        let item = &self.items[at];
        let list = self.sites.signature(&item.name_range)?.list.clone();
        let rest = self.snapshot.slice(list.end..item.range.end.max(list.end));
        let gives = rest[..self.head_end(&rest)].trim_matches([' ', ':', '\n', '\t']);
        Some(plain(&Some(gives.to_owned())))
    }
}

/// Pairs the children of two items that are the same one.
fn pair(old: &State, new: &State, of: (Option<usize>, Option<usize>), pairs: &mut Vec<(usize, usize)>) {
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
            let several = |&&other: &&usize| old.items[other].name == old.items[a].name;
            if whole && alike.iter().filter(several).count() < 2 {
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
fn has_body(kind: DefinitionKind) -> bool {
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

/// How the parameters of the function that was `before` have changed.
fn parameters(old: &Sites, before: &Item, new: &Sites, now: &Item) -> Option<ParameterChange> {
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
fn shape(old: &State, a: usize, new: &State, b: usize) -> Option<ShapeChange> {
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

/// A type as written, without what does not matter.
fn plain(text: &Option<String>) -> String {
    text.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A type by what it is made of: blanks, the kind of quotes and a last comma make no other one.
fn tokens(text: &str) -> String {
    let mut all: Vec<String> = Vec::new();
    // Of each open bracket, the commas in it.
    let mut commas: Vec<usize> = Vec::new();
    let mut word = false;
    for c in text.chars() {
        let in_word = c.is_alphanumeric() || matches!(c, '_' | '$');
        match (c, all.last_mut()) {
            _ if c.is_whitespace() => {}
            (_, Some(last)) if in_word && word => last.push(c),
            ('\'', _) => all.push("\"".to_owned()),
            _ => {
                match c {
                    '(' | '[' | '{' | '<' => commas.push(0),
                    ',' => commas.iter_mut().last().into_iter().for_each(|count| *count += 1),
                    ')' | ']' | '}' | '>' => {
                        // `(A,)` is another one than `(A)`.
                        let one = commas.pop() == Some(1) && c == ')';
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

#[cfg(test)]
mod tests;
