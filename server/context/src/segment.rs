//! A prompt as ordered segments, each with an identity that outlives edits elsewhere.

use crate::{Anchor, Excerpt, LeftOut};

/// A prompt: segments in the order the model reads them.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In prompt order.
    pub segments: Vec<Segment>,
    /// To be handed to the document's next plan.
    pub anchor: Anchor,
    /// What stands in it beside the window; to be handed to the next plan with the place below.
    pub excerpts: Vec<Excerpt>,
    /// The start of the cursor's line: while a person types on it, the excerpts stay.
    pub line_start: usize,
    /// What was proposed and not taken.
    pub left_out: Vec<LeftOut>,
}

/// One part of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Names the part, not its content: it stays while the content is edited.
    pub id: SegmentId,
    /// Markers and text, in order.
    pub pieces: Vec<Piece>,
}

/// The identity of a segment: what it is, of which file, and which chunk of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId {
    /// What the text is to the model.
    pub source: Source,
    /// The file it comes from, as the prompt names it.
    pub path: String,
    /// The zero-based line its text starts at.
    pub line: usize,
}

/// What a segment's text is to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Opening markers and the file's path.
    Header,
    /// A definition of something that the code around the cursor uses.
    Definition,
    /// The type that the cursor is in, and what it is made from.
    Enclosing,
    /// What an imported module has.
    Module,
    /// The file's other half: the test of an implementation, the header of a source.
    Sibling,
    /// Where what is being written is used.
    Usage,
    /// Code that is much like the code around the cursor.
    Similar,
    /// Names that other files define and that the code around the cursor may need.
    Names,
    /// A place that was looked at lately.
    Viewed,
    /// A change that was made lately.
    Edit,
    /// What the editor reports as wrong nearby.
    Diagnostic,
    /// Text before the cursor.
    Prefix,
    /// Text after the cursor.
    Suffix,
    /// The marker behind which the model writes.
    Footer,
    /// What was typed since the anchor, as if the model had written it.
    Typed,
}

impl Source {
    /// As logs and explanations name it.
    pub fn name(self) -> &'static str {
        match self {
            Source::Header => "header",
            Source::Definition => "definition",
            Source::Enclosing => "enclosing",
            Source::Module => "module",
            Source::Sibling => "sibling",
            Source::Usage => "usage",
            Source::Similar => "similar",
            Source::Names => "names",
            Source::Viewed => "viewed",
            Source::Edit => "edit",
            Source::Diagnostic => "diagnostic",
            Source::Prefix => "prefix",
            Source::Suffix => "suffix",
            Source::Footer => "footer",
            Source::Typed => "typed",
        }
    }
}

/// An atom of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A special token by its exact name in the vocabulary: inserted as its id, so that source text that spells it out stays text.
    Marker(&'static str),
    /// Plain text, to be tokenised by itself.
    Text(String),
}

impl Plan {
    /// Every piece in prompt order.
    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.segments.iter().flat_map(|segment| &segment.pieces)
    }

    /// The prompt as a person can read it: markers by name, text verbatim. For explanations and tests; never for a model.
    pub fn display(&self) -> String {
        self.pieces()
            .map(|piece| match piece {
                Piece::Marker(name) => *name,
                Piece::Text(text) => text,
            })
            .collect()
    }
}
