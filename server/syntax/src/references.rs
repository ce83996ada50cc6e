//! Where a text uses names, by `queries/<language>/references.scm`: calls, types, members, macros, values.
//!
//! Beside [`crate::scopes`], which tells what a name of this text means, this tells what it may need from elsewhere: members too, which have no meaning without types.

use std::{collections::HashMap, ops::Range};

use crate::{
    Snapshot,
    queries::{self, Purpose},
};

/// A name in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The name.
    pub name: String,
    /// As what.
    pub kind: UseKind,
    /// Its bytes.
    pub range: Range<usize>,
}

/// What a name is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UseKind {
    /// A function or method is called.
    Call,
    /// A type, or what a path begins with.
    Type,
    /// A field or method of something.
    Member,
    /// A macro.
    Macro,
    /// Anything else.
    Value,
}

impl UseKind {
    const NAMES: [(&str, Self); 5] = [
        ("call", Self::Call),
        ("type", Self::Type),
        ("member", Self::Member),
        ("macro", Self::Macro),
        ("value", Self::Value),
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, kind)| kind)
    }

    /// In one lower-case word.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |&(name, _)| name)
    }
}

impl Snapshot {
    /// The names used in bytes `range`, in the order of the text. Empty for plain text and past the deadline of queries. What a text defines is named in it too: that is
    /// for the caller to leave out, by the outline.
    pub fn uses(&self, range: Range<usize>) -> Vec<Use> {
        let Some(query) = queries::compiled(self.language(), Purpose::References) else { return Vec::new() };
        let names = query.capture_names();
        // As everywhere: the last pattern of the file says more.
        let mut found: HashMap<usize, (usize, UseKind, Range<usize>)> = HashMap::new();
        let done = self.matches_in(Purpose::References, range.clone(), |pattern, captures| {
            for capture in captures {
                let kind = names[capture.index as usize].strip_prefix("reference.").and_then(UseKind::from_name);
                let bytes = capture.node.byte_range();
                let Some(kind) = kind.filter(|_| bytes.start < range.end && bytes.end > range.start) else { continue };
                let known = found.entry(capture.node.id()).or_insert((pattern, kind, bytes));
                if known.0 <= pattern {
                    (known.0, known.1) = (pattern, kind);
                }
            }
        });
        if done.is_none() {
            return Vec::new();
        }
        let uses = found.into_values().map(|(_, kind, range)| Use { name: self.slice(range.clone()), kind, range });
        let mut uses: Vec<Use> = uses.collect();
        uses.sort_by_key(|used| (used.range.start, used.range.end));
        uses
    }
}
