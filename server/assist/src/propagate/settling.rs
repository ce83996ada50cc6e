//! What is settled, once nothing of a change waits to be carried any more: by next edits, by hand, or by another tool.

use tokio_util::sync::CancellationToken;

use super::{
    DefinitionChange, Offer,
    difference::{differences, names},
    touched::BY_HAND,
};
use crate::{Assistant, DocumentId};

impl Offer {
    /// Whether nothing is left to be done, but for calls that were changed by hand.
    pub(crate) fn is_done(&self) -> bool {
        let by_hand = |doubt: &Option<String>| doubt.as_deref() == Some(BY_HAND);
        let mut edits = self.set.files.iter().flat_map(|file| &file.edits);
        self.set.left.is_empty() && self.set.holes.is_empty() && edits.all(|edit| by_hand(&edit.doubt))
    }
}

/// Whether calls change with it: what a call was when it was settled then says if it has been changed by hand.
pub(crate) fn concerns_calls(change: &DefinitionChange) -> bool {
    change.parameters.is_some()
}

impl Assistant {
    /// Takes the document as it is for settled, but for the changes of which something waits to be carried.
    pub(crate) async fn settle(&self, document: &DocumentId) {
        let Ok((before, now, _)) = self.states(document) else { return };
        if before.revision() == now.revision() {
            return;
        }
        let revision = now.revision();
        // Two texts are compared: not while messages wait.
        let Ok(changes) = tokio::task::spawn_blocking(move || differences(&before, &now)).await else { return };
        let mut waiting = Vec::new();
        for change in &changes {
            let found = self.propagate(document, revision, change.clone(), CancellationToken::new()).await;
            if !found.is_ok_and(|offer| offer.is_done()) {
                waiting.push(change);
            }
        }
        let moved = self.states(document).map_or(true, |(_, now, _)| now.revision() != revision);
        // The others' calls are told by what they were.
        if moved || waiting.iter().any(|change| concerns_calls(change)) {
            return;
        }
        if changes.is_empty() || waiting.len() < changes.len() {
            self.carried(document, names(&waiting)).await;
        }
    }

    /// Takes this client's documents of which no definition has changed for settled as they are, unless calls wait somewhere to be changed.
    pub(crate) async fn settle_uses(&self) {
        let assistant = self.clone();
        let compared = tokio::task::spawn_blocking(move || {
            let states = |(document, _)| assistant.states(&document).ok().map(|states| (document, states));
            let open = assistant.open_files().into_values().filter_map(states);
            let moved = open.filter(|(_, (before, now, _))| before.revision() != now.revision());
            let mut same = Vec::new();
            for (document, (before, now, _)) in moved {
                let changes = differences(&before, &now);
                if changes.iter().any(concerns_calls) {
                    return Vec::new();
                }
                if changes.is_empty() {
                    same.push((document, before, now));
                }
            }
            same
        });
        for (document, before, now) in compared.await.unwrap_or_default() {
            self.settled_as(&document, &before, now);
        }
    }
}
