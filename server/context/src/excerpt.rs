//! What may stand in a prompt beside the window: pieces of other files, and of this one outside of it.

use crate::{Piece, Segment, SegmentId, Source};

/// Something that a source proposes.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What it is, and of which file and line.
    pub id: SegmentId,
    /// Whole lines. Secrets are masked when it is chosen.
    pub text: String,
    /// How much it is worth: about the number of names it is expected to hold that the next lines need.
    pub gain: f32,
}

/// Something that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Excerpt {
    /// As the candidate's.
    pub id: SegmentId,
    /// As the candidate's, masked.
    pub text: String,
    /// As the candidate's when it was last looked at.
    pub gain: f32,
    /// Its size in the model's tokens.
    pub tokens: usize,
}

/// Something that was not chosen, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// What.
    pub id: SegmentId,
    /// As the candidate's.
    pub gain: f32,
    /// About its size in tokens.
    pub tokens: usize,
    /// In words.
    pub because: &'static str,
}

impl Source {
    /// Whether it changes with what the person does rather than with what the files say: it then stands nearer to the cursor.
    pub fn is_volatile(self) -> bool {
        matches!(self, Source::Edit | Source::Viewed | Source::Diagnostic)
    }
}

impl Excerpt {
    /// As a file of its own: `opening`, its path, its text.
    pub(crate) fn as_file(&self, opening: &'static str) -> Segment {
        let pieces = vec![Piece::Marker(opening), Piece::Text(format!("{}\n{}", self.id.path, self.text))];
        Segment { id: self.id.clone(), pieces }
    }

    /// Its text alone, behind `opening`.
    pub(crate) fn as_snippet(&self, opening: &'static str) -> Segment {
        let pieces = vec![Piece::Marker(opening), Piece::Text(self.text.clone())];
        Segment { id: self.id.clone(), pieces }
    }
}
