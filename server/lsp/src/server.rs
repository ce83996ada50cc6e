//! Which method is whose.

use futures::future::{self, BoxFuture, FutureExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_lsp::{
    LanguageServer, LspService, LspServiceBuilder,
    gen_lsp_types::{InitializeParams, InitializeResult, InitializedParams, MessageType},
    jsonrpc::{Request, Response, Result},
};
use tower_service::Service;

use crate::{notifications as note, requests as ask, session::Session};

impl LanguageServer for Session {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        Ok(ask::initialize::handle(self, &params))
    }

    async fn initialized(&self, _: InitializedParams) {
        self.initialized.cancel();
        if let Some(hint) = &self.hint {
            let params = json!({ "type": MessageType::Info, "message": hint });
            self.outgoing.notify("window/logMessage", params);
        }
    }

    async fn shutdown(&self) -> Result<()> {
        Session::shut_down(self);
        Ok(())
    }
}

/// The methods of one connection. Lifecycle, cancellation and refusals outside of it are `tower-lsp`'s.
pub(crate) struct Server {
    service: LspService<Session>,
    /// Notifications with parameters that have a handler.
    notifications: Vec<&'static str>,
}

impl Server {
    pub(crate) fn new(session: Session) -> Self {
        // The handle for messages to the client stays unused: it waits where `Outgoing` queues.
        let service = LspService::build_with_lifecycle_methods(|_| session)
            .custom_method("textDocument/inlineCompletion", ask::inline_completion::handle)
            .custom_method("textDocument/completion", ask::completion::handle)
            .custom_method("textDocument/codeAction", ask::code_action::handle)
            .custom_method("codeAction/resolve", ask::code_action::resolve)
            .custom_method("textDocument/copilotInlineEdit", ask::next_edit::handle)
            .custom_method("pilotlight/nextEdit", ask::next_edit::handle)
            .custom_method("workspace/executeCommand", ask::execute_command::handle)
            .custom_method("pilotlight/explain", ask::explain::handle);
        let (service, notifications) = Notifications { service, known: Vec::new() }
            .add("textDocument/didOpen", note::did_open::handle)
            .add("textDocument/didChange", note::did_change::handle)
            .add("textDocument/didSave", note::did_save::handle)
            .add("textDocument/didClose", note::did_close::handle)
            // Copilot's clients tell which document the person looks at. Nothing depends on it; it is taken so that they are not answered with complaints.
            .add("textDocument/didFocus", |_: &Session, _: Value| {})
            .add("pilotlight/didMoveCursor", note::did_move_cursor::handle)
            .add("pilotlight/didChangeDiagnostics", note::did_change_diagnostics::handle)
            .add("textDocument/didShowCompletion", note::did_show_completion::handle)
            .add("textDocument/didPartiallyAcceptCompletion", note::did_partially_accept_completion::handle)
            .add("workspace/didChangeConfiguration", note::did_change_configuration::handle)
            .add("workspace/didChangeWorkspaceFolders", note::did_change_workspace_folders::handle)
            .finish();
        Self { service, notifications }
    }

    pub(crate) fn session(&self) -> &Session {
        self.service.inner()
    }

    /// Why the notification will come to nothing, if it will. The service drops it without a word, and a notification has no answer.
    pub(crate) fn cannot_take(&self, method: &str, params: Option<&Value>) -> Option<String> {
        if method.starts_with("$/") || matches!(method, "initialized" | "exit") {
            return None;
        }
        if !self.notifications.contains(&method) {
            return Some(format!("`{method}` is not a notification that this server knows; ignored"));
        }
        params.is_none().then(|| format!("`{method}` came without params; ignored"))
    }

    /// Hands a message to its handler: the future gives its response, `None` for a notification.
    pub(crate) fn call(&mut self, request: Request) -> BoxFuture<'static, Option<Response>> {
        // The error says that `exit` came before: nobody waits for an answer any more.
        self.service.call(request).map(|response| response.unwrap_or_default()).boxed()
    }
}

/// Registers notifications: a service that drops those it cannot read is no help to whoever writes a client.
struct Notifications {
    service: LspServiceBuilder<Session>,
    known: Vec<&'static str>,
}

impl Notifications {
    fn add<P>(mut self, method: &'static str, handle: fn(&Session, P)) -> Self
    where
        P: DeserializeOwned + 'static,
    {
        self.service = self.service.custom_method(method, move |session: &Session, params: Value| {
            match serde_json::from_value(params) {
                Ok(params) => handle(session, params),
                Err(error) => session.complain(&format!("`{method}`: {error}; ignored")),
            }
            future::ready(())
        });
        self.known.push(method);
        self
    }

    fn finish(self) -> (LspService<Session>, Vec<&'static str>) {
        (self.service.finish().0, self.known)
    }
}
