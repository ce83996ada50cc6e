//! Wiring: the assistant over the model that the settings name.

use std::time::Duration;

use anyhow::Result;
use indicatif::ProgressBar;
use pilotlight_assist::Assistant;
use pilotlight_engine::{Engine, ModelInfo};

use crate::settings::Settings;

/// An assistant whose model is being loaded on a thread of its own.
pub(crate) fn assistant(settings: &Settings) -> Assistant {
    let options = settings.engine.clone();
    let load = move || Engine::load_with(&options.source()?, &options);
    Assistant::new(settings.assist(), &settings.engine.model, load)
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
