//! What is settled, once nothing of a change waits to be carried any more: by next edits, by hand, or by another tool.

use tokio_util::sync::CancellationToken;

use super::{
    Offer,
    difference::{Comparison, names},
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

impl Assistant {
    /// Takes the document as it is for settled, but for the changes of which something waits to be carried.
    pub(crate) async fn settle(&self, document: &DocumentId) {
        let Ok((before, now, _)) = self.states(document) else { return };
        if before.revision() == now.revision() {
            return;
        }
        let revision = now.revision();
        // Two texts are compared: not while messages wait.
        let compared = move || {
            let compared = Comparison::new(&before, &now);
            (!compared.is_more_broken()).then(|| compared.changes())
        };
        let Ok(Some(changes)) = tokio::task::spawn_blocking(compared).await else { return };
        let mut waiting = Vec::new();
        for change in &changes {
            let found = self.propagate(document, revision, change.clone(), CancellationToken::new()).await;
            if !found.is_ok_and(|offer| offer.is_done()) {
                waiting.push(change);
            }
        }
        let moved = self.states(document).map_or(true, |(_, now, _)| now.revision() != revision);
        // The others' calls are told by what they were.
        if moved || waiting.iter().any(|change| change.parameters.is_some()) {
            return;
        }
        if changes.is_empty() || waiting.len() < changes.len() {
            self.carried(document, names(&waiting)).await;
        }
    }

    /// Takes this client's documents of which no definition has changed for settled as they are, and the calls in all as these are settled, unless calls wait somewhere to be changed.
    pub(crate) async fn settle_uses(&self) {
        let assistant = self.clone();
        let compared = tokio::task::spawn_blocking(move || {
            let states = |(document, _)| assistant.states(&document).ok().map(|states| (document, states));
            let mut all = Vec::new();
            for (document, (before, now, _)) in assistant.open_files().into_values().filter_map(states) {
                let mut same = false;
                if before.revision() != now.revision() {
                    let compared = Comparison::new(&before, &now);
                    let changes = compared.changes();
                    // Where something is broken it may be that one of a function whose parameters have changed is not seen now.
                    if compared.is_more_broken() || changes.iter().any(|change| change.parameters.is_some()) {
                        return Vec::new();
                    }
                    same = changes.is_empty();
                }
                all.push((document, before, now, same));
            }
            all
        });
        for (document, before, now, same) in compared.await.unwrap_or_default() {
            if same {
                self.settled_as(&document, &before, now);
            }
            self.settle_calls(&document);
        }
    }
}
