//! Wiring: the assistant over the model that the settings name.

use std::{env, path::PathBuf, time::Duration};

use anyhow::Result;
use futures::FutureExt as _;
use indicatif::ProgressBar;
use pilotlight_assist::Assistant;
use pilotlight_engine::{Engine, EngineError, EngineOptions, ModelInfo};

use crate::settings::Settings;

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

fn over(settings: &Settings, options: EngineOptions) -> Assistant {
    let load = move || Engine::load_with(&options.source()?, &options);
    Assistant::new(settings.assist(), &settings.engine.model, load)
}

/// Where KV snapshots are: with the sockets where these have a folder of their own; else `$XDG_CACHE_HOME/pilotlight/kv`, or `~/.cache/pilotlight/kv`; `%LOCALAPPDATA%` on Windows.
fn snapshots() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(own) = folder("PILOTLIGHT_RUNTIME_DIR") {
        return Some(own.join("kv"));
    }
    let base = folder("XDG_CACHE_HOME").or_else(|| folder("LOCALAPPDATA"));
    let base = base.or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(base.join("pilotlight").join("kv"))
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
    let engine = assistant.engine();
    tokio::pin!(engine);
    let engine = match tokio::time::timeout(Duration::from_secs(1), &mut engine).await {
        Ok(engine) => engine,
        Err(_) => {
            // Draws nothing where standard error is not a terminal.
            let spinner = ProgressBar::new_spinner().with_message(format!("loading {}", settings.engine.model));
            spinner.enable_steady_tick(Duration::from_millis(100));
            let engine = engine.await;
            spinner.finish_and_clear();
            engine
        }
    };
    engine.map(Engine::info).map_err(anyhow::Error::msg)
}
