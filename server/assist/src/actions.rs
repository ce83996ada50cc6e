//! Code actions by a model: each a row of a table that says when it is offered, what it asks, and what checks the answer.
//!
//! One file a family: [`holes`] are filled in the middle, by any model that completes; [`rewrites`], [`additions`] and [`fixes`] are asked of a model that chats. What the loaded model cannot do
//! is not offered. Whatever is asked, the answer is a [`ChangeSet`] for the state of the document that was asked about, with no syntax error that it did not have; otherwise it is an error in words.

mod additions;
mod answer;
pub(crate) mod asking;
mod excerpts;
mod fitting;
mod fixes;
mod holes;
mod layout;
pub(crate) mod line_ends;
mod reply;
mod request;
mod rewrites;

use std::ops::Range;

use pilotlight_syntax::{Language, Occasion, OccasionKind, Snapshot};

use crate::{ChangeSet, DocumentId};
pub(crate) use fitting::Fitting;

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
enum When {
    /// On code of a kind.
    On {
        kind: OccasionKind,
        /// Where in it the selection may be.
        place: Place,
        /// Which of its kind, of all that there is around the selection.
        which: fn(&Occasion, &[Occasion]) -> bool,
    },
    /// On what is selected; where nothing is, on the head of a function.
    Selection,
    /// Where there are diagnostics.
    Diagnostics,
}

/// Where in a piece of code an action on it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On all its lines.
    Lines,
    /// On its first line; of a function, up to where the body begins.
    Head,
}

/// What an action asks.
#[derive(Clone, Copy, Debug)]
enum How {
    /// The text of a hole.
    Fill,
    /// A model that chats: this (nothing: not in this language), and what it is to answer with.
    Ask(fn(Language) -> Option<String>, Answer),
    /// The same, with the person's own instruction.
    Instructed(Answer),
}

/// What a chat model answers with, and so what is done with it and what checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The new text of the lines. What they define, they define afterwards, if `keeps` says so.
    Lines { keeps: bool },
    /// A comment, or in Python a docstring: nothing else is added.
    Documentation,
    /// Tests, to stand beside the code.
    Tests,
    /// Edits, in the file.
    Edits,
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
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// An [`Action::id`].
    pub id: String,
    /// The selection for which it was offered, in bytes.
    pub selection: Range<usize>,
    /// What is wrong there.
    pub diagnostics: Vec<Diagnostic>,
    /// What the person wants, for an action that asks them.
    pub instruction: String,
}

/// What an editor or a compiler says is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where, in bytes.
    pub range: Range<usize>,
    /// In words.
    pub message: String,
}

/// What the loaded model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// It writes what belongs in a hole.
    pub fills: bool,
    /// It does what it is told: it has a chat template, or its server chats.
    pub chats: bool,
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
    /// There is no model, or none may see this text.
    #[error("{0}")]
    Unavailable(String),
    /// The model's answer is of no use.
    #[error("nothing is changed: {0}")]
    Useless(String),
    /// By the caller.
    #[error("cancelled")]
    Cancelled,
}

/// What an action came to.
#[derive(Clone, Debug)]
pub struct Done {
    /// The edits, checked.
    pub set: ChangeSet,
    /// As a person reads it.
    pub title: String,
}

/// What an action is about.
#[derive(Clone, Debug)]
struct Target {
    range: Range<usize>,
    name: String,
    /// The piece of code, where it is about one.
    occasion: Option<Occasion>,
}

/// All actions, those first that people want first.
pub fn table() -> impl Iterator<Item = &'static Action> {
    let (holes, fixes) = (holes::ACTIONS.iter(), fixes::ACTIONS.iter());
    fixes.chain(holes).chain(&rewrites::ACTIONS).chain(&additions::ACTIONS)
}

impl Action {
    /// Whether it mends what a diagnostic says, as opposed to changing what is well.
    pub fn is_fix(&self) -> bool {
        matches!(self.when, When::Diagnostics)
    }

    /// Whether a person must say what they want.
    pub fn wants_instruction(&self) -> bool {
        matches!(self.how, How::Instructed(_))
    }

    /// What it would be about, in a document at a selection: the smallest piece of code that fits.
    fn find(
        &self,
        snapshot: &Snapshot,
        occasions: &[Occasion],
        selection: &Range<usize>,
        diagnostics: &[Diagnostic],
    ) -> Option<Target> {
        if let How::Ask(about, _) = self.how {
            about(snapshot.language())?;
        }
        match &self.when {
            When::On { kind, place, which } => {
                let fits = |it: &Occasion| it.kind == *kind && which(it, occasions);
                Target::smallest(occasions, |it| fits(it) && place.holds(snapshot, it, selection))
            }
            When::Selection if snapshot.slice(selection.clone()).trim().is_empty() => {
                Target::function(snapshot, occasions, selection, Place::Head)
            }
            When::Selection => {
                Some(Target { range: selection.clone(), name: "the selection".to_owned(), occasion: None })
            }
            When::Diagnostics => {
                let first = diagnostics.first()?;
                let name = first.message.lines().next().unwrap_or_default().chars().take(80).collect();
                let end = diagnostics.iter().map(|it| it.range.end).max().unwrap_or(first.range.end);
                Some(Target { range: first.range.start..end.max(first.range.start), name, occasion: None })
            }
        }
    }

    /// What a person means who asks for it where it is not offered: with an instruction of their own and nothing selected, the function around.
    fn around(&self, snapshot: &Snapshot, occasions: &[Occasion], selection: &Range<usize>) -> Option<Target> {
        let is_empty = snapshot.slice(selection.clone()).trim().is_empty();
        let lines = || Target::function(snapshot, occasions, selection, Place::Lines);
        if self.wants_instruction() && is_empty { lines() } else { None }
    }

    fn offered(&'static self, target: &Target) -> Offered {
        Offered { action: self, title: self.title.replace("{}", &target.name), range: target.range.clone() }
    }

    fn is_for(&self, abilities: Abilities) -> bool {
        match self.how {
            How::Fill => abilities.fills,
            How::Ask(..) | How::Instructed(_) => abilities.chats,
        }
    }
}

impl Target {
    /// The smallest piece of code that fits.
    fn smallest(occasions: &[Occasion], fits: impl Fn(&Occasion) -> bool) -> Option<Self> {
        let occasion = occasions.iter().filter(|it| fits(it)).min_by_key(|it| it.range.len())?.clone();
        let name = occasion.name.clone().unwrap_or_default();
        Some(Self { range: occasion.range.clone(), name, occasion: Some(occasion) })
    }

    /// The smallest function that has a selection there.
    fn function(snapshot: &Snapshot, occasions: &[Occasion], selection: &Range<usize>, place: Place) -> Option<Self> {
        let fits = |it: &Occasion| it.kind == OccasionKind::Function && place.holds(snapshot, it, selection);
        let target = Self::smallest(occasions, fits)?;
        Some(Self { name: format!("`{}`", target.name), ..target })
    }
}

impl Place {
    fn holds(self, snapshot: &Snapshot, occasion: &Occasion, selection: &Range<usize>) -> bool {
        let Range { start, end } = occasion.range;
        let last = match (self, &occasion.body) {
            (Self::Lines, _) => end,
            // Python's bodies begin on a line of their own.
            (Self::Head, Some(body)) => body.start.saturating_sub(1).max(start),
            (Self::Head, None) => start,
        };
        snapshot.line_at(start).start <= selection.start && selection.end <= snapshot.line_at(last).end
    }
}

#[cfg(test)]
mod tests;
