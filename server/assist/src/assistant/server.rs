//! Over a server: it serves while it can, and the built-in model answers while it cannot.

use std::{
    sync::{Arc, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures::executor::block_on;
use pilotlight_engine::{Engine, EngineError};
use tokio::sync::watch;

use super::{Assistant, Inner};
use crate::{Options, Status, model::Model};

/// Between two tries to reach a server that was never reached: the first, and the longest.
const SOON: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_secs(30);

impl Assistant {
    /// As [`Assistant::new`] for a server that `connect` reaches. While it cannot be reached, or serves nobody, the model that `spare` loads answers, and the status says so.
    pub fn over_server(
        options: Options,
        name: &str,
        connect: impl Fn() -> Result<Engine, EngineError> + Send + 'static,
        spare: impl FnOnce() -> Result<Engine, EngineError> + Send + 'static,
    ) -> Self {
        let assistant = Self::empty(options, name);
        let inner = Arc::downgrade(&assistant.inner);
        std::thread::spawn(move || keep(&inner, &connect, spare));
        assistant
    }
}

/// Connects, again and again where it must, and then tells what becomes of the server, as long as there is an assistant.
fn keep(
    inner: &Weak<Inner>,
    connect: &dyn Fn() -> Result<Engine, EngineError>,
    spare: impl FnOnce() -> Result<Engine, EngineError>,
) {
    let mut spare = Some(spare);
    let mut pause = SOON;
    let mut ailing = loop {
        let connected = connect().map_err(|error| error.to_string());
        let made = connected.and_then(|engine| Model::new(engine).map_err(|error| error.to_string()));
        let Some(inner) = inner.upgrade() else { return };
        let reached = made.map(|model| {
            let ailing = model.engine.ailing();
            inner.attach(Ok(model));
            ailing
        });
        if let Some(spare) = spare.take() {
            match spare().map_err(|error| error.to_string()).and_then(|it| Model::new(it).map_err(|it| it.to_string()))
            {
                // Only this thread ever sets it.
                Ok(model) => _ = inner.spare.set(model),
                Err(error) => tracing::error!(error, "there is no spare model"),
            }
        }
        match reached {
            Ok(ailing) => break ailing,
            Err(error) => inner.set_trouble(Some(error)),
        }
        drop(inner);
        std::thread::sleep(pause);
        pause = (pause * 2).min(LATE);
    };
    while let Some(receiver) = &mut ailing {
        let now = receiver.borrow_and_update().clone();
        let Some(inner) = inner.upgrade() else { return };
        inner.set_trouble(now);
        drop(inner);
        if block_on(receiver.changed()).is_err() {
            return;
        }
    }
}

impl Inner {
    /// The model that answers now.
    pub(super) fn serving(&self) -> Option<&Model> {
        let first = self.model.get();
        let serves = |model: &&Model| !model.engine.ailing().is_some_and(|ailing| is_ailing(&ailing));
        first.filter(serves).or_else(|| self.spare.get()).or(first)
    }

    pub(super) fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_trouble(&self, trouble: Option<String>) {
        if let Some(error) = &trouble {
            tracing::warn!(error, "the built-in model answers in the server's place");
        }
        *self.trouble() = trouble;
        self.rest();
    }

    /// Shows the status of somebody who does nothing.
    pub(super) fn rest(&self) {
        let model = self.serving().map(|model| model.engine.info().name.clone());
        let trouble = self.trouble().clone();
        self.status.send_replace(match (model, trouble) {
            (Some(model), None) => Status::Ready { model },
            (Some(model), Some(error)) => {
                let message = format!("{error}. The built-in model answers until it is back");
                Status::Degraded { model, message }
            }
            (None, error) => {
                let error = error.unwrap_or_else(|| "there is no model".to_owned());
                Status::Failed { message: format!("{error}. Editing goes on; completions are off") }
            }
        });
    }
}

fn is_ailing(ailing: &watch::Receiver<Option<String>>) -> bool {
    ailing.borrow().is_some()
}
