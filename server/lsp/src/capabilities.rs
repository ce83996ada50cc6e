//! What the client can do, and what the server says it can.

use pilotlight_assist::syntax::PositionEncoding;
use tower_lsp::gen_lsp_types::{
    ChangeNotifications, ClientCapabilities, CodeActionKind, CodeActionOptions, CompletionOptions,
    ExecuteCommandOptions, SaveOptions, ServerCapabilities, TextDocumentSyncKind, TextDocumentSyncOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceOptions,
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
    /// Whether the client shows the progress of work it did not ask for.
    pub(crate) progress: bool,
    /// Whether a workspace's edit may name the versions of documents.
    pub(crate) document_changes: bool,
    /// Whether it may say what has to be confirmed.
    pub(crate) annotations: bool,
    /// Whether the edit of a code action may come later.
    pub(crate) resolves_edit: bool,
    /// Whether a workspace's edit may create files.
    pub(crate) creates_files: bool,
    /// Whether it asks a person for an instruction, where an action wants one: `experimental.pilotlight.asksInstruction`.
    pub(crate) asks_instruction: bool,
    /// Whether it shows actions that cannot be done, with the reason.
    pub(crate) disabled_actions: bool,
    /// Whether it makes an edit that the server sends it.
    pub(crate) applies_edits: bool,
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
        let progress = client.window.as_ref().is_some_and(|window| window.work_done_progress == Some(true));
        let edits = client.workspace.as_ref().and_then(|workspace| workspace.workspace_edit.as_ref());
        let actions = client.text_document.as_ref().and_then(|document| document.code_action.as_ref());
        let resolved = actions.and_then(|actions| actions.resolve_support.as_ref());
        Self {
            document_changes: edits.is_some_and(|edits| edits.document_changes == Some(true)),
            annotations: edits.is_some_and(|edits| edits.change_annotation_support.is_some()),
            resolves_edit: resolved.is_some_and(|resolved| resolved.properties.iter().any(|it| it == "edit")),
            creates_files: edits
                .and_then(|edits| edits.resource_operations.as_ref())
                .is_some_and(|operations| operations.iter().any(|operation| serde_json::json!(operation) == "create")),
            asks_instruction: serde_json::json!(client.experimental)["pilotlight"]["asksInstruction"] == true,
            disabled_actions: actions.is_some_and(|actions| actions.disabled_support == Some(true)),
            applies_edits: client.workspace.as_ref().is_some_and(|workspace| workspace.apply_edit == Some(true)),
            progress,
            encoding: position::negotiate(offered.unwrap_or_default()),
            menu,
            options,
        }
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
            code_action_provider: Some(
                CodeActionOptions {
                    code_action_kinds: Some(
                        requests::code_action::kinds().into_iter().map(CodeActionKind::from).collect(),
                    ),
                    resolve_provider: Some(true),
                    ..CodeActionOptions::default()
                }
                .into(),
            ),
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
