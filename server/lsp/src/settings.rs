//! The settings of one connection, in rising order: the user's, each folder's own file, the editor's (`initializationOptions`, and what replaces them by
//! `workspace/didChangeConfiguration`), the command line's. All of them choose behaviour: what is loaded and run is settled before a client connects.

use std::{collections::HashSet, path::PathBuf};

use pilotlight_assist::{
    Folder, Options as AssistOptions, Workspace,
    options::{FOLDER_FILE, overlay},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::options::Options;

/// What other servers' clients send and needs no warning: who they are.
const WHO: [&str; 2] = ["editorInfo", "editorPluginInfo"];
/// Sections that only the user sets: they name what is loaded and run.
const USERS: [&str; 3] = ["engine", "daemon", "http"];

/// What a connection starts with. The user's other settings are those of the assistant's workspace.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The user's settings of this room.
    pub lsp: Options,
    /// What the command line lays over everything: an object of sections, or `null`.
    pub command_line: Value,
    /// What is wrong with the user's settings, to be told to the client.
    pub notices: Vec<String>,
    /// One line that a person might like to know, told once and quietly.
    pub hint: Option<String>,
    /// Between this server and the client is a [`crate::bridge`], which is told what it must remember.
    pub bridged: bool,
}

impl From<Options> for Settings {
    fn from(lsp: Options) -> Self {
        Self { lsp, ..Self::default() }
    }
}

/// The layers and what they make together.
#[derive(Debug)]
pub(crate) struct Layers {
    user: Settings,
    assist: AssistOptions,
    /// As the editor introduced itself, and as it has it now.
    given: Value,
    editor: Value,
    roots: Vec<PathBuf>,
    /// Warnings that the client has had.
    told: HashSet<String>,
}

/// What the layers make together.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) lsp: Options,
    pub(crate) workspace: Workspace,
    /// What was not taken and has not been told before.
    pub(crate) warnings: Vec<String>,
}

/// This room's section, where the others stand beside it.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct Own {
    lsp: Options,
}

impl Layers {
    pub(crate) fn new(user: Settings, assist: AssistOptions) -> Self {
        Self { user, assist, given: Value::Null, editor: Value::Null, roots: Vec::new(), told: HashSet::new() }
    }

    /// The settings that the editor introduces itself with.
    pub(crate) fn introduce(&mut self, settings: Value) {
        self.given = settings.clone();
        self.set_editor(settings);
    }

    /// The editor's settings, in place of those that it gave before; an empty object (Eglot sends one where nothing is set for this server) is as it introduced itself. Where a client has several servers' settings together, ours are under `pilotlight`.
    pub(crate) fn set_editor(&mut self, settings: Value) {
        let settings = if settings.as_object().is_some_and(Map::is_empty) { self.given.clone() } else { settings };
        self.editor = match settings {
            Value::Object(mut all) if all.get("pilotlight").is_some_and(Value::is_object) => {
                all.remove("pilotlight").unwrap_or_default()
            }
            other => other,
        };
    }

    /// Adds and removes folders.
    pub(crate) fn change_roots(&mut self, added: impl IntoIterator<Item = PathBuf>, removed: &[PathBuf]) {
        self.roots.retain(|root| !removed.contains(root));
        for root in added {
            if !self.roots.contains(&root) {
                self.roots.push(root);
            }
        }
    }

    /// Whether a file is one of the folders' own settings.
    pub(crate) fn reads(&self, path: &std::path::Path) -> bool {
        self.roots.iter().any(|root| path == root.join(FOLDER_FILE))
    }

    /// Lays the layers over each other. Reads the folders' files.
    pub(crate) fn compose(&mut self) -> Composed {
        let mut warnings = self.user.notices.clone();
        let mut lsp = Own { lsp: self.user.lsp.clone() };
        let over =
            [(split(&self.editor), "the editor's settings"), (split(&self.user.command_line), "the command line")];
        for ((own, rest), source) in &over {
            let (laid, told) = overlay(&lsp, own, source);
            lsp = laid;
            warnings.extend(told);
            let users = USERS.iter().filter(|section| rest.get(**section).is_some());
            warnings.extend(users.map(|section| {
                format!("{source}: {section} is for the user's config.toml and the command line to set; ignored")
            }));
        }
        let mut assist_over = |mut options: AssistOptions| {
            for ((_, rest), source) in &over {
                let mut rest = rest.clone();
                if let Value::Object(rest) = &mut rest {
                    USERS.iter().for_each(|section| _ = rest.remove(*section));
                }
                let (laid, told) = overlay(&options, &rest, source);
                options = laid;
                warnings.extend(told);
            }
            options
        };
        let options = assist_over(self.assist.clone());
        let mut of_files = Vec::new();
        let folders = self.roots.iter().map(|root| {
            let (options, told) = self.assist.for_folder(root);
            of_files.extend(told);
            Folder { root: root.clone(), options: assist_over(options) }
        });
        let workspace = Workspace { options, folders: folders.collect() };
        warnings.extend(of_files);
        warnings.retain(|warning| self.told.insert(warning.clone()));
        Composed { lsp: lsp.lsp, workspace, warnings }
    }
}

/// This room's section of a layer, and the others.
fn split(layer: &Value) -> (Value, Value) {
    let Value::Object(sections) = layer else { return (Value::Null, layer.clone()) };
    let (own, rest): (Map<_, _>, Map<_, _>) = sections
        .clone()
        .into_iter()
        .filter(|(name, _)| !WHO.contains(&name.as_str()))
        .partition(|(name, _)| name == "lsp");
    (Value::Object(own), Value::Object(rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::options::CompletionMenu;
    use serde_json::json;

    fn tokens(composed: &Composed, path: &std::path::Path) -> usize {
        composed.workspace.options_for(Some(path)).completion.max_tokens
    }

    #[test]
    fn each_layer_lies_over_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let file = root.join("a.rs");
        let mut user = AssistOptions::default();
        user.completion.max_tokens = 1;
        user.completion.look_ahead = false;
        let mut layers = Layers::new(Settings::default(), user);
        layers.change_roots([root.clone()], &[]);
        assert_eq!(tokens(&layers.compose(), &file), 1);

        std::fs::write(root.join(FOLDER_FILE), "[completion]\nmax-tokens = 2\n[engine]\nthreads = 3\n").unwrap();
        let composed = layers.compose();
        assert_eq!(tokens(&composed, &file), 2);
        assert_eq!(tokens(&composed, std::path::Path::new("/elsewhere.rs")), 1);
        assert!(!composed.workspace.options_for(Some(&file)).completion.look_ahead);
        assert_eq!(composed.warnings.len(), 1, "{composed:?}");
        assert!(composed.warnings[0].contains("[engine] is refused"), "{composed:?}");

        layers.set_editor(json!({
            "completion": { "maxTokens": 3 },
            "lsp": { "completionMenu": "never" },
            "engine": { "model": "/x.gguf" },
            "editorInfo": { "name": "x" },
        }));
        let composed = layers.compose();
        assert_eq!(tokens(&composed, &file), 3);
        assert_eq!(composed.lsp.completion_menu, CompletionMenu::Never);
        assert_eq!(
            composed.warnings,
            ["the editor's settings: engine is for the user's config.toml and the command line to set; ignored"]
        );

        layers.user.command_line = json!({ "completion": { "max-tokens": 4 } });
        assert_eq!(tokens(&layers.compose(), &file), 4);

        // What the editor does not say any more is as it was.
        layers.user.command_line = Value::Null;
        layers.set_editor(json!({ "pilotlight": {}, "other": { "x": 1 } }));
        let composed = layers.compose();
        assert_eq!((tokens(&composed, &file), composed.lsp.completion_menu), (2, CompletionMenu::Auto));
        assert!(composed.warnings.is_empty(), "{composed:?}");
    }

    #[test]
    fn what_cannot_be_taken_is_told_once() {
        let mut layers = Layers::new(Settings::default(), AssistOptions::default());
        layers.set_editor(json!({ "lsp": { "status-notifications": 7 }, "warp": 9 }));
        let expected = [
            "the editor's settings: lsp.status-notifications: invalid type: integer `7`, expected a boolean; ignored",
            "the editor's settings: warp is unknown and ignored; expected one of actions, completion",
        ];
        let composed = layers.compose();
        assert_eq!(composed.warnings, expected);
        assert!(layers.compose().warnings.is_empty());
    }
}
