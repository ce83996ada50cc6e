//! Plays sessions against a peer, key by key, and records what each key cost.

use std::{collections::BTreeMap, time::Instant};

use anyhow::Result;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use crate::{
    editor::{Edit, Editor, Key, Style},
    trace::{Draft, Session, typist::Typist},
};

/// What is being measured: a completion system with documents.
pub(crate) trait Peer {
    /// A document is opened and has the focus.
    async fn open(&mut self, path: &str, text: &str) -> Result<()>;
    /// Another open document gets the focus.
    async fn focus(&mut self, from: View<'_>, to: View<'_>) -> Result<()>;
    /// `edits` were made one after the other; `view` is what came of them.
    async fn change(&mut self, edits: &[Edit], view: View<'_>) -> Result<()>;
    /// What is to be shown at the cursor.
    async fn ask(&mut self, view: View<'_>) -> Result<Answer>;
    /// The last ghost text was taken: whole, or its first bytes.
    async fn accepted(&mut self, taken: &Edit) -> Result<()>;
    /// The document was written.
    async fn saved(&mut self, view: View<'_>) -> Result<()>;
    /// The person does nothing for so long; `away` with the hands off the text.
    async fn idle(&mut self, milliseconds: u32, away: bool) -> Result<()>;
    /// The document is closed.
    async fn close(&mut self, path: &str) -> Result<()>;
}

/// A document on the screen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    pub(crate) cursor: usize,
}

/// A peer's answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) ghost: Option<Edit>,
    /// What the model did for it; `None` where it was not asked.
    pub(crate) cost: Option<Cost>,
    /// From the question to the answer, in milliseconds.
    pub(crate) took: f64,
}

/// What the model did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// Prompt tokens computed.
    pub(crate) prefilled: usize,
    /// Prompt tokens found in the cache.
    pub(crate) reused: usize,
    pub(crate) decoded: usize,
    /// From the question to the first token, in milliseconds.
    pub(crate) first_token: f64,
    /// Where in the prompt the first token lies that was not in the cache.
    pub(crate) broken: Part,
}

/// A part of a prompt, as far as it tells why the cache ended there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    /// Context from elsewhere.
    Extra,
    /// The window's first line is another one.
    Window,
    /// Text before the cursor, above what is being typed.
    Prefix,
    Suffix,
    /// What is being typed.
    #[default]
    Tail,
}

/// How a key was served, or why it was not served from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cause {
    /// The ghost text still holds: the model was not asked.
    Kept,
    /// Only what was typed was computed, and at most [`SLACK`] tokens more.
    Appended,
    /// The first question in a document.
    First,
    /// The last question was about another document.
    OtherDocument,
    /// The cursor went elsewhere.
    Jump,
    /// Text changed at several cursors.
    SeveralCursors,
    /// Something was taken back or cut.
    TakenBack,
    /// Context from elsewhere changed.
    ContextChanged,
    /// The window moved.
    WindowMoved,
    /// The prefix above the typed text was computed again.
    PrefixChanged,
    /// The suffix was computed again.
    SuffixChanged,
    /// More of the line was tokenised anew than was typed.
    TailRetokenised,
    /// Nothing to be asked.
    NotAsked,
}

/// Tokens beyond the typed characters that still count as appended.
pub(crate) const SLACK: usize = 4;

/// One key and what it cost.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    pub(crate) session: usize,
    pub(crate) language: String,
    /// What was pressed.
    pub(crate) key: String,
    pub(crate) cause: Cause,
    pub(crate) prefilled: usize,
    pub(crate) reused: usize,
    pub(crate) decoded: usize,
    pub(crate) shown: bool,
    /// From the key to the answer, in milliseconds.
    pub(crate) took: f64,
    /// From the key to the first token, where the model was asked.
    pub(crate) first_token: Option<f64>,
}

/// How much is played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Keys in all.
    pub(crate) keys: usize,
    /// Keys of one session at most.
    pub(crate) per_session: usize,
}

impl Extent {
    /// Keys of the next session, where `played` are played already.
    pub(crate) fn next(self, played: usize) -> usize {
        self.per_session.min(self.keys.saturating_sub(played))
    }
}

/// Plays `sessions` in order until the extent is reached.
pub(crate) async fn play<P: Peer>(
    peer: &mut P,
    sessions: &[Session],
    extent: Extent,
    progress: &ProgressBar,
) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for (index, session) in sessions.iter().enumerate() {
        let most = extent.next(records.len());
        records.extend(play_session(peer, index, session, most, progress).await?);
    }
    Ok(records)
}

/// Plays at most `most` keys of a session.
pub(crate) async fn play_session<P: Peer>(
    peer: &mut P,
    index: usize,
    session: &Session,
    most: usize,
    progress: &ProgressBar,
) -> Result<Vec<Record>> {
    Desk::new(index, session).work(peer, most, progress).await
}

/// One session being played.
struct Desk<'a> {
    index: usize,
    drafts: &'a [Draft],
    typist: Typist<'a>,
    editors: Vec<Editor>,
    opened: Vec<bool>,
    focus: Option<usize>,
    /// What happened since the last question, by document.
    since: BTreeMap<usize, Since>,
    /// The document of the last question.
    asked: Option<usize>,
}

/// What happened in a document since its last question.
#[derive(Clone, Copy, Debug, Default)]
struct Since {
    typed: usize,
    jumped: bool,
    several: bool,
    taken_back: bool,
}

impl<'a> Desk<'a> {
    fn new(index: usize, session: &'a Session) -> Self {
        let editors = session.drafts.iter().map(|draft| Editor::open(draft.opened(), Style::of(draft.extension())));
        Self {
            index,
            drafts: &session.drafts,
            typist: Typist::new(session),
            editors: editors.collect(),
            opened: vec![false; session.drafts.len()],
            focus: None,
            since: BTreeMap::new(),
            asked: None,
        }
    }

    async fn work<P: Peer>(mut self, peer: &mut P, most: usize, progress: &ProgressBar) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut ghost = None;
        while records.len() < most {
            let Some(action) = self.typist.next(&self.editors, ghost.as_ref()) else { break };
            peer.idle(action.pause, matches!(action.key, Key::Goto(_))).await?;
            self.turn_to(peer, action.document).await?;
            let pressed = Instant::now();
            let several = matches!(&action.key, Key::Goto(cursors) if cursors.len() > 1);
            let edits = self.editors[action.document].press(&action.key);
            if let Key::Accept(taken) = &action.key {
                peer.accepted(taken).await?;
            }
            let view = self.view(action.document);
            if !edits.is_empty() {
                peer.change(&edits, view).await?;
            }
            if action.key == Key::Save {
                peer.saved(view).await?;
                continue;
            }
            let sent = pressed.elapsed().as_secs_f64() * 1e3;
            let answer = peer.ask(view).await?;
            self.note(action.document, &action.key, &edits, several);
            records.push(self.record(action.document, &action.key, &answer, sent));
            ghost = answer.ghost;
            progress.inc(1);
        }
        for (document, draft) in self.drafts.iter().enumerate() {
            if self.opened[document] {
                peer.close(&draft.path).await?;
            }
        }
        Ok(records)
    }

    fn view(&self, document: usize) -> View<'_> {
        let editor = &self.editors[document];
        View { path: &self.drafts[document].path, text: editor.text(), cursor: editor.cursor() }
    }

    /// Opens the document or gives it the focus.
    async fn turn_to<P: Peer>(&mut self, peer: &mut P, document: usize) -> Result<()> {
        if !self.opened[document] {
            self.opened[document] = true;
            peer.open(&self.drafts[document].path, self.editors[document].text()).await?;
        } else if let Some(last) = self.focus.filter(|&last| last != document) {
            peer.focus(self.view(last), self.view(document)).await?;
        }
        self.focus = Some(document);
        Ok(())
    }

    fn note(&mut self, document: usize, key: &Key, edits: &[Edit], several: bool) {
        let since = self.since.entry(document).or_default();
        since.typed += edits.iter().map(|edit| edit.text.chars().count()).sum::<usize>();
        since.jumped |= matches!(key, Key::Goto(_) | Key::Step(_));
        since.several |= several || edits.len() > 1;
        since.taken_back |= matches!(key, Key::Undo | Key::Cut(_) | Key::DeleteWord);
    }

    fn record(&mut self, document: usize, key: &Key, answer: &Answer, sent: f64) -> Record {
        let cost = answer.cost.unwrap_or_default();
        let cause = match &answer.cost {
            Some(cost) => self.cause(document, cost),
            None if answer.ghost.is_some() => Cause::Kept,
            None => Cause::NotAsked,
        };
        if answer.cost.is_some() {
            self.since.insert(document, Since::default());
            self.asked = Some(document);
        }
        Record {
            session: self.index,
            language: self.drafts[document].extension().to_owned(),
            key: key.name().to_owned(),
            cause,
            prefilled: cost.prefilled,
            reused: cost.reused,
            decoded: cost.decoded,
            shown: answer.ghost.is_some(),
            took: sent + answer.took,
            first_token: answer.cost.map(|cost| sent + cost.first_token),
        }
    }

    fn cause(&self, document: usize, cost: &Cost) -> Cause {
        let since = self.since.get(&document).copied().unwrap_or_default();
        if cost.prefilled <= since.typed + SLACK {
            return Cause::Appended;
        }
        match self.asked {
            None => return Cause::First,
            Some(last) if last != document => return Cause::OtherDocument,
            Some(_) => {}
        }
        match cost.broken {
            Part::Extra => Cause::ContextChanged,
            _ if since.several => Cause::SeveralCursors,
            _ if since.jumped => Cause::Jump,
            _ if since.taken_back => Cause::TakenBack,
            Part::Window => Cause::WindowMoved,
            Part::Prefix => Cause::PrefixChanged,
            Part::Suffix => Cause::SuffixChanged,
            Part::Tail => Cause::TailRetokenised,
        }
    }
}

impl Key {
    /// As tables name it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Key::Char(_) => "character",
            Key::Enter => "enter",
            Key::Tab => "tab",
            Key::Backspace | Key::Delete | Key::DeleteWord => "delete",
            Key::Undo => "undo",
            Key::Step(_) => "step",
            Key::Goto(_) => "jump",
            Key::Cut(_) => "cut",
            Key::Accept(_) => "accept",
            Key::Save => "save",
        }
    }
}
