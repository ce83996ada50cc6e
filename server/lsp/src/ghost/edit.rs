//! A completion as an edit of the document that the client has.

use std::ops::Range;

use pilotlight_assist::syntax::{PositionEncoding, Snapshot};
use tower_lsp::gen_lsp_types::SelectedCompletionInfo;

use crate::position;

/// Bytes `range` of the document are replaced by `text`, whose first `lead` bytes are no part of the completion itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
    pub(crate) lead: usize,
}

impl Edit {
    /// The same edit from the beginning of the word left of the cursor: a completion menu matches what it offers with that word.
    pub(crate) fn widened_to_word(self, snapshot: &Snapshot, cursor: usize) -> Self {
        let line = snapshot.line_at(cursor);
        let before = snapshot.slice(line.start..cursor);
        let word = before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len();
        let start = line.start + word;
        if start >= self.range.start {
            return self;
        }
        let lead = snapshot.slice(start..self.range.start);
        Self { range: start..self.range.end, lead: self.lead + lead.len(), text: lead + &self.text }
    }
}

/// What the completion menu has selected, as if it were in the document already.
#[derive(Debug)]
pub(crate) struct Selected {
    /// What it replaces in the document as it is.
    range: Range<usize>,
    text: String,
    /// The document with it.
    pub(crate) trial: Snapshot,
}

impl Selected {
    /// Fails, in words, if the selected item is not about the cursor.
    pub(crate) fn new(
        snapshot: &Snapshot,
        cursor: usize,
        info: &SelectedCompletionInfo,
        encoding: PositionEncoding,
    ) -> Result<Self, String> {
        let offset = |position| snapshot.offset(position::from_lsp(position), encoding);
        let (start, end) = (offset(info.range.start), offset(info.range.end));
        match (start, end) {
            (Ok(start), Ok(end))
                if start <= cursor && cursor <= end && info.range.start.line == info.range.end.line =>
            {
                let text = info.text.clone();
                Ok(Self { range: start..end, trial: snapshot.with_replaced(start..end, &text), text })
            }
            (Err(error), _) | (_, Err(error)) => Err(format!("selectedCompletionInfo: {error}")),
            _ => Err("selectedCompletionInfo: its range is not on the cursor's line around the cursor".to_owned()),
        }
    }

    /// Behind the selected item, in the document with it.
    pub(crate) fn cursor(&self) -> usize {
        self.range.start + self.text.len()
    }

    /// The edit of the document as it is that gives what replacing `range` by `text` gives in the document with the selected item; `None` if its text would not
    /// begin with the selected one.
    pub(crate) fn edit(&self, range: &Range<usize>, text: &str) -> Option<Edit> {
        let start = range.start.min(self.range.start);
        let end = self.range.end + range.end.checked_sub(self.cursor())?;
        let lead = self.trial.slice(start..range.start.max(start));
        let edit = Edit { range: start..end, lead: lead.len(), text: lead + text };
        edit.text.get(self.range.start - start..)?.starts_with(&self.text).then_some(edit)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use pilotlight_assist::syntax::{Document, Language};
    use tower_lsp::gen_lsp_types::{Position, Range as LspRange};

    fn document(text: &str) -> (Snapshot, usize) {
        let cursor = text.find("$0").unwrap();
        (Document::open(Language::Plain, 0, &text.replacen("$0", "", 1)).snapshot(), cursor)
    }

    fn show(snapshot: &Snapshot, edit: &Edit) -> String {
        let all = snapshot.rope().to_string();
        let (lead, text) = edit.text.split_at(edit.lead);
        format!("{}⟦{lead}|{text}⟧{}", &all[..edit.range.start], &all[edit.range.end..])
    }

    #[test]
    fn a_menu_gets_the_whole_word() {
        for (text, expected) in [
            ("x = pri$0;", "x = ⟦pri|nt()⟧;"),
            ("x = $0", "x = ⟦|nt()⟧"),
            ("éa_1$0", "⟦éa_1|nt()⟧"),
            ("a.b$0\n", "a.⟦b|nt()⟧\n"),
        ] {
            let (snapshot, cursor) = document(text);
            let edit = Edit { range: cursor..cursor, text: "nt()".to_owned(), lead: 0 };
            assert_eq!(show(&snapshot, &edit.widened_to_word(&snapshot, cursor)), expected);
        }
    }

    /// `selected` replaces the first `word` of the text; the model then says `said` behind it, replacing the next `eaten` bytes.
    fn check(text: &str, word: &str, selected: &str, said: &str, eaten: usize) -> String {
        let (snapshot, cursor) = document(text);
        let at = snapshot.rope().to_string().find(word).unwrap();
        let on_line = |character: usize| Position { line: 0, character: u32::try_from(character).unwrap() };
        let range = LspRange::new(on_line(at), on_line(at + word.len()));
        let info = SelectedCompletionInfo { range, text: selected.to_owned() };
        let selected = match Selected::new(&snapshot, cursor, &info, PositionEncoding::Utf8) {
            Ok(selected) => selected,
            Err(because) => return because,
        };
        let cursor = selected.cursor();
        selected.edit(&(cursor..cursor + eaten), said).map_or("nothing".to_owned(), |edit| show(&snapshot, &edit))
    }

    #[test]
    fn the_selected_item_is_gone_on_from() {
        assert_eq!(check("x.pu$0;", "pu", "push", "(1)", 0), "x.⟦push|(1)⟧;");
        assert_eq!(check("x.pu$0()", "pu", "push", "(1)", 2), "x.⟦push|(1)⟧");
        assert_eq!(check("x.p$0u()", "pu", "push", "(1)", 2), "x.⟦push|(1)⟧");
        assert_eq!(
            check("x.pu$0", "x", "push", "(1)", 0),
            "selectedCompletionInfo: its range is not on the cursor's line around the cursor"
        );
    }

    #[test]
    fn an_edit_that_begins_before_the_selected_item_must_still_hold_it() {
        let (snapshot, cursor) = document("x.pu$0");
        let range = LspRange::new(Position { line: 0, character: 2 }, Position { line: 0, character: 4 });
        let info = SelectedCompletionInfo { range, text: "push".to_owned() };
        let selected = Selected::new(&snapshot, cursor, &info, PositionEncoding::Utf16).unwrap();
        let edit = selected.edit(&(0..6), "x.push(1)").unwrap();
        assert_eq!(show(&snapshot, &edit), "⟦|x.push(1)⟧");
        assert_eq!(selected.edit(&(0..6), "y.pop()"), None);
        assert_eq!(selected.edit(&(0..3), "x.push(1)"), None);
    }
}
