//! Where a code action has something to do: functions with their bodies, types, what stands for code that is still to be written, loops and callbacks; by
//! `queries/<language>/actions.scm`.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};

use ropey::Rope;
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

    /// Whether it has a name, and may have documentation.
    fn is_definition(self) -> bool {
        matches!(self, Self::Function | Self::Type)
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

/// What is asked of a text again and again, in an order in which that is found at once: a text may have ten thousand of each.
struct Known<'text> {
    rope: &'text Rope,
    /// Those that are in no other.
    placeholders: HashSet<(usize, usize)>,
    /// Documentation before what it belongs to, by its end.
    before: Vec<Range<usize>>,
    /// Documentation in what it belongs to.
    inside: HashSet<(usize, usize)>,
    /// Functions and types by where they begin, the outer first; and by where they end.
    by_start: Vec<Range<usize>>,
    by_end: Vec<Range<usize>>,
    /// Those of them that have documentation inside.
    documented_inside: HashSet<(usize, usize)>,
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
        raw.read(self, &range)
    }
}

impl Raw<'_> {
    /// What touches bytes `wanted`.
    fn read(self, snapshot: &Snapshot, wanted: &Range<usize>) -> Vec<Occasion> {
        let known = Known::of(&self, snapshot.rope());
        let mut occasions = Vec::new();
        for (&(kind, start, end), named) in &self.found {
            let touches = start <= wanted.end && wanted.start <= end;
            if !touches || kind == OccasionKind::Placeholder && !known.placeholders.contains(&(start, end)) {
                continue;
            }
            let range = start..end;
            occasions.push(Occasion {
                kind,
                name: named.name.map(|name| snapshot.slice(name.byte_range())),
                body: named.body.map(|body| known.within(body)),
                is_empty: named.body.is_some_and(|body| known.is_empty(body)),
                is_documented: kind.is_definition() && known.is_documented(&range),
                range,
            });
        }
        occasions.sort_by_key(|it| (it.range.start, usize::MAX - it.range.end));
        occasions
    }
}

impl<'text> Known<'text> {
    fn of(raw: &Raw<'_>, rope: &'text Rope) -> Self {
        let ranges = |wanted: fn(OccasionKind) -> bool| {
            let of = raw.found.keys().filter(|(kind, ..)| wanted(*kind));
            let mut ranges: Vec<Range<usize>> = of.map(|&(_, start, end)| start..end).collect();
            ranges.sort_by_key(|it| (it.start, usize::MAX - it.end));
            ranges
        };
        let mut furthest = 0;
        let mut placeholders = ranges(|kind| kind == OccasionKind::Placeholder);
        placeholders.retain(|it| {
            let outermost = it.end > furthest;
            furthest = furthest.max(it.end);
            outermost
        });
        let by_start = ranges(OccasionKind::is_definition);
        let (mut by_end, mut before, mut inside) = (by_start.clone(), raw.before.clone(), raw.inside.clone());
        by_end.sort_by_key(|it| it.end);
        before.sort_by_key(|it| it.end);
        inside.sort_by_key(|it| it.start);
        // Those that are open where a documentation stands: the last is the one that it belongs to.
        let (mut open, mut documented_inside) = (Vec::<&Range<usize>>::new(), HashSet::new());
        let mut coming = by_start.iter().peekable();
        for documentation in &inside {
            while let Some(next) = coming.next_if(|it| it.start <= documentation.start) {
                open.retain(|it| it.end > next.start);
                open.push(next);
            }
            open.retain(|it| it.end > documentation.start);
            documented_inside.extend(open.last().map(|it| (it.start, it.end)));
        }
        let set = |ranges: Vec<Range<usize>>| ranges.into_iter().map(|it| (it.start, it.end)).collect();
        let (placeholders, inside) = (set(placeholders), set(inside));
        Self { rope, placeholders, before, inside, by_start, by_end, documented_inside }
    }

    /// What a body has in it.
    fn within(&self, body: Node<'_>) -> Range<usize> {
        let range = body.byte_range();
        let is = |at: usize, bracket: u8| self.rope.get_byte(at) == Some(bracket);
        let bracketed = range.len() > 1 && is(range.start, b'{') && is(range.end - 1, b'}');
        if bracketed { range.start + 1..range.end - 1 } else { range }
    }

    /// Whether all of a node is comments, documentation and placeholders.
    fn is_empty(&self, body: Node<'_>) -> bool {
        // No recursion: a sum of ten thousand terms is as deep.
        let mut left = vec![body];
        while let Some(node) = left.pop() {
            for child in node.named_children(&mut node.walk()) {
                let range = (child.start_byte(), child.end_byte());
                if child.is_extra() || self.placeholders.contains(&range) || self.inside.contains(&range) {
                    continue;
                }
                // A list of statements, and the like, is what it holds.
                if child.named_child(0).is_none_or(|first| first.start_byte() != range.0) {
                    return false;
                }
                left.push(child);
            }
        }
        true
    }

    fn is_documented(&self, range: &Range<usize>) -> bool {
        if self.documented_inside.contains(&(range.start, range.end)) {
            return true;
        }
        // What stands between the nearest one and here stands behind all others too.
        let nearest = self.before.partition_point(|it| it.end <= range.start).checked_sub(1);
        nearest.is_some_and(|nearest| self.documents(&self.before[nearest], range))
    }

    /// Whether there is nothing but attributes and the like between documentation and what may be its definition.
    fn documents(&self, documentation: &Range<usize>, range: &Range<usize>) -> bool {
        let Range { start, end } = self.rope.byte_to_char(documentation.end)..self.rope.byte_to_char(range.start);
        let mut comment = self.rope.chars_at(start);
        // Rust's line comments have their line's end in them.
        let blanks = std::iter::from_fn(|| comment.prev()).take_while(|c| c.is_whitespace()).count();
        let mut blank = false;
        for c in self.rope.slice(start - blanks..end).chars() {
            match c {
                ';' | '{' | '}' => return false,
                '\n' if blank => return false,
                '\n' => blank = true,
                c => blank &= c.is_whitespace(),
            }
        }
        let begun = self.by_start.partition_point(|it| it.start <= documentation.start);
        let mut begun = self.by_start[begun..].iter().take_while(|it| it.start < range.start);
        let ended = self.by_end.partition_point(|it| it.end <= documentation.end);
        let mut ended = self.by_end[ended..].iter().take_while(|it| it.end <= range.start);
        !begun.any(|it| it.end > documentation.end) && !ended.any(|it| it.start < range.start)
    }
}

#[cfg(test)]
mod tests;
