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

    /// The JSON schema, as `editors/settings.schema.json` has it.
    pub(crate) fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        // A schema is plain JSON: it always prints.
        format!("{:#}\n", serde_json::Value::from(schema))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The editors' settings are made from the committed schema; `PILOTLIGHT_UPDATE=1 cargo test -p pilotlight` writes it anew.
    #[test]
    fn the_committed_schema_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../editors/settings.schema.json");
        if env::var_os("PILOTLIGHT_UPDATE").is_some() {
            fs::write(&path, Settings::schema()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), Settings::schema(), "{} is out of date", path.display());
    }

    #[test]
    fn a_file_lays_over_the_defaults_and_the_command_line_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "[engine]\nthreads = 3\n[completion]\nmax-tokens = 7\n").unwrap();
        let global =
            |model: Option<&str>| Global { model: model.map(Into::into), config: Some(path.clone()), threads: None };
        let settings = Settings::load(&global(Some("x.gguf"))).unwrap();
        assert_eq!((settings.engine.model.as_str(), settings.engine.threads), ("x.gguf", 3));
        assert_eq!(settings.completion, CompletionOptions { max_tokens: 7, ..CompletionOptions::default() });
    }

    #[test]
    fn a_misspelt_or_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let load = || Settings::load(&Global { model: None, config: Some(path.clone()), threads: None });
        assert!(load().unwrap_err().to_string().contains("does not exist"));
        fs::write(&path, "[completion]\nmax-token = 7\n").unwrap();
        let error = format!("{:#}", load().unwrap_err());
        assert!(error.contains("config.toml") && error.contains("max-token"), "{error}");
    }
}
