//! Positions as editors send them, and the byte offsets everything else uses.
//!
//! Lines end at `\n`, `\r\n` and `\r`, and at nothing else (LSP 3.17, "Text Documents"): the rope is built with exactly these.

use std::borrow::Cow;

use ropey::Rope;

/// The unit of [`Position::character`], agreed at LSP's `initialize` (LSP 3.17, `positionEncoding`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PositionEncoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units: LSP's default.
    #[default]
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

/// A zero-based line and a character in the agreed encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Zero-based line.
    pub line: u32,
    /// Units of the encoding from the line's start.
    pub character: u32,
}

/// A half-open range of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Inclusive.
    pub start: Position,
    /// Exclusive.
    pub end: Position,
}

/// A position that no byte of the document answers to.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PositionError {
    /// The line is past the end.
    #[error("line {line} (counted from 0) is outside the document, which has {lines} lines")]
    Line {
        /// Asked for.
        line: u32,
        /// What there is.
        lines: u32,
    },
    /// The start lies behind the end.
    #[error("the range's start {}:{} lies behind its end {}:{}", start.line, start.character, end.line, end.character)]
    Reversed {
        /// As sent.
        start: Position,
        /// As sent.
        end: Position,
    },
}

impl Position {
    /// The byte of `rope` at this position. A character past the line's end means the line's end, before its terminator; one inside a
    /// scalar value (a surrogate pair, or the bytes of one character) means its start.
    pub(crate) fn to_byte(self, rope: &Rope, encoding: PositionEncoding) -> Result<usize, PositionError> {
        let lines = rope.len_lines();
        let line = self.line as usize;
        if line >= lines {
            return Err(PositionError::Line { line: self.line, lines: saturate(lines) });
        }
        let start = rope.line_to_byte(line);
        let end = line_end(rope, line);
        let character = self.character as usize;
        if character >= end - start {
            // A line has no more units than bytes in any encoding.
            return Ok(end);
        }
        Ok(match encoding {
            PositionEncoding::Utf8 => floor_char(rope, start + character),
            PositionEncoding::Utf16 => {
                let first = rope.char_to_utf16_cu(rope.byte_to_char(start));
                let last = rope.char_to_utf16_cu(rope.byte_to_char(end));
                rope.char_to_byte(rope.utf16_cu_to_char((first + character).min(last)))
            }
            PositionEncoding::Utf32 => {
                rope.char_to_byte((rope.byte_to_char(start) + character).min(rope.byte_to_char(end)))
            }
        })
    }

    /// Whether this is inside a surrogate pair of `rope`: [`Position::to_byte`] gives the pair's start then.
    fn cuts_pair(self, rope: &Rope, byte: usize, encoding: PositionEncoding) -> bool {
        let short = || self.character - Self::from_byte(rope, byte, encoding).character;
        encoding == PositionEncoding::Utf16 && rope.get_byte(byte).is_some_and(|first| first >= 0xF0) && short() == 1
    }

    /// The position of `byte`, which is clamped to the document, to the start of its character, and before its line's terminator.
    pub(crate) fn from_byte(rope: &Rope, byte: usize, encoding: PositionEncoding) -> Self {
        let byte = floor_char(rope, byte);
        let line = rope.byte_to_line(byte);
        let start = rope.line_to_byte(line);
        let byte = byte.min(line_end(rope, line));
        let character = match encoding {
            PositionEncoding::Utf8 => byte - start,
            PositionEncoding::Utf16 => {
                rope.char_to_utf16_cu(rope.byte_to_char(byte)) - rope.char_to_utf16_cu(rope.byte_to_char(start))
            }
            PositionEncoding::Utf32 => rope.byte_to_char(byte) - rope.byte_to_char(start),
        };
        Self { line: saturate(line), character: saturate(character) }
    }
}

impl Span {
    /// The bytes of `rope` between the two positions.
    pub(crate) fn to_bytes(
        self,
        rope: &Rope,
        encoding: PositionEncoding,
    ) -> Result<std::ops::Range<usize>, PositionError> {
        let start = self.start.to_byte(rope, encoding)?;
        let end = self.end.to_byte(rope, encoding)?;
        if self.start > self.end {
            return Err(PositionError::Reversed { start: self.start, end: self.end });
        }
        Ok(start..end)
    }

    /// The bytes of `rope` that `text` takes the place of, and all that stands there then. Where the span begins or ends inside a surrogate pair, the half that
    /// stays is U+FFFD, a unit as it is: the client's strings may have half a pair, ours not.
    pub(crate) fn to_edit<'text>(
        self,
        rope: &Rope,
        encoding: PositionEncoding,
        text: &'text str,
    ) -> Result<(std::ops::Range<usize>, Cow<'text, str>), PositionError> {
        let mut range = self.to_bytes(rope, encoding)?;
        let before = self.start.cuts_pair(rope, range.start, encoding);
        let behind = self.end.cuts_pair(rope, range.end, encoding);
        if !before && !behind {
            return Ok((range, Cow::Borrowed(text)));
        }
        let half = |stays: bool| if stays { "\u{FFFD}" } else { "" };
        // A pair is a character of four bytes.
        range.end += if behind { 4 } else { 0 };
        Ok((range, Cow::Owned(format!("{}{text}{}", half(before), half(behind)))))
    }
}

/// `byte`, or the last byte before it that begins a character; the document's length at most.
pub(crate) fn floor_char(rope: &Rope, byte: usize) -> usize {
    rope.char_to_byte(rope.byte_to_char(byte.min(rope.len_bytes())))
}

/// Where the content of `line` ends: before its terminator.
pub(crate) fn line_end(rope: &Rope, line: usize) -> usize {
    let start = rope.line_to_byte(line);
    let mut end = rope.line_to_byte(line + 1);
    if end > start && rope.byte(end - 1) == b'\n' {
        end -= 1;
        if end > start && rope.byte(end - 1) == b'\r' {
            end -= 1;
        }
    } else if end > start && rope.byte(end - 1) == b'\r' {
        end -= 1;
    }
    end
}

fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use PositionEncoding::{Utf8, Utf16, Utf32};

    fn byte(text: &str, line: u32, character: u32, encoding: PositionEncoding) -> Result<usize, PositionError> {
        Position { line, character }.to_byte(&Rope::from_str(text), encoding)
    }

    #[test]
    fn units_of_each_encoding() {
        // a: 1 byte; é: 2 bytes, 1 unit; 𝄞: 4 bytes, 2 units of UTF-16.
        let text = "aé𝄞b";
        for (encoding, offsets) in [
            (Utf8, vec![0, 1, 1, 3, 3, 3, 3, 7, 8, 8]),
            (Utf16, vec![0, 1, 3, 3, 7, 8, 8]),
            (Utf32, vec![0, 1, 3, 7, 8, 8]),
        ] {
            let found: Vec<_> =
                (0..offsets.len()).map(|character| byte(text, 0, character as u32, encoding).unwrap()).collect();
            assert_eq!(found, offsets, "{encoding:?}");
        }
    }

    #[test]
    fn only_lsp_terminators_end_lines() {
        let text = "a\u{2028}b\u{0B}c\u{0C}d\u{85}e\nf\r\ng\rh";
        let rope = Rope::from_str(text);
        assert_eq!(rope.len_lines(), 4);
        let lines: Vec<_> =
            (0..4).map(|line| rope.byte_slice(rope.line_to_byte(line)..line_end(&rope, line)).to_string()).collect();
        assert_eq!(lines, ["a\u{2028}b\u{0B}c\u{0C}d\u{85}e", "f", "g", "h"]);
    }

    #[test]
    fn past_the_line_is_its_end_and_past_the_document_an_error() {
        for encoding in [Utf8, Utf16, Utf32] {
            assert_eq!(byte("ab\r\ncd", 0, 99, encoding), Ok(2));
            assert_eq!(byte("ab\r\ncd", 0, 3, encoding), Ok(2), "between \\r and \\n");
            assert_eq!(byte("ab\r\ncd", 1, u32::MAX, encoding), Ok(6));
            assert_eq!(byte("ab\n", 1, 0, encoding), Ok(3));
            assert_eq!(byte("ab\n", 2, 0, encoding), Err(PositionError::Line { line: 2, lines: 2 }));
            assert_eq!(byte("", 0, 0, encoding), Ok(0));
            assert_eq!(byte("", u32::MAX, 0, encoding), Err(PositionError::Line { line: u32::MAX, lines: 1 }));
        }
    }

    #[test]
    fn a_reversed_range_is_refused() {
        let span = Span { start: Position { line: 0, character: 2 }, end: Position { line: 0, character: 1 } };
        let error = span.to_bytes(&Rope::from_str("abc"), Utf16).unwrap_err();
        assert_eq!(error.to_string(), "the range's start 0:2 lies behind its end 0:1");
    }

    #[test]
    fn every_byte_goes_there_and_back() {
        let text = "aé𝄞\r\n\tx\ry\u{2028}z\n";
        let rope = Rope::from_str(text);
        for encoding in [Utf8, Utf16, Utf32] {
            for offset in 0..=text.len() + 2 {
                let back = Position::from_byte(&rope, offset, encoding).to_byte(&rope, encoding).unwrap();
                let inside_crlf = offset == text.find('\n').unwrap();
                let expected = if inside_crlf { offset - 1 } else { floor_char(&rope, offset) };
                assert_eq!(back, expected, "{encoding:?} {offset}");
            }
        }
    }
}
