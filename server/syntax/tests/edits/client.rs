//! An editor's side of a document: a `String`, lines as LSP 3.17 ends them, units counted one by one.

use pilotlight_syntax::{Position, PositionEncoding};

/// The client's text.
#[derive(Clone, Debug)]
pub(crate) struct Client(String);

impl Client {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    pub(crate) fn replace(&mut self, range: std::ops::Range<usize>, text: &str) {
        self.0.replace_range(range, text);
    }

    /// Where each line begins, and where its content ends.
    fn line_ranges(&self) -> Vec<(usize, usize)> {
        let bytes = self.0.as_bytes();
        let (mut lines, mut start, mut at) = (Vec::new(), 0, 0);
        while at < bytes.len() {
            let terminator = match bytes[at] {
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
                b'\r' | b'\n' => 1,
                _ => 0,
            };
            if terminator > 0 {
                lines.push((start, at));
                start = at + terminator;
            }
            at += terminator.max(1);
        }
        lines.push((start, bytes.len()));
        lines
    }

    pub(crate) fn lines(&self) -> u32 {
        self.line_ranges().len() as u32
    }

    pub(crate) fn line_start(&self, line: u32) -> usize {
        self.line_ranges()[line as usize].0
    }

    pub(crate) fn line_end(&self, line: u32) -> usize {
        self.line_ranges()[line as usize].1
    }

    /// Where this text begins to differ from `other`, and where it is the same again to the end; at bytes that a position can name, here and
    /// there.
    pub(crate) fn difference(&self, other: &str) -> (usize, usize) {
        let other = Self::new(other);
        let (here, there) = (self.0.as_bytes(), other.0.as_bytes());
        let same = here.iter().zip(there).take_while(|(here, there)| here == there).count();
        let start = self.boundary(same).min(other.boundary(same));
        let most = here.len().min(there.len()) - start;
        let mut tail =
            here.iter().rev().zip(there.iter().rev()).take_while(|(here, there)| here == there).count().min(most);
        let named = |client: &Self, at: usize| client.boundary(at) == at;
        while !named(self, here.len() - tail) || !named(&other, there.len() - tail) {
            tail -= 1;
        }
        (start, here.len() - tail)
    }

    /// The byte at `fraction`/65536 of the text that a position can name.
    pub(crate) fn offset(&self, fraction: u16) -> usize {
        self.boundary(self.0.len() * usize::from(fraction) / 65_535)
    }

    /// `at` or the last byte before it that a position can name: on a character's boundary, and not between `\r` and `\n`.
    pub(crate) fn boundary(&self, at: usize) -> usize {
        let mut at = at.min(self.0.len());
        while !self.0.is_char_boundary(at) {
            at -= 1;
        }
        if at > 0 && self.0.as_bytes()[at - 1..].starts_with(b"\r\n") { at - 1 } else { at }
    }

    pub(crate) fn position(&self, offset: usize, encoding: PositionEncoding) -> Position {
        let lines = self.line_ranges();
        let line = lines.iter().rposition(|&(start, _)| start <= offset).unwrap();
        let before = &self.0[lines[line].0..offset];
        let character = match encoding {
            PositionEncoding::Utf8 => before.len(),
            PositionEncoding::Utf16 => before.encode_utf16().count(),
            PositionEncoding::Utf32 => before.chars().count(),
        };
        Position { line: line as u32, character: character as u32 }
    }
}
