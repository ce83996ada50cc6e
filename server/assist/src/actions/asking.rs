//! A chat model asked: the code around, what is wanted and the form of the answer; read strictly, asked again once.

use std::{fmt::Write as _, ops::Range, path::Path};

use pilotlight_context::{Excerpt, secrets};
use pilotlight_engine::{Finish, Priority, Sampling};
use pilotlight_syntax::{Language, Snapshot};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    ActionError, Answer, line_ends,
    reply::{Unreadable, fenced},
    request::Home,
};
use crate::{Assistant, Limits, chat::ChatFailure};

/// About how many bytes of code are a token.
pub(crate) const BYTES_PER_TOKEN: usize = 3;

const SYSTEM: &str = "You change source code as you are told. You answer in the form that you are asked for, and with nothing else: no explanation, no greeting.";

/// What is asked.
pub(super) struct Question<'a> {
    /// Whole lines: what is to be changed, or added to.
    pub(super) lines: Range<usize>,
    pub(super) instruction: &'a str,
    pub(super) answer: Answer,
    pub(super) priority: Priority,
}

impl Question<'_> {
    /// Bytes that there are for what stands around the lines.
    fn room(&self, home: &Home) -> usize {
        (home.options.context_tokens * BYTES_PER_TOKEN).saturating_sub(self.lines.len())
    }

    /// As messages of a conversation.
    fn messages(&self, home: &Home, path: &str, excerpts: &[Excerpt]) -> Vec<Value> {
        let snapshot = &home.snapshot;
        let lines = snapshot.slice(self.lines.clone());
        let spent: usize = excerpts.iter().map(|excerpt| excerpt.text.len()).sum();
        let (before, after) = around(snapshot, &self.lines, self.room(home).saturating_sub(spent));
        let block = |text: &str| fenced(text, snapshot.language());
        let mut said = format!("The file is {path}.\n");
        for Excerpt { id, text, .. } in excerpts {
            let block = fenced(text, Language::from_path(Path::new(&id.path)));
            _ = write!(said, "\nFrom {}, for you to know:\n{block}\n", id.path);
        }
        for (what, text) in [("before", before), ("behind", after)] {
            if !text.trim().is_empty() {
                _ = write!(said, "\nWhat stands {what} the lines in question, for you to know:\n{}\n", block(&text));
            }
        }
        let form = match self.answer {
            Answer::Lines { .. } => {
                "Answer with one fenced block that holds the new text of these lines, whole, with their indentation."
            }
            Answer::Documentation | Answer::Tests => "Answer with one fenced block.",
            Answer::Edits => {
                "Answer with one or more blocks of this form, in which the first part is lines as they stand there, letter by letter, that stand there only once:\n<<<<<<< SEARCH\nlines that go\n=======\nlines that come in their place\n>>>>>>> REPLACE"
            }
        };
        _ = write!(said, "\nThe lines in question:\n{}\n\n{}\n\n{form}", block(&lines), self.instruction);
        vec![
            json!({ "role": "system", "content": SYSTEM }),
            json!({ "role": "user", "content": line_ends::plain(&said) }),
        ]
    }
}

impl Assistant {
    /// Asks a chat model, and has `read` make something of the answer; an answer that it cannot read is asked for again, once. `progress` is told the tokens so far.
    pub(super) async fn asked<T>(
        &self,
        home: &Home,
        question: &Question<'_>,
        read: impl Fn(&str) -> Result<T, Unreadable> + Send,
        progress: &(dyn Fn(usize) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<T, ActionError> {
        let lines = home.snapshot.slice(question.lines.clone());
        // What it is not shown it could not write again.
        if !secrets::secrets(&lines).is_empty() {
            // Lines anywhere may have to change for a fix, so it is asked with the whole file.
            let (place, advice) = match question.answer {
                Answer::Edits => ("this file, which is shown whole for this", ""),
                _ => ("these lines", ": choose others"),
            };
            return Err(ActionError::Unavailable(format!(
                "what looks like a password or a key stands in {place}, and no model is shown that{advice}"
            )));
        }
        let path = self.workspace().prompt_path(home.path.as_deref(), &home.document);
        let (before, after) = around(&home.snapshot, &question.lines, question.room(home));
        let shown = question.lines.start - before.len()..question.lines.end + after.len();
        let excerpts = tokio::select! {
            excerpts = self.excerpts(home, &question.lines, shown) => excerpts,
            () = cancel.cancelled() => return Err(ActionError::Cancelled),
        };
        let mut messages = question.messages(home, &path, &excerpts);
        // What is changed little is said again, more or less.
        let draft = match question.answer {
            Answer::Lines { .. } => line_ends::plain(&fenced(&lines, home.snapshot.language())),
            _ => String::new(),
        };
        let most = home.options.max_tokens.max(lines.len() * 2 / BYTES_PER_TOKEN);
        let mut second = false;
        loop {
            let talking = self.talk(&messages, &draft, (most, question.priority), progress);
            let reply = tokio::select! {
                reply = talking => reply?,
                () = cancel.cancelled() => return Err(ActionError::Cancelled),
            };
            let unreadable = match read(&reply) {
                Ok(read) => return Ok(read),
                Err(unreadable) => unreadable,
            };
            tracing::info!(%unreadable, second, "a chat model's answer");
            if second {
                return Err(ActionError::Useless(format!("the model's answer cannot be read, twice: {unreadable}")));
            }
            second = true;
            let again = format!("That cannot be used: {unreadable}. Answer again, in the form that I asked for.");
            messages.push(json!({ "role": "assistant", "content": reply }));
            messages.push(json!({ "role": "user", "content": again }));
        }
    }

    /// A whole answer: what was cut off may end where nobody can see it.
    async fn talk(
        &self,
        messages: &[Value],
        draft: &str,
        (max_tokens, priority): (usize, Priority),
        progress: &(dyn Fn(usize) + Send + Sync),
    ) -> Result<String, ActionError> {
        let limits = Limits { max_tokens, sampling: Sampling::Greedy, stop: Vec::new(), priority };
        let messages = Value::from(messages).to_string();
        let generation = self.chat_drafting(&messages, None, draft, limits).await;
        let mut generation =
            generation.map_err(|failure: ChatFailure| ActionError::Unavailable(failure.to_string()))?;
        let mut reply = String::new();
        while let Some(piece) = generation.next().await.map_err(ActionError::Unavailable)? {
            reply += &piece;
            progress(generation.report().decoded);
        }
        let because = match generation.report().finish {
            Some(Finish::Stop) => return Ok(reply),
            Some(Finish::Length) => {
                format!("it has no end after {max_tokens} tokens (actions.max-tokens), or where its context is full")
            }
            Some(Finish::TimeLimit) => "it took longer than it may (engine.time-limits)".to_owned(),
            _ => "the engine stopped".to_owned(),
        };
        Err(ActionError::Useless(format!("the model's answer is cut off: {because}")))
    }
}

/// Whole lines before and behind `lines`, of `room` bytes at most, two thirds of them before.
pub(crate) fn around(snapshot: &Snapshot, lines: &Range<usize>, room: usize) -> (String, String) {
    let rope = snapshot.rope();
    let (mut start, mut end) = (lines.start, lines.end);
    while start > 0 {
        let line = snapshot.line_at(start - 1).start;
        if lines.start - line > room * 2 / 3 {
            break;
        }
        start = line;
    }
    while end < rope.len_bytes() {
        let line = (snapshot.line_at(end + 1).end).max(end + 1);
        if line - lines.end > room / 3 {
            break;
        }
        end = line;
    }
    (snapshot.slice(start..lines.start), snapshot.slice(lines.end..end))
}
