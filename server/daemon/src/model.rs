//! Wiring: the assistant over the model that the settings name.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use futures::FutureExt as _;
use indicatif::ProgressBar;
use pilotlight_assist::{Assistant, Status};
use pilotlight_engine::{
    Engine, EngineError, EngineOptions, ModelInfo, ModelSource, RemoteOptions,
    hub::{HubError, Store, catalogue},
};

use crate::{places, settings::Settings};

/// An assistant whose model is being loaded on a thread of its own.
pub(crate) fn assistant(settings: &Settings) -> Assistant {
    over(settings, settings.engine.clone())
}

/// An assistant for what needs no model.
pub(crate) fn none(settings: &Settings) -> Assistant {
    let load = || Err(EngineError::Stopped("this command works without a model".to_owned()));
    Assistant::new(settings.assist(), "none", load)
}

/// The same for a process that stays: it begins with what the last one left, and leaves to the next ([`save`]).
pub(crate) fn resident(settings: &Settings) -> Assistant {
    over(settings, EngineOptions { snapshot_folder: snapshots(), ..settings.engine.clone() })
}

/// The same without a spare model in a server's place: what is wrong is told.
pub(crate) fn without_spare(settings: &Settings) -> Assistant {
    let options = settings.engine.clone();
    Assistant::new(settings.assist(), name(&settings.engine), move || load(&options))
}

fn over(settings: &Settings, options: EngineOptions) -> Assistant {
    let (behaviour, name) = (settings.assist(), name(&settings.engine));
    if options.remote.url.is_empty() {
        return Assistant::new(behaviour, name, move || load(&options));
    }
    let spare =
        EngineOptions { remote: RemoteOptions::default(), model: EngineOptions::default().model, ..options.clone() };
    Assistant::over_server(behaviour, name, move || load(&options), move || load(&spare))
}

/// The model that `options` name, here or on a server.
fn load(options: &EngineOptions) -> Result<Engine, EngineError> {
    if options.remote.url.is_empty() {
        return Engine::load_with(&source(options)?, options);
    }
    let format = &options.remote.format;
    let markers = pilotlight_assist::markers(format).map_err(|expected| EngineError::Setting {
        name: "remote.format",
        expected,
        found: format!("`{format}`"),
    })?;
    Engine::connect(options, &markers)
}

/// Where the weights are: of a name in the catalogue, or as the options say.
fn source(options: &EngineOptions) -> Result<ModelSource, EngineError> {
    let pulled = store().map_or(Ok(None), |store| store.source(&options.model));
    let refused = |error: HubError| EngineError::Setting {
        name: "model",
        expected: "a model that is here".into(),
        found: error.to_string(),
    };
    pulled.map_err(refused)?.map_or_else(|| options.source(), Ok)
}

/// Where pulled models are, if there is a place.
pub(crate) fn store() -> Option<Store> {
    Some(Store::new(places::cache()?.join("models")))
}

/// The licence of a pulled model and what it asks, the first time that it is loaded.
pub(crate) fn licence(options: &EngineOptions) -> Option<String> {
    let entry = catalogue::find(&options.model).filter(|_| options.remote.url.is_empty())?;
    let store = store()?;
    let pulled = matches!(store.manifest(&entry.name), Ok(Some(_)));
    (pulled && store.shows_licence(&entry.name))
        .then(|| format!("{}: {}. {}", entry.name, entry.licence, entry.conditions))
}

/// What is loaded, before it is.
fn name(options: &EngineOptions) -> &str {
    if options.remote.url.is_empty() { &options.model } else { &options.remote.url }
}

/// Where KV snapshots are: with the sockets where these have a folder of their own, else in the cache.
fn snapshots() -> Option<PathBuf> {
    Some(places::own_runtime().or_else(places::cache)?.join("kv"))
}

/// Leaves what the next run begins with, where a model is loaded. Nothing depends on it: what goes wrong is logged.
pub(crate) async fn save(assistant: &Assistant) {
    let Some(Ok(engine)) = assistant.engine().now_or_never() else { return };
    let engine = engine.clone();
    match tokio::task::spawn_blocking(move || engine.save()).await {
        Ok(Ok(bytes)) => tracing::debug!(bytes, "KV snapshot"),
        Ok(Err(error)) => tracing::warn!(%error, "no KV snapshot"),
        Err(error) => tracing::warn!(%error, "no KV snapshot"),
    }
}

/// Waits for the model; says so on a terminal's standard error if that takes more than a second.
pub(crate) async fn loaded<'a>(assistant: &'a Assistant, settings: &Settings) -> Result<&'a ModelInfo> {
    if let Some(licence) = licence(&settings.engine) {
        eprintln!("{licence}");
    }
    let engine = assistant.engine();
    tokio::pin!(engine);
    let engine = match tokio::time::timeout(Duration::from_secs(1), &mut engine).await {
        Ok(engine) => engine,
        Err(_) => {
            // Draws nothing where standard error is not a terminal.
            let spinner = ProgressBar::new_spinner().with_message(format!("loading {}", name(&settings.engine)));
            spinner.enable_steady_tick(Duration::from_millis(100));
            let engine = engine.await;
            spinner.finish_and_clear();
            engine
        }
    };
    if let Status::Degraded { message, .. } = &*assistant.status().borrow() {
        eprintln!("{message}.");
    }
    engine.map(Engine::info).map_err(anyhow::Error::msg)
}
