//! This room's settings: declared once, with their documentation; the manual and the editors' settings are generated from here.

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
