//! The person who types: looks at the buffer and at the ghost text, and presses the next key.
//!
//! Every decision is a function of the place in the task, so that the same session is typed alike whatever is suggested, but for what is accepted.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Range,
};

use super::{Draft, Hole, Piece, Session};
use crate::{
    dice::Dice,
    editor::{Edit, Editor, Key, is_word, matching},
};

/// One key, in one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Action {
    /// Index of the document.
    pub(crate) document: usize,
    pub(crate) key: Key,
    /// Milliseconds since the last key.
    pub(crate) pause: u32,
}

/// A person at work on a session.
#[derive(Debug)]
pub(crate) struct Typist<'a> {
    session: &'a Session,
    /// Tasks begun so far.
    begun: usize,
    /// For each document, which tasks are done.
    done: Vec<Vec<bool>>,
    work: Option<Work<'a>>,
}

/// The task at hand.
#[derive(Debug)]
struct Work<'a> {
    document: usize,
    dice: Dice,
    /// Where the hole begins, and how many bytes follow it: both stand still while it is filled.
    start: usize,
    behind: usize,
    /// What must stand in it; `None` where several cursors do what is queued and no more.
    target: Option<&'a str>,
    queue: VecDeque<Key>,
    /// Questions already decided with yes at a place: nobody slips twice at the same letter.
    past: BTreeSet<(&'static str, usize)>,
}

/// Chances, each at a place where it can be.
const SLIP: f64 = 0.015;
const SECOND_THOUGHT: f64 = 0.02;
const TAKE_WHOLE: f64 = 0.75;
const TAKE_WORD: f64 = 0.35;
const REGRET: f64 = 0.04;
const SAVE: f64 = 0.3;
/// Ghost text that saves fewer bytes than this is not worth a key.
const WORTH: usize = 4;
/// Wrong text longer than this is selected and cut.
const LONG: usize = 24;

impl<'a> Typist<'a> {
    pub(crate) fn new(session: &'a Session) -> Self {
        let done = session.drafts.iter().map(|draft| vec![false; draft.tasks]).collect();
        Self { session, begun: 0, done, work: None }
    }

    /// The next key, for as long as there is something to do. `editors` are the documents' states, `ghost` is what the screen suggests in the last key's document.
    pub(crate) fn next(&mut self, editors: &[Editor], ghost: Option<&Edit>) -> Option<Action> {
        let Some(work) = &mut self.work else { return self.begin(editors) };
        let document = work.document;
        let key = work.next_key(&editors[document], ghost);
        let pause = work.pause(&editors[document], &key);
        if work.is_done(&key) {
            let (_, task) = self.session.order[self.begun - 1];
            self.done[document][task] = true;
            self.work = None;
        }
        match key {
            Some(key) => Some(Action { document, key, pause }),
            None => self.begin(editors),
        }
    }

    /// Goes to the next task's place.
    fn begin(&mut self, editors: &[Editor]) -> Option<Action> {
        let &(document, task) = self.session.order.get(self.begun)?;
        let dice = self.session.dice.on("task").at(self.begun);
        self.begun += 1;
        let holes = self.holes(&self.session.drafts[document], document, task);
        let cursors = holes.iter().map(|(range, _)| range.end).collect();
        let (first, hole) = holes.first()?;
        let (target, queue) = match holes.len() {
            1 => (Some(hole.new.as_str()), VecDeque::new()),
            _ => (None, retype(hole)),
        };
        let behind = editors[document].text().len() - first.end;
        self.work = Some(Work { document, dice, start: first.start, behind, target, queue, past: BTreeSet::new() });
        Some(Action { document, key: Key::Goto(cursors), pause: 700 + (dice.on("look").share() * 3000.0) as u32 })
    }

    /// Where the holes of a task are now.
    fn holes(&self, draft: &'a Draft, document: usize, task: usize) -> Vec<(Range<usize>, &'a Hole)> {
        let mut at = 0;
        let mut holes = Vec::new();
        for piece in &draft.pieces {
            let length = match piece {
                Piece::Kept(text) => text.len(),
                Piece::Hole(hole) if self.done[document][hole.task] => hole.new.len(),
                Piece::Hole(hole) => hole.old.len(),
            };
            if let Piece::Hole(hole) = piece
                && hole.task == task
            {
                holes.push((at..at + length, hole));
            }
            at += length;
        }
        holes
    }
}

impl Work<'_> {
    /// `None` where nothing is left to do.
    fn next_key(&mut self, editor: &Editor, ghost: Option<&Edit>) -> Option<Key> {
        if let Some(key) = self.queue.pop_front() {
            return Some(key);
        }
        let target = self.target?;
        let cursor = editor.cursor();
        let (typed, closed) =
            (&editor.text()[self.start..cursor], &editor.text()[cursor..editor.text().len() - self.behind]);
        let common = typed.bytes().zip(target.bytes()).take_while(|(left, right)| left == right).count();
        if common < typed.len() {
            return Some(mend(typed, target, common, self.start));
        }
        let rest = &target[typed.len()..];
        if rest.is_empty() {
            return (!closed.is_empty()).then_some(Key::Delete);
        }
        if let Some(key) = ghost.and_then(|ghost| self.take(ghost, cursor, typed, closed)) {
            return Some(key);
        }
        if let Some(past) = block_end(closed).filter(|&past| rest.starts_with(&closed[..past])) {
            return Some(Key::Step(past));
        }
        let next = rest.chars().next()?;
        if next == '\n' {
            return Some(self.end_line(typed, closed));
        }
        let fresh_line = typed.rsplit('\n').next().is_some_and(|line| line.trim().is_empty()) && typed.contains('\n');
        if fresh_line && rest.starts_with(editor.unit()) {
            return Some(Key::Tab);
        }
        self.slip(typed.len(), rest, next);
        self.queue.pop_front().or(Some(Key::Char(next)))
    }

    /// Whether `key` was the last one.
    fn is_done(&self, key: &Option<Key>) -> bool {
        key.is_none() || (self.target.is_none() && self.queue.is_empty())
    }

    /// Accepts what is right, whole or its first word. Now and then regrets it, and types by hand.
    fn take(&mut self, ghost: &Edit, cursor: usize, typed: &str, closed: &str) -> Option<Key> {
        let target = self.target?;
        let dice = self.dice.at(typed.len());
        let Range { start, end } = ghost.range;
        let reachable = self.start <= start && start <= cursor && cursor <= end && end <= cursor + closed.len();
        if !reachable || self.past.contains(&("accept", typed.len())) {
            return None;
        }
        let whole = format!("{}{}", &typed[..start - self.start], ghost.text);
        let accepted = if target.starts_with(&whole) && whole.len() >= typed.len() + WORTH {
            dice.on("whole").chance(TAKE_WHOLE).then(|| ghost.clone())
        } else {
            let word = first_word(whole.strip_prefix(typed)?);
            let right = word.len() >= WORTH && target[typed.len()..].starts_with(word);
            (right && dice.on("word").chance(TAKE_WORD)).then(|| Edit { range: cursor..cursor, text: word.to_owned() })
        }?;
        self.past.insert(("accept", typed.len()));
        if dice.on("regret").chance(REGRET) {
            self.queue.push_back(Key::Undo);
        }
        Some(Key::Accept(accepted))
    }

    /// Types Enter; before it removes what the editor has closed and nobody wants, saves, or thinks twice about a word.
    fn end_line(&mut self, typed: &str, closed: &str) -> Key {
        let dice = self.dice.at(typed.len());
        let opened = typed.trim_end_matches(' ').chars().next_back().and_then(matching);
        let expands = opened.is_some() && opened == closed.chars().next();
        if !closed.is_empty() && !closed.starts_with('\n') && !expands {
            return Key::Delete;
        }
        if closed.is_empty() && self.decide("second", typed.len(), SECOND_THOUGHT) {
            let word: Vec<char> = typed.chars().filter(char::is_ascii_alphabetic).take(3 + dice.below(6)).collect();
            self.queue.extend(word.into_iter().map(Key::Char));
            self.queue.push_back(Key::Undo);
            return Key::Char(' ');
        }
        let ends_in_word = typed.chars().next_back().is_some_and(is_word);
        if closed.is_empty() && ends_in_word && self.decide("strike", typed.len(), SECOND_THOUGHT) {
            self.queue.push_back(Key::Undo);
            return Key::DeleteWord;
        }
        if self.decide("save", typed.len(), SAVE / 4.0) {
            return Key::Save;
        }
        Key::Enter
    }

    /// Now and then the finger lands beside its key, which is seen a letter or two later.
    fn slip(&mut self, at: usize, rest: &str, next: char) {
        let beside = neighbour(next, self.dice.at(at).on("beside"));
        if let Some(beside) = beside.filter(|_| self.decide("slip", at, SLIP)) {
            let unseen = self.dice.at(at).on("unseen").below(3);
            let on = rest.chars().skip(1).take_while(|&c| is_word(c)).take(unseen);
            self.queue.extend([beside].into_iter().chain(on).map(Key::Char));
        }
    }

    /// Yes with `probability`, once a place.
    fn decide(&mut self, question: &'static str, at: usize, probability: f64) -> bool {
        self.dice.at(at).on(question).chance(probability) && self.past.insert((question, at))
    }

    /// Milliseconds before `key`: letters follow fast, words and lines slower, and at times one thinks.
    fn pause(&self, editor: &Editor, key: &Option<Key>) -> u32 {
        let dice = self.dice.at(editor.cursor().wrapping_sub(self.start)).on("pause");
        let before = editor.text()[..editor.cursor()].chars().next_back();
        let usual = match key {
            Some(Key::Char(c)) if is_word(*c) && before.is_some_and(is_word) => 110.0,
            Some(Key::Char(_) | Key::Backspace | Key::Delete) => 170.0,
            Some(Key::Accept(_) | Key::Undo | Key::Cut(_)) => 650.0,
            _ => 320.0,
        };
        let thinks = if dice.on("thinks").chance(0.012) { 1000.0 + 4000.0 * dice.on("long").share() } else { 0.0 };
        (usual * (0.5 + dice.share() + dice.on("slow").share().powi(4)) + thinks) as u32
    }
}

/// What several cursors do: take the wrong letters away and type the right ones.
fn retype(hole: &Hole) -> VecDeque<Key> {
    let back = hole.old.chars().map(|_| Key::Backspace);
    back.chain(hole.new.chars().map(Key::Char)).collect()
}

/// Takes back what is wrong, key by key, or all at once where it is much.
fn mend(typed: &str, target: &str, common: usize, start: usize) -> Key {
    let common = (0..=common).rev().find(|&at| typed.is_char_boundary(at) && target.is_char_boundary(at)).unwrap_or(0);
    if typed.len() - common > LONG { Key::Cut(start + common..start + typed.len()) } else { Key::Backspace }
}

/// Bytes up to behind the closer of a block whose end is on a line below: what one steps over by going down.
fn block_end(closed: &str) -> Option<usize> {
    let line = closed.strip_prefix('\n')?;
    let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
    line[blank..].starts_with([')', ']', '}']).then_some(blank + 2)
}

/// Blanks and the word, or the signs, behind them.
fn first_word(text: &str) -> &str {
    let body = text.trim_start();
    let blank = text.len() - body.len();
    let word = body.find(|c| !is_word(c)).unwrap_or(body.len());
    let end = if word > 0 { word } else { body.find(is_word).unwrap_or(body.len()) };
    text[..blank + end].trim_end()
}

/// A letter beside `key` on a keyboard; letters only.
fn neighbour(key: char, dice: Dice) -> Option<char> {
    let row = ["qwertyuiop", "asdfghjkl", "zxcvbnm"].into_iter().find(|row| row.contains(key))?;
    let at = row.find(key)?;
    let beside = if (dice.chance(0.5) && at > 0) || at + 1 == row.len() { at - 1 } else { at + 1 };
    row[beside..].chars().next()
}
