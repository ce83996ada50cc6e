//! A simulated editor: text, cursors, and what code editors do by themselves (closing brackets, indenting, undoing by groups).
//!
//! Every key gives the edits that an editor would send, to be applied in order. Offsets are bytes.

use std::ops::Range;

/// `range` becomes `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
}

/// What a person does in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A printable character. The editor may close the bracket that it opens, or step over the closer that it has put there.
    Char(char),
    /// A new line, indented as the editor thinks right.
    Enter,
    /// One unit of indentation.
    Tab,
    Backspace,
    Delete,
    /// Deletes the word before the cursor.
    DeleteWord,
    /// Takes the last group of keys back.
    Undo,
    /// Moves right over what the editor has closed, by so many bytes.
    Step(usize),
    /// Places the cursors, by mouse or by search; the last one is the primary.
    Goto(Vec<usize>),
    /// Deletes a selection.
    Cut(Range<usize>),
    /// Takes ghost text, or the first part of it.
    Accept(Edit),
    /// Writes the file.
    Save,
}

/// What the editor does by itself in a language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Quotes that are closed.
    quotes: &'static str,
    /// Whether `:` at a line's end indents the next line.
    colon: bool,
}

impl Style {
    /// By the file's extension.
    pub(crate) fn of(extension: &str) -> Self {
        match extension {
            "py" => Self { quotes: "\"'", colon: true },
            "ts" => Self { quotes: "\"'`", colon: false },
            "go" => Self { quotes: "\"`", colon: false },
            _ => Self { quotes: "\"", colon: false },
        }
    }
}

/// One document, its cursors and its history.
#[derive(Clone, Debug)]
pub(crate) struct Editor {
    text: String,
    /// Rising; the last one is the primary.
    cursors: Vec<usize>,
    /// Where the closers stand that the editor has put there by itself.
    closers: Vec<usize>,
    history: Vec<Group>,
    style: Style,
    /// One level of indentation.
    unit: String,
}

/// Keys that are undone together.
#[derive(Clone, Debug)]
struct Group {
    kind: Kind,
    /// Inverse edits, in the order in which the edits were made.
    inverse: Vec<Edit>,
    cursors: Vec<usize>,
    closers: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Typing,
    Blank,
    Deleting,
    /// Never joined by another.
    Single,
}

/// What one cursor's share of a key does.
struct Change {
    edit: Edit,
    /// Where the cursor stands afterwards, counted from the edit's start.
    caret: usize,
    /// The closer in the edit's text that the editor adds, counted likewise.
    closer: Option<usize>,
}

impl Editor {
    /// Opens `text`, the cursor at its start.
    pub(crate) fn open(text: String, style: Style) -> Self {
        let unit = indentation_unit(&text);
        Self { text, cursors: vec![0], closers: Vec::new(), history: Vec::new(), style, unit }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The primary cursor.
    pub(crate) fn cursor(&self) -> usize {
        self.cursors[self.cursors.len() - 1]
    }

    /// One level of indentation.
    pub(crate) fn unit(&self) -> &str {
        &self.unit
    }

    /// Whether the editor has put a closer at `offset` by itself.
    pub(crate) fn closed_at(&self, offset: usize) -> bool {
        self.closers.contains(&offset)
    }

    /// Presses `key`; the edits are to be applied in order.
    pub(crate) fn press(&mut self, key: &Key) -> Vec<Edit> {
        match key {
            Key::Char(typed) => self.type_char(*typed),
            Key::Enter => self.each(Kind::Single, Self::enter),
            Key::Tab => self.each(Kind::Blank, |editor, at| Change::insert(at, &editor.unit)),
            Key::Backspace => self.each(Kind::Deleting, Self::backspace),
            Key::Delete => self.each(Kind::Deleting, |editor, at| {
                let next = editor.text[at..].chars().next().map_or(0, char::len_utf8);
                Change::delete(at..at + next)
            }),
            Key::DeleteWord => self.each(Kind::Single, |editor, at| {
                let word =
                    editor.text[..at].chars().rev().take_while(|&c| is_word(c)).map(char::len_utf8).sum::<usize>();
                Change::delete(at - word..at)
            }),
            Key::Undo => self.undo(),
            Key::Step(bytes) => {
                let past = self.cursor() + bytes;
                self.place(vec![past]);
                Vec::new()
            }
            Key::Goto(cursors) => {
                self.place(cursors.clone());
                Vec::new()
            }
            Key::Cut(range) => {
                self.place(vec![range.end]);
                self.each(Kind::Single, |_, _| Change::delete(range.clone()))
            }
            Key::Accept(edit) => {
                self.each(Kind::Single, |_, _| Change { caret: edit.text.len(), edit: edit.clone(), closer: None })
            }
            Key::Save => Vec::new(),
        }
    }

    fn place(&mut self, mut cursors: Vec<usize>) {
        cursors.sort_unstable();
        self.cursors = cursors;
        // What comes next is a group of its own.
        if let Some(last) = self.history.last_mut() {
            last.kind = Kind::Single;
        }
    }

    fn type_char(&mut self, typed: char) -> Vec<Edit> {
        let over = |editor: &Self, at: usize| {
            editor.closed_at(at) && editor.text[at..].starts_with(typed) && !editor.text[..at].ends_with('\\')
        };
        if self.cursors.iter().all(|&at| over(self, at)) {
            for cursor in &mut self.cursors {
                self.closers.retain(|closer| closer != cursor);
                *cursor += typed.len_utf8();
            }
            return Vec::new();
        }
        let kind = if typed.is_whitespace() { Kind::Blank } else { Kind::Typing };
        self.each(kind, |editor, at| {
            let mut change = Change::insert(at, typed.encode_utf8(&mut [0; 4]));
            if let Some(closer) = editor.closer_for(typed, at) {
                change.closer = Some(change.edit.text.len());
                change.edit.text.push(closer);
            }
            change
        })
    }

    /// What the editor adds behind an opener typed at `at`: only before a blank, a closer or the end, and for quotes only after what is no word.
    fn closer_for(&self, typed: char, at: usize) -> Option<char> {
        let before = self.text[..at].chars().next_back();
        let room = self.text[at..].chars().next().is_none_or(|next| next.is_whitespace() || ")]};,".contains(next));
        let closer = matching(typed).or_else(|| {
            let opens = self.style.quotes.contains(typed) && before.is_none_or(|c| !is_word(c) && c != typed);
            opens.then_some(typed)
        });
        closer.filter(|_| room && before != Some('\\'))
    }

    fn enter(&self, at: usize) -> Change {
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = &self.text[start..at];
        let indent = &line[..line.len() - line.trim_start().len()];
        let last = line.trim_end().chars().next_back();
        let opener = last.and_then(matching);
        let deeper = opener.is_some() || (self.style.colon && last == Some(':'));
        // A line of nothing but indentation is left empty.
        let from = if line.trim().is_empty() { start } else { at };
        let mut text = format!("\n{indent}{}", if deeper { self.unit.as_str() } else { "" });
        let caret = text.len();
        if opener.is_some() && opener == self.text[at..].chars().next() {
            text.push('\n');
            text.push_str(indent);
        }
        Change { edit: Edit { range: from..at, text }, caret, closer: None }
    }

    fn backspace(&self, at: usize) -> Change {
        let line = &self.text[self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)..at];
        let Some(last) = self.text[..at].chars().next_back() else { return Change::delete(at..at) };
        let blanks = !line.is_empty() && line.chars().all(|c| c == ' ') && self.unit.starts_with(' ');
        let back = if blanks { (line.len() - 1) % self.unit.len() + 1 } else { last.len_utf8() };
        let pair = self.closed_at(at)
            && (matching(last).is_some_and(|closer| self.text[at..].starts_with(closer))
                || (self.style.quotes.contains(last) && self.text[at..].starts_with(last)));
        Change::delete(at - back..at + usize::from(pair))
    }

    /// Makes the same kind of change at every cursor, from the last to the first, so that each edit's offsets are those of the text it meets.
    fn each(&mut self, kind: Kind, change: impl Fn(&Self, usize) -> Change) -> Vec<Edit> {
        let changes: Vec<Change> = self.cursors.iter().map(|&at| change(self, at)).collect();
        self.open_group(kind);
        let mut moved = 0_isize;
        for (cursor, change) in self.cursors.iter_mut().zip(&changes) {
            *cursor = (change.edit.range.start + change.caret).saturating_add_signed(moved);
            moved += change.edit.growth();
        }
        let mut edits = Vec::new();
        for change in changes.into_iter().rev().filter(|change| !change.edit.changes_nothing()) {
            let inverse = self.apply(&change.edit);
            if let Some(group) = self.history.last_mut() {
                group.inverse.push(inverse);
            }
            self.closers.extend(change.closer.map(|closer| change.edit.range.start + closer));
            edits.push(change.edit);
        }
        edits
    }

    fn open_group(&mut self, kind: Kind) {
        let joins = |last: &Group| match (last.kind, kind) {
            (Kind::Single, _) | (_, Kind::Single) | (Kind::Blank, Kind::Typing) => false,
            (last, new) => (last == Kind::Deleting) == (new == Kind::Deleting),
        };
        match self.history.last_mut() {
            Some(last) if joins(last) => last.kind = kind,
            _ => {
                let (cursors, closers) = (self.cursors.clone(), self.closers.clone());
                self.history.push(Group { kind, inverse: Vec::new(), cursors, closers });
            }
        }
    }

    fn undo(&mut self) -> Vec<Edit> {
        let Some(group) = self.history.pop() else { return Vec::new() };
        let edits: Vec<Edit> = group.inverse.into_iter().rev().collect();
        for edit in &edits {
            self.apply(edit);
        }
        self.closers = group.closers;
        self.place(group.cursors);
        edits
    }

    /// Changes the text and moves the closers along; gives the inverse.
    fn apply(&mut self, edit: &Edit) -> Edit {
        let Range { start, end } = edit.range;
        let growth = edit.growth();
        self.closers.retain(|closer| !edit.range.contains(closer));
        for closer in self.closers.iter_mut().filter(|closer| **closer >= end) {
            *closer = closer.saturating_add_signed(growth);
        }
        let old = self.text[start..end].to_owned();
        self.text.replace_range(start..end, &edit.text);
        Edit { range: start..start + edit.text.len(), text: old }
    }
}

impl Edit {
    fn growth(&self) -> isize {
        self.text.len().cast_signed() - self.range.len().cast_signed()
    }

    fn changes_nothing(&self) -> bool {
        self.range.is_empty() && self.text.is_empty()
    }
}

impl Change {
    fn insert(at: usize, text: &str) -> Self {
        Self { caret: text.len(), edit: Edit { range: at..at, text: text.to_owned() }, closer: None }
    }

    fn delete(range: Range<usize>) -> Self {
        Self { caret: 0, edit: Edit { range, text: String::new() }, closer: None }
    }
}

/// The closer of a bracket.
pub(crate) fn matching(opener: char) -> Option<char> {
    match opener {
        '(' => Some(')'),
        '[' => Some(']'),
        '{' => Some('}'),
        _ => None,
    }
}

/// Whether `c` is part of a word.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A tab if any line starts with one; else the smallest run of two or more blanks that opens a line (4 at most).
fn indentation_unit(text: &str) -> String {
    if text.lines().any(|line| line.starts_with('\t')) {
        return "\t".to_owned();
    }
    let runs = text.lines().map(|line| line.len() - line.trim_start_matches(' ').len());
    " ".repeat(runs.filter(|&run| run >= 2).min().unwrap_or(4).min(4))
}

#[cfg(test)]
mod tests;
