//! The ghost text that is on the screen, or was: typing what it says keeps it, and so does coming back to it by undo or after a slip, without asking the engine.

use std::collections::VecDeque;

use pilotlight_syntax::Snapshot;

use super::{Completion, CompletionId, CompletionRequest};

/// How many of a document's completions are remembered: what one undoes in a row.
const REMEMBERED: usize = 32;

/// The last completions of a document.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The latest first, each with why it is not wanted again, if so.
    shown: VecDeque<(Shown, Option<&'static str>)>,
}

impl Memory {
    /// Remembers what is shown now.
    pub(crate) fn add(&mut self, shown: Shown) {
        self.shown.push_front((shown, None));
        self.shown.truncate(REMEMBERED);
    }

    /// What is left of the latest that still says what may follow, or why it is not wanted again.
    pub(crate) fn rest_for(&self, request: &CompletionRequest) -> Option<Result<Completion, &'static str>> {
        self.shown.iter().find_map(|(shown, refused)| {
            let rest = shown.rest_for(request)?;
            Some(refused.map_or(Ok(rest), Err))
        })
    }

    /// The person does not want to see it again where it was shown: it was dismissed, or taken, so that who comes back there has undone it.
    pub(crate) fn refuse(&mut self, id: CompletionId, because: &'static str) {
        for (_, refused) in self.shown.iter_mut().filter(|(shown, _)| shown.completion.id == id) {
            *refused = Some(because);
        }
    }
}

/// A completion, and the state it was made for.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// The document's state then.
    pub(crate) snapshot: Snapshot,
    /// The cursor then.
    pub(crate) cursor: usize,
    /// What was handed out then.
    pub(crate) completion: Completion,
}

impl Shown {
    /// What is left of the completion if all that happened since is that its own beginning was typed (or some of it deleted again).
    pub(crate) fn rest_for(&self, request: &CompletionRequest) -> Option<Completion> {
        let (old, new) = (self.snapshot.rope(), request.snapshot.rope());
        let Completion { id, range, text } = &self.completion;
        let typed = request.cursor.checked_sub(self.cursor)?;
        let standing = self.cursor - range.start;
        let begins = standing + typed;
        let rest = text.get(begins..).filter(|rest| !rest.is_empty())?;
        let same = new.len_bytes() == old.len_bytes() + typed
            && new.get_byte_slice(self.cursor..request.cursor)? == text.get(standing..begins)?
            && new.get_byte_slice(..self.cursor)? == old.get_byte_slice(..self.cursor)?
            && new.get_byte_slice(request.cursor..)? == old.get_byte_slice(self.cursor..)?;
        same.then(|| Completion { id: *id, range: request.cursor..range.end + typed, text: rest.to_owned() })
    }
}
