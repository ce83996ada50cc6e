//! Idle time. While the person reads the ghost text, the completion that would follow its acceptance is computed, so that it is there at once; where the cursor comes to
//! rest, the prompt for a completion there is; and when the person has stopped typing, a prompt with the window anchored where they are.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use pilotlight_engine::Priority;
use pilotlight_syntax::Snapshot;
use tokio_util::sync::CancellationToken;

use super::Assistant;
use crate::{
    DocumentId,
    completion::{self, Caller, Completion, CompletionRequest, Last, Reach, Shown, Trigger},
    model::Model,
    options::CompletionOptions,
};

/// A person who types on does not read: the work starts after this pause.
const PAUSE: Duration = Duration::from_millis(150);

/// After this one has stopped: an anchor that is weighed costs a prompt.
const IDLE: Duration = Duration::from_millis(1000);

/// Looks ahead counted before the share that was used decides, and while it is poor only every so many are made.
const TRIAL: u32 = 16;

impl Assistant {
    /// Starts the work for the state after `completion` is accepted. It is the first to give way: any other request preempts it, any change of the document ends it.
    pub(super) fn look_ahead(
        &self,
        request: &CompletionRequest,
        (cancel, mut last): (CancellationToken, Last),
        completion: &Completion,
        options: &CompletionOptions,
        full: Option<PathBuf>,
        path: String,
    ) {
        let inner = &self.inner;
        if !self.has_time(options) || !inner.accepting.worth_it() {
            return;
        }
        if let Some(mut open) = inner.documents.get_mut(&request.document) {
            open.next = None;
        }
        let accepted = CompletionRequest {
            document: request.document.clone(),
            cursor: completion.range.start + completion.text.len(),
            snapshot: request.snapshot.with_replaced(completion.range.clone(), &completion.text),
            trigger: Trigger::Automatic,
        };
        let (assistant, options) = (self.clone(), options.clone());
        tokio::spawn(async move {
            let Some(model) = assistant.after(PAUSE, &cancel).await else { return };
            assistant.inner.accepting.made();
            // The excerpts stay: what is warm now is what the person will ask with.
            last.freeze(&accepted.snapshot, accepted.cursor);
            let surrounded = assistant.surrounded(model, &options, &accepted.document, full.as_deref(), path);
            let caller = assistant.in_background(&cancel);
            let outcome = completion::generate(model, &options, &accepted, &surrounded, &mut last, caller).await;
            let Some(mut completion) = outcome.completion else { return };
            completion.id = assistant.inner.new_id();
            let next = Shown { snapshot: accepted.snapshot, cursor: accepted.cursor, completion };
            if let Some(mut open) = assistant.inner.documents.get_mut(&accepted.document)
                && !cancel.is_cancelled()
            {
                open.next = Some(next);
            }
        });
    }

    /// Who asks for what may never be used.
    fn in_background<'a>(&self, cancel: &'a CancellationToken) -> Caller<'a> {
        Caller { priority: Priority::Warming, session: self.session(), reach: Reach::GHOST, cancel }
    }

    /// What is begun for a document in idle time ends by this token, and goes on from this plan; what was begun before ends now. `None` where it is closed.
    pub(super) fn begin_idle(&self, document: &DocumentId) -> Option<(CancellationToken, Last)> {
        let mut open = self.inner.documents.get_mut(document)?;
        open.ahead.cancel();
        open.ahead = CancellationToken::new();
        Some((open.ahead.clone(), open.last.clone()))
    }

    /// The model, once the person has paused for so long; `None` where they have not.
    async fn after(&self, pause: Duration, cancel: &CancellationToken) -> Option<&Model> {
        let ready = async {
            tokio::time::sleep(pause).await;
            // The file that an editor starts with is open before the model is loaded.
            self.inner.ready().await
        };
        cancel.run_until_cancelled(ready).await?.ok()
    }

    /// Whether there is time to spare for what may never be used.
    fn has_time(&self, options: &CompletionOptions) -> bool {
        options.look_ahead && (options.look_ahead_always || !self.inner.machine.is_strained())
    }

    /// The cursor has come to rest at byte `cursor` of a document: the prompt for a completion there is computed, so that the first keystroke does not wait for it. As the looking
    /// ahead it is the first to give way.
    pub fn rest_at(&self, document: &DocumentId, snapshot: Snapshot, cursor: usize) {
        let inner = &self.inner;
        let request = CompletionRequest { document: document.clone(), cursor, snapshot, trigger: Trigger::Automatic };
        let line = request.snapshot.line_at(cursor).start;
        let Some((cancel, full, last)) = inner.documents.get_mut(document).and_then(|mut open| {
            // At the ghost text there is nothing to do, and the looking ahead is not to be disturbed.
            let reads = open.shown.rest_for(&request).is_some();
            let known = open.warmed == Some(line) || reads;
            let moved_on = open.document.snapshot().revision() != request.snapshot.revision();
            if known || moved_on {
                return None;
            }
            open.ahead.cancel();
            open.ahead = CancellationToken::new();
            Some((open.ahead.clone(), open.path.clone(), open.last.clone()))
        }) else {
            return;
        };
        self.warm(request, PAUSE, cancel, full, last);
    }

    /// The person was answered and may have stopped: if so, the window is anchored anew behind what they have typed (for families that have anchors), which makes the prompt shorter
    /// and lets the excerpts follow.
    pub(super) fn anchor_when_idle(
        &self,
        request: &CompletionRequest,
        (cancel, mut last): (CancellationToken, Last),
        full: Option<PathBuf>,
    ) {
        let order = self.inner.serving().map(|model| model.encoder.family().order);
        if order.is_some_and(|order| last.weigh_anchor(&request.snapshot, request.cursor, order)) {
            self.warm(request.clone(), IDLE, cancel, full, last);
        }
    }

    /// `request` was answered from what was computed for another place: computes its prompt properly, so that the next one need not be.
    pub(super) fn mend(
        &self,
        request: &CompletionRequest,
        (cancel, last): (CancellationToken, Last),
        options: &CompletionOptions,
        full: Option<PathBuf>,
        path: String,
    ) {
        let (assistant, request, options) = (self.clone(), request.clone(), options.clone());
        tokio::spawn(async move {
            let Some(model) = assistant.inner.serving() else { return };
            let surrounded = assistant.surrounded(model, &options, &request.document, full.as_deref(), path);
            let caller = assistant.in_background(&cancel);
            completion::prefill(model, &options, &request, &surrounded, caller, last, |_| ()).await;
        });
    }

    /// Computes the prompt for `request` if nothing happens meanwhile, and has the next completion of the document go on from its plan.
    fn warm(
        &self,
        request: CompletionRequest,
        pause: Duration,
        cancel: CancellationToken,
        full: Option<PathBuf>,
        last: Last,
    ) {
        let assistant = self.clone();
        tokio::spawn(async move {
            let Some(model) = assistant.after(pause, &cancel).await else { return };
            let workspace = assistant.workspace();
            let options = &workspace.options_for(full.as_deref()).completion;
            let off = assistant.off_for(&request, options).is_some();
            if off || !assistant.has_time(options) || !assistant.inner.resting.worth_it() {
                return;
            }
            assistant.inner.resting.made();
            let path = workspace.prompt_path(full.as_deref(), &request.document);
            let surrounded = assistant.surrounded(model, options, &request.document, full.as_deref(), path);
            let caller = assistant.in_background(&cancel);
            let line = request.snapshot.line_at(request.cursor).start;
            // The next completion goes on from this plan, whether or not there was time to compute it.
            let planned = |last| {
                if let Some(mut open) = assistant.inner.documents.get_mut(&request.document)
                    && !cancel.is_cancelled()
                {
                    (open.last, open.warmed) = (last, Some(line));
                }
            };
            completion::prefill(model, options, &request, &surrounded, caller, last, planned).await;
        });
    }
}

/// What was computed in idle time, in case it would be wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Prediction {
    /// How often.
    pub made: u32,
    /// How often it was.
    pub used: u32,
}

/// By what it was for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Predictions {
    /// Completions for the state after what was shown is accepted.
    pub accepting: Prediction,
    /// Prompts for where the cursor rested, or the person stopped.
    pub resting: Prediction,
}

/// How much of one kind of prediction was of use.
#[derive(Debug, Default)]
pub(super) struct Foresight {
    made: AtomicU32,
    used: AtomicU32,
    skipped: AtomicU32,
}

impl Foresight {
    pub(super) fn made(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn used(&self) {
        self.used.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn figures(&self) -> Prediction {
        Prediction { made: self.made.load(Ordering::Relaxed), used: self.used.load(Ordering::Relaxed) }
    }

    /// Yes while at least one in sixteen is used, and at first; else every sixteenth time, to see whether that has changed.
    fn worth_it(&self) -> bool {
        let (made, used) = (self.made.load(Ordering::Relaxed), self.used.load(Ordering::Relaxed));
        made < TRIAL
            || used.saturating_mul(TRIAL) >= made
            || self.skipped.fetch_add(1, Ordering::Relaxed).is_multiple_of(TRIAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_used_is_soon_made_rarely() {
        let foresight = Foresight::default();
        let mut made = 0;
        for _ in 0..16 + 160 {
            if foresight.worth_it() {
                foresight.made();
                made += 1;
            }
        }
        assert_eq!(made, 16 + 10);
        for _ in 0..2 {
            foresight.used();
        }
        assert!(foresight.worth_it());
    }
}
