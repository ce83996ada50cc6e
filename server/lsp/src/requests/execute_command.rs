//! `workspace/executeCommand`: what became of a completion or of an action, and the status.

use pilotlight_assist::{Acceptance, CompletionId, NextEditId};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tower_lsp::{
    gen_lsp_types::{ExecuteCommandParams, Range},
    jsonrpc::{Error, Result},
};

use super::code_action;
use crate::{session::Session, status};

/// `[id]`: the whole completion is in the document. Each item carries it.
pub(crate) const ACCEPT: &str = "pilotlight.accept";
/// `[id, length]`: the first `length` UTF-16 units of the item's text are.
const ACCEPT_PART: &str = "pilotlight.acceptPart";
/// `[id]`: the person does not want it.
const DISMISS: &str = "pilotlight.dismiss";
/// `[]`: answers with the parameters of `didChangeStatus`.
const STATUS: &str = "pilotlight.status";

/// `[uri]`: the changes of that document's definitions are in its uses; `[uri, waiting]`: but for those that are named.
pub(crate) const CARRIED: &str = "pilotlight.carried";

/// `[id]`: a next edit is in the document.
pub(crate) const TAKE_EDIT: &str = "pilotlight.takeEdit";
/// `[id]`: the person does not want a next edit.
const DISMISS_EDIT: &str = "pilotlight.dismissEdit";

/// `[data]`: does an action by a model, of which `textDocument/codeAction` gave the data, and sends the client the edit.
pub(crate) const ACT: &str = "pilotlight.act";

/// `[uri, range, instruction]`: rewrites the range, or the function around it, as the person says, and sends the client the edit.
pub(crate) const REWRITE: &str = "pilotlight.rewrite";

/// All of them.
pub(crate) const COMMANDS: [&str; 9] =
    [ACCEPT, ACCEPT_PART, DISMISS, STATUS, CARRIED, TAKE_EDIT, DISMISS_EDIT, ACT, REWRITE];

pub(crate) async fn handle(session: &Session, params: ExecuteCommandParams) -> Result<Value> {
    let ExecuteCommandParams { command, arguments, work_done_progress_params } = params;
    let token = json!(work_done_progress_params)["workDoneToken"].take();
    let token = (!token.is_null()).then_some(token);
    let arguments = Value::Array(arguments.unwrap_or_default());
    match command.as_str() {
        ACCEPT => session.report(id(&command, arguments)?, Acceptance::Whole),
        ACCEPT_PART => {
            let (id, length): (u64, usize) = read(&command, arguments, "[id, length]")?;
            session.report_partial(CompletionId(id), length);
        }
        DISMISS => session.report(id(&command, arguments)?, Acceptance::Dismissed),
        STATUS => {
            let [] = read::<[Value; 0]>(&command, arguments, "[]")?;
            let nothing = session.nothing.borrow();
            return Ok(json!(status::Shown::new(&session.assistant.status().borrow(), nothing.as_deref())));
        }
        TAKE_EDIT => session.assistant.next_edit_taken(next_edit(&command, arguments)?),
        DISMISS_EDIT => session.assistant.next_edit_dismissed(next_edit(&command, arguments)?),
        CARRIED => {
            let (uri, waiting): (String, Vec<String>) = match &arguments {
                Value::Array(both) if both.len() == 2 => read(&command, arguments, "[uri, waiting]")?,
                _ => {
                    let [uri] = read::<[String; 1]>(&command, arguments, "[uri]")?;
                    (uri, Vec::new())
                }
            };
            let current = session.documents.current(&uri);
            let document = current.map_err(|problem| Error::invalid_params(problem.to_string()))?.id;
            session.assistant.carried(&document, waiting).await;
        }
        ACT => {
            let [data] = read::<[code_action::Data; 1]>(&command, arguments, "[data]")?;
            code_action::act(session, data, token).await?;
        }
        REWRITE => {
            let (uri, range, instruction) = read(&command, arguments, "[uri, range, instruction]")?;
            let (uri, range): (String, Range) = (uri, range);
            code_action::rewrite(session, &uri, range, instruction, token).await?;
        }
        _ => {
            let known = COMMANDS.join(", ");
            return Err(Error::invalid_params(format!("unknown command `{command}`: expected one of {known}")));
        }
    }
    Ok(Value::Null)
}

fn id(command: &str, arguments: Value) -> Result<CompletionId> {
    let [id] = read::<[u64; 1]>(command, arguments, "[id]")?;
    Ok(CompletionId(id))
}

fn next_edit(command: &str, arguments: Value) -> Result<NextEditId> {
    let [id] = read::<[u64; 1]>(command, arguments, "[id]")?;
    Ok(NextEditId(id))
}

fn read<T: DeserializeOwned>(command: &str, arguments: Value, expected: &str) -> Result<T> {
    serde_json::from_value(arguments)
        .map_err(|error| Error::invalid_params(format!("{command}: expected the arguments {expected}: {error}")))
}

/// An item as a client sends it back: its command tells which it is.
#[derive(Deserialize)]
pub(crate) struct ShownItem {
    command: ItemCommand,
}

#[derive(Deserialize)]
struct ItemCommand {
    arguments: [u64; 1],
}

impl ShownItem {
    pub(crate) fn id(&self) -> CompletionId {
        let [id] = self.command.arguments;
        CompletionId(id)
    }
}
