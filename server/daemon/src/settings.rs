//! Settings: defaults, then the user's config.toml, then the command line. Each room declares its own.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use pilotlight_assist::options::{CompletionOptions, Options};
use pilotlight_engine::EngineOptions;

use crate::cli::Global;

/// Everything that can be set, room by room.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// The model and how it is run.
    pub(crate) engine: EngineOptions,
    /// Inline completion (ghost text).
    pub(crate) completion: CompletionOptions,
    /// The LSP surface.
    pub(crate) lsp: pilotlight_lsp::Options,
}

impl Settings {
    /// Reads the file (a missing one is no error unless it was named) and lays the command line over it.
    pub(crate) fn load(global: &Global) -> Result<Self> {
        let mut settings = match &global.config {
            Some(path) => Self::read(path)?.with_context(|| format!("{} does not exist", path.display()))?,
            None => user_file().map(|path| Self::read(&path)).transpose()?.flatten().unwrap_or_default(),
        };
        if let Some(model) = &global.model {
            settings.engine.model = model.clone();
        }
        if let Some(threads) = global.threads {
            settings.engine.threads = threads;
        }
        Ok(settings)
    }

    /// What the `assist` room takes.
    pub(crate) fn assist(&self) -> Options {
        Options { completion: self.completion.clone() }
    }

    fn read(path: &Path) -> Result<Option<Self>> {
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map(Some).with_context(|| format!("{}: not read", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }
}

/// Where the user's settings are: `$XDG_CONFIG_HOME/pilotlight/config.toml`, or `~/.config/pilotlight/config.toml`; `%APPDATA%` on Windows.
pub(crate) fn user_file() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base =
        folder("XDG_CONFIG_HOME").or_else(|| folder("APPDATA")).or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(base.join("pilotlight").join("config.toml"))
}
