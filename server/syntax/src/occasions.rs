//! Where a code action has something to do: functions with their bodies, types, what stands for code that is still to be written, loops and callbacks; by
//! `queries/<language>/actions.scm`.

use std::{collections::BTreeMap, ops::Range};

use tree_sitter::Node;

use crate::{
    Snapshot,
    queries::{Purpose, compiled},
};

/// Every capture that may stand in actions.scm.
#[cfg(test)]
pub(crate) const CAPTURES: [&str; 11] = [
    "function",
    "function.name",
    "function.body",
    "type",
    "type.name",
    "type.body",
    "documentation",
    "documentation.inside",
    "placeholder",
    "loop",
    "callback",
];

/// A piece of code with which something can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// What it is.
    pub kind: OccasionKind,
    /// Its bytes.
    pub range: Range<usize>,
    /// Of a function or a type: its name.
    pub name: Option<String>,
    /// Of a function, and of a type that is documented in its body: what that has in it, between the brackets where it has any.
    pub body: Option<Range<usize>>,
    /// There is a body, and nothing in it but comments, documentation and placeholders.
    pub is_empty: bool,
    /// Of a function or a type: documentation belongs to it.
    pub is_documented: bool,
}

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum OccasionKind {
    Function,
    Type,
    /// `todo!()` and its kin.
    Placeholder,
    Loop,
    /// A call that goes on in a function that it is given.
    Callback,
}

impl OccasionKind {
    const ALL: [Self; 5] = [Self::Function, Self::Type, Self::Placeholder, Self::Loop, Self::Callback];

    /// In one lower-case word, as its capture has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Type => "type",
            Self::Placeholder => "placeholder",
            Self::Loop => "loop",
            Self::Callback => "callback",
        }
    }
}

/// What one text has, before it is put together.
#[derive(Default)]
struct Raw<'tree> {
    found: BTreeMap<(OccasionKind, usize, usize), Named<'tree>>,
    /// Before what it belongs to, and in it.
    before: Vec<Range<usize>>,
    inside: Vec<Range<usize>>,
}

#[derive(Default)]
struct Named<'tree> {
    name: Option<Node<'tree>>,
    body: Option<Node<'tree>>,
}

impl Snapshot {
    /// What touches bytes `range` (its ends count), in the order of the text, what is around something else before it. Empty for plain text.
    pub fn occasions(&self, range: Range<usize>) -> Vec<Occasion> {
        let Some(query) = compiled(self.language(), Purpose::Actions) else { return Vec::new() };
        let names = query.capture_names();
        let mut raw = Raw::default();
        let done = self.matches(Purpose::Actions, |_, captures| {
            let node = |wanted: &str| {
                let found = captures.iter().find(|capture| names[capture.index as usize] == wanted);
                found.map(|capture| capture.node)
            };
            raw.before.extend(node("documentation").map(|node| node.byte_range()));
            raw.inside.extend(node("documentation.inside").map(|node| node.byte_range()));
            for kind in OccasionKind::ALL {
                let part = |part: &str| node(&format!("{}.{part}", kind.name()));
                let (name, body) = (part("name"), part("body"));
                // A pattern of several declarations has the whole one as its root: the name's own parent is meant there.
                let whole = node(kind.name()).or_else(|| name?.parent());
                let Some(whole) = whole else { continue };
                let known = raw.found.entry((kind, whole.start_byte(), whole.end_byte())).or_default();
                (known.name, known.body) = (name.or(known.name), body.or(known.body));
            }
        });
        if done.is_none() {
            return Vec::new();
        }
        raw.read(self).into_iter().filter(|it| it.range.start <= range.end && range.start <= it.range.end).collect()
    }
}

impl Raw<'_> {
    fn read(self, snapshot: &Snapshot) -> Vec<Occasion> {
        let ranges = |wanted: OccasionKind| -> Vec<Range<usize>> {
            let of = self.found.keys().filter(|(kind, ..)| *kind == wanted);
            of.map(|&(_, start, end)| start..end).collect()
        };
        let placeholders = outermost(ranges(OccasionKind::Placeholder));
        let definitions = [ranges(OccasionKind::Function), ranges(OccasionKind::Type)].concat();
        let mut occasions = Vec::new();
        for (&(kind, start, end), named) in &self.found {
            let range = start..end;
            if kind == OccasionKind::Placeholder && !placeholders.contains(&range) {
                continue;
            }
            let body = named.body.map(|body| inside(snapshot, body));
            occasions.push(Occasion {
                kind,
                name: named.name.map(|name| snapshot.slice(name.byte_range())),
                is_empty: named.body.is_some_and(|body| self.is_empty(body, &placeholders)),
                is_documented: matches!(kind, OccasionKind::Function | OccasionKind::Type)
                    && self.is_documented(snapshot, &range, &definitions),
                body,
                range,
            });
        }
        occasions.sort_by_key(|it| (it.range.start, usize::MAX - it.range.end));
        occasions
    }

    /// Whether all of a node is comments, documentation and placeholders.
    fn is_empty(&self, body: Node<'_>, placeholders: &[Range<usize>]) -> bool {
        let mut cursor = body.walk();
        body.named_children(&mut cursor).all(|child| {
            let range = child.byte_range();
            // A list of statements, and the like, is what it holds.
            let list = || child.named_child(0).is_some_and(|first| first.start_byte() == range.start);
            child.is_extra()
                || placeholders.contains(&range)
                || self.inside.contains(&range)
                || list() && self.is_empty(child, placeholders)
        })
    }

    fn is_documented(&self, snapshot: &Snapshot, range: &Range<usize>, definitions: &[Range<usize>]) -> bool {
        let within = self.inside.iter().any(|documentation| {
            let around = definitions.iter().filter(|it| it.contains(&documentation.start));
            around.min_by_key(|it| it.len()) == Some(range)
        });
        // With nothing between but attributes and the like.
        let before = self.before.iter().filter(|it| it.end <= range.start).any(|documentation| {
            // Rust's line comments have their line's end in them.
            let text = snapshot.slice(documentation.start..range.start);
            let between = &text[snapshot.slice(documentation.clone()).trim_end().len()..];
            let mut lines = between.split('\n').skip(1).collect::<Vec<_>>();
            lines.pop();
            let others = |it: &&Range<usize>| {
                let meets = it.start < range.start && documentation.end < it.end;
                *it != range && meets && !(it.start <= documentation.start && range.end <= it.end)
            };
            !lines.iter().any(|line| line.trim().is_empty())
                && !between.contains([';', '{', '}'])
                && !definitions.iter().any(|it| others(&it))
        });
        within || before
    }
}

/// Those that are in no other.
fn outermost(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let holds = |outer: &Range<usize>, inner: &Range<usize>| {
        outer != inner && outer.start <= inner.start && inner.end <= outer.end
    };
    ranges.iter().filter(|inner| !ranges.iter().any(|outer| holds(outer, inner))).cloned().collect()
}

/// What a body has in it.
fn inside(snapshot: &Snapshot, body: Node<'_>) -> Range<usize> {
    let range = body.byte_range();
    let text = snapshot.slice(range.clone());
    if text.starts_with('{') && text.ends_with('}') && text.len() > 1 { range.start + 1..range.end - 1 } else { range }
}
