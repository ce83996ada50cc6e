//! This room's settings: declared once, with their documentation; the manual and the editors' settings are generated from here.

use serde_json::Value;

/// What a person can set about the LSP surface.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Whether suggestions are offered in the completion menu too.
    pub completion_menu: CompletionMenu,
    /// Whether the editor is told the status (loading, busy, ready, failed) by `didChangeStatus` notifications.
    pub status_notifications: bool,
}

/// Whether suggestions are offered in the completion menu (`textDocument/completion`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CompletionMenu {
    /// To editors that cannot show ghost text.
    #[default]
    Auto,
    /// To all editors: what is ghost text already is then shown twice.
    Always,
    /// To none.
    Never,
}

impl Default for Options {
    fn default() -> Self {
        Self { completion_menu: CompletionMenu::Auto, status_notifications: true }
    }
}

/// What other servers' clients send and needs no warning: who they are.
const WHO: [&str; 2] = ["editorInfo", "editorPluginInfo"];

impl Options {
    /// These options with a client's `initializationOptions` laid over them, and a warning for each that was not taken. Names may be written `likeThis` or
    /// `like-this`.
    pub(crate) fn overlay(self, given: &Value) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let mut options = self;
        match given {
            Value::Null => {}
            Value::Object(given) => {
                for (name, value) in given.iter().filter(|(name, _)| !WHO.contains(&name.as_str())) {
                    match options.with(name, value) {
                        Ok(with) => options = with,
                        Err(warning) => warnings.push(warning),
                    }
                }
            }
            other => warnings.push(format!("initializationOptions: expected an object, found {other}; ignored")),
        }
        (options, warnings)
    }

    fn with(&self, name: &str, value: &Value) -> Result<Self, String> {
        let Ok(Value::Object(mut all)) = serde_json::to_value(self) else {
            return Err(format!("initializationOptions.{name}: not taken"));
        };
        let known = all.keys().cloned().collect::<Vec<_>>().join(", ");
        match all.get_mut(&kebab(name)) {
            Some(old) => *old = value.clone(),
            None => return Err(format!("initializationOptions.{name}: unknown, ignored; expected one of {known}")),
        }
        serde_json::from_value(Value::Object(all))
            .map_err(|error| format!("initializationOptions.{name}: {error}; ignored"))
    }
}

fn kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_known_is_taken_and_the_rest_is_told() {
        let given = json!({
            "completionMenu": "never",
            "status-notifications": "yes",
            "telemetry": true,
            "editorInfo": { "name": "x" },
        });
        let (options, warnings) = Options::default().overlay(&given);
        assert_eq!(options, Options { completion_menu: CompletionMenu::Never, ..Options::default() });
        assert_eq!(
            warnings,
            [
                "initializationOptions.status-notifications: invalid type: string \"yes\", expected a boolean; ignored",
                "initializationOptions.telemetry: unknown, ignored; expected one of completion-menu, status-notifications",
            ]
        );
    }

    #[test]
    fn what_is_no_object_is_told() {
        assert_eq!(Options::default().overlay(&Value::Null), (Options::default(), vec![]));
        let (options, warnings) = Options::default().overlay(&json!(["x"]));
        assert_eq!(options, Options::default());
        assert_eq!(warnings, ["initializationOptions: expected an object, found [\"x\"]; ignored"]);
    }
}
