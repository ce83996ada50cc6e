//! Positions as editors send them, and the byte offsets everything else uses.

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
    #[error("line {line} is outside the document, which has {lines} lines")]
    Line {
        /// Asked for.
        line: u32,
        /// What there is.
        lines: u32,
    },
    /// The start lies behind the end.
    #[error("the range's start {start:?} lies behind its end {end:?}")]
    Reversed {
        /// As sent.
        start: Position,
        /// As sent.
        end: Position,
    },
}
