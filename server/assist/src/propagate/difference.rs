//! What a person has changed of a text's definitions: names, parameters and types, found by comparing two states of the text.

mod pairing;
mod shape;
mod waiting;

use std::{collections::HashSet, ops::Range};

use pilotlight_syntax::{Container, DefinitionKind, Item, Language, Parameter, Signature, Sites, Snapshot};

use self::{
    pairing::{has_body, pair},
    shape::{parameters, plain, shape},
};
use super::search::is_type;
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
    /// Something else beside it has its new name, and had it before.
    pub meets: bool,
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
    /// Whether calls have to change wherever the function is known, by whatever name: members go by their own alone.
    pub(crate) fn changes_calls_of_any_name(&self) -> bool {
        self.parameters.is_some() && self.container.is_none()
    }

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
    Comparison::new(old, new).changes()
}

/// Two states of a text.
pub(crate) struct Comparison<'a> {
    before: State<'a>,
    after: State<'a>,
    /// Which definition is which, by their places among the items before and after.
    pairs: Vec<(usize, usize)>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(old: &'a Snapshot, new: &'a Snapshot) -> Self {
        let (before, after) = (State::new(old), State::new(new));
        let mut pairs = Vec::new();
        pair(&before, &after, (None, None), &mut pairs);
        Self { before, after, pairs }
    }

    /// See [`differences`].
    pub(crate) fn changes(&self) -> Vec<DefinitionChange> {
        let mut found: Vec<DefinitionChange> = self.changed().into_iter().map(|(_, _, change)| change).collect();
        found.sort_by_key(|change| change.name_range.start);
        found
    }

    /// The same with the pair of each.
    fn changed(&self) -> Vec<(usize, usize, DefinitionChange)> {
        let Self { before, after, pairs } = self;
        let changed = pairs.iter().filter_map(|&(from, to)| {
            let (item, now) = (&before.items[from], &after.items[to]);
            let parameters = parameters(&before.sites, item, &after.sites, now);
            let shape = shape(before, from, after, to);
            let renamed = item.name != now.name && now.kind != DefinitionKind::Implementation;
            let changed = renamed || parameters.is_some() || shape.is_some();
            changed.then(|| {
                let change = change(after, item, to, parameters);
                let meets = renamed && meets((before, after), pairs, to, &change, &now.name);
                (from, to, DefinitionChange { shape, meets, ..change })
            })
        });
        changed.collect()
    }

    /// Whether more of the text is broken than was: what seems to be gone may be about to get another name.
    pub(crate) fn is_more_broken(&self) -> bool {
        let errors = |state: &State| state.snapshot.syntax_errors(0..usize::MAX);
        errors(&self.after) > errors(&self.before) || self.nameless()
    }

    /// Whether a definition has lost its name alone: what stood behind it is there still. In some languages that is no syntax error.
    fn nameless(&self) -> bool {
        let Self { before, after, pairs } = self;
        let paired: HashSet<usize> = pairs.iter().map(|&(from, _)| from).collect();
        let text = after.snapshot.rope().to_string();
        let gone = (0..before.items.len()).filter(|&at| {
            let item = &before.items[at];
            has_body(item.kind) && !paired.contains(&at) && item.parent.is_none_or(|parent| paired.contains(&parent))
        });
        let mut rests = gone.map(|at| before.rest(at)).filter(|rest| !rest.is_empty());
        rests.any(|rest| {
            let named = (0..after.items.len()).filter(|&at| after.rest(at) == rest).count();
            text.matches(&*rest).count() > named
        })
    }
}

/// A change that was not made yet: the item at byte `offset` of `now` is to be called `name`. `None` where no definition's name is.
pub fn rename(now: &Snapshot, offset: usize, name: &str) -> Option<DefinitionChange> {
    let state = State::new(now);
    let offset = offset + usize::from(now.language() == Language::Php && now.rope().get_byte(offset) == Some(b'$'));
    let at = state.items.iter().position(|item| {
        item.kind != DefinitionKind::Implementation && item.name_range.start <= offset && offset <= item.name_range.end
    })?;
    let item = state.items[at].clone();
    let change = change(&state, &item, at, None);
    let meets = meets((&state, &state), &[], at, &change, name);
    Some(DefinitionChange { new_name: name.to_owned(), meets, ..change })
}

/// Whether something else beside the item `to` is called `name`, and was before; of a member: in the same type.
fn meets(
    (before, after): (&State, &State),
    pairs: &[(usize, usize)],
    to: usize,
    change: &DefinitionChange,
    name: &str,
) -> bool {
    let member = change.container.is_some();
    let called = |container: &Container| super::types::simple(&container.name).0;
    let of = |at: usize| after.container(at).map(called);
    let beside = |at: usize| of(at) == of(to) && (member || after.items[at].parent == after.items[to].parent);
    // A field and a method of one name may be two, and so may a type and a value.
    let two = matches!(after.snapshot.language(), Language::Rust | Language::Java);
    let role = |kind: DefinitionKind| match kind {
        DefinitionKind::Field => (two, false),
        DefinitionKind::Module | DefinitionKind::Macro => (false, true),
        kind if !member && is_type(kind) => (true, true),
        _ => (false, false),
    };
    let alike = |kind| role(kind) == role(change.kind);
    let renamed = |at: usize| pairs.iter().any(|&(a, b)| b == at && before.items[a].name != name);
    let defined = (0..after.items.len()).any(|at| {
        let item = &after.items[at];
        let another = at != to && item.name == name && item.kind != DefinitionKind::Implementation;
        another && alike(item.kind) && beside(at) && !renamed(at)
    });
    let assigned = before.sites.members.iter().filter(|it| before.snapshot.slice(it.range.clone()) == name);
    let mut assigned = assigned.map(|it| before.sites.container(it.range.start).map(called));
    defined || member && alike(DefinitionKind::Field) && assigned.any(|class| class == of(to))
}

fn change(after: &State, before: &Item, to: usize, parameters: Option<ParameterChange>) -> DefinitionChange {
    let now = &after.items[to];
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
    let member = after.container(to).filter(|_| now.kind != DefinitionKind::Module && !local);
    DefinitionChange {
        kind: now.kind,
        old_name: before.name.clone(),
        new_name: now.name.clone(),
        name_range: now.name_range.clone(),
        range: now.range.clone(),
        container: member.map(|it| super::types::simple(&it.name).0),
        meets: false,
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
        Self { snapshot, items: super::view::outline(snapshot), sites: snapshot.sites() }
    }

    fn children(&self, of: Option<usize>) -> Vec<usize> {
        (0..self.items.len()).filter(|&at| self.items[at].parent == of).collect()
    }

    /// The text behind the name: parameters, type, body.
    fn rest(&self, at: usize) -> String {
        let item = &self.items[at];
        self.snapshot.slice(item.name_range.end..item.range.end)
    }

    /// What an item is a member of: the smallest container around it.
    fn container(&self, at: usize) -> Option<&Container> {
        let item = &self.items[at];
        let around = self.sites.containers.iter().filter(|it| {
            it.range.contains(&item.name_range.start) && it.range.end >= item.range.end && it.range != item.range
                // A type is no member of itself.
                || it.range == item.range && item.kind == DefinitionKind::Method
        });
        around.min_by_key(|it| it.range.len())
    }

    /// What the container of an item extends or implements.
    fn bases(&self, at: usize) -> &[String] {
        self.container(at).map_or(&[], |it| &it.bases)
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
        plain(&head).trim_end_matches([',', ';']).to_owned()
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
        Some(plain(gives))
    }
}

#[cfg(test)]
mod tests;
