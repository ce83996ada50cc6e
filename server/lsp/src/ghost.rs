//! What both completion requests share: from a cursor to the text that the editor would insert, with its log line and its explanation kept.

mod edit;

use std::time::Duration;

use pilotlight_assist::{
    CompletionId, CompletionRequest, Explanation, Outcome, Status, Trigger,
    syntax::{Position, Snapshot},
};
use tokio_util::sync::CancellationToken;
use tower_lsp::{
    gen_lsp_types::{Command, Range, SelectedCompletionInfo},
    jsonrpc::{Error, Result},
};

use crate::{
    position,
    requests::execute_command,
    session::{Answer, Current, Inserted, Session},
};
use edit::{Edit, Selected};

/// A completion request of either kind.
pub(crate) struct Ask {
    pub(crate) uri: String,
    /// The document's version as the client believes it, if it says so.
    pub(crate) version: Option<i32>,
    pub(crate) position: Position,
    pub(crate) trigger: Trigger,
    /// What the completion menu has selected: the answer must go on from there.
    pub(crate) selected: Option<SelectedCompletionInfo>,
    /// Whether the word left of the cursor is to be part of the inserted text.
    pub(crate) whole_word: bool,
    /// How long the client is kept waiting, if there is a limit. What takes longer is computed all the same, and is there for the next request.
    pub(crate) patience: Option<Duration>,
}

/// What the editor would insert.
pub(crate) struct Ghost {
    pub(crate) id: CompletionId,
    /// Replaced by `text`; on one line.
    pub(crate) range: Range,
    pub(crate) text: String,
}

impl Ghost {
    /// To be executed by the editor once the text is in the document.
    pub(crate) fn accept(&self) -> Command {
        Command {
            title: "Accept suggestion".to_owned(),
            command: execute_command::ACCEPT.to_owned(),
            arguments: Some(vec![self.id.0.into()]),
            ..Command::default()
        }
    }
}

/// Everything up to the first await happens in the order of arrival (`dispatch`): the snapshot is the text that the client had when it asked.
///
/// # Errors
///
/// `InvalidParams` for a document that is not open and a position that it does not have.
pub(crate) async fn ghost(session: &Session, ask: Ask) -> Result<Option<Ghost>> {
    let invalid = |error: &dyn std::fmt::Display| Error::invalid_params(error.to_string());
    let current = session.documents.current(&ask.uri).map_err(|problem| invalid(&problem))?;
    let encoding = session.encoding();
    let cursor = current
        .snapshot
        .offset(ask.position, encoding)
        .map_err(|error| invalid(&format_args!("{}: {error}", ask.uri)))?;
    let selected = match &ask.selected {
        Some(info) => match Selected::new(&current.snapshot, cursor, info, encoding) {
            Ok(selected) => Ok(Some(selected)),
            Err(because) => Err(because),
        },
        None => Ok(None),
    };
    let (outcome, edit) = match refusal(&ask, &current).map_or(selected, Err) {
        Err(because) => (nothing(because), None),
        Ok(selected) => complete(session, &ask, &current, cursor, selected).await,
    };
    let edit = edit.map(|edit| if ask.whole_word { edit.widened_to_word(&current.snapshot, cursor) } else { edit });
    let id = outcome.completion.as_ref().map(|completion| completion.id);
    log(&ask, &current.snapshot, id, &outcome.explanation);
    let ghost = id.zip(edit).map(|(id, edit)| (Inserted { id, text: edit.text.clone(), lead: edit.lead }, edit));
    session.nothing.send_if_modified(|nothing| {
        let because = outcome.explanation.nothing_because.clone();
        let changes = *nothing != because;
        *nothing = because;
        changes
    });
    let inserted = ghost.as_ref().map(|(inserted, _)| inserted.clone());
    session.recent().push(Answer { uri: ask.uri, explanation: outcome.explanation, inserted });
    Ok(ghost.map(|(Inserted { id, text, .. }, edit)| {
        let at = |offset| position::to_lsp(current.snapshot.position(offset, encoding));
        Ghost { id, range: Range::new(at(edit.range.start), at(edit.range.end)), text }
    }))
}

/// Why there will be no completion, whatever the model would say.
fn refusal(ask: &Ask, current: &Current) -> Option<String> {
    if let Some(because) = &current.lost {
        return Some(format!("the text here is out of sync with the editor's: {because}"));
    }
    let here = current.snapshot.version();
    let other = ask.version.filter(|version| *version != here)?;
    Some(format!("asked for version {other} of the document, which is at version {here} here"))
}

/// Asks, for the document as it would be with the selected item in it; and puts the answer in terms of the document as it is.
async fn complete(
    session: &Session,
    ask: &Ask,
    current: &Current,
    cursor: usize,
    selected: Option<Selected>,
) -> (Outcome, Option<Edit>) {
    let request = CompletionRequest {
        document: current.id.clone(),
        cursor: selected.as_ref().map_or(cursor, Selected::cursor),
        snapshot: selected.as_ref().map_or(&current.snapshot, |selected| &selected.trial).clone(),
        trigger: ask.trigger,
    };
    // A cancelled request's future is dropped: that is what stops the engine.
    let cancel = CancellationToken::new();
    let guard = cancel.clone().drop_guard();
    let mut outcome = match ask.patience {
        None => session.assistant.complete(request, cancel).await,
        Some(patience) => {
            if matches!(*session.assistant.status().borrow(), Status::Loading { .. }) {
                return (nothing("the model is loading, and a menu does not wait for it".to_owned()), None);
            }
            let assistant = session.assistant.clone();
            let late = CancellationToken::new();
            let waits = {
                let late = late.clone();
                move || !late.is_cancelled()
            };
            let mut answer = Box::pin(async move { assistant.complete_while(request, cancel, waits).await });
            match tokio::time::timeout(patience, &mut answer).await {
                Ok(outcome) => outcome,
                Err(_) => {
                    late.cancel();
                    guard.disarm();
                    tokio::spawn(answer);
                    return (nothing("it takes longer than a menu waits".to_owned()), None);
                }
            }
        }
    };
    let Some(completion) = &outcome.completion else {
        return (outcome, None);
    };
    let edit = match selected {
        Some(selected) => selected.edit(&completion.range, &completion.text),
        None => Some(Edit { range: completion.range.clone(), text: completion.text.clone(), lead: 0 }),
    };
    if edit.is_none() {
        outcome.completion = None;
        outcome.explanation.nothing_because = Some("it does not go on from the selected item".to_owned());
    }
    (outcome, edit)
}

fn nothing(because: String) -> Outcome {
    let explanation = Explanation { nothing_because: Some(because), ..Explanation::default() };
    Outcome { completion: None, explanation }
}

/// The one line that each answered completion leaves in the log.
fn log(ask: &Ask, snapshot: &Snapshot, id: Option<CompletionId>, explanation: &Explanation) {
    let Explanation {
        nothing_because,
        kept,
        foreseen,
        recalled,
        reused,
        prefilled,
        moved,
        decoded,
        confidence,
        millis,
        ..
    } = explanation;
    tracing::info!(
        id = id.map(|id| id.0),
        uri = ask.uri,
        version = snapshot.version(),
        trigger = ?ask.trigger,
        kept,
        foreseen,
        recalled = recalled.as_ref().map(|recalled| recalled.sureness),
        prefilled,
        reused,
        moved,
        decoded,
        confidence,
        plan_ms = millis.plan,
        queued_ms = millis.queued,
        prefill_ms = millis.prefill,
        first_token_ms = millis.first_token,
        decode_ms = millis.decode,
        total_ms = millis.total,
        nothing_because,
        "completion"
    );
}
