//! What no rule can write when a change is carried, written by the model: the arguments for new parameters, and the lines that use what is of another type now. One bounded piece a place, to
//! be looked at.

use std::ops::Range;

use pilotlight_context::secrets;
use pilotlight_engine::{Finish, Priority, Sampling};
use pilotlight_syntax::Snapshot;
use tokio_util::sync::CancellationToken;

use super::{DefinitionChange, Offer, PropagateError};
use crate::{
    Assistant, ChangeSet, DocumentId, Edit, Fill, Left, Limits,
    actions::{Fitting, asking::BYTES_PER_TOKEN, line_ends},
    changes::{FileChange, Hole},
};

/// Places written at most: each is an answer of the model.
const MOST: usize = 32;
/// Tokens of one.
const TOKENS: usize = 48;

impl Assistant {
    /// Whether the loaded model can write what is left to be written there. Lines anew are for one that does what it is told, or was trained to see more than one file.
    pub fn writes(&self, hole: &Hole) -> bool {
        if hole.anew { self.chats() || self.fills_in_repositories() } else { self.fills() }
    }

    fn fills_in_repositories(&self) -> bool {
        let family = self.serving().map(|model| model.encoder.family());
        family.is_some_and(|family| family.with_excerpts.is_some() && family.repository_share.is_some())
    }

    /// Has the model write what an offer for a change in `document` leaves to be written; what it does not write well stays left, with the reason. Every such edit is one to look at first.
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
        // The definition as it is now says what is wanted.
        let definition = self.definition(document, &offer);
        for hole in holes.into_iter().filter(|hole| self.writes(hole)).take(MOST) {
            let writing = async {
                match hole.anew {
                    true => self.write_anew(&hole, definition.as_ref(), &offer).await,
                    false => self.write_argument(&hole, definition.as_ref(), &offer.set).await,
                }
            };
            let written = match cancel.run_until_cancelled(writing).await {
                None => return Err(PropagateError::Cancelled),
                Some(written) => written,
            };
            let written = written.and_then(|text| {
                let (before, after) = &hole.around;
                let doubt = Some(format!("the model wrote {}", hole.what));
                let edit = Edit { range: hole.range.clone(), text: format!("{before}{text}{after}"), doubt };
                if add(&mut offer.set, &hole, edit) {
                    Ok(())
                } else {
                    Err("what the model wrote would be a syntax error".to_owned())
                }
            });
            told(&mut offer.set.left, &hole, written);
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

    /// As what prompts know the file of a hole.
    fn hole_path(&self, hole: &Hole) -> String {
        let name = hole.document.clone().unwrap_or_else(|| hole.path.display().to_string().into());
        self.workspace().prompt_path(Some(&hole.path), &name)
    }

    /// Why no model is shown a hole's file, if so.
    fn closed(&self, hole: &Hole) -> Option<String> {
        let workspace = self.workspace();
        let options = workspace.options_for(Some(&hole.path));
        let off =
            (!options.actions.enabled).then(|| "actions by a model are switched off (actions.enabled)".to_owned());
        off.or_else(|| self.excluded(Some(&hole.path), &options.completion))
    }

    /// The argument that belongs into a hole.
    async fn write_argument(
        &self,
        hole: &Hole,
        definition: Option<&(String, String)>,
        set: &ChangeSet,
    ) -> Result<String, String> {
        if let Some(because) = self.closed(hole) {
            return Err(because);
        }
        let text = hole.before.rope().to_string();
        let (before, after) = &hole.around;
        // What was written before it in the same call is before it there too.
        let known = set.files.iter().find(|file| file.path.as_ref() == Some(&hole.path));
        let same = known.iter().flat_map(|file| &file.edits).filter(|edit| edit.range == hole.range);
        let same: String = same.map(|edit| edit.text.as_str()).collect();
        let fill = Fill {
            path: Some(self.hole_path(hole)),
            prefix: format!("{}{same}{before}", &text[..hole.range.start]),
            suffix: format!("{after}{}", &text[hole.range.end..]),
            extra: definition.cloned().into_iter().collect(),
            ..Fill::default()
        };
        let mut generation = self.fill(fill, limits(TOKENS)).await?;
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
        fits.then(|| argument.to_owned()).ok_or_else(|| "what the model wrote is no argument".to_owned())
    }

    /// Lines that are to fit the change: the model is asked for them where it chats; else it fills them in, with what they were in a comment before them.
    async fn write_anew(
        &self,
        hole: &Hole,
        definition: Option<&(String, String)>,
        offer: &Offer,
    ) -> Result<String, String> {
        let (snapshot, lines) = with_edits(hole, &offer.set).ok_or("another change meets it")?;
        let (Some(shape), Some((file, _))) = (&offer.change.shape, definition) else {
            return Err("the definition is not known any more".to_owned());
        };
        let DefinitionChange { old_name, new_name, .. } = &offer.change;
        let now = if old_name == new_name { String::new() } else { format!(", `{new_name}` now,") };
        let changed = format!("`{old_name}`{now} in {file} was `{}` and is `{}` now", shape.old, shape.new);
        let new = if self.chats() {
            let instruction = format!(
                "{changed}. Make these lines fit that, with as few changes as that takes; what fits as it is stays as it is. If nothing has to change, answer with the lines as they are."
            );
            let (path, document) = (hole.path.as_path(), hole.document.as_ref());
            let fitting = Fitting { path, document, snapshot: &snapshot, lines: lines.clone(), instruction };
            self.fitted(fitting).await.map_err(|error| error.to_string())?
        } else {
            if let Some(because) = self.closed(hole) {
                return Err(because);
            }
            self.filled_anew(hole, definition, &changed, &snapshot, lines.clone()).await?
        };
        if new == snapshot.slice(lines) { Err("the model leaves it as it is".to_owned()) } else { Ok(new) }
    }

    async fn filled_anew(
        &self,
        hole: &Hole,
        definition: Option<&(String, String)>,
        changed: &str,
        snapshot: &Snapshot,
        lines: Range<usize>,
    ) -> Result<String, String> {
        let comment = snapshot.language().line_comment().ok_or("there are no comments in this language")?;
        let old = snapshot.slice(lines.clone());
        if !secrets::secrets(&old).is_empty() {
            return Err("what looks like a password or a key stands in these lines".to_owned());
        }
        let indentation = &old[..old.len() - old.trim_start().len()];
        let was: String = old.lines().map(|line| format!("{indentation}{comment} {}\n", line.trim_start())).collect();
        let told = format!("{indentation}{comment} {changed}. Before that, these lines were:\n{was}{indentation}");
        let text = snapshot.rope().to_string();
        let fill = Fill {
            path: Some(self.hole_path(hole)),
            prefix: text[..lines.start].to_owned() + &told,
            suffix: text[lines.end..].to_owned(),
            extra: definition.cloned().into_iter().collect(),
            draft: old.trim_start().to_owned(),
        };
        let mut generation = self.fill(fill, limits(old.len() * 2 / BYTES_PER_TOKEN + TOKENS)).await?;
        let mut said = String::new();
        while let Some(piece) = generation.next().await? {
            said += &piece;
        }
        if generation.report().finish != Some(Finish::Stop) || said.lines().count() > old.lines().count() + 4 {
            return Err("the model comes to no end".to_owned());
        }
        match said.trim() {
            "" => Err("the model writes nothing".to_owned()),
            said => Ok(line_ends::written(&(indentation.to_owned() + said), line_ends::of(snapshot))),
        }
    }
}

fn limits(max_tokens: usize) -> Limits {
    Limits { max_tokens, sampling: Sampling::Greedy, stop: Vec::new(), priority: Priority::Refactor }
}

/// The lines of a hole as they are once the set's edits in them are made; `None` where one of these is in them in part.
fn with_edits(hole: &Hole, set: &ChangeSet) -> Option<(Snapshot, Range<usize>)> {
    let Range { start, mut end } = hole.range;
    let mut snapshot = hole.before.clone();
    let file = set.files.iter().find(|file| file.path.as_ref() == Some(&hole.path));
    for edit in file.iter().flat_map(|file| file.edits.iter().rev()).filter(|edit| meets(hole, edit)) {
        if edit.range.start < start || hole.range.end < edit.range.end {
            return None;
        }
        snapshot = snapshot.with_replaced(edit.range.clone(), &edit.text);
        end = end + edit.text.len() - edit.range.len();
    }
    Some((snapshot, start..end))
}

fn meets(hole: &Hole, edit: &Edit) -> bool {
    edit.range.start < hole.range.end && hole.range.start < edit.range.end
        || edit.range.is_empty() && hole.range.start <= edit.range.start && edit.range.start <= hole.range.end
}

/// What became of a hole: what is written is not left; for the rest there is one more reason.
fn told(left: &mut Vec<Left>, hole: &Hole, written: Result<(), String>) {
    let lines = hole.before.rope().byte_to_line(hole.range.start)..=hole.before.rope().byte_to_line(hole.range.end);
    let of = |it: &Left| it.path == hole.path && lines.contains(&it.line) && it.because == hole.because;
    match written {
        Ok(()) => left.retain(|it| !of(it)),
        Err(why) => left.iter_mut().filter(|it| of(it)).for_each(|it| it.because = format!("{} ({why})", it.because)),
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
    if hole.anew {
        // They have been made in what was written.
        tried.edits.retain(|edit| !meets(hole, edit));
    }
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
