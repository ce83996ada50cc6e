//! A server that has failed is asked whether it is back.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::sync::watch;

use super::{
    Failure, Link, PREFIX_PART, Remedy, SUFFIX_PART,
    discovery::{alive, discover},
    prompt::Part,
    wire::{self, Question},
};
use crate::Sampling;

/// Before the first look, and between two.
const SOON: Duration = Duration::from_millis(500);
const LATE: Duration = Duration::from_secs(30);

impl Link {
    /// Takes in that the server cannot serve, and looks after it until it can.
    pub(super) fn ail(self: &Arc<Self>, failure: &Failure) {
        let message = format!("{}: {}", self.name(), failure.message);
        tracing::warn!(message, "the server fails");
        if self.ailing.send_replace(Some(message)).is_some() {
            return;
        }
        // One that answers every look and refuses every request is looked at less and less often.
        let falls = self.falls.fetch_add(1, Ordering::Relaxed);
        let mut pause = (SOON * (1 << falls.min(6))).min(LATE);
        // A look says nothing of a quota that is used up. Of a server that only has yet to start it tells sooner than was said.
        if let (Some(429), Remedy::Retry(Some(after))) = (failure.status, failure.remedy) {
            pause = pause.max(after);
        }
        tokio::spawn(look_after(Arc::downgrade(self), self.ailing.subscribe(), pause));
    }

    /// Takes in that it served a request.
    pub(super) fn is_well(&self) {
        self.falls.store(0, Ordering::Relaxed);
        self.is_back();
    }

    fn is_back(&self) {
        self.ailing.send_if_modified(|ailing| ailing.take().is_some());
    }

    /// Takes in that it cannot write the prompts of its model, and looks after it until it can.
    pub(super) fn cannot_fill(self: &Arc<Self>) {
        if self.fills.swap(false, Ordering::Relaxed) {
            tracing::warn!(server = self.name(), "its model fills no middle (501): it is asked for none until it does");
            tokio::spawn(look_for_another(Arc::downgrade(self)));
        }
    }
}

async fn look_for_another(link: Weak<Link>) {
    let mut pause = SOON;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LATE);
        // It may have been found to be back meanwhile.
        let Some(link) = link.upgrade().filter(|link| !link.fills.load(Ordering::Relaxed)) else { return };
        // The server writes the prompt: what it says to the very question is all that there is to know, whatever model it has by now. One that is not there is looked
        // after by who asks it for something.
        if fills_a_middle(&link).await.is_ok() {
            tracing::info!(server = link.name(), "its model fills a middle now");
            return link.fills.store(true, Ordering::Relaxed);
        }
    }
}

/// Asks for nothing between two lines.
async fn fills_a_middle(link: &Link) -> Result<(), Failure> {
    let line = || Part::Text("\n".to_owned());
    let question = Question {
        parts: vec![Part::Special(PREFIX_PART), line(), Part::Special(SUFFIX_PART), line()],
        ids: None,
        max_tokens: 0,
        stops: Vec::new(),
        sampling: &Sampling::Greedy,
        names: &link.names,
    };
    let (path, body) = wire::ask(&link.found(), &question)?;
    link.client.open(path, &body).await.map(drop)
}

async fn look_after(link: Weak<Link>, mut ailing: watch::Receiver<Option<String>>, mut pause: Duration) {
    loop {
        // A request went well meanwhile, or nobody has a use for it any more.
        if tokio::time::timeout(pause, ailing.wait_for(Option::is_none)).await.is_ok() {
            return;
        }
        pause = (pause * 2).min(LATE);
        let Some(link) = link.upgrade() else { return };
        match back(&link).await {
            Ok(()) => {
                tracing::info!(server = link.name(), "the server is back");
                return link.is_back();
            }
            Err(failure) => {
                let message = format!("{}: {}", link.name(), failure.message);
                link.ailing.send_if_modified(|ailing| {
                    // Unless a request went well while it was asked.
                    let modified = ailing.as_ref().is_some_and(|told| *told != message);
                    if modified {
                        *ailing = Some(message);
                    }
                    modified
                });
            }
        }
    }
}

/// Whether it serves again, and still has what prompts are made of.
async fn back(link: &Link) -> Result<(), Failure> {
    let before = link.found();
    alive(&link.client, before.kind).await?;
    let mut now = discover(&link.client, &link.options, &link.markers).await?;
    // Who wrote the prompts goes on with it, also for a model whose tokens are known here.
    now.server_writes |= before.server_writes && now.kind == before.kind;
    if !link.exact && now.names() != before.names() || now.server_writes != before.server_writes {
        return Err(Failure::lasting(format!(
            "it has another model now ({}), with other special tokens than {}: `pilotlight stop` makes a new start",
            now.model, before.model
        )));
    }
    // It may have another model.
    link.fills.store(true, Ordering::Relaxed);
    *link.found.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(now);
    Ok(())
}
