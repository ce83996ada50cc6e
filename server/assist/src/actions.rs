//! Code actions by a model: each a row of a table that says when it is offered, what it asks, and what checks the answer.
//!
//! One file a family: [`holes`] are filled in the middle, by any model that completes. What the loaded model cannot do is not offered. Whatever is asked, the answer is a [`ChangeSet`] for the
//! state of the document that was asked about, with no syntax error that the document did not have; otherwise it is an error in words.

mod holes;
mod request;

use std::ops::Range;

use pilotlight_syntax::{Occasion, OccasionKind, Snapshot};

use crate::{ChangeSet, DocumentId};

/// One code action.
#[derive(Debug)]
pub struct Action {
    /// Names it, on the command line and between offer and answer.
    pub id: &'static str,
    /// As a person reads it; `{}` is the name of what it is about.
    title: &'static str,
    when: When,
    how: How,
}

/// When an action is offered.
#[derive(Debug)]
struct When {
    /// Of which kind the code is.
    kind: OccasionKind,
    /// Where in it the selection may be.
    place: Place,
    /// Which of its kind, of all that there is around the selection.
    which: fn(&Occasion, &[Occasion]) -> bool,
}

/// Where in a piece of code an action on it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On all its lines.
    Lines,
}

/// What an action asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// The text of a hole.
    Fill,
}

/// An action at a place.
#[derive(Clone, Debug)]
pub struct Offered {
    /// Which.
    pub action: &'static Action,
    /// As a person reads it.
    pub title: String,
    /// The bytes that it is about.
    pub range: Range<usize>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// An [`Action::id`].
    pub id: String,
    /// The selection for which it was offered, in bytes.
    pub selection: Range<usize>,
}

/// What the loaded model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// It writes what belongs in a hole.
    pub fills: bool,
}

/// Why nothing was done; nothing is changed then.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ActionError {
    /// Never opened, or closed.
    #[error("{0} is not open")]
    NotOpen(DocumentId),
    /// It has been edited since the question.
    #[error("the document has been edited since: ask again")]
    MovedOn,
    /// There is no such action here.
    #[error("expected an action that is offered here ({}), found {found:?}", if .offered.is_empty() { "none is".to_owned() } else { .offered.join(", ") })]
    NotOffered {
        /// What was asked for.
        found: String,
        /// What is offered.
        offered: Vec<&'static str>,
    },
    /// There is no model, or none may see this file.
    #[error("{0}")]
    Unavailable(String),
    /// The model's answer is of no use.
    #[error("nothing is changed: {0}")]
    Useless(String),
    /// By the caller.
    #[error("cancelled")]
    Cancelled,
}

/// All actions, those first that people want first.
pub fn table() -> impl Iterator<Item = &'static Action> {
    holes::ACTIONS.iter()
}

impl Action {
    /// Where it would be done, in a document at a selection: the smallest piece of code that fits.
    fn find(&self, snapshot: &Snapshot, occasions: &[Occasion], selection: &Range<usize>) -> Option<Occasion> {
        let When { kind, place, which } = &self.when;
        let fits = |it: &&Occasion| it.kind == *kind && which(it, occasions) && place.holds(snapshot, it, selection);
        occasions.iter().filter(fits).min_by_key(|it| it.range.len()).cloned()
    }

    fn offered(&'static self, occasion: &Occasion) -> Offered {
        let name = occasion.name.as_deref().unwrap_or_default();
        Offered { action: self, title: self.title.replace("{}", name), range: occasion.range.clone() }
    }

    fn is_for(&self, abilities: Abilities) -> bool {
        match self.how {
            How::Fill => abilities.fills,
        }
    }
}

impl Place {
    fn holds(self, snapshot: &Snapshot, occasion: &Occasion, selection: &Range<usize>) -> bool {
        let lines = match self {
            Self::Lines => {
                let (first, last) = (&occasion.range.start, &occasion.range.end);
                snapshot.line_at(*first).start..snapshot.line_at(*last).end
            }
        };
        lines.start <= selection.start && selection.end <= lines.end
    }
}

/// What an action came to.
#[derive(Clone, Debug)]
pub struct Done {
    /// The edits, checked.
    pub set: ChangeSet,
    /// As a person reads it.
    pub title: String,
}

#[cfg(test)]
mod tests;
