//! Interned names: each text once, in one string, by a number.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// The number of a name in its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize, serde::Serialize)]
pub struct Name(pub(super) u32);

impl Name {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Names only grow in number while the process lives; a load from the cache drops those no file uses.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: String,
    ends: Vec<u32>,
    numbers: HashTable<u32>,
    hasher: RandomState,
}

impl Names {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn text(&self, name: Name) -> &str {
        span(&self.text, &self.ends, name.0)
    }

    pub(super) fn find(&self, text: &str) -> Option<Name> {
        let equal = |&number: &u32| span(&self.text, &self.ends, number) == text;
        self.numbers.find(self.hasher.hash_one(text), equal).copied().map(Name)
    }

    pub(super) fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.find(text) {
            return name;
        }
        let number = self.ends.len() as u32;
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
        let (all, ends, hasher) = (&self.text, &self.ends, &self.hasher);
        self.numbers.insert_unique(hasher.hash_one(text), number, |&number| hasher.hash_one(span(all, ends, number)));
        Name(number)
    }
}

fn span<'a>(text: &'a str, ends: &[u32], number: u32) -> &'a str {
    let number = number as usize;
    let start = number.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    ends.get(number).and_then(|&end| text.get(start as usize..end as usize)).unwrap_or_default()
}
