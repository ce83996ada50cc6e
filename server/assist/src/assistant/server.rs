//! Over a server: it serves while it can, and the built-in model answers while it cannot.

use std::{
    sync::{Arc, MutexGuard, PoisonError, Weak, mpsc},
    thread,
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
/// How long a server may take to say what it is before the spare model answers.
const GRACE: Duration = Duration::from_secs(2);

type Ailing = Option<watch::Receiver<Option<String>>>;

impl Assistant {
    /// As [`Assistant::new`] for a server that `connect` reaches. While it cannot be reached, or serves nobody, the model that `spare` loads answers, and the status says so.
    pub fn over_server(
        options: Options,
        name: &str,
        connect: impl Fn() -> Result<Engine, EngineError> + Send + Sync + 'static,
        spare: impl FnOnce() -> Result<Engine, EngineError> + Send + 'static,
    ) -> Self {
        let assistant = Self::empty(options, name);
        let (inner, name) = (Arc::downgrade(&assistant.inner), name.to_owned());
        thread::spawn(move || keep(&inner, &name, &connect, spare));
        assistant
    }
}

/// Connects, again and again where it must, and then tells what becomes of the server, as long as there is an assistant.
fn keep(
    inner: &Weak<Inner>,
    name: &str,
    connect: &(dyn Fn() -> Result<Engine, EngineError> + Sync),
    spare: impl FnOnce() -> Result<Engine, EngineError> + Send,
) {
    let mut reached = thread::scope(|scope| {
        let (told, heard) = mpsc::channel();
        let connecting = scope.spawn(move || told.send(connect()));
        let loading = scope.spawn(spare);
        let first = heard.recv_timeout(GRACE).ok().map(|connected| reach(inner, connected));
        let loaded = loading.join().map_err(|_| "a defect in Pilotlight".to_owned());
        let loaded = loaded.and_then(|loaded| loaded.map_err(|error| error.to_string()));
        if let Some(inner) = inner.upgrade() {
            match loaded.and_then(|engine| Model::new(engine).map_err(|error| error.to_string())) {
                // Only this thread ever sets it.
                Ok(model) => _ = inner.spare.set(model),
                Err(error) => tracing::error!(error, "there is no spare model"),
            }
            if first.is_none() && inner.spare.get().is_some() {
                inner.set_trouble(Some(format!("{name} has not answered yet")));
            }
        }
        let late = || heard.recv().map_or_else(|_| Err("a defect in Pilotlight".to_owned()), |it| reach(inner, it));
        let reached = first.unwrap_or_else(late);
        // Or the scope would end this thread too where that one has panicked, and nobody would be told.
        let _ = connecting.join();
        reached
    });
    let mut pause = SOON;
    let mut ailing = loop {
        let Some(there) = inner.upgrade() else { return };
        match reached {
            Ok(ailing) => break ailing,
            Err(error) => there.set_trouble(Some(error)),
        }
        drop(there);
        thread::sleep(pause);
        pause = (pause * 2).min(LATE);
        reached = reach(inner, connect());
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

/// Takes a server in that was connected to. One that chats and fits no fill-in-the-middle format does that, and the spare model completes.
fn reach(inner: &Weak<Inner>, connected: Result<Engine, EngineError>) -> Result<Ailing, String> {
    let engine = connected.map_err(|error| error.to_string())?;
    let (ailing, chats) = (engine.ailing(), engine.chat().is_ok());
    let Some(inner) = inner.upgrade() else { return Ok(None) };
    let made = Model::new(engine.clone());
    if chats {
        // Once: what has been reached is not connected to again.
        let _ = inner.talker.set(engine);
    }
    match made {
        Ok(model) => inner.attach(Ok(model)),
        Err(error) if chats => tracing::warn!(%error, "the server is asked to chat; the built-in model completes"),
        Err(error) => return Err(error.to_string()),
    }
    Ok(ailing)
}

impl Inner {
    /// The model that answers now.
    pub(super) fn serving(&self) -> Option<&Model> {
        let first = self.model.get();
        let serves = |model: &&Model| model.engine.fills() && !is_ailing(&model.engine);
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

pub(super) fn is_ailing(engine: &Engine) -> bool {
    engine.ailing().is_some_and(|ailing| ailing.borrow().is_some())
}
