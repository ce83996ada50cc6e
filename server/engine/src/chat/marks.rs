//! Special tokens in a prompt: those that the template spells become ids, those that a message spells stay text.
//!
//! Before rendering, a character that occurs nowhere in the messages is put into each special token that they spell, and behind what could begin one at a text's end; after it, what is
//! still spelled whole is the template's. Then the character is taken out.

use std::collections::HashMap;

use minijinja::{Value, value::ValueKind};

use super::Piece;

/// Unicode's noncharacters, which no text has to have.
const NONCHARACTERS: std::ops::RangeInclusive<char> = '\u{fdd0}'..='\u{fdef}';

/// A vocabulary's special tokens, the longest first.
#[derive(Debug)]
pub(super) struct Marks(Vec<(String, u32)>);

/// The character that one prompt is sealed with.
#[derive(Debug)]
pub(super) struct Seal<'a> {
    marks: &'a Marks,
    character: char,
}

impl Marks {
    pub(super) fn new(names: HashMap<u32, String>) -> Self {
        let mut names: Vec<_> =
            names.into_iter().map(|(id, name)| (name, id)).filter(|(name, _)| name.chars().count() > 1).collect();
        names.sort_by(|(one, _), (two, _)| two.len().cmp(&one.len()).then(one.cmp(two)));
        Self(names)
    }

    /// A seal that none of `values` has in it.
    pub(super) fn seal(&self, values: &[&Value]) -> Seal<'_> {
        let mut texts = String::new();
        values.iter().for_each(|value| each_text(value, &mut |text| texts.push_str(text)));
        // Who writes all of them has the first taken out of what they wrote.
        let character = NONCHARACTERS.into_iter().find(|&c| !texts.contains(c)).unwrap_or('\u{fdd0}');
        Seal { marks: self, character }
    }
}

fn each_text(value: &Value, take: &mut impl FnMut(&str)) {
    match value.kind() {
        ValueKind::String => take(value.as_str().unwrap_or_default()),
        ValueKind::Seq => value.try_iter().into_iter().flatten().for_each(|item| each_text(&item, take)),
        ValueKind::Map => {
            for key in value.try_iter().into_iter().flatten() {
                take(key.as_str().unwrap_or_default());
                each_text(&value.get_item(&key).unwrap_or_default(), take);
            }
        }
        _ => {}
    }
}

impl Seal<'_> {
    /// The value with every text sealed, keys too.
    pub(super) fn value(&self, value: &Value) -> Value {
        match value.kind() {
            ValueKind::String => Value::from(self.text(value.as_str().unwrap_or_default())),
            ValueKind::Seq => value.try_iter().into_iter().flatten().map(|item| self.value(&item)).collect(),
            ValueKind::Map => {
                let pairs = value.try_iter().into_iter().flatten().map(|key| {
                    let of = self.value(&value.get_item(&key).unwrap_or_default());
                    (self.value(&key), of)
                });
                Value::from_pairs(pairs)
            }
            _ => value.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            out.push(c);
            let rest = &text[at..];
            // Whole, or cut by the text's end, where the template's text might go on with it.
            if self.marks.0.iter().any(|(name, _)| rest.starts_with(name.as_str()) || name.starts_with(rest)) {
                out.push(self.character);
            }
        }
        out
    }

    /// What was rendered, in pieces; no text is empty and no two stand side by side.
    pub(super) fn pieces(&self, rendered: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let (mut text, mut rest) = (String::new(), rendered);
        while let Some(c) = rest.chars().next() {
            if let Some((name, id)) = self.marks.0.iter().find(|(name, _)| rest.starts_with(name.as_str())) {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Special(*id));
                rest = &rest[name.len()..];
            } else {
                if c != self.character {
                    text.push(c);
                }
                rest = &rest[c.len_utf8()..];
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        pieces
    }
}
