//! What the client can do, and what the server says it can.

use pilotlight_assist::syntax::PositionEncoding;
use tower_lsp::gen_lsp_types::{
    ChangeNotifications, ClientCapabilities, CompletionOptions, ExecuteCommandOptions, SaveOptions, ServerCapabilities,
    TextDocumentSyncKind, TextDocumentSyncOptions, WorkspaceFoldersServerCapabilities, WorkspaceOptions,
};

use crate::{
    options::{CompletionMenu, Options},
    position, requests,
};

/// What was agreed at `initialize`.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// What positions are counted in.
    pub(crate) encoding: PositionEncoding,
    /// Whether suggestions go into the completion menu.
    pub(crate) menu: bool,
    /// This room's settings as they were then.
    pub(crate) options: Options,
}

impl Profile {
    /// Agrees with a client.
    pub(crate) fn agree(client: &ClientCapabilities, options: Options) -> Self {
        let offered = client.general.as_ref().and_then(|general| general.position_encodings.as_deref());
        let inline = client.text_document.as_ref().is_some_and(|document| document.inline_completion.is_some());
        let menu = match options.completion_menu {
            CompletionMenu::Auto => !inline,
            CompletionMenu::Always => true,
            CompletionMenu::Never => false,
        };
        Self { encoding: position::negotiate(offered.unwrap_or_default()), menu, options }
    }

    /// What is offered to that client.
    pub(crate) fn capabilities(&self) -> ServerCapabilities {
        ServerCapabilities {
            position_encoding: Some(position::kind(self.encoding)),
            text_document_sync: Some(
                TextDocumentSyncOptions {
                    open_close: Some(true),
                    change: Some(TextDocumentSyncKind::Incremental),
                    // With its text a save is a moment to see whether both sides still have the same.
                    save: Some(SaveOptions { include_text: Some(true) }.into()),
                    ..TextDocumentSyncOptions::default()
                }
                .into(),
            ),
            inline_completion_provider: Some(true.into()),
            completion_provider: self.menu.then(|| CompletionOptions {
                trigger_characters: Some([".", ":", "(", "="].map(str::to_owned).to_vec()),
                ..CompletionOptions::default()
            }),
            execute_command_provider: Some(ExecuteCommandOptions {
                commands: requests::execute_command::COMMANDS.map(str::to_owned).to_vec(),
                ..ExecuteCommandOptions::default()
            }),
            workspace: Some(WorkspaceOptions {
                workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                    supported: Some(true),
                    change_notifications: Some(ChangeNotifications::Bool(true)),
                }),
                ..WorkspaceOptions::default()
            }),
            ..ServerCapabilities::default()
        }
    }
}
