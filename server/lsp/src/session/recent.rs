//! The last answers: what was handed out under which id, and how each came about.

use std::collections::VecDeque;

use pilotlight_assist::{CompletionId, Explanation};

use crate::position::utf16_to_bytes;

/// Answers kept: some minutes of typing.
const KEPT: usize = 128;

/// One answered completion request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The document, as the client names it.
    pub(crate) uri: String,
    /// How it came about.
    pub(crate) explanation: Explanation,
    /// What was handed out, if anything.
    pub(crate) inserted: Option<Inserted>,
}

/// What an editor was told to insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inserted {
    pub(crate) id: CompletionId,
    /// The inserted text.
    pub(crate) text: String,
    /// How many of its bytes come before the completion's own text: what stands there already and is replaced by itself.
    pub(crate) lead: usize,
}

/// The last answers, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    answers: VecDeque<Answer>,
}

impl Recent {
    pub(crate) fn push(&mut self, answer: Answer) {
        if self.answers.len() == KEPT {
            self.answers.pop_front();
        }
        self.answers.push_back(answer);
    }

    /// The last answer with that id: ghost text that is typed along is handed out again, shorter, under its id.
    pub(crate) fn by_id(&self, id: CompletionId) -> Option<&Answer> {
        self.answers.iter().rev().find(|answer| answer.inserted.as_ref().is_some_and(|inserted| inserted.id == id))
    }

    /// The last answer for that document; for any where none is named.
    pub(crate) fn last(&self, uri: Option<&str>) -> Option<&Answer> {
        self.answers.iter().rev().find(|answer| uri.is_none_or(|uri| answer.uri == uri))
    }

    /// How many bytes of the completion's own text are in the first `units` UTF-16 units of what was inserted for it.
    pub(crate) fn bytes_taken(&self, id: CompletionId, units: usize) -> Option<usize> {
        let inserted = self.by_id(id)?.inserted.as_ref()?;
        Some(utf16_to_bytes(&inserted.text, units).saturating_sub(inserted.lead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(uri: &str, id: Option<u64>, text: &str, lead: usize) -> Answer {
        let inserted = id.map(|id| Inserted { id: CompletionId(id), text: text.to_owned(), lead });
        Answer { uri: uri.to_owned(), explanation: Explanation::default(), inserted }
    }

    #[test]
    fn the_last_of_each_is_found_and_the_oldest_go() {
        let mut recent = Recent::default();
        recent.push(answer("a", Some(1), "print(x)", 3));
        recent.push(answer("a", Some(1), "int(x)", 0));
        recent.push(answer("b", None, "", 0));
        assert_eq!(recent.bytes_taken(CompletionId(1), 4), Some(4));
        assert_eq!(recent.bytes_taken(CompletionId(2), 4), None);
        assert_eq!(recent.last(None).map(|answer| answer.uri.as_str()), Some("b"));
        assert!(recent.last(Some("a")).is_some_and(|answer| answer.inserted.is_some()));
        for _ in 0..KEPT {
            recent.push(answer("b", None, "", 0));
        }
        assert!(recent.by_id(CompletionId(1)).is_none());
        assert!(recent.last(Some("a")).is_none());
    }

    #[test]
    fn what_stood_there_already_was_not_taken() {
        let mut recent = Recent::default();
        recent.push(answer("a", Some(1), "naïve()", 3));
        let taken: Vec<_> = (0..9).map(|units| recent.bytes_taken(CompletionId(1), units)).collect();
        assert_eq!(taken, [0, 0, 0, 1, 2, 3, 4, 5, 5].map(Some));
    }
}
