//! What no rule can write when a change is carried, the arguments for new parameters, written by the model: one bounded piece a place, to be looked at.

use pilotlight_engine::{Priority, Sampling};
use tokio_util::sync::CancellationToken;

use super::{Offer, PropagateError};
use crate::{
    Assistant, ChangeSet, DocumentId, Edit, Fill, Left, Limits,
    changes::{FileChange, Hole},
};

/// Places written at most: each is an answer of the model.
const MOST: usize = 32;
/// Tokens of one.
const TOKENS: usize = 48;

impl Assistant {
    /// Has the model write what an offer for a change in `document` leaves to be written; what it does not write well stays left. Every such edit is one to look at first.
    ///
    /// # Errors
    ///
    /// [`PropagateError::MovedOn`], where a document was edited meanwhile.
    pub async fn write_missing(
        &self,
        document: &DocumentId,
        mut offer: Offer,
        cancel: &CancellationToken,
    ) -> Result<Offer, PropagateError> {
        let holes = std::mem::take(&mut offer.set.holes);
        if !self.fills() {
            return Ok(offer);
        }
        // The definition as it is now says what is wanted.
        let definition = self.definition(document, &offer);
        for hole in holes.into_iter().take(MOST) {
            let writing = self.write_hole(&hole, definition.as_ref(), &offer.set);
            let text = match cancel.run_until_cancelled(writing).await {
                None => return Err(PropagateError::Cancelled),
                Some(text) => text,
            };
            let Some(text) = text else { continue };
            let (before, after) = &hole.around;
            let doubt = Some(format!("the model wrote {}", hole.what));
            let edit = Edit { range: hole.at..hole.at, text: format!("{before}{text}{after}"), doubt };
            if add(&mut offer.set, &hole, edit) {
                let line = hole.before.rope().byte_to_line(hole.at);
                let told = Left { path: hole.path, line, because: hole.because };
                if let Some(at) = offer.set.left.iter().position(|left| *left == told) {
                    offer.set.left.remove(at);
                }
            }
        }
        self.still(&offer)?;
        Ok(offer)
    }

    /// The changed definition's file and head.
    fn definition(&self, document: &DocumentId, offer: &Offer) -> Option<(String, String)> {
        let (_, state, path) = self.states(document).ok()?;
        let line = |at| state.line_at(at);
        let head = state.slice(line(offer.change.name_range.start).start..line(offer.change.head_end()).end);
        Some((self.workspace().prompt_path(path.as_deref(), document), head))
    }

    /// What belongs into a hole; `None` where the model says nothing that fits.
    async fn write_hole(&self, hole: &Hole, definition: Option<&(String, String)>, set: &ChangeSet) -> Option<String> {
        let workspace = self.workspace();
        let options = workspace.options_for(Some(&hole.path));
        if !options.actions.enabled || self.excluded(Some(&hole.path), &options.completion).is_some() {
            return None;
        }
        let text = hole.before.rope().to_string();
        let (before, after) = &hole.around;
        // What was written before it in the same call is before it there too.
        let known = set.files.iter().find(|file| file.path.as_ref() == Some(&hole.path));
        let same = known.iter().flat_map(|file| &file.edits).filter(|edit| edit.range == (hole.at..hole.at));
        let same: String = same.map(|edit| edit.text.as_str()).collect();
        let name = hole.document.clone().unwrap_or_else(|| hole.path.display().to_string().into());
        let fill = Fill {
            path: Some(workspace.prompt_path(Some(&hole.path), &name)),
            prefix: format!("{}{same}{before}", &text[..hole.at]),
            suffix: format!("{after}{}", &text[hole.at..]),
            extra: definition.cloned().into_iter().collect(),
        };
        let limits =
            Limits { max_tokens: TOKENS, sampling: Sampling::Greedy, stop: Vec::new(), priority: Priority::Refactor };
        let mut generation = self.fill(fill, limits).await.ok()?;
        let mut said = String::new();
        let mut end = None;
        while end.is_none()
            && let Ok(Some(piece)) = generation.next().await
        {
            said += &piece;
            end = argument_end(&said);
        }
        let argument = said[..end.unwrap_or(said.len())].trim();
        let fits = !argument.is_empty() && argument_end(&format!("{argument},")) == Some(argument.len());
        fits.then(|| argument.to_owned())
    }
}

/// Adds an edit to its file's, if the file is not worse for it.
fn add(set: &mut ChangeSet, hole: &Hole, edit: Edit) -> bool {
    let at = match set.files.iter().position(|file| file.path.as_ref() == Some(&hole.path)) {
        Some(at) => at,
        None => {
            let file = FileChange {
                path: Some(hole.path.clone()),
                document: hole.document.clone(),
                before: hole.before.clone(),
                creates: false,
                edits: Vec::new(),
            };
            set.files.push(file);
            set.files.len() - 1
        }
    };
    let file = &mut set.files[at];
    let mut tried = file.clone();
    // At one place in the order in which they were written.
    match tried.edits.iter_mut().find(|it| it.range == edit.range && it.doubt.is_some()) {
        Some(same) => same.text += &edit.text,
        None => tried.edits.push(edit),
    }
    tried.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let good = tried.errors_after() <= file.errors_after();
    if good {
        *file = tried;
    }
    set.files.retain(|file| !file.edits.is_empty());
    set.files.sort_by(|a, b| a.path.cmp(&b.path));
    good
}

/// Where an argument ends that `text` begins with: before a comma, a closing bracket, the end of a statement or of a line, outside of all brackets and quotes; `None` where it may go on.
fn argument_end(text: &str) -> Option<usize> {
    let (mut open, mut quote, mut escaped) = (0usize, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), _) => quote = quote.filter(|_| q != c),
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => open += 1,
            (None, ')' | ']' | '}') if open > 0 => open -= 1,
            (None, ')' | ']' | '}' | ',' | ';' | '\n') if open == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_an_argument_ends() {
        let check = |text: &str| argument_end(text).map(|end| text[..end].to_owned());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(check("1, 2)"), some("1"));
        assert_eq!(check("f(1, 2))"), some("f(1, 2)"));
        assert_eq!(check("\"a, b)\")"), some("\"a, b)\""));
        assert_eq!(check("'\\', ')"), some("'\\', '"));
        assert_eq!(check("[1, {2: 3}]\n"), some("[1, {2: 3}]"));
        assert_eq!(check("x"), None);
        assert_eq!(check(")"), some(""));
    }
}
