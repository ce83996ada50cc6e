//! What is typed: a file with pieces missing, spoilt or too many, and in which order they are put right.

pub(crate) mod typist;

use std::ops::Range;

use crate::{dice::Dice, editor::is_word};

/// A document of a session: what it is when it is opened and what must have become of it.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The file as the editor names it.
    pub(crate) path: String,
    pub(crate) pieces: Vec<Piece>,
    /// How many tasks the holes belong to.
    pub(crate) tasks: usize,
}

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it was and will be.
    Kept(String),
    /// Something to do.
    Hole(Hole),
}

/// `old` is to become `new`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    /// Holes of one task are done at once, with several cursors.
    pub(crate) task: usize,
    pub(crate) old: String,
    pub(crate) new: String,
}

/// One editing session: a few documents, and the tasks in the order in which they are done.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) drafts: Vec<Draft>,
    /// (document, task) pairs.
    pub(crate) order: Vec<(usize, usize)>,
    pub(crate) dice: Dice,
}

/// Documents of a session.
const DOCUMENTS: usize = 2;
/// Chance that the next task lies in the other document.
const HOP: f64 = 0.2;

impl Session {
    /// The sessions over `files` (path and text), two files of one language each, languages taking turns; always the same for a seed.
    pub(crate) fn all(files: &[(String, String)], seed: u64) -> Vec<Self> {
        let dice = Dice::new(seed);
        let mut languages: Vec<&str> = files.iter().map(|(path, _)| extension(path)).collect();
        languages.sort_unstable();
        languages.dedup();
        let mut queues: Vec<Vec<Vec<(String, String)>>> = languages
            .iter()
            .map(|language| {
                let own = files.iter().filter(|(path, _)| extension(path) == *language).cloned().collect();
                dice.on(language).shuffled(own).chunks(DOCUMENTS).map(<[_]>::to_vec).rev().collect()
            })
            .collect();
        let mut sessions = Vec::new();
        while queues.iter().any(|queue| !queue.is_empty()) {
            for queue in &mut queues {
                sessions.extend(queue.pop().map(|files| Self::of(files, dice.at(sessions.len()))));
            }
        }
        sessions
    }

    fn of(files: Vec<(String, String)>, dice: Dice) -> Self {
        let drafts: Vec<Draft> = files
            .into_iter()
            .enumerate()
            .map(|(index, (path, text))| Draft::of(path, &text, dice.on("draft").at(index)))
            .collect();
        let mut left: Vec<Vec<usize>> = drafts
            .iter()
            .enumerate()
            .map(|(index, draft)| dice.on("order").at(index).shuffled((0..draft.tasks).collect()))
            .collect();
        let mut order = Vec::new();
        let mut document = 0;
        while left.iter().any(|tasks| !tasks.is_empty()) {
            if dice.on("hop").at(order.len()).chance(HOP) || left[document].is_empty() {
                document = (document + 1) % left.len();
            }
            order.extend(left[document].pop().map(|task| (document, task)));
        }
        Self { drafts, order, dice }
    }
}

impl Draft {
    /// Spoils `text`.
    pub(crate) fn of(path: String, text: &str, dice: Dice) -> Self {
        let mut spoilt = Spoilt { text, tasks: 0, holes: Vec::new() };
        let lines = line_ranges(text);
        spoilt.take_lines_out(&lines, dice.on("lines"));
        spoilt.rename(dice.on("rename"));
        spoilt.replace_words(&lines, dice.on("words"));
        spoilt.put_lines_in(&lines, dice.on("doubles"));
        spoilt.into_draft(path)
    }

    /// Its file name's extension, which is the language.
    pub(crate) fn extension(&self) -> &str {
        extension(&self.path)
    }

    /// What the document is when it is opened.
    pub(crate) fn opened(&self) -> String {
        self.join(|hole| &hole.old)
    }

    /// What must have become of it.
    pub(crate) fn finished(&self) -> String {
        self.join(|hole| &hole.new)
    }

    fn join<'a>(&'a self, state: impl Fn(&'a Hole) -> &'a str) -> String {
        let part = |piece: &'a Piece| match piece {
            Piece::Kept(text) => text.as_str(),
            Piece::Hole(hole) => state(hole),
        };
        self.pieces.iter().map(part).collect()
    }
}

/// A text in which holes are being made.
struct Spoilt<'a> {
    text: &'a str,
    tasks: usize,
    /// What stands at a range of the text, and the hole that is made there.
    holes: Vec<(Range<usize>, Hole)>,
}

/// Bytes between holes, so that no task touches another's text.
const MARGIN: usize = 2;

impl<'a> Spoilt<'a> {
    fn is_free(&self, range: &Range<usize>) -> bool {
        self.holes.iter().all(|(taken, _)| range.end + MARGIN < taken.start || taken.end + MARGIN < range.start)
    }

    fn spoil(&mut self, range: Range<usize>, old: String) {
        let new = self.text[range.clone()].to_owned();
        self.holes.push((range, Hole { task: self.tasks, old, new }));
    }

    /// Hunks of 1 to 24 lines, about a third of the file.
    fn take_lines_out(&mut self, lines: &[Range<usize>], dice: Dice) {
        let line = |index: usize| &self.text[lines[index].clone()];
        let blank = |index: usize| line(index).is_empty();
        let mut hunks = Vec::new();
        let mut first = 2 + dice.below(12);
        while first < lines.len() {
            let dice = dice.at(first);
            let length = if dice.on("short").chance(0.6) {
                1 + dice.on("length").below(6)
            } else {
                6 + dice.on("length").below(18)
            };
            let end = (first + length).min(lines.len());
            // People add paragraphs: the hunk ends before a blank line if there is one near.
            let end = (end..lines.len().min(end + 5)).find(|&index| blank(index)).unwrap_or(end);
            let typeable = (first..end).all(|index| line(index).trim_end() == line(index));
            if typeable && !blank(first) && !blank(end - 1) {
                hunks.push(lines[first - 1].end..lines[end - 1].end);
                first = end + 8 + dice.on("gap").below(24);
            } else {
                first += 1;
            }
        }
        for hunk in hunks {
            self.spoil(hunk, String::new());
            self.tasks += 1;
        }
    }

    /// A name that occurs a few times close together and is misspelt everywhere: several cursors at once.
    fn rename(&mut self, dice: Dice) {
        /// How far apart the occurrences may be, in bytes.
        const NEAR: usize = 900;
        let words = words(self.text);
        for (index, word) in dice.shuffled(words.clone()).into_iter().enumerate().take(40) {
            let name = &self.text[word.clone()];
            let tail = 2 + dice.at(index).below(3);
            if name.len() < tail + 3 {
                continue;
            }
            let same: Vec<Range<usize>> = words
                .iter()
                .filter(|other| {
                    word.start <= other.start && other.end < word.start + NEAR && self.text[(*other).clone()] == *name
                })
                .map(|other| other.end - tail..other.end)
                .collect();
            if (2..=4).contains(&same.len()) && same.iter().all(|range| self.is_free(range)) {
                let old = if dice.at(index).on("cut").chance(0.5) { "" } else { "zq" };
                for range in same {
                    self.spoil(range, old.to_owned());
                }
                self.tasks += 1;
                return;
            }
        }
    }

    /// Words that stand in another's place.
    fn replace_words(&mut self, lines: &[Range<usize>], dice: Dice) {
        let words = words(self.text);
        for (index, word) in dice.shuffled(words.clone()).into_iter().enumerate().take(lines.len() / 60 + 1) {
            let other = &self.text[words[dice.at(index).below(words.len())].clone()];
            if self.is_free(&word) && other != &self.text[word.clone()] {
                self.spoil(word, other.to_owned());
                self.tasks += 1;
            }
        }
    }

    /// Lines that stand there once too often.
    fn put_lines_in(&mut self, lines: &[Range<usize>], dice: Dice) {
        for index in 0..lines.len() / 120 + 1 {
            let dice = dice.at(index);
            let after = lines[dice.on("place").below(lines.len())].end;
            let copied = &self.text[lines[dice.on("copied").below(lines.len())].clone()];
            if self.is_free(&(after..after)) && !copied.is_empty() {
                self.spoil(after..after, format!("\n{copied}"));
                self.tasks += 1;
            }
        }
    }

    fn into_draft(mut self, path: String) -> Draft {
        self.holes.sort_by_key(|(range, _)| range.start);
        let mut pieces = Vec::new();
        let mut from = 0;
        for (range, hole) in self.holes {
            pieces.push(Piece::Kept(self.text[from..range.start].to_owned()));
            pieces.push(Piece::Hole(hole));
            from = range.end;
        }
        pieces.push(Piece::Kept(self.text[from..].to_owned()));
        Draft { path, pieces, tasks: self.tasks }
    }
}

fn extension(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

/// The lines' bytes, without their ends.
fn line_ranges(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    text.split('\n')
        .map(|line| {
            let range = start..start + line.len();
            start = range.end + 1;
            range
        })
        .collect()
}

/// Names of four letters or more, all ASCII.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_word(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                let word: &str = &text[from..at];
                if word.len() >= 4 && word.is_ascii() && !word.starts_with(|c: char| c.is_ascii_digit()) {
                    words.push(from..at);
                }
                start = None;
            }
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests;
