//! Wiring: the assistant over the model that the settings name.

use pilotlight_assist::Assistant;
use pilotlight_engine::Engine;

use crate::settings::Settings;

/// An assistant whose model is being loaded on a thread of its own.
pub(crate) fn assistant(settings: &Settings) -> Assistant {
    let options = settings.engine.clone();
    let load = move || Engine::load_with(&options.source()?, &options);
    Assistant::new(settings.assist(), &settings.engine.model, load)
}
