//! Idle time: while the person reads the ghost text, the completion that would follow its acceptance is computed, so that it is there at once.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use pilotlight_engine::Priority;
use tokio_util::sync::CancellationToken;

use super::Assistant;
use crate::{
    completion::{self, Caller, Completion, CompletionRequest, Shown, Trigger},
    options::CompletionOptions,
};

/// A person who types on does not read: the work starts after this pause.
const PAUSE: Duration = Duration::from_millis(150);

/// Looks ahead counted before the share that was used decides, and while it is poor only every so many are made.
const TRIAL: u32 = 16;

impl Assistant {
    /// Starts the work for the state after `completion` is accepted. It is the first to give way: any other request preempts it, any change of the document ends it.
    pub(super) fn look_ahead(
        &self,
        request: &CompletionRequest,
        completion: &Completion,
        options: &CompletionOptions,
        full: Option<PathBuf>,
        path: String,
    ) {
        let inner = &self.inner;
        if !inner.foresight.worth_it() {
            return;
        }
        let Some((cancel, mut last)) = inner.documents.get_mut(&request.document).map(|mut open| {
            open.next = None;
            open.ahead = CancellationToken::new();
            (open.ahead.clone(), open.last.clone())
        }) else {
            return;
        };
        let accepted = CompletionRequest {
            document: request.document.clone(),
            cursor: completion.range.start + completion.text.len(),
            snapshot: request.snapshot.with_replaced(completion.range.clone(), &completion.text),
            trigger: Trigger::Automatic,
        };
        let (assistant, options) = (self.clone(), options.clone());
        tokio::spawn(async move {
            let pause = cancel.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
            let (Some(()), Some(model)) = (pause, assistant.inner.serving()) else { return };
            assistant.inner.foresight.made();
            // The excerpts stay: what is warm now is what the person will ask with.
            last.freeze(&accepted.snapshot, accepted.cursor);
            let surrounded = assistant.surrounded(model, &options, full.as_deref(), path);
            let caller = Caller { priority: Priority::Warming, session: assistant.session(), cancel: &cancel };
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
}

/// How much of the looking ahead was of use.
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
