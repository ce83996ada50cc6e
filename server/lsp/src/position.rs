//! Between LSP's positions and `syntax`'s, and which unit they are counted in.

use pilotlight_assist::syntax::{Position, PositionEncoding, Span};
use tower_lsp::gen_lsp_types::{self as lsp, PositionEncodingKind};

pub(crate) fn from_lsp(position: lsp::Position) -> Position {
    Position { line: position.line, character: position.character }
}

pub(crate) fn span(range: lsp::Range) -> Span {
    Span { start: from_lsp(range.start), end: from_lsp(range.end) }
}

pub(crate) fn to_lsp(position: Position) -> lsp::Position {
    lsp::Position { line: position.line, character: position.character }
}

/// What to count in, out of what the client offers in its order of preference. UTF-8 wherever it is offered: offsets in the line are then bytes, as in here;
/// else the client's first choice; UTF-16 where it offers nothing (LSP 3.17, `positionEncodings`).
pub(crate) fn negotiate(offered: &[PositionEncodingKind]) -> PositionEncoding {
    let known = |kind: &PositionEncodingKind| match kind {
        PositionEncodingKind::UTF8 => Some(PositionEncoding::Utf8),
        PositionEncodingKind::UTF16 => Some(PositionEncoding::Utf16),
        PositionEncodingKind::UTF32 => Some(PositionEncoding::Utf32),
        PositionEncodingKind::Custom(_) => None,
    };
    let mut offered = offered.iter().filter_map(known);
    let first = offered.next().unwrap_or_default();
    offered.find(|encoding| *encoding == PositionEncoding::Utf8).unwrap_or(first)
}

/// The encoding's name in LSP.
pub(crate) fn kind(encoding: PositionEncoding) -> PositionEncodingKind {
    match encoding {
        PositionEncoding::Utf8 => PositionEncodingKind::UTF8,
        PositionEncoding::Utf16 => PositionEncodingKind::UTF16,
        PositionEncoding::Utf32 => PositionEncodingKind::UTF32,
    }
}

/// The bytes of the first `units` UTF-16 units of `text`; a surrogate pair cut in two does not count.
pub(crate) fn utf16_to_bytes(text: &str, units: usize) -> usize {
    let mut left = units;
    let mut bytes = 0;
    for c in text.chars() {
        match left.checked_sub(c.len_utf16()) {
            Some(rest) => left = rest,
            None => break,
        }
        bytes += c.len_utf8();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use PositionEncodingKind::{UTF8, UTF16, UTF32};

    #[test]
    fn the_unit_is_chosen_well() {
        assert_eq!(negotiate(&[]), PositionEncoding::Utf16);
        assert_eq!(negotiate(&[UTF16]), PositionEncoding::Utf16);
        assert_eq!(negotiate(&[UTF16, UTF8]), PositionEncoding::Utf8);
        assert_eq!(negotiate(&[UTF32, UTF16]), PositionEncoding::Utf32);
        assert_eq!(negotiate(&[UTF8, UTF16, UTF32]), PositionEncoding::Utf8);
        assert_eq!(negotiate(&[PositionEncodingKind::Custom("utf-7".into())]), PositionEncoding::Utf16);
    }

    #[test]
    fn units_of_utf16_as_bytes() {
        let text = "aé𝄞b";
        let bytes: Vec<_> = (0..7).map(|units| utf16_to_bytes(text, units)).collect();
        assert_eq!(bytes, [0, 1, 3, 3, 7, 8, 8]);
    }
}
