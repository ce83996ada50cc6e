//! A server that has failed is asked whether it is back.

use std::{sync::Arc, time::Duration};

use super::{
    Failure, Link,
    discovery::{alive, discover},
};

/// Before the first look, and between two.
const SOON: Duration = Duration::from_millis(500);
const LATE: Duration = Duration::from_secs(30);

impl Link {
    /// Takes in that the server cannot serve, and looks after it until it can.
    pub(super) fn ail(self: &Arc<Self>, failure: &Failure) {
        let message = format!("{}: {}", self.name(), failure.message);
        tracing::warn!(message, "the server fails");
        let began = self.ailing.send_replace(Some(message)).is_none();
        if began {
            tokio::spawn(look_after(Arc::downgrade(self)));
        }
    }

    /// Takes in that it serves.
    pub(super) fn is_well(&self) {
        self.ailing.send_if_modified(|ailing| ailing.take().is_some());
    }
}

async fn look_after(link: std::sync::Weak<Link>) {
    let mut pause = SOON;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LATE);
        // Nobody has a use for it any more, or a request went well meanwhile.
        let Some(link) = link.upgrade() else { return };
        if link.ailing.borrow().is_none() {
            return;
        }
        match back(&link).await {
            Ok(()) => {
                tracing::info!(server = link.name(), "the server is back");
                return link.is_well();
            }
            Err(failure) => {
                let message = format!("{}: {}", link.name(), failure.message);
                link.ailing.send_if_modified(|ailing| {
                    let told = Some(message);
                    let modified = *ailing != told;
                    *ailing = told;
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
    let now = discover(&link.client, &link.options, &link.markers).await?;
    if !link.exact && now.names() != before.names() || now.server_writes != before.server_writes {
        return Err(Failure::lasting(format!(
            "it has another model now ({}), with other special tokens than {}: `pilotlight stop` makes a new start",
            now.model, before.model
        )));
    }
    *link.found.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(now);
    Ok(())
}
