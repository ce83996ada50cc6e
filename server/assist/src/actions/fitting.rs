//! Lines made to fit a change elsewhere: what carrying a change asks of a model that chats.

use std::{ops::Range, path::Path};

use pilotlight_engine::Priority;
use pilotlight_syntax::Snapshot;
use tokio_util::sync::CancellationToken;

use super::{
    ActionError, Answer,
    asking::Question,
    layout, line_ends,
    reply::{self, Unreadable},
};
use crate::{Assistant, DocumentId};

/// Lines that a change elsewhere concerns.
pub(crate) struct Fitting<'a> {
    /// Their file.
    pub(crate) path: &'a Path,
    /// As what it is open, if it is.
    pub(crate) document: Option<&'a DocumentId>,
    /// Its text.
    pub(crate) snapshot: &'a Snapshot,
    /// Whole lines.
    pub(crate) lines: Range<usize>,
    /// What has changed, and what is wanted.
    pub(crate) instruction: String,
}

impl Assistant {
    /// The new text of the lines, or the old one where that fits.
    pub(crate) async fn fitted(&self, fitting: Fitting<'_>) -> Result<String, ActionError> {
        let Fitting { path, document, snapshot, lines, instruction } = fitting;
        let document = document.cloned().unwrap_or_else(|| path.display().to_string().into());
        let home = self.home_of(document, snapshot.clone(), Some(path.to_owned()))?;
        let old = snapshot.slice(lines.clone());
        let answer = Answer::Lines { keeps: false };
        let question =
            Question { lines: lines.clone(), instruction: &instruction, answer, priority: Priority::Refactor };
        let read = |reply: &str| {
            let new = layout::indented(snapshot, &lines, &reply::block(reply)?);
            if new.trim().is_empty() {
                return Err(Unreadable { expected: "the new text of the lines", found: "nothing".to_owned() });
            }
            let same = line_ends::plain(&new) == line_ends::plain(&old);
            layout::check(snapshot, || snapshot.with_replaced(lines.clone(), &new))?;
            Ok(if same { old.clone() } else { line_ends::written(&new, line_ends::of(snapshot)) })
        };
        // Whoever waits drops this where it is cancelled.
        self.asked(&home, &question, read, &|_| {}, &CancellationToken::new()).await
    }
}
