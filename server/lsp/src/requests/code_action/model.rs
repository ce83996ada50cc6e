//! Actions that the loaded model can do. Their edits are written when they are resolved; for a client that cannot wait for an edit they are commands.

use pilotlight_assist::{Action, ActionError, Chosen, Done, actions};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower_lsp::jsonrpc::{Error, Result};

use super::{Asked, What, failure};
use crate::{
    progress::Progress,
    requests::execute_command,
    session::{Current, Session},
    workspace_edit::{for_client, may_create, workspace_edit},
};

/// The kind above all of these.
const REWRITE: &str = "refactor.rewrite";

/// The action that wants an instruction.
pub(super) const INSTRUCTED: &str = "rewrite";

/// The kinds that there may be.
pub(super) fn kinds() -> impl Iterator<Item = String> {
    actions::table().map(kind)
}

fn kind(action: &Action) -> String {
    if action.is_fix() { "quickfix".to_owned() } else { format!("{REWRITE}.{}", action.id) }
}

/// One action for each that fits the place. Why there is none in this file is told to a person who asks for such actions, where the client can show it.
///
/// Not in the step in which messages are taken in: it reads the whole tree, and an editor asks at every move of the cursor.
pub(super) async fn offered(session: &Session, asked: &Asked) -> Result<Vec<Value>> {
    let profile = session.profile.get();
    let (assistant, id) = (session.assistant.clone(), asked.current.id.clone());
    let (selection, wrong) = (asked.selection.clone(), asked.wrong.clone());
    let offered = tokio::task::spawn_blocking(move || assistant.actions(&id, selection, &wrong)).await;
    let offered = offered.map_err(|_| Error::internal_error())?;
    let offered = match offered {
        Ok(offered) => offered,
        Err(error) => {
            let shown = profile.is_some_and(|profile| profile.disabled_actions) && !asked.automatic;
            let wanted = asked.only.as_ref().is_some_and(|only| only.iter().any(|kind| super::covers(kind, REWRITE)));
            let title = "Actions by Pilotlight's model";
            let action = json!({ "title": title, "kind": REWRITE, "disabled": { "reason": error.to_string() } });
            return Ok(if shown && wanted { vec![action] } else { Vec::new() });
        }
    };
    let selection = &asked.selection;
    // Nobody could say what is wanted.
    let instructs = profile.is_some_and(|profile| profile.asks_instruction && profile.applies_edits);
    let offered = offered
        .into_iter()
        .filter(|offered| asked.wants(&kind(offered.action)) && (instructs || !offered.action.wants_instruction()));
    let actions = offered.map(|offered| {
        let mut action = json!({ "title": offered.title, "kind": kind(offered.action) });
        if offered.action.wants_instruction() {
            // The client puts the instruction behind these.
            let arguments = json!([asked.uri, asked.range]);
            let command = execute_command::REWRITE;
            action["command"] = json!({ "title": offered.title, "command": command, "arguments": arguments });
            return action;
        }
        let fixes = offered.action.is_fix();
        if fixes {
            action["diagnostics"] = json!(asked.diagnostics);
        }
        let wrong = asked.wrong.iter().filter(|_| fixes);
        let wrong = wrong.map(|it| (it.range.start, it.range.end, it.message.clone())).collect();
        let (id, start, end) = (offered.action.id.to_owned(), selection.start, selection.end);
        let data = asked.data(What::Action(super::Action { id, start, end, wrong }));
        if profile.is_some_and(|profile| profile.resolves_edit) {
            action["data"] = json!(data);
        } else {
            let command = execute_command::ACT;
            action["command"] = json!({ "title": offered.title, "command": command, "arguments": [data] });
        }
        action
    });
    Ok(actions.collect())
}

/// What an action came to.
pub(crate) struct Edited {
    pub(crate) title: String,
    /// A `WorkspaceEdit`.
    pub(crate) edit: Value,
}

/// Does an action; its progress is shown under `token`, or where the client has none for it and can, under one of ours. A request that is cancelled is dropped, and the work with it.
pub(crate) async fn done(
    session: &Session,
    current: &Current,
    revision: u64,
    chosen: Chosen,
    token: Option<Value>,
) -> Result<Edited> {
    if let Some(because) = &current.lost {
        return Err(failure(false, format!("the text here is out of sync with the editor's: {because}")));
    }
    if let Some(file) = session.assistant.creates(&current.id, &chosen.id) {
        may_create(session, file.display()).map_err(|because| failure(false, because))?;
    }
    let cancel = CancellationToken::new();
    let _guard = cancel.clone().drop_guard();
    let progress = Progress::begin_or_create(session, token, "Pilotlight: writing");
    progress.show();
    let tell = |tokens: usize| progress.report(&format!("{tokens} tokens"));
    let done = session.assistant.act(&current.id, revision, chosen, &tell, cancel).await;
    let Done { set, title } = done.map_err(|error| refused(&error))?;
    let edit = workspace_edit(session, &for_client(session, set)).map_err(|because| failure(false, because))?;
    Ok(Edited { title, edit })
}

/// Sends the client an edit, and waits until it is made.
pub(super) async fn apply(session: &Session, edited: Edited) -> Result<()> {
    if !session.profile.get().is_some_and(|profile| profile.applies_edits) {
        return Err(failure(false, "the client takes no edits from the server (workspace/applyEdit)".to_owned()));
    }
    let params = json!({ "label": edited.title, "edit": edited.edit });
    let answer = session.calls.call(&session.outgoing, "workspace/applyEdit", params).await;
    let answer = answer.map_err(|because| failure(false, because))?;
    if answer["applied"] != true {
        let because = answer["failureReason"].as_str().unwrap_or("it does not say why");
        return Err(failure(false, format!("the client has not made the edit: {because}")));
    }
    Ok(())
}

fn refused(error: &ActionError) -> Error {
    failure(matches!(error, ActionError::MovedOn | ActionError::NotOpen(_)), error.to_string())
}
