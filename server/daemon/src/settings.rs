//! Settings: defaults, then the user's config.toml, then the command line. Each room declares its own. What lies between these two for an editor (the workspace's
//! `.pilotlight.toml`, the editor's own settings) is laid by the `lsp` room, connection by connection.

mod page;

use std::{
    fs,
    io::{ErrorKind, Write as _, stderr},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use pilotlight_assist::options::{ActionOptions, CompletionOptions, Options, overlay};
use pilotlight_engine::EngineOptions;
use serde_json::{Value, json};

use crate::{cli::Global, places};

/// Everything that can be set, room by room.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// The model and how it is run. The user's alone to set.
    pub(crate) engine: EngineOptions,
    /// Inline completion (ghost text).
    pub(crate) completion: CompletionOptions,
    /// Code actions by a model.
    pub(crate) actions: ActionOptions,
    /// The LSP surface. Not for a workspace's `.pilotlight.toml`.
    pub(crate) lsp: pilotlight_lsp::Options,
    /// The resident daemon. The user's alone to set.
    pub(crate) daemon: DaemonOptions,
    /// The HTTP surface. The user's alone to set.
    pub(crate) http: pilotlight_http::Options,
}

/// The resident daemon that all editors share.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DaemonOptions {
    /// Seconds without a connected editor and without a request by HTTP after which the daemon ends. It never ends while an editor is connected.
    pub(crate) idle_exit_seconds: u64,
}

impl Default for DaemonOptions {
    fn default() -> Self {
        Self { idle_exit_seconds: 30 * 60 }
    }
}

/// The settings that hold for one connection: those that choose behaviour.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Behaviour {
    pub(crate) completion: CompletionOptions,
    pub(crate) actions: ActionOptions,
    pub(crate) lsp: pilotlight_lsp::Options,
}

impl Behaviour {
    /// What the `assist` room takes.
    pub(crate) fn assist(&self) -> Options {
        Options { completion: self.completion.clone(), actions: self.actions.clone() }
    }
}

/// The settings with where they come from, as far as that matters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// What the command line says of behaviour, as an object of sections: it lies over the editor's settings too.
    pub(crate) command_line: Value,
    /// What of the user's file was not taken.
    pub(crate) notices: Vec<String>,
}

impl Loaded {
    /// Reads the file (a missing one is no error unless it was named) and lays the command line over it.
    ///
    /// # Errors
    ///
    /// The file cannot be read at all, or the command line is wrong. Single settings that cannot be taken are `notices`.
    pub(crate) fn read(global: &Global) -> Result<Self> {
        Self::over(file_layer(global)?, global)
    }

    /// Lays the file's layer over the defaults, and the command line over that.
    fn over(layer: Option<(Value, PathBuf)>, global: &Global) -> Result<Self> {
        let (mut settings, notices) = match layer {
            Some((layer, path)) => overlay(&Settings::default(), &layer, &path.display().to_string()),
            None => Default::default(),
        };
        let mut command_line = json!({});
        let threads = global.threads.map(|threads| format!("engine.threads={threads}"));
        for assignment in global.set.iter().chain(&threads) {
            let layer = assigned(assignment)?;
            let (laid, refused) = overlay(&settings, &layer, "--set");
            if let Some(refused) = refused.first() {
                bail!(
                    "{}",
                    refused.trim_end_matches("; ignored").replacen(" is unknown and ignored;", " is unknown;", 1)
                );
            }
            settings = laid;
            merge(&mut command_line, layer);
        }
        if let Some(sections) = command_line.as_object_mut() {
            sections.retain(|name, _| !["engine", "daemon", "http"].contains(&name.as_str()));
        }
        if let Some(model) = &global.model {
            settings.engine.model = model.clone();
            // A model that is named is the one that is meant.
            settings.engine.remote.url = String::new();
        }
        settings.find_home();
        Ok(Self { settings, command_line, notices })
    }

    /// As [`read`](Self::read), for editors: a file that cannot be read is told there. It may have switched things off, so nothing is suggested, and no model asked, until it is mended and the server started again.
    ///
    /// # Errors
    ///
    /// The command line is wrong.
    pub(crate) fn read_or_told(global: &Global) -> Result<Self> {
        let error = match file_layer(global) {
            Ok(layer) => return Self::over(layer, global),
            Err(error) => error,
        };
        let mut loaded = Self::over(None, global)?;
        let off = json!({ "completion": { "enabled": false }, "actions": { "enabled": false } });
        // It is laid over every other layer, and loosened by none.
        merge(&mut loaded.command_line, off);
        loaded.notices.push(format!("{error:#}. Suggestions are off: mend it and restart the server"));
        Ok(loaded)
    }

    /// The settings, for a command: what was not taken is told on standard error.
    pub(crate) fn told(self) -> Settings {
        for notice in &self.notices {
            let _ = writeln!(stderr(), "pilotlight: {notice}");
        }
        self.settings
    }
}

impl Settings {
    /// The JSON schema, as `editors/settings.schema.json` has it.
    pub(crate) fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        // A schema is plain JSON: it always prints.
        format!("{:#}\n", serde_json::Value::from(schema))
    }

    /// The manual page of all settings, as `SETTINGS.md` has it.
    pub(crate) fn page() -> String {
        page::page(&serde_json::Value::from(schemars::schema_for!(Self)))
    }

    /// A path that begins with `~/` is in the user's folder, as in a shell.
    fn find_home(&mut self) {
        let Some(home) = places::absolute("HOME") else { return };
        if let Some(rest) = self.engine.model.strip_prefix("~/") {
            self.engine.model = home.join(rest).display().to_string();
        }
        let Self { engine: EngineOptions { remote, .. }, http, .. } = self;
        for path in [&mut remote.key_file, &mut remote.tokenizer, &mut http.tokens].into_iter().flatten() {
            if let Ok(rest) = path.strip_prefix("~") {
                *path = home.join(rest);
            }
        }
    }

    /// What the `assist` room takes.
    pub(crate) fn assist(&self) -> Options {
        self.behaviour().assist()
    }

    /// What holds for one connection.
    pub(crate) fn behaviour(&self) -> Behaviour {
        Behaviour { completion: self.completion.clone(), actions: self.actions.clone(), lsp: self.lsp.clone() }
    }
}

/// The user's file as a layer, with its path; `None` if there is none and none was named.
fn file_layer(global: &Global) -> Result<Option<(Value, PathBuf)>> {
    let Some(path) = global.config.clone().or_else(user_file) else { return Ok(None) };
    let layer = read(&path)?;
    ensure!(layer.is_some() || global.config.is_none(), "{} does not exist", path.display());
    Ok(layer.map(|layer| (layer, path)))
}

/// The file as a layer; `None` if there is none.
fn read(path: &Path) -> Result<Option<Value>> {
    match fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map(Some).with_context(|| format!("{}: not read", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// `SECTION.NAME=VALUE` (a section may be in another) as a layer. The value is TOML; what is none is a string, so that a word needs no quotes.
fn assigned(assignment: &str) -> Result<Value> {
    let Some((place, value)) = assignment.split_once('=').filter(|(place, _)| place.contains('.')) else {
        bail!("--set: expected SECTION.NAME=VALUE, found {assignment:?}");
    };
    let value: Value = toml::from_str::<Value>(&format!("value = {value}"))
        .map_or_else(|_| json!(value), |mut read| read["value"].take());
    Ok(place.rsplit('.').fold(value, |inner, name| json!({ name: inner })))
}

/// Lays one object of sections over another.
fn merge(base: &mut Value, layer: Value) {
    match (base, layer) {
        (Value::Object(base), Value::Object(layer)) => {
            for (name, value) in layer {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, layer) => *base = layer,
    }
}

/// Where the user's settings are.
pub(crate) fn user_file() -> Option<PathBuf> {
    Some(places::config()?.join("config.toml"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The editors' settings are made from the committed schema (`npm run settings` in editors/vscode).
    #[test]
    fn the_committed_schema_and_page_are_current() {
        for (name, text) in [("editors/settings.schema.json", Settings::schema()), ("SETTINGS.md", Settings::page())] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
            if std::env::var_os("PILOTLIGHT_UPDATE").is_some() {
                fs::write(&path, &text).unwrap();
            }
            let current = fs::read_to_string(&path).unwrap_or_default() == text;
            assert!(current, "{name} is out of date: PILOTLIGHT_UPDATE=1 cargo test -p pilotlight --bins");
        }
    }

    fn global(config: PathBuf, model: Option<&str>, set: &[&str]) -> Global {
        let set = set.iter().map(|&assignment| assignment.to_owned()).collect();
        Global { model: model.map(Into::into), config: Some(config), threads: None, set }
    }

    #[test]
    fn a_file_lays_over_the_defaults_and_the_command_line_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "[engine]\nthreads = 3\n[completion]\nmax-tokens = 7\nlook-ahead = false\n").unwrap();
        let set = ["completion.max-tokens=8", "completion.disabled-languages=[\"c\"]", "engine.backend=cpu"];
        let loaded = Loaded::read(&global(path, Some("x.gguf"), &set)).unwrap();
        let settings = &loaded.settings;
        assert_eq!((settings.engine.model.as_str(), settings.engine.threads), ("x.gguf", 3));
        assert_eq!(settings.engine.backend, pilotlight_engine::BackendChoice::Cpu);
        let completion = CompletionOptions {
            max_tokens: 8,
            look_ahead: false,
            disabled_languages: vec!["c".to_owned()],
            ..CompletionOptions::default()
        };
        assert_eq!(settings.completion, completion);
        // What lies over the editor's settings is what the command line said itself, of behaviour.
        let said = json!({ "completion": { "max-tokens": 8, "disabled-languages": ["c"] } });
        assert_eq!(loaded.command_line, said);
        assert!(loaded.notices.is_empty());
    }

    #[test]
    fn a_bad_command_line_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "").unwrap();
        for (assignment, expected) in [
            ("completion", "--set: expected SECTION.NAME=VALUE, found \"completion\""),
            ("completion.warp=9", "--set: completion.warp is unknown"),
            (
                "completion.max-tokens=many",
                "--set: completion.max-tokens: invalid type: string \"many\", expected usize",
            ),
        ] {
            let error = Loaded::read(&global(path.clone(), None, &[assignment])).unwrap_err().to_string();
            assert!(error.starts_with(expected) && !error.ends_with("ignored"), "{error}");
        }
    }

    #[test]
    fn a_misspelt_or_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let load = || Loaded::read(&global(path.clone(), None, &[]));
        assert!(load().unwrap_err().to_string().contains("does not exist"));
        fs::write(&path, "[completion\n").unwrap();
        assert!(load().unwrap_err().to_string().contains("config.toml: not read"));
        // One wrong name costs one setting, and is told.
        fs::write(&path, "[completion]\nmax-token = 7\nlook-ahead = false\n").unwrap();
        let loaded = load().unwrap();
        assert!(!loaded.settings.completion.look_ahead);
        assert!(loaded.notices[0].contains("config.toml: completion.max-token is unknown"), "{:?}", loaded.notices);
    }
}
