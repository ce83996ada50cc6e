//! What surfaces ask: which actions there are at a place, and what one does.

use std::{ops::Range, path::PathBuf};

use pilotlight_syntax::{Occasion, Snapshot};
use tokio_util::sync::CancellationToken;

use super::{Abilities, ActionError, Chosen, Done, How, Offered, holes::Hole, table};
use crate::{
    Assistant, ChangeSet, CompletionRequest, DocumentId, Edit, FileChange, Outcome, Trigger,
    completion::{Completion, Reach},
    options::ActionOptions,
};

/// Lines of a body at most.
const MOST_LINES: usize = 80;

/// The document that an action is done in, as it was when it was asked for.
pub(super) struct Home {
    pub(super) document: DocumentId,
    pub(super) snapshot: Snapshot,
    pub(super) path: Option<PathBuf>,
    pub(super) options: ActionOptions,
}

impl Home {
    /// What there is on the lines of a selection.
    fn occasions(&self, selection: &Range<usize>) -> Vec<Occasion> {
        let line = |at| self.snapshot.line_at(at);
        self.snapshot.occasions(line(selection.start).start..line(selection.end).end)
    }
}

impl Assistant {
    /// What the loaded model can do; nothing while it is being loaded.
    pub fn abilities(&self) -> Abilities {
        Abilities { fills: self.fills() }
    }

    /// The actions at a selection of a document (bytes), of those that the loaded model can do.
    ///
    /// # Errors
    ///
    /// [`ActionError::NotOpen`], and why there are none in this document.
    pub fn actions(&self, document: &DocumentId, selection: Range<usize>) -> Result<Vec<Offered>, ActionError> {
        let home = self.home(document)?;
        let occasions = home.occasions(&selection);
        let abilities = self.abilities();
        let offered = table()
            .filter(|action| action.is_for(abilities))
            .filter_map(|action| Some(action.offered(&action.find(&home.snapshot, &occasions, &selection)?)));
        Ok(offered.collect())
    }

    /// Does an action that was offered for state `revision` of a document.
    ///
    /// # Errors
    ///
    /// See [`ActionError`].
    pub async fn act(
        &self,
        document: &DocumentId,
        revision: u64,
        chosen: Chosen,
        cancel: CancellationToken,
    ) -> Result<Done, ActionError> {
        let home = self.home(document)?;
        if home.snapshot.revision() != revision {
            return Err(ActionError::MovedOn);
        }
        let found = table().find(|action| action.id == chosen.id);
        let occasions = home.occasions(&chosen.selection);
        let found =
            found.and_then(|action| Some((action, action.find(&home.snapshot, &occasions, &chosen.selection)?)));
        let Some((action, occasion)) = found else {
            let offered = self.actions(document, chosen.selection)?;
            return Err(ActionError::NotOffered {
                found: chosen.id,
                offered: offered.iter().map(|it| it.action.id).collect(),
            });
        };
        let edit = match action.how {
            How::Fill => {
                let hole = Hole::of(&home.snapshot, &home.snapshot.occasions(occasion.range.clone()), &occasion);
                self.filled(&home, hole, &cancel).await?
            }
        };
        self.done(action.offered(&occasion).title, &home, edit)
    }

    /// The document, if a model may see it and change it.
    fn home(&self, document: &DocumentId) -> Result<Home, ActionError> {
        let (_, snapshot, path) = self.states(document).map_err(|_| ActionError::NotOpen(document.clone()))?;
        let workspace = self.workspace();
        let options = workspace.options_for(path.as_deref());
        if !options.actions.enabled {
            return Err(ActionError::Unavailable("actions by a model are switched off (actions.enabled)".to_owned()));
        }
        if let Some(too_large) = snapshot.too_large() {
            return Err(ActionError::Unavailable(too_large.to_string()));
        }
        if let Some(because) = self.excluded(path.as_deref(), &options.completion) {
            return Err(ActionError::Unavailable(because));
        }
        Ok(Home { document: document.clone(), snapshot, path, options: options.actions.clone() })
    }

    /// The edit that fills a hole.
    async fn filled(&self, home: &Home, hole: Hole, cancel: &CancellationToken) -> Result<Edit, ActionError> {
        let Hole { range, before, after, is_body } = hole;
        let open = home.snapshot.with_replaced(range.clone(), &(before.clone() + &after));
        let cursor = range.start + before.len();
        let request = CompletionRequest {
            document: home.document.clone(),
            cursor,
            snapshot: open.clone(),
            trigger: Trigger::Invoked,
        };
        let reach = Reach { lines: MOST_LINES, body: is_body };
        let filling = self.fill_in(&request, home.path.as_deref(), &home.options, reach, cancel);
        let Outcome { completion, explanation } = tokio::select! {
            outcome = filling => outcome,
            () = cancel.cancelled() => return Err(ActionError::Cancelled),
        };
        if cancel.is_cancelled() {
            return Err(ActionError::Cancelled);
        }
        let Some(Completion { range: written, text, .. }) = completion else {
            let because = explanation.nothing_because.unwrap_or_default();
            return Err(ActionError::Useless(because));
        };
        // What was written may replace closers behind the hole too.
        let behind = written.end.saturating_sub(cursor + after.len());
        let inner = open.slice(cursor..written.start) + &text + &open.slice(written.end..cursor + after.len());
        let edit = Edit { range: range.start..range.end + behind, text: before + &inner, doubt: None };
        if home.snapshot.slice(edit.range.clone()).trim() == edit.text.trim() {
            return Err(ActionError::Useless("the model writes what stands there already".to_owned()));
        }
        Ok(edit)
    }

    /// The edit as a change set, if the document is still as it was and the edit adds no syntax error.
    fn done(&self, title: String, home: &Home, edit: Edit) -> Result<Done, ActionError> {
        let (_, now, _) = self.states(&home.document).map_err(|_| ActionError::NotOpen(home.document.clone()))?;
        if now.revision() != home.snapshot.revision() {
            return Err(ActionError::MovedOn);
        }
        let file = FileChange {
            path: home.path.clone(),
            document: Some(home.document.clone()),
            before: home.snapshot.clone(),
            edits: vec![edit],
        };
        let mut set = ChangeSet { files: vec![file], left: Vec::new() };
        set.check();
        match set.files.is_empty() {
            true => {
                let left = set.left.into_iter().map(|left| left.because);
                Err(ActionError::Useless(left.collect::<Vec<_>>().join("; ")))
            }
            false => Ok(Done { set, title }),
        }
    }
}
