//! Wiring: the assistant over the model that the settings name.

use pilotlight_assist::Assistant;
use pilotlight_engine::{Engine, ModelSource};

use crate::settings::Settings;

/// An assistant whose model is being loaded on a thread of its own.
pub(crate) fn assistant(settings: &Settings) -> Assistant {
    let engine = settings.engine.clone();
    let name = ModelSource::named(&engine.model).to_string();
    Assistant::new(settings.assist(), &name, move || Engine::load_with(&ModelSource::named(&engine.model), &engine))
}
